"""`make bench [ONLY=name] [PAGE=file]`: one JSON line a figure; non-zero when a judged goal does not hold.

`ONLY` is a figure (`submit_p50`) or a topic (`submit`, which is all that an order's way costs).  `PAGE` writes the page of
results from the same lines.  What cannot be measured here is said in one line on the error stream.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from benchmarks import (
    audit,
    backtest,
    book,
    brokers,
    decode,
    doors,
    guards,
    imports,
    kill,
    machine,
    page,
    recovery,
    routing,
    scale,
    submit,
)
from benchmarks.environments import Absent
from benchmarks.rounds import Figure

Measure = Callable[[], list[Figure]]

MEASURES: dict[tuple[str, ...], Measure] = {
    ("submit_p50", "submit_p99", "submit_p50_asyncio"): submit.sequential,
    ("submit_inflight32",): submit.together,
    ("submit_sim_p50",): submit.simulated,
    ("submit_p50_heard",): submit.heard,
    ("submit_floor",): submit.floor,
    ("submit_others",): submit.others,
    ("ibkr_submit_p50", "ibkr_overhead"): brokers.ibkr,
    ("tradier_submit_p50", "tradier_overhead"): brokers.tradier,
    ("rest_submit_overhead",): doors.rest,
    ("stream_readers",): doors.stream,
    ("guards",): guards.measure,
    ("routing",): routing.measure,
    ("decode_order",): decode.measure,
    ("import_time", "import_memory", "cli_help"): imports.measure,
    ("recovery",): recovery.measure,
    ("kill_refuse", "kill_first_cancel"): kill.measure,
    ("scale_start", "scale_memory"): scale.measure,
    ("audit_verify",): audit.measure,
    (
        "book_frame_native_vs_ccxt",
        "book_frame_python_vs_ccxt",
        "book_frame_native_vs_nautilus",
        "book_update_native_vs_nautilus",
    ): book.frames,
    ("ws_ingest_vs_picows",): book.ingest,
    ("book_stream",): book.stream,
    ("book_depth",): book.growth,
    ("backtest_vs_nautilus", "backtest_memory_vs_nautilus"): backtest.against_nautilus,
    ("backtest_vs_backtestingpy",): backtest.against_backtestingpy,
    ("backtest_vs_backtrader",): backtest.against_backtrader,
    ("backtest_growth",): backtest.growth,
}
TOPICS = {
    "backtest": frozenset(
        {"backtest_vs_nautilus", "backtest_vs_backtestingpy", "backtest_vs_backtrader", "backtest_growth"}
    ),
    "book": frozenset(
        {"book_frame_native_vs_ccxt", "ws_ingest_vs_picows", "book_stream", "book_depth"}  # one of each measurement
    ),
    "ibkr": frozenset({"ibkr_overhead", "tradier_overhead"}),
    "kill": frozenset({"kill_refuse"}),
    "server": frozenset({"rest_submit_overhead", "stream_readers"}),
    "scale": frozenset({"scale_start"}),
    "submit": frozenset(
        {
            "submit_p50",
            "submit_p50_heard",
            "submit_floor",
            "submit_inflight32",
            "submit_sim_p50",
            "guards",
            "decode_order",
            "import_time",
        }
    ),
}


def main() -> int:
    names = sorted({name for figures in MEASURES for name in figures} | set(TOPICS))
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=names, help="measure one figure or one topic")
    parser.add_argument("--page", type=Path, help="write the page of results into this file")
    chosen = parser.parse_args()
    place = machine.described()
    figures: list[Figure] = []
    for figure in _measured(chosen.only):
        sys.stdout.write(figure.line() + "\n")
        sys.stdout.flush()
        figures.append(figure)
    if chosen.page is not None:
        command = "make bench" + (f" ONLY={chosen.only}" if chosen.only else "")
        page.write(chosen.page, place, [json.loads(figure.line()) for figure in figures], command=command)
    return 1 if any(figure.holds is False for figure in figures) else 0


def _measured(only: str | None) -> Iterator[Figure]:
    wanted = TOPICS.get(only or "", frozenset({only}))
    for names, measure in MEASURES.items():
        if only is not None and wanted.isdisjoint(names):
            continue
        try:
            yield from measure()
        except Absent as error:
            sys.stderr.write(f"{', '.join(names)}: not measured, {error}\n")


if __name__ == "__main__":
    sys.exit(main())

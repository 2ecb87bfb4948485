"""`make bench [ONLY=name]`: one JSON line a figure; non-zero when a judged goal does not hold.

`ONLY` is a figure (`submit_p50`) or a topic (`submit`, which is all that an order's way costs).
"""

from __future__ import annotations

import argparse
import sys

from benchmarks import recovery, scale, submit
from benchmarks.environments import Absent
from benchmarks.rounds import Figure

MEASURES = {
    ("submit_p50", "submit_p99", "submit_p50_asyncio"): submit.sequential,
    ("submit_inflight32",): submit.together,
    ("submit_sim_p50",): submit.simulated,
    ("recovery",): recovery.measure,
    ("scale_start", "scale_memory"): scale.measure,
}
TOPICS = {
    "scale": frozenset({"scale_start"}),
    "submit": frozenset({"submit_p50", "submit_inflight32", "submit_sim_p50"}),
}


def main() -> int:
    names = sorted({name for figures in MEASURES for name in figures} | set(TOPICS))
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=names, help="measure one figure or one topic")
    chosen = parser.parse_args().only
    failed = False
    for figures, measure in MEASURES.items():
        if chosen is None or chosen in figures or TOPICS.get(chosen, frozenset()) & set(figures):
            for figure in _measured(figures, measure):
                sys.stdout.write(figure.line() + "\n")
                sys.stdout.flush()
                failed = failed or figure.holds is False
    return 1 if failed else 0


def _measured(names: tuple[str, ...], measure: object) -> list[Figure]:
    assert callable(measure)
    try:
        return measure()
    except Absent as error:
        sys.stderr.write(f"{', '.join(names)}: not measured, {error}\n")
        return []


if __name__ == "__main__":
    sys.exit(main())

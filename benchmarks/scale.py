"""What a long past costs: a whole desk that starts on journals of a thousand to a million closed orders, 1,000 open ones beside.

`scale_start` and `scale_memory` are of 100,000 closed orders.  A start is a fresh process from its first instruction to READY
against the simulated Alpaca, which has the 1,000 open orders; memory is the most it ever held (VmHWM), also after some work.
The peer reads and decodes every fact with plain sqlite3 and msgspec, and makes nothing of them.

    .venv/bin/python -m benchmarks.scale --million      # the table and the plot of docs/concepts/journal.md
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks import plot
from benchmarks.children import ours, simulator
from benchmarks.environments import ROOT
from benchmarks.journals import make_home
from benchmarks.rounds import Figure, Goal

SIZES = (1_000, 10_000, 100_000)
MILLION = 1_000_000
JUDGED, ROUNDS, WORK = 100_000, 5, 200
PEER = "plain sqlite3 and msgspec decoding every fact, in a process of its own"
PICTURE = ROOT / "docs" / "assets" / "scale.svg"


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One start: seconds since the process began, and megabytes at READY and after work (0: no work was done)."""

    imported_s: float
    recovered_s: float
    ready_s: float
    ready_mb: float
    worked_mb: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One size of journal: a start without seals, starts with them, and the peer's seconds beside each of these."""

    orders: int
    journal_mb: float
    seals_mb: float
    bare: Start
    sealed: tuple[Start, ...]
    peer_s: tuple[float, ...]


def measure() -> list[Figure]:
    """`scale_start` and `scale_memory`."""
    with simulator() as credentials:
        row = measured(credentials, JUDGED, folder=ROOT / ".tools", rounds=ROUNDS)
    peer = {"peer": row.peer_s, "peer_name": PEER}
    parts = {part: statistics.median(getattr(s, part) for s in row.sealed) for part in ("imported_s", "recovered_s")}
    extra = {"parts": parts, "without_seals_s": row.bare.ready_s, "journal_mb": row.journal_mb}
    seconds, memory = [start.ready_s for start in row.sealed], [start.worked_mb for start in row.sealed]
    unit = f"s to READY with {row.orders} closed and 1000 open orders"
    return [
        Figure(bench="scale_start", ours=seconds, unit=unit, goal=Goal(2.0, unit="s"), extra=extra, **peer),
        Figure(bench="scale_memory", ours=memory, unit="MB at most, after some work", goal=Goal(300.0, unit="MB")),
    ]


def measured(credentials: Mapping[str, str], orders: int, *, folder: Path, rounds: int) -> Row:
    """One size.  Its home is made anew, since its open orders must be those that this run's venue has."""
    home = folder / f"scale-{orders}"
    shutil.rmtree(home, ignore_errors=True)
    try:
        asyncio.run(make_home(home, credentials, orders=orders))
        return _rounds(home, credentials, orders, rounds)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _rounds(home: Path, credentials: Mapping[str, str], orders: int, rounds: int) -> Row:
    bare = started(home, credentials, work=0)
    sealed = [(started(home, credentials, work=WORK), scanned(home)) for _ in range(rounds)]
    return Row(
        orders=orders,
        journal_mb=_megabytes(home / "journal-sim.db"),
        seals_mb=sum(_megabytes(path) for path in (home / "seals").iterdir()),
        bare=bare,
        sealed=tuple(start for start, _ in sealed),
        peer_s=tuple(seconds for _, seconds in sealed),
    )


def started(home: Path, credentials: Mapping[str, str], *, work: int) -> Start:
    """A desk that starts, works a little and stops."""
    began = time.monotonic()
    with ours("benchmarks.starting", "--home", str(home), "--began", str(began), environ=credentials) as child:
        told = child.greeting
        worked_mb = float(child.ask("work", work)["peak_mb"]) if work else 0.0
    return Start(
        imported_s=told["imported_s"],
        recovered_s=told["recovered_s"],
        ready_s=told["ready_s"],
        ready_mb=told["peak_mb"],
        worked_mb=worked_mb,
    )


def scanned(home: Path) -> float:
    """The peer, on the same file: seconds from the start of its process."""
    command = [sys.executable, "-m", "benchmarks.scan", str(home / "journal-sim.db"), str(time.monotonic())]
    return float(json.loads(subprocess.run(command, cwd=ROOT, check=True, capture_output=True).stdout)["seconds"])


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


def main(argv: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.scale", description=__doc__)
    parser.add_argument("--million", action="store_true", help="a million orders too: 10 GB of disk, and half an hour")
    parser.add_argument("--folder", type=Path, default=ROOT / ".tools", help="where homes are made")
    parser.add_argument("--only", type=int, action="append", help="one size; may be repeated")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--rows", type=Path, help="a file of rows measured before; new ones are added to it")
    options = parser.parse_args(argv)
    sizes = options.only or [*SIZES, *([MILLION] if options.million else [])]
    rows = {row["orders"]: row for row in _known(options.rows)}
    with simulator() as credentials:
        for orders in sizes:
            rows[orders] = asdict(measured(credentials, orders, folder=options.folder, rounds=options.rounds))
            sys.stdout.write(json.dumps(rows[orders]) + "\n")
    ordered = [rows[orders] for orders in sorted(rows)]
    if options.rows is not None:
        options.rows.write_text("".join(json.dumps(row) + "\n" for row in ordered), encoding="utf-8")
    PICTURE.write_text(plot.picture(ordered), encoding="utf-8")
    sys.stdout.write(plot.table(ordered))
    return 0


def _known(path: Path | None) -> list[dict[str, plot.Cell]]:
    if path is None or not path.exists():
        return []
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


if __name__ == "__main__":
    sys.exit(main())

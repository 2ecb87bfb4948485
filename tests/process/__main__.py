"""`python -m tests.process --times 20`: a desk killed at every named step, so many times each; what `make kill` runs.

Each turn takes another hit of every step and changes TCP for TLS.  The first turn also stops and breaks the desk once at
each step, and kills one that was started cold at a few.  The last line is the result, and the exit code is 1 unless it is clean.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.steps import DESK
from tests.process.campaign import AT_ONCE, Run, hits, run_all
from tests.process.nursery import Nursery
from tests.process.points import COLD, Point, every_step


def plan_of(times: int, reached: Mapping[str, int], *, only: str = "", first: int = 0) -> Iterator[Point]:
    """Every point of a campaign; `only` keeps the steps whose names begin with it, and `first` is the turn it begins with."""
    for turn in range(first, times):
        yield from _kept(every_step(turn=turn, hits=reached), only)
    if first:
        return
    for act in ("stop", "raise"):
        yield from _kept(every_step(act, turn=1), only)
    yield from _kept([Point(step=step, tls=place % 2 == 0, cold=True) for place, step in enumerate(COLD)], only)


def _kept(points: list[Point], only: str) -> list[Point]:
    return [point for point in points if point.step.startswith(only)]


def summary(runs: list[Run], seconds: float) -> str:
    """The last line; a run without a verdict is unexplained."""
    found = {
        kind: sum(len(run.verdict.by_kind()[kind]) for run in runs) for kind in ("lost", "duplicate", "unexplained")
    }
    found["unexplained"] += sum(1 for run in runs if run.trouble)
    points = len({run.point.step for run in runs})
    counts = " ".join(f"{kind} {count}" for kind, count in found.items())
    return f"points {points} runs {len(runs)} {counts} seconds {seconds:.0f}"


def main() -> int:
    """Run the campaign; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.process", description=__doc__)
    parser.add_argument("--times", type=int, default=20, help="how many kills at each step")
    parser.add_argument("--first", type=int, default=0, help="turns that were made before: 5 begins with the sixth")
    parser.add_argument("--only", default="", help="steps whose names begin so, like submit.")
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, help="runs beside each other; most of their time is waiting"
    )
    asked = parser.parse_args()
    clock, runs = SystemClock(), list[Run]()
    began = clock.monotonic()
    with Nursery() as nursery:
        plan = plan_of(asked.times, hits(nursery), only=asked.only, first=asked.first)
        for run in run_all(plan, nursery, at_once=asked.at_once):
            runs.append(run)
            if not run.is_clean:
                sys.stdout.write(f"{run}\n")
            elif len(runs) % len(DESK) == 0:
                sys.stderr.write(f"{len(runs)} runs, {clock.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"{summary(runs, clock.monotonic() - began)}\n")
    return 0 if all(run.is_clean for run in runs) else 1


if __name__ == "__main__":
    sys.exit(main())

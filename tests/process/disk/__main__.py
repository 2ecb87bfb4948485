"""`python -m tests.process.disk --calls 200`: each of the first write calls fails under a real desk; what `make disk` runs.

Three kinds of fault (see `shim.c`), in a new home and in a used one.  The last line is the result, and the exit code is 1 unless
it is clean.  `stopped` counts desks that ended by themselves, each with the exit code of a disk fault.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from floorbroker.domain.clock import SystemClock
from tests.process.disk.failing import AT_ONCE, Fault, Outcome, build_shim, run_all
from tests.process.nursery import Nursery

KINDS = ("full", "sync", "write")
TOLD_EVERY = 100


def summary(outcomes: list[Outcome], seconds: float) -> str:
    """The last line; a run without a verdict is unexplained."""
    kinds = ("lost", "duplicate", "unexplained")
    found = {kind: sum(len(outcome.verdict.by_kind()[kind]) for outcome in outcomes) for kind in kinds}
    found["unexplained"] += sum(1 for outcome in outcomes if outcome.trouble)
    calls = len({outcome.fault.call for outcome in outcomes})
    stopped = sum(1 for outcome in outcomes if outcome.status is not None)
    counts = " ".join(f"{kind} {count}" for kind, count in found.items())
    return f"calls {calls} runs {len(outcomes)} stopped {stopped} {counts} seconds {seconds:.0f}"


def main() -> int:
    """Run every fault; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.process.disk", description=__doc__)
    parser.add_argument("--calls", type=int, default=200, help="how many of the first write calls")
    parser.add_argument("--begin", type=int, default=1, help="the first of them")
    parser.add_argument(
        "--at-once", type=int, default=AT_ONCE, help="runs beside each other; most of their time is waiting"
    )
    asked = parser.parse_args()
    calls = range(asked.begin, asked.calls + 1)
    faults = [Fault(kind=kind, call=call, warm=warm) for call in calls for kind in KINDS for warm in (False, True)]
    clock, outcomes = SystemClock(), list[Outcome]()
    began = clock.monotonic()
    with tempfile.TemporaryDirectory() as folder, Nursery(preload=build_shim(Path(folder))) as nursery:
        for outcome in run_all(faults, nursery, at_once=asked.at_once):
            outcomes.append(outcome)
            if not outcome.is_clean:
                sys.stdout.write(f"{outcome}\n")
            elif len(outcomes) % TOLD_EVERY == 0:
                sys.stderr.write(f"{len(outcomes)} of {len(faults)} runs, {clock.monotonic() - began:.0f} s\n")
    sys.stdout.write(f"{summary(outcomes, clock.monotonic() - began)}\n")
    return 0 if all(outcome.is_clean for outcome in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())

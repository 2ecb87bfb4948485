"""`python -m tests.simulation --schedules N --seed S`: many schedules, one line of result, and the seed of each
failure."""

from __future__ import annotations

import argparse
import gc
import sys
from collections import Counter
from time import perf_counter

from tests.simulation.claims import KINDS
from tests.simulation.plan import plan_of
from tests.simulation.run import Report, run

COLLECT_EVERY = 25  # schedules between two collections; a frozen node is garbage that only a collection finds


def main() -> int:
    """Exit code 1 when any promise was broken."""
    options = _options()
    if options.replay is not None:
        return _replay(options.replay, verbose=options.verbose)
    began = perf_counter()
    found, orders, kills = Counter[str](), 0, 0
    gc.freeze()
    for number in range(options.schedules):
        report = run(plan_of(options.seed + number))
        orders, kills = orders + report.orders, kills + report.kills
        found.update(violation.kind for violation in report.violations)
        if report.violations or options.verbose:
            _tell(report)
        if number % COLLECT_EVERY == 0:
            gc.collect()
    counts = " ".join(f"{kind} {found[kind]}" for kind in KINDS)
    say(f"schedules {options.schedules} {counts} orders {orders} kills {kills} seconds {perf_counter() - began:.1f}")
    return 1 if found else 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=200, help="how many seeds to play")
    parser.add_argument("--seed", type=int, default=1, help="the first of them")
    parser.add_argument("--replay", type=int, help="play one seed and tell everything")
    parser.add_argument(
        "--verbose", action="store_true", help="tell each schedule's plan; with --replay, the log as well"
    )
    return parser.parse_args()


def _replay(seed: int, *, verbose: bool) -> int:
    report = run(plan_of(seed), fingerprint=True)
    say(str(report.plan))
    if verbose:
        say("\n".join(report.log))
    _tell(report)
    say(f"digest {report.digest} steps {report.steps}")
    return 1 if report.violations else 0


def _tell(report: Report) -> None:
    for violation in report.violations:
        say(f"seed {report.plan.seed} {violation}")
    if report.violations:
        say(f"  replay: python -m tests.simulation --replay {report.plan.seed} --verbose")


def say(text: str) -> None:
    """One line on standard output, at once."""
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())

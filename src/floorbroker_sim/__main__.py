"""`python -m floorbroker_sim VENUE`: run one simulator."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from floorbroker_sim.faults import BadFault
from floorbroker_sim.server import LOOPBACK, VENUES, run_venue

USAGE = 2


def main(argv: list[str] | None = None) -> int:
    """Parse and run; returns the exit code."""
    args = _parser().parse_args(argv)
    try:
        return run_venue(
            args.venue, host=args.host, port=args.port, seed=args.seed, data=args.data, faults=args.faults, tls=args.tls,
            calendar=args.calendar, rate=args.rate,
        )  # fmt: skip
    except BadFault as error:
        sys.stderr.write(f"the fault plan is not valid: {error.field}: {error}\n")
    except (OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
    return USAGE


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m floorbroker_sim", description="Run a venue simulator.")
    parser.add_argument("venue", choices=VENUES)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--data", type=Path, default=None)
    parser.add_argument("--faults", type=Path, default=None)
    parser.add_argument("--tls", action="store_true")
    parser.add_argument("--calendar", action="store_true", help="keep market hours")
    parser.add_argument("--rate", type=int, default=None, help="requests a minute; 0 does not count")
    return parser


if __name__ == "__main__":
    sys.exit(main())

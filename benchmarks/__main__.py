"""`make bench [ONLY=name]`: one JSON line a figure; non-zero when a goal does not hold."""

from __future__ import annotations

import argparse
import sys

from benchmarks import recovery, submit

BENCHES = {"durable_submit": submit.measure, "recovery": recovery.measure}


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--only", choices=sorted(BENCHES), help="measure one figure")
    chosen = parser.parse_args().only
    figures = [figure for name, measure in BENCHES.items() if chosen in (None, name) for figure in measure()]
    for figure in figures:
        sys.stdout.write(figure.line() + "\n")
    return 0 if all(figure.holds for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())

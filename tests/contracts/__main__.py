"""`make contracts-drift NEW=folder`: our specifications beside a newer copy.  Exit code 1 when anything is different."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from tests.contracts.drift import compared, told


def main(arguments: list[str] | None = None) -> int:
    """Compare, tell, and say whether there was nothing to tell."""
    parser = argparse.ArgumentParser(prog="make contracts-drift", description=__doc__)
    parser.add_argument("newer", type=Path, help="the folder with the newer copy, laid out as ours")
    parser.add_argument("--ours", type=Path, default=os.environ.get("FLOORBROKER_CONTRACTS"), help="ours")
    parser.add_argument("--most", type=int, default=20, help="how many places of one operation are shown")
    asked = parser.parse_args(arguments)
    if asked.ours is None:
        parser.error("say where ours are: --ours FOLDER, or FLOORBROKER_CONTRACTS")
    for folder in (asked.ours, asked.newer):
        if not folder.is_dir():
            parser.error(f"{folder} is no folder")
    drifts = list(compared(asked.ours, asked.newer))
    different = [drift for drift in drifts if not drift.is_none]
    for drift in different:
        sys.stdout.write("".join(f"{line}\n" for line in told(drift, most=asked.most)))
    sys.stdout.write(f"{len(drifts)} files compared, {len(different)} different\n")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())

"""`make openapi-check OLD=file|git-ref`: our description of the door beside an older one.  Exit code 1 when anything breaks."""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.contracts.breaking import changes, told

OURS = "docs/reference/openapi.json"
ROOT = Path(__file__).parents[2]


def main(arguments: list[str] | None = None, *, root: Path = ROOT) -> int:
    """Compare, tell, and say whether programs that were written for the older go on."""
    parser = argparse.ArgumentParser(prog="make openapi-check", description=__doc__)
    parser.add_argument("old", help="a file, or the name of a commit or tag that has the document")
    parser.add_argument("--new", type=Path, default=root / OURS, help="the newer one: ours, unless it is another file")
    asked = parser.parse_args(arguments)
    try:
        old, new = document(asked.old, root), json.loads(asked.new.read_text("utf-8"))
    except (OSError, ValueError) as error:
        parser.error(str(error))
    found = changes(old, new)
    breaking = [change for change in found if change.finding.breaks]
    others = [change for change in found if not change.finding.breaks]
    lines = [f"{len(breaking)} breaking"] + [f"  ! {told(change)}" for change in breaking]
    lines += [f"{len(others)} that break nobody"] + [f"  + {told(change)}" for change in others]
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 1 if breaking else 0


def document(named: str, root: Path) -> Any:
    """The document in a file, or as a commit has it.  Raises `ValueError` where there is neither."""
    if Path(named).is_file():
        return json.loads(Path(named).read_text("utf-8"))
    asked = ["git", "-C", str(root), "show", f"{named}:{OURS}"]
    shown = subprocess.run(asked, capture_output=True, text=True, check=False, timeout=60)
    if shown.returncode:
        raise ValueError(f"{named} is no file, and no commit with {OURS}: {shown.stderr.strip()}")
    return json.loads(shown.stdout)


if __name__ == "__main__":
    sys.exit(main())

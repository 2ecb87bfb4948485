"""The page of metrics and the code name the same ones."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import floorbroker

SRC = Path(floorbroker.__file__).parent
PAGE = SRC.parent.parent / "docs" / "reference" / "metrics.md"
VERBS = frozenset({"count", "gauge", "observe"})
OWN = frozenset({"meter_mismatch"})  # made by the meter itself


def measured() -> set[str]:
    """Names in calls of a meter: `meter.count("orders", ...)`."""
    found: set[str] = set()
    for path in sorted(SRC.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            verb = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            first = node.args[0]
            if verb in VERBS and isinstance(first, ast.Constant) and re.fullmatch(r"[a-z][a-z_]+", str(first.value)):
                found.add(str(first.value))
    return found


def listed() -> list[str]:
    return re.findall(r"^\| `([a-z_]+)` \|", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def test_every_metric_is_on_the_page_and_every_one_on_the_page_is_measured() -> None:
    assert sorted(listed()) == sorted(measured() | OWN)

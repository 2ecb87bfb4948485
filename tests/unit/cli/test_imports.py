"""What a command does not need, it does not load: what serves, and what keeps people and hooks, takes most of a start."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

CODE = """
import sys
from floorbroker.cli.main import app
try:
    app(sys.argv[1:])
except SystemExit:
    pass
print("loaded", *sys.modules, file=sys.stderr)
"""
SERVING = ("fastapi", "sqlalchemy", "alembic", "pyotp", "apprise", "uvicorn", "jinja2")
ROOMS = ("api", "web", "hooks", "people", "app.hooks", "app.people", "store.desk")


@pytest.mark.parametrize("words", [["version"], ["kill", "status"], ["--help"], ["order", "--help"]])
def test_a_command_that_asks_for_nobody_loads_neither_people_nor_hooks(tmp_path: Path, words: list[str]) -> None:
    asked = [sys.executable, "-c", CODE, "--home", str(tmp_path), *words]
    told = subprocess.run(asked, capture_output=True, text=True, check=True).stderr
    loaded = set(told.rpartition("loaded ")[2].split())
    assert "floorbroker.cli.main" in loaded
    heavy = {name for name in loaded if name.partition(".")[0] in SERVING}
    rooms = {f"floorbroker.{room}" for room in ROOMS} & loaded
    assert (heavy, rooms) == (set(), set())

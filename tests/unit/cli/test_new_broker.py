"""A new broker's rooms are laid out whole, pass the linters, run, and claim nothing."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests import tidy
from tests.unit.cli.running import run

CHECKED = """
import asyncio, sys
import floorbroker.brokers, floorbroker_sim
floorbroker.brokers.__path__.append(sys.argv[1] + "/src/floorbroker/brokers")
floorbroker_sim.__path__.append(sys.argv[1] + "/src/floorbroker_sim")
from importlib import import_module
broker = import_module("floorbroker.brokers." + sys.argv[2])
venue = import_module("floorbroker_sim." + sys.argv[2])
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import NotSupported
from floorbroker_sim.http import Request
made = venue.create_venue(clock=SystemClock())
assert made.handle(Request(method="GET", path="/", segments=("",))).status == 401
known = {"x-api-key": made.keys.key}
assert made.handle(Request(method="GET", path="/", segments=("",), headers=known)).status == 404
assert broker.INFO.can == frozenset()
adapter = broker.build(type("W", (), {"clock": SystemClock()})())
try:
    asyncio.run(adapter.submit_order(None))
except NotSupported as refused:
    assert "submit_order" in refused.detail
else:
    raise AssertionError("it took an order")
"""


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """The smallest thing that is a checkout."""
    root = tmp_path / "checkout"
    (root / "src" / "floorbroker" / "brokers").mkdir(parents=True)
    shutil.copy(tidy.ROOT / "pyproject.toml", root)
    return root


def assert_runs(words: list[str], folder: Path) -> None:
    found = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr


@pytest.mark.parametrize("name", ["acme", "zeta_web", "kraken2", "abcdefghijklmnop"])
def test_what_is_laid_out_passes_the_linters_and_runs(checkout: Path, tmp_path: Path, name: str) -> None:
    made = json.loads(run(tmp_path, "new-broker", name, "--root", str(checkout), "--json").stdout)["files"]
    assert f"src/floorbroker/brokers/{name}/adapter.py" in made
    assert f"src/floorbroker_sim/{name}/venue.py" in made
    assert f"tests/payloads/{name}/SOURCES.toml" in made
    assert f"docs/brokers/{name}.md" in made
    for words in (["check", "."], ["format", "--check", "."]):
        assert_runs([sys.executable, "-m", "ruff", *words], checkout)
    assert_runs([sys.executable, "-c", CHECKED, str(checkout), name], checkout)
    sources = tidy.python_sources(base=checkout / "src")
    assert tidy.misnamed_rooms(sources) == []
    assert [line for source in sources for line in tidy.unfinished(source)] == []
    assert tidy.orphans(sources, entries=[]) == []


def test_nothing_is_written_over(checkout: Path, tmp_path: Path) -> None:
    page = checkout / "docs" / "brokers" / "acme.md"
    page.parent.mkdir(parents=True)
    page.write_text("mine")
    assert run(tmp_path, "new-broker", "acme", "--root", str(checkout)).exit_code == 13
    assert page.read_text() == "mine"
    assert list((checkout / "src" / "floorbroker" / "brokers").iterdir()) == []


@pytest.mark.parametrize("name", ["Acme", "../acme", "a b", "class", "", "acme__web", "x" * 17])
def test_a_name_that_is_no_package_is_refused(checkout: Path, tmp_path: Path, name: str) -> None:
    assert run(tmp_path, "new-broker", "--root", str(checkout), "--", name).exit_code == 2


def test_a_folder_that_is_no_checkout_is_refused(tmp_path: Path) -> None:
    result = run(tmp_path, "new-broker", "acme", "--root", str(tmp_path))
    assert result.exit_code == 2
    assert "--root" in result.stderr

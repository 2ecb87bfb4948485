"""The committed reference pages say what the code says."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from urllib.parse import urlsplit

import pytest

ROOT = Path(__file__).resolve().parents[3]
DOCS = ROOT / "docs"


@pytest.fixture(scope="module")
def builder() -> ModuleType:
    spec = importlib.util.spec_from_file_location("build_reference", DOCS / "build_reference.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_reference_pages_are_current(builder: ModuleType) -> None:
    assert builder.stale(builder.pages()) == [], "run: make reference"


def test_a_changed_page_is_stale(builder: ModuleType) -> None:
    pages = builder.pages()
    assert builder.stale({**pages, "reference/errors.md": "other"}) == ["reference/errors.md"]


def test_the_page_of_a_code_that_is_gone_is_stale(builder: ModuleType) -> None:
    pages = builder.pages()
    pages.pop("reference/errors/timeout.md")
    assert builder.stale(pages) == ["reference/errors/timeout.md"]


def test_every_state_is_reached_and_shown(builder: ModuleType) -> None:
    rows = list(builder.state_rows())
    assert {row[0].strip("`") for row in rows} == {state.value for state in builder.OrderState}


def test_a_pipe_does_not_break_a_table(builder: ModuleType) -> None:
    assert builder.table(("a",), [("x | y",)]).splitlines()[-1] == "| x \\| y |"


LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def pages_of_prose() -> list[Path]:
    return [*sorted(DOCS.rglob("*.md")), *sorted(ROOT.glob("*.md"))]


@pytest.mark.parametrize("page", pages_of_prose(), ids=lambda p: str(p.relative_to(ROOT)))
def test_links_inside_the_project_lead_somewhere(page: Path) -> None:
    targets = [urlsplit(link) for link in LINK.findall(page.read_text(encoding="utf-8"))]
    local = [t.path for t in targets if not t.scheme and not t.netloc and t.path]
    assert [t for t in local if not (page.parent / t).resolve().exists()] == []


def test_every_page_is_in_the_navigation() -> None:
    text = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    named = set(re.findall(r"[\w./-]+\.md", text))
    pages = {str(p.relative_to(DOCS)) for p in DOCS.rglob("*.md")}
    generated = {p for p in pages if p.startswith("reference/errors/")}
    assert named - pages == set(), "the navigation names pages that are not there"
    assert pages - generated - named == set(), "pages nobody finds"


def test_decisions_are_numbered_without_gaps() -> None:
    numbers = sorted(int(p.name[:4]) for p in (DOCS / "adr").glob("[0-9]*.md"))
    assert numbers == list(range(1, len(numbers) + 1))


def test_changelog_fragments_have_a_known_kind() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    kinds = {kind["directory"] for kind in settings["tool"]["towncrier"]["type"]}
    fragments = [p for p in (ROOT / "changelog.d").glob("*.md") if p.name != "README.md"]
    assert [p.name for p in fragments if p.name.split(".")[-2] not in kinds] == []

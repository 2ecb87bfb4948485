"""The committed reference pages say what the code says."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from pathlib import Path
from types import ModuleType
from typing import Annotated
from urllib.parse import urlsplit

import pytest
import typer

from floorbroker.domain.capability import BrokerInfo, Can, CredentialField
from floorbroker.domain.values import AssetClass, Environment, OrderType, TimeInForce

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


def test_every_verb_every_argument_and_every_option_says_what_it_means(builder: ModuleType) -> None:
    from typer.main import get_command

    from floorbroker.cli.main import app

    silent = [
        " ".join((*path, *([] if parameter is None else [str(parameter.name)])))
        for path, command in builder.commands(get_command(app), ())
        for parameter in (None, *command.params)
        if not (command.help if parameter is None else getattr(parameter, "help", ""))
    ]
    assert silent == []


def test_a_changed_page_is_stale(builder: ModuleType) -> None:
    pages = builder.pages()
    assert "reference/errors.md" in builder.stale({**pages, "reference/errors.md": "other"})


def test_the_page_of_a_code_that_is_gone_is_stale(builder: ModuleType) -> None:
    pages = builder.pages()
    pages.pop("reference/errors/timeout.md")
    assert "reference/errors/timeout.md" in builder.stale(pages)


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


def test_every_verb_of_an_application_is_on_the_page(builder: ModuleType) -> None:
    app, orders = typer.Typer(help="The desk."), typer.Typer()
    app.add_typer(orders, name="order", help="Trading.")

    @orders.command("submit")
    def submit(symbol: str, limit: Annotated[str, typer.Option("--limit", help="Limit price.")] = "") -> None:
        """Send one order."""

    @orders.command("secret", hidden=True)
    def secret() -> None:
        """Not for people."""

    text = builder.command_page(app)
    assert "## `floorbroker order submit`\n\nSend one order." in text
    assert "| `--limit` | no | Limit price. |" in text
    assert "Not for people" not in text


def test_a_broker_is_a_column_of_the_capability_page(builder: ModuleType) -> None:
    info = BrokerInfo(
        code="ACME",
        folder="acme",
        name="Acme",
        environments=(Environment.PAPER,),
        can=frozenset({Can.CANCEL}),
        order_types={AssetClass.EQUITY: frozenset({OrderType.LIMIT, OrderType.MARKET})},
        tifs={AssetClass.EQUITY: frozenset({TimeInForce.DAY})},
        fields=(CredentialField(name="BROKER_API_KEY", label="key id", secret=True),),
    )
    text = builder.capability_page([info])
    assert "| `cancel` | yes |" in text
    assert "| `replace` | - |" in text
    assert "| `equity` | `limit`, `market` | `day` |" in text
    assert "| `BROKER_API_KEY` | key id | `paper` | yes |  |" in text


PATH = re.compile(r"`((?:[\w.-]+/)*[\w.-]+\.(?:py|js|html|toml)|(?:[\w.-]+/)+)`")
NEAR = (ROOT, ROOT / "src", ROOT / "src" / "floorbroker")
VENUE_FOLDERS = ("brokers/alpaca/", "floorbroker_sim/alpaca/")


def test_the_map_names_only_files_that_exist() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rooms = [near / venue for near in NEAR for venue in VENUE_FOLDERS]
    missing = [name for name in PATH.findall(text) if not any((near / name).exists() for near in (*NEAR, *rooms))]
    assert [name for name in missing if name != "sim/"] == []


def test_every_package_is_on_the_map() -> None:
    text = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    source = ROOT / "src" / "floorbroker"
    packages = [p.name for p in source.iterdir() if (p / "__init__.py").is_file()]
    suites = [f"tests/{p.name}" for p in (ROOT / "tests").iterdir() if p.is_dir() and p.name != "__pycache__"]
    assert [name for name in (*packages, *suites) if f"`{name}" not in text] == []

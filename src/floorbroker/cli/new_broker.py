"""`new-broker`: the rooms of a broker and of its simulator, ready to be filled.

The templates are files of the package (`templates/broker`).  What they make runs, passes the linters, claims no ability, and
refuses every call by name until it is written.
"""

from __future__ import annotations

import keyword
import re
from importlib.resources import files
from importlib.resources.abc import Traversable
from itertools import groupby
from pathlib import Path
from string import Template
from typing import Annotated

import typer

from floorbroker.cli.failures import CONFLICT, Trouble, usage
from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import say, show_json, show_text

ENDING = ".txt"
NAME = re.compile(r"[a-z][a-z0-9]*(?:_[a-z0-9]+)*")
NAME_MAX = 16


def register(app: typer.Typer) -> None:
    """Add the verb of new brokers."""
    app.command("new-broker")(new_broker)


def new_broker(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="In lower case, like acme or acme_web.")],
    root: Annotated[Path, typer.Option(help="The checkout to write into.")] = Path(),
) -> None:
    """Lay out a broker: its rooms, its simulator's rooms, payload folder, first tests, and a page for the docs."""
    settings = settings_of(ctx)
    made = laid_out(name, root)
    if settings.json:
        show_json({"name": name, "files": [str(path) for path in made]})
        return
    for path in made:
        show_text(str(path))
    for line in next_steps(name):
        say(settings, line)


def laid_out(name: str, root: Path) -> list[Path]:
    """Write every file, or none; the paths relative to `root`.  Raises `Trouble`."""
    if not NAME.fullmatch(name) or len(name) > NAME_MAX or keyword.iskeyword(name):
        raise usage(f"{name!r}: write lower-case letters, digits and _, like acme or acme_web")
    if not (root / "src" / "floorbroker" / "brokers").is_dir():
        raise usage(
            f"{root.resolve()} is no checkout of Floorbroker", fix="run it in the checkout, or name it: --root DIR"
        )
    texts = rendered(name)
    taken = [path for path in texts if (root / path).exists()]
    if taken:
        raise Trouble(code="conflict", detail=f"{taken[0]} exists already; nothing was written", exit_code=CONFLICT)
    for path, text in texts.items():
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(text, encoding="utf-8")
    return list(texts)


def rendered(name: str) -> dict[Path, str]:
    """Each file of a broker with its text."""
    words = {"name": name, "NAME": name.upper(), "Name": "".join(part.capitalize() for part in name.split("_"))}
    templates = files("floorbroker.cli").joinpath("templates", "broker")
    places = {
        "adapter": Path("src/floorbroker/brokers") / name,
        "simulator": Path("src/floorbroker_sim") / name,
    }
    found = {
        place / template.name.removesuffix(ENDING): _filled(template, words)
        for folder, place in places.items()
        for template in sorted(templates.joinpath(folder).iterdir(), key=lambda entry: entry.name)
    }
    return found | {
        Path("tests/unit/brokers") / name / "test_rooms.py": _filled(
            templates.joinpath("tests", "test_rooms.py.txt"), words
        ),
        Path("tests/payloads") / name / "SOURCES.toml": _filled(templates.joinpath("tests", "SOURCES.toml.txt"), words),
        Path("docs/brokers") / f"{name}.md": _filled(templates.joinpath("docs", "page.md.txt"), words),
    }


def _filled(template: Traversable, words: dict[str, str]) -> str:
    return in_order(Template(template.read_text("utf-8")).substitute(words))


def in_order(text: str) -> str:
    """Runs of one-line imports sorted by module: where a name belongs depends on the name."""
    lines: list[str] = []
    for is_import, group in groupby(text.splitlines(), key=_is_import):
        run = list(group)
        lines += sorted(run, key=lambda line: line.split()[1]) if is_import else run
    return "\n".join(lines) + "\n"


def _is_import(line: str) -> bool:
    return line.startswith("from floorbroker") and not line.endswith("(")


def next_steps(name: str) -> list[str]:
    """What no template can write: the lines in files that everybody shares."""
    return [
        f"next: fill src/floorbroker/brokers/{name}/info.py from the venue's documents (docs/contribute/broker.md), then add",
        f"  brokers/registry.py        {name} to _PACKAGES",
        f'  floorbroker_sim/server.py  "{name}" to VENUES',
        "  tests/conformance/venues.py  its simulator to SIMULATED: conformance tests are chosen by the abilities in info.py",
        f"  mkdocs.yml                 brokers/{name}.md to the list of brokers",
    ]

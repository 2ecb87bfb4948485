"""For developers: the version, and the OpenAPI document."""

from __future__ import annotations

import json
import platform
import sqlite3
from pathlib import Path
from typing import Annotated

import typer

from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import say, show_one, show_text


def register(app: typer.Typer) -> None:
    """Add the verbs of development."""
    app.command("version")(version)
    app.command("openapi")(openapi)


def version(ctx: typer.Context) -> None:
    """The version of this program and of what it stands on."""
    show_version(settings_of(ctx))


def show_version(settings: Settings) -> None:
    """The version, one line for people unless more is asked for."""
    from floorbroker import __version__

    found = {
        "floorbroker": __version__,
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "platform": platform.platform(),
    }
    if settings.json or settings.verbose:
        show_one(settings, found)
    else:
        show_text(f"floorbroker {__version__}")


def openapi(
    ctx: typer.Context,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="Write it to a file.")] = None,
) -> None:
    """The machine-readable description of the REST door."""
    from floorbroker import __version__
    from floorbroker.api import create_app
    from floorbroker.domain.clock import SystemClock

    app = create_app(desks={}, token=lambda _: None, clock=SystemClock(), version=__version__)
    text = json.dumps(app.openapi(), indent=2, ensure_ascii=False)
    if output is None:
        show_text(text)
    else:
        output.write_text(f"{text}\n", encoding="utf-8")
        say(settings_of(ctx), f"written: {output}")

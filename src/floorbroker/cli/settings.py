"""The global flags of one call."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from floorbroker.app.home import Home
    from floorbroker.app.redactor import SecretFilter


def _knowing_nothing() -> SecretFilter:
    from floorbroker.app.redactor import SecretFilter

    return SecretFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was said before any verb; `timeout_s` bounds every request and wait.

    `redactor` is the one filter of the process: what a verb learns is kept from everything that it prints for people.
    """

    json: bool = False
    quiet: bool = False
    verbose: int = 0
    home: Path | None = None
    config: Path | None = None
    profile: str | None = None
    env: str | None = None
    color: bool = True
    yes: bool = False
    timeout_s: float = 30.0
    redactor: SecretFilter = field(default_factory=_knowing_nothing, repr=False, compare=False)

    def open_home(self) -> Home:
        """The home in use, made when absent.  Raises `ConfigInvalid`."""
        from floorbroker.app.home import Home

        return Home.at(self.home)

    @property
    def may_ask(self) -> bool:
        """Whether a person is there to answer."""
        return not self.json and not self.yes and sys.stdin.isatty()

    @property
    def in_color(self) -> bool:
        """Colour only for a terminal, and only when nobody said no."""
        return self.color and not os.environ.get("NO_COLOR") and sys.stdout.isatty()


def settings_of(ctx: typer.Context) -> Settings:
    """The settings that the root of the command stored."""
    found: object = ctx.find_root().obj
    assert isinstance(found, Settings)
    return found

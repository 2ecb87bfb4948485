"""The global flags of one call."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import typer

if TYPE_CHECKING:
    from floorbroker.app.floor import Outside
    from floorbroker.app.home import Home
    from floorbroker.app.redactor import SecretFilter
    from floorbroker.vault import KeyDerivation


def _knowing_nothing() -> SecretFilter:
    from floorbroker.app.redactor import SecretFilter

    return SecretFilter()


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What was said before any verb; `timeout_s` bounds every request and wait.

    `redactor` is the one filter of the process: what a verb learns is kept from everything that it prints for people.
    `derive` is what makes a key of the vault's passphrase.  Nothing that is said chooses it: only a program that runs these
    commands inside itself hands in another one than the real one.
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
    derive: KeyDerivation | None = None

    def open_home(self) -> Home:
        """The home in use, made when absent.  Raises `ConfigInvalid`."""
        from floorbroker.app.home import Home

        return Home.at(self.home)

    def outside(self) -> Outside:
        """The world of a desk that is opened by this command."""
        from floorbroker.app.floor import Outside

        if self.derive is None:
            return Outside(redactor=self.redactor)
        return Outside(redactor=self.redactor, derive=self.derive)

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

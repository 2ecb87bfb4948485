"""The vault's passphrase on the command line: from a file descriptor, a file, the surroundings, or a hidden prompt."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.settings import Settings
from floorbroker.cli.show import say

if TYPE_CHECKING:
    from floorbroker.app.floor import Ask
    from floorbroker.app.home import Home
    from floorbroker.app.passphrase import Found
    from floorbroker.domain.errors import FloorbrokerError
    from floorbroker.domain.secret import Secret
    from floorbroker.vault import Seen

TRIES = 3
LOCKED = "the vault stays locked, and so do its profiles: "
FROM, PASSPHRASE = "--from", "--passphrase"


@dataclass(frozen=True, slots=True)
class Given:
    """What was said about where a passphrase comes from; nothing means: ask.

    `option` is how the verb's two options begin (`--passphrase` of `--passphrase-fd` and `--passphrase-file`); empty where it has
    none.
    """

    fd: int | None = None
    file: Path | None = None
    option: str = ""

    def __post_init__(self) -> None:
        if self.fd is not None and self.file is not None:
            raise usage("a passphrase comes from a file descriptor or from a file, not from both")

    @property
    def is_said(self) -> bool:
        return self.fd is not None or self.file is not None

    @property
    def ways(self) -> str:
        """How to hand a passphrase in where nobody can be asked."""
        if not self.option:
            return "name its file as [vault] passphrase_file, or run this in a terminal"
        return f"hand it in with {self.option}-fd N or {self.option}-file FILE, or run this in a terminal"

    def read(self) -> Secret | None:
        """What is there; None when nothing was said."""
        from floorbroker.app.passphrase import from_fd, from_file

        if self.fd is not None:
            return from_fd(self.fd)
        return None if self.file is None else from_file(self.file)


def present(settings: Settings, home: Home, given: Given, *, vault_id: str) -> Secret:
    """The passphrase the vault has: as said, as configured, or asked for.  Raises a usage error where nobody can answer."""
    if (said := given.read()) is not None:
        return said
    if (found := surrounding(settings, home, vault_id)) is not None:
        return found.passphrase
    return prompted(settings, "Passphrase of the vault", given)


def offered(settings: Settings, home: Home, given: Given, *, vault_id: str, question: str) -> Secret | None:
    """The passphrase where one is said, configured or given; None where nobody can answer, or the answer is empty."""
    from floorbroker.domain.secret import Secret

    if (said := given.read()) is not None:
        return said
    if (found := surrounding(settings, home, vault_id)) is not None:
        return found.passphrase
    if not settings.may_ask:
        return None
    return Secret(typer.prompt(question, default="", show_default=False, hide_input=True, err=True)) or None


def fresh(settings: Settings, given: Given) -> Secret:
    """A new passphrase; at a prompt it is asked for twice."""
    if (said := given.read()) is not None:
        return said
    first = prompted(settings, "New passphrase of the vault (15 characters or more)", given)
    if prompted(settings, "The same again", given) != first:
        raise usage("the two passphrases are not the same: nothing was changed")
    return first


def prompted(settings: Settings, question: str, given: Given) -> Secret:
    """A hidden answer.  Raises a usage error where nobody is there to give it."""
    from floorbroker.domain.secret import Secret

    if not settings.may_ask:
        raise usage("the vault's passphrase is needed", fix=given.ways)
    return Secret(typer.prompt(question, hide_input=True, err=True))


def prompted_for(settings: Settings, question: str) -> Secret:
    """Another hidden answer, such as a broker's secret.  Raises a usage error where nobody is there to give it."""
    from floorbroker.domain.secret import Secret

    if not settings.may_ask:
        raise usage("the new secret is needed", fix=Given(option=FROM).ways)
    return Secret(typer.prompt(question, hide_input=True, err=True))


def surrounding(settings: Settings, home: Home, vault_id: str) -> Found | None:
    """systemd's credential, `[vault] passphrase_file`, or the keyring where the configuration says so."""
    from floorbroker.app.config import load
    from floorbroker.app.keystore import os_keyring
    from floorbroker.app.passphrase import configured

    section = load(home, path=settings.config).vault
    return configured(section, vault_id=vault_id, environ=os.environ, keystore=os_keyring)


@dataclass(slots=True)
class Asker:
    """How a desk that starts here gets its passphrase; without one it starts locked, and only a server can be unlocked later."""

    settings: Settings
    home: Home
    given: Given
    is_server: bool = False
    asked: int = 0

    def __call__(self, seen: Seen, error: FloorbrokerError | None) -> Secret | None:
        """Raises `error` where another answer cannot be had."""
        if error is not None and not 0 < self.asked < TRIES:
            raise error
        if error is None and (found := self._without_asking(seen)) is not None:
            return found
        if not self.settings.may_ask:
            say(self.settings, LOCKED + ("floorbroker vault unlock" if self.is_server else self.given.ways))
            return None
        if error is not None:
            say(self.settings, error.detail)
        self.asked += 1
        return prompted(self.settings, "Passphrase of the vault", self.given)

    def _without_asking(self, seen: Seen) -> Secret | None:
        if (said := self.given.read()) is not None:
            return said
        found = surrounding(self.settings, self.home, seen.vault_id)
        if found is None:
            return None
        say(self.settings, f"the vault's passphrase comes from {found.where}")
        return found.passphrase


def asker(settings: Settings, home: Home, given: Given | None = None) -> Ask:
    """For `Outside.passphrase`; a server says what was given, a command on its own desk asks for nothing."""
    return Asker(settings, home, given or Given(), is_server=given is not None)

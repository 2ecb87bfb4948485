"""The steps behind `broker`: the way to what changes profiles, and how secrets come in.

Every change goes through the REST door: that of the server of this home, else the same routes inside this process, for which the
vault is opened and the journal of the environment taken for the moment.
"""

from __future__ import annotations

import asyncio
import os
import secrets
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from floorbroker.cli.failures import Trouble, usage
from floorbroker.cli.passphrases import Given, present
from floorbroker.cli.settings import Settings
from floorbroker.client.desk import API
from floorbroker.client.door import Door, Method, Refused, segment

if TYPE_CHECKING:
    from floorbroker.app.home import Home
    from floorbroker.app.profiles import Profiles
    from floorbroker.domain.capability import BrokerInfo
    from floorbroker.domain.forms import CredentialField
    from floorbroker.domain.secret import Secret
    from floorbroker.domain.values import Environment

T = TypeVar("T")
SLOW_S = 60.0  # a test asks the venue
_LIMIT = 64 * 1024


@dataclass(frozen=True, slots=True)
class Changing:
    """A door that changes profiles."""

    door: Door
    by_server: bool
    timeout_s: float

    async def call(
        self,
        method: Method,
        environment: str,
        path: str,
        *,
        body: object = None,
        params: Mapping[str, str] | None = None,
    ) -> Any:
        """The document that answers; None where there is none."""
        where = f"{API}/{environment}/profiles{path}"
        answer = await self.door.call(method, where, body=body, params=params, timeout_s=max(self.timeout_s, SLOW_S))
        return None if answer.status == 204 else answer.json()


def changing(settings: Settings, passphrase: Given, work: Callable[[Changing], Awaitable[T]], *, sealed: bool) -> T:
    """Do some work at a door that changes profiles; `sealed` says that the vault is needed."""
    from floorbroker.cli.reach import run

    async def whole() -> T:
        async with _reached(settings, passphrase, sealed=sealed) as door:
            return await work(door)

    return run(settings, whole)


@asynccontextmanager
async def _reached(settings: Settings, passphrase: Given, *, sealed: bool) -> AsyncGenerator[Changing]:
    from floorbroker.cli.reach import door_inside, server_of

    home = settings.open_home()
    async with AsyncExitStack() as stack:
        if (server := await server_of(stack, home, settings)) is not None:
            yield Changing(server, by_server=True, timeout_s=settings.timeout_s)
            return
        here = profiles_here(settings, home)
        stack.callback(here.unlocking.session.end, "the command is done", at_once=True)
        if sealed:
            await unlock_here(settings, here, passphrase)
        token = secrets.token_urlsafe(32)
        door = await door_inside(stack, _app(here, token, settings), token, settings)
        yield Changing(door, by_server=False, timeout_s=settings.timeout_s)


def as_served(settings: Settings, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same profiles as the desk that runs on this home has them; as they are given where none runs, or it was told of another
    configuration.
    """
    from floorbroker.cli.reach import run, server_of

    async def work() -> list[dict[str, Any]]:
        async with AsyncExitStack() as stack:
            server = await server_of(stack, settings.open_home(), settings)
            return rows if server is None else [await _served(server, row, settings.timeout_s) for row in rows]

    return run(settings, work)


async def _served(server: Door, row: dict[str, Any], timeout_s: float) -> dict[str, Any]:
    where = f"{API}/{row['environment']}/profiles{named(row['name'])}/settings"
    try:
        return row | (await server.call("GET", where, timeout_s=timeout_s)).json()
    except Refused as refused:
        if refused.problem.code != "not_found":
            raise
        return row


def profiles_here(settings: Settings, home: Home) -> Profiles:
    """What changes profiles, in this process alone; its vault is locked."""
    from floorbroker.app.config import load
    from floorbroker.app.credentials import read_bot
    from floorbroker.app.failpoints import VARIABLE, fail_points
    from floorbroker.app.floor import profiles_in, vault_of
    from floorbroker.app.profiles import Profiles

    config, outside = load(home, path=settings.config), settings.outside()
    if plan := os.environ.get(VARIABLE):
        profiles = profiles_in(config, read_bot(home.env_bot)).values()
        outside.steps = fail_points(plan, profiles=profiles, log=outside.log)
    return Profiles.of(home, vault_of(home, config, outside), outside, path=settings.config)


async def unlock_here(settings: Settings, here: Profiles, passphrase: Given) -> None:
    """Open the vault with the passphrase that is said, configured or asked for.  Raises `Trouble` where there is none."""
    from floorbroker.app.profiles import NO_VAULT
    from floorbroker.gateway.desk import Caller

    seen = here.unlocking.seen()
    if seen is None:
        raise Trouble(code="vault_locked", detail=NO_VAULT, fix="floorbroker vault init", state="nothing was done")
    word = await asyncio.to_thread(present, settings, here.home, passphrase, vault_id=seen.vault_id)
    await here.unlocking.unlock(word, caller=Caller(principal="operator", via="cli"))


def _app(here: Profiles, token: str, settings: Settings) -> Any:
    from floorbroker import __version__
    from floorbroker.api import create_app
    from floorbroker.api.auth import HashedToken, token_digest
    from floorbroker.app.compose import BROKERS

    return create_app(
        desks={},
        token=HashedToken(token_digest(token)),
        clock=here.unlocking.clock,
        version=__version__,
        brokers=tuple(BROKERS.values()),
        unlocking=here.unlocking,
        stored_profiles=here,
        redactor=settings.redactor,
    )


def is_sealed(here: Profiles, name: str) -> bool:
    """Whether the vault has anything of a profile; its head says so, no passphrase is needed.

    A record of anything but a broker, as that of the audit's first keys, is of no profile.
    """
    from floorbroker.app.catalogue import KNOWN

    seen = here.unlocking.seen()
    return seen is not None and any(record.profile == name and record.broker in KNOWN for record in seen.records)


def named(path: str) -> str:
    """A profile's name as a part of a path."""
    return f"/{segment(path)}"


# -- secrets ------------------------------------------------------------------------------------------------------------------


def read_given(fd: int | None, file: Path | None) -> str | None:
    """The text that a descriptor or a file holds; None when neither was said.  Raises a usage error naming it."""
    if fd is not None and file is not None:
        raise usage("secrets come from a file descriptor or from a file, not from both")
    if fd is None and file is None:
        return None
    where = f"--from-fd {fd}" if fd is not None else f"--from-file {file}"
    try:
        with os.fdopen(fd, "rb") if fd is not None else Path(file or "").open("rb") as opened:
            raw = opened.read(_LIMIT + 1)
        if len(raw) > _LIMIT:
            raise usage(f"{where}: more than {_LIMIT} bytes are no credentials")
        return raw.decode("utf-8")
    except OSError as error:
        raise usage(f"{where}: it cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise usage(f"{where}: it does not hold UTF-8 text") from None


def fields_in(text: str, where: str) -> dict[str, str]:
    """The sealed fields of a text in the form of `.env_bot`: `BROKER_API_KEY=...`, one a line."""
    from floorbroker.app.credentials import lines_of
    from floorbroker.domain.errors import ConfigInvalid
    from floorbroker.domain.forms import SEALED

    try:
        found = dict(lines_of(text, where))
    except ConfigInvalid as error:
        raise usage(error.detail) from None
    for name in found:
        if name not in SEALED:
            raise usage(f"{where}: {name} is no secret: say it with a flag; here stand {', '.join(SEALED)}")
    return {name: value for name, value in found.items() if value}


def asked_for(
    settings: Settings, info: BrokerInfo, environment: Environment, given: Mapping[str, str]
) -> dict[str, str]:
    """What is still missing, asked for by its own label where a person is there; secrets are not echoed."""
    missing = info.form(environment).missing(given)
    if not settings.may_ask:
        return {}
    return {asked.name: _answer(asked, environment) for asked in missing}


def _answer(asked: CredentialField, environment: Environment) -> str:
    from floorbroker.domain.forms import SEALED

    question = f"{asked.label} ({asked.name})" + (f", like {asked.example}" if asked.example else "")
    if asked.help:
        typer.echo(asked.help, err=True)
    while True:
        text = str(typer.prompt(question, hide_input=asked.name in SEALED, err=True)).strip()
        if not (wrong := asked.wrong(text, environment)):
            return text
        typer.echo(f"{asked.name}: {wrong}", err=True)


def pairs(options: Iterable[str]) -> dict[str, str]:
    """`name=value` words as a mapping.  Raises a usage error."""
    found: dict[str, str] = {}
    for word in options:
        name, equals, value = word.partition("=")
        if not equals or not name:
            raise usage(f"--option {word[:64]!a}: write NAME=VALUE")
        found[name] = value
    return found


def secret_of(text: str) -> Secret:
    """One secret as it stands in a file or descriptor: without the line break at its end."""
    from floorbroker.domain.secret import Secret

    return Secret(text.removesuffix("\n").removesuffix("\r"))


def new_secret(text: str, field: str) -> Secret:
    """The secret of one field: what stands behind `FIELD=` where the text has such lines, else the whole text."""
    from floorbroker.domain.secret import Secret

    if not any(line.startswith(f"{field}=") for line in text.splitlines()):
        return secret_of(text)
    return Secret(fields_in(text, "the secrets").get(field, ""))

"""`broker login`: a person logs in on the venue's page, and the code it leads back with becomes the credential of the day."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.passphrases import PASSPHRASE, Given, prompted_for
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import say, show_json

if TYPE_CHECKING:
    from floorbroker.cli.brokering import Changing

_WAYS = "give the code by --from-fd N, or run this at a terminal"


def register(broker: typer.Typer) -> None:
    """Add the verb."""
    broker.command("login")(login)


def login(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(metavar="PROFILE", help="The profile.")],
    *,
    from_fd: Annotated[
        int | None, typer.Option("--from-fd", min=0, help="Read the code from this file descriptor.")
    ] = None,
    passphrase_fd: Annotated[
        int | None, typer.Option("--passphrase-fd", min=0, help="Read the vault's passphrase from it.")
    ] = None,
    passphrase_file: Annotated[
        Path | None, typer.Option("--passphrase-file", help="Read the vault's passphrase from it.")
    ] = None,
) -> None:
    """Log in at a venue that wants it each day: open its page, then paste the address it leads back to, or the code in it."""
    from floorbroker.cli.brokering import changing, is_sealed, named, profiles_here

    settings = settings_of(ctx)
    here = profiles_here(settings, settings.open_home())
    environment = here.one(name).environment.value
    if from_fd is None and not settings.may_ask:
        raise usage("the log-in needs a code", fix=_WAYS)

    async def work(door: Changing) -> Any:
        begun = await door.call("POST", environment, f"{named(name)}/login")
        say(settings, f"open this page and log in: {begun['url']}")
        code = await asyncio.to_thread(_code, settings, from_fd)
        body = {"code": code, "state": begun["state"]}
        return await door.call("POST", environment, f"{named(name)}/login/code", body=body)

    sealed = is_sealed(here, name) or not here.in_keyring(name)
    found = changing(settings, Given(passphrase_fd, passphrase_file, PASSPHRASE), work, sealed=sealed)
    if settings.json:
        show_json(found)
        return
    for note in found["notes"]:
        say(settings, f"note: {note}")
    say(settings, f"logged in: the access token of {name} is sealed")


def _code(settings: Settings, from_fd: int | None) -> str:
    """What the page led back with."""
    from floorbroker.cli.brokering import read_given, secret_of

    text = read_given(from_fd, None)
    if text is None:
        return prompted_for(settings, "The address it led back to, or the code").reveal().strip()
    return secret_of(text).reveal().strip()

"""The vault: the sealed file of credentials.

With a server on this home the acts go through its door; without one they are done here, and the journals are opened for the
moment in which they are recorded.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import Trouble, usage
from floorbroker.cli.passphrases import PASSPHRASE, Given, fresh, present
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_one, show_table

if TYPE_CHECKING:
    from floorbroker.app.home import Home
    from floorbroker.app.unlocking import Unlocking, VaultStatus
    from floorbroker.domain.secret import Secret
    from floorbroker.gateway.desk import Caller
    from floorbroker.vault import Seen

DERIVE_S = 60.0  # a derivation of 2^20 on a slow machine, and the queue before it
MEMBERS = ("standing", "reason", "changes_in_s", "trouble", "vault_id", "generation", "log2n", "warnings")
RECORDS = (
    Column("PROFILE", "profile"),
    Column("BROKER", "broker"),
    Column("ENVIRONMENT", "environment"),
    Column("VERSION", "version", right=True),
    Column("FIELDS", "fields"),
)
vault = typer.Typer(help="The sealed file of credentials.", no_args_is_help=True)

PassFd = Annotated[
    int | None, typer.Option("--passphrase-fd", min=0, help="Read the passphrase from this file descriptor.")
]
PassFile = Annotated[Path | None, typer.Option("--passphrase-file", help="Read the passphrase from this file.")]
Keep = Annotated[
    bool, typer.Option("--keep", help="Keep the passphrase in the OS keyring, for [vault] keyring = true.")
]


def register(app: typer.Typer) -> None:
    """Add the verbs of the vault."""
    app.add_typer(vault, name="vault")


@vault.command("init")
def init(
    ctx: typer.Context,
    log2n: Annotated[int, typer.Option(min=18, max=20, help="Cost of its key derivation: 20 is four times 18.")] = 18,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
    keep: Keep = False,
) -> None:
    """Make the vault of this home, with a passphrase that nobody can recover for you."""
    settings = settings_of(ctx)
    home = settings.open_home()
    if home.vault.exists():
        raise Trouble(
            "conflict", f"there is a vault at {home.vault}", fix="move it away first, if it is to be another one"
        )
    passphrase = fresh(settings, Given(passphrase_fd, passphrase_file, PASSPHRASE))
    found = _act(
        settings,
        home,
        "",
        {"passphrase": passphrase.reveal(), "log2n": log2n},
        lambda here, caller: here.init(passphrase, caller=caller, log2n=log2n),
    )
    _kept(settings, found["vault_id"], passphrase, keep=keep)
    _show(settings, found)
    say(settings, "keep the passphrase where a fire would not take both; then: floorbroker broker add")


@vault.command("unlock")
def unlock(
    ctx: typer.Context,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
    accept_older: Annotated[
        bool, typer.Option("--accept-older", help="Take a file that is older than one seen before; recorded.")
    ] = False,
) -> None:
    """Unlock it: profiles of the running desk connect.  Without a server, prove the passphrase and accept an older file."""
    settings = settings_of(ctx)
    home, seen = _there(settings)
    passphrase = present(settings, home, Given(passphrase_fd, passphrase_file, PASSPHRASE), vault_id=seen.vault_id)
    found = _act(
        settings,
        home,
        "/unlock",
        {"passphrase": passphrase.reveal(), "accept_older": accept_older},
        lambda here, caller: here.unlock(passphrase, caller=caller, accept_older=accept_older),
    )
    _show(settings, found)
    if found["standing"] != "unlocked":
        say(
            settings,
            "the passphrase is right; no desk runs on this home, and the next start asks for it: floorbroker up",
        )


@vault.command("lock")
def lock(
    ctx: typer.Context,
    now: Annotated[bool, typer.Option("--now", help="At once: cancels pass no more either.")] = False,
) -> None:
    """Lock it: nothing new is signed; cancels and the kill switch go on for the configured grace, unless --now."""
    settings = settings_of(ctx)
    home = settings.open_home()
    found = _act(settings, home, "/lock", {"at_once": now}, lambda here, caller: here.lock(caller=caller, at_once=now))
    _show(settings, found)


@vault.command("rotate")
def rotate(
    ctx: typer.Context,
    *,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
    new_passphrase_fd: Annotated[
        int | None, typer.Option(min=0, help="Read the new passphrase from this descriptor.")
    ] = None,
    new_passphrase_file: Annotated[Path | None, typer.Option(help="Read the new passphrase from this file.")] = None,
    keep: Keep = False,
) -> None:
    """Give it another passphrase.  Secrets stay; older copies of the file still open with the old passphrase."""
    settings = settings_of(ctx)
    home, seen = _there(settings)
    old = present(settings, home, Given(passphrase_fd, passphrase_file, PASSPHRASE), vault_id=seen.vault_id)
    new = fresh(settings, Given(new_passphrase_fd, new_passphrase_file, "--new-passphrase"))
    if new == old:
        raise usage("the new passphrase is the old one: nothing was changed")
    found = _act(
        settings,
        home,
        "/rotate",
        {"passphrase": old.reveal(), "new_passphrase": new.reveal()},
        lambda here, caller: here.rotate(old, new, caller=caller),
    )
    _kept(settings, found["vault_id"], new, keep=keep)
    _show(settings, found)


@vault.command("verify")
def verify(ctx: typer.Context, passphrase_fd: PassFd = None, passphrase_file: PassFile = None) -> None:
    """Open every record here, and compare the file with what the journals remember.  Nothing is changed."""
    from floorbroker.app.acts import Acts
    from floorbroker.domain.clock import SystemClock
    from floorbroker.vault import Vault

    settings = settings_of(ctx)
    home, seen = _there(settings)
    passphrase = present(settings, home, Given(passphrase_fd, passphrase_file, PASSPHRASE), vault_id=seen.vault_id)
    known = Acts(home, SystemClock()).known()
    opened = Vault.open(home.vault, passphrase, derive=settings.outside().derive, known=known, upgrade=False)
    try:
        found = {
            "vault_id": opened.vault_id,
            "generation": opened.generation,
            "remembered": None if known is None else known.generation,
            "log2n": opened.log2n,
            "opened": opened.verify(),
            "warnings": list(opened.warnings),
        }
    finally:
        opened.lock()
    show_one(settings, found)
    if known is None:
        say(settings, "no journal remembers a vault yet: an older file would not be noticed")


@vault.command("status")
def status(ctx: typer.Context) -> None:
    """Where it stands, and whose records it says to have; no passphrase is needed, and nothing is proven."""
    settings = settings_of(ctx)
    home = settings.open_home()

    async def local(here: Unlocking, caller: Caller) -> VaultStatus:
        del caller
        return here.status()

    _show(settings, _act(settings, home, "", None, local))


# -- server or here -----------------------------------------------------------------------------------------------------------


def _act(
    settings: Settings,
    home: Home,
    path: str,
    body: dict[str, Any] | None,
    local: Callable[[Unlocking, Caller], Awaitable[VaultStatus]],
) -> dict[str, Any]:
    """The vault after it, as the REST door shows it.  Without a body it is a question."""
    from floorbroker.cli.reach import run, server_of

    async def whole() -> dict[str, Any]:
        from floorbroker.client.desk import API

        async with AsyncExitStack() as stack:
            door = await server_of(stack, home, settings)
            if door is None:
                return await _here(settings, home, local)
            wait_s = max(settings.timeout_s, DERIVE_S)
            answer = await door.call(
                "GET" if body is None else "POST", f"{API}/vault{path}", body=body, timeout_s=wait_s
            )
            return answer.json()

    return run(settings, whole)


async def _here(
    settings: Settings, home: Home, local: Callable[[Unlocking, Caller], Awaitable[VaultStatus]]
) -> dict[str, Any]:
    import msgspec

    from floorbroker.api.routes.vault import vault_view
    from floorbroker.gateway.desk import Caller

    here = _unlocking(settings, home)
    try:
        await local(here, Caller(principal="operator", via="cli"))
    finally:
        here.session.end("no desk runs", at_once=True)
    return msgspec.json.decode(msgspec.json.encode(vault_view(here.status())))


def _unlocking(settings: Settings, home: Home) -> Unlocking:
    """The vault in this process alone."""
    from floorbroker.app.config import load
    from floorbroker.app.credentials import read_bot
    from floorbroker.app.failpoints import VARIABLE, fail_points
    from floorbroker.app.floor import profiles_in, vault_of

    config, outside = load(home, path=settings.config), settings.outside()
    if plan := os.environ.get(VARIABLE):
        profiles = profiles_in(config, read_bot(home.env_bot)).values()
        outside.steps = fail_points(plan, profiles=profiles, log=outside.log)
    return vault_of(home, config, outside)


def _there(settings: Settings) -> tuple[Home, Seen]:
    """The home and what its vault says of itself.  Raises `NotFound` before anybody is asked for a passphrase."""
    from floorbroker.vault import Vault

    home = settings.open_home()
    return home, Vault.look(home.vault)


def _kept(settings: Settings, vault_id: str, passphrase: Secret, *, keep: bool) -> None:
    if keep:
        from floorbroker.app.keystore import os_keyring
        from floorbroker.app.passphrase import keep_in_keyring

        keep_in_keyring(os_keyring(), vault_id, passphrase)
        say(settings, "the passphrase is in the OS keyring")


def _show(settings: Settings, found: dict[str, Any]) -> None:
    if settings.json:
        show_json(found)
        return
    show_one(settings, found, MEMBERS)
    if found["records"]:
        rows = [{**record, "fields": " ".join(record["fields"])} for record in found["records"]]
        show_table(settings, rows, RECORDS)

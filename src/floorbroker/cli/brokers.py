"""`broker`: the profiles of this home, their credentials, and what each broker asks for."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from floorbroker.cli import logging_in, moving
from floorbroker.cli.failures import UNPROVEN, Trouble, usage
from floorbroker.cli.passphrases import PASSPHRASE, Given, prompted_for
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list, show_table, show_text

if TYPE_CHECKING:
    from floorbroker.cli.brokering import Changing
    from floorbroker.domain.capability import BrokerInfo
    from floorbroker.domain.values import Environment

LISTED = (
    Column("NAME", "name"),
    Column("BROKER", "broker"),
    Column("ENVIRONMENT", "environment"),
    Column("ENABLED", "enabled"),
    Column("CREDENTIALS", "sources"),
    Column("", "told"),
)
ASKED = (
    Column("FIELD", "name"),
    Column("AT THIS VENUE", "label"),
    Column("REQUIRED IN", "required_in"),
    Column("LOOKS LIKE", "example"),
    Column("", "help"),
)
TAKEN = (Column("OPTION", "name"), Column("DEFAULT", "default"), Column("TAKES", "shape"), Column("", "help"))
CHECKS = (Column("CHECK", "name"), Column("OK", "ok"), Column("DETAIL", "detail"))

broker = typer.Typer(help="Profiles and their credentials.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="PROFILE", help="The profile.")]
FromFd = Annotated[int | None, typer.Option("--from-fd", min=0, help="Read the secrets from this file descriptor.")]
FromFile = Annotated[
    Path | None, typer.Option("--from-file", help="Read the secrets from this file, lines like BROKER_API_KEY=...")
]
OneFromFd = Annotated[int | None, typer.Option("--from-fd", min=0, help="Read the secret from this file descriptor.")]
OneFromFile = Annotated[
    Path | None, typer.Option("--from-file", help="Read it from this file: the secret alone, or a line FIELD=...")
]
PassFd = Annotated[int | None, typer.Option("--passphrase-fd", min=0, help="Read the vault's passphrase from it.")]
PassFile = Annotated[Path | None, typer.Option("--passphrase-file", help="Read the vault's passphrase from it.")]
Option = Annotated[list[str] | None, typer.Option("--option", help="An option of the broker, NAME=VALUE; repeatable.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of profiles."""
    moving.register(broker)
    logging_in.register(broker)
    app.add_typer(broker, name="broker")


@broker.command("list")
def list_(ctx: typer.Context) -> None:
    """Every profile, with who gives each of its credentials; never a value."""
    from floorbroker.cli.brokering import as_served, profiles_here

    settings = settings_of(ctx)
    rows = [_row(listed) for listed in profiles_here(settings, settings.open_home()).listed()]
    rows = [
        row for row in rows if settings.env in (None, row["environment"]) and settings.profile in (None, row["name"])
    ]
    rows = as_served(settings, rows)
    for row in rows:
        row["told"] = "; ".join(row["notes"])
    show_list(settings, rows, LISTED, empty="no profile: floorbroker broker add")


def _row(listed: Any) -> dict[str, Any]:
    """A profile as the REST door has it; for people its sources in one word, and `missing` where it cannot do without more."""
    import msgspec

    from floorbroker.api.routes.stored import stored_view
    from floorbroker.app.catalogue import KNOWN

    row: dict[str, Any] = msgspec.to_builtins(stored_view(listed))
    sources = [f["source"] for f in row["fields"] if f["source"] and f["name"] != "BROKER_URL"]
    if (info := KNOWN.get(listed.broker)) is not None and info.form(listed.environment).missing(listed.fields):
        sources.append("missing")
    row["sources"] = ", ".join(dict.fromkeys(sources)) or "none needed"
    return row


@broker.command("fields")
def fields(
    ctx: typer.Context,
    code: Annotated[str | None, typer.Argument(metavar="CODE", help="One broker; all by default.")] = None,
) -> None:
    """What each broker asks for: fields with their meaning there, and options."""
    import msgspec

    from floorbroker.api.views.operations import broker_view

    settings = settings_of(ctx)
    infos = [info_of(code)] if code else _infos()
    if settings.json:
        show_json({"items": [msgspec.to_builtins(broker_view(info)) for info in infos], "next_cursor": None})
        return
    for info in infos:
        show_text(
            f"{info.code}: {info.name}" if info.fields else f"{info.code}: {info.name}, which needs no credentials"
        )
        if info.fields:
            show_table(settings, [_asked(x, info) for x in info.fields], ASKED)
        if info.options:
            rows = [{"name": o.name, "default": o.default, "shape": o.shape, "help": o.help} for o in info.options]
            show_table(settings, rows, TAKEN)


def _asked(asked: Any, info: BrokerInfo) -> dict[str, Any]:
    where = ", ".join(e.value for e in info.environments if asked.is_for(e)) if asked.required else ""
    return {
        "name": asked.name,
        "label": asked.label,
        "required_in": where,
        "example": asked.example,
        "help": asked.help,
    }


def _infos() -> list[BrokerInfo]:
    from floorbroker.app.catalogue import KNOWN

    return sorted(KNOWN.values(), key=lambda info: info.code)


def info_of(code: str) -> BrokerInfo:
    """Raises a usage error for a broker that this desk does not have."""
    for info in _infos():
        if info.code == code.upper():
            return info
    raise usage(f"broker {code!r} is not one of {', '.join(info.code for info in _infos())}")


@broker.command("add")
def add(
    ctx: typer.Context,
    name: Name,
    *,
    code: Annotated[str, typer.Option("--broker", help="The broker's code: floorbroker broker fields.")],
    url: Annotated[str, typer.Option(help="Where it is, where the broker asks for that.")] = "",
    host: Annotated[str, typer.Option(help="The same, as a host.")] = "",
    option: Option = None,
    disabled: Annotated[bool, typer.Option("--disabled", help="Write it, and leave it off.")] = False,
    keyring: Annotated[
        bool, typer.Option("--keyring", help="Keep its secrets in the OS keyring, not the vault.")
    ] = False,
    from_fd: FromFd = None,
    from_file: FromFile = None,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
) -> None:
    """Make a profile: what is missing is asked for, secrets are sealed, the rest is written into floorbroker.toml."""
    from floorbroker.cli.brokering import asked_for, changing, fields_in, pairs, read_given
    from floorbroker.domain.forms import SEALED

    settings = settings_of(ctx)
    info, environment = info_of(code), _environment(settings)
    text = read_given(from_fd, from_file)
    given = {} if text is None else fields_in(text, "the secrets")
    given |= {field: text for field, text in (("BROKER_URL", url), ("BROKER_HOST", host)) if text}
    given |= asked_for(settings, info, environment, given)
    sealed = {field: text for field, text in given.items() if field in SEALED}
    body = {
        "name": name, "broker": info.code, "url": given.get("BROKER_URL", ""), "host": given.get("BROKER_HOST", ""),
        "options": pairs(option or []), "enabled": not disabled, "credentials": "keyring" if keyring else "vault",
        "fields": sealed,
    }  # fmt: skip

    async def work(door: Changing) -> tuple[Any, bool]:
        return await door.call("POST", environment.value, "", body=body), door.by_server

    found, by_server = changing(
        settings, Given(passphrase_fd, passphrase_file, PASSPHRASE), work, sealed=bool(sealed) and not keyring
    )
    _told(settings, found, by_server=by_server)


@broker.command("edit")
def edit(
    ctx: typer.Context,
    name: Name,
    *,
    url: Annotated[str | None, typer.Option(help="Where it is; an empty text takes it out.")] = None,
    host: Annotated[str | None, typer.Option(help="The same, as a host.")] = None,
    option: Annotated[
        list[str] | None, typer.Option("--option", help="NAME=VALUE; NAME= takes it out; repeatable.")
    ] = None,
    enabled: Annotated[bool | None, typer.Option("--enable/--disable", help="Whether the desk opens it.")] = None,
    credentials: Annotated[
        Literal["vault", "keyring"] | None, typer.Option(help="Where its secrets are looked for first.")
    ] = None,
) -> None:
    """Change what is written of a profile.  Broker and environment stay: another account is another profile."""
    from floorbroker.cli.brokering import changing, named, pairs

    settings = settings_of(ctx)
    said = {"url": url, "host": host, "enabled": enabled, "credentials": credentials}
    body: dict[str, Any] = {member: value for member, value in said.items() if value is not None}
    if option:
        body["options"] = pairs(option)
    if not body:
        raise usage("say what to change: --url, --host, --option, --enable, --disable or --credentials")
    environment = _where(settings, name)

    async def work(door: Changing) -> tuple[Any, bool]:
        return await door.call("PATCH", environment, named(name), body=body), door.by_server

    found, by_server = changing(settings, Given(), work, sealed=False)
    _told(settings, found, by_server=by_server)


@broker.command("remove")
def remove(ctx: typer.Context, name: Name, passphrase_fd: PassFd = None, passphrase_file: PassFile = None) -> None:
    """Take a profile out, its secrets too; its journal stays.  With open orders only when --yes is said."""
    from floorbroker.cli.brokering import changing, is_sealed, named, profiles_here

    settings = settings_of(ctx)
    environment = _where(settings, name)
    if settings.may_ask and not typer.confirm(f"Remove profile {name} and its secrets?", err=True):
        raise typer.Exit
    if not settings.may_ask and not settings.yes:
        raise usage(f"removing {name} takes its secrets away: say --yes")
    params = {"force": "true"} if settings.yes else {}

    async def work(door: Changing) -> bool:
        await door.call("DELETE", environment, named(name), params=params)
        return door.by_server

    sealed = is_sealed(profiles_here(settings, settings.open_home()), name)
    by_server = changing(settings, Given(passphrase_fd, passphrase_file, PASSPHRASE), work, sealed=sealed)
    if settings.json:
        show_json({"removed": name})
    say(settings, f"removed {name}" + ("; the running desk has let it go" if by_server else ""))


@broker.command("rotate")
def rotate(
    ctx: typer.Context,
    name: Name,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="Which secret: BROKER_SECRET_KEY and the like.")],
    *,
    no_test: Annotated[bool, typer.Option("--no-test", help="Store it without asking the venue first.")] = False,
    from_fd: OneFromFd = None,
    from_file: OneFromFile = None,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
) -> None:
    """Put one new secret in the place of the old one, after the venue took it."""
    from floorbroker.cli.brokering import changing, is_sealed, named, new_secret, profiles_here, read_given
    from floorbroker.domain.forms import SEALED

    settings = settings_of(ctx)
    if field not in SEALED:
        raise usage(f"{field!r} is no secret; those are {', '.join(SEALED)}")
    environment, text = _where(settings, name), read_given(from_fd, from_file)
    new = prompted_for(settings, f"New {field} of {name}") if text is None else new_secret(text, field)
    body = {"fields": {field: new.reveal()}, "test": not no_test}

    async def work(door: Changing) -> tuple[Any, bool]:
        return await door.call("POST", environment, f"{named(name)}/rotate", body=body), door.by_server

    here = profiles_here(settings, settings.open_home())
    sealed = is_sealed(here, name) or not here.in_keyring(name)
    found, by_server = changing(settings, Given(passphrase_fd, passphrase_file, PASSPHRASE), work, sealed=sealed)
    if settings.json:
        show_json(found)
        return
    for note in found["notes"]:
        say(settings, f"note: {note}")
    signs = by_server and not here.in_keyring(name)
    say(settings, f"{field} of {name} is replaced" + ("; the running desk signs with it from now on" if signs else ""))


@broker.command("test")
def try_(ctx: typer.Context, name: Name, passphrase_fd: PassFd = None, passphrase_file: PassFile = None) -> None:
    """Ask the venue whether the credentials are right and of this environment; nothing is ordered or changed."""
    from floorbroker.cli.brokering import changing, is_sealed, named, profiles_here

    settings = settings_of(ctx)
    environment = _where(settings, name)

    async def work(door: Changing) -> Any:
        return await door.call("POST", environment, f"{named(name)}/test")

    sealed = is_sealed(profiles_here(settings, settings.open_home()), name)
    found = changing(settings, Given(passphrase_fd, passphrase_file, PASSPHRASE), work, sealed=sealed)
    if settings.json:
        show_json(found)
    else:
        show_table(settings, found["checks"], CHECKS)
    if not found["ok"]:
        raise typer.Exit(UNPROVEN)


@broker.command("export-env")
def export_env(
    ctx: typer.Context,
    name: Name,
    *,
    out: Annotated[Path | None, typer.Option(help="Write a file that you alone can read.")] = None,
    plaintext_ok: Annotated[bool, typer.Option("--plaintext-ok", help="Accept live keys in plain text.")] = False,
    passphrase_fd: PassFd = None,
    passphrase_file: PassFile = None,
) -> None:
    """A profile as a .env_bot, its secrets in the clear: for a container that cannot have a vault."""
    from floorbroker.cli.brokering import is_sealed, profiles_here, unlock_here
    from floorbroker.cli.reach import run
    from floorbroker.gateway.desk import Caller

    settings = settings_of(ctx)
    home = settings.open_home()
    if out is None and sys.stdout.isatty():
        raise usage("secrets are not shown on a terminal: say --out FILE, or redirect the output to a file")
    here = profiles_here(settings, home)

    async def work() -> str:
        try:
            if is_sealed(here, name):
                await unlock_here(settings, here, Given(passphrase_fd, passphrase_file, PASSPHRASE))
            ok = plaintext_ok or os.environ.get("BROKER_PLAINTEXT_OK", "") in ("1", "true", "yes")
            return await here.exported(name, caller=Caller(principal="operator", via="cli"), plaintext_ok=ok)
        finally:
            here.unlocking.session.end("the command is done", at_once=True)

    text = run(settings, work)
    if out is None:
        show_text(text.removesuffix("\n"))
        return
    from floorbroker.app.home import write_private

    write_private(out, text)
    say(settings, f"{out} holds the keys of {name} in the clear, readable by you alone")


# -- what the verbs share -----------------------------------------------------------------------------------------------------


def _environment(settings: Settings) -> Environment:
    from floorbroker.domain.values import Environment

    if settings.env is None:
        raise usage("say the environment of the account: --env paper, --env live or --env sim")
    return Environment(settings.env)


def _where(settings: Settings, name: str) -> str:
    """The environment of a stored profile.  Raises `NotFound`, and a usage error when --env says another."""
    from floorbroker.cli.brokering import profiles_here

    found = profiles_here(settings, settings.open_home()).one(name).environment.value
    if settings.env not in (None, found):
        raise Trouble(code="not_found", detail=f"profile {name} is of environment {found}, not {settings.env}")
    return found


def _told(settings: Settings, found: dict[str, Any], *, by_server: bool) -> None:
    if settings.json:
        show_json(found)
        return
    for note in found["notes"]:
        say(settings, f"note: {note}")
    state = "is written" if found["enabled"] else "is written, and off"
    say(
        settings,
        f"profile {found['name']} {state}; {found['applies'] if by_server else 'next: floorbroker broker test ' + found['name']}",
    )

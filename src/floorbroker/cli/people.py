"""Users and tokens: who may come in, and what they may do."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import usage
from floorbroker.cli.passphrases import FROM, Given
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_list, show_one, show_text

if TYPE_CHECKING:
    from floorbroker.client.door import Method

USERS = (
    Column("NAME", "name"),
    Column("ROLE", "role"),
    Column("IN", "environments"),
    Column("2FA", "second_factor"),
    Column("SESSIONS", "sessions", right=True),
    Column("DISABLED", "disabled"),
)
TOKENS = (
    Column("NAME", "name"),
    Column("IN", "environment"),
    Column("SCOPES", "scopes"),
    Column("USER", "user"),
    Column("STATE", "state"),
    Column("USED", "used_at"),
    Column("EXPIRES", "expires_at"),
)
user = typer.Typer(help="People who may come in.", no_args_is_help=True)
token = typer.Typer(help="Tokens of programs.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The user's name.")]
Role = Annotated[str | None, typer.Option(help="viewer, trader, risk or admin.")]
In = Annotated[str | None, typer.Option("--in", help="Environments with commas between, like sim,paper.")]
FromFd = Annotated[int | None, typer.Option("--from-fd", min=0, help="Read the secret from this file descriptor.")]
FromFile = Annotated[Path | None, typer.Option("--from-file", help="Read the secret from this file.")]


def register(app: typer.Typer) -> None:
    """Add the verbs of people."""
    app.add_typer(user, name="user")
    app.add_typer(token, name="token")


# -- users ----------------------------------------------------------------------------------------------------------------


@user.command("add")
def add(
    ctx: typer.Context,
    name: Name,
    *,
    role: Role = None,
    within: In = None,
    from_fd: FromFd = None,
    from_file: FromFile = None,
) -> None:
    """Take somebody in.  The first one is admin everywhere, and spends the token that was printed."""
    from floorbroker.cli.peopling import new_password

    settings = settings_of(ctx)
    password = new_password(settings, Given(from_fd, from_file, FROM))
    body = {"name": name, "password": password.reveal()} | _given(role=role, environments=_words(within))
    show_one(settings, _asked(settings, "POST", "/users", body))


@user.command("list")
def listed(ctx: typer.Context) -> None:
    """Everybody who belongs to the desk."""
    settings = settings_of(ctx)
    found = _asked(settings, "GET", "/users")
    show_list(settings, found["items"], USERS, empty="no users: the operator's token is the way in")


@user.command("edit")
def edit(
    ctx: typer.Context,
    name: Name,
    role: Role = None,
    within: In = None,
    disabled: Annotated[
        bool | None, typer.Option("--disable/--enable", help="Whether they may come in at all.")
    ] = None,
) -> None:
    """Change role, environments, or whether they may come in.  Their sessions end."""
    settings = settings_of(ctx)
    body = _given(role=role, environments=_words(within), disabled=disabled)
    if not body:
        raise usage("say what to change: --role, --in, --disable or --enable")
    show_one(settings, _asked(settings, "PATCH", f"/users/{_part(name)}", body))


@user.command("remove")
def remove(ctx: typer.Context, name: Name) -> None:
    """Take somebody out, with all sessions and tokens."""
    settings = settings_of(ctx)
    if not settings.yes:
        if not settings.may_ask:
            raise usage(f"removing {name} takes all their tokens along", fix="say --yes if that is meant")
        typer.confirm(f"Remove {name} with all sessions and tokens?", abort=True, err=True)
    _asked(settings, "DELETE", f"/users/{_part(name)}")
    say(settings, f"{name} is removed")
    if settings.json:
        show_json({"removed": name})


@user.command("password")
def password(ctx: typer.Context, name: Name, from_fd: FromFd = None, from_file: FromFile = None) -> None:
    """Set another password, also a forgotten one.  All their sessions end."""
    from floorbroker.cli.peopling import new_password

    settings = settings_of(ctx)
    word = new_password(settings, Given(from_fd, from_file, FROM))
    show_one(settings, _asked(settings, "PUT", f"/users/{_part(name)}/password", {"password": word.reveal()}))


@user.command("2fa")
def second_factor(
    ctx: typer.Context,
    name: Name,
    from_fd: FromFd = None,
    from_file: FromFile = None,
    off: Annotated[bool, typer.Option("--off", help="Switch it off: the telephone is lost.")] = False,
) -> None:
    """Set up a second factor, or switch it off.

    Shows the secret and asks for a first code.  Where nobody can be asked it ends there; --from-fd or --from-file then hands that
    code in, in a second call.
    """
    settings = settings_of(ctx)
    place, given = f"/users/{_part(name)}/2fa", Given(from_fd, from_file, FROM)
    if off:
        _asked(settings, "DELETE", place)
        say(settings, f"the second factor of {name} is off")
        if settings.json:
            show_json({"second_factor": False})
        return
    code = given.read()
    if code is None:
        found = _asked(settings, "POST", place)
        _show_secret(settings, found)
        if not settings.may_ask:
            return
        entered = typer.prompt("The first code it shows", err=True)
    else:
        entered = code.reveal().strip()
    told = _asked(settings, "POST", f"{place}/confirm", {"code": entered})
    say(settings, "it is on; each of these codes stands in for it once, and none is shown again")
    if settings.json:
        show_json(told)
    else:
        show_text("\n".join(told["recovery_codes"]))


def _show_secret(settings: Settings, found: dict[str, Any]) -> None:
    from floorbroker.cli.peopling import picture_of

    if settings.json:
        show_json(found)
        return
    if settings.may_ask:
        show_text(picture_of(found["uri"]))
    show_text(f"secret: {found['secret']}\n{found['uri']}")


# -- tokens ---------------------------------------------------------------------------------------------------------------


@token.command("create")
def create(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="What the program is called.")],
    *,
    scopes: Annotated[str, typer.Option(help="read, trade, risk, admin, with commas between.")] = "read",
    days: Annotated[int | None, typer.Option(min=1, max=3660, help="Ends after so many days.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="Works from this network alone; may be repeated.")] = None,
    per_minute: Annotated[int | None, typer.Option(min=1, max=100_000, help="How often it may ask.")] = None,
) -> None:
    """Make a token for a program, in the environment --env names; paper by default.  Its text is shown this once."""
    settings = settings_of(ctx)
    body = {"name": name, "environment": settings.env or "paper", "scopes": _words(scopes)}
    body |= _given(expires_at=_end(days), addresses=address, per_minute=per_minute)
    made = _asked(settings, "POST", "/tokens", body)
    if settings.json:
        show_json(made)
        return
    show_text(made["secret"])
    say(settings, "shown this once; send it as  Authorization: Bearer TOKEN")


@token.command("list")
def tokens(ctx: typer.Context) -> None:
    """Tokens, revoked ones too; never their text."""
    settings = settings_of(ctx)
    show_list(settings, _asked(settings, "GET", "/tokens")["items"], TOKENS, empty="no tokens")


@token.command("revoke")
def revoke(ctx: typer.Context, name: Annotated[str, typer.Argument(help="Its name or id.")]) -> None:
    """End a token at once."""
    settings = settings_of(ctx)
    show_one(settings, _asked(settings, "DELETE", f"/tokens/{_part(name)}"))


def _asked(settings: Settings, method: Method, path: str, body: object = None) -> Any:
    from floorbroker.cli.peopling import ask

    return ask(settings, method, path, body)


def _part(name: str) -> str:
    from floorbroker.client.door import segment

    return segment(name)


def _given(**members: object) -> dict[str, Any]:
    return {name: value for name, value in members.items() if value is not None}


def _words(text: str | None) -> list[str] | None:
    return None if text is None else [word.strip() for word in text.split(",") if word.strip()]


def _end(days: int | None) -> str | None:
    from floorbroker.domain.clock import SystemClock
    from floorbroker.domain.values import time_text

    return None if days is None else time_text(SystemClock().now() + timedelta(days=days))

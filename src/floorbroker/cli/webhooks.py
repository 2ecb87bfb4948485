"""Webhooks on the command line: addresses for signals, URLs that are told of events, and what became of both."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from floorbroker.cli.failures import UNPROVEN, Trouble, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_list, show_one

if TYPE_CHECKING:
    from collections.abc import Mapping

    from floorbroker.cli.reach import Reached
    from floorbroker.client.door import Door, Method

HOOKS = (
    Column("NAME", "name"),
    Column("ENVIRONMENT", "environment"),
    Column("DIRECTION", "direction"),
    Column("ENABLED", "enabled"),
    Column("PROFILE", "profile"),
    Column("URL", "url"),
    Column("PATH", "path"),
    Column("EVENTS", "events"),
)
SIGNALS = (
    Column("AT", "at"),
    Column("OUTCOME", "outcome"),
    Column("ORDER", "order"),
    Column("DETAIL", "detail"),
)
DELIVERIES = (
    Column("ID", "id"),
    Column("MADE", "made_at"),
    Column("EVENT", "event"),
    Column("STATE", "state"),
    Column("TRIES", "attempts", right=True),
    Column("STATUS", "status", right=True),
    Column("TROUBLE", "trouble"),
)
Name = Annotated[str, typer.Argument(help="Its name, or its id.")]
FromFd = Annotated[int | None, typer.Option("--from-fd", min=0, help="Read the URL from this file descriptor.")]
FromFile = Annotated[Path | None, typer.Option("--from-file", help="Read the URL from this file.")]
Events = Annotated[
    list[str] | None, typer.Option("--event", help="An event to tell of; several times for several, * for all.")
]
Rows = Annotated[int, typer.Option("--limit-rows", min=1, max=1000, help="So many of the newest.")]
webhook = typer.Typer(help="Signals that come in, events that go out.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of webhooks."""
    app.add_typer(webhook, name="webhook")


@webhook.command("list")
def list_(ctx: typer.Context) -> None:
    """Every webhook of every environment, or of the one that is named; no secret is shown."""
    from floorbroker.cli.reach import on_desks

    settings = settings_of(ctx)

    async def listed(desks: list[Reached]) -> list[dict[str, Any]]:
        return [
            row | {"environment": desk.client.environment}
            for desk in desks
            for row in (await desk.get("/webhooks"))["items"]
        ]

    show_list(settings, on_desks(settings, listed), HOOKS, empty="no webhooks")


@webhook.command("show")
def show(ctx: typer.Context, name: Name) -> None:
    """One webhook, with its template and limits."""
    settings = settings_of(ctx)
    show_one(settings, call(settings, "GET", f"/webhooks/{part(name)}", of=name))


@webhook.command("add")
def add(  # noqa: PLR0917 - Typer hands every option by name
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A name of its own.")],
    direction: Annotated[
        str, typer.Option(help="in: signals become orders of --profile.  out: events are posted.")
    ] = "in",
    strategy: Annotated[str, typer.Option(help="in: the strategy its orders belong to; its own name.")] = "",
    auth: Annotated[str, typer.Option(help="in: secret (in the body) or hmac (a signature header).")] = "secret",
    template: Annotated[Path | None, typer.Option(help="in: a JSON file, members of an order from $members.")] = None,
    words: Annotated[Path | None, typer.Option(help="in: a JSON file, a sender's words and ours.")] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="in: a symbol it may trade; several times for several.")
    ] = None,
    max_quantity: Annotated[str | None, typer.Option(help="in: at most so many units at a time.")] = None,
    max_notional: Annotated[str | None, typer.Option(help="in: at most for so much at a time.")] = None,
    per_minute: Annotated[int, typer.Option(min=1, max=600, help="in: at most so many signals a minute.")] = 30,
    url: Annotated[str | None, typer.Option(help="out: where to; one with a token in it by --from-fd.")] = None,
    event: Events = None,
    from_fd: FromFd = None,
    from_file: FromFile = None,
) -> None:
    """Make a webhook.  Its secret is printed this once."""
    settings = settings_of(ctx)
    if direction == "in":
        body: dict[str, Any] = {
            "profile": profile_of(settings),
            "strategy": strategy,
            "auth": auth,
            "per_minute": per_minute,
            "template": _object(template, "--template"),
            "words": _object(words, "--words"),
            "symbols": symbol or None,
            "max_quantity": max_quantity,
            "max_notional": max_notional,
        }
    elif direction == "out":
        body = {"url": url or url_of(settings, from_fd, from_file), "events": event or None}
    else:
        raise usage("--direction: in or out")
    given = {member: value for member, value in body.items() if value not in (None, "")}
    made = call(settings, "POST", "/webhooks", body={"name": name, "direction": direction, **given})
    show_one(settings, made)
    if direction == "in":
        say(settings, f'try it: floorbroker webhook test {name} --body "symbol=AAPL side=buy quantity=1"')


@webhook.command("test")
def try_(
    ctx: typer.Context,
    name: Name,
    body: Annotated[str, typer.Option(help="in: a sample signal, without its secret; - reads standard input.")] = "",
) -> None:
    """in: what a sample signal would become; nothing is sent.  out: post an event now.  Exit code 11 where it would fail."""
    settings = settings_of(ctx)
    sample = sys.stdin.read() if body == "-" else body
    told(settings, call(settings, "POST", f"/webhooks/{part(name)}/test", body={"body": sample}, of=name))


@webhook.command("on")
def on(ctx: typer.Context, name: Name) -> None:
    """Switch it on."""
    switch(settings_of(ctx), f"/webhooks/{part(name)}", enabled=True, of=name)


@webhook.command("off")
def off(ctx: typer.Context, name: Name) -> None:
    """Switch it off; what waits for delivery goes on waiting."""
    switch(settings_of(ctx), f"/webhooks/{part(name)}", enabled=False, of=name)


@webhook.command("remove")
def remove(ctx: typer.Context, name: Name) -> None:
    """Take it out, with its log."""
    settings = settings_of(ctx)
    call(settings, "DELETE", f"/webhooks/{part(name)}", of=name)
    say(settings, f"removed: {name}")


@webhook.command("log")
def log(ctx: typer.Context, name: Name, limit: Rows = 20) -> None:
    """in: signals and what became of them.  out: deliveries, dead letters among them."""
    settings = settings_of(ctx)
    is_in = call(settings, "GET", f"/webhooks/{part(name)}", of=name)["direction"] == "in"
    what, columns = ("signals", SIGNALS) if is_in else ("deliveries", DELIVERIES)
    found = call(settings, "GET", f"/webhooks/{part(name)}/{what}", params={"limit": limit}, of=name)
    show_list(settings, found["items"], columns, empty=f"no {what} yet")


@webhook.command("retry")
def retry(ctx: typer.Context, name: Name, delivery: Annotated[str, typer.Argument(help="The delivery's id.")]) -> None:
    """Send a dead letter once more."""
    settings = settings_of(ctx)
    path = f"/webhooks/{part(name)}/deliveries/{part(delivery)}/retry"
    show_one(settings, call(settings, "POST", path, of=name))


# -- shared with `notify` -------------------------------------------------------------------------------------------------


def call(
    settings: Settings,
    method: Method,
    path: str,
    *,
    body: object = None,
    params: Mapping[str, str | int | None] | None = None,
    headers: Mapping[str, str] | None = None,
    in_environment: bool = True,
    of: str = "",
) -> Any:
    """The document that answers at a path of the environment, or beside the environments.

    `of` is a webhook: where no environment is named it is that of the webhook.
    """
    from floorbroker.cli.reach import at_door, on_desk, on_desks
    from floorbroker.client.desk import API

    async def asked(door: Door, where: str) -> Any:
        answer = await door.call(method, where, body=body, params=params, headers=headers)
        return None if answer.status == 204 else answer.json()

    async def at_its_own(desks: list[Reached]) -> Any:
        desk = await _holder(desks, of)
        return await asked(desk.client.door, desk.client.at(path))

    if of:
        return on_desks(settings, at_its_own)
    if in_environment:
        return on_desk(settings, lambda desk: asked(desk.client.door, desk.client.at(path)))
    return at_door(settings, lambda door: asked(door, f"{API}{path}"))


async def _holder(desks: list[Reached], name: str) -> Reached:
    """The desk that has a webhook.  Raises `Trouble` where none has, and a usage error where several have."""
    if len(desks) == 1:
        return desks[0]
    holders = [desk for desk in desks if await _has(desk, name)]
    if len(holders) == 1:
        return holders[0]
    if not holders:
        there = ", ".join(desk.client.environment for desk in desks) or "this home"
        raise Trouble(code="not_found", detail=f"no webhook {name!r} in {there}", fix="see: floorbroker webhook list")
    words = ", ".join(desk.client.environment for desk in holders)
    raise usage(f"name an environment with --env; a webhook {name!r} is in: {words}")


async def _has(desk: Reached, name: str) -> bool:
    from floorbroker.client import Refused

    try:
        await desk.get(f"/webhooks/{part(name)}")
    except Refused as error:
        if error.problem.status == 404:
            return False
        raise
    return True


def switch(settings: Settings, path: str, *, enabled: bool, in_environment: bool = True, of: str = "") -> None:
    """Read the version, and change that one."""
    version = call(settings, "GET", path, in_environment=in_environment, of=of)["version"]
    changed = call(
        settings, "PATCH", path, body={"enabled": enabled}, headers={"If-Match": f'"{version}"'},
        in_environment=in_environment, of=of,
    )  # fmt: skip
    show_one(settings, changed)


def part(name: str) -> str:
    """A name as one part of a path."""
    from floorbroker.client.door import segment

    return segment(name)


def told(settings: Settings, found: dict[str, Any]) -> None:
    """What a test came to; exit code 11 when it failed."""
    show_one(settings, found)
    if not found["ok"]:
        raise typer.Exit(UNPROVEN)


def profile_of(settings: Settings) -> str:
    """Raises a usage error without one."""
    if settings.profile is None:
        raise usage("name the profile that its orders go to: --profile NAME")
    return settings.profile


def url_of(settings: Settings, from_fd: int | None, from_file: Path | None) -> str:
    """A URL that may hold a token: from a descriptor, a file, or a hidden prompt."""
    from floorbroker.cli.brokering import read_given

    text = read_given(from_fd, from_file)
    if text is None:
        if not settings.may_ask:
            raise usage("hand the URL in with --from-fd N or --from-file FILE, or run this in a terminal")
        text = str(typer.prompt("URL", hide_input=True, err=True))
    return text.strip()


def _object(path: Path | None, flag: str) -> dict[str, Any] | None:
    if path is None:
        return None
    try:
        found = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise usage(f"{flag} {path}: {error}") from None
    if not isinstance(found, dict):
        raise usage(f"{flag} {path}: a JSON object is wanted")
    return dict(found)  # pyright: ignore[reportUnknownArgumentType] - as it was written

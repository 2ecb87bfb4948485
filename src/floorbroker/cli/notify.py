"""Alerts on the command line: who is told, of what, and when not."""

from __future__ import annotations

from typing import Annotated

import typer

from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import Column, say, show_list, show_one
from floorbroker.cli.webhooks import DELIVERIES, Events, FromFd, FromFile, Name, Rows, call, part, told, url_of

TARGETS = (
    Column("NAME", "name"),
    Column("SERVICE", "service"),
    Column("ENABLED", "enabled"),
    Column("ENVIRONMENTS", "environments"),
    Column("QUIET", "quiet"),
    Column("GROUP S", "group_s", right=True),
    Column("EVENTS", "events"),
)
notify = typer.Typer(help="Tell people: chat, mail, desktop.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of alerts."""
    app.add_typer(notify, name="notify")


@notify.command("list")
def list_(ctx: typer.Context) -> None:
    """Who is told of what; the URLs are secrets and are not shown."""
    settings = settings_of(ctx)
    found = call(settings, "GET", "/notifications", in_environment=False)
    show_list(settings, found["items"], TARGETS, empty="nobody is told")


@notify.command("add")
def add(  # noqa: PLR0917 - Typer hands every option by name
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="A name of its own.")],
    event: Events = None,
    quiet: Annotated[
        str, typer.Option("--quiet-hours", help="Like '22:00-07:00 Europe/Berlin'; urgent events pass.")
    ] = "",
    group: Annotated[
        int,
        typer.Option(min=0, max=3600, help="Gather events for so many seconds into one message; urgent events pass."),
    ] = 0,
    from_fd: FromFd = None,
    from_file: FromFile = None,
) -> None:
    """Tell somebody, by an Apprise URL, which is asked for without an echo.  --env limits it to one environment."""
    settings = settings_of(ctx)
    body = {
        "name": name,
        "url": url_of(settings, from_fd, from_file),
        "environments": [settings.env] if settings.env else [],
        "events": event or [],
        "quiet": quiet,
        "group_s": group,
    }
    show_one(settings, call(settings, "POST", "/notifications", body=body, in_environment=False))
    say(settings, f"try it: floorbroker notify test {name}")


@notify.command("test")
def try_(ctx: typer.Context, name: Name) -> None:
    """Send a message now.  Exit code 11 where nobody took it."""
    settings = settings_of(ctx)
    told(settings, call(settings, "POST", f"/notifications/{part(name)}/test", in_environment=False))


@notify.command("remove")
def remove(ctx: typer.Context, name: Name) -> None:
    """Tell them no more."""
    settings = settings_of(ctx)
    call(settings, "DELETE", f"/notifications/{part(name)}", in_environment=False)
    say(settings, f"removed: {name}")


@notify.command("log")
def log(ctx: typer.Context, name: Name, limit: Rows = 20) -> None:
    """What they were told, and what was given up."""
    settings = settings_of(ctx)
    path = f"/notifications/{part(name)}/deliveries"
    found = call(settings, "GET", path, params={"limit": limit}, in_environment=False)
    show_list(settings, found["items"], DELIVERIES, empty="nothing yet")

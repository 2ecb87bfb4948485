"""Arming live trading: a person's word, by name and for a while."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from floorbroker.cli.failures import Trouble, plain, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_list

ARMS = (
    Column("PROFILE", "profile"),
    Column("ARMED", "armed"),
    Column("UNTIL", "until"),
    Column("BY", "by"),
    Column("REASON", "reason"),
    Column("WHY NOT", "why_not"),
)
live = typer.Typer(help="Let live profiles trade, for a while.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of arming."""
    app.add_typer(live, name="live")


@live.command("arm")
def arm(
    ctx: typer.Context,
    lasts: Annotated[str, typer.Option("--for", help="How long: 30m, 8h, at most 24h.")] = "8h",
    reason: Annotated[str | None, typer.Option(help="Why, for the record; required.")] = None,
    confirm: Annotated[
        str | None, typer.Option(help="The profile's name once more, where nobody can be asked.")
    ] = None,
) -> None:
    """Let one live profile trade.  It ends by itself, and a kill ends it at once.  --yes never arms."""
    from floorbroker.cli.arming import armed, length_bounded, named

    settings = settings_of(ctx)
    for_s, profile = length_bounded(lasts), named(settings)
    if settings.may_ask:
        say(settings, f"LIVE {profile}")
        reason = reason or typer.prompt("Why", err=True)
        confirm = confirm or typer.prompt(f"Real money for {lasts}: type the profile's name to arm it", err=True)
    if reason is None or not reason.strip():
        raise usage("arming needs a reason: floorbroker live arm --reason TEXT")
    if confirm is None or confirm != profile:
        raise usage(f"arming wants the profile's name once more, typed by a person: --confirm {profile}")
    _told(settings, armed(settings, profile, for_s=for_s, confirm=confirm, reason=_line(reason)))


@live.command("disarm")
def disarm(ctx: typer.Context, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand") -> None:
    """Stop live trading of one --profile, or of all.  Open orders stay, and can be cancelled."""
    from floorbroker.cli.arming import disarmed

    settings = settings_of(ctx)
    _told(settings, disarmed(settings, reason=_line(reason)))


@live.command("status")
def status(ctx: typer.Context) -> None:
    """Which live profiles may trade, until when, and why the others may not."""
    from floorbroker.cli.arming import standing

    settings = settings_of(ctx)
    _told(settings, standing(settings))


def _line(text: str) -> str:
    """One line of plain signs, short enough for every record that keeps it."""
    return plain(" ".join(text.split()))[:200]


def _told(settings: Settings, rows: list[dict[str, Any]]) -> None:
    if not rows and settings.profile is not None:
        raise Trouble(code="not_found", detail=f"no live profile {settings.profile!r}")
    show_list(settings, rows, ARMS, empty="no live profile is configured")

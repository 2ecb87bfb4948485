"""Routes: which profile orders go to, and how each profile stands."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from floorbroker.cli.failures import plain
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, say, show_json, show_table

RULES = (
    Column("RULE", "name"),
    Column("USES", "use"),
    Column("SYMBOL", "symbol"),
    Column("STRATEGY", "strategy"),
    Column("PROFILES", "profiles"),
    Column("ACTIVE", "active"),
)
STANDINGS = (
    Column("PROFILE", "profile"),
    Column("USABLE", "usable"),
    Column("HEALTH", "health", right=True),
    Column("OPEN", "open_orders", right=True),
    Column("WEIGHT", "weight", right=True),
    Column("FEE BPS", "fee_bps", right=True),
    Column("LATENCY MS", "latency_expected_ms", right=True),
    Column("DEMOTED", "demoted"),
    Column("TROUBLE", "trouble"),
)
routing = typer.Typer(help="Which profile an order goes to that names none.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of routes."""
    app.add_typer(routing, name="routing")


@routing.command("show")
def show(ctx: typer.Context) -> None:
    """The rules in order, and how each profile stands."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    _told(settings, on_desk(settings, lambda desk: desk.get("/routing")))


@routing.command("demote")
def demote(ctx: typer.Context, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand") -> None:
    """Take one --profile from the front of failover routes until it is restored."""
    _set(settings_of(ctx), demoted=True, reason=reason)


@routing.command("restore")
def restore(ctx: typer.Context, reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand") -> None:
    """Put one --profile back into its place."""
    _set(settings_of(ctx), demoted=False, reason=reason)


def _set(settings: Settings, *, demoted: bool, reason: str) -> None:
    from floorbroker.cli.reach import Reached, on_desk

    async def act(desk: Reached) -> Any:
        body = {"profile": await desk.named_profile(), "demoted": demoted, "reason": plain(reason)[:200]}
        return (await desk.client.door.call("PATCH", desk.client.at("/routing"), body=body)).json()

    _told(settings, on_desk(settings, act))


def _told(settings: Settings, found: dict[str, Any]) -> None:
    if settings.json:
        show_json(found)
        return
    rules = [rule | {"profiles": " ".join(rule["profiles"])} for rule in found["rules"]]
    if rules:
        show_table(settings, rules, RULES)
    else:
        say(settings, "no rules: where there are several profiles, an order has to name one")
    show_table(settings, found["profiles"], STANDINGS)

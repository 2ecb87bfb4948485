"""Exposure, limits and strategies: what is at stake, how far it may go, and who may change that."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from floorbroker.cli.failures import plain, usage
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, cell, say, show_json, show_list, show_one, show_table

if TYPE_CHECKING:
    from floorbroker.cli.reach import Reached

LIMITS = (
    Column("SCOPE", "scope"),
    Column("LIMIT", "name"),
    Column("VALUE", "value", right=True),
    Column("USED", "used", right=True),
    Column("SOURCE", "source"),
    Column("BY", "by"),
    Column("REASON", "reason"),
)
STRATEGIES = (
    Column("STRATEGY", "name"),
    Column("FILLS", "fills", right=True),
    Column("OFF", "off"),
    Column("BY", "by"),
    Column("AT", "at"),
)
risk = typer.Typer(help="Exposure and limits.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add the verbs of risk."""
    app.add_typer(risk, name="risk")


@risk.command("show")
def risk_show(
    ctx: typer.Context,
    limits: Annotated[bool, typer.Option("--limits", help="The limits in force instead of the exposure.")] = False,
    history: Annotated[bool, typer.Option("--history", help="Value at risk too: fetches daily bars.")] = False,
) -> None:
    """Exposure and loss of one --profile, or of all; with --limits, each limit and what is used of it."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    if limits:
        found = on_desk(settings, lambda desk: desk.get("/risk/limits"))
        _show_limits(settings, found)
        return
    word = "true" if history else None
    show_one(settings, on_desk(settings, lambda desk: desk.get("/risk", profile=settings.profile, history=word)))


def _show_limits(settings: Settings, found: dict[str, Any], *, changed: tuple[str, str] | None = None) -> None:
    """All of them as JSON; for people those that are set, of one profile where it is named, or the one that was changed."""
    if settings.json:
        show_json(found)
        return
    every = [{"scope": scope["scope"], **row} for scope in found["scopes"] for row in scope["limits"]]
    if changed:
        rows = [row for row in every if (row["scope"], row["name"]) == changed]
    else:
        scopes = {f"profile:{settings.profile}"} if settings.profile else {row["scope"] for row in every}
        rows = [row for row in every if row["value"] != "null" and row["scope"] in scopes]
    show_table(settings, [{**row, "value": spelt(row["value"])} for row in rows], LIMITS)
    say(settings, f"version {found['version']}")


def spelt(value: str) -> str:
    """A limit's value, which the door tells as JSON text, as `risk set` takes it: a list has commas."""
    found: object = json.loads(value)
    if found is None:
        return "off"
    if isinstance(found, list):
        return ",".join(map(str, cast("list[object]", found))) or "none"
    if isinstance(found, dict):
        return ",".join(f"{key}={of}" for key, of in cast("dict[str, object]", found).items()) or "none"
    return cell(found)


@risk.command("set")
def risk_set(
    ctx: typer.Context,
    name: Annotated[str, typer.Argument(help="The limit, as risk show --limits spells it.")],
    value: Annotated[str, typer.Argument(help="Its new value; off switches it off, a list has commas.")],
    *,
    reason: Annotated[str, typer.Option(help="Why, for the record; a raise needs one.")] = "",
    account: Annotated[str | None, typer.Option(help="Of every profile on this account number.")] = None,
    strategy: Annotated[str | None, typer.Option(help="Of one strategy, at every broker.")] = None,
    token: Annotated[str | None, typer.Option(help="Of one caller, at every broker.")] = None,
    symbol: Annotated[str | None, typer.Option(help="Of one symbol, at every broker.")] = None,
    everywhere: Annotated[bool, typer.Option("--global", help="Of the whole desk together.")] = False,
    confirm: Annotated[str | None, typer.Option(help="The limit's name once more, where nobody can be asked.")] = None,
    version: Annotated[int | None, typer.Option(min=0, help="Only when the limits are this version.")] = None,
) -> None:
    """Change one limit of a --profile or another scope.  Lowering holds at once; a raise asks for the limit's name."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    named = {"account": account, "strategy": strategy, "token": token, "symbol": symbol}
    chosen = [f"{kind}:{name}" for kind, name in named.items() if name is not None] + (["global"] if everywhere else [])
    if len(chosen) + (settings.profile is not None) > 1:
        raise usage("name one scope: --profile, --account, --strategy, --token, --symbol or --global")

    async def work(desk: Reached) -> tuple[Any, str]:
        scope = chosen[0] if chosen else f"profile:{await desk.named_profile()}"
        body = {"scope": scope, "name": name, "value": value, "reason": _line(reason), "confirm": confirm or ""}
        headers = {} if version is None else {"If-Match": f'"{version}"'}
        path = desk.client.at("/risk/limits")
        return (await desk.client.door.call("PATCH", path, body=body, headers=headers)).json(), scope

    if confirm is None and settings.may_ask:
        say(settings, "a raise wants the limit's name once more; lowering needs nothing")
        confirm = typer.prompt(
            f"Type {name} to allow a raise, or press enter", default="", show_default=False, err=True
        )
    found, scope = on_desk(settings, work)
    _show_limits(settings, found, changed=(scope, name))


@risk.command("strategies")
def risk_strategies(ctx: typer.Context) -> None:
    """Strategies that filled today or were switched, and which are off."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    rows = on_desk(settings, lambda desk: desk.get("/risk/strategies"))["items"]
    show_list(settings, rows, STRATEGIES, empty="no strategy has filled today")


@risk.command("enable")
def risk_enable(
    ctx: typer.Context,
    strategy: Annotated[str, typer.Argument(help="The strategy.")],
    reason: Annotated[str, typer.Option(help="Why it may go on; required.")] = "",
) -> None:
    """Let a strategy trade again: the human touch that begins its count of fills anew."""
    _switch(settings_of(ctx), strategy, on=True, reason=reason)


@risk.command("disable")
def risk_disable(
    ctx: typer.Context,
    strategy: Annotated[str, typer.Argument(help="The strategy.")],
    reason: Annotated[str, typer.Option(help="Why, for the record.")] = "by hand",
) -> None:
    """Take no more orders of a strategy, until somebody enables it."""
    _switch(settings_of(ctx), strategy, on=False, reason=reason)


def _switch(settings: Settings, strategy: str, *, on: bool, reason: str) -> None:
    from floorbroker.cli.reach import on_desk
    from floorbroker.client.door import segment

    if not reason.strip():
        raise usage("switching a strategy needs a reason: --reason TEXT")

    async def work(desk: Reached) -> Any:
        path = desk.client.at(f"/risk/strategies/{segment(strategy)}")
        return (await desk.client.door.call("PUT", path, body={"on": on, "reason": _line(reason)})).json()

    show_one(settings, on_desk(settings, work))


def _line(text: str) -> str:
    """One line of plain signs, short enough for every record that keeps it."""
    return plain(" ".join(text.split()))[:200]

"""Positions, accounts and fills."""

from __future__ import annotations

from typing import Annotated

import typer

from floorbroker.cli.filters import Columns, LimitRows, Since, Strategy, Symbol, Until, Watch, listed
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, Row, say, show_one, show_table

POSITIONS = (
    Column("PROFILE", "profile"),
    Column("SYMBOL", "symbol"),
    Column("QTY", "quantity", right=True),
    Column("AVG", "avg_px", right=True, quotient=True),
    Column("MARKET", "market_px", right=True),
    Column("VALUE", "market_value", right=True),
    Column("IN", "currency"),
    Column("UNREALIZED", "unrealized_pl", right=True),
    Column("REALIZED", "realized_pl", right=True),
)
TOTALS = (
    "currency",
    "complete",
    "equity",
    "cash",
    "buying_power",
    "initial_margin",
    "maintenance_margin",
    "gross_exposure",
    "net_exposure",
    "day_pl",
)
PARTS = (
    Column("PROFILE", "profile"),
    Column("CURRENCY", "currency"),
    Column("EQUITY", "equity", right=True),
    Column("CASH", "cash", right=True),
    Column("BUYING POWER", "buying_power", right=True),
)
CASH = (
    Column("CASH IN", "currency"),
    Column("TOTAL", "total", right=True),
    Column("AVAILABLE", "available", right=True),
    Column("VALUE", "value", right=True),
)
NETTED = (
    Column("SYMBOL", "symbol"),
    Column("QTY", "quantity", right=True),
    Column("VALUE", "market_value", right=True),
    Column("IN", "currency"),
    Column("UNREALIZED", "unrealized_pl", right=True),
)
FILLS = (
    Column("TIME", "time"),
    Column("PROFILE", "profile"),
    Column("SYMBOL", "symbol"),
    Column("SIDE", "side"),
    Column("QTY", "quantity", right=True),
    Column("PRICE", "price", right=True),
    Column("FEE", "fee", right=True),
    Column("ORDER", "id"),
)


def register(app: typer.Typer) -> None:
    """Add the verbs of accounts."""
    app.command("positions")(positions)
    app.command("account")(account)
    app.command("fills")(fills)


def positions(ctx: typer.Context, columns: Columns = None, watch: Watch = False) -> None:
    """What is held, at one profile or at all."""
    listed(settings_of(ctx), "/positions", {}, POSITIONS, empty="no positions", columns=columns, watch=watch)


def account(
    ctx: typer.Context,
    currency: Annotated[
        str | None, typer.Option(help="The currency of the whole; that of most accounts when left out.")
    ] = None,
) -> None:
    """Cash, equity and buying power: of all profiles as one account, or of one with --profile."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    found = on_desk(settings, lambda desk: desk.get("/account", profile=settings.profile, currency=currency))
    if settings.json or settings.profile is not None:
        show_one(settings, found)
    else:
        _show_whole(settings, found)


def _show_whole(settings: Settings, whole: Row) -> None:
    """The totals, then the parts; whatever is not in the totals is said on standard error."""
    show_one(settings, whole, TOTALS)
    show_table(settings, whole["profiles"], PARTS)
    show_table(settings, whole["cash_by_currency"], CASH)
    if whole["positions"]:
        show_table(settings, whole["positions"], NETTED)
    for text in whole["left_out"]:
        say(settings, text)


def fills(
    ctx: typer.Context,
    *,
    symbol: Symbol = None,
    strategy: Strategy = None,
    since: Since = None,
    until: Until = None,
    limit_rows: LimitRows = 100,
    columns: Columns = None,
    watch: Watch = False,
) -> None:
    """Executions, newest first."""
    listed(
        settings_of(ctx), "/fills", {"symbol": symbol, "strategy": strategy}, FILLS, empty="no fills",
        since=since, until=until, limit_rows=limit_rows, columns=columns, watch=watch,
    )  # fmt: skip

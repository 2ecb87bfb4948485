"""Positions, accounts and fills."""

from __future__ import annotations

import typer

from floorbroker.cli.filters import Columns, LimitRows, Since, Strategy, Symbol, Until, Watch, listed
from floorbroker.cli.settings import settings_of
from floorbroker.cli.show import Column, show_one

POSITIONS = (
    Column("PROFILE", "profile"),
    Column("SYMBOL", "symbol"),
    Column("QTY", "quantity", right=True),
    Column("AVG", "avg_px", right=True),
    Column("MARKET", "market_px", right=True),
    Column("VALUE", "market_value", right=True),
    Column("UNREALIZED", "unrealized_pl", right=True),
    Column("REALIZED", "realized_pl", right=True),
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


def account(ctx: typer.Context) -> None:
    """Cash, equity and buying power."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    show_one(settings, on_desk(settings, lambda desk: desk.get("/account", profile=settings.profile)))


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

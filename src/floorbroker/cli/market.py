"""Quotes, books, bars and market hours."""

from __future__ import annotations

import sys
from decimal import Decimal
from itertools import zip_longest
from typing import Annotated, Any

import typer

from floorbroker.cli.filters import CLEAR, WATCH_S, Columns, LimitRows, Watch, listed
from floorbroker.cli.moments import moment_of, span_of
from floorbroker.cli.settings import Settings, settings_of
from floorbroker.cli.show import Column, cell, chosen, say, show_json, show_list, show_one, show_text
from floorbroker.domain.clock import SystemClock

QUOTES = (
    Column("SYMBOL", "symbol"),
    Column("BID", "bid", right=True),
    Column("SIZE", "bid_size", right=True),
    Column("ASK", "ask", right=True),
    Column("SIZE", "ask_size", right=True),
    Column("LAST", "last", right=True),
    Column("TIME", "time"),
    Column("SOURCE", "source"),
)
BOOK = (
    Column("BID SIZE", "bid_size", right=True),
    Column("BID", "bid", right=True),
    Column("ASK", "ask", right=True),
    Column("ASK SIZE", "ask_size", right=True),
)
BARS = (
    Column("START", "start"),
    Column("OPEN", "open", right=True),
    Column("HIGH", "high", right=True),
    Column("LOW", "low", right=True),
    Column("CLOSE", "close", right=True),
    Column("VOLUME", "volume", right=True),
)


def register(app: typer.Typer) -> None:
    """Add the verbs of market data."""
    app.command("quote")(quote)
    app.command("book")(book)
    app.command("bars")(bars)
    app.command("hours")(hours)


def quote(
    ctx: typer.Context,
    symbols: Annotated[list[str], typer.Argument(help="One or more symbols.")],
    columns: Columns = None,
    watch: Watch = False,
) -> None:
    """Best bid and ask."""
    where = {"symbols": ",".join(symbols)}
    listed(settings_of(ctx), "/quotes", where, QUOTES, empty="no quotes", columns=columns, watch=watch)


def book(
    ctx: typer.Context,
    symbol: Annotated[str, typer.Argument(help="One symbol.")],
    depth: Annotated[int, typer.Option(min=1, max=1000, help="Levels of each side.")] = 10,
    watch: Watch = False,
) -> None:
    """The order book of one symbol, best prices first, once it may be believed."""
    from floorbroker.cli.reach import Reached, on_desk

    settings, clock = settings_of(ctx), SystemClock()

    async def work(desk: Reached) -> None:
        while True:
            found: Any = await desk.get("/book", symbol=symbol, depth=depth, profile=settings.profile)
            if watch and sys.stdout.isatty() and not settings.json:
                show_text(CLEAR)
            _show_book(settings, found)
            if not watch:
                return
            await clock.sleep(WATCH_S)

    on_desk(settings, work)


def _show_book(settings: Settings, found: dict[str, Any]) -> None:
    if settings.json:
        show_json(found)
        return
    nothing: dict[str, Any] = {}
    rows = [
        {"bid": bid.get("price"), "bid_size": bid.get("size"), "ask": ask.get("price"), "ask_size": ask.get("size")}
        for bid, ask in zip_longest(found["bids"], found["asks"], fillvalue=nothing)
    ]
    show_list(settings, rows, BOOK, empty="the book is empty")
    leaning = "-" if found["imbalance"] is None else f"{Decimal(found['imbalance']):+.3f}"
    say(settings, f"spread {cell(found['spread'])}, imbalance {leaning}, {found['state']}")


def bars(
    ctx: typer.Context,
    *,
    symbol: Annotated[str, typer.Argument(help="One symbol.")],
    span: Annotated[str, typer.Option(help="Length of a bar: 1m, 5m, 1h, 1d.")] = "1m",
    start: Annotated[
        str | None, typer.Option(help="2h, today, 2026-11-20, or a full time; without it the last ones before the end.")
    ] = None,
    end: Annotated[str | None, typer.Option(help="The same, exclusive; now by default.")] = None,
    limit_rows: LimitRows = 1000,
    columns: Columns = None,
) -> None:
    """Bars of one symbol, oldest first: the first ones from --start on, or else the last ones there are."""
    from floorbroker.cli.reach import on_desk

    settings, now = settings_of(ctx), SystemClock().now()
    params = {
        "symbol": symbol,
        "span_s": span_of(span),
        "start": moment_of(start, now=now, flag="--start"),
        "end": moment_of(end, now=now, flag="--end"),
        "limit": limit_rows,
        "profile": settings.profile,
    }
    found = on_desk(settings, lambda desk: desk.get("/bars", **params))
    if settings.json:
        show_json(found)
        return
    rows = found["items"]
    show_list(settings, rows, chosen(BARS, columns, rows[0] if rows else None), empty="no bars")


def hours(
    ctx: typer.Context,
    market: Annotated[str, typer.Argument(help="The market's code.")] = "XNYS",
    day: Annotated[str | None, typer.Option(help="Like 2026-11-20; today by default.")] = None,
) -> None:
    """One day of one market."""
    from floorbroker.cli.reach import on_desk

    settings = settings_of(ctx)
    params = {"market": market, "day": day, "profile": settings.profile}
    show_one(settings, on_desk(settings, lambda desk: desk.get("/market-hours", **params)))

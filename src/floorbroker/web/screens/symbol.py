"""One symbol: candles with our own orders and fills, the ladder of its book, trades, what is held of it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.gateway.desk import OrderFilter, Page
from floorbroker.web.frame import VENUES_MS, Ask, Screen
from floorbroker.web.panels import ROWS_MAX, panel_of

SPANS = ((60, "1 min"), (300, "5 min"), (900, "15 min"), (3600, "1 hour"), (86400, "1 day"))
SPAN_S = 300


async def build(ask: Ask) -> Mapping[str, Any]:
    """What the desk knows of it; prices, bars and book come by the browser's own questions."""
    symbol = ask.params["symbol"].upper()
    name = ask.profile or (ask.names[0] if ask.names else None)
    where, first = OrderFilter(profile=ask.profile, symbol=symbol), Page(limit=ROWS_MAX)
    held = await ask.held()
    return {
        "symbol": symbol,
        "source": name,
        "quote": await panel_of(ask.desk.quote(symbol, name)),
        "rows_held": [row for row in held.positions.content or [] if row.position.symbol == symbol],
        "fills": ask.desk.fills(where, first),
        "orders": ask.desk.orders(where, first),
        "hours": await hours_of(ask, symbol),
        "spans": SPANS,
        "span_s": SPAN_S,
    }


async def hours_of(ask: Ask, symbol: str) -> str:
    """One sentence on today's session; empty where trading never stops or nobody tells."""
    if asset_class_of(symbol) is not AssetClass.EQUITY or not ask.names:
        return ""
    try:
        told = await ask.desk.market_hours("XNYS", ask.now.date(), ask.profile or ask.names[0])
    except FloorbrokerError:
        return ""  # a broker that tells no hours: nothing is said of them
    if not told.is_open_day or told.open is None or told.close is None:
        return "closed today"
    if told.close - told.open >= timedelta(days=1):
        return "open day and night"
    return f"open {told.open:%H:%M} to {told.close:%H:%M} UTC"


SYMBOL = Screen(
    path="/symbol/{symbol:path}",
    title="Symbol",
    template="symbol.html",
    build=build,
    live=("fills", "positions"),
    pace_ms=VENUES_MS,
    scripts=("symbol.js",),
)

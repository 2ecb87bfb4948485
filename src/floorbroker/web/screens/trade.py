"""Trading: the ticket with candles and book of its symbol, what is held, the blotter and the fills."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from floorbroker.domain.values import OrderType, TimeInForce
from floorbroker.gateway.desk import OrderFilter, Page
from floorbroker.web.frame import PULSE_MS, VENUES_MS, Ask, Screen
from floorbroker.web.panels import ROWS_MAX
from floorbroker.web.screens.symbol import SPAN_S, SPANS


async def build(ask: Ask) -> Mapping[str, Any]:
    """The desk of one environment, narrowed to a profile where one is chosen.  The address may fill in the ticket."""
    statuses, asked = ask.desk.profiles(), ask.params.get("route", "")
    routes = tuple(rule.name for rule in ask.desk.routing().rules)
    where, first = OrderFilter(profile=ask.profile), Page(limit=ROWS_MAX)
    return {
        "held": await ask.held(),
        "orders": ask.desk.orders(where, first),
        "fills": ask.desk.fills(where, first),
        "order_types": tuple(t.value for t in OrderType),
        "tifs": tuple(t.value for t in TimeInForce),
        "place": ask.profile or (statuses[0].profile.name if len(statuses) == 1 else ""),
        "places": tuple(status.profile.name for status in statuses),
        "routes": routes,
        "route": asked if asked in routes else "",
        "brokers": tuple(sorted({status.profile.broker for status in statuses})),
        "spans": SPANS,
        "span_s": SPAN_S,
        "wish": {name: ask.params.get(name, "") for name in ("symbol", "side", "quantity")},
    }


TRADE = Screen(
    path="/trade",
    title="Trade",
    template="trade.html",
    build=build,
    live=("fills", "positions"),
    pace_ms=VENUES_MS,
    pulse_ms=PULSE_MS,
    scripts=("trade.js",),
)

"""Every path of the trading and market data APIs, and who answers it."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.alpaca.rest import account, activities, assets, data, entry, orders, positions, watchlists
from floorbroker_sim.alpaca.rest.quoting import Kind
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.alpaca.stream.events import activity_events
from floorbroker_sim.http import Reply, Request, json_reply

Answer = Callable[..., Reply]


def announcements(_state: State, _request: Request) -> Reply:
    """No company acts in this market."""
    return json_reply([])


TRADING: list[tuple[str, str, Answer]] = [
    ("GET", "/v2/account", account.get_account),
    ("GET", "/v2/account/configurations", account.get_configurations),
    ("PATCH", "/v2/account/configurations", account.patch_configurations),
    ("GET", "/v2/account/activities", activities.list_activities),
    ("GET", "/v2/account/activities/{type}", activities.list_one_type),
    ("GET", "/v2/account/portfolio/history", account.get_history),
    ("GET", "/v2/clock", account.get_clock),
    ("GET", "/v2/calendar", account.get_calendar),
    ("GET", "/v3/clock", account.get_clock_v3),
    ("GET", "/v3/calendar/{market}", account.get_calendar_v3),
    ("GET", "/v2/assets", assets.list_assets),
    ("GET", "/v2/assets/{name}", assets.get_asset),
    ("GET", "/v2/options/contracts", assets.list_contracts),
    ("GET", "/v2/options/contracts/{name}", assets.get_contract),
    ("POST", "/v2/orders", entry.post_order),
    ("GET", "/v2/orders", orders.list_orders),
    ("DELETE", "/v2/orders", orders.delete_orders),
    ("GET", "/v2/orders:by_client_order_id", orders.get_by_client_id),
    ("GET", "/v2/orders/{id}", orders.get_order),
    ("PATCH", "/v2/orders/{id}", orders.patch_order),
    ("DELETE", "/v2/orders/{id}", orders.delete_order),
    ("GET", "/v2/positions", positions.list_positions),
    ("DELETE", "/v2/positions", positions.delete_positions),
    ("GET", "/v2/positions/{name}", positions.get_position),
    ("DELETE", "/v2/positions/{name}", positions.delete_position),
    ("POST", "/v2/positions/{name}/exercise", positions.exercise),
    ("POST", "/v2/positions/{name}/do-not-exercise", positions.do_not_exercise),
    ("GET", "/v2/watchlists", watchlists.list_all),
    ("POST", "/v2/watchlists", watchlists.create),
    ("GET", "/v2/watchlists/{id}", watchlists.get),
    ("PUT", "/v2/watchlists/{id}", watchlists.update),
    ("POST", "/v2/watchlists/{id}", watchlists.add),
    ("DELETE", "/v2/watchlists/{id}", watchlists.delete),
    ("DELETE", "/v2/watchlists/{id}/{symbol}", watchlists.remove),
    ("GET", "/v2/watchlists:by_name", watchlists.get),
    ("PUT", "/v2/watchlists:by_name", watchlists.update),
    ("POST", "/v2/watchlists:by_name", watchlists.add),
    ("DELETE", "/v2/watchlists:by_name", watchlists.delete),
    ("GET", "/v2/corporate_actions/announcements", announcements),
    ("GET", "/v2beta1/events/activities", activity_events),
]
_HISTORY = ("bars", "quotes", "trades")
_COIN, _STOCK, _OPTION = Kind.COIN, Kind.STOCK, Kind.OPTION

DATA: list[tuple[str, str, Answer]] = [
    ("GET", "/v2/stocks/meta/exchanges", data.exchanges),
    ("GET", "/v2/stocks/meta/conditions/{kind}", data.conditions),
    ("GET", "/v2/stocks/snapshots", data.snapshots(_STOCK)),
    ("GET", "/v2/stocks/{symbol}/snapshot", data.snapshot_of_one),
    *((("GET", f"/v2/stocks/{what}", data.history(_STOCK, what))) for what in _HISTORY),
    *((("GET", f"/v2/stocks/{what}/latest", data.latest(_STOCK, what))) for what in _HISTORY),
    *((("GET", f"/v2/stocks/{{symbol}}/{what}/latest", data.latest_of_one(what))) for what in _HISTORY),
    *((("GET", f"/v2/stocks/{{symbol}}/{what}", data.history_of_one(what))) for what in _HISTORY),
    *((("GET", f"/v1beta3/crypto/{{loc}}/{what}", data.history(_COIN, what))) for what in _HISTORY),
    *(
        ("GET", f"/v1beta3/crypto/{{loc}}/latest/{what}", data.latest(_COIN, what))
        for what in (*_HISTORY, "orderbooks")
    ),
    ("GET", "/v1beta3/crypto/{loc}/snapshots", data.snapshots(_COIN)),
    ("GET", "/v1beta1/options/bars", data.history(_OPTION, "bars")),
    ("GET", "/v1beta1/options/trades", data.history(_OPTION, "trades")),
    ("GET", "/v1beta1/options/quotes/latest", data.latest(_OPTION, "quotes")),
    ("GET", "/v1beta1/options/trades/latest", data.latest(_OPTION, "trades")),
    ("GET", "/v1beta1/options/snapshots", data.snapshots(_OPTION)),
    ("GET", "/v1beta1/options/snapshots/{underlying}", data.option_chain),
    ("GET", "/v1beta1/options/meta/exchanges", data.exchanges),
    ("GET", "/v1beta1/options/meta/conditions/{kind}", data.conditions),
    ("GET", "/v1beta1/news", data.no_news),
]

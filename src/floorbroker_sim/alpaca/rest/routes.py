"""Every path of the trading and market data APIs, and who answers it."""

from __future__ import annotations

from collections.abc import Callable

from floorbroker_sim.alpaca.rest import account, activities, assets, orders, positions
from floorbroker_sim.http import Reply

Answer = Callable[..., Reply]

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
    ("POST", "/v2/orders", orders.post_order),
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
]
DATA: list[tuple[str, str, Answer]] = []

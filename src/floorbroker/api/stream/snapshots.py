"""How a channel of facts stands when somebody begins to listen."""

from __future__ import annotations

from floorbroker.api.views.accounts import position_view
from floorbroker.api.views.operations import kill_view, profile_view
from floorbroker.api.views.orders import order_view
from floorbroker.gateway.desk import Desk, OrderFilter


async def snapshot_of(channel: str, desk: Desk) -> object | None:
    """Open orders, positions, profiles, the kill switch; None for fills, which only happen.  Raises what a venue says."""
    match channel:
        case "orders":
            return {"items": [order_view(order) for order in desk.orders(OrderFilter(open_only=True))]}
        case "positions":
            return {"items": [position_view(held) for held in await desk.positions()]}
        case "health":
            return {"items": [profile_view(status) for status in desk.profiles()]}
        case "risk":
            return kill_view(desk.kill_state())
        case _:
            return None

"""Orders placed with a sandbox token: looked at, remembered, never traded and in no book.

https://upstox.com/developer/api-documentation/sandbox
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker_sim.upstox.errors import Refused
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.records import Order, Terms

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

PATHS = frozenset(
    {
        "/v2/order/place", "/v2/order/modify", "/v2/order/cancel", "/v2/order/multi/place", "/v3/order/place",
        "/v3/order/modify", "/v3/order/cancel",
    }
)  # fmt: skip
_MOST = 1000


def create(state: State, listed: Listed, terms: Terms) -> Order:
    """Remember an order; the oldest of very many is forgotten."""
    at = state.clock.stamp()
    order = Order(
        id=state.next_order_id(), listed=listed, terms=terms, created=at, updated=at, ref_id="sandbox",
        placed_by=state.keys.user_id, status="open", sandbox=True,
    )  # fmt: skip
    state.sandbox[order.id] = order
    if len(state.sandbox) > _MOST:
        del state.sandbox[next(iter(state.sandbox))]
    return order


def find(state: State, order_id: str) -> Order:
    """Raises `Refused` for an order the sandbox does not know."""
    found = state.sandbox.get(order_id)
    if found is None:
        raise Refused("UDAPI100010", path="order_id", value=order_id)
    return found


def cancel(order: Order) -> None:
    if not order.is_open:
        raise Refused("UDAPI100040", path="order_id", value=order.id)
    order.status = "cancelled"

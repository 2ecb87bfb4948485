"""The terms of untouched orders, as the answer that placed them told them, so that a change of one needs no question first.

Kept are working orders of which nothing is filled, until anything but "it works" is heard of them; from then on they are asked
for before each change.  Lists and queries teach nothing here: an answer may be older than a change that was made while it was on
its way, and would bring back what was changed.
"""

from __future__ import annotations

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.values import order_id_of
from floorbroker.domain.values import OrderId

_KEPT_MAX = 5_000
TOUCHED_MAX = 50_000


class Terms:
    """Orders by venue id, oldest forgotten first."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, wire.Order] = {}
        self._touched: dict[OrderId, None] = {}

    def learn(self, placed: wire.Order) -> None:
        """An order as the answer to its placement has it, in full."""
        order_id = order_id_of(placed.symbol, placed.order_id)
        is_untouched = placed.status == "NEW" and not placed.executed_qty and placed.orig_qty is not None
        if (
            is_untouched and order_id not in self._touched
        ):  # its placement may be answered after something happened to it
            self._orders[order_id] = placed
        while len(self._orders) > _KEPT_MAX:
            del self._orders[next(iter(self._orders))]

    def hear(self, told: wire.Order) -> None:
        """Any other answer: of use where it contradicts what is kept."""
        order_id = order_id_of(told.symbol, told.order_id)
        kept = self._orders.get(order_id)
        if kept is not None and _standing(told) != _standing(kept):
            self.forget(order_id)

    def forget(self, order_id: OrderId) -> None:
        """Something happened to it, or may have."""
        self._orders.pop(order_id, None)
        self._touched[order_id] = None
        while len(self._touched) > TOUCHED_MAX:
            del self._touched[next(iter(self._touched))]

    def clear(self) -> None:
        """Nobody told us for a while what happens."""
        self._orders.clear()

    def find(self, order_id: OrderId | None) -> wire.Order | None:
        return None if order_id is None else self._orders.get(order_id)


def _standing(told: wire.Order) -> tuple[object, ...]:
    client_id = told.orig_client_order_id or told.client_order_id
    return (told.status, client_id, told.orig_qty, told.executed_qty or None, told.price or None)

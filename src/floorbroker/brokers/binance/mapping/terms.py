"""The terms of untouched orders, as the venue last told them, so that a change of one needs no question first.

Kept are working orders of which nothing is filled, until anything but "it works" is heard of them.  What happened unheard does no
harm: a replace is taken only while nothing is filled, and an order that is gone is refused.
"""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.mapping.values import order_id_of
from floorbroker.domain.values import OrderId

_KEPT_MAX = 5_000


class Terms:
    """Orders by venue id, oldest forgotten first."""

    def __init__(self) -> None:
        self._orders: dict[OrderId, wire.Order] = {}

    def learn(self, listed: Iterable[wire.Order]) -> None:
        """Orders as an answer has them, in full."""
        for order in listed:
            order_id = order_id_of(order.symbol, order.order_id)
            is_untouched = order.status == "NEW" and not order.executed_qty and order.orig_qty is not None
            self._orders.pop(order_id, None)
            if is_untouched and not order.orig_client_order_id:  # an answer to a cancel is no such answer
                self._orders[order_id] = order
        while len(self._orders) > _KEPT_MAX:
            del self._orders[next(iter(self._orders))]

    def forget(self, order_id: OrderId) -> None:
        """Something happened to it."""
        self._orders.pop(order_id, None)

    def clear(self) -> None:
        """Nobody told us for a while what happens."""
        self._orders.clear()

    def find(self, order_id: OrderId | None) -> wire.Order | None:
        return None if order_id is None else self._orders.get(order_id)

"""Who is whose leg, what is open, and whose price is a net one: kept from what was last heard.

The venue lists only today's orders by itself.
"""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.mapping.values import order_id_of

_KEPT_MAX = 50_000
_STRATEGIES = frozenset({"multileg", "combo"})
_ENDED = frozenset({"filled", "expired", "canceled", "rejected", "error"})


def is_ended(order: wire.Order) -> bool:
    """Whether the order as a whole can fill no more; a group lives while one of its members does."""
    if order.status not in _ENDED:
        return False
    return all(leg.status in _ENDED for leg in wire.legs_of(order))


def tag_of(order: wire.Order) -> str | None:
    """Our label: the head's, or its first leg's; the venue may keep it with either, or with none."""
    legs = wire.legs_of(order)
    return order.tag or (legs[0].tag if legs else None) or None


class Families:
    """Leg -> head by venue ids, oldest forgotten first; and the heads that were open when they were last heard of.

    `nets` tells of each head whether its price is the net price of several legs, which a change has to say with its sign.
    """

    def __init__(self) -> None:
        self._heads: dict[str, str] = {}
        self.open: dict[str, None] = {}
        self.nets: dict[str, bool] = {}

    def learn(self, orders: Iterable[wire.Order]) -> None:
        """What a listing shows.  Raises `ApiError` for ids that are none."""
        for order in orders:
            head = order_id_of(order.id)
            self.nets[head] = order.class_ in _STRATEGIES
            for leg in wire.legs_of(order):
                self._heads[order_id_of(leg.id)] = head
                self.nets[order_id_of(leg.id)] = False
            if is_ended(order):
                self.open.pop(head, None)
            else:
                self.open.setdefault(head)
        for kept in (self._heads, self.open, self.nets):
            while len(kept) > _KEPT_MAX:
                del kept[next(iter(kept))]

    def placed(self, order_id: str, *, is_net: bool) -> None:
        """A command's answer named it."""
        self.open.setdefault(order_id)
        self.nets[order_id] = is_net

    def head_of(self, order_id: str) -> str:
        """Whom a cancel names: the head of a leg's group, or the order itself."""
        return self._heads.get(order_id, order_id)

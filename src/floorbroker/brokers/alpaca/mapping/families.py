"""Who is whose child: a message about a bracket's child does not name its parent, a nested one does."""

from __future__ import annotations

from collections.abc import Iterable

from floorbroker.brokers.alpaca import wire
from floorbroker.domain.values import OrderClass

_KEPT_MAX = 50_000


class Families:
    """Child -> parent, by venue ids; heads and orders nobody claims have an empty parent.  Oldest forgotten first."""

    def __init__(self) -> None:
        self._parents: dict[str, str] = {}

    def learn(self, heads: Iterable[wire.Order]) -> None:
        """What nested orders show."""
        for head in heads:
            for leg in head.legs or ():
                self._parents[leg.id] = head.id
            if head.legs:
                self._parents.setdefault(head.id, "")
        self._forget()

    def give_up(self, orders: Iterable[wire.Order]) -> None:
        """Nobody claims these: do not ask again."""
        for order in orders:
            self._parents.setdefault(order.id, "")
        self._forget()

    def parent_of(self, order_id: str) -> str | None:
        """The parent's venue id, where known."""
        return self._parents.get(order_id) or None

    def is_stray(self, order: wire.Order) -> bool:
        """Part of a group, and we do not know which part."""
        return (order.order_class or "simple") != OrderClass.SIMPLE.value and order.id not in self._parents

    def _forget(self) -> None:
        while len(self._parents) > _KEPT_MAX:
            del self._parents[next(iter(self._parents))]

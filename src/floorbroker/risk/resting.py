"""Our own limit orders that may meet each other: the best price of each side of each symbol, on every account of the desk.

A heap of each side keeps prices that are gone until they come to its top, or until they are the most of it, so the best
one costs the same beside ten thousand orders as beside ten.
"""

from __future__ import annotations

import heapq
from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import LIMITED, IntentId, OrderClass, OrderType, Side

_SPARE = 64


@dataclass(slots=True)
class _Side:
    """The prices of one side of one symbol, negated where the highest is the best."""

    sign: int
    prices: dict[IntentId, Decimal] = field(default_factory=dict[IntentId, Decimal])
    _heap: list[tuple[Decimal, IntentId]] = field(default_factory=list[tuple[Decimal, IntentId]])

    def put(self, intent_id: IntentId, price: Decimal) -> None:
        self.prices[intent_id] = price
        heapq.heappush(self._heap, (price * self.sign, intent_id))

    def best(self, leave_out: IntentId | None) -> tuple[Decimal, IntentId] | None:
        if len(self._heap) > 2 * len(self.prices) + _SPARE:
            self._heap = [(price * self.sign, intent_id) for intent_id, price in self.prices.items()]
            heapq.heapify(self._heap)
        while self._heap and not self._is_there(*self._heap[0]):
            heapq.heappop(self._heap)
        if not self._heap:
            return None
        rank, intent_id = self._heap[0]
        if intent_id == leave_out:
            others = [(price * self.sign, i) for i, price in self.prices.items() if i != leave_out]
            if not others:
                return None
            rank, intent_id = min(others)
        return rank * self.sign, intent_id

    def _is_there(self, rank: Decimal, intent_id: IntentId) -> bool:
        return self.prices.get(intent_id) == rank * self.sign


@dataclass(slots=True)
class Resting:
    """Limit orders of every account by symbol and side, those in doubt and those on their way included."""

    _sides: dict[tuple[str, Side], _Side] = field(default_factory=dict[tuple[str, Side], _Side])
    _where: dict[IntentId, tuple[str, Side]] = field(default_factory=dict[IntentId, tuple[str, Side]])

    def put(self, intent_id: IntentId, wish: NewOrder, price: Decimal) -> None:
        """An order asks this price from now on."""
        place = (wish.symbol, wish.side)
        if place not in self._sides:
            self._sides[place] = _Side(-1 if wish.side is Side.BUY else 1)
        if self._sides[place].prices.get(intent_id) != price:
            self._where[intent_id] = place
            self._sides[place].put(intent_id, price)

    def drop(self, intent_id: IntentId) -> None:
        """It rests no more."""
        place = self._where.pop(intent_id, None)
        if place is not None:
            del self._sides[place].prices[intent_id]

    def met(self, wish: NewOrder, leave_out: IntentId | None = None) -> tuple[Decimal, IntentId] | None:
        """The best of our own orders that a wish would trade with: its price and id."""
        side = self._facing(wish)
        best = None if side is None else side.best(leave_out)
        return best if best is not None and _crosses(wish, best[0]) else None

    def all_met(self, wish: NewOrder) -> list[IntentId]:
        """Every one of them, in no order."""
        side = self._facing(wish)
        return [] if side is None else [intent_id for intent_id, price in side.prices.items() if _crosses(wish, price)]

    def _facing(self, wish: NewOrder) -> _Side | None:
        side = self._sides.get((wish.symbol, wish.side.opposite))
        return None if side is None or not side.prices or wish.post_only or not takes(wish) else side


def _crosses(wish: NewOrder, price: Decimal) -> bool:
    if wish.price is None or wish.order_type not in LIMITED:
        return True
    return wish.price >= price if wish.side is Side.BUY else wish.price <= price


def takes(wish: NewOrder) -> bool:
    """Whether a wish may trade as soon as it is there: a trigger waits first, and a multi-leg order has a market of its own."""
    return wish.order_type in (OrderType.MARKET, OrderType.LIMIT) and wish.order_class is not OrderClass.MULTILEG


def rests(wish: NewOrder) -> bool:
    """Whether a wish may stand in the book at its limit."""
    return wish.order_type is OrderType.LIMIT and wish.price is not None and wish.order_class is not OrderClass.MULTILEG

"""Own orders of one symbol in price-time priority, and the stops that wait."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterator
from decimal import Decimal

from floorbroker.domain.values import OrderId, Price, Side
from floorbroker.matching.orders import MatchOrder

_FIRST = Decimal("-Infinity")
_Entry = tuple[Decimal, int, MatchOrder]


def priority_of(order: MatchOrder) -> Decimal:
    """Lower goes first: any price before a limit, the better limit before the worse."""
    if order.limit is None:
        return _FIRST
    return -order.limit if order.side is Side.BUY else order.limit


class Queue:
    """The orders of one symbol that may trade.  Key changes go through `remove` and `add`."""

    def __init__(self) -> None:
        self._sides: dict[Side, list[_Entry]] = {Side.BUY: [], Side.SELL: []}
        self._places: dict[OrderId, tuple[Decimal, int, Side]] = {}
        self.stops: dict[OrderId, MatchOrder] = {}
        self.multilegs: dict[OrderId, MatchOrder] = {}
        self.fresh: dict[OrderId, MatchOrder] = {}  # not yet tried against a market

    def __bool__(self) -> bool:
        return bool(self._places or self.stops or self.multilegs)

    def add(self, order: MatchOrder) -> None:
        if order.is_waiting_stop:
            self.stops[order.order_id] = order
            return
        if not order.resting:
            self.fresh[order.order_id] = order
        key = priority_of(order)
        insort(self._sides[order.side], (key, order.seq, order))
        self._places[order.order_id] = (key, order.seq, order.side)

    def remove(self, order: MatchOrder) -> None:
        """Forget the order; nothing happens when it is not here."""
        self.stops.pop(order.order_id, None)
        self.multilegs.pop(order.order_id, None)
        self.fresh.pop(order.order_id, None)
        place = self._places.pop(order.order_id, None)
        if place is not None:
            entries = self._sides[place[2]]
            del entries[bisect_left(entries, place[:2], key=lambda entry: entry[:2])]

    def crossing(self, side: Side, touch: Price) -> Iterator[MatchOrder]:
        """Orders of `side` that can trade at `touch`, best priority first."""
        worst = -touch if side is Side.BUY else touch
        for key, _, order in tuple(self._sides[side]):
            if key > worst:
                return
            yield order

    def next_stop(self, current: Price, target: Price) -> Price | None:
        """The first stop price met on the way from `current` (exclusive) to `target` (exclusive)."""
        low, high = min(current, target), max(current, target)
        met = [o.stop_px for o in self.stops.values() if o.stop_px is not None and low < o.stop_px < high]
        if not met:
            return None
        return min(met) if target > current else max(met)

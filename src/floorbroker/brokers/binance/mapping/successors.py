"""Which order took the place of which, and what is asked and not answered: a cancelReplace ends one order and places another.

That the old order is cancelled says nothing while the fate of the new one is open, so it is not told before.  What was asked is
known from our request or, after a restart, from the id of the cancel inside it; who replaced whom is told by the new order
itself (`replaces_of`), whatever was lost on the way.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

from floorbroker.domain.values import OrderId

_KEPT_MAX = 10_000
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")


@dataclass(slots=True)
class Doubt:
    """A new order that was asked for: its client id, when (monotonic), and how often since when nobody knew of it."""

    cl_ord_id: str
    since_s: float
    negatives: int = 0
    first_negative_s: float = 0.0

    def count(self, now_s: float) -> None:
        """A complete negative, asked at `now_s`."""
        self.first_negative_s = self.first_negative_s if self.negatives else now_s
        self.negatives += 1

    def is_over(self, now_s: float, *, negatives: int, spread_s: float) -> bool:
        return self.negatives >= negatives and now_s - self.first_negative_s >= spread_s


class Successors:
    """By the venue id of the old order; oldest forgotten first."""

    def __init__(self) -> None:
        self._doubts: dict[OrderId, Doubt] = {}
        self._refused: dict[str, None] = {}
        self._followers: dict[OrderId, OrderId] = {}

    def ask(self, old: OrderId, cl_ord_id: str, *, now_s: float) -> None:
        """An order with this client id may take the place of `old`.  Said twice, the first time counts."""
        known = self._doubts.get(old)
        if known is None or known.cl_ord_id != cl_ord_id:
            self._doubts[old] = Doubt(cl_ord_id, now_s)
        _trim(self._doubts)

    def refuse(self, cl_ord_id: str) -> None:
        """No order with this client id came or will come."""
        self._refused[cl_ord_id] = None
        _trim(self._refused)
        for old in [old for old, doubt in self._doubts.items() if doubt.cl_ord_id == cl_ord_id]:
            del self._doubts[old]

    def learn(self, old: OrderId, new: OrderId) -> None:
        """`new` took the place of `old`."""
        self._doubts.pop(old, None)
        self._followers[old] = new
        _trim(self._followers)

    def drop(self, old: OrderId) -> None:
        """Nothing took or will take its place."""
        self._doubts.pop(old, None)

    def doubt(self, old: OrderId | None) -> Doubt | None:
        """What was asked of it and is not answered."""
        return None if old is None else self._doubts.get(old)

    def follower(self, old: OrderId | None) -> OrderId | None:
        return None if old is None else self._followers.get(old)

    def is_refused(self, cl_ord_id: str) -> bool:
        return cl_ord_id in self._refused


def _trim(kept: dict[_Key, _Value]) -> None:
    while len(kept) > _KEPT_MAX:
        del kept[next(iter(kept))]

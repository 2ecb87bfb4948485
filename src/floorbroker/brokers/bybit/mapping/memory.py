"""What has to be remembered of orders because the venue does not say it when it matters.  Bounded, oldest forgotten first.

An amended order keeps both its ids, and its messages do not name the change: that it was carried out shows when the order has
the terms that were asked for.  A cancel of a spot order has to say whether the order is a conditional one.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ClOrdId

T = TypeVar("T")
_KEPT_MAX = 50_000


class Bounded(Generic[T]):
    """A table that forgets its oldest entries."""

    def __init__(self, most: int = _KEPT_MAX) -> None:
        self._kept: dict[str, T] = {}
        self._most = most

    def put(self, key: str, value: T) -> None:
        self._kept.pop(key, None)
        self._kept[key] = value
        if len(self._kept) > self._most:
            del self._kept[next(iter(self._kept))]

    def get(self, key: str | None) -> T | None:
        return None if key is None else self._kept.get(key)

    def drop(self, key: str) -> None:
        self._kept.pop(key, None)


@dataclass(frozen=True, slots=True)
class Amendment:
    """A change that was asked for, and the client id it is known by here."""

    changes: OrderChanges
    cl_ord_id: ClOrdId

    def shows_in(self, report: ExecutionReport) -> bool:
        """Whether an order stands as it was asked to."""
        wanted = self.changes
        return all(
            asked is None or asked == told
            for asked, told in (
                (wanted.order_qty, report.order_qty),
                (wanted.price, report.price),
                (wanted.stop_px, report.stop_px),
            )
        )


class Memory:
    """What one account's orders need remembered."""

    def __init__(self) -> None:
        self._amendments: Bounded[Amendment] = Bounded()
        self._filters: Bounded[str] = Bounded()

    def ask(self, *names: str | None, amendment: Amendment) -> None:
        """A change is about to be sent, of an order known by these ids."""
        for name in names:
            if name:
                self._amendments.put(name, amendment)

    def refuse(self, *names: str | None) -> None:
        """The venue said no to it."""
        for name in names:
            if name:
                self._amendments.drop(name)

    def done(self, report: ExecutionReport) -> Amendment | None:
        """The change that a report shows carried out, told once."""
        for name in (report.order_id, report.cl_ord_id):
            found = self._amendments.get(name)
            if found is not None and found.shows_in(report):
                self.refuse(report.order_id, report.cl_ord_id)
                return found
        return None

    def keep_filter(self, *names: str | None, word: str) -> None:
        """The order is of this kind (`Order`, `StopOrder`, `tpslOrder`)."""
        for name in names:
            if name:
                self._filters.put(name, word)

    def filter_of(self, *names: str | None) -> str | None:
        """The kind of an order, where it was heard."""
        return next((word for name in names if (word := self._filters.get(name)) is not None), None)

"""The kill permit: wishes that pass a closed latch, one by one: those by which a kill closes positions, and no others.

A pardon is for one wish as an object, so no equal wish of anybody else passes with it, and it ends with the act it was given for.
It passes latch and arming, which the kill itself closed; what else stands against sending still does.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass, field

from floorbroker.domain.orders import Approved, NewOrder


@dataclass(slots=True)
class Pardons:
    """The pardons of one account."""

    _wishes: list[NewOrder] = field(default_factory=list[NewOrder])
    _sending: set[str] = field(default_factory=set[str])

    @contextmanager
    def granted(self, wish: NewOrder) -> Generator[None]:
        """Let this wish pass until the block ends."""
        self._wishes.append(wish)
        try:
            yield
        finally:
            self._wishes = [other for other in self._wishes if other is not wish]
            self._sending.clear()

    def cover(self, wish: NewOrder | None) -> bool:
        """Whether this very wish passes."""
        return any(one is wish for one in self._wishes)

    def name(self, approved: Approved) -> None:
        """Under which client id a pardoned wish is about to leave."""
        if self.cover(approved.order):
            self._sending.add(approved.cl_ord_id)

    def cover_all(self, cl_ord_ids: list[str]) -> bool:
        """Whether a command names pardoned orders alone."""
        return bool(cl_ord_ids) and self._sending.issuperset(cl_ord_ids)

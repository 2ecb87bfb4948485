"""The last look before a command leaves: at the latch of its profile, at those of the strategy and the principal of each order
that it names, and at the order whose place a new one took, which may have shown up while this one waited for its turn (I16).
In memory, but for the permit's file; cancels and reads always pass (I15).
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain.errors import KillSwitchOn
from floorbroker.domain.orders import OrderState
from floorbroker.oms.account import Switches
from floorbroker.oms.book import OrderBook
from floorbroker.transport.types import Lane, Request

PASSING = frozenset({Lane.CANCEL, Lane.QUERY, Lane.RECONCILE, Lane.RESOLVE})
_ORDERS = ("orders.", "batches.")
_ON = "the kill switch is on for some strategy or token"


@dataclass(slots=True)
class LastLook:
    """The check of one profile's send gate; `book` is there before the first order is."""

    switches: Switches
    book: OrderBook | None = None

    def symbols(self) -> set[str]:
        """What the book is about, once there is one."""
        return set() if self.book is None else self.book.symbols()

    def __call__(self, request: Request) -> None:
        """Raises what `Switches` raises (NOT_SENT) for a command that must not leave now."""
        if request.lane in PASSING:
            return
        named = (request.order or "").split()
        if self.switches.pardons.cover_all(named):
            self.switches.assert_able()
            return
        self.switches.assert_open()
        if self.switches.bars_some():
            self._look_at_orders(request, named)
        for text in named:
            order = self.book.find(text) if self.book is not None else None
            if order is not None and order.state is OrderState.SENDING:
                self.switches.assert_alone(order.intent_id)

    def _look_at_orders(self, request: Request, named: list[str]) -> None:
        """An order that nobody can name is nobody's to let through."""
        if not named and request.endpoint.startswith(_ORDERS):
            raise KillSwitchOn(f"{_ON}, and this command does not name its orders")
        for text in named:
            order = self.book.find(text) if self.book is not None else None
            if order is None or self.book is None:
                raise KillSwitchOn(f"{_ON}, and {text} is no order of the desk")
            self.switches.assert_admitted(order.terms.strategy, self.book.principal(order.intent_id))

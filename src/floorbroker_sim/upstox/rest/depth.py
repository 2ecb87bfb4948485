"""The levels behind the best bid and ask: made from the top of the book, the same for the same moment."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker_sim.upstox.rest.listing import Listed

if TYPE_CHECKING:
    from floorbroker_sim.upstox.rest.state import State

LEVELS = 5


@dataclass(frozen=True, slots=True)
class Level:
    """A price (rupees), the units there, and how many orders they are."""

    price: Decimal
    quantity: int
    orders: int

    def shown(self) -> dict[str, object]:
        return {"quantity": self.quantity, "price": self.price, "orders": self.orders}


def ladder(state: State, listed: Listed, *, count: int = LEVELS) -> tuple[list[Level], list[Level]]:
    """Bids and asks, best first; a side without anybody has levels of nothing."""
    quote = state.market.quote(listed.symbol)
    bid, bid_size = (None, ZERO) if quote is None else (quote.bid, quote.bid_size)
    ask, ask_size = (None, ZERO) if quote is None else (quote.ask, quote.ask_size)
    return _side(listed, bid, int(bid_size), -1, count), _side(listed, ask, int(ask_size), 1, count)


def _side(listed: Listed, best: Decimal | None, size: int, sign: int, count: int) -> list[Level]:
    found: list[Level] = []
    for step in range(count):
        price = ZERO if best is None or listed.kind == "INDEX" else best + sign * step * listed.tick
        units = size * (step + 2) // 2 if price > 0 else 0
        found.append(Level(max(price, ZERO), units, 1 + step if units else 0))
    return found

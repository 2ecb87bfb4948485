"""What a strategy wants done and what it hears of it.  Times UTC, quantities in units, money in quote currency."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import NewType

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrdStatus, Price, Quantity, Side

WishId = NewType("WishId", str)  # one wish of one bot; the same cause always has the same id


@frozen
class Place:
    """Send an order."""

    wish: WishId
    order: NewOrder


@frozen
class Withdraw:
    """Cancel what a wish placed."""

    wish: WishId


@frozen
class Change:
    """Replace the terms of what a wish placed."""

    wish: WishId
    changes: OrderChanges


Action = Place | Withdraw | Change


@frozen
class Ordered:
    """One wish as its venue sees it.  `reason` says why it ended without trading in full, or what refused it."""

    wish: WishId
    order: NewOrder
    ord_status: OrdStatus
    cum_qty: Quantity
    avg_px: Decimal | None = None
    order_id: str = ""
    reason: str = ""

    @property
    def symbol(self) -> str:
        return self.order.symbol

    @property
    def is_open(self) -> bool:
        """Whether it can still trade, as far as anybody knows."""
        return self.ord_status not in ENDED


ENDED = frozenset(
    {
        OrdStatus.FILLED,
        OrdStatus.CANCELED,
        OrdStatus.REJECTED,
        OrdStatus.EXPIRED,
        OrdStatus.NOT_SENT,
        OrdStatus.NOT_PLACED,
    }
)


@frozen
class Filled:
    """One execution of a wish; `fee` is what it cost, positive."""

    wish: WishId
    symbol: str
    side: Side
    qty: Quantity
    price: Price
    fee: Decimal
    at: datetime
    exec_id: str = ""

    @property
    def signed_qty(self) -> Decimal:
        """Bought units are positive, sold ones negative."""
        return self.side.sign * self.qty


@frozen
class Fired:
    """A moment a strategy asked for: when it was due, and its name."""

    name: str
    at: datetime


@frozen
class Income:
    """A corporate action as it reached the account: `split` (new units for each old one), or `cash` paid (negative: owed)."""

    symbol: str
    at: datetime
    split: Decimal | None = None
    cash: Decimal | None = None
    renamed_to: str = ""


News = Ordered | Filled | Income

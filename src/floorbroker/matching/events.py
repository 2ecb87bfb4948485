"""What the engine says: one frozen record for each step of an order's life.  `at` is engine time, UTC."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ExecId, OrderId, Price, Quantity, Side


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """Common members of every event."""

    order_id: OrderId
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Accepted(Said):
    """Taken, but not working yet: the session is closed, or the order waits for an auction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Working(Said):
    """The order can fill from now on (FIX `new`)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held(Said):
    """A child that waits for its parent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered(Said):
    """A stop was elected by `price`."""

    price: Price


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill(Said):
    """One execution.  `cum_qty` and `leaves_qty` (units) stand after it; `fee` is what it cost, positive.

    `is_summary` marks the fill of a multi-leg head, whose price is the net of its legs: the legs carry the money.
    """

    exec_id: ExecId
    symbol: str
    side: Side
    qty: Quantity
    price: Price
    fee: Decimal
    cum_qty: Quantity
    leaves_qty: Quantity
    is_last: bool
    maker: bool
    is_summary: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Busted(Said):
    """An execution that never counts again."""

    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected(Said):
    """An execution that counts otherwise from now on: what it was, and what it is."""

    before: Fill
    fill: Fill


@dataclass(frozen=True, slots=True, kw_only=True)
class Canceled(Said):
    """The rest will not fill; `reason` is `user`, `ioc`, `fok`, `auction`, `group`, `oco`, `closed`, `notional`, `post_only`
    (it would have taken) or `bust`.
    """

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Expired(Said):
    """Its day or its date ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DoneForDay(Said):
    """A good-till order sleeps until the next session."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Replaced(Said):
    """New terms; `new_order_id` equals `order_id` where ids stay."""

    new_order_id: OrderId
    order: NewOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Restated(Said):
    """Terms that changed without a request: a sibling's fill took quantity, or a trailing stop moved (`stop_px`, `hwm`)."""

    order: NewOrder
    stop_px: Price | None = None
    hwm: Price | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rejected(Said):
    """A late no to an order that was taken."""

    reason: str


Event = (
    Accepted
    | Working
    | Held
    | Triggered
    | Fill
    | Busted
    | Corrected
    | Canceled
    | Expired
    | DoneForDay
    | Replaced
    | Restated
    | Rejected
)

"""An order as the engine keeps it: its current terms and where it stands."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from enum import Enum

from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import (
    LIMITED,
    TRIGGERED,
    ZERO,
    OrderClass,
    OrderId,
    OrderType,
    PositionIntent,
    Price,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.matching.events import Fill

WAITING = TRIGGERED | {OrderType.TRAILING_STOP}  # until they are elected
PARTS_MAX = 100  # an iceberg shows no less than this part of its quantity
NOTHING = Quantity(ZERO)
IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})
AUCTIONS = frozenset({TimeInForce.OPG, TimeInForce.CLS})


class MatchStatus(Enum):
    ACCEPTED = "accepted"
    WORKING = "working"
    HELD = "held"
    PARTIALLY_FILLED = "partially_filled"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REPLACED = "replaced"
    REJECTED = "rejected"
    DONE_FOR_DAY = "done_for_day"


LIVE = frozenset({MatchStatus.WORKING, MatchStatus.PARTIALLY_FILLED})
OPEN = LIVE | {MatchStatus.ACCEPTED, MatchStatus.HELD, MatchStatus.DONE_FOR_DAY}


class NotOpen(ValueError):
    """A cancel, replace or forced fill of an order that is not open; `status` is the word for where it stands."""

    def __init__(self, order_id: OrderId, status: str) -> None:
        super().__init__(f"order {order_id} is {status}")
        self.order_id = order_id
        self.status = status


class BadOrder(ValueError):
    """Terms that contradict themselves, or changes that an order cannot take."""


@dataclass(slots=True, kw_only=True)
class MatchOrder:
    """One order.  To everybody but the engine a read-only view.

    `order` holds the current terms; `group` is the class of the family it belongs to (head and children alike); `carried` is
    what the orders it replaced had filled; `seq` is its time priority.  `hwm` is the best price a trailing stop has seen.
    `shown` is what is left of the part that an iceberg shows while it rests; None for other orders.
    """

    order_id: OrderId
    account: str
    order: NewOrder
    seq: int
    submitted_at: datetime
    updated_at: datetime
    status: MatchStatus = MatchStatus.ACCEPTED
    cum_qty: Quantity = NOTHING
    spent: Decimal = ZERO  # the sum of quantity x price over its fills
    stop_px: Price | None = None
    hwm: Price | None = None
    triggered: bool = False
    resting: bool = False  # it met a market once and did not trade in full: from now on it makes
    group: OrderClass = OrderClass.SIMPLE
    parent_id: OrderId | None = None
    children: tuple[OrderId, ...] = ()
    replaced_by: OrderId | None = None
    replaces: OrderId | None = None
    carried: Decimal = ZERO
    fills: tuple[Fill, ...] = ()
    shown: Quantity | None = None

    @property
    def side(self) -> Side:
        return self.order.side

    @property
    def symbol(self) -> str:
        return self.order.symbol

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_live(self) -> bool:
        """Whether it can trade right now."""
        return self.status in LIVE

    @property
    def is_head(self) -> bool:
        """Whether it leads a multi-leg order, which trades through its legs."""
        return self.group is OrderClass.MULTILEG and self.parent_id is None

    @property
    def is_leg(self) -> bool:
        return self.group is OrderClass.MULTILEG and self.parent_id is not None

    @property
    def is_waiting_stop(self) -> bool:
        return self.order.order_type in WAITING and not self.triggered

    @property
    def limit(self) -> Price | None:
        """The worst price it takes; None for any."""
        return self.order.price if self.order.order_type in LIMITED else None

    @property
    def leaves_qty(self) -> Quantity | None:
        """Units still open; zero once closed, None while only the notional is known."""
        if not self.is_open:
            return NOTHING
        return None if self.order.order_qty is None else Quantity(self.order.order_qty - self.cum_qty)

    @property
    def avg_px(self) -> Decimal | None:
        return self.spent / self.cum_qty if self.cum_qty else None

    @property
    def position_effect(self) -> PositionIntent | None:
        return self.order.position_intent


def check_terms(order: NewOrder) -> None:
    """Raises `BadOrder` for an order no engine could work."""
    if order.order_class is OrderClass.MULTILEG:
        _check_multileg(order)
        return
    if (order.order_qty is None) == (order.notional is None):
        raise BadOrder("exactly one of quantity and notional is needed")
    if (order.order_qty or order.notional or ZERO) <= 0:
        raise BadOrder("quantity and notional are positive")
    if order.order_type in LIMITED and order.price is None:
        raise BadOrder(f"a {order.order_type.value} order needs a limit price")
    if order.order_type in TRIGGERED and order.stop_px is None:
        raise BadOrder(f"a {order.order_type.value} order needs a stop price")
    if order.order_type is OrderType.TRAILING_STOP and (order.trail_amount is None) == (order.trail_percent is None):
        raise BadOrder("a trailing stop needs exactly one of amount and percent")
    if order.tif is TimeInForce.GTD and order.expire_at is None:
        raise BadOrder("good till date needs the date")
    _check_rest(order)
    _check_exits(order)


def _check_rest(order: NewOrder) -> None:
    """Post-only orders and icebergs rest at a limit."""
    if not order.post_only and order.display_qty is None:
        return
    if order.order_type not in LIMITED or order.tif in IMMEDIATE:
        raise BadOrder("a post-only order and an iceberg rest at a limit")
    shown, whole = order.display_qty, order.order_qty
    if shown is not None and (whole is None or not whole > shown >= whole / PARTS_MAX):
        raise BadOrder(f"an iceberg shows less than its quantity, and no less than 1/{PARTS_MAX} of it")


def _check_multileg(order: NewOrder) -> None:
    if len(order.legs) < 2 or order.order_qty is None or order.order_qty <= 0:
        raise BadOrder("a multi-leg order needs two legs or more and a quantity")
    if order.order_type not in (OrderType.MARKET, OrderType.LIMIT):
        raise BadOrder("a multi-leg order is market or limit")
    if order.order_type is OrderType.LIMIT and order.price is None:
        raise BadOrder("a limit order needs a limit price")


def _check_exits(order: NewOrder) -> None:
    exits = (order.take_profit is not None) + (order.stop_loss is not None)
    if order.order_class is OrderClass.BRACKET and exits != 2:
        raise BadOrder("a bracket needs a take-profit and a stop-loss")
    if order.order_class is OrderClass.OTO and exits != 1:
        raise BadOrder("an OTO order needs exactly one exit")
    if order.order_class is OrderClass.OCO and (order.stop_loss is None or order.order_type is not OrderType.LIMIT):
        raise BadOrder("an OCO order is a limit with a stop-loss")


def with_changes(order: MatchOrder, changes: OrderChanges) -> NewOrder:
    """The terms after a replace.  Raises `BadOrder` where the order cannot take them; quantity is the new total."""
    terms = order.order
    if changes.order_qty is not None:
        if terms.notional is not None:
            raise BadOrder("a notional order has no quantity to change")
        if changes.order_qty <= order.cum_qty + order.carried:
            raise BadOrder("the new quantity is not above what is filled")
        terms = replace(terms, order_qty=Quantity(changes.order_qty - order.carried))
    if changes.price is not None:
        if order.order.order_type not in LIMITED:
            raise BadOrder("the order has no limit price")
        terms = replace(terms, price=changes.price)
    if changes.stop_px is not None:
        if order.order.order_type not in TRIGGERED or order.triggered:
            raise BadOrder("the order has no stop price to change")
        terms = replace(terms, stop_px=changes.stop_px)
    if changes.trail is not None:
        terms = _with_trail(order, terms, changes.trail)
    return terms if changes.tif is None else replace(terms, tif=changes.tif)


def _with_trail(order: MatchOrder, terms: NewOrder, trail: Decimal) -> NewOrder:
    if order.order.order_type is not OrderType.TRAILING_STOP or order.triggered:
        raise BadOrder("the order has no trail to change")
    if terms.trail_amount is not None:
        return replace(terms, trail_amount=Price(trail))
    return replace(terms, trail_percent=trail)

"""A wish to trade, before and after approval, and the order as the fold shows it."""

from __future__ import annotations

from dataclasses import field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import (
    ClOrdId,
    Environment,
    ExecId,
    IntentId,
    Money,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    PositionIntent,
    Price,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
    Word,
)


@frozen
class StopLoss:
    """The losing exit of a group: a stop, or a stop-limit when `price` is given."""

    stop_px: Price
    price: Price | None = None


@frozen
class OrderLeg:
    """One leg of a multi-leg order; `ratio_qty` legs for each unit of the strategy."""

    symbol: str
    side: Side
    ratio_qty: Quantity
    position_intent: PositionIntent | None = None


@frozen
class NewOrder:
    """One wish to trade, decided once.  Made by `OrderSchema` from outside text, or by code that has exact values.

    Exactly one of `order_qty` (units) and `notional` (quote currency) is set.  `price` is the limit, `stop_px` the trigger;
    a trailing stop has one of `trail_amount` (quote units) and `trail_percent` (1.5 means 1.5 %).  For a bracket `price`,
    `stop_px` and `order_type` describe the entry; for an OCO they describe the take-profit exit.  `stop_px` is the trigger of
    the touched types as well.  `post_only`: never take liquidity, be refused instead.  `display_qty` (FIX DisplayQty, units)
    is how much of an iceberg shows.
    """

    symbol: str
    side: Side
    order_type: OrderType
    order_qty: Quantity | None = None
    notional: Decimal | None = None
    price: Price | None = None
    stop_px: Price | None = None
    trail_amount: Price | None = None
    trail_percent: Decimal | None = None
    tif: TimeInForce = TimeInForce.DAY
    expire_at: datetime | None = None
    order_class: OrderClass = OrderClass.SIMPLE
    take_profit: Price | None = None
    stop_loss: StopLoss | None = None
    legs: tuple[OrderLeg, ...] = ()
    position_intent: PositionIntent | None = None
    extended_hours: bool = False
    reduce_only: bool = False
    post_only: bool = False
    display_qty: Quantity | None = None
    strategy: str = ""
    reason: str = ""
    client_tag: str = ""
    allow_duplicate: bool = False


@frozen
class OrderChanges:
    """What a replace asks for; members left None stay as they are.  `order_qty` is the new total (units)."""

    order_qty: Quantity | None = None
    price: Price | None = None
    stop_px: Price | None = None
    trail: Decimal | None = None
    tif: TimeInForce | None = None


@frozen
class Approved:
    """A `NewOrder` that passed every control and holds its reservation.  Only `risk/gate.py` makes one."""

    intent_id: IntentId
    cl_ord_id: ClOrdId
    profile: ProfileName
    environment: Environment
    order: NewOrder
    decided_at: float  # Clock.monotonic() of the decision


@frozen
class OrderRef:
    """How to name one order to a venue: by its id when known, else by ours.

    `extended_hours` is a term that some venues take and never tell; None where we did not place the order ourselves.
    """

    intent_id: IntentId
    cl_ord_id: ClOrdId
    symbol: str
    order_id: OrderId | None = None
    extended_hours: bool | None = None


@frozen
class Execution:
    """One live fill, applied once.  `fee` is what this fill cost (positive) where the venue says so."""

    exec_id: ExecId
    order_id: OrderId | None
    symbol: str
    side: Side
    last_qty: Quantity
    last_px: Price
    transact_time: datetime
    version: int = 0
    fee: Money | None = None
    synthetic: bool = False


class OrderState(Word):
    """Where an order stands (RELIABILITY 3)."""

    PREPARED = "prepared"
    SENDING = "sending"
    UNKNOWN = "unknown"
    ACKED = "acked"
    WORKING = "working"
    HELD = "held"
    FILLED = "filled"
    CANCELLED = "cancelled"
    EXPIRED = "expired"
    REJECTED = "rejected"
    NOT_SENT = "not_sent"
    NOT_PLACED = "not_placed"
    PRESUMED_NOT_PLACED = "presumed_not_placed"


CLOSED = frozenset(
    {
        OrderState.FILLED,
        OrderState.CANCELLED,
        OrderState.EXPIRED,
        OrderState.REJECTED,
        OrderState.NOT_SENT,
        OrderState.NOT_PLACED,
        OrderState.PRESUMED_NOT_PLACED,
    }
)
IN_DOUBT = frozenset({OrderState.SENDING, OrderState.UNKNOWN})


@frozen
class Order:
    """One order as its facts show it.  `order_qty == cum_qty + leaves_qty` while it works; quantities are units.

    `order_ids` is the chain of venue ids (a replace may change it), newest last.  `alerts` are contradictions and unknown words,
    kept for people.  `version` counts distinct facts.  `needs_executions` asks for the fills that a reported total implies.
    """

    intent_id: IntentId
    cl_ord_id: ClOrdId
    profile: ProfileName
    terms: NewOrder
    state: OrderState
    ord_status: OrdStatus
    order_id: OrderId | None
    order_ids: tuple[OrderId, ...]
    order_qty: Quantity | None
    price: Price | None
    stop_px: Price | None
    cum_qty: Quantity
    leaves_qty: Quantity | None
    avg_px: Decimal | None
    executions: tuple[Execution, ...]
    created_at: datetime
    updated_at: datetime
    version: int
    pending_cancel: bool = False
    pending_replace: bool = False
    done_for_day: bool = False
    presumed: bool = False
    parent_id: IntentId | None = None
    external: bool = False
    reject_reason: str | None = None
    venue_text: str | None = None
    evidence: tuple[str, ...] = ()
    alerts: tuple[str, ...] = ()
    needs_executions: bool = False
    route: str = ""
    tif: TimeInForce = field(default=TimeInForce.DAY)

    @property
    def is_open(self) -> bool:
        """Whether it can still fill, as far as anybody knows."""
        return self.state not in CLOSED

    @property
    def in_doubt(self) -> bool:
        """Whether we do not know if the venue has it."""
        return self.state in IN_DOUBT

    @property
    def ref(self) -> OrderRef:
        is_ours = self.parent_id is None and not self.external
        return OrderRef(
            intent_id=self.intent_id,
            cl_ord_id=self.cl_ord_id,
            symbol=self.terms.symbol,
            order_id=self.order_id,
            extended_hours=self.terms.extended_hours if is_ours else None,
        )

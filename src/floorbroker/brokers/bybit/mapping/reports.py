"""What Bybit says about orders and executions, as execution reports.

Order messages say where an order stands and how much of it is filled; the fills themselves are executions, which come beside
them.  A word outside its table goes into `unrecognised`, and then the report claims no status.
Documents: bybit-exchange.github.io/docs/v5/enum, /order/open-order, /order/execution, /websocket/private/order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping.memory import Memory
from floorbroker.brokers.bybit.mapping.orders import FALL, PLAIN, POST_ONLY, RISE, SIDES, STOP_ORDER, TIFS, TPSL_ORDER
from floorbroker.brokers.bybit.mapping.symbols import SPOT, Symbols
from floorbroker.brokers.bybit.mapping.values import (
    above_zero,
    lenient_moment,
    moment_needed,
    needed,
    number,
    price,
    quantity,
    word,
)
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.frozen import frozen
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ZERO,
    ClOrdId,
    ExecId,
    ExecType,
    Money,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)

OUR_SIDES: Mapping[str, Side] = MappingProxyType({there: ours for ours, there in SIDES.items()})
OUR_TIFS: Mapping[str, TimeInForce] = MappingProxyType(
    {there: ours for ours, there in TIFS.items()} | {POST_ONLY: TimeInForce.GTC, "RPI": TimeInForce.GTC}
)
STATUSES: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "Created": OrdStatus.PENDING_NEW,
        "New": OrdStatus.NEW,
        "PartiallyFilled": OrdStatus.PARTIALLY_FILLED,
        "Untriggered": OrdStatus.NEW,
        "Triggered": OrdStatus.NEW,
        "Active": OrdStatus.NEW,
        "PendingCancel": OrdStatus.PENDING_CANCEL,
        "Filled": OrdStatus.FILLED,
        "PartiallyFilledCanceled": OrdStatus.CANCELED,  # spot
        "Cancelled": OrdStatus.CANCELED,  # a derivative's may have fills
        "Deactivated": OrdStatus.CANCELED,
        "Rejected": OrdStatus.REJECTED,
    }
)
_TOLD_APART = frozenset({"Untriggered", "Triggered", "Deactivated"})
_EVENTS: Mapping[OrdStatus, ExecType] = MappingProxyType(
    {
        OrdStatus.NEW: ExecType.NEW,
        OrdStatus.CANCELED: ExecType.CANCELED,
        OrdStatus.REJECTED: ExecType.REJECTED,
    }
)
_NO_REASON = frozenset({"", "EC_NoError", "EC_PerCancelRequest"})
# The venue's word is Cancelled, and its reason says that the order was never let onto the book.
_REFUSED_BY = frozenset({"EC_PostOnlyWillTakeLiquidity"})
_TYPES = frozenset({"Market", "Limit"})
_TOUCHED = frozenset({"TakeProfit", "PartialTakeProfit"})
_STOPS = frozenset({"StopLoss", "PartialStopLoss"})
_TPSL = frozenset({"tpslOrder", "OcoOrder", "BidirectionalTpslOrder"})

FILLS = frozenset({"Trade", "BlockTrade", "AdlTrade", "BustTrade"})
# Rows of the execution list that are no fill of an order: what they do to money and positions, the balances and positions tell.
NO_FILLS = frozenset({"Funding", "Delivery", "Settle", "MovePosition", "FutureSpread", "CorporateAction"})


@frozen
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reader:
    """Makes reports of one account's messages: knows its symbols, and remembers what its orders are."""

    symbols: Symbols
    memory: Memory

    def order(self, order: wire.Order, heard: Heard, *, category: str) -> ExecutionReport:
        """Where an order stands.  Raises `ApiError` for numbers that are none."""
        self.memory.keep_filter(order.order_id, order.order_link_id, word=filter_of(order))
        return self._standing(order, heard, order.category or category)

    def _standing(self, order: wire.Order, heard: Heard, category: str) -> ExecutionReport:
        odd = unknown_words(order)
        status = None if odd else status_of(order)
        size, notional = _size(order, category)
        event = _EVENTS.get(status) if status is not None and heard.source is Source.STREAM else None
        return ExecutionReport(
            exec_type=event or ExecType.ORDER_STATUS,
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            ord_status=status,
            unrecognised=odd,
            text=_text(order),
            cl_ord_id=ClOrdId(order.order_link_id) if order.order_link_id else None,
            order_id=OrderId(order.order_id),
            symbol=self.symbols.from_wire(category, order.symbol) if order.symbol else "",
            side=OUR_SIDES.get(order.side),
            order_type=None if odd else type_of(order),
            tif=OUR_TIFS.get(order.time_in_force),
            order_qty=size,
            notional=notional,
            price=price(order.price) if order.order_type == "Limit" else None,
            stop_px=price(order.trigger_price),
            cum_qty=quantity(order.cum_exec_qty),
            avg_px=_average(order),
            # The venue cuts what only reduces to the position there is: the quantity it tells is the order's from then on.
            replaces=OrderId(order.order_id) if order.reduce_only else None,
            transact_time=lenient_moment(order.updated_time) or lenient_moment(order.created_time),
            made_at=lenient_moment(order.created_time),
        )

    def execution(self, execution: wire.Execution, heard: Heard, *, category: str) -> ExecutionReport | None:
        """A fill; None for rows that are no fill of an order (funding, settlement, deliveries).

        Raises `ApiError` for a fill whose numbers are none.  Those of a row in no table mean nothing known and are not read.
        """
        if execution.exec_type in NO_FILLS:
            return None
        symbol = self.symbols.from_wire(execution.category or category, execution.symbol)
        report = ExecutionReport(
            exec_type=ExecType.ORDER_STATUS,
            unrecognised=f"execution {word(execution.exec_type)} {word(execution.side)}",
            source=heard.source,
            at=heard.at,
            asked_at=heard.asked_at,
            cl_ord_id=ClOrdId(execution.order_link_id) if execution.order_link_id else None,
            order_id=OrderId(execution.order_id),
            symbol=symbol,
            side=OUR_SIDES.get(execution.side),
            exec_id=ExecId(execution.exec_id),
            transact_time=lenient_moment(execution.exec_time),
            text=None if execution.exec_type == "Trade" else word(execution.exec_type),
        )
        if execution.exec_type not in FILLS or execution.side not in OUR_SIDES:
            return report
        return replace(
            report,
            exec_type=ExecType.TRADE,
            unrecognised=None,
            last_qty=Quantity(needed(execution.exec_qty, what="a quantity")),
            last_px=Price(needed(execution.exec_price, what="a price")),
            fee=fee_of(execution, symbol),
            transact_time=moment_needed(execution.exec_time),
        )


# -- orders -------------------------------------------------------------------------------------------------------------


def status_of(order: wire.Order) -> OrdStatus | None:
    """Our status.  An open order with fills is PARTIALLY_FILLED; a post-only order that would have taken is REJECTED."""
    status = STATUSES.get(order.order_status)
    filled = number(order.cum_exec_qty, what="a quantity") or ZERO
    if status is OrdStatus.NEW and filled > 0:
        return OrdStatus.PARTIALLY_FILLED
    if status is OrdStatus.CANCELED and filled == 0 and order.reject_reason in _REFUSED_BY:
        return OrdStatus.REJECTED
    return status


def type_of(order: wire.Order) -> OrderType:
    """Our type: plain without a trigger, else a stop or a touched order by the way in which the price has to go."""
    is_limit = order.order_type == "Limit"
    if order.stop_order_type == "TrailingStop":
        return OrderType.TRAILING_STOP
    if above_zero(order.trigger_price) is None:
        return OrderType.LIMIT if is_limit else OrderType.MARKET
    if _is_touched(order):
        return OrderType.LIMIT_IF_TOUCHED if is_limit else OrderType.MARKET_IF_TOUCHED
    return OrderType.STOP_LIMIT if is_limit else OrderType.STOP


def _is_touched(order: wire.Order) -> bool:
    """By the venue's word, or by its direction, or by where the price was; a stop where nothing tells."""
    if order.stop_order_type in _TOUCHED or order.stop_order_type in _STOPS:
        return order.stop_order_type in _TOUCHED
    direction = order.trigger_direction or _direction(order)
    return direction == (FALL if order.side == "Buy" else RISE)


def _direction(order: wire.Order) -> int:
    trigger = above_zero(order.trigger_price)
    before = above_zero(order.last_price_on_created) or above_zero(order.base_price)
    if trigger is None or before is None or trigger == before:
        return 0
    return RISE if trigger > before else FALL


def filter_of(order: wire.Order) -> str:
    """`Order`, `StopOrder` or `tpslOrder`: what a cancel of a spot order has to say."""
    if order.stop_order_type in _TPSL:
        return TPSL_ORDER
    return STOP_ORDER if order.stop_order_type not in (None, "", "UNKNOWN") else PLAIN


def unknown_words(order: wire.Order) -> str | None:
    """The first word of the order that stands in no table."""
    for name, value, table in (
        ("status", order.order_status, STATUSES),
        ("side", order.side, OUR_SIDES),
        ("type", order.order_type, _TYPES),
        ("time_in_force", order.time_in_force, OUR_TIFS),
    ):
        if value not in table and (value or name == "status"):
            return f"{name} {word(value)}"
    return None


def _size(order: wire.Order, category: str) -> tuple[Quantity | None, Quantity | None]:
    """Units, or an amount of quote coin: what a spot market buy counts in unless it says otherwise."""
    size = quantity(order.qty)
    by_default = order.side == "Buy" and order.market_unit != "baseCoin"
    in_quote = order.market_unit == "quoteCoin" or by_default
    if category == SPOT and order.order_type == "Market" and in_quote:
        return None, size
    return size, None


def _average(order: wire.Order) -> Price | None:
    filled = number(order.cum_exec_qty, what="a quantity")
    return price(order.avg_price) if filled else None


def _text(order: wire.Order) -> str | None:
    """The reason, or the word that our statuses do not tell apart."""
    if order.reject_reason is not None and order.reject_reason not in _NO_REASON:
        return word(order.reject_reason)
    if order.cancel_type not in (None, "", "UNKNOWN", "CancelByUser"):
        return word(order.cancel_type or "")
    return order.order_status if order.order_status in _TOLD_APART else None


# -- executions -----------------------------------------------------------------------------------------------------------


def fee_of(execution: wire.Execution, symbol: str) -> Money | None:
    """What a fill cost; a rebate is below zero.  Spot fees are taken from the coin received unless the venue says otherwise."""
    paid = number(execution.exec_fee, what="a fee")
    currency = execution.fee_currency or _fee_currency(execution, symbol)
    if paid is None or not currency:
        return None
    extra = sum((fee for coin, fee in _extra_fees(execution) if coin == currency), ZERO)
    return Money(paid + extra, currency)


def _fee_currency(execution: wire.Execution, symbol: str) -> str:
    pair, colon, settle = symbol.partition(":")
    if colon:
        return settle.partition("-")[0]
    base, _, quote = pair.partition("/")
    return base if execution.side == "Buy" else quote


def _extra_fees(execution: wire.Execution) -> list[tuple[str, Quantity]]:
    """Taxes on top, each with its coin; an empty text stands for none."""
    if bytes(execution.extra_fees)[:1] != b"[":
        return []
    listed = wire.decode(execution.extra_fees, list[wire.ExtraFee], what="the fees of an execution")
    return [(extra.fee_coin, Quantity(number(extra.fee, what="a fee") or ZERO)) for extra in listed]


def same_order(order: wire.Order, *, order_id: str | None, cl_ord_id: str) -> bool:
    """Whether an answer is about the order that was asked for."""
    return order.order_id == order_id if order_id is not None else order.order_link_id == cl_ord_id


def assert_same(order: wire.Order, *, order_id: str | None, cl_ord_id: str) -> None:
    """Raises `ApiError` for an answer about another order."""
    if not same_order(order, order_id=order_id, cl_ord_id=cl_ord_id):
        raise ApiError("the reply is about another order", broker="BYBIT")

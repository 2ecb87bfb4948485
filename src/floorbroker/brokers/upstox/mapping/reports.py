"""What Upstox says about orders and executions, as execution reports.

An order's status has no word for "partly filled": an open order with fills is that.  A word outside its table goes into
`unrecognised`, and then the report claims no status.  Executions have ids of the trade book alone; the stream tells totals.
Documents: upstox.com/developer/api-documentation/appendix/order-status, /get-order-book, /get-trade-history, /webhook.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from types import MappingProxyType

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import BROKER
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.mapping.values import (
    lenient_moment,
    needed,
    number,
    order_id_of,
    price,
    quantity,
    word,
)
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    ExecType,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)

Reports = tuple[ExecutionReport, ...]

SIDES: Mapping[str, Side] = MappingProxyType({"BUY": Side.BUY, "SELL": Side.SELL})
ORDER_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {"MARKET": OrderType.MARKET, "LIMIT": OrderType.LIMIT, "SL": OrderType.STOP_LIMIT, "SL-M": OrderType.STOP}
)
TIMES_IN_FORCE: Mapping[str, TimeInForce] = MappingProxyType({"DAY": TimeInForce.DAY, "IOC": TimeInForce.IOC})
NOT_MODIFIED, NOT_CANCELLED = "not modified", "not cancelled"
STATUSES: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "put order req received": OrdStatus.PENDING_NEW,
        "validation pending": OrdStatus.PENDING_NEW,
        "open pending": OrdStatus.PENDING_NEW,
        "after market order req received": OrdStatus.PENDING_NEW,  # held for the next session
        "modify after market order req received": OrdStatus.PENDING_REPLACE,
        "modify pending": OrdStatus.PENDING_REPLACE,
        "modify validation pending": OrdStatus.PENDING_REPLACE,
        "trigger pending": OrdStatus.NEW,
        "open": OrdStatus.NEW,
        "modified": OrdStatus.NEW,
        NOT_MODIFIED: OrdStatus.NEW,  # the change was refused, the order lives on
        NOT_CANCELLED: OrdStatus.NEW,
        "cancel pending": OrdStatus.PENDING_CANCEL,
        "cancelled": OrdStatus.CANCELED,
        "cancelled after market order": OrdStatus.CANCELED,
        "complete": OrdStatus.FILLED,
        "rejected": OrdStatus.REJECTED,
    }
)
ENDED = frozenset({OrdStatus.CANCELED, OrdStatus.FILLED, OrdStatus.REJECTED})
_PRICED = frozenset({"LIMIT", "SL"})
_TRIGGERED = frozenset({"SL", "SL-M"})
_REFUSALS: Mapping[str, ExecType] = MappingProxyType(
    {NOT_MODIFIED: ExecType.REPLACE_REJECTED, NOT_CANCELLED: ExecType.CANCEL_REJECTED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


def is_ended(order: wire.Order) -> bool:
    """Whether the order can fill no more, by a word we know."""
    return STATUSES.get(order.status) in ENDED


def order_report(order: wire.Order, heard: Heard, symbols: Symbols) -> ExecutionReport:
    """Where an order stands.  Raises `ApiError` for what cannot be read."""
    odd = unknown_word(order)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else status_of(order),
        unrecognised=odd,
        text=reason_of(order),
        cl_ord_id=ClOrdId(order.tag) if order.tag else None,
        order_id=order_id_of(order.order_id),
        symbol=_symbol(order, symbols),
        side=SIDES.get(order.transaction_type),
        order_type=ORDER_TYPES.get(order.order_type),
        tif=TIMES_IN_FORCE.get(order.validity),
        order_qty=quantity(order.quantity),
        price=price(order.price) if order.order_type in _PRICED else None,
        stop_px=price(order.trigger_price) if order.order_type in _TRIGGERED else None,
        cum_qty=quantity(order.filled_quantity),
        avg_px=number(order.average_price, what="a price") or None,
        transact_time=lenient_moment(order.exchange_timestamp) or lenient_moment(order.order_timestamp),
    )


def refusal_report(order: wire.Order, heard: Heard, symbols: Symbols) -> ExecutionReport | None:
    """That a change or a cancel was turned down, where this is what the word says."""
    kind = _REFUSALS.get(order.status)
    if kind is None:
        return None
    return replace(order_report(order, heard, symbols), exec_type=kind, ord_status=None)


def _symbol(told: wire.Order | wire.Trade, symbols: Symbols) -> str:
    key = told.instrument_token
    if key is None and isinstance(told, wire.Order):
        key = told.instrument_key
    return symbols.named(key, exchange=told.exchange, trading=told.trading_symbol or told.tradingsymbol)


def status_of(order: wire.Order) -> OrdStatus | None:
    """Our status; None for unknown words.  An open order with fills is PARTIALLY_FILLED."""
    status = STATUSES.get(order.status)
    if status is OrdStatus.NEW and (quantity(order.filled_quantity) or 0) > 0:
        return OrdStatus.PARTIALLY_FILLED
    return status


def unknown_word(order: wire.Order) -> str | None:
    """The first word of the order that stands in no table; an absent one is not unknown."""
    for name, value, table in (
        ("status", order.status, STATUSES),
        ("transaction_type", order.transaction_type, SIDES),
        ("order_type", order.order_type, ORDER_TYPES),
        ("validity", order.validity, TIMES_IN_FORCE),
    ):
        if value not in table and (value or name == "status"):
            return f"{name} {word(value)}"
    return None


def reason_of(order: wire.Order) -> str | None:
    """Why it stands so, in the venue's own prose."""
    text = order.status_message or order.status_message_raw
    return text[:500] if text else None


def unread_report(order_id: OrderId, heard: Heard) -> ExecutionReport:
    """What a listing says of an order that cannot be read: that it is there, and that nothing is known of it."""
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=order_id,
        unrecognised="an order that cannot be read",
    )


def gone_report(order_id: str, heard: Heard) -> ExecutionReport:
    """An order of an earlier day that the venue knows no more: orders are for a day, and books are cleared with it.

    It fills no more; what it filled before is told by the positions.
    """
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=order_id_of(order_id),
        ord_status=OrdStatus.EXPIRED,
        text="the trading day it was for is over, and the venue's books of that day are cleared",
    )


def trade_report(trade: wire.Trade, heard: Heard, symbols: Symbols) -> ExecutionReport:
    """An execution.  Its id is unique on its exchange and day, so it is told with both, and with its order."""
    side = SIDES.get(trade.transaction_type)
    if side is None:
        raise ApiError(f"a trade has the unknown side {word(trade.transaction_type)}", broker=BROKER)
    at = lenient_moment(trade.exchange_timestamp) or lenient_moment(trade.order_timestamp)
    order_id = order_id_of(trade.order_id)
    return ExecutionReport(
        exec_type=ExecType.TRADE,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        order_id=order_id,
        exec_id=ExecId(f"{word(trade.exchange)}:{order_id}:{word(trade.trade_id)}"),
        symbol=_symbol(trade, symbols),
        side=side,
        last_qty=Quantity(needed(quantity(trade.quantity), what="a quantity")),
        last_px=Price(needed(trade.average_price, what="a price")),
        transact_time=at,
    )

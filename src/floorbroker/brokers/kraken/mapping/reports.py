"""What Kraken says about orders in answers, as execution reports.  A word outside its table goes into `unrecognised`, and then
the report claims no status.

Kraken has no rejected orders: what it will not take fails in the request, or is canceled with a reason.
Documents: docs.kraken.com/api-reference/account-data (get-open-orders, get-closed-orders, get-trade-history).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.mapping.orders import ICEBERG, LIMITED, TIFS, TRIGGERED, TYPES
from floorbroker.brokers.kraken.mapping.symbols import Symbols
from floorbroker.brokers.kraken.mapping.values import needed, number, offset, seconds, seconds_needed, word, written
from floorbroker.domain.facts import Source
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

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
ORDER_TYPES: dict[str, OrderType] = {there: ours for ours, there in TYPES.items()} | {ICEBERG: OrderType.LIMIT}
# FOK is seen in order objects; as a word of requests it is not documented.
TIMES_IN_FORCE: dict[str, TimeInForce] = {there: ours for ours, there in TIFS.items()} | {"FOK": TimeInForce.FOK}
_VIQC = "viqc"

STATUSES: dict[str, OrdStatus] = {
    "pending": OrdStatus.PENDING_NEW,
    "open": OrdStatus.NEW,
    "closed": OrdStatus.FILLED,
    "canceled": OrdStatus.CANCELED,
    "expired": OrdStatus.EXPIRED,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


def order_report(order_id: str, order: wire.Order, heard: Heard, symbols: Symbols) -> ExecutionReport:
    """Where an order stands.  Raises `ApiError` for a number that is none."""
    odd = unknown_words(order)
    kind = ORDER_TYPES.get(order.descr.ordertype)
    qty = number(order.vol, what="a quantity")
    in_quote = _VIQC in (order.oflags or "").split(",")
    trail = offset(order.descr.price, what="a distance") if kind is OrderType.TRAILING_STOP else (None, None)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else status_of(order),
        unrecognised=odd,
        text=word(order.reason) if order.reason else None,
        cl_ord_id=ClOrdId(order.cl_ord_id) if order.cl_ord_id else None,
        order_id=OrderId(order_id),
        symbol=symbols.from_rest(order.descr.pair),
        side=SIDES.get(order.descr.type),
        order_type=kind,
        tif=TIMES_IN_FORCE.get((order.timeinforce or "").upper(), _tif(order)),
        order_qty=None if in_quote or qty is None else Quantity(qty),
        notional=qty if in_quote else None,
        price=_limit(order.descr, kind),
        stop_px=_trigger(order.descr, kind),
        trail_amount=None if trail[0] is None else Price(trail[0]),
        trail_percent=trail[1],
        cum_qty=_quantity(order.vol_exec),
        avg_px=_average(order),
        transact_time=seconds(order.closetm) or seconds(order.opentm),
        made_at=seconds(order.opentm),
    )


def status_of(order: wire.Order) -> OrdStatus | None:
    """Our status; an open order with fills is PARTIALLY_FILLED.

    `closed` means filled; whether what is left of an immediate order is closed or canceled is not documented, so a closed order
    that did not fill all it asked for is CANCELED: its fills count either way.  Raises `ApiError` for a quantity that is no
    number.
    """
    status = STATUSES.get(order.status)
    done = _quantity(order.vol_exec) or ZERO
    if status is OrdStatus.NEW and done > 0:
        return OrdStatus.PARTIALLY_FILLED
    asked = number(order.vol, what="a quantity")
    if status is OrdStatus.FILLED and asked is not None and done < asked and _VIQC not in (order.oflags or ""):
        return OrdStatus.CANCELED
    return status


def unknown_words(order: wire.Order) -> str | None:
    """The first word of the order that stands in no table."""
    for name, value, table in (
        ("status", order.status, STATUSES),
        ("type", order.descr.type, SIDES),
        ("ordertype", order.descr.ordertype, ORDER_TYPES),
        ("timeinforce", (order.timeinforce or "GTC").upper(), TIMES_IN_FORCE),
    ):
        if value not in table:
            return f"{name} {word(value)}"
    return None


def _tif(order: wire.Order) -> TimeInForce:
    return TimeInForce.GTD if order.expiretm else TimeInForce.GTC


def _limit(descr: wire.Descr, kind: OrderType | None) -> Price | None:
    text = descr.price2 if kind in TRIGGERED else descr.price
    value = written(text, what="a price") if kind in LIMITED else None
    return None if value is None else Price(value)


def _trigger(descr: wire.Descr, kind: OrderType | None) -> Price | None:
    value = written(descr.price, what="a trigger") if kind in TRIGGERED else None
    return None if value is None else Price(value)


def _quantity(value: Decimal | None) -> Quantity | None:
    checked = number(value, what="a quantity")
    return None if checked is None else Quantity(checked)


def _average(order: wire.Order) -> Decimal | None:
    """The price member of an order is the average of its fills, zero before the first."""
    return number(order.price, what="a price") or None


def trade_report(trade_id: str, trade: wire.Trade, heard: Heard, symbols: Symbols) -> ExecutionReport:
    """One fill of the history; its id is the one the stream tells as `exec_id`.  Raises `ApiError`."""
    symbol = symbols.from_rest(trade.pair)
    known = trade.type in SIDES
    fee = number(trade.fee, what="a fee")
    return ExecutionReport(
        exec_type=ExecType.TRADE if known else ExecType.ORDER_STATUS,
        unrecognised=None if known else f"trade {word(trade.type)}",
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        cl_ord_id=ClOrdId(trade.cl_ord_id) if trade.cl_ord_id else None,
        order_id=OrderId(trade.ordertxid),
        symbol=symbol,
        side=SIDES.get(trade.type),
        last_qty=Quantity(needed(trade.vol, what="a quantity")),
        last_px=Price(needed(trade.price, what="a price")),
        exec_id=ExecId(trade_id),
        fee=Money(fee, symbol.partition("/")[2] or "USD") if fee else None,
        transact_time=seconds_needed(trade.time),
    )


def accepted_report(order_id: str, cl_ord_id: ClOrdId, *, symbol: str, at: datetime) -> ExecutionReport:
    """The reply to a new order: the venue has it, and says no more."""
    return ExecutionReport(
        exec_type=ExecType.PENDING_NEW,
        ord_status=OrdStatus.PENDING_NEW,
        source=Source.REPLY,
        at=at,
        cl_ord_id=cl_ord_id,
        order_id=OrderId(order_id),
        symbol=symbol,
    )

"""Between tickets and the matching engine's orders, and the texts the venue writes about them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder, OrderLeg
from floorbroker.domain.values import (
    OrderClass,
    OrderType,
    Price,
    Quantity,
    Side,
    TimeInForce,
    text_of,
)
from floorbroker_sim.ibkr_web import info, wire
from floorbroker_sim.ibkr_web.rest.records import Record

ORDER_TYPES = {
    "MKT": OrderType.MARKET,
    "LMT": OrderType.LIMIT,
    "STP": OrderType.STOP,
    "STOP_LIMIT": OrderType.STOP_LIMIT,
    "TRAIL": OrderType.TRAILING_STOP,
    "MIT": OrderType.MARKET_IF_TOUCHED,
    "LIT": OrderType.LIMIT_IF_TOUCHED,
    "MOC": OrderType.MARKET,
    "LOC": OrderType.LIMIT,
}
SIDES = {"BUY": Side.BUY, "SELL": Side.SELL}
_TIFS = {"DAY": TimeInForce.DAY, "GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "OPG": TimeInForce.OPG}
_ALONE = frozenset({"STP", "MIT"})  # `price` is where they are elected
_LIMITED = frozenset({"LMT", "LOC", "STOP_LIMIT", "LIT"})
_FIX = {"Filled": "2", "Cancelled": "4", "Inactive": "8", "PendingCancel": "6", "PendingSubmit": "A"}

# The venue's words on the control door, as every simulator says them.
PUBLIC_STATUS = {
    "PendingSubmit": "pending_new", "PreSubmitted": "new", "Submitted": "new", "Filled": "filled",
    "PendingCancel": "pending_cancel", "Cancelled": "canceled", "Inactive": "rejected",
}  # fmt: skip


def new_order(
    ticket: wire.Ticket, *, symbol: str, side: Side, kind: str, tif: str, legs: tuple[OrderLeg, ...]
) -> NewOrder:
    """The engine's order.  The ticket has passed every check, so its members are there."""
    limit = _price(ticket.price) if kind in _LIMITED else None
    if legs and limit is not None and side is Side.SELL:
        limit = Price(-limit)  # the engine counts what a combination costs
    stop = ticket.price if kind in _ALONE else ticket.aux_price
    is_percent = ticket.trailing_type == "%"
    return NewOrder(
        symbol=symbol,
        side=side,
        order_type=ORDER_TYPES[kind],
        order_qty=None if ticket.quantity is None else Quantity(ticket.quantity),
        notional=ticket.cash_qty if ticket.quantity is None else None,
        price=limit,
        stop_px=_price(stop) if kind in {"STP", "MIT", "STOP_LIMIT", "LIT"} else None,
        trail_amount=_price(ticket.trailing_amt) if kind == "TRAIL" and not is_percent else None,
        trail_percent=ticket.trailing_amt if kind == "TRAIL" and is_percent else None,
        tif=TimeInForce.CLS if kind in {"MOC", "LOC"} else _TIFS[tif],
        order_class=OrderClass.MULTILEG if legs else OrderClass.SIMPLE,
        legs=legs,
        extended_hours=ticket.outside_rth,
    )


def _price(value: Decimal | None) -> Price | None:
    return None if value is None else Price(value)


def status_of(record: Record) -> str:
    """The word of the control door."""
    if record.status in {"Submitted", "PreSubmitted"} and record.filled:
        return "partially_filled"
    if record.is_held and record.is_open:
        return "held"
    return PUBLIC_STATUS[record.status]


def fix_status(record: Record) -> str:
    """`order_ccp_status` of a single order: FIX OrdStatus."""
    return _FIX.get(record.status, "1" if record.filled else "0")


def limit_of(record: Record) -> Decimal | None:
    """The limit as the ticket said it."""
    price = record.order.price
    return -price if price is not None and record.is_combination and record.side is Side.SELL else price


def stop_of(record: Record) -> Decimal | None:
    return record.stop_px if record.stop_px is not None else record.order.stop_px


def number(value: Decimal) -> Decimal:
    """As JSON of the venue writes quantities: always with a fraction."""
    return value if value % 1 else value.quantize(Decimal("0.1"))


def amount(value: Decimal) -> Decimal:
    """Money to the cent."""
    return value.quantize(Decimal("0.01"))


def price_text(value: Decimal) -> str:
    """At least two decimals."""
    return f"{value:.2f}" if value == value.quantize(Decimal("0.01")) else text_of(value)


def sentence(record: Record, *, named: str = "") -> str:
    """`Buy 10 Limit 185.00, GTC`; `Bought` once it is filled."""
    done = record.status == "Filled"
    verb = ("Bought" if done else "Buy") if record.side is Side.BUY else ("Sold" if done else "Sell")
    size = text_of(record.qty) if record.qty is not None else f"{text_of(record.order.notional or Decimal(0))} USD"
    words = [verb, size, named, info.TYPES[record.kind][1]]
    words += [price_text(price) for price in (limit_of(record), stop_of(record)) if price is not None]
    tif = "Day" if record.tif == "DAY" else record.tif
    return " ".join(word for word in words if word) + f", {tif}"


def compact(at: datetime) -> str:
    """`260105153000`, UTC."""
    return f"{at:%y%m%d%H%M%S}"


def millis(at: datetime) -> int:
    return int(at.timestamp() * 1000)

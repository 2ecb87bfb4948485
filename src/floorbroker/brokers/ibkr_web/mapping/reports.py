"""What the venue says about orders and executions, as execution reports.

A word outside its table goes into `unrecognised`, and then the report claims no status.  The same words come in several
spellings (`PreSubmitted`, `pre_submitted`): they are compared without case and underscores.
Documents: IB REST API 2.20.0, liveOrdersResponse, orderStatus and tradesResponse; cpapi-v1, live orders and order status value.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.contracts import Known
from floorbroker.brokers.ibkr_web.mapping.families import Families
from floorbroker.brokers.ibkr_web.mapping.identity import IbkrWebIdentity
from floorbroker.brokers.ibkr_web.mapping.values import BROKER, conid_of, moment, needed, number, venue_id, word
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ids import by_name
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

SIDES: Mapping[str, Side] = MappingProxyType({"BUY": Side.BUY, "B": Side.BUY, "SELL": Side.SELL, "S": Side.SELL})
_TYPES: Mapping[str, OrderType] = MappingProxyType(
    {
        "market": OrderType.MARKET,
        "mkt": OrderType.MARKET,
        "limit": OrderType.LIMIT,
        "lmt": OrderType.LIMIT,
        "stop": OrderType.STOP,
        "stp": OrderType.STOP,
        "stoplimit": OrderType.STOP_LIMIT,
        "stplmt": OrderType.STOP_LIMIT,
        "trail": OrderType.TRAILING_STOP,
        "trailingstop": OrderType.TRAILING_STOP,
    }
)
# CLOSE is what the venue's own sample writes for a day order.
TIMES_IN_FORCE: Mapping[str, TimeInForce] = MappingProxyType(
    {
        "DAY": TimeInForce.DAY,
        "CLOSE": TimeInForce.DAY,
        "GTC": TimeInForce.GTC,
        "IOC": TimeInForce.IOC,
        "OPG": TimeInForce.OPG,
        "GTD": TimeInForce.GTD,
        "FOK": TimeInForce.FOK,
    }
)
_FOREIGN_TIFS = frozenset({"PAX", "OVT", "OND"})  # known, and no time in force of ours

STATUSES: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "pendingsubmit": OrdStatus.PENDING_NEW,
        "warnstate": OrdStatus.PENDING_NEW,
        "presubmitted": OrdStatus.HELD,
        "submitted": OrdStatus.NEW,
        "pendingcancel": OrdStatus.PENDING_CANCEL,
        "filled": OrdStatus.FILLED,
        "cancelled": OrdStatus.CANCELED,
        "inactive": OrdStatus.HELD,  # refused or put aside: only its description tells which, where it does
    }
)
INACTIVE = "inactive"
_REFUSED = ("rejected", "not accepted", "cannot accept", "refused")
"""What a description of an inactive order says (lower case) when it was refused; any other may come to work again."""


@frozen
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


def _nobody() -> str | None:
    """No account is known: all rows are ours."""


@dataclass(frozen=True, slots=True)
class Shelves:
    """What reports are made with: known contracts, who is whose child, and whose account it is."""

    known: Known
    families: Families
    account: Callable[[], str | None] = _nobody

    def is_ours(self, *names: str | None) -> bool:
        """Whether a row names no account but the one in use.  A log-in may have several."""
        told, account = {name for name in names if name}, self.account()
        return account is None or told <= {account}


def plain(text: str | None) -> str:
    """A word without case, spaces and underscores."""
    return (text or "").lower().replace("_", "").replace(" ", "")


def side_of(text: str | None) -> Side | None:
    """Our side; None for none and for words we do not know."""
    return SIDES.get((text or "").upper())


def order_type_of(text: str | None) -> OrderType | None:
    """Our order type; None for none and for types that are not ours."""
    return _TYPES.get(plain(text))


def status_of(text: str | None, *, filled: Decimal, reason: str | None = None) -> OrdStatus | None:
    """Our status; None for words we do not know.  A working order with fills is PARTIALLY_FILLED.

    `reason` describes an inactive order, which is held unless that proves it refused.
    """
    status = STATUSES.get(plain(text))
    if plain(text) == INACTIVE and reason and any(words in reason.lower() for words in _REFUSED):
        return OrdStatus.CANCELED if filled > 0 else OrdStatus.REJECTED
    if status is OrdStatus.NEW and filled > 0:
        return OrdStatus.PARTIALLY_FILLED
    return status


def order_seen(row: wire.OrderRow, shelves: Shelves) -> str:
    """Remember whose order a row shows; its venue id.  Raises `ApiError`."""
    order_id = venue_id(row.orderId)
    if order_id is None:
        raise ApiError("an order in the reply has no id", broker=BROKER)
    shelves.families.seen(order_id, ref=row.order_ref, parent=_text(row.parentId), side=side_of(row.side))
    return order_id


def row_report(row: wire.OrderRow, heard: Heard, shelves: Shelves, *, reason: str | None = None) -> ExecutionReport:
    """Where a live order stands.  `reason` is why it is inactive, where it was asked for.  Raises `ApiError`."""
    order_id = order_seen(row, shelves)
    side, kind = side_of(row.side), order_type_of(row.origOrderType) or order_type_of(row.orderType)
    ref = shelves.families.ref_of(order_id, row.order_ref)
    filled = number(row.filledQuantity, what="a quantity") or ZERO
    odd = _odd(row.status, row.side, row.origOrderType or row.orderType, row.timeInForce)
    parent = shelves.families.parent_of(order_id)
    limit, stop = _row_prices(row, kind)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else status_of(row.status, filled=filled, reason=reason),
        unrecognised=odd,
        text=reason,
        cl_ord_id=ClOrdId(ref) if ref else None,
        order_id=OrderId(order_id),
        parent_order_id=OrderId(parent) if parent else None,
        symbol=shelves.known.symbol(conid_of(row.conid)),
        side=side,
        order_type=kind,
        tif=TIMES_IN_FORCE.get((row.timeInForce or "").upper()),
        order_qty=_quantity(number(row.totalSize, what="a quantity")),
        price=limit,
        stop_px=stop,
        cum_qty=Quantity(filled),
        avg_px=_average(number(row.avgPrice, what="a price"), filled),
        transact_time=moment(row.lastExecutionTime_r),
    )


def _row_prices(row: wire.OrderRow, kind: OrderType | None) -> tuple[Price | None, Price | None]:
    price = number(row.price, what="a price")
    stop = number(row.auxPrice, what="a price") or number(row.stop_price, what="a price")
    match kind:
        case OrderType.LIMIT:
            return _price(price), None
        case OrderType.STOP:
            return None, _price(stop or price)
        case OrderType.STOP_LIMIT:
            return _price(price), _price(stop)
        case _:
            return None, None


def status_report(status: wire.OrderStatus, heard: Heard, shelves: Shelves) -> ExecutionReport:
    """Where one order stands that was asked for by its id.  Raises `ApiError`."""
    order_id = venue_id(status.order_id)
    if order_id is None:
        raise ApiError("the order in the reply has no id", broker=BROKER)
    filled = number(status.cum_fill, what="a quantity") or ZERO
    odd = _odd(status.order_status, status.side, status.order_type, status.tif)
    ref = shelves.families.ref_of(order_id, status.order_ref)
    parent = shelves.families.parent_of(order_id)
    reason = inactive_reason(status)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else status_of(status.order_status, filled=filled, reason=reason),
        unrecognised=odd,
        text=reason,
        cl_ord_id=ClOrdId(ref) if ref else None,
        order_id=OrderId(order_id),
        parent_order_id=OrderId(parent) if parent else None,
        symbol=shelves.known.symbol(conid_of(status.conid)),
        side=side_of(status.side),
        order_type=order_type_of(status.order_type),
        tif=TIMES_IN_FORCE.get((status.tif or "").upper()),
        order_qty=_quantity(number(status.total_size, what="a quantity")),
        price=_price(number(status.limit_price, what="a price")),
        stop_px=_price(number(status.stop_price, what="a price")),
        cum_qty=Quantity(filled),
        avg_px=_average(number(status.average_price, what="a price"), filled),
    )


def inactive_reason(status: wire.OrderStatus) -> str | None:
    """Why an inactive order is: the venue's own description; None when it is something else, or gives none."""
    if plain(status.order_status) != INACTIVE:
        return None
    return (status.order_status_description or "")[:500] or None


def placed_report(
    order_id: str,
    status: str | None,
    *,
    cl_ord_id: str | None,
    parent: str | None,
    symbol: str,
    side: Side | None,
    heard: Heard,
) -> ExecutionReport:
    """What the reply to an order says of it, or of a child of it."""
    odd = None if plain(status) in STATUSES else f"status {word(status)}"
    found = status_of(status, filled=ZERO)
    # A reply may say Filled before anything tells the quantity: that the order is there is all it proves.
    known = OrdStatus.PENDING_NEW if found is OrdStatus.FILLED or plain(status) == INACTIVE else found
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd else known,
        unrecognised=odd,
        cl_ord_id=ClOrdId(cl_ord_id) if cl_ord_id else None,
        order_id=OrderId(order_id),
        parent_order_id=OrderId(parent) if parent else None,
        symbol=symbol,
        side=side,
    )


def _odd(status: str | None, side: str | None, kind: str | None, tif: str | None) -> str | None:
    """The first word that stands in no table; absent ones are not unknown, but for the status."""
    if plain(status) not in STATUSES:
        return f"status {word(status)}"
    if side and side_of(side) is None:
        return f"side {word(side)}"
    if kind and order_type_of(kind) is None:
        return f"order type {word(kind)}"
    if tif and tif.upper() not in TIMES_IN_FORCE and tif.upper() not in _FOREIGN_TIFS:
        return f"time in force {word(tif)}"
    return None


def trade_report(row: wire.TradeRow, heard: Heard, shelves: Shelves, *, owner: str | None = None) -> ExecutionReport:
    """One execution.  A correction has the same id with a higher last part, which is its version.

    `owner` is whose it is where it names no order, as far as that was found out.  Raises `ApiError`.
    """
    side = side_of(row.side)
    exec_id, version = execution_of(row.execution_id)
    order_id, ref = _whose(row, side, shelves, owner)
    odd = None
    if side is None:
        odd = f"execution side {word(row.side)}"
    elif order_id is None and row.order_ref and shelves.families.is_other_side(row.order_ref, side):
        odd = f"execution {word(exec_id)} of an order in a group that it does not name"
    fee = number(row.commission, what="a commission")
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS if odd else ExecType.TRADE_CORRECT if version > 1 else ExecType.TRADE,
        unrecognised=odd,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        cl_ord_id=ClOrdId(ref) if ref else None,
        order_id=OrderId(order_id) if order_id else None,
        symbol=shelves.known.symbol(conid_of(row.conid)),
        side=side,
        last_qty=Quantity(abs(needed(row.size, what="a quantity"))),
        last_px=Price(needed(row.price, what="a price")),
        exec_id=ExecId(row.execution_id if version > 1 else exec_id),
        exec_ref_id=ExecId(exec_id) if version > 1 else None,
        exec_version=version,
        fee=Money(fee, "USD") if fee else None,
        transact_time=moment(row.trade_time_r),
    )


def _whose(row: wire.TradeRow, side: Side | None, shelves: Shelves, owner: str | None) -> tuple[str | None, str | None]:
    """The venue id and the client id of the order that an execution is of.

    The order may stand in no list by then: lists hold one session, executions a week.  What carries an id of ours is evidence of
    that order all the same, and goes by the id until the venue's own is known.
    """
    families, name = shelves.families, row.order_ref
    order_id = venue_id(row.order_id)
    if order_id is not None:
        return order_id, families.ref_of(order_id, name)
    if not name:
        return owner, None
    if (order_id := families.order_of(name, side)) is not None:
        return order_id, families.ref_of(order_id, name)
    if _IDENTITY.decode(name) is None or families.is_other_side(name, side):
        return None, None
    return by_name(ClOrdId(name)), name


_IDENTITY = IbkrWebIdentity()


def execution_of(text: str) -> tuple[str, int]:
    """`0000e0d5.6576fd38.01.02` is version 2 of `0000e0d5.6576fd38.01`; without a number at its end it is version 1 of itself."""
    stem, _, last = text.rpartition(".")
    if stem and last.isascii() and last.isdigit() and len(last) <= 6:
        return stem[:128], int(last)
    return text[:128], 1


def _text(value: int | str | None) -> str | None:
    return None if value in (None, "", 0) else str(value)[:_PARENT_MAX]


_PARENT_MAX = 64


def _quantity(value: Decimal | None) -> Quantity | None:
    return None if value is None else Quantity(value)


def _price(value: Decimal | None) -> Price | None:
    return None if value is None else Price(value)


def _average(value: Decimal | None, filled: Decimal) -> Decimal | None:
    """The venue writes 0 where nothing was filled."""
    return value if value is not None and filled > 0 else None

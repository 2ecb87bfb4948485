"""What the program says about orders and executions, as execution reports.

Orders are called by their permanent id.  Two messages tell of an order: `openOrder` its terms, `orderStatus` how far it is; what
one of them says is laid over what the other said last.  A word outside its table goes into `unrecognised`, and then the report
claims no status.  `Inactive` is an order put aside: only a code that proves a refusal makes it a rejected one.
Documents: interactivebrokers.com/campus/ibkr-api-page/twsapi-ref (Order, OrderState, orderStatus, Execution, CommissionReport).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from types import MappingProxyType
from typing import TypedDict

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.mapping.contracts import symbol_of
from floorbroker.brokers.ibkr.mapping.families import Families, Known, head_ref
from floorbroker.brokers.ibkr.mapping.identity import IbkrIdentity
from floorbroker.brokers.ibkr.mapping.values import (
    AT_THE_CLOSE,
    FOREIGN_TIFS,
    FOREIGN_TYPES,
    ORDER_TYPES,
    SIDES,
    TIMES_IN_FORCE,
    execution_of,
    moment_of,
    price_of,
    quantity_of,
    word,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    LIMITED,
    TRIGGERED,
    ZERO,
    ClOrdId,
    ExecId,
    ExecType,
    Money,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)

Reports = tuple[ExecutionReport, ...]
STATUSES: Mapping[str, OrdStatus] = MappingProxyType(
    {
        "ApiPending": OrdStatus.PENDING_NEW,
        "PendingSubmit": OrdStatus.PENDING_NEW,
        "PreSubmitted": OrdStatus.PENDING_NEW,
        "Submitted": OrdStatus.NEW,
        "PendingCancel": OrdStatus.PENDING_CANCEL,
        "ApiCancelled": OrdStatus.CANCELED,
        "Cancelled": OrdStatus.CANCELED,
        "Filled": OrdStatus.FILLED,
        "Inactive": OrdStatus.HELD,
    }
)
OVER = frozenset({"ApiCancelled", "Cancelled", "Filled"})
_TRIGGER = "trigger"  # held by nothing but its own stop price
_WAIT_FOR_PRICE = TRIGGERED | {OrderType.TRAILING_STOP}
_TEXT_MAX = 500
_IDENTITY = IbkrIdentity()


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """How we came to know: the source, our wall time, and our request start where we asked."""

    source: Source
    at: datetime
    asked_at: datetime | None = None


def symbol_for(contract: wire.Contract) -> str:
    """Our spelling; what we do not trade keeps a name of its own, so that it is not lost."""
    if contract.sec_type == "BAG":
        return contract.symbol[:32] or f"combo {contract.con_id}"
    return symbol_of(contract) or f"conid {contract.con_id}"


def client_ref(order_ref: str, perm_id: int) -> ClOrdId | None:
    """Our own reference.  An order without one is not ours, since the venue shows the one that we always set: it is called by
    its permanent id."""
    if _IDENTITY.decode(order_ref) is not None:
        return ClOrdId(order_ref)
    return ClOrdId(str(perm_id)) if perm_id else None


# -- orders -----------------------------------------------------------------------------------------------------------------


def row_report(row: wire.OpenOrder, heard: Heard, families: Families) -> ExecutionReport:
    """`openOrder`: where it stands, with every term."""
    if not row.perm_id:
        return _without_id(row, heard)
    known = families.saw_row(row)
    known.status = row.status
    _mind(known)
    return _report(known, heard, families, why_held="", filled=None)


def status_report(told: wire.OrderStatus, heard: Heard, families: Families) -> ExecutionReport | None:
    """`orderStatus`: how far it is.  None before the venue has a permanent id for it."""
    if not told.perm_id:
        return None
    families.saw_number(told.client_id, told.order_id, told.perm_id)
    known = families.of(told.perm_id)
    known.status, known.filled = told.status, told.filled
    _mind(known)
    average = told.avg_fill_price if told.filled > 0 else None
    return _report(known, heard, families, why_held=told.why_held, filled=told.filled, average=average)


def refused(told: wire.Error, families: Families) -> Known | None:
    """What is known of an order that a code refuses, where it was shown before and never worked."""
    return families.saw_refusal(told.id, f"{told.code} {told.text}"[:_TEXT_MAX])


def refused_report(known: Known, heard: Heard, families: Families) -> ExecutionReport | None:
    """The order as such a code leaves it, where its status has come already."""
    if known.status not in ("Inactive", *OVER):
        return None
    return _report(known, heard, families, why_held="", filled=known.filled)


def _mind(known: Known) -> None:
    known.has_worked = known.has_worked or known.status in ("Submitted", "Filled") or bool(known.filled)


def _without_id(row: wire.OpenOrder, heard: Heard) -> ExecutionReport:
    """An order that is on its way: that the program has it is all that is known, and is known by our reference alone."""
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        cl_ord_id=client_ref(row.order.order_ref, 0),
        symbol=symbol_for(row.contract),
        side=SIDES.get(row.order.action),
    )


def _report(
    known: Known,
    heard: Heard,
    families: Families,
    *,
    why_held: str,
    filled: Decimal | None,
    average: Decimal | None = None,
) -> ExecutionReport:
    row, perm_id = known.row, known.perm_id
    order = None if row is None else row.order
    ref = "" if order is None else order.order_ref
    odd = f"status {word(known.status)}" if known.status not in STATUSES else _odd(order)
    parent = families.parent_of(perm_id, ref)
    terms: _Terms = {} if row is None else _terms(row.contract, row.order, perm_id)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None
        if odd
        else status_of(known, why_held=why_held, filled=filled, waits=_waits(known, parent, families)),
        unrecognised=odd,
        order_id=OrderId(str(perm_id)),
        parent_order_id=None if parent is None else OrderId(parent),
        cum_qty=quantity_of(filled),
        avg_px=average,
        text=known.refused or why_held[:_TEXT_MAX] or None,
        **terms,
    )


def _waits(known: Known, parent: str | None, families: Families) -> bool:
    """Whether it is the exit of an entry that is not known to be filled."""
    is_exit = known.row is not None and known.row.order.parent_id != 0
    if not is_exit:
        return False
    entry = int(parent) if parent is not None and parent.isdigit() else None
    return entry is None or families.of(entry).status != "Filled"


def status_of(known: Known, *, why_held: str, filled: Decimal | None, waits: bool) -> OrdStatus:
    """Our status of a word in the table."""
    total = filled if filled is not None else known.filled or ZERO
    status = STATUSES[known.status]
    if known.status == "PreSubmitted":
        return _held_back(known, why_held=why_held, waits=waits)
    if known.refused and not total and known.status in ("Inactive", "Cancelled", "ApiCancelled"):
        return OrdStatus.REJECTED
    return OrdStatus.PARTIALLY_FILLED if status is OrdStatus.NEW and total > 0 else status


def _held_back(known: Known, *, why_held: str, waits: bool) -> OrdStatus:
    """Accepted, and not at the exchange: a stop waits for its price, a child for its parent, a short sale for its shares."""
    if why_held not in ("", _TRIGGER) or (waits and why_held != _TRIGGER):
        return OrdStatus.HELD
    kind = None if known.row is None else ORDER_TYPES.get(known.row.order.order_type)
    return OrdStatus.NEW if kind in _WAIT_FOR_PRICE else OrdStatus.PENDING_NEW


class _Terms(TypedDict, total=False):
    cl_ord_id: ClOrdId | None
    symbol: str
    side: Side | None
    order_type: OrderType | None
    order_class: OrderClass
    tif: TimeInForce | None
    order_qty: Quantity | None
    price: Price | None
    stop_px: Price | None
    trail_amount: Price | None
    trail_percent: Decimal | None


def _terms(contract: wire.Contract, order: wire.Order, perm_id: int) -> _Terms:
    """What an order asks for, as members of a report about it."""
    kind = ORDER_TYPES.get(order.order_type)
    is_trail = kind is OrderType.TRAILING_STOP
    is_combo = contract.sec_type == "BAG"
    limit = Price(order.lmt_price) if is_combo and order.lmt_price is not None else price_of(order.lmt_price)
    return _Terms(
        cl_ord_id=client_ref(order.order_ref, perm_id),
        symbol=symbol_for(contract),
        side=SIDES.get(order.action),
        order_type=kind,
        order_class=OrderClass.MULTILEG if is_combo else OrderClass.SIMPLE,
        tif=TimeInForce.CLS if order.order_type in AT_THE_CLOSE.values() else TIMES_IN_FORCE.get(order.tif),
        order_qty=quantity_of(order.total_quantity),
        price=limit if kind in LIMITED else None,
        stop_px=price_of(order.aux_price) if kind in TRIGGERED else None,
        trail_amount=price_of(order.aux_price) if is_trail and not order.trailing_percent else None,
        trail_percent=(order.trailing_percent or None) if is_trail else None,
    )


def _odd(order: wire.Order | None) -> str | None:
    """The first word of an order's terms that stands in no table."""
    if order is None:
        return None
    if order.action not in SIDES:
        return f"side {word(order.action)}"
    if order.order_type not in ORDER_TYPES and order.order_type not in FOREIGN_TYPES:
        return f"order type {word(order.order_type)}"
    if order.tif not in TIMES_IN_FORCE and order.tif not in FOREIGN_TIFS:
        return f"time in force {word(order.tif)}"
    return None


def completed_report(row: wire.CompletedOrder, heard: Heard, families: Families) -> ExecutionReport | None:
    """`completedOrder`: an order of today that is done.  When it was done is told, when it was made is not."""
    if not row.perm_id:
        return None
    families.saw_completed(row)
    known = families.of(row.perm_id)
    filled = quantity_of(row.filled_quantity)
    odd = None if row.status in STATUSES else f"status {word(row.status)}"
    status = None if odd else STATUSES[row.status]
    text = row.completed_status[:_TEXT_MAX] or None
    is_refused = bool(known.refused) or (row.status == "Inactive" and "rejected" in row.completed_status.lower())
    if is_refused and not filled and status in (OrdStatus.HELD, OrdStatus.CANCELED):
        status = OrdStatus.REJECTED
    parent = families.parent_of(row.perm_id, row.order.order_ref)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        ord_status=None if odd or _odd(row.order) else status,
        unrecognised=odd or _odd(row.order),
        order_id=OrderId(str(row.perm_id)),
        parent_order_id=None if parent is None else OrderId(parent),
        cum_qty=filled,
        text=text,
        **_terms(row.contract, row.order, row.perm_id),
    )


# -- executions -------------------------------------------------------------------------------------------------------------


def trade_reports(told: wire.Execution, fee: Money | None, heard: Heard, families: Families) -> Reports:
    """One execution.  Of a combo the one of the whole says how far the order is, and those of its legs are its children's."""
    families.saw_number(told.client_id, told.order_id, told.perm_id)
    families.saw_ref(told.order_ref, told.perm_id)
    if told.contract.sec_type == "BAG":
        families.saw_combo(told.perm_id)
    report = trade_report(told, fee, heard, families)
    if families.is_combo(told.perm_id) and told.contract.sec_type != "BAG":
        return _leg_reports(told, report, families)
    return (report,)


def mind_busts(rows: Sequence[wire.Execution], families: Families) -> None:
    """What a bust in a whole list took back, where the execution was never heard of: what its order was said to hold above
    all that is left in the list, when that is one bust's doing."""
    newest: dict[str, tuple[int, wire.Execution]] = {}
    for row in rows:
        stem, version = execution_of(row.exec_id)
        if stem not in newest or newest[stem][0] <= version:
            newest[stem] = version, row
        families.saw_shares(stem, abs(row.shares))
    for stem, (_, row) in newest.items():
        mine = {other: one for other, (_, one) in newest.items() if one.perm_id == row.perm_id}
        busts = [other for other, one in mine.items() if not one.shares]
        filled = families.of(row.perm_id).filled
        if busts == [stem] and families.shares_of(stem) is None and filled is not None:
            families.saw_shares(stem, filled - sum((abs(one.shares) for one in mine.values()), ZERO))


def _taken_back(told: wire.Execution, stem: str, families: Families) -> Decimal | None:
    """What a bust took: what its execution was of; unheard of, what its order was said to hold above the total that it tells.

    That may be too much where later executions stand, and those count by themselves.
    """
    known, filled = families.shares_of(stem), families.of(told.perm_id).filled
    if known is not None or filled is None:
        return known
    return max(filled - told.cum_qty, ZERO) or None


def trade_report(told: wire.Execution, fee: Money | None, heard: Heard, families: Families) -> ExecutionReport:
    """An execution with our reference is our order's, whatever was listed before it.  No units left are a bust."""
    stem, version = execution_of(told.exec_id)
    side, ref = SIDES.get(told.side), told.order_ref
    is_child = head_ref(ref) is not None
    kind = ExecType.TRADE if version <= 1 else ExecType.TRADE_CORRECT if told.shares > 0 else ExecType.TRADE_CANCEL
    odd = f"execution side {word(told.side)}" if side is None else None
    if not told.perm_id and _IDENTITY.decode(ref) is None:
        odd = f"an execution without an order ({word(stem)})"
    parent = families.parent_of(told.perm_id, ref) if is_child else None
    families.saw_shares(stem, abs(told.shares))
    taken_back = _taken_back(told, stem, families) if kind is ExecType.TRADE_CANCEL else abs(told.shares)
    return ExecutionReport(
        exec_type=ExecType.ORDER_STATUS if odd else kind,
        unrecognised=odd,
        source=heard.source,
        at=heard.at,
        asked_at=heard.asked_at,
        cl_ord_id=client_ref(ref, told.perm_id),
        order_id=OrderId(str(told.perm_id)) if told.perm_id else None,
        parent_order_id=None if parent is None else OrderId(parent),
        symbol=symbol_for(told.contract),
        side=side,
        last_qty=None if taken_back is None else Quantity(taken_back),
        last_px=Price(told.price),
        exec_id=ExecId(told.exec_id[:128] if version > 1 else stem),
        exec_ref_id=ExecId(stem) if version > 1 else None,
        exec_version=version,
        fee=fee,
        transact_time=moment_of(told.time),
    )


def _leg_reports(told: wire.Execution, report: ExecutionReport, families: Families) -> Reports:
    """A leg has no order of its own at the venue: one is made of its contract, as large as what it has traded."""
    stem, version = execution_of(told.exec_id)
    con_id = told.contract.con_id
    total = families.count_leg(told.perm_id, con_id, stem, version, abs(told.shares))
    leg_id, head = OrderId(f"{told.perm_id}.{con_id}"), OrderId(str(told.perm_id))
    leg = replace(report, order_id=leg_id, parent_order_id=head, cl_ord_id=ClOrdId(leg_id), cum_qty=None)
    standing = ExecutionReport(
        exec_type=ExecType.ORDER_STATUS,
        source=report.source,
        at=report.at,
        asked_at=report.asked_at,
        ord_status=OrdStatus.FILLED,
        cl_ord_id=ClOrdId(leg_id),
        order_id=leg_id,
        parent_order_id=head,
        symbol=report.symbol,
        side=report.side,
        order_type=OrderType.MARKET,
        order_qty=Quantity(total),
        cum_qty=Quantity(total),
    )
    return (standing, leg)


def fee_of(told: wire.Commission) -> Money | None:
    """What an execution cost; a rebate is below zero."""
    if told.commission is None or not told.currency:
        return None
    return Money(told.commission, told.currency[:8])

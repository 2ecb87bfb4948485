"""From what a venue said to facts: pure, one report at a time."""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime
from typing import TypedDict

from floorbroker.domain import facts as f
from floorbroker.domain.errors import FloorbrokerError, Outcome
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import (
    LIMITED,
    ZERO,
    ClOrdId,
    ExecId,
    ExecType,
    IntentId,
    OrderClass,
    OrderId,
    OrdStatus,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
)

_ADOPTED = uuid.UUID("5b0c3c1e-6f6e-5d1c-9a53-0f1b0c0a7f11")
_TRADES = frozenset({ExecType.TRADE, ExecType.TRADE_CORRECT, ExecType.TRADE_CANCEL})


class _Stamp(TypedDict):
    source: f.Source
    at: datetime
    venue_time: datetime | None


def facts_of(report: ExecutionReport, *, replace_id: IntentId | None = None) -> list[f.Fact]:
    """The facts one report states about its order.  `replace_id` is the replace that its client id stands for, if any.

    A report with a word we do not know states only that.  A replaced order has no terminal word: the chain goes on.
    """
    stamp = _Stamp(source=report.source, at=report.at, venue_time=report.transact_time)
    if report.unrecognised is not None:
        return [f.Unrecognised(text=report.unrecognised, order_id=report.order_id, **stamp)]
    order_id = report.order_id
    if order_id is None:
        refused = report.ord_status is OrdStatus.REJECTED
        return [f.Reject(reason="rejected", venue_text=report.text, **stamp)] if refused else []
    found: list[f.Fact] = []
    if report.replaces is not None:
        found.append(
            f.ReplaceDone(
                orig_order_id=report.replaces,
                order_id=order_id,
                replace_id=replace_id,
                order_qty=report.order_qty,
                price=report.price,
                stop_px=report.stop_px,
                **stamp,
            )
        )
    found += _trade(report, order_id, stamp)
    if report.replaced_by is not None:
        found.append(f.ReplaceDone(orig_order_id=order_id, order_id=report.replaced_by, **stamp))
    else:
        found += _word(report, order_id, stamp)
    return found + _total(report, order_id, stamp)


def _trade(report: ExecutionReport, order_id: OrderId, stamp: _Stamp) -> list[f.Fact]:
    if report.exec_type not in _TRADES:
        return []
    exec_id = report.exec_ref_id or report.exec_id or ExecId(f"{order_id}#{report.cum_qty}")
    if report.exec_type is ExecType.TRADE_CANCEL:
        return [f.Void(exec_id=exec_id, order_id=order_id, last_qty=report.last_qty, **stamp)]
    if report.last_qty is None or report.last_px is None or report.side is None:
        return [f.Unrecognised(text=f"a trade without quantity, price or side ({exec_id})", order_id=order_id, **stamp)]
    corrected = report.exec_type is ExecType.TRADE_CORRECT
    return [
        f.Exec(
            exec_id=exec_id,
            order_id=order_id,
            side=report.side,
            symbol=report.symbol,
            last_qty=report.last_qty,
            last_px=report.last_px,
            version=max(report.exec_version, 1) if corrected else report.exec_version,
            fee=report.fee,
            ref=report.exec_id if corrected else None,
            **stamp,
        )
    ]


_Worded = type[f.Ack] | type[f.Working] | type[f.Held] | type[f.Filled] | type[f.Cancelled] | type[f.Expired]
_WORDS: dict[OrdStatus, _Worded] = {
    OrdStatus.PENDING_NEW: f.Ack,
    OrdStatus.PENDING_CANCEL: f.Ack,
    OrdStatus.PENDING_REPLACE: f.Ack,
    OrdStatus.NEW: f.Working,
    OrdStatus.PARTIALLY_FILLED: f.Working,
    OrdStatus.HELD: f.Held,
    OrdStatus.FILLED: f.Filled,
    OrdStatus.CANCELED: f.Cancelled,
    OrdStatus.EXPIRED: f.Expired,
}


def is_of_another_side(order: Order, report: ExecutionReport) -> bool:
    """Whether a report is an execution that cannot be this order's: an exit of its group, told under the name of its head.

    The legs of a combination have sides of their own.
    """
    is_execution = report.exec_type in _TRADES and report.side is not None
    return is_execution and order.terms.order_class is not OrderClass.MULTILEG and report.side is not order.terms.side


def _word(report: ExecutionReport, order_id: OrderId, stamp: _Stamp) -> list[f.Fact]:
    if report.exec_type is ExecType.DONE_FOR_DAY:
        day = (report.transact_time or report.at).date()
        return [f.DoneForDay(order_id=order_id, day=day, **stamp)]
    if report.ord_status is OrdStatus.REJECTED:
        return [f.Reject(reason="rejected", venue_text=report.text, order_id=order_id, **stamp)]
    word = _WORDS.get(report.ord_status) if report.ord_status is not None else None
    return [word(order_id=order_id, **stamp)] if word else []


def _total(report: ExecutionReport, order_id: OrderId, stamp: _Stamp) -> list[f.Fact]:
    """A reported total; totals inside a history of trades are as of then, and each trade is listed anyway."""
    if not report.cum_qty or (report.exec_type in _TRADES and report.source is f.Source.HISTORY):
        return []
    asked = report.asked_at
    return [f.Cum(order_id=order_id, cum_qty=report.cum_qty, avg_px=report.avg_px, asked_at=asked, **stamp)]


def emptied(order: Order, report: ExecutionReport) -> list[f.Fact]:
    """The total of nothing, which is told of every order that has no fill: it says something where more was told before, and
    executions do not make that up.
    """
    is_said = report.cum_qty is not None and not report.cum_qty and report.exec_type not in _TRADES
    if not is_said or not order.needs_executions or report.order_id is None or report.unrecognised is not None:
        return []
    return [
        f.Cum(
            source=report.source,
            at=report.at,
            venue_time=report.transact_time,
            order_id=report.order_id,
            cum_qty=Quantity(ZERO),
            asked_at=report.asked_at,
        )
    ]


def restated(order: Order, report: ExecutionReport) -> list[f.Fact]:
    """New terms the venue itself gave to an order it made: an exit of a group shrinks as its sibling fills."""
    is_its_own = order.parent_id is not None or order.external
    if not is_its_own or report.order_id is None or report.order_id != order.order_id or report.order_qty is None:
        return []
    if (report.order_qty, report.price, report.stop_px) == (order.order_qty, order.price, order.stop_px):
        return []
    return [
        f.ReplaceDone(
            source=report.source,
            at=report.asked_at or report.at,
            venue_time=report.transact_time,
            orig_order_id=report.order_id,
            order_id=report.order_id,
            order_qty=report.order_qty,
            price=report.price,
            stop_px=report.stop_px,
        )
    ]


def unanswered(facts: Iterable[f.Fact]) -> f.ReplaceAsked | None:
    """The newest replace that no fact answers yet."""
    told = list(facts)
    answered = {fact.replace_id for fact in told if isinstance(fact, f.ReplaceDone | f.ReplaceRefused)}
    waiting = [fact for fact in told if isinstance(fact, f.ReplaceAsked) and fact.replace_id not in answered]
    return max(waiting, key=lambda fact: fact.replace_id, default=None)


def carried_out(order: Order, asked: f.ReplaceAsked | None, report: ExecutionReport) -> list[f.Fact]:
    """A change that a report shows done, where an amended order keeps its ids: it has every term that was asked for."""
    if asked is None or report.order_id is None or report.order_id != order.order_id:
        return []
    wanted = asked.changes
    pairs = (
        (wanted.order_qty, report.order_qty),
        (wanted.price, report.price),
        (wanted.stop_px, report.stop_px),
        (wanted.tif, report.tif),
    )
    if report.unrecognised is not None or not all(term is None or term == told for term, told in pairs):
        return []
    if wanted.trail is not None and wanted.trail not in (report.trail_amount, report.trail_percent):
        return []
    done = f.ReplaceDone(
        source=report.source,
        at=report.asked_at or report.at,
        venue_time=report.transact_time,
        orig_order_id=report.order_id,
        order_id=report.order_id,
        replace_id=asked.replace_id,
        order_qty=report.order_qty,
        price=report.price,
        stop_px=report.stop_px,
    )
    return [done]


def fact_of_failure(error: FloorbrokerError, *, at: datetime) -> f.Fact:
    """What a failed submit states (RELIABILITY 2.5)."""
    stamp = _Stamp(source=f.Source.REPLY, at=at, venue_time=None)
    if error.outcome is Outcome.NOT_SENT:
        return f.NotSent(reason=f"{error.code}: {error.detail}", **stamp)
    if error.outcome is Outcome.REFUSED:
        return f.Reject(reason=error.code, venue_text=error.venue_text or error.detail, **stamp)
    return f.InDoubt(reason=f"{error.code}: {error.detail}", **stamp)


def adopted_id(profile: ProfileName, order_id: OrderId) -> IntentId:
    """Our id for an order the venue made: always the same for the same order."""
    return IntentId(str(uuid.uuid5(_ADOPTED, f"{profile}/{order_id}")))


def adoption(
    report: ExecutionReport, *, profile: ProfileName, parent: tuple[IntentId, NewOrder] | None
) -> f.Adopted | None:
    """The founding fact of an order we did not send; None when the report does not say enough to know it."""
    if report.order_id is None or report.order_type is None:
        return None
    side = report.side or (Side.BUY if report.order_class is OrderClass.MULTILEG else None)
    if side is None:
        return None
    family = parent[1] if parent else None
    terms = NewOrder(
        symbol=report.symbol,
        side=side,
        order_type=report.order_type,
        order_qty=report.order_qty,
        notional=report.notional,
        price=report.price if report.order_type in LIMITED else None,
        stop_px=report.stop_px,
        trail_amount=report.trail_amount,
        trail_percent=report.trail_percent,
        tif=report.tif or TimeInForce.DAY,
        strategy=family.strategy if family else "",
        reason=f"child of {parent[0]}" if parent else "external",
    )
    return f.Adopted(
        source=report.source,
        at=report.at,
        venue_time=report.transact_time,
        cl_ord_id=report.cl_ord_id or ClOrdId(report.order_id),
        profile=profile,
        order=terms,
        order_id=report.order_id,
        parent_id=parent[0] if parent else None,
        external=parent is None,
    )

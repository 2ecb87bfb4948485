"""What matching says, as execution reports; one function for where an order stands, one for what just happened.  Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime

from floorbroker.brokers.paper.info import instrument_for
from floorbroker.domain.facts import Source
from floorbroker.domain.ids import tag_of
from floorbroker.domain.records import ExecutionReport, MarketHours
from floorbroker.domain.values import ClOrdId, ExecType, IntentId, Money, OrdStatus
from floorbroker.matching import (
    Accepted,
    Busted,
    Calendar,
    Canceled,
    Corrected,
    DoneForDay,
    Event,
    Expired,
    Fill,
    Held,
    MatchOrder,
    MatchStatus,
    Rejected,
    Replaced,
    Restated,
    Triggered,
    Working,
)

_STATUS: dict[MatchStatus, OrdStatus | None] = {
    MatchStatus.ACCEPTED: OrdStatus.PENDING_NEW,
    MatchStatus.WORKING: OrdStatus.NEW,
    MatchStatus.HELD: OrdStatus.HELD,
    MatchStatus.PARTIALLY_FILLED: OrdStatus.PARTIALLY_FILLED,
    MatchStatus.FILLED: OrdStatus.FILLED,
    MatchStatus.CANCELED: OrdStatus.CANCELED,
    MatchStatus.EXPIRED: OrdStatus.EXPIRED,
    MatchStatus.REPLACED: None,  # the chain goes on under `replaced_by`
    MatchStatus.REJECTED: OrdStatus.REJECTED,
    MatchStatus.DONE_FOR_DAY: OrdStatus.NEW,
}

_EXEC_TYPE: dict[type[Event], ExecType] = {
    Accepted: ExecType.PENDING_NEW,
    Working: ExecType.NEW,
    Held: ExecType.HELD,
    Triggered: ExecType.ORDER_STATUS,
    Fill: ExecType.TRADE,
    Busted: ExecType.TRADE_CANCEL,
    Corrected: ExecType.TRADE_CORRECT,
    Canceled: ExecType.CANCELED,
    Expired: ExecType.EXPIRED,
    DoneForDay: ExecType.DONE_FOR_DAY,
    Replaced: ExecType.REPLACED,
    Restated: ExecType.ORDER_STATUS,
    Rejected: ExecType.REJECTED,
}


_ENTERED: dict[type[Event], OrdStatus] = {
    Accepted: OrdStatus.PENDING_NEW,
    Held: OrdStatus.HELD,
}


class PlainIdentity:
    """Our intent ids are the venue's client ids as they are."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        return ClOrdId(intent_id)

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent, when the text is one of our ids."""
        return None if tag_of(cl_ord_id) is None else IntentId(cl_ord_id)


def standing(
    order: MatchOrder,
    *,
    cl_ord_id: ClOrdId | None,
    source: Source,
    at: datetime,
    asked_at: datetime | None = None,
) -> ExecutionReport:
    """Where an order stands."""
    terms = order.order
    replaced = order.status is MatchStatus.REPLACED
    return ExecutionReport(
        exec_type=ExecType.REPLACED if replaced else ExecType.ORDER_STATUS,
        source=source,
        at=at,
        asked_at=asked_at,
        ord_status=_status(order),
        cl_ord_id=cl_ord_id,
        order_id=order.order_id,
        symbol=terms.symbol,
        side=terms.side,
        order_type=terms.order_type,
        order_class=order.group,
        tif=terms.tif,
        order_qty=terms.order_qty,
        notional=terms.notional,
        price=terms.price,
        stop_px=order.stop_px,
        trail_amount=terms.trail_amount,
        trail_percent=terms.trail_percent,
        cum_qty=order.cum_qty,
        avg_px=order.avg_px,
        replaces=order.replaces,
        replaced_by=order.replaced_by,
        parent_order_id=order.parent_id,
        transact_time=order.updated_at,
    )


def _status(order: MatchOrder) -> OrdStatus | None:
    if order.status is MatchStatus.DONE_FOR_DAY and order.cum_qty:
        return OrdStatus.PARTIALLY_FILLED
    return _STATUS[order.status]


def told(event: Event, order: MatchOrder, *, cl_ord_id: ClOrdId | None, at: datetime) -> ExecutionReport:
    """What the private stream says of an event; totals are those after the event where it carries them."""
    report = replace(
        standing(order, cl_ord_id=cl_ord_id, source=Source.STREAM, at=at),
        exec_type=_EXEC_TYPE[type(event)],
        transact_time=event.at,
    )
    match event:
        case Fill():
            return _with_fill(report, event, order)
        case Busted(fill=fill):
            return replace(_with_bust(report, fill), transact_time=event.at)
        case Replaced(new_order_id=successor):
            return replace(report, replaced_by=successor)
        case Canceled(reason=reason) | Rejected(reason=reason):
            return replace(report, text=reason)
        case Expired() | DoneForDay():
            return report
        case _:
            # Later events of the same moment may have moved the order on: their totals are theirs to tell.
            return replace(report, ord_status=_ENTERED.get(type(event), OrdStatus.NEW), cum_qty=None, avg_px=None)


def _with_fill(report: ExecutionReport, fill: Fill, order: MatchOrder) -> ExecutionReport:
    """A trade, with the totals as they were right after it."""
    upto = [f for f in order.fills if f.cum_qty <= fill.cum_qty]
    value = sum(f.qty * f.price for f in upto)
    done = sum(f.qty for f in upto)
    return replace(
        report,
        exec_type=ExecType.TRADE,
        ord_status=OrdStatus.FILLED if fill.is_last else OrdStatus.PARTIALLY_FILLED,
        exec_id=fill.exec_id,
        last_qty=fill.qty,
        last_px=fill.price,
        cum_qty=fill.cum_qty,
        avg_px=value / done if done else None,
        fee=Money(fill.fee, instrument_for(fill.symbol).currency),
        transact_time=fill.at,
    )


def past(heard: ExecutionReport, order: MatchOrder, *, busted: tuple[Fill, ...]) -> tuple[ExecutionReport, ...]:
    """Every trade of an order, and every bust; `heard` is where it stands."""
    trades = (_with_fill(heard, fill, order) for fill in order.fills)
    return (*trades, *(_with_bust(heard, fill) for fill in busted))


def _with_bust(report: ExecutionReport, fill: Fill) -> ExecutionReport:
    return replace(
        report,
        exec_type=ExecType.TRADE_CANCEL,
        exec_ref_id=fill.exec_id,
        last_qty=fill.qty,
        last_px=fill.price,
        transact_time=fill.at,
    )


def hours_of(market: str, day: date, *, calendar: Calendar, now: datetime) -> MarketHours:
    """One day of a market's calendar."""
    session = calendar.session(day)
    is_open = calendar.is_open(now)
    if session is None:
        return MarketHours(market=market, day=day, is_open_day=False, is_open_now=is_open)
    return MarketHours(
        market=market,
        day=day,
        is_open_day=True,
        open=session.open,
        close=session.close,
        extended_open=session.pre,
        extended_close=session.post,
        is_open_now=is_open,
    )

"""Plain functions from changes and filters to what doors see."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.facts import Exec
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import ProfileName, text_of
from floorbroker.gateway.desk import DeskEvent, OrderFilter, RoundResult
from floorbroker.oms.book import Change
from floorbroker.oms.rounds import Round

if TYPE_CHECKING:
    from floorbroker.gateway.session import ProfileSession


def event_of(
    record: Record,
    order: Order,
    *,
    before: Order | None = None,
    execution: Execution | None = None,
    replayed: bool = False,
) -> DeskEvent:
    """A committed fact as an event on `orders`, or on `fills` when it is an execution's."""
    return DeskEvent(
        seq=record.seq,
        at=record.at,
        channel="fills" if execution else "orders",
        key=order.intent_id,
        profile=order.profile,
        order=order,
        execution=execution,
        before=before,
        replayed=replayed,
    )


def position_event(record: Record, order: Order, symbol: str, qty: Decimal) -> DeskEvent:
    """What is held of a symbol after a fill, as an event on `positions`."""
    return DeskEvent(
        seq=record.seq,
        at=record.at,
        channel="positions",
        key=symbol,
        profile=order.profile,
        data={"event": "position_changed", "symbol": symbol, "qty": text_of(qty)},
    )


def is_kept(event: DeskEvent) -> bool:
    """Whether it is made of a fact, so that the journal can tell it again; health and what else is told between facts is not."""
    return event.order is not None or event.data.get("event") == "position_changed"


def executions_of(change: Change) -> list[Execution]:
    """The live execution a change brought, if its fact was one."""
    entry = change.record.entry
    if not isinstance(entry, FactEntry) or not isinstance(entry.fact, Exec):
        return []
    return [execution for execution in change.after.executions if execution.exec_id == entry.fact.exec_id]


def health_event(seq: int, at: datetime, session: ProfileSession) -> DeskEvent:
    """A session's state as an event; `event` says what it is about, `status` where nothing about the session changed."""
    name = session.ctx.profile.name
    return DeskEvent(
        seq=seq,
        at=at,
        channel="health",
        key=name,
        profile=name,
        data={
            "event": session.news or "status",
            "state": session.state.value,
            "reason": session.reason,
            "stream_up": str(session.stream_up).lower(),
        },
    )


def round_result(found: Round | FloorbrokerError, *, profile: ProfileName, now: datetime) -> RoundResult:
    """What a round came to; `now` is the time of one that failed."""
    if isinstance(found, FloorbrokerError):
        return RoundResult(profile=profile, at=now, converged=False, counts={}, error=found.detail)
    return RoundResult(
        profile=profile, at=found.at, converged=found.converged, counts=found.counts, differences=found.differences
    )


def fits(order: Order, where: OrderFilter) -> bool:
    """Whether an order passes a filter."""
    return all(
        (
            where.statuses is None or order.ord_status in where.statuses,
            not where.open_only or order.is_open,
            where.symbol is None or order.terms.symbol == where.symbol,
            where.side is None or order.terms.side is where.side,
            where.strategy is None or order.terms.strategy == where.strategy,
            where.profile is None or order.profile == where.profile,
            where.since is None or order.created_at >= where.since,
            where.until is None or order.created_at < where.until,
        )
    )

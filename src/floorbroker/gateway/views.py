"""Plain functions from changes and filters to what doors see."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from floorbroker.domain.facts import Exec
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.gateway.desk import DeskEvent, OrderFilter
from floorbroker.oms.book import Change

if TYPE_CHECKING:
    from floorbroker.gateway.session import ProfileSession


def event_of(record: Record, order: Order, *, execution: Execution | None = None) -> DeskEvent:
    """A committed fact as an event on `orders`, or on `fills` when it is an execution's."""
    return DeskEvent(
        seq=record.seq,
        at=record.at,
        channel="fills" if execution else "orders",
        key=order.intent_id,
        profile=order.profile,
        order=order,
        execution=execution,
    )


def executions_of(change: Change) -> list[Execution]:
    """The live execution a change brought, if its fact was one."""
    entry = change.record.entry
    if not isinstance(entry, FactEntry) or not isinstance(entry.fact, Exec):
        return []
    return [execution for execution in change.after.executions if execution.exec_id == entry.fact.exec_id]


def health_event(seq: int, at: datetime, session: ProfileSession) -> DeskEvent:
    """A session's state as an event."""
    name = session.ctx.profile.name
    return DeskEvent(
        seq=seq,
        at=at,
        channel="health",
        key=name,
        profile=name,
        data={"state": session.state.value, "reason": session.reason, "stream_up": str(session.stream_up).lower()},
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

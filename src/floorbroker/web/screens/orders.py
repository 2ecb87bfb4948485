"""The blotter, and one order with everything that is known of it."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping
from dataclasses import fields
from decimal import Decimal
from typing import Any

from floorbroker.domain.facts import Fact
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import AuditEntry, FactEntry, Record
from floorbroker.domain.values import text_of, time_text
from floorbroker.gateway.desk import Desk, OrderFilter, Page
from floorbroker.oms.inquest import Inquest, Standing
from floorbroker.web.frame import Ask, Screen
from floorbroker.web.panels import ROWS_MAX

_COMMON = frozenset(f.name for f in fields(Fact))
_PAGE_ROWS = 50  # of facts that are shown at once; the rest is counted
_BEFORE, _SEARCHED = (
    10,
    300,
)  # journal numbers before an order's first fact, audit rows behind that: where its messages are


async def build(ask: Ask) -> Mapping[str, Any]:
    """The newest orders; the browser fetches the others as they are scrolled to."""
    return {"orders": ask.desk.orders(OrderFilter(profile=ask.profile), Page(limit=ROWS_MAX))}


@frozen
class Step:
    """One fact of an order's life, for people: what it is, who told it, when, and what it says."""

    seq: int
    kind: str
    source: str
    at: str
    venue_time: str
    told: tuple[tuple[str, str], ...]


def steps_of(records: list[Record]) -> list[Step]:
    """The timeline, oldest first."""
    return [_step(record, record.entry.fact) for record in records if isinstance(record.entry, FactEntry)]


def _step(record: Record, fact: Fact) -> Step:
    members = ((f.name, getattr(fact, f.name)) for f in fields(fact) if f.name not in _COMMON)
    return Step(
        seq=record.seq,
        kind=fact.kind,
        source=fact.source.value,
        at=time_text(fact.at),
        venue_time=time_text(fact.venue_time) if fact.venue_time is not None else "",
        told=tuple((name, _short(value)) for name, value in members if _is_told(value)),
    )


def _is_told(value: object) -> bool:
    return isinstance(value, str | int | Decimal) and value not in ("", None) and not isinstance(value, bool)


def _short(value: object) -> str:
    return text_of(value) if isinstance(value, Decimal) else str(value)


@frozen
class Message:
    """One exchange with the venue about an order, as the audit keeps it: secrets and fields that nobody listed are not in it."""

    at: str
    endpoint: str
    outcome: str
    status: str
    elapsed_ms: str
    body: str
    reply: str


def messages_of(desk: Desk, order: Order, records: list[Record]) -> list[Message]:
    """What went to and fro about it, oldest first, of the audit rows that were written since its first fact."""
    if not records:
        return []
    names = {order.intent_id, order.cl_ord_id, *order.order_ids}
    rows = desk.audit(after=max(0, records[0].seq - _BEFORE), limit=_SEARCHED)
    return [
        _message(row, row.entry)
        for row in rows
        if isinstance(row.entry, AuditEntry) and row.entry.detail.get("order") in names
    ]


def _message(row: Record, entry: AuditEntry) -> Message:
    told = entry.detail
    return Message(
        at=time_text(row.at),
        endpoint=entry.object,
        outcome=entry.outcome,
        status=told.get("status", ""),
        elapsed_ms=told.get("elapsed_ms", ""),
        body=told.get("body", ""),
        reply=told.get("reply", ""),
    )


async def build_one(ask: Ask) -> Mapping[str, Any]:
    """One order: terms, timeline, route, executions, doubt, and how to place the same again elsewhere."""
    order = ask.desk.order(ask.params["id"])
    records = ask.desk.order_records(order.intent_id)
    steps = steps_of(records)
    return {
        "order": order,
        "messages": messages_of(ask.desk, order, records),
        "steps": steps[-_PAGE_ROWS:],
        "more": max(0, len(steps) - _PAGE_ROWS),
        "route": ask.desk.route_of(order),
        "inquest": _doubt(ask, order),
        "body": body_of(order),
        "line": line_of(order),
    }


def _doubt(ask: Ask, order: Order) -> Inquest | None:
    """What is doubtful about an order; None where nothing is."""
    if not (order.is_open or order.presumed or order.alerts):
        return None
    found = ask.desk.inquest(order.intent_id)
    return None if found.standing is Standing.SETTLED else found


def body_of(order: Order) -> str:
    """The wish as the REST door takes it."""
    terms = order.terms
    told = {
        "symbol": terms.symbol,
        "side": terms.side.value,
        "type": terms.order_type.value,
        "quantity": terms.order_qty,
        "notional": terms.notional,
        "limit_price": terms.price,
        "stop_price": terms.stop_px,
        "trail_percent": terms.trail_percent,
        "time_in_force": terms.tif.value,
        "profile": order.profile,
    }
    kept = {name: _short(value) for name, value in told.items() if value is not None}
    return json.dumps(kept, indent=2, ensure_ascii=False)


def line_of(order: Order) -> str:
    """The same as a line for a shell.  It asks for a preview: nothing that is copied sends an order by itself."""
    terms = order.terms
    words = ["floorbroker", "order", "submit", terms.symbol]
    words += [_short(terms.order_qty)] if terms.order_qty is not None else []
    words += ["--side", terms.side.value]
    for flag, value in (("--notional", terms.notional), ("--limit", terms.price), ("--stop", terms.stop_px)):
        words += [flag, _short(value)] if value is not None else []
    words += ["--tif", terms.tif.value, "--profile", order.profile, "--preview"]
    return shlex.join(words)


ORDERS = Screen(path="/orders", title="Orders", template="orders.html", build=build, scripts=("orders.js",))
ORDER = Screen(
    path="/orders/{id}", title="Order", template="order.html", build=build_one, live=("orders",), scripts=("order.js",)
)

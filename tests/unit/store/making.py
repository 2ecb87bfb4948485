"""Values for the tests of the journal: a clock, an order, and the entries around one submit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.facts import Exec, Prepared, Sending, Source
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry, NoteEntry
from floorbroker.domain.values import (
    ClOrdId,
    Environment,
    ExecId,
    IntentId,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.store import SqliteJournal

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
PROFILE = ProfileName("alpaca-paper")
ORDER = NewOrder(
    symbol="AAPL",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal(10)),
    price=Price(Decimal("187.50")),
)


def opened(path: Path, **kwargs: Any) -> SqliteJournal:
    """A paper journal on a clock that stands still."""
    kwargs.setdefault("clock", ManualClock(START))
    return SqliteJournal.open(path, environment=Environment.PAPER, **kwargs)


def intent(number: int) -> IntentId:
    return IntentId(f"intent-{number:06}")


def prepared(number: int, *, cl_ord_id: str | None = None) -> FactEntry:
    fact = Prepared(
        source=Source.OWN, at=START, cl_ord_id=ClOrdId(cl_ord_id or f"fb-{number}"), profile=PROFILE, order=ORDER
    )
    return FactEntry(profile=PROFILE, intent_id=intent(number), fact=fact)


def sending(number: int) -> FactEntry:
    fact = Sending(source=Source.OWN, at=START, deadline_s=5.0, arrival_bound_s=60.0, epoch=1)
    return FactEntry(profile=PROFILE, intent_id=intent(number), fact=fact)


def execution(number: int, exec_id: str, *, source: Source = Source.STREAM, later_s: int = 1) -> FactEntry:
    fact = Exec(
        source=source, at=START + timedelta(seconds=later_s), exec_id=ExecId(exec_id), symbol="AAPL",
        order_id=OrderId(f"venue-{number}"), side=Side.BUY,
        last_qty=Quantity(Decimal("2.50")), last_px=Price(Decimal("187.4900")),
    )  # fmt: skip
    return FactEntry(profile=PROFILE, intent_id=intent(number), fact=fact)


def audited(number: int) -> AuditEntry:
    return AuditEntry(
        actor="owner", via="cli", action="order.submit", object=intent(number), profile=PROFILE, outcome="sent",
        req=f"req-{number}", detail={"symbol": "AAPL", "qty": "10"},
    )  # fmt: skip


def keyed(number: int, key: str = "") -> KeyEntry:
    return KeyEntry(
        principal="owner", profile=PROFILE, key=key or f"key-{number}", body_hash="ab" * 32, intent_id=intent(number)
    )


def note(topic: str = "latch", **data: str) -> NoteEntry:
    return NoteEntry(profile=PROFILE, topic=topic, data=data)


def submit(number: int) -> list[Entry]:
    """What one submit commits before a byte leaves."""
    return [prepared(number), keyed(number), audited(number), sending(number)]

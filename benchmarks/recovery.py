"""What a start costs: a desk's journal brought back at once, beside the same records applied one by one.

The journal is that of a working desk: each order is prepared, sent, acknowledged, filled twice and reported on, with its key
and its audit rows.  One round is one whole recovery; making the journal is not measured.
"""

from __future__ import annotations

import asyncio
import gc
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

from benchmarks.rounds import Figure, Goal
from floorbroker.app.recovery import recover
from floorbroker.domain.facts import Ack, Cum, Exec, Filled, Prepared, Sending, Source, Working
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry
from floorbroker.domain.values import ClOrdId, ExecId, IntentId, OrderId, OrderType, Price, Quantity, Side
from floorbroker.oms.book import OrderBook
from tests.support.house import NOON, PROFILE, Desk, make

ROUNDS, ORDERS, TOGETHER = 5, 4000, 200
_WISH = NewOrder(
    symbol="AAPL",
    side=Side.BUY,
    order_type=OrderType.LIMIT,
    order_qty=Quantity(Decimal(10)),
    price=Price(Decimal("187.50")),
)


def measure() -> list[Figure]:
    """Rounds of ours and the peer's in turn."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_measure(Path(folder)))


async def _measure(folder: Path) -> list[Figure]:
    desk = make(folder)
    for first in range(0, ORDERS, TOGETHER):
        lives = [_life(number, IntentId(f"intent-{number:029}")) for number in range(first, first + TOGETHER)]
        await asyncio.gather(*(desk.journal.commit(life) for life in lives))
    rounds = [(_seconds(desk, _at_once), _seconds(desk, _one_by_one)) for _ in range(ROUNDS)]
    records = desk.journal.last_seq
    await desk.journal.close()
    return [
        Figure(
            bench="recovery",
            ours=[ours for ours, _ in rounds],
            peer=[peer for _, peer in rounds],
            peer_name="every record decoded, every order derived anew for each of its facts",
            unit=f"s for {records} records of {ORDERS} orders",
            goal=Goal(0.5),
        )
    ]


def _seconds(desk: Desk, bring_back: Callable[[Desk], None]) -> float:
    desk.ctx.book = OrderBook(profile=PROFILE, identity=desk.broker.identity)
    gc.collect()
    began = time.perf_counter()
    bring_back(desk)
    took = time.perf_counter() - began
    if len(desk.ctx.book) != ORDERS:
        raise RuntimeError("the journal came back in part")
    return took


def _at_once(desk: Desk) -> None:
    recover(desk.gateway)


def _one_by_one(desk: Desk) -> None:
    for record in desk.journal.replay():
        desk.ctx.book.apply(record)


def _life(number: int, intent_id: IntentId) -> list[Entry]:
    """Everything one order leaves in a journal: thirteen records."""
    at, cl_ord_id, order_id = NOON + timedelta(seconds=number), ClOrdId(intent_id), OrderId(f"venue-{number:032}")
    stream, own, half = Source.STREAM, Source.OWN, Quantity(Decimal(5))
    facts = [
        Prepared(source=own, at=at, cl_ord_id=cl_ord_id, profile=PROFILE, order=_WISH, principal="owner"),
        Sending(source=own, at=at, deadline_s=5.0, arrival_bound_s=60.0, epoch=1),
        Ack(source=stream, at=at, venue_time=at, order_id=order_id),
        Working(source=stream, at=at, venue_time=at, order_id=order_id),
        *(
            Exec(
                source=stream,
                at=at,
                venue_time=at,
                exec_id=ExecId(f"{number}-{part}"),
                order_id=order_id,
                side=Side.BUY,
                last_qty=half,
                last_px=Price(Decimal("187.49")),
                symbol="AAPL",
            )
            for part in (1, 2)
        ),
        *(Cum(source=stream, at=at, order_id=order_id, cum_qty=Quantity(half * part), asked_at=at) for part in (1, 2)),
        Filled(source=stream, at=at, venue_time=at, order_id=order_id),
    ]
    key = KeyEntry(principal="owner", profile=PROFILE, key=f"key-{number}", body_hash="ab" * 32, intent_id=intent_id)
    told = [FactEntry(profile=PROFILE, intent_id=intent_id, fact=fact) for fact in facts]
    return [*told, key, *(_audited(action, cl_ord_id) for action in ("order.submit", "broker.command", "broker.read"))]


def _audited(action: str, cl_ord_id: ClOrdId) -> AuditEntry:
    detail = {"method": "POST", "endpoint": "POST /v2/orders", "status": "200", "body": "x" * 250, "reply": "y" * 900}
    return AuditEntry(
        actor="gateway", via="broker", action=action, object=cl_ord_id, profile=PROFILE, outcome="done", detail=detail
    )

"""Homes with a long past: so many closed orders in the journal, beside the open ones that a venue really has."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from random import Random

from benchmarks.starting import AWAY, CALLER, PROFILE, TOGETHER
from floorbroker.app.floor import open_floor
from floorbroker.app.home import Home, write_private
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.facts import Ack, Cum, Exec, Filled, Prepared, Sending, Source, Working
from floorbroker.domain.ids import uuid7
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry
from floorbroker.domain.values import (
    ClOrdId,
    Environment,
    ExecId,
    IntentId,
    OrderId,
    OrderType,
    Price,
    Quantity,
    Side,
)
from floorbroker.store import SqliteJournal

OPEN, BATCH = 1_000, 200
SYMBOLS = ("AAPL", "MSFT", "SPY", "NVDA", "AMZN", "TSLA", "META", "GOOG", "AMD", "QQQ")
CONFIG = """\
[risk]
max_open_orders = 1000000
max_open_orders_symbol = 1000000
max_messages_s = 100000
max_messages_min = 1000000
max_gross_exposure = 1000000000
max_net_exposure = 1000000000
max_position_qty = 1000000
max_position_notional = 1000000000
max_leverage = 100000

[profiles.alpaca-sim]
broker = "ALPACA"
environment = "sim"
options = { trading_requests_min = "9999999" }
"""


async def make_home(root: Path, credentials: Mapping[str, str], *, orders: int) -> None:
    """A home whose journal has `OPEN` open orders, which a desk really placed, and `orders` closed ones; without seals."""
    home = Home.at(root)
    write_private(home.config, CONFIG)
    async with open_floor(home, only=frozenset({PROFILE}), environ=credentials) as floor:
        (desk,) = floor.desks.values()
        await desk.until_settled()
        for _ in range(0, OPEN, TOGETHER):
            here = min(TOGETHER, OPEN - len(desk.sessions[PROFILE].ctx.book.open_orders()))
            await asyncio.gather(*(desk.submit(AWAY, profile=None, caller=CALLER) for _ in range(here)))
    await lengthen(home, orders)
    shutil.rmtree(root / "seals")


async def lengthen(home: Home, orders: int) -> None:
    """Put closed orders of the last month into a journal, as a desk would have."""
    journal = SqliteJournal.open(home.journal(Environment.SIM), clock=SystemClock(), environment=Environment.SIM)
    start, random = datetime.now(UTC) - timedelta(days=30), Random(1)  # noqa: S311 - ids, not secrets
    for first in range(0, orders, BATCH):
        lives = [life(number, start + timedelta(seconds=number), random) for number in range(first, first + BATCH)]
        await asyncio.gather(*(journal.commit(entries) for entries in lives))
    await journal.close()


def life(number: int, at: datetime, random: Random) -> list[Entry]:
    """Everything one order leaves in a journal: thirteen records.  Every second one sells what the one before it bought."""
    intent_id = IntentId(str(uuid7(at=at, tag=1, random=random)))
    cl_ord_id, order_id = ClOrdId(f"fb-{intent_id}"), OrderId(f"{random.getrandbits(128):032x}")
    side, symbol = (Side.BUY, Side.SELL)[number % 2], SYMBOLS[number // 2 % len(SYMBOLS)]
    wish = NewOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(10)),
        price=Price(Decimal("187.50")),
    )
    stream, own, half = Source.STREAM, Source.OWN, Quantity(Decimal(5))
    facts = [
        Prepared(source=own, at=at, cl_ord_id=cl_ord_id, profile=PROFILE, order=wish, principal="owner"),
        Sending(source=own, at=at, deadline_s=5.0, arrival_bound_s=60.0, epoch=1),
        Ack(source=stream, at=at, venue_time=at, order_id=order_id),
        Working(source=stream, at=at, venue_time=at, order_id=order_id),
        *(
            Exec(
                source=stream,
                at=at + timedelta(milliseconds=part),
                venue_time=at + timedelta(milliseconds=part),
                exec_id=ExecId(f"{order_id[:24]}-{part}"),
                order_id=order_id,
                side=side,
                last_qty=half,
                last_px=Price(Decimal("187.49") + Decimal(random.randrange(200)) / 100),
                symbol=symbol,
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

"""Our own side: a whole desk in a process of its own, asked line by line as a library user or the REST door would ask it.

One submit is everything: the body is read and checked, the idempotency key looked up, risk checked and reserved, intent, key
and audit row made durable, the order sent, the answer read, made durable and folded.  `--stages` measures where the time
goes, in a run of its own, since looking costs time too.

`ORDERS_END` is called between rounds: there the fixed-reply server cancels what is open.

    BROKER_URL=... python -m benchmarks.desk --home FOLDER --loop uvloop
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import os
import sys
from pathlib import Path

import aiohttp

from benchmarks.peers.speak import Answer, in_flight, prepare, serve_async, timed_async
from benchmarks.stages import Stopwatch
from floorbroker.app.floor import open_floor
from floorbroker.app.home import Home, write_private
from floorbroker.domain.values import OrdStatus, ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.schema import parse_order

CALLER = Caller(principal="bench", via="bench")
BODY = {
    "symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "2", "limit_price": "150.25",
    "time_in_force": os.environ.get("ORDER_TIF", "day"), "allow_duplicate": True,
}  # fmt: skip
TAKEN = frozenset({OrdStatus.PENDING_NEW, OrdStatus.NEW, OrdStatus.CANCELED, OrdStatus.FILLED})
ENDING_S = 120  # a list that is polled within a budget may be a minute late
CONFIG = """\
[trading]
answers = "{answers}"

[risk]
max_messages_s = 1000000
max_messages_min = 10000000
max_open_orders = 1000000
max_open_orders_symbol = 1000000
max_orders_day = 1000000
max_notional_day = "1000000000"
max_position_qty = "100000000"
max_position_notional = "1000000000"
max_gross_exposure = "1000000000"
max_net_exposure = "1000000000"

[profiles.bench]
broker = "{broker}"
environment = "sim"
"""
OPTIONS = {  # what a venue's rate rules allow is no part of what a submit costs
    "ALPACA": 'options = { trading_requests_min = "9999999" }\n',
    "IBKR": 'options = { messages_s = "9999999" }\n',
    "TRADIER": 'options = { trading_requests_min = "9999999" }\n',
}
BROKER = os.environ.get("BROKER_CODE", "ALPACA")
ANSWERS = os.environ.get("ORDER_ANSWERS", "durable")  # when a plain acceptance is told: ADR 14


class Submits:
    """Submits to a desk, each with a key of its own."""

    def __init__(self, desk: Gateway, stopwatch: Stopwatch | None = None) -> None:
        self._desk = desk
        self._stopwatch = stopwatch
        self._numbers = itertools.count(1)
        self._run = os.getpid()

    async def one(self) -> None:
        """One order, from the members of its body to its final state."""
        wish = parse_order(BODY)
        done = await self._desk.submit(
            wish,
            profile=None,
            caller=CALLER,
            key=f"bench-{self._run}-{next(self._numbers)}",
            body_hash=wish.digest(),
        )
        if done.order.ord_status not in TAKEN:
            raise RuntimeError(f"an order ended {done.order.ord_status.value}: {done.order}")

    async def sequential(self, count: int) -> Answer:
        """One after the other."""
        told = await timed_async(self.one, count)
        await self._all_ended()
        return told

    async def inflight(self, count: int) -> Answer:
        """32 at a time."""
        told = await in_flight(self.one, count)
        await self._all_ended()
        return told

    async def _all_ended(self) -> None:
        """Not part of a round: the venue cancels what is open, and the desk hears of all of it."""
        if (end := os.environ.get("ORDERS_END")) is not None:  # at a simulator an order ends by itself
            async with aiohttp.ClientSession() as session, session.post(end) as reply:
                await reply.read()
        async with asyncio.timeout(ENDING_S):
            while any(order.is_open for order in self._desk.orders()):  # noqa: ASYNC110 - no event tells of the last
                await asyncio.sleep(0.01)

    async def stages(self, count: int) -> Answer:
        """Mean microseconds of one submit by stage."""
        assert self._stopwatch is not None
        self._stopwatch.clear()
        for _ in range(count):
            with self._stopwatch.span("rest"):
                await self.one()
        await self._all_ended()
        return {"stages": self._stopwatch.mean_us(count)}


async def main(home: Path, *, stages: bool) -> None:
    stopwatch = Stopwatch() if stages else None
    if stopwatch is not None:
        stopwatch.attach()
    place = Home.at(home)
    write_private(place.config, CONFIG.format(broker=BROKER, answers=ANSWERS) + OPTIONS.get(BROKER, ""))
    async with open_floor(place, only=frozenset({ProfileName("bench")})) as floor:
        desk = next(iter(floor.desks.values()))
        await desk.until_settled()
        submits = Submits(desk, stopwatch)
        rounds = {"sequential": submits.sequential, "inflight": submits.inflight, "stages": submits.stages}
        await serve_async(rounds, "floorbroker")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="benchmarks.desk", description=__doc__)
    parser.add_argument("--home", type=Path, required=True)
    parser.add_argument("--loop", choices=("uvloop", "asyncio"), default="asyncio")
    parser.add_argument("--stages", action="store_true")
    chosen = parser.parse_args()
    prepare(cpu=0)
    work = main(chosen.home, stages=chosen.stages)
    if chosen.loop == "uvloop":
        import uvloop

        uvloop.run(work)
    else:
        asyncio.run(work)
    sys.exit(0)

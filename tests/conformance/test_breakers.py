"""Every venue's breakers: an open one of orders sends no order until a safe read was answered, and market data stops none."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import CircuitBreakerError, FloorbrokerError, Outcome
from floorbroker_sim.faults import read_faults
from tests.conformance.bench import Bench, open_bench
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED

pytestmark = pytest.mark.asyncio
simulated = pytest.mark.parametrize("kind", SIMULATED.values(), ids=SIMULATED)
FAILURES, RECOVERY_S = 5, 30.0


class Patience:
    """The venue's clock, but for the time a breaker takes to recover: that is over when the test says so."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._over: asyncio.Queue[None] = asyncio.Queue()

    def now(self) -> datetime:
        return self._clock.now()

    def monotonic(self) -> float:
        return self._clock.monotonic()

    async def sleep(self, delay_s: float) -> None:
        if delay_s == RECOVERY_S:
            await self._over.get()
        else:
            await self._clock.sleep(delay_s)

    def recovered(self) -> None:
        self._over.put_nowait(None)


def broken(bench: Bench, match: dict[str, str] | None = None, **fault: Any) -> None:
    """The venue answers 503 to what matches, or as `fault` says, from now on; without a match it is well again."""
    told = {"where": "request", "what": "status", "args": {"status": 503}, **fault}
    faults = [] if match is None else [{**told, "match": match}]
    bench.simulator.plan.replace(read_faults(msgspec.json.encode({"faults": faults})))


def state(bench: Bench, kind: str) -> str:
    return bench.broker.get_connection_status().breakers[kind]


async def tried(bench: Bench, ask: Any) -> FloorbrokerError | None:
    try:
        await ask
    except FloorbrokerError as error:
        return error
    return None


async def until(bench: Bench, kind: str, wanted: str) -> None:
    async with asyncio.timeout(10):
        while state(bench, kind) != wanted:
            await bench.clock.sleep(0.01)


async def until_asked(bench: Bench, before: int) -> list[str]:
    """What the venue was asked since then, once it was asked something."""
    async with asyncio.timeout(10):
        while len(bench.simulator.app.seen) == before:
            await bench.clock.sleep(0.01)
    await bench.clock.sleep(0.05)  # whatever else would come
    return [f"{seen.method} {seen.path}" for seen in bench.simulator.app.seen[before:]]


@simulated
async def test_an_open_breaker_of_orders_is_closed_by_a_safe_read_alone(tmp_path: Path, kind: Simulated) -> None:
    async with open_bench(kind, tmp_path, around=Patience) as bench:
        clock = bench.clock
        assert isinstance(clock, Patience)
        resting = await bench.resting()
        method, path = kind.goods.commands["submit"]
        broken(bench, {"method": method, "path": path})
        failed = [await tried(bench, bench.broker.submit_order(bench.approved())) for _ in range(FAILURES)]
        assert [error.outcome for error in failed if error] == [Outcome.UNKNOWN] * FAILURES
        assert state(bench, "orders") == "open"

        reached = bench.reached("submit")
        refused = await tried(bench, bench.broker.submit_order(bench.approved()))
        assert isinstance(refused, CircuitBreakerError)
        assert refused.outcome is Outcome.NOT_SENT
        assert bench.reached("submit") == reached

        cancels = bench.reached("cancel")
        await bench.broker.cancel_order(resting)  # I15
        assert bench.reached("cancel") == cancels + 1
        assert state(bench, "orders") == "open"

        broken(bench, {"path": "*"}, where="reply", what="cut")
        before = len(bench.simulator.app.seen)
        clock.recovered()
        (probe,) = await until_asked(bench, before)
        assert not any(probe.startswith(f"{method} {path}") for method, path in kind.goods.commands.values())
        assert state(bench, "orders") != "closed"
        assert isinstance(await tried(bench, bench.broker.submit_order(bench.approved())), CircuitBreakerError)

        broken(bench)
        clock.recovered()
        await until(bench, "orders", "closed")
        assert bench.reached("submit") == reached
        assert await bench.broker.submit_order(bench.approved())


@simulated
async def test_a_breaker_of_market_data_stops_no_order(tmp_path: Path, kind: Simulated) -> None:
    async with open_bench(kind, tmp_path, around=Patience) as bench:
        await bench.resting()
        broken(bench, {"method": "GET", "path": "*"})
        async with asyncio.timeout(20):
            while state(bench, "market") == "closed":
                assert await tried(bench, bench.broker.get_market_data(kind.goods.symbol)) is not None
        broken(bench)
        assert isinstance(await tried(bench, bench.broker.get_market_data(kind.goods.symbol)), CircuitBreakerError)
        assert state(bench, "orders") == "closed"
        assert await bench.broker.submit_order(bench.approved())

"""The door over a desk in memory, called without a socket."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from tests.support.desk_server import TOKEN, app_over
from tests.support.fake_desk import FakeDesk

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)


def pytest_asyncio_loop_factories(item: pytest.Item) -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    """Tests of a module that names `LOOPS` run on each of them."""
    return getattr(getattr(item, "module", None), "LOOPS", {"asyncio": asyncio.new_event_loop})


@dataclass
class Caller:
    """A client with the token, and what stands behind the door."""

    http: httpx2.AsyncClient
    desk: FakeDesk
    clock: ManualClock

    async def order(self, *, key: str | None = None, **changed: Any) -> httpx2.Response:
        """Submit a small market order, with members changed."""
        body = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"} | changed
        headers = {} if key is None else {"Idempotency-Key": key}
        return await self.http.post("/api/v1/paper/orders", json=body, headers=headers)

    async def resting(self, price: str = "100") -> dict[str, Any]:
        """A limit order far from the market."""
        return (await self.order(type="limit", limit_price=price)).json()


@pytest_asyncio.fixture
async def door() -> AsyncIterator[Caller]:
    clock = ManualClock(NOON)
    desk = FakeDesk(clock=clock)
    transport = httpx2.ASGITransport(app=app_over(desk, clock=clock), raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as http:
        yield Caller(http, desk, clock)


@pytest_asyncio.fixture
async def live() -> AsyncIterator[httpx2.AsyncClient]:
    clock = ManualClock(NOON)
    desk = FakeDesk(clock=clock, environment=Environment.LIVE, names=("real",))
    transport = httpx2.ASGITransport(app=app_over(desk, clock=clock))
    headers = {"Authorization": f"Bearer {TOKEN}"}
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as http:
        yield http

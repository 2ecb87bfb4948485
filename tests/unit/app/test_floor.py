"""What configuration and `.env_bot` say reaches the desk."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker.app.floor import NO_ROUTE, Outside, open_floor
from floorbroker.app.home import Home
from floorbroker.brokers.wiring import Shells
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConnectionFailed
from floorbroker.domain.ports import NoLog
from floorbroker.transport.types import Request, Response
from tests.support.house import NOON

SIM = {
    "BROKER_CODE": "ALPACA",
    "BROKER_API_KEY": "K",
    "BROKER_SECRET_KEY": "S",
    "BROKER_URL": "http://127.0.0.1:9",
}


class Silent:
    """A network that reaches nobody and counts who tried."""

    def __init__(self) -> None:
        self.tried = 0

    async def send(self, request: Request) -> Response:
        del request
        self.tried += 1
        raise ConnectionFailed("nobody is there")

    async def connect(self, target: object) -> Any:
        raise ConnectionFailed("nobody is there")

    async def open_stream(self, request: Request) -> Any:
        raise ConnectionFailed("nobody is there")

    async def close(self) -> None: ...


class Latest(Random):
    """Waits as long as it may."""

    def uniform(self, a: float, b: float) -> float:
        del a
        return b


class Heard(NoLog):
    def __init__(self) -> None:
        self.warnings: list[tuple[str, dict[str, Any]]] = []

    def warning(self, event: str, **members: Any) -> None:
        self.warnings.append((event, members))


@pytest.mark.asyncio
@pytest.mark.parametrize(("limit", "tries"), [("0", 1), ("1", 2)])
async def test_the_retry_limit_caps_how_often_a_read_is_tried(tmp_path: Path, limit: str, tries: int) -> None:
    network, clock = Silent(), ManualClock(NOON)
    shells = Shells(http=lambda: network, order_http=lambda _: network, connect=network.connect)
    outside = Outside(clock=clock, random=Latest(1), shells=shells)
    async with open_floor(Home(tmp_path), outside=outside, environ={**SIM, "API_RETRY_LIMIT": limit}):
        await clock.advance(0.4)  # past the first repeat of a read, before the session tries anew
        assert network.tried == tries


@pytest.mark.asyncio
@pytest.mark.parametrize("on", ["yes", "no"])
async def test_a_desk_says_at_its_start_that_failover_has_no_route(tmp_path: Path, on: str) -> None:
    log = Heard()
    environ = {"FAILOVER_ENABLED": on, "FAILOVER_LOG_TAG": "MOVED"}
    async with open_floor(Home(tmp_path), outside=Outside(clock=ManualClock(NOON), log=log), environ=environ):
        told = [members for event, members in log.warnings if event == "failover.no_route"]
    assert told == ([{"tag": "MOVED", "detail": NO_ROUTE}] if on == "yes" else [])

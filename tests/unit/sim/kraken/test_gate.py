"""Through the gate, as a server hands connections over: faults that meet requests, commands and frames."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from floorbroker_sim.gate import CUT
from tests.unit.sim.kraken.conftest import Desk, channel

pytestmark = pytest.mark.asyncio
ORDER = {
    "order_type": "limit",
    "side": "buy",
    "symbol": "BTC/USD",
    "order_qty": 0.1,
    "limit_price": 50000.0,
    "cl_ord_id": "mine",
}


class Wire:
    """A client of the ASGI app."""

    def __init__(self, desk: Desk) -> None:
        self.desk = desk
        self.frames: list[str] = []
        self.cut = False
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._inbox.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/v2", "headers": [], "extensions": {CUT: self._cut}}
        self.task = asyncio.create_task(desk.venue.app(scope, self._inbox.get, self._send))
        self.token = desk.token()

    def _cut(self) -> None:
        self.cut = True

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self.frames.append(message["text"])

    async def say(self, method: str, **params: Any) -> list[Any]:
        """Send a command and return what is heard at once."""
        message = {"method": method, "params": {**params, "token": self.token}, "req_id": 1}
        self._inbox.put_nowait({"type": "websocket.receive", "text": json.dumps(message)})
        return await self.heard()

    async def heard(self, after_s: float = 0) -> list[Any]:
        await self.desk.clock.advance(after_s)
        frames, self.frames = self.frames, []
        return [json.loads(frame, parse_float=Decimal) for frame in frames]

    async def close(self) -> None:
        self._inbox.put_nowait({"type": "websocket.disconnect"})
        await self.task


@asynccontextmanager
async def wired(desk: Desk) -> AsyncIterator[Wire]:
    wire = Wire(desk)
    await wire.heard()
    yield wire
    await wire.close()


def plan(desk: Desk, **fault: Any) -> None:
    assert desk.door("POST", "/faults", {"faults": [fault]})[0] == 200


def commands(desk: Desk) -> list[tuple[str, str, str | None]]:
    seen = desk.door("GET", "/requests")[1]
    return [(entry["method"], entry["path"], entry["client"]) for entry in seen if entry["method"] == "WS"]


async def test_commands_are_logged_with_the_clients_id(desk: Desk) -> None:
    async with wired(desk) as wire:
        await wire.say("add_order", **ORDER)
        await wire.say("cancel_order", cl_ord_id=["mine"])
        await wire.say("ping")
    assert commands(desk) == [("WS", "/add_order", "mine"), ("WS", "/cancel_order", "mine")]


async def test_a_command_can_be_lost_on_its_way(desk: Desk) -> None:
    plan(desk, where="request", what="drop", match={"method": "WS", "path": "/add_order"})
    async with wired(desk) as wire:
        assert await wire.say("add_order", **ORDER) == []
    assert desk.door("GET", "/orders")[1] == []


async def test_an_answer_can_be_lost_and_the_order_is_there(desk: Desk) -> None:
    plan(desk, where="reply", what="drop", match={"method": "WS", "path": "/add_order"})
    async with wired(desk) as wire:
        assert await wire.say("add_order", **ORDER) == []
    [order] = desk.door("GET", "/orders")[1]
    assert (order["client"], order["status"]) == ("mine", "new")


async def test_a_command_that_comes_twice_is_taken_once_while_its_id_is_open(desk: Desk) -> None:
    plan(desk, where="request", what="duplicate", match={"method": "WS"})
    async with wired(desk) as wire:
        answers = await wire.say("add_order", **ORDER)
    assert [answer["success"] for answer in answers] == [True, False]
    assert len(desk.door("GET", "/orders")[1]) == 1


async def test_a_late_command_misses_its_deadline(desk: Desk) -> None:
    plan(desk, where="request", what="delay", match={"method": "WS"}, args={"seconds": 6})
    async with wired(desk) as wire:
        deadline = desk.after(5).isoformat()
        assert await wire.say("add_order", **ORDER, deadline=deadline) == []
        [answer] = await wire.heard(after_s=6)
    assert answer["error"] == "EService:Deadline elapsed"
    assert desk.door("GET", "/orders")[1] == []


@pytest.mark.parametrize(
    ("what", "error"),
    [
        ("throttle", "Exceeded msg rate"),
        ("token_expiry", "ESession:Invalid session"),
        ("status", "EGeneral:Internal error"),
    ],
)
async def test_a_command_can_be_refused(desk: Desk, what: str, error: str) -> None:
    plan(desk, where="request", what=what, match={"method": "WS"})
    async with wired(desk) as wire:
        [answer] = await wire.say("add_order", **ORDER)
    assert (answer["method"], answer["error"]) == ("add_order", error)
    assert desk.door("GET", "/orders")[1] == []


async def test_a_lost_frame_leaves_a_gap_in_the_numbers(desk: Desk) -> None:
    async with wired(desk) as wire:
        await wire.say("subscribe", channel="executions")
        plan(desk, where="stream", what="drop", when={"nth": 2})
        frames = await wire.say("add_order", **ORDER)
        desk.order(volume="0.1")
        frames += await wire.heard()
    assert [frame["sequence"] for frame in channel(frames, "executions")] == [2, 4, 5]


async def test_a_cut_answer_cuts_the_connection(desk: Desk) -> None:
    plan(desk, where="reply", what="cut", match={"method": "WS"})
    async with wired(desk) as wire:
        await wire.say("add_order", **ORDER)
        assert wire.cut
    assert len(desk.door("GET", "/orders")[1]) == 1


async def test_prices_flow_by_the_clock_alone(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk()
    feeding = asyncio.ensure_future(desk.venue.run())
    async with wired(desk) as wire:
        await wire.say("subscribe", channel="book", symbol=["BTC/USD"])
        assert len(channel(await wire.heard(after_s=5), "book")) == 5
    feeding.cancel()

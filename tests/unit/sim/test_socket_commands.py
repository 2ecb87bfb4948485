"""Order commands over a socket of a simulator: logged, and met by faults, as over HTTP."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.faults import Fault, FaultPlan, read_faults
from floorbroker_sim.gate import Gate
from floorbroker_sim.http import Command, Outbox, Reply, Request, SocketSession

pytestmark = pytest.mark.asyncio


class Session:
    """Answers `{"n":1}` with `ok 1`; greets, and says `noise` to what is no command."""

    def __init__(self) -> None:
        self.patience_s: float | None = None
        self.outbox = Outbox()
        self.obeyed: list[str] = []

    def opened(self) -> None:
        self.outbox.put("hello")

    def command(self, data: bytes | str) -> Command | None:
        text = data if isinstance(data, str) else data.decode()
        return Command("/order.place", json.loads(text).get("client")) if text.startswith('{"n"') else None

    def refuse(self, fault: Fault, data: bytes | str) -> None:
        self.outbox.put(f"refused {fault.args.status}")

    def received(self, data: bytes | str) -> None:
        text = data if isinstance(data, str) else data.decode()
        try:
            n = json.loads(text)["n"]
        except ValueError:
            self.outbox.put("noise")
            return
        self.obeyed.append(text)
        self.outbox.put(f"ok {n}")

    def impatient(self) -> None:
        raise AssertionError("this one is patient")

    def closed(self) -> None:
        self.outbox.close()


class Venue:
    def __init__(self) -> None:
        self.session = Session()

    def handle(self, request: Request) -> Reply:
        return Reply(status=404)

    def socket(self, request: Request) -> SocketSession | Reply:
        return self.session

    def client_id(self, request: Request) -> str | None:
        return None

    def refusal(self, fault: Fault, request: Request) -> Reply:
        return Reply(status=503)


@dataclass
class Peer:
    """A client of the gate, without a server."""

    gate: Gate
    inbox: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    heard: list[str] = field(default_factory=list)
    cut: bool = False

    def open(self) -> asyncio.Task[None]:
        scope: dict[str, Any] = {
            "type": "websocket", "path": "/orders", "headers": [], "extensions": {"floorbroker.cut": self._cut},
        }  # fmt: skip
        self.inbox.put_nowait({"type": "websocket.connect"})
        return asyncio.create_task(self.gate(scope, self.inbox.get, self._send))

    def say(self, text: str) -> None:
        self.inbox.put_nowait({"type": "websocket.receive", "text": text})

    def leave(self) -> None:
        self.inbox.put_nowait({"type": "websocket.disconnect"})

    def _cut(self) -> None:
        self.cut = True

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self.heard.append(message["text"])


@dataclass
class Scene:
    venue: Venue
    peer: Peer
    clock: ManualClock
    task: asyncio.Task[None] | None = None

    async def say(self, *texts: str) -> list[str]:
        """What is heard of these commands, without the greeting."""
        self.task = self.peer.open()
        for text in texts:
            self.peer.say(text)
        await self.clock.advance(0)
        await self.settle()
        return self.peer.heard[1:]

    async def settle(self) -> None:
        for _ in range(30):
            await asyncio.sleep(0)


def scene(**fault: Any) -> Scene:
    venue, clock = Venue(), ManualClock(datetime(2026, 11, 20, 14, 30, tzinfo=UTC))
    faults = read_faults(json.dumps({"faults": [fault] if fault else []}).encode())
    return Scene(venue, Peer(Gate(venue, plan=FaultPlan(faults), clock=clock)), clock)


ONE, TWO = '{"n": 1, "client": "a"}', '{"n": 2, "client": "b"}'
FIRST = {"when": {"nth": 1}, "match": {"method": "WS", "path": "/order.*"}}


async def test_commands_are_logged_and_everything_else_is_not() -> None:
    there = scene()
    assert await there.say("ping", ONE, TWO) == ["noise", "ok 1", "ok 2"]
    logged = [(seen.method, seen.path, seen.client) for seen in there.peer.gate.seen]
    assert logged == [("GET", "/orders", None), ("WS", "/order.place", "a"), ("WS", "/order.place", "b")]


@pytest.mark.parametrize(
    ("where", "what", "heard", "obeyed"),
    [
        ("request", "drop", ["ok 2"], [TWO]),
        ("reply", "drop", ["ok 2"], [ONE, TWO]),
        ("request", "malformed", ["noise", "ok 2"], [TWO]),
        ("reply", "malformed", ["ok", "ok 2"], [ONE, TWO]),
        ("request", "duplicate", ["ok 1", "ok 1", "ok 2"], [ONE, ONE, TWO]),
        ("request", "status", ["refused 503", "ok 2"], [TWO]),
        ("reply", "status", ["refused 503", "ok 2"], [ONE, TWO]),
        ("request", "reorder", ["ok 2", "ok 1"], [TWO, ONE]),
    ],
)
async def test_a_fault_meets_the_command_or_its_answer(
    where: str, what: str, heard: list[str], obeyed: list[str]
) -> None:
    there = scene(where=where, what=what, args={"status": 503}, **FIRST)
    assert await there.say(ONE, TWO) == heard
    assert there.venue.session.obeyed == obeyed


@pytest.mark.parametrize(("where", "obeyed"), [("request", []), ("reply", [ONE])])
async def test_a_cut_ends_the_connection_and_says_nothing(where: str, obeyed: list[str]) -> None:
    there = scene(where=where, what="cut", **FIRST)
    assert await there.say(ONE, TWO) == []
    assert (there.peer.cut, there.venue.session.obeyed) == (True, obeyed)


@pytest.mark.parametrize(("where", "obeyed"), [("request", [TWO]), ("reply", [ONE, TWO])])
async def test_a_delay_holds_up_one_command_and_not_the_next(where: str, obeyed: list[str]) -> None:
    there = scene(where=where, what="delay", args={"seconds": 5}, **FIRST)
    assert await there.say(ONE, TWO) == ["ok 2"]
    assert there.venue.session.obeyed == obeyed
    await there.clock.advance(5)
    await there.settle()
    assert there.peer.heard[1:] == ["ok 2", "ok 1"]

"""The event stream, read as it is written."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from floorbroker.domain.errors import Conflict
from floorbroker.gateway.desk import DeskEvent
from tests.support.desk_server import TOKEN, app_over
from tests.unit.api.conftest import Caller

pytestmark = pytest.mark.asyncio
EVENTS = "/api/v1/paper/events"


def parsed(text: str) -> list[dict[str, str]]:
    """Each block of a stream as its fields; comments under an empty name."""
    blocks = [block for block in text.split("\n\n") if block]
    return [dict(line.split(": ", 1) for line in block.split("\n") if not line.startswith(":")) for block in blocks]


class Listener:
    """One connection to the stream, straight on ASGI: a client library would wait for its end."""

    def __init__(self, door: Caller, *, query: str = "", last_event_id: str = "") -> None:
        self.received: asyncio.Queue[str] = asyncio.Queue()
        self.gone = asyncio.Event()
        self.status = 0
        headers = [(b"host", b"127.0.0.1"), (b"authorization", f"Bearer {TOKEN}".encode())]
        if last_event_id:
            headers.append((b"last-event-id", last_event_id.encode()))
        scope = {
            "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": "GET", "scheme": "http",
            "path": EVENTS, "raw_path": EVENTS.encode(), "query_string": query.encode(), "headers": headers,
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 8750), "root_path": "",
        }  # fmt: skip
        self._asked = False
        self.app = app_over(door.desk, clock=door.clock)
        self.task = asyncio.get_running_loop().create_task(self.app(scope, self._receive, self._send))

    async def _receive(self) -> dict[str, Any]:
        if not self._asked:
            self._asked = True
            return {"type": "http.request", "body": b"", "more_body": False}
        await self.gone.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Any) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
        elif message.get("body"):
            self.received.put_nowait(message["body"].decode())

    async def next(self) -> dict[str, str]:
        (block,) = parsed(await asyncio.wait_for(self.received.get(), 5))
        return block

    async def leave(self) -> None:
        self.gone.set()
        await asyncio.wait_for(self.task, 5)


async def test_what_becomes_durable_is_told_at_once(door: Caller) -> None:
    listener = Listener(door, query="channels=fills")
    assert await listener.next() == {"retry": "2000"}
    await door.order()
    event = await listener.next()
    told = msgspec.json.decode(event["data"])
    assert (event["event"], event["id"]) == ("fills", str(told["seq"]))
    assert (told["v"], told["channel"], told["profile"]) == (1, "fills", "paper")
    assert told["data"]["execution"]["price"] == "189.52"
    assert told["data"]["order"]["ord_status"] == "filled"
    await listener.leave()


async def test_a_client_that_comes_back_misses_nothing(door: Caller) -> None:
    door.desk.ends_after_replay = True
    await door.order()
    everything = parsed((await door.http.get(f"{EVENTS}?after=0")).text)[1:]
    seen = everything[1]["id"]
    rest = parsed((await door.http.get(EVENTS, headers={"Last-Event-ID": seen})).text)[1:]
    assert len(everything) == 5
    assert [e["id"] for e in rest] == [e["id"] for e in everything if int(e["id"]) > int(seen)]
    both = await door.http.get(f"{EVENTS}?after=0", headers={"Last-Event-ID": everything[-1]["id"]})
    assert parsed(both.text)[1:] == []


async def test_channels_narrow_the_stream(door: Caller) -> None:
    door.desk.ends_after_replay = True
    await door.order()
    await door.http.put("/api/v1/paper/kill-switch", json={"level": 1, "reason": "drill"})
    told = parsed((await door.http.get(f"{EVENTS}?after=0&channels=risk,fills")).text)[1:]
    assert [e["event"] for e in told] == ["fills", "risk"]
    assert msgspec.json.decode(told[1]["data"])["data"] == {"level": "1", "reason": "drill"}


@pytest.mark.parametrize("query", ["channels=", "channels=prices", "after=-1", "after=x", "x=1"])
async def test_a_wrong_subscription_is_refused_before_it_streams(door: Caller, query: str) -> None:
    reply = await door.http.get(f"{EVENTS}?{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")


async def test_a_wrong_last_event_id_is_refused(door: Caller) -> None:
    assert (await door.http.get(EVENTS, headers={"Last-Event-ID": "x"})).status_code == 422


async def test_who_follows_hears_that_the_desk_stops_and_where_to_come_back(door: Caller) -> None:
    listener = Listener(door, query="after=0")
    await door.order()
    first = await listener.next()
    while not first.get("id"):
        first = await listener.next()
    saying = asyncio.ensure_future(listener.app.state.door.farewell.say())
    told = await listener.next()
    while told.get("event") != "bye":
        first = told if told.get("id") else first
        told = await listener.next()
    assert msgspec.json.decode(told["data"]) == {"detail": f"the desk stops: come back after {first['id']}"}
    async with asyncio.timeout(5):
        await asyncio.gather(saying, listener.task)
    assert listener.app.state.door.farewell.readers == 0


async def test_a_client_that_is_too_slow_is_told_to_come_back(door: Caller) -> None:
    async def overflowing(*, after: int | None, channels: frozenset[str] | None) -> AsyncIterator[DeskEvent]:
        raise Conflict("the queue of this client is full")
        yield

    door.desk.events = overflowing  # pyright: ignore[reportAttributeAccessIssue]
    told = parsed((await door.http.get(EVENTS)).text)
    assert told[-1]["event"] == "bye"

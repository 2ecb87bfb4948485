"""Faults as a client meets them, through the ASGI face and without a socket."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.gate import CUT
from tests.unit.sim.conftest import Asker

pytestmark = pytest.mark.asyncio
WISH = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "gtc", "limit_price": "100"}


class Call:
    """One HTTP exchange: what came back, and whether the connection was cut."""

    def __init__(self) -> None:
        self.status: int | None = None
        self.body = b""
        self.headers: dict[bytes, bytes] = {}
        self.cut = False

    async def run(self, ask: Asker, method: str, path: str, body: Any = None) -> Call:
        sent = iter([{"type": "http.request", "body": b"" if body is None else json.dumps(body).encode()}])

        async def receive() -> dict[str, Any]:
            for message in sent:
                return message
            return await asyncio.Event().wait()  # type: ignore[return-value]  # the client stays on the line

        async def send(message: Any) -> None:
            self.status = message.get("status", self.status)
            self.headers |= dict(message.get("headers", ()))
            self.body += message.get("body", b"")

        def cut() -> None:
            self.cut = True

        headers = [(name.encode(), value.encode()) for name, value in ask.headers.items()]
        scope = {"type": "http", "method": method, "path": path, "headers": headers, "extensions": {CUT: cut}}
        await ask.venue.app(scope, receive, send)
        return self


async def post(ask: Asker, **fields: Any) -> Call:
    return await Call().run(ask, "POST", "/v2/orders", WISH | fields)


def plan(ask: Asker, **fault: Any) -> None:
    status, answer = ask.door("POST", "/faults", {"faults": [fault]})
    assert status == 200, answer


def placed(ask: Asker) -> list[str]:
    return [line["client"] for line in ask.door("GET", "/orders")[1]]


async def test_without_faults_requests_are_answered_and_counted(ask: Asker) -> None:
    answer = await post(ask, client_order_id="one")
    assert answer.status == 200
    assert json.loads(answer.body)["client_order_id"] == "one"
    (seen,) = ask.door("GET", "/requests")[1]
    assert (seen["n"], seen["method"], seen["path"], seen["status"], seen["client"]) == (
        1,
        "POST",
        "/v2/orders",
        200,
        "one",
    )


async def test_a_dropped_request_never_arrives_and_hangs_until_it_is_cut(ask: Asker, clock: ManualClock) -> None:
    plan(ask, where="request", what="drop", args={"seconds": 30})
    call = Call()
    task = asyncio.create_task(call.run(ask, "POST", "/v2/orders", WISH))
    await clock.advance(29)
    assert not task.done()
    await clock.advance(2)
    await task
    assert (call.status, call.cut, placed(ask), ask.door("GET", "/requests")[1]) == (None, True, [], [])


async def test_a_dropped_reply_was_executed(ask: Asker, clock: ManualClock) -> None:
    plan(ask, where="reply", what="drop", args={"seconds": 5})
    call = Call()
    task = asyncio.create_task(call.run(ask, "POST", "/v2/orders", WISH | {"client_order_id": "lost"}))
    await clock.advance(6)
    await task
    assert (call.status, call.cut, placed(ask)) == (None, True, ["lost"])
    assert [line["client"] for line in ask.door("GET", "/requests")[1]] == ["lost"]


async def test_a_cut_reply_ends_in_the_middle(ask: Asker) -> None:
    plan(ask, where="reply", what="cut")
    call = await post(ask, client_order_id="torn")
    assert call.cut
    assert call.status == 200
    with pytest.raises(json.JSONDecodeError):
        json.loads(call.body)
    assert placed(ask) == ["torn"]


async def test_a_cut_request_never_arrives(ask: Asker) -> None:
    plan(ask, where="request", what="cut")
    call = await post(ask)
    assert (call.cut, call.status, placed(ask)) == (True, None, [])


async def test_a_duplicated_request_is_executed_twice(ask: Asker) -> None:
    plan(ask, where="request", what="duplicate", when={"nth": 1})
    call = await post(ask, client_order_id="twice")
    assert call.status == 422  # the second of the two is the one that is answered
    assert placed(ask) == ["twice"]
    assert [line["status"] for line in ask.door("GET", "/requests")[1]] == [200, 422]


async def test_a_delayed_reply_comes_late(ask: Asker, clock: ManualClock) -> None:
    plan(ask, where="reply", what="delay", args={"seconds": 10})
    task = asyncio.create_task(post(ask, client_order_id="slow"))
    await clock.advance(9)
    assert not task.done()
    assert placed(ask) == ["slow"]
    await clock.advance(2)
    assert (await task).status == 200


async def test_a_reordered_request_is_overtaken(ask: Asker, clock: ManualClock) -> None:
    plan(ask, where="request", what="reorder", when={"nth": 1})
    first = asyncio.create_task(post(ask, client_order_id="first"))
    await clock.advance(0)
    second = await post(ask, client_order_id="second")
    assert {second.status, (await first).status} == {200}
    assert placed(ask) == ["second", "first"]


@pytest.mark.parametrize(
    ("what", "args", "status"),
    [("status", {"status": 503}, 503), ("status", {}, 500), ("throttle", {}, 429), ("ban", {}, 403),
     ("maintenance", {}, 503), ("token_expiry", {}, 401)],
)  # fmt: skip
@pytest.mark.parametrize("where", ["request", "reply"])
async def test_refusals_wear_the_venue_s_face(
    ask: Asker, where: str, what: str, args: dict[str, Any], status: int
) -> None:
    plan(ask, where=where, what=what, args=args)
    call = await post(ask, client_order_id="x")
    assert call.status == status
    assert placed(ask) == (["x"] if where == "reply" else [])


async def test_a_malformed_reply_is_no_json_and_a_malformed_request_is_refused(ask: Asker) -> None:
    plan(ask, where="reply", what="malformed")
    with pytest.raises(json.JSONDecodeError):
        json.loads((await post(ask, client_order_id="a")).body)
    plan(ask, where="request", what="malformed")
    assert (await post(ask, client_order_id="b")).status == 400
    assert placed(ask) == ["a"]


# --- Streams ---------------------------------------------------------------------------------------------------------


class Socket:
    """One WebSocket client of `/stream` that is authorized and listens."""

    def __init__(self, ask: Asker) -> None:
        self.ask = ask
        self.frames: list[Any] = []
        self.cut = False
        self._to_venue: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def open(self) -> None:
        self._to_venue.put_nowait({"type": "websocket.connect"})
        scope = {"type": "websocket", "path": "/stream", "headers": [], "extensions": {CUT: self._cut}}
        self.task = asyncio.create_task(self.ask.venue.app(scope, self._to_venue.get, self._send))
        self.say({"action": "auth", "key": self.ask.venue.keys.key, "secret": self.ask.venue.keys.secret})
        self.say({"action": "listen", "data": {"streams": ["trade_updates"]}})
        await self.ask.clock.advance(0)
        self.frames.clear()

    def say(self, message: Any) -> None:
        self._to_venue.put_nowait({"type": "websocket.receive", "bytes": json.dumps(message).encode()})

    async def close(self) -> None:
        self._to_venue.put_nowait({"type": "websocket.disconnect"})
        await self.task

    def _cut(self) -> None:
        self.cut = True

    async def _send(self, message: Any) -> None:
        if message["type"] == "websocket.send":
            self.frames.append(message["bytes"])

    async def events(self) -> list[str]:
        await self.ask.clock.advance(0)
        return [json.loads(frame)["data"]["event"] for frame in self.frames]


@pytest.mark.parametrize(
    ("fault", "events"),
    [
        ({"what": "drop", "when": {"nth": 3}}, ["new"]),
        ({"what": "duplicate", "when": {"nth": 3}}, ["pending_new", "pending_new", "new"]),
        ({"what": "reorder", "when": {"nth": 3}}, ["new", "pending_new"]),
        ({"what": "mute", "when": {"nth": 3}}, []),
    ],
)
async def test_frames_are_lost_doubled_and_swapped(ask: Asker, fault: dict[str, Any], events: list[str]) -> None:
    plan(ask, where="stream", **fault)  # the first two frames are the greetings
    socket = Socket(ask)
    await socket.open()
    ask.order()
    assert await socket.events() == events
    await socket.close()


async def test_a_stream_is_cut_at_a_frame(ask: Asker) -> None:
    plan(ask, where="stream", what="cut", when={"nth": 4})
    socket = Socket(ask)
    await socket.open()
    ask.order()
    assert await socket.events() == ["pending_new"]
    await socket.task
    assert socket.cut
    assert ask.venue.state.listeners.updates == []


async def test_a_refused_handshake_opens_nothing(ask: Asker) -> None:
    plan(ask, where="stream", what="maintenance")
    socket = Socket(ask)
    await socket.open()
    await socket.task
    assert ask.venue.state.listeners.updates == []


async def test_frames_come_late(new_venue: Callable[..., Asker], clock: ManualClock) -> None:
    ask = new_venue()
    socket = Socket(ask)
    await socket.open()
    plan(ask, where="stream", what="delay", when={"nth": 1}, args={"seconds": 4})
    ask.order()
    assert await socket.events() == []
    await clock.advance(5)
    assert await socket.events() == ["pending_new", "new"]
    await socket.close()


async def test_every_reply_carries_the_venues_own_time(ask: Asker) -> None:
    ask.door("POST", "/clock", {"now": "2026-07-01T12:00:00.9Z"})
    assert (await post(ask)).headers[b"date"] == b"Wed, 01 Jul 2026 12:00:00 GMT"
    assert (await Call().run(ask, "GET", "/nowhere")).headers[b"date"] == b"Wed, 01 Jul 2026 12:00:00 GMT"

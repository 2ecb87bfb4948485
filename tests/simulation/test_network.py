"""The network in memory keeps the word of the real shells, and carries on without its sender."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar

import pytest

from floorbroker.domain.errors import ConnectionFailed, FloorbrokerError, Outcome, StreamLost, Timeout
from floorbroker.transport.types import Frame, Request, Response, SocketTarget
from tests.simulation.loop import Node, SimulatedLoop
from tests.simulation.network import Network, SimulatedHttp, SimulatedOrderHttp, Site, connector
from tests.simulation.streams import Line
from tests.simulation.weather import KINDS, Fault, Weather

T = TypeVar("T")
HOST = "127.0.0.1:7000"
ORIGIN = f"http://{HOST}"


@dataclass
class Echo:
    """A venue of one page: counts what it sees, echoes frames, and sends five numbers to whoever connects."""

    seen: list[bytes] = field(default_factory=list)

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            body = (await receive())["body"]
            self.seen.append(body)
            await send({"type": "http.response.start", "status": 200, "headers": [(b"X-Seen", b"%d" % len(self.seen))]})
            await send({"type": "http.response.body", "body": b'{"echo":"' + body + b'"}'})
            return
        await receive()
        await send({"type": "websocket.accept"})
        for number in range(5):
            await send({"type": "websocket.send", "text": str(number)})
        while (message := await receive())["type"] != "websocket.disconnect":
            self.seen.append(message["text"].encode())


@dataclass
class World:
    """One loop with one venue and one network."""

    loop: SimulatedLoop
    venue: Echo
    network: Network
    weather: Weather

    def run(self, main: Awaitable[T]) -> T:
        async def wrapped() -> T:
            return await main

        return self.loop.run_until_complete(wrapped())


def in_world(work: Callable[[World], Awaitable[T]], *faults: Fault, seed: int = 5) -> tuple[T, Echo]:
    """Run `work` in a fresh world and take it down."""
    random = Random(seed)
    loop = SimulatedLoop(random=Random(seed))
    venue = Echo()
    weather = Weather(faults=faults, random=random, now=loop.time)

    async def main() -> T:
        network = Network(loop=loop, weather=weather, sites={HOST: Site(app=venue)})
        return await work(World(loop, venue, network, weather))

    try:
        return loop.run_until_complete(main()), venue
    finally:
        loop.dispose()


def always(where: str, what: str) -> Fault:
    return Fault(where, what, 0.0, 1e9, 1.0)


def order(body: bytes = b"one") -> Request:
    return Request(method="POST", origin=ORIGIN, path="/v2/orders", endpoint="orders.submit", body=body, timeout_s=5.0)


async def _submit(world: World) -> Response | FloorbrokerError:
    try:
        return await SimulatedOrderHttp(world.network).send(order())
    except FloorbrokerError as error:
        return error


async def _submit_and_wait(world: World) -> Response | FloorbrokerError:
    answer = await _submit(world)
    await asyncio.sleep(30)
    return answer


def test_in_fair_weather_a_request_is_answered() -> None:
    answer, venue = in_world(_submit)
    assert isinstance(answer, Response)
    assert (answer.status, answer.headers["x-seen"], answer.body) == (200, "1", b'{"echo":"one"}')
    assert 0 < answer.elapsed_s < 1
    assert venue.seen == [b"one"]


@pytest.mark.parametrize(
    ("what", "outcome", "arrived"),
    [
        ("refuse", Outcome.NOT_SENT, 0),
        ("stall", Outcome.NOT_SENT, 0),
        ("drop", Outcome.UNKNOWN, 0),
        ("cut", Outcome.UNKNOWN, 0),
        ("lost", Outcome.UNKNOWN, 1),
        ("reset", Outcome.UNKNOWN, 1),
    ],
)
def test_a_lost_exchange_says_unknown_exactly_when_bytes_have_left(what: str, outcome: Outcome, arrived: int) -> None:
    answer, venue = in_world(_submit_and_wait, always("order", what))
    assert isinstance(answer, Timeout | ConnectionFailed)
    assert answer.outcome is outcome
    assert len(venue.seen) == arrived


def test_a_replayed_request_is_answered_by_its_second_arrival() -> None:
    answer, venue = in_world(_submit_and_wait, always("order", "replay"))
    assert isinstance(answer, Response)
    assert (answer.headers["x-seen"], venue.seen) == ("2", [b"one", b"one"])


@pytest.mark.parametrize(
    ("what", "status", "arrived"), [("page", 502, 0), ("page_after", 502, 1), ("throttle", 429, 0), ("garble", 200, 1)]
)
def test_a_strangers_answer_tells_nothing_about_arrival(what: str, status: int, arrived: int) -> None:
    answer, venue = in_world(_submit_and_wait, always("order", what))
    assert isinstance(answer, Response)
    assert answer.status == status
    assert answer.body != b'{"echo":"one"}'
    assert len(venue.seen) == arrived


def test_a_duplicated_request_reaches_the_venue_twice_and_is_answered_once() -> None:
    answer, venue = in_world(_submit_and_wait, always("order", "duplicate"))
    assert isinstance(answer, Response)
    assert venue.seen == [b"one", b"one"]


def test_a_delayed_request_can_arrive_after_its_sender_gave_up() -> None:
    late = 0
    for seed in range(10):
        answer, venue = in_world(_submit_and_wait, always("order", "delay"), seed=seed)
        late += isinstance(answer, Timeout) and venue.seen == [b"one"]
    assert late > 3


def test_a_reordered_request_is_overtaken() -> None:
    async def both(world: World) -> None:
        http = SimulatedOrderHttp(world.network)
        first = asyncio.create_task(http.send(order(b"first")))
        await asyncio.sleep(0.065)
        world.weather.clear()
        await asyncio.gather(first, http.send(order(b"second")))

    orders = {tuple(in_world(both, always("order", "reorder"), seed=seed)[1].seen) for seed in range(10)}
    assert (b"second", b"first") in orders


def test_what_has_left_arrives_although_its_sender_died() -> None:
    async def die(world: World) -> None:
        node = Node("desk")
        world.loop.spawn(node, SimulatedOrderHttp(world.network).send(order()))
        world.loop.call_later(0.2, world.loop.kill, node)
        await asyncio.sleep(25)

    _, venue = in_world(die, always("order", "delay"), seed=4)
    assert venue.seen == [b"one"]


def test_a_read_that_nobody_answers_times_out() -> None:
    async def read(world: World) -> FloorbrokerError | None:
        request = Request(method="GET", origin=ORIGIN, path="/v2/orders", endpoint="orders.list", timeout_s=3)
        with pytest.raises(Timeout):
            await SimulatedHttp(world.network).send(request)
        return None

    in_world(read, always("read", "drop"))


def test_nobody_listens_elsewhere() -> None:
    async def stray(world: World) -> None:
        request = Request(method="POST", origin="https://api.example", path="/", endpoint="x", body=b"1")
        with pytest.raises(ConnectionFailed) as raised:
            await SimulatedOrderHttp(world.network).send(request)
        assert raised.value.outcome is Outcome.NOT_SENT

    in_world(stray)


async def _listen(world: World) -> list[str]:
    """What a listener hears in a minute; `!` where the stream broke."""
    heard: list[str] = []

    async def listen() -> None:
        socket = await connector(world.network)(SocketTarget(url=f"ws://{HOST}/stream"))
        try:
            await socket.send("hello")
            async for frame in socket:
                heard.append(frame.data.decode())  # noqa: PERF401 - what was heard before the break counts
        except StreamLost:
            heard.append("!")

    listener = asyncio.create_task(listen())
    await asyncio.sleep(60)
    listener.cancel()
    return heard


def test_frames_come_in_order_and_go_up() -> None:
    heard, venue = in_world(_listen)
    assert heard == ["0", "1", "2", "3", "4"]
    assert venue.seen == [b"hello"]


@pytest.mark.parametrize(
    ("what", "heard"),
    [
        ("cut", ["!"]),
        ("mute", []),
        ("drop", []),
        ("duplicate", ["0", "0", "1", "1", "2", "2", "3", "3", "4", "4"]),
        ("lag", ["0", "1", "2", "3", "4"]),
        ("reorder", ["1", "0", "3", "2", "4"]),
    ],
)
def test_each_fault_of_a_stream_does_what_its_name_says(what: str, heard: list[str]) -> None:
    assert in_world(_listen, always("stream", what))[0] == heard


@pytest.mark.parametrize("seed", range(8))
def test_a_line_that_breaks_under_its_last_frame_never_ends_in_good_order(seed: int) -> None:
    async def course() -> str:
        loop = asyncio.get_running_loop()
        weather = Weather(faults=(always("stream", "cut"),), random=Random(seed), now=loop.time)

        def later(delay_s: float, call: Callable[..., object], *args: object) -> None:
            loop.call_later(delay_s, call, *args)

        line = Line(weather, later, whole=True)
        line.send_down(Frame(b"the last of a list", text=True))
        line.end_down()
        try:
            return "ended" if await line.to_client.get() is None else "heard"
        except StreamLost:
            return "broke"

    loop = SimulatedLoop(random=Random(seed))
    try:
        assert loop.run_until_complete(course()) == "broke"
    finally:
        loop.dispose()


def test_a_dead_listener_frees_its_connection_at_the_venue() -> None:
    async def die(world: World) -> int:
        node = Node("desk")

        async def listen() -> None:
            async for _ in await connector(world.network)(SocketTarget(url=f"ws://{HOST}/stream")):
                pass

        world.loop.spawn(node, listen())
        await asyncio.sleep(1)
        before = len(asyncio.all_tasks())
        world.loop.kill(node)
        await asyncio.sleep(1)
        return before - len(asyncio.all_tasks())

    assert in_world(die)[0] >= 1


def test_every_kind_of_fault_for_orders_has_a_course() -> None:
    for what in KINDS["order"]:
        answer, _ = in_world(_submit_and_wait, always("order", what))
        assert answer is not None
    with pytest.raises(ValueError, match="no fault"):
        Fault("order", "mute", 0, 1, 1)

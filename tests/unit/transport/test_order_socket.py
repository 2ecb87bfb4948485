"""Order commands over a socket: written once, and what is known of each is exact."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    ConnectionFailed,
    NotReady,
    Outcome,
    StreamLost,
    Timeout,
    VenueError,
)
from floorbroker.transport.actions import Send
from floorbroker.transport.order_socket import Answer, OrderSocket, Ready, Refused, Told
from floorbroker.transport.types import Frame, Request, Response, SocketTarget
from tests.unit.transport.fakes import clock, command

pytestmark = pytest.mark.asyncio


class Wire:
    """A socket whose other end the test holds."""

    def __init__(self) -> None:
        self._frames: asyncio.Queue[Frame | Exception | None] = asyncio.Queue()
        self.sent: list[str] = []
        self.closed = False
        self.broken = False

    def say(self, text: str) -> None:
        self._frames.put_nowait(Frame(text.encode(), text=True))

    def end(self, how: Exception | None = None) -> None:
        self._frames.put_nowait(how)

    async def __aiter__(self) -> AsyncIterator[Frame]:
        while (item := await self._frames.get()) is not None:
            if isinstance(item, Exception):
                raise item
            yield item

    async def send(self, data: bytes | str) -> None:
        if self.broken:
            raise StreamLost("the stream is closed")
        self.sent.append(data if isinstance(data, str) else data.decode())

    async def close(self) -> None:
        self.closed = True


class Simple:
    """Words are `number path`; answers `number status`; `ok` and `no` are about the log-in; `?` wants a `!`."""

    ping_s = 20.0

    def __init__(self, *, log_in: bool = True) -> None:
        self._log_in = log_in

    def opening(self) -> Sequence[str]:
        return ["login"] if self._log_in else []

    def words(self, request: Request, number: int) -> str:
        return f"{number} {request.path}"

    def ping(self) -> str:
        return "ping"

    def on_frame(self, frame: bytes) -> Sequence[Told]:
        match frame.decode().split():
            case ["ok"]:
                return [Ready()]
            case ["no"]:
                return [Refused("wrong key")]
            case ["?"]:
                return [Send("!")]
            case [number, status]:
                return [Answer(int(number), Response(status=int(status)))]
            case _:
                return []


class House:
    def __init__(self, *, log_in: bool = True) -> None:
        self.wires: list[Wire] = []
        self.refusal: Exception | None = None
        self.prepared = 0
        self.time: ManualClock = clock()
        self.socket = OrderSocket(
            Simple(log_in=log_in),
            connect=self._connect,
            target=self._target,
            check=self._check,
            clock=self.time,
            prepare=self._prepare,
        )

    async def _connect(self, target: SocketTarget) -> Wire:
        self.wires.append(Wire())
        return self.wires[-1]

    async def _target(self) -> SocketTarget:
        return SocketTarget(url="wss://venue.example/orders")

    async def _prepare(self) -> None:
        self.prepared += 1

    def _check(self, request: Request) -> None:
        if self.refusal is not None:
            raise self.refusal

    async def logged_in(self) -> Wire:
        warming = asyncio.create_task(self.socket.warm())
        await turns()
        self.wires[-1].say("ok")
        await warming
        return self.wires[-1]


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


async def outcome_of(task: asyncio.Task[Response], kind: type[Exception] = VenueError) -> Outcome:
    with pytest.raises(kind) as caught:
        await task
    assert isinstance(caught.value, VenueError)
    return caught.value.outcome


async def test_a_command_is_written_once_after_the_log_in_and_its_answer_finds_it() -> None:
    house = House()
    task = asyncio.create_task(house.socket.send(command()))
    await turns()
    (wire,) = house.wires
    assert wire.sent == ["login"]
    wire.say("ok")
    await turns()
    assert wire.sent == ["login", "1 /v2/orders"]
    wire.say("1 200")
    assert (await task).status == 200
    assert house.prepared == 1
    await house.socket.close()
    assert wire.closed


async def test_answers_may_come_in_any_order_and_strangers_are_passed_over() -> None:
    house = House()
    wire = await house.logged_in()
    first, second = (asyncio.create_task(house.socket.send(command())) for _ in range(2))
    await turns()
    for text in ("77 200", "noise of some kind", "2 422", "1 200", "1 500"):
        wire.say(text)
    assert (await first).status == 200
    assert (await second).status == 422
    assert len(house.wires) == 1
    await house.socket.close()


async def test_a_log_in_that_is_refused_sends_nothing() -> None:
    house = House()
    task = asyncio.create_task(house.socket.send(command()))
    await turns()
    house.wires[0].say("no")
    assert await outcome_of(task, AuthenticationFailed) is Outcome.NOT_SENT
    assert house.wires[0].sent == ["login"]
    assert house.wires[0].closed


async def test_a_venue_that_hangs_up_in_the_log_in_was_sent_nothing() -> None:
    house = House()
    task = asyncio.create_task(house.socket.send(command()))
    await turns()
    house.wires[0].end()
    assert await outcome_of(task) is Outcome.NOT_SENT


@pytest.mark.parametrize("how", [None, StreamLost("the connection broke")])
async def test_a_connection_lost_after_the_write_leaves_every_command_in_doubt(how: Exception | None) -> None:
    house = House()
    wire = await house.logged_in()
    tasks = [asyncio.create_task(house.socket.send(command())) for _ in range(3)]
    await turns()
    wire.end(how)
    assert [await outcome_of(task, ConnectionFailed) for task in tasks] == [Outcome.UNKNOWN] * 3
    assert wire.closed


async def test_a_socket_that_is_known_to_be_closed_was_not_written_to_and_the_next_command_opens_another() -> None:
    house = House(log_in=False)
    await house.socket.warm()
    house.wires[0].broken = True
    assert await outcome_of(asyncio.create_task(house.socket.send(command()))) is Outcome.NOT_SENT
    task = asyncio.create_task(house.socket.send(command()))
    await turns()
    assert house.wires[1].sent == ["2 /v2/orders"]
    house.wires[1].say("2 200")
    assert (await task).status == 200
    await house.socket.close()


async def test_no_answer_in_time_is_in_doubt_and_a_late_one_is_taken_for_nobody_elses() -> None:
    house = House()
    wire = await house.logged_in()
    late = asyncio.create_task(house.socket.send(command(timeout_s=0.01)))
    assert await outcome_of(late, Timeout) is Outcome.UNKNOWN
    task = asyncio.create_task(house.socket.send(command()))
    await turns()
    wire.say("1 200")
    wire.say("2 422")
    assert (await task).status == 422
    await house.socket.close()


async def test_no_connection_in_time_is_not_sent() -> None:
    house = House()
    task = asyncio.create_task(house.socket.send(command(timeout_s=0.02)))
    assert await outcome_of(task, Timeout) is Outcome.NOT_SENT
    assert house.wires[0].sent == ["login"]


async def test_the_gate_is_asked_again_when_the_command_had_to_wait_for_its_connection() -> None:
    house = House()
    house.refusal = NotReady("the latch closed meanwhile")
    task = asyncio.create_task(house.socket.send(command()))
    await turns()
    house.wires[0].say("ok")
    with pytest.raises(NotReady):
        await task
    assert house.wires[0].sent == ["login"]
    await house.socket.close()


async def test_pings_keep_it_and_silence_ends_it() -> None:
    house = House()
    wire = await house.logged_in()
    wire.say("?")
    await turns()
    assert wire.sent == ["login", "!"]
    waiting = asyncio.create_task(house.socket.send(command(timeout_s=600)))
    await turns()
    for _ in range(3):
        await house.time.advance(20)
        await turns()
    assert wire.sent.count("ping") == 2
    assert await outcome_of(waiting, ConnectionFailed) is Outcome.UNKNOWN
    assert wire.closed


async def test_after_closing_nothing_is_sent() -> None:
    house = House()
    await house.logged_in()
    await house.socket.close()
    assert await outcome_of(asyncio.create_task(house.socket.send(command())), ConnectionFailed) is Outcome.NOT_SENT
    assert len(house.wires) == 1


async def test_a_connection_that_was_given_up_answers_who_waits_there_and_the_next_command_logs_in_anew() -> None:
    house = House(log_in=False)
    first = asyncio.create_task(house.socket.send(command(path="/a")))
    await house.time.advance(0)
    house.socket.renew()
    second = asyncio.create_task(house.socket.send(command(path="/b")))
    await house.time.advance(0)
    old, new = house.wires
    assert (old.sent, new.sent, old.closed, house.prepared) == (["1 /a"], ["2 /b"], False, 2)
    old.say("1 200")
    new.say("2 201")
    assert [one.status for one in await asyncio.gather(first, second)] == [200, 201]
    await house.time.advance(0)
    assert (old.closed, new.closed) == (True, False)
    await house.socket.close()
    assert new.closed


async def test_closing_closes_connections_that_were_given_up_as_well() -> None:
    house = House(log_in=False)
    waiting = asyncio.create_task(house.socket.send(command(path="/a")))
    await house.time.advance(0)
    house.socket.renew()
    house.socket.renew()
    await house.socket.close()
    with pytest.raises(ConnectionFailed) as caught:
        await waiting
    assert (caught.value.outcome, house.wires[0].closed) == (Outcome.UNKNOWN, True)

"""The private streams of one account: that they come back, whatever ended them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from datetime import UTC, datetime
from random import Random

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, Forbidden, SessionExpired
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import ExecutionReport
from floorbroker.transport.actions import Action, Emit
from floorbroker.transport.private import DENIED_PAUSE_S, Line, OrderEvent, OrderStream, Surroundings, Up
from floorbroker.transport.types import Frame, Socket, SocketTarget

NOW = datetime(2026, 3, 2, 15, 4, 10, tzinfo=UTC)
FOUL = b"nobody foresaw it"


class Told:
    """Up at once; one frame is beyond it."""

    def on_open(self, now_s: float) -> Sequence[Action[OrderEvent]]:
        del now_s
        return [Emit(Up())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Sequence[Action[OrderEvent]]:
        del at, now_s
        if frame == FOUL:
            raise ZeroDivisionError
        return []

    def on_tick(self, now_s: float) -> Sequence[Action[OrderEvent]]:
        del now_s
        return []


class Still:
    """A socket that brings some frames and then nothing."""

    def __init__(self, clock: ManualClock, *frames: bytes) -> None:
        self._clock = clock
        self._frames = frames

    async def __aiter__(self) -> AsyncIterator[Frame]:
        for frame in self._frames:
            yield Frame(frame, text=False)
        await self._clock.sleep(1e9)

    async def send(self, data: bytes | str) -> None:
        del data

    async def close(self) -> None:
        return


class Heard:
    def __init__(self) -> None:
        self.streams: list[bool] = []

    def on_report(self, report: ExecutionReport) -> None:
        del report

    def on_stream(self, up: bool, detail: str) -> None:
        del detail
        self.streams.append(up)


def stream_on(clock: ManualClock, *openings: Exception | Socket) -> OrderStream:
    """Each opening ends in the next of these."""
    waiting = iter(openings)

    async def connect(target: SocketTarget) -> Socket:
        del target
        opening = next(waiting)
        if isinstance(opening, Exception):
            raise opening
        return opening

    async def target() -> SocketTarget:
        return SocketTarget(url="wss://venue.example/orders")

    around = Surroundings(broker="VENUE", clock=clock, random=Random(1), log=NoLog(), meter=NoMeter())
    return OrderStream([Line(name="orders", session=Told(), connect=connect, target=target)], around)


@pytest.mark.parametrize(
    "odd",
    [Forbidden("no host of ours"), SessionExpired("over"), ConfigInvalid("another account"), ValueError("odd address")],
)
@pytest.mark.asyncio
async def test_an_order_stream_that_is_not_opened_is_tried_again_whatever_stood_in_the_way(odd: Exception) -> None:
    clock, heard = ManualClock(NOW), Heard()
    stream = stream_on(clock, odd, Still(clock))
    stream.subscribe(heard)
    await clock.advance(DENIED_PAUSE_S - 1.0)
    assert (heard.streams, stream.is_up) == ([False], False)
    await clock.advance(2.0)
    assert heard.streams == [False, True]
    await stream.close()


@pytest.mark.asyncio
async def test_a_frame_that_nobody_foresaw_ends_no_order_stream_for_good() -> None:
    clock, heard = ManualClock(NOW), Heard()
    stream = stream_on(clock, Still(clock, FOUL), Still(clock))
    stream.subscribe(heard)
    await clock.advance(DENIED_PAUSE_S + 1.0)
    assert heard.streams == [True, False, True]
    await stream.close()

"""What happens while a client is told the past: it is heard after it, once, whether the past holds it too or not."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any, cast

import pytest

from floorbroker.api.stream.hub import AGAIN_S, Client, Hub
from floorbroker.domain import facts as f
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.fold import fold
from floorbroker.domain.ports import NoLog
from floorbroker.domain.values import ClOrdId, IntentId, OrderId, ProfileName
from floorbroker.gateway.desk import Desk, DeskEvent
from tests.support.fake_broker import buy
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio

ORDER = fold(
    IntentId("o"),
    [
        f.Adopted(
            source=f.Source.SNAPSHOT,
            at=NOON,
            cl_ord_id=ClOrdId("c"),
            profile=ProfileName("p"),
            order=buy(),
            order_id=OrderId("v"),
        )
    ],
)


class Told:
    """As much of a desk as is listened to: its journal keeps what is about orders, and nothing of health."""

    def __init__(self) -> None:
        self.kept: list[DeskEvent] = []
        self.faults: list[Exception] = []
        self._queue: asyncio.Queue[DeskEvent] = asyncio.Queue()

    def last_seq(self) -> int:
        return len(self.kept)

    told_seq = last_seq

    def order(self) -> None:
        seq = len(self.kept) + 1
        event = DeskEvent(seq=seq, at=NOON, channel="orders", key=f"o{seq}", profile=ProfileName("p"), order=ORDER)
        self.kept.append(event)
        self._queue.put_nowait(event)

    def health(self, state: str) -> None:
        """Told between facts, under the number of the last one."""
        event = replace(self.kept[-1], channel="health", key=state, order=None, data={"event": "state", "state": state})
        self._queue.put_nowait(event)

    def past(self, after: int) -> Iterator[DeskEvent]:
        while after < len(self.kept):
            yield self.kept[after]
            after += 1

    async def events(self, *, after: int | None = None) -> AsyncIterator[DeskEvent]:
        while True:
            if self.faults:
                raise self.faults.pop()
            event = await self._queue.get()
            if event.seq > (after or 0) or event.order is None:
                yield event


class Listening:
    """A client at its hub, and a desk that has told three orders before."""

    def __init__(self, *channels: str) -> None:
        self.desk = Told()
        for _ in range(3):
            self.desk.order()
        self.clock = ManualClock(NOON)
        self.hub = Hub(desk=cast("Desk", self.desk), clock=self.clock, log=NoLog())
        self.client = Client(channels=set(channels))

    async def replaying(self, *channels: str, after: int) -> asyncio.Task[None]:
        """A replay that waits for room behind the first event that it looked at."""
        while self.client.outbox.has_room:
            self.client.outbox.put(b'{"key":""}', 0)
        self.hub.join(self.client)
        replay = asyncio.ensure_future(self.hub.replay(self.client, frozenset(channels), after))
        await turns(20)
        assert not replay.done()
        return replay

    async def heard(self, replay: asyncio.Task[None]) -> list[str]:
        """The keys of what is told, when the client has taken all that waited."""
        await turns(20)
        taken = self.client.outbox.take()
        await self.clock.advance(1)
        await replay
        await turns(20)
        await self.hub.leave(self.client)
        told: list[dict[str, Any]] = [json.loads(one) for one in taken + self.client.outbox.take()]
        return [one["key"] for one in told if one["key"]]


async def turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_health_that_is_told_during_a_replay_is_heard_though_it_has_the_number_of_the_last_fact() -> None:
    listening = Listening()
    replay = await listening.replaying("orders", "health", after=1)
    listening.desk.health("degraded")
    listening.desk.health("ready")
    assert await listening.heard(replay) == ["o2", "o3", "degraded", "ready"]


async def test_a_fact_that_the_replay_told_is_not_heard_again() -> None:
    listening = Listening("orders")
    replay = await listening.replaying("orders", after=2)
    listening.desk.order()
    assert await listening.heard(replay) == ["o3", "o4"]


async def test_a_fact_of_a_channel_that_is_not_replayed_is_heard_though_the_replay_passes_it() -> None:
    listening = Listening("orders")
    replay = await listening.replaying("fills", after=2)
    listening.desk.order()
    assert await listening.heard(replay) == ["o4"]


async def test_a_journal_that_cannot_be_read_for_a_moment_ends_nobodys_stream() -> None:
    listening = Listening("orders")
    listening.desk.faults.append(JournalFault("the disk does not answer"))
    listening.hub.join(listening.client)
    await turns(5)
    listening.desk.order()
    await turns(5)
    assert listening.client.outbox.take() == []
    await listening.clock.advance(AGAIN_S)
    await turns(10)
    assert [json.loads(one)["key"] for one in listening.client.outbox.take()][-1] == "o4"
    await listening.hub.leave(listening.client)

"""Events reach every reader in order, whole, or the reader is told."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.bus import InProcessBus, SlowConsumer, Subscription
from floorbroker.domain.errors import Conflict

pytestmark = pytest.mark.asyncio


@dataclass
class Desk:
    """A history and a bus over it, as the journal and its bus are: first recorded, then published."""

    history: list[int] = field(default_factory=list)
    bus: InProcessBus[int] = field(init=False)

    def __post_init__(self) -> None:
        self.bus = InProcessBus(seq_of=int, replay=self.replay)

    def replay(self, after: int) -> Iterator[int]:
        yield from [seq for seq in self.history if seq > after]

    def record(self) -> None:
        self.history.append(len(self.history) + 1)

    def publish(self) -> None:
        """Everything recorded and not published yet."""
        for seq in self.replay(self.bus.last_seq):
            self.bus.publish(seq)

    def happen(self) -> None:
        self.record()
        self.publish()


async def taken(subscription: Subscription[int], count: int) -> list[int]:
    return [await anext(subscription) for _ in range(count)]


async def test_every_subscriber_gets_every_event_in_order() -> None:
    bus = InProcessBus[int](seq_of=int)
    first, second = bus.subscribe(), bus.subscribe()
    for seq in (1, 2, 5):
        bus.publish(seq)
    assert await taken(first, 3) == await taken(second, 3) == [1, 2, 5]
    assert (bus.last_seq, bus.subscribers) == (5, 2)


async def test_a_reader_that_waits_is_woken() -> None:
    bus = InProcessBus[int](seq_of=int)
    subscription = bus.subscribe()
    waiting = asyncio.ensure_future(taken(subscription, 2))
    await asyncio.sleep(0)
    bus.publish(1)
    await asyncio.sleep(0)
    bus.publish(2)
    assert await waiting == [1, 2]


async def test_a_subscriber_without_a_past_begins_now() -> None:
    desk = Desk()
    desk.happen()
    subscription = desk.bus.subscribe()
    desk.happen()
    assert await taken(subscription, 1) == [2]


async def test_what_no_replay_holds_is_heard_by_whoever_comes_back_or_still_reads_the_past() -> None:
    facts = [(1, "fact"), (2, "fact")]
    bus = InProcessBus[tuple[int, str]](
        seq_of=lambda event: event[0],
        replay=lambda after: [fact for fact in facts if fact[0] > after],
        kept=lambda event: event[1] == "fact",
    )
    for fact in facts:
        bus.publish(fact)
    later, behind = bus.subscribe(after=7), bus.subscribe(after=0)  # records that are no events have numbers, too
    bus.publish((2, "state"))
    assert await anext(later) == (2, "state")
    assert [await anext(behind) for _ in range(3)] == [*facts, (2, "state")]
    bus.publish((2, "another"))
    assert await anext(behind) == (2, "another")


async def test_a_slow_reader_is_cut_with_its_last_number_and_the_others_are_not() -> None:
    bus = InProcessBus[int](seq_of=int)
    slow, quick = bus.subscribe(2), bus.subscribe(10)
    for seq in range(1, 6):
        bus.publish(seq)
    assert await taken(slow, 2) == [1, 2]
    with pytest.raises(SlowConsumer, match="after 2") as cut:
        await anext(slow)
    assert isinstance(cut.value, Conflict)
    assert cut.value.last_seq == slow.last_seq == 2
    assert await taken(quick, 5) == [1, 2, 3, 4, 5]
    assert bus.subscribers == 1


@pytest.mark.parametrize(("read_first", "resumes_after"), [(0, 1), (1, 1), (2, 1)])
async def test_a_cut_never_falls_between_events_that_share_a_number(read_first: int, resumes_after: int) -> None:
    """Two channels may tell of one fact; who comes back after a number must have had both."""
    bus = InProcessBus[tuple[int, str]](seq_of=lambda event: event[0])
    slow = bus.subscribe(2)
    bus.publish((1, "order"))
    bus.publish((2, "order"))
    for _ in range(read_first):
        await anext(slow)
    for number in range(4):
        bus.publish((2, f"fill-{number}"))
    with pytest.raises(SlowConsumer) as cut:
        [event async for event in slow]
    assert cut.value.last_seq == resumes_after


async def test_who_was_cut_comes_back_and_misses_nothing() -> None:
    desk = Desk()
    slow = desk.bus.subscribe(1)
    for _ in range(5):
        desk.happen()
    assert await taken(slow, 1) == [1]
    again = desk.bus.subscribe(1, after=slow.last_seq)
    assert await taken(again, 2) == [2, 3]
    desk.happen()  # while the past is still being read
    assert await taken(again, 3) == [4, 5, 6]
    waiting = asyncio.ensure_future(taken(again, 1))
    await asyncio.sleep(0)
    desk.happen()
    assert await waiting == [7]


async def test_an_event_recorded_and_not_yet_published_comes_once() -> None:
    desk = Desk()
    desk.happen()
    desk.record()
    subscription = desk.bus.subscribe(after=0)
    assert await taken(subscription, 2) == [1, 2]
    waiting = asyncio.ensure_future(taken(subscription, 1))
    await asyncio.sleep(0)
    desk.publish()
    desk.happen()
    assert await waiting == [3]


async def test_a_bus_without_history_cannot_resume() -> None:
    bus = InProcessBus[int](seq_of=int)
    bus.publish(3)
    with pytest.raises(Conflict, match="no history"):
        bus.subscribe(after=1)
    subscription = bus.subscribe(after=3)
    bus.publish(4)
    assert await taken(subscription, 1) == [4]


async def test_a_number_that_goes_back_is_refused() -> None:
    bus = InProcessBus[int](seq_of=int)
    bus.publish(2)
    with pytest.raises(Conflict, match="published after"):
        bus.publish(1)


async def test_several_events_may_share_a_number() -> None:
    bus = InProcessBus[tuple[int, str]](seq_of=lambda event: event[0])
    subscription = bus.subscribe()
    for event in ((1, "orders"), (1, "fills"), (1, "health")):
        bus.publish(event)
    bus.close()
    assert [name async for _, name in subscription] == ["orders", "fills", "health"]


async def test_a_queue_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        InProcessBus[int](seq_of=int).subscribe(0)


async def test_closing_lets_readers_finish_what_they_have() -> None:
    bus = InProcessBus[int](seq_of=int)
    subscription, idle = bus.subscribe(), bus.subscribe()
    waiting = asyncio.ensure_future(anext(idle, None))
    await asyncio.sleep(0)
    idle.close()
    assert await waiting is None
    bus.publish(1)
    bus.close()
    assert [event async for event in subscription] == [1]
    assert bus.subscribers == 0
    subscription.close()


@given(
    steps=st.lists(st.sampled_from(["record", "publish", "read", "return"]), min_size=20, max_size=80),
    size=st.integers(1, 4),
)
@settings(max_examples=200)
async def test_whatever_the_pace_a_reader_that_returns_sees_all_of_it_once(steps: list[str], size: int) -> None:
    desk = Desk()
    subscription = desk.bus.subscribe(size, after=0)
    seen: list[int] = []
    for step in steps:
        match step:
            case "record":
                desk.record()
            case "publish":
                desk.publish()
            case "read":
                seen += await at_hand(subscription, 1)
            case _:
                subscription.close()
                subscription = desk.bus.subscribe(size, after=subscription.last_seq)
    subscription = desk.bus.subscribe(size, after=subscription.last_seq)
    seen += await at_hand(subscription, len(desk.history) + 1)
    assert seen == desk.history


async def at_hand(subscription: Subscription[int], most: int) -> list[int]:
    """Up to `most` events that are there without waiting."""
    found: list[int] = []
    for _ in range(most):
        step = asyncio.ensure_future(anext(subscription))
        await asyncio.sleep(0)
        if not step.done():
            step.cancel()
            break
        if isinstance(step.exception(), SlowConsumer):
            break
        found.append(step.result())
    return found

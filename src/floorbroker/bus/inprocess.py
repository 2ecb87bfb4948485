"""Publish and subscribe inside one process: nothing is dropped, nobody waits for a slow reader.

Each subscriber has a bounded queue.  Who falls behind is cut off with the sequence number it last received, and may
come back after it: what was published meanwhile is replayed from the journal.  `publish` never waits.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import Generic, TypeVar

from floorbroker.domain.errors import Conflict

T = TypeVar("T")

QUEUE_SIZE = 1000

Replay = Callable[[int], Iterable[T]]


def _everything(event: object) -> bool:
    del event
    return True


class SlowConsumer(Conflict):
    """The reader fell behind and was cut off; subscribe again `after=last_seq`."""

    def __init__(self, last_seq: int) -> None:
        super().__init__(f"the reader fell behind and was cut off after {last_seq}; subscribe again from there")
        self.last_seq = last_seq


class Subscription(Generic[T]):
    """One subscriber's events, in order: `async for event in subscription`.  For one reader.

    Ends when the bus or the subscription is closed; raises `SlowConsumer` after the last event that still found room.
    """

    def __init__(
        self,
        *,
        seq_of: Callable[[T], int],
        size: int,
        last_seq: int,
        leave: Callable[[], None],
        kept: Callable[[T], bool] = _everything,
    ) -> None:
        self.last_seq = last_seq
        self._seq_of = seq_of
        self._kept = kept
        self._size = size
        self._leave = leave
        self._queue: deque[T] = deque()
        self._replayed_to = -1  # what the replay held may be published once more
        self._past: Iterator[T] | None = None
        self._replay: Replay[T] | None = None
        self._before = last_seq  # the number before `last_seq`
        self._refused: int | None = None  # the number there was no room for
        self._is_closed = False
        self._wake = asyncio.Event()

    def __aiter__(self) -> Subscription[T]:
        return self

    async def __anext__(self) -> T:
        while True:
            found = self._from_the_past() if self._replay is not None else None
            if found is None:
                found = self._from_the_queue()
            if found is not None:
                self._advance(self._seq_of(found))
                return found
            await self._more()

    @property
    def waiting(self) -> int:
        """How many events are queued for this reader."""
        return len(self._queue)

    def close(self) -> None:
        """Leave the bus; a reader that waits is let go.  Harmless twice."""
        self._is_closed = True
        self._leave()
        self._wake.set()

    def catch_up(self, replay: Replay[T]) -> None:
        """Read what came after `last_seq` from `replay` before turning to the queue."""
        self._replay = replay

    def offer(self, event: T) -> bool:
        """Take an event.  False when there is no room: this subscriber is cut off and must not be offered more."""
        if self._replay is not None and self._kept(event):
            return True  # still reading the past, which will hold this event too
        if len(self._queue) >= self._size:
            self._cut(self._seq_of(event))
            return False
        self._queue.append(event)
        self._wake.set()
        return True

    def _advance(self, seq: int) -> None:
        if seq > self.last_seq:
            self._before, self.last_seq = self.last_seq, seq

    def _cut(self, seq: int) -> None:
        """Events that share the number of the refused one go with it: who comes back after a number misses none of
        it.
        """
        while self._queue and self._seq_of(self._queue[-1]) == seq:
            self._queue.pop()
        self._refused = seq
        self._wake.set()

    def _from_the_past(self) -> T | None:
        """The next event of the replay.  When a whole new replay holds nothing, the queue takes over in the same step,
        so that no event can slip in between.
        """
        assert self._replay is not None
        is_fresh = self._past is None
        past = self._past if self._past is not None else iter(self._replay(self.last_seq))
        self._past = past
        event = next(past, None)
        if event is None:
            self._past = None
            if not is_fresh:
                return self._from_the_past()
            self._replay = None
            self._replayed_to = self.last_seq
        return event

    def _from_the_queue(self) -> T | None:
        while self._queue:
            event = self._queue.popleft()
            if self._seq_of(event) > self._replayed_to or not self._kept(event):
                return event
        return None

    async def _more(self) -> None:
        if self._is_closed:
            raise StopAsyncIteration
        if self._refused is not None:
            # Where part of that number was read already, all of it is told again.
            raise SlowConsumer(self._before if self._refused == self.last_seq else self.last_seq)
        self._wake.clear()
        await self._wake.wait()


class InProcessBus(Generic[T]):
    """`seq_of` gives an event's sequence number, which never goes back.  `replay` gives every event after a number,
    oldest first, and must already hold an event when it is published (the journal commits first).  `kept` says which events a
    replay holds: all of them, unless some are told between others, under the number of the newest; nobody hears those later.
    """

    def __init__(
        self,
        *,
        seq_of: Callable[[T], int],
        replay: Replay[T] | None = None,
        kept: Callable[[T], bool] = _everything,
    ) -> None:
        self._kept = kept
        self._seq_of = seq_of
        self._replay = replay
        self._subscribers: dict[int, Subscription[T]] = {}
        self._last_seq = 0
        self._count = 0
        self._is_closed = False

    @property
    def last_seq(self) -> int:
        """The newest event published here; 0 before the first."""
        return self._last_seq

    @property
    def behind(self) -> int:
        """How many events the slowest reader has not read."""
        return max((reader.waiting for reader in self._subscribers.values()), default=0)

    @property
    def subscribers(self) -> int:
        """How many listen."""
        return len(self._subscribers)

    def publish(self, event: T) -> None:
        """Hand an event to every subscriber.  Call on the event loop.  Several events may share a number (one fact, two
        channels); raises `Conflict` for a number that goes back.
        """
        seq = self._seq_of(event)
        if seq < self._last_seq:
            raise Conflict(f"event {seq} was published after {self._last_seq}")
        self._last_seq = seq
        for number, subscriber in list(self._subscribers.items()):
            if not subscriber.offer(event):
                del self._subscribers[number]

    def subscribe(self, maxsize: int = QUEUE_SIZE, *, after: int | None = None) -> Subscription[T]:
        """Listen from now on, or from just after event `after`.  Raises `Conflict` when this bus cannot replay."""
        if maxsize < 1:
            raise ValueError("a queue holds at least one event")
        if after is not None and after != self._last_seq and self._replay is None:
            raise Conflict(f"this bus keeps no history; it cannot resume after {after}")
        self._count += 1
        number = self._count
        subscription = Subscription[T](
            seq_of=self._seq_of,
            size=maxsize,
            last_seq=self._last_seq if after is None else after,
            leave=lambda: self._leave(number),
            kept=self._kept,
        )
        if after is not None and self._replay is not None:
            subscription.catch_up(self._replay)
        self._subscribers[number] = subscription
        if self._is_closed:
            subscription.close()
        return subscription

    def close(self) -> None:
        """Let every reader finish what it has and end; who comes later ends at once."""
        self._is_closed = True
        for subscription in list(self._subscribers.values()):
            subscription.close()

    def _leave(self, number: int) -> None:
        self._subscribers.pop(number, None)

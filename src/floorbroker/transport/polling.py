"""Asking again and again, for a venue that does not tell by itself: a question in the shape of a socket.

What is asked and what the answers mean is the venue's (`brokers/<venue>`); when it is asked again is decided here.  Each answer
becomes one frame, so whoever keeps streams up (`Supervisor`, `OrderStream`) keeps this up as well: a question that fails is a
lost connection, the next attempt comes with back-off.  Several questions of one account share a `PollBudget`, which leaves the
rest of the venue's allowance to orders and reconciliation.  The shape of a frame is `ASKED_AT NEWLINE BODY`: what a snapshot says
counts as of when it was asked for (RELIABILITY I8).
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from floorbroker.domain.clock import Clock
from floorbroker.domain.values import time_text
from floorbroker.transport.types import Frame, Socket, SocketTarget

Ask = Callable[[], Awaitable[Sequence[bytes]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Seconds between two polls: `busy_s` while there is something to hear of, `calm_s` else, `soon_s` after a stir."""

    busy_s: float
    calm_s: float
    soon_s: tuple[float, ...] = (0.2, 0.5, 1.0)


class PollBudget:
    """At most `requests` in any `per_s` seconds, over all the questions that share it."""

    def __init__(self, *, requests: int, per_s: float) -> None:
        if requests < 1 or per_s <= 0:
            raise ValueError("a budget has at least one request, and a window")
        self._requests = requests
        self._per_s = per_s
        self._spent: deque[float] = deque()

    def spend(self, requests: int, now_s: float) -> None:
        """So many were sent, now (monotonic)."""
        self._forget(now_s)
        self._spent.extend([now_s] * max(requests, 1))

    def wait_s(self, now_s: float) -> float:
        """How long until one more fits; zero when it does now."""
        self._forget(now_s)
        if len(self._spent) < self._requests:
            return 0.0
        return max(0.0, self._spent[len(self._spent) - self._requests] + self._per_s - now_s)

    def _forget(self, now_s: float) -> None:
        while self._spent and now_s - self._spent[0] >= self._per_s:
            self._spent.popleft()


class Poller:
    """One question.  `ask` answers with one body for each request it made, or raises; `is_busy` tells which pace is right."""

    def __init__(
        self, ask: Ask, *, clock: Clock, pace: Pace, budget: PollBudget, is_busy: Callable[[], bool] = lambda: False
    ) -> None:
        self._ask = ask
        self._clock = clock
        self._pace = pace
        self._budget = budget
        self._is_busy = is_busy
        self._stirred = asyncio.Event()
        self._soon: list[float] = []

    def stir(self) -> None:
        """Something was done or heard: ask soon, and a few times more before the pace is calm again."""
        self._soon = list(self._pace.soon_s)
        self._stirred.set()

    async def connect(self, target: SocketTarget) -> Socket:
        """A `Connect`: nothing is opened, the first answer comes with the first frame."""
        del target
        return PollSocket(self)

    async def answers(self) -> Sequence[bytes]:
        """Ask once, and make frames of the answers."""
        asked_at = time_text(self._clock.now()).encode()
        bodies = await self._ask()
        self._budget.spend(len(bodies), self._clock.monotonic())
        return [asked_at + b"\n" + body for body in bodies]

    async def pause(self) -> None:
        """Until it is time to ask again."""
        self._stirred.clear()
        now_s = self._clock.monotonic()
        wait_s = max(self._next_s(), self._budget.wait_s(now_s))
        napping = asyncio.ensure_future(self._clock.sleep(wait_s))
        stirring = asyncio.ensure_future(self._stirred.wait())
        try:
            await asyncio.wait((napping, stirring), return_when=asyncio.FIRST_COMPLETED)
        finally:
            napping.cancel()
            stirring.cancel()
        if self._stirred.is_set():
            await self._clock.sleep(max(self._next_s(), self._budget.wait_s(self._clock.monotonic())))

    def _next_s(self) -> float:
        if self._soon:
            return self._soon.pop(0)
        return self._pace.busy_s if self._is_busy() else self._pace.calm_s


class PollSocket:
    """A `Socket` whose frames are answers, for as long as somebody reads.

    No generator: what it waits for ends with whoever waits for it.
    """

    def __init__(self, poller: Poller) -> None:
        self._poller = poller
        self._unread: deque[bytes] = deque()
        self._has_asked = False
        self._closed = False

    def __aiter__(self) -> AsyncIterator[Frame]:
        return self

    async def __anext__(self) -> Frame:
        while not self._unread and not self._closed:
            if self._has_asked:
                await self._poller.pause()
            self._has_asked = True
            if not self._closed:
                self._unread.extend(await self._poller.answers())
        if not self._unread:
            raise StopAsyncIteration
        return Frame(self._unread.popleft(), text=False)

    async def send(self, data: bytes | str) -> None:
        """There is nobody to hear it: a session of polls sends nothing."""
        del data

    async def close(self) -> None:
        self._closed = True


def read_polled(frame: bytes) -> tuple[datetime, bytes]:
    """When it was asked for, by our clock, and the body.  Raises `ValueError` for what is no such frame."""
    stamp, separator, body = frame.partition(b"\n")
    if not separator:
        raise ValueError("a polled frame begins with the time it was asked for")
    return datetime.fromisoformat(stamp.decode("ascii")), body

"""The turn layer: requests that a venue wants in order go one after the other.

A venue that numbers the requests of a key (a nonce) refuses one that arrives after a younger one.  So nothing that carries a
number is sent before the last one is answered: the number is given after the last wait (`Sign` stands inside), and the next
one has to wait for its turn.  Whoever waits is served by lane.

One slow answer must not hold back a cancel.  Lanes with a patience go along, beside what is still under way, when nothing left
for that time: they carry the higher number, so they are not refused themselves, and what left so long ago was long looked at.
One at a time: those who waited together do not leave together, or they would overtake each other on their connections.
"""

from __future__ import annotations

import asyncio
import math
from bisect import insort
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count
from types import MappingProxyType

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Hint, Outcome, RateLimitExceeded
from floorbroker.transport.types import Lane, Request, Response, Transport

PATIENCE_S: Mapping[Lane, float] = MappingProxyType({Lane.CANCEL: 0.25, Lane.REDUCE: 0.5, Lane.NEW: 0.5})
_WAIT_MAX_S = 20.0  # for all but cancels
_NAP_MIN_S = 0.001


@dataclass(slots=True, eq=False)
class _Waiter:
    lane: Lane
    number: int
    turn: asyncio.Future[None] = field(default_factory=lambda: asyncio.get_running_loop().create_future())

    def __lt__(self, other: _Waiter) -> bool:
        return (self.lane, self.number) < (other.lane, other.number)


class Turns:
    """The order of one key's requests, shared by all stacks that send with it.  `applies` says which requests carry a number."""

    def __init__(
        self,
        *,
        clock: Clock,
        applies: Callable[[Request], bool],
        patience_s: Mapping[Lane, float] = PATIENCE_S,
        max_wait_s: float = _WAIT_MAX_S,
    ) -> None:
        self.applies = applies
        self._clock = clock
        self._patience_s = patience_s
        self._max_wait_s = max_wait_s
        self._numbers = count()
        self._waiting: list[_Waiter] = []
        self._departed_s = -math.inf
        self.under_way = 0

    async def come(self, lane: Lane) -> None:
        """Wait for a turn; it lasts until `leave`.  Raises `RateLimitExceeded` (NOT_SENT) when it does not come in time."""
        if not self.under_way:
            self._depart()
            return
        waiter = _Waiter(lane, next(self._numbers))
        insort(self._waiting, waiter)
        try:
            await self._turn(waiter, math.inf if lane is Lane.CANCEL else self._clock.monotonic() + self._max_wait_s)
        except BaseException:
            if waiter.turn.done() and not waiter.turn.cancelled():
                self.leave()
            raise
        finally:
            if waiter in self._waiting:
                self._waiting.remove(waiter)

    def leave(self) -> None:
        """The turn is over; the next one begins when nothing is under way any more."""
        self.under_way -= 1
        if not self.under_way and self._waiting:
            self._release(self._waiting[0])

    def _depart(self) -> None:
        self.under_way += 1
        self._departed_s = self._clock.monotonic()

    def _release(self, waiter: _Waiter) -> None:
        self._waiting.remove(waiter)
        self._depart()
        waiter.turn.set_result(None)

    async def _turn(self, waiter: _Waiter, until_s: float) -> None:
        while not waiter.turn.done():
            now_s = self._clock.monotonic()
            if now_s >= until_s:
                raise RateLimitExceeded(
                    "the requests before this one are not answered",
                    outcome=Outcome.NOT_SENT,
                    hint=Hint(retry_after_s=1.0),
                )
            impatient = next((other for other in self._waiting if now_s >= self._goes_along_s(other)), None)
            if impatient is not None:
                self._release(impatient)
            if impatient is not waiter:
                due_s = min(self._goes_along_s(waiter), until_s)
                await self._until(waiter.turn, max(due_s - self._clock.monotonic(), _NAP_MIN_S))

    def _goes_along_s(self, waiter: _Waiter) -> float:
        """When somebody who waits no longer minds what is under way."""
        return self._departed_s + self._patience_s.get(waiter.lane, math.inf)

    async def _until(self, turn: asyncio.Future[None], nap_s: float) -> None:
        nap = asyncio.ensure_future(self._clock.sleep(nap_s))
        try:
            await asyncio.wait({turn, nap}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            nap.cancel()


class InTurn:
    """Sends what the turns apply to in its turn, and everything else at once."""

    def __init__(self, inner: Transport, *, turns: Turns) -> None:
        self._inner = inner
        self._turns = turns

    async def send(self, request: Request) -> Response:
        if not self._turns.applies(request):
            return await self._inner.send(request)
        await self._turns.come(request.lane)
        try:
            return await self._inner.send(request)
        finally:
            self._turns.leave()

"""Every reply tells what time it is over there."""

from __future__ import annotations

from floorbroker.domain.clock import Clock
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.types import Request, Response, Transport


class Timed:
    """Hands the `Date` of each reply to the account's `ClockOffset`.  One that a cache kept (`Age`) tells of another moment."""

    def __init__(self, inner: Transport, *, offset: ClockOffset, clock: Clock) -> None:
        self._inner = inner
        self._offset = offset
        self._clock = clock

    async def send(self, request: Request) -> Response:
        asked_s = self._clock.monotonic()
        response = await self._inner.send(request)
        if "age" not in response.headers:
            self._offset.learn_date(response.headers.get("date"), asked_s=asked_s, heard_s=self._clock.monotonic())
        return response

"""The venue's time, asked for: how far its clock is from ours is what signatures and log-ins go by."""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping.values import moment_needed, needed
from floorbroker.brokers.bybit.rest import answers
from floorbroker.brokers.bybit.rest.calls import Calls
from floorbroker.domain.clock import Clock
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.types import Transport

FRESH_S = 300.0
SAMPLES = 3


class VenueTime:
    """Teaches an account's `ClockOffset` by the venue's own time endpoint."""

    def __init__(self, offset: ClockOffset, *, reads: Transport, calls: Calls, clock: Clock) -> None:
        self._offset = offset
        self._reads = reads
        self._calls = calls
        self._clock = clock
        self._measured_s: float | None = None

    async def measure(self, samples: int = 1) -> None:
        """Ask for the venue's time.  Raises what the venue says."""
        for _ in range(samples):
            began_s = self._clock.monotonic()
            response = await self._reads.send(self._calls.time())
            told = answers.answer(response, wire.ServerTime, what="the venue's time")
            self._offset.learn(_moment(told), asked_s=began_s, heard_s=self._clock.monotonic())
        self._measured_s = self._clock.monotonic()

    async def freshen(self) -> None:
        """Measure again when the last time is long ago."""
        if self._measured_s is None or self._clock.monotonic() - self._measured_s > FRESH_S:
            await self.measure()

    async def anew(self) -> None:
        """The venue refused a time of ours: several answers that agree outvote what was measured before."""
        await self.measure(SAMPLES)


def _moment(told: wire.ServerTime) -> datetime:
    """To the microsecond where the venue tells nanoseconds, which it does beside the second."""
    if not told.time_nano:
        return moment_needed(int(needed(str(told.time_second), what="a time")) * 1000)
    micros = int(needed(str(told.time_nano), what="a time")) // 1_000
    return moment_needed(micros // 1_000) + timedelta(microseconds=micros % 1_000)

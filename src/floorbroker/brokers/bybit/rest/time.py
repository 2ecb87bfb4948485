"""The venue's time: how far its clock is from ours, measured and kept."""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.auth import Skew
from floorbroker.brokers.bybit.mapping.values import needed
from floorbroker.brokers.bybit.rest import answers
from floorbroker.brokers.bybit.rest.calls import Calls
from floorbroker.domain.clock import Clock
from floorbroker.domain.values import from_epoch
from floorbroker.transport.types import Transport

FRESH_S = 300.0
SAMPLES = 3


class VenueTime:
    """Tells the venue's time from ours and the measured offset; signing and log-ins use it."""

    def __init__(self, skew: Skew, *, reads: Transport, calls: Calls, clock: Clock) -> None:
        self._skew = skew
        self._reads = reads
        self._calls = calls
        self._clock = clock
        self._measured_s: float | None = None

    @property
    def offset_s(self) -> float | None:
        """Seconds the venue's clock is ahead of ours; None before it was measured."""
        return self._skew.offset_s

    def now(self) -> datetime:
        return self._skew.of(self._clock.now())

    async def measure(self, samples: int = 1) -> None:
        """Ask for the venue's time.  Raises what the venue says."""
        for _ in range(samples):
            began_s, asked = self._clock.monotonic(), self._clock.now()
            response = await self._reads.send(self._calls.time())
            round_trip_s = self._clock.monotonic() - began_s
            told = answers.answer(response, wire.ServerTime, what="the venue's time")
            middle = asked + timedelta(seconds=round_trip_s / 2)
            self._skew.add((_moment(told) - middle).total_seconds(), round_trip_s=round_trip_s)
        self._measured_s = self._clock.monotonic()

    async def freshen(self) -> None:
        """Measure again when the last time is long ago."""
        if self._measured_s is None or self._clock.monotonic() - self._measured_s > FRESH_S:
            await self.measure()

    async def anew(self) -> None:
        """The venue refused a time of ours: what was measured before holds no more."""
        self._skew.forget()
        await self.measure(SAMPLES)


def _moment(told: wire.ServerTime) -> datetime:
    if told.time_nano:
        return from_epoch(ns=int(needed(str(told.time_nano), what="a time")))
    return from_epoch(s=needed(str(told.time_second), what="a time"))

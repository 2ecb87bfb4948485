"""The venue's own time: it runs beside a base clock, or stands until the control door moves it."""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.domain.clock import Clock

_TICK = timedelta(microseconds=1)


class VenueClock:
    """A `Clock` with an offset.  `standing_at` stops it at a moment, for recorded days; then only `move_to` advances it.

    Waiting is always done on the base clock: a client's time-out does not care what year the venue believes in.
    """

    def __init__(self, base: Clock, *, standing_at: datetime | None = None) -> None:
        self.base = base
        self._offset = timedelta()
        self._standing_at = standing_at
        self._first_standing_at = standing_at
        self._last_stamp: datetime | None = None

    @property
    def stands(self) -> bool:
        """Whether time passes only when `move_to` says so."""
        return self._standing_at is not None

    def now(self) -> datetime:
        """The venue's wall time, UTC."""
        return self._standing_at if self._standing_at is not None else self.base.now() + self._offset

    def monotonic(self) -> float:
        return self.base.monotonic()

    async def sleep(self, delay_s: float) -> None:
        await self.base.sleep(delay_s)

    def move_to(self, moment: datetime) -> None:
        """Jump to `moment`.  A running clock runs on from there."""
        if self._standing_at is not None:
            self._standing_at = moment
        else:
            self._offset = moment - self.base.now()

    def stamp(self) -> datetime:
        """Now, or a microsecond after the last stamp: no two records of the venue share a time."""
        moment = self.now()
        if self._last_stamp is not None and moment <= self._last_stamp:
            moment = self._last_stamp + _TICK
        self._last_stamp = moment
        return moment

    def reset(self) -> None:
        """Back to the start: no offset, and the first standing moment."""
        self._offset = timedelta()
        self._standing_at = self._first_standing_at
        self._last_stamp = None

"""When a market opens and closes: everything is compared then, beside the compare every ten minutes (RELIABILITY 4)."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Broker, Log
from floorbroker.domain.records import MarketHours
from floorbroker.oms.unforeseen import ours

LOOK_S = 600.0  # the longest sleep: a wall clock that is moved meanwhile is looked at again
ASK_AGAIN_S = 3600.0
DAY = timedelta(days=1)


def next_bell(days: Iterable[MarketHours], after: datetime) -> datetime | None:
    """The first opening or close of a core session later than a moment; None when these days have none."""
    bells = (bell for hours in days if hours.is_open_day for bell in (hours.open, hours.close))
    return min((bell for bell in bells if bell is not None and bell > after), default=None)


@dataclass(slots=True)
class Bells:
    """The bells of one broker's market.  A broker whose market never closes names none, and is not asked."""

    broker: Broker
    clock: Clock
    log: Log
    _days: dict[date, MarketHours] = field(default_factory=dict[date, MarketHours])

    async def run(self, ring: Callable[[], None]) -> None:
        """Call `ring` at each bell, for as long as the task lives."""
        if not self.broker.info.market:
            return
        rung = self.clock.now()
        while True:
            wait_s = ASK_AGAIN_S
            if await self._learn():
                bell = next_bell(self._days.values(), rung)
                now = self.clock.now()
                if bell is not None and bell <= now:
                    rung = now
                    ring()
                    continue
                wait_s = LOOK_S if bell is None else min((bell - now).total_seconds(), LOOK_S)
            await self.clock.sleep(max(wait_s, 1.0))
            rung = min(rung, self.clock.now())

    async def _learn(self) -> bool:
        """Know the hours of today and tomorrow, each asked for once; False while the venue does not tell."""
        today = self.clock.now().date()
        self._days = {day: hours for day, hours in self._days.items() if day >= today - DAY}
        try:
            with ours(self.log, "bells.unforeseen"):
                for day in (today, today + DAY):
                    if day not in self._days:
                        self._days[day] = await self.broker.get_market_hours(self.broker.info.market, day)
        except FloorbrokerError as error:
            self.log.warning("bells.not_told", code=error.code, detail=error.detail)
            return False
        return True

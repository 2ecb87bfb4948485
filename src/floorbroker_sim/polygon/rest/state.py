"""What handlers share: the archive, the plan of the key, a counter of requests."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Literal

from floorbroker.domain.instrument import Instrument
from floorbroker_sim.archive import Archive, midnight, new_york_day
from floorbroker_sim.market import Tick
from floorbroker_sim.polygon import errors
from floorbroker_sim.polygon.mapping import inside

Recency = Literal["realtime", "delayed", "end_of_day"]


@dataclass(slots=True)
class Plan:
    """What the key has paid for: how fresh data may be, and for how many years back (0: all)."""

    recency: Recency = "realtime"
    years: int = 0


@dataclass(slots=True)
class State:
    """One service."""

    archive: Archive
    plan: Plan = field(default_factory=Plan)
    requests: int = 0
    listeners: list[object] = field(default_factory=list[object])

    def now(self) -> datetime:
        return self.archive.clock.now()

    def request_id(self) -> str:
        return f"{self.requests:032x}"

    def listed(self, ticker: str) -> Instrument | None:
        """Tickers are case-sensitive."""
        return self.archive.market.instruments.get(inside(ticker))

    def symbols(self, *, coins: bool = False) -> list[str]:
        return sorted(one for one in self.archive.market.instruments if ("/" in one) is coins)

    def check_entitled(self, start: datetime, end: datetime) -> None:
        """Raises `Refused` for data that the plan does not hold."""
        now = self.now()
        if self.plan.years and start < now - timedelta(days=365 * self.plan.years + 1):
            raise errors.Refused(403, errors.TOO_OLD)
        if self.plan.recency == "end_of_day" and end >= midnight(new_york_day(now)) and start <= now:
            raise errors.Refused(403, errors.TOO_FRESH)

    @property
    def status(self) -> str:
        return "DELAYED" if self.plan.recency == "delayed" else "OK"

    def reset(self) -> None:
        self.plan = Plan()
        self.archive.flaws = type(self.archive.flaws)()


def tick_symbols(ticks: list[Tick]) -> set[str]:
    """Whom a batch of prices is about."""
    return {one.symbol for tick in ticks for one in (tick.quote, tick.trade) if one is not None}

"""Bar lengths: `5Min`, `1Hour`, `1Day`, `1Week`, `3Month`, and where each bar begins."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.alpaca.errors import Refused
from floorbroker_sim.history import Candle, History, aggregated

_FORM = re.compile(r"([1-9][0-9]?)(Min|T|Hour|H|Day|D|Week|W|Month|M)")
_UNITS = {"T": "Min", "H": "Hour", "D": "Day", "W": "Week", "M": "Month"}
_ALLOWED = {
    "Min": frozenset(range(1, 60)), "Hour": frozenset(range(1, 24)), "Day": frozenset({1}), "Week": frozenset({1}),
    "Month": frozenset({1, 2, 3, 4, 6, 12}),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class TimeFrame:
    """`amount` of a unit (Min, Hour, Day, Week, Month)."""

    amount: int
    unit: str

    @classmethod
    def parse(cls, text: str) -> TimeFrame:
        """Raises `Refused` 400 for a length the venue does not build."""
        match = _FORM.fullmatch(text)
        if match is not None:
            unit = _UNITS.get(match[2], match[2])
            if int(match[1]) in _ALLOWED[unit]:
                return cls(int(match[1]), unit)
        raise Refused(400, None, f"invalid timeframe: {text}")

    def bars(self, history: History, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        """Whole bars whose start lies in the range.  Minutes and hours are built from minutes, longer ones from days."""
        if self.unit in {"Min", "Hour"}:
            first = self.bucket(start)
            bars = aggregated(history.minutes(symbol, first if first == start else start, end), self.bucket)
            return (bar for bar in bars if bar.start >= start)
        days = history.days(symbol, self.bucket(start), end)
        return (bar for bar in self._long(days) if bar.start >= start)

    def _long(self, days: Iterator[Candle]) -> Iterator[Candle]:
        return days if self.unit == "Day" else aggregated(days, self.bucket)

    @property
    def bucket(self) -> Callable[[datetime], datetime]:
        """The start of the bar a moment falls into."""
        if self.unit in {"Min", "Hour"}:
            step_s = self.amount * (60 if self.unit == "Min" else 3600)
            return lambda at: at - timedelta(seconds=int(at.timestamp()) % step_s, microseconds=at.microsecond)
        return {"Day": _day, "Week": _week}.get(self.unit, self._months)

    def _months(self, at: datetime) -> datetime:
        local = _day(at).astimezone(NEW_YORK)
        month = (local.month - 1) // self.amount * self.amount + 1
        return local.replace(month=month, day=1).astimezone(at.tzinfo)


def _day(at: datetime) -> datetime:
    if at.hour == at.minute == at.second == 0:
        return at  # a coin's day begins at midnight UTC and is that already
    local = at.astimezone(NEW_YORK).replace(hour=0, minute=0, second=0, microsecond=0)
    return local.astimezone(at.tzinfo)


def _week(at: datetime) -> datetime:
    day = _day(at)
    return day - timedelta(days=day.astimezone(NEW_YORK).weekday() if day.hour else day.weekday())

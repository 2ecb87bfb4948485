"""A folder of recorded days behind the same interface."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from floorbroker.domain.actions import CorporateAction
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.errors import NotSupported, SymbolNotFound
from floorbroker.marketdata.calendars import day_of, next_session
from floorbroker.marketdata.history import DAY_S, Row, Told
from floorbroker.tape import NotRecorded, Tape, actions_of

HOUR_S, MINUTE_S = 3_600, 60


class RecordedHistory:
    """Daily and hourly bars of shares, and minutes of everything that is recorded."""

    name = "recording"

    def __init__(self, tape: Tape) -> None:
        self._tape = tape

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        """Raises `SymbolNotFound` for what is not recorded."""
        try:
            found = [row for series in self._series(symbol, span_s, start, end) for row in _rows(series, start, end)]
        except NotRecorded as error:
            raise SymbolNotFound(f"{symbol}: {error}", broker=self.name) from error
        return Told(rows=tuple(found))

    def _series(self, symbol: str, span_s: int, start: datetime, end: datetime) -> Iterator[BarSeries]:
        match span_s:
            case 86_400:
                yield self._tape.daily(symbol)
            case 3_600:
                yield self._tape.hourly(symbol)
            case 60:
                for day in self._days(symbol, start, end):
                    yield self._tape.minutes(symbol, day)
            case _:
                raise NotSupported(f"recorded are bars of {DAY_S}, {HOUR_S} and {MINUTE_S} s, not of {span_s} s")

    def _days(self, symbol: str, start: datetime, end: datetime) -> list[date]:
        first, last = day_of(symbol, start), day_of(symbol, end)
        days = self._tape.days(symbol)
        if not days:
            raise NotRecorded(f"no minutes of {symbol} are recorded")
        return [day for day in days if first <= day <= last and self._tape.has(symbol, day, "trade")]

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[CorporateAction]:
        """From the factors, to a hundredth of a cent; a symbol without a file of factors has no actions."""
        try:
            factors = self._tape.factors(symbol)
        except NotRecorded:
            return ()
        first, last = day_of(symbol, start), day_of(symbol, end - timedelta(microseconds=1))
        return [one for one in actions_of(symbol, factors, next_day=next_session) if first <= one.day <= last]

    def last_day(self, symbol: str) -> date:
        """The last recorded day of a symbol.  Raises `SymbolNotFound`."""
        try:
            return day_of(symbol, self._tape.daily(symbol).start_at(-1))
        except NotRecorded as error:
            raise SymbolNotFound(f"{symbol}: {error}", broker=self.name) from error

    async def close(self) -> None:
        """Files are read and closed at once."""


def _rows(series: BarSeries, start: datetime, end: datetime) -> Iterator[Row]:
    """Built for the bars of the range alone."""
    for index in range(len(series)):
        at = series.start_at(index)
        if start <= at < end:
            bar = series[index]
            yield Row(start=at, open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume)

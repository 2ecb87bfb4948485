"""What prices were: moments of the seeded walk, or the minutes of recorded days."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from typing import NamedTuple, Protocol

from floorbroker.domain.bars import Bar
from floorbroker.matching import Calendar
from floorbroker.tape import Tape
from floorbroker_sim.market import Market
from floorbroker_sim.oanda.mapping import inside

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_QUARTER = _MINUTE / 4
_TICK = timedelta(microseconds=1)


class Point(NamedTuple):
    """Bid and ask at a moment, UTC."""

    at: datetime
    bid: Decimal
    ask: Decimal


class Past(Protocol):
    """Moments from `start` (included) to `end` (not included), in order; of a walk one every `step_s` seconds."""

    def points(self, instrument: str, start: datetime, end: datetime, *, step_s: int) -> Iterator[Point]: ...


class SeededPast:
    """The seeded walk, while the market is open; the last moment of a range is always among its points."""

    def __init__(self, market: Market, *, calendar: Calendar | None) -> None:
        self._source = market.source
        self._calendar = calendar

    def points(self, instrument: str, start: datetime, end: datetime, *, step_s: int) -> Iterator[Point]:
        at, step = start, timedelta(seconds=step_s)
        while at < end:
            if self._calendar is not None and (opens := self._calendar.next_open(at)) > at:
                at += -((at - opens) // step) * step
                continue
            yield from self._point(instrument, at)
            at += step
        last = end - _TICK
        if start < last != at - step and (self._calendar is None or self._calendar.is_open(last)):
            yield from self._point(instrument, last)

    def _point(self, instrument: str, at: datetime) -> Iterator[Point]:
        quote = self._source.quote(inside(instrument), at)
        if quote is not None and quote.bid is not None and quote.ask is not None:
            yield Point(at, quote.bid, quote.ask)


class RecordedPast:
    """Minutes of a tape: open, high, low and close, spread over the minute."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._day = lru_cache(maxsize=16)(self._read)

    def points(self, instrument: str, start: datetime, end: datetime, *, step_s: int) -> Iterator[Point]:
        symbol = inside(instrument)
        for day in self._tape.days(symbol):
            midnight = datetime(day.year, day.month, day.day, tzinfo=UTC)
            if start < midnight + _DAY and midnight < end:
                yield from (point for point in self._day(symbol, day) if start <= point.at < end)

    def _read(self, symbol: str, day: date) -> list[Point]:
        if not self._tape.has(symbol, day, "quote"):
            return []
        series = self._tape.quotes(symbol, day)
        pairs = ((series.bid_at(index), series.ask_at(index)) for index in range(len(series)))
        return [point for bid, ask in pairs for point in _four(bid, ask)]


def _four(bid: Bar, ask: Bar) -> list[Point]:
    prices = [(bid.open, ask.open), (bid.high, ask.high), (bid.low, ask.low), (bid.close, ask.close)]
    return [Point(bid.start + _QUARTER * n, *pair) for n, pair in enumerate(prices)]

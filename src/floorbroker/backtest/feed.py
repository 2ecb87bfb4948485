"""What a backtest plays: columns of bars, quotes, trades and books, put in the order in which they became known."""

from __future__ import annotations

import heapq
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from fractions import Fraction
from itertools import count, repeat

from floorbroker.domain.bars import BarSeries
from floorbroker.domain.records import BookDelta, Trade
from floorbroker.matching.calendar import NEW_YORK, Calendar
from floorbroker.strategy.bars import Columns, microseconds, moment_of
from floorbroker.tape import QuoteSeries

_DAY_US = 86_400_000_000
Play = Callable[[int], None]  # plays one event of a source, by its place there


@dataclass(slots=True, kw_only=True)
class Feed:
    """One market.  Bars by symbol; `quotes`, `trades` and `books` where there are any.

    Of a symbol with quotes or a book, bars tell what traded and never where orders fill.
    """

    bars: dict[str, Columns] = field(default_factory=dict[str, Columns])
    quotes: list[QuoteSeries] = field(default_factory=list[QuoteSeries])
    trades: list[Trade] = field(default_factory=list[Trade])
    books: list[BookDelta] = field(default_factory=list[BookDelta])
    splits: dict[str, list[tuple[int, Fraction]]] = field(default_factory=dict[str, list[tuple[int, Fraction]]])

    @classmethod
    def of_bars(cls, *series: BarSeries) -> Feed:
        """Bars alone."""
        return cls(bars={one.symbol: Columns.of(one) for one in series})

    @property
    def symbols(self) -> tuple[str, ...]:
        named = [*self.bars, *(series.symbol for series in self.quotes), *(event.symbol for event in self.trades)]
        return tuple(dict.fromkeys([*named, *(event.symbol for event in self.books)]))

    @property
    def size(self) -> int:
        """How many events there are."""
        columns = sum(map(len, self.bars.values())) + sum(map(len, self.quotes))
        return columns + len(self.trades) + len(self.books)

    def span(self) -> tuple[datetime, datetime]:
        """From the first start to the last end.  Raises `ValueError` when there is nothing."""
        starts = [columns.start_us[0] for columns in self.bars.values() if len(columns)]
        ends = [columns.end_us[-1] for columns in self.bars.values() if len(columns)]
        for series in self.quotes:
            if len(series):
                starts.append(microseconds(series.start_at(0)))
                ends.append(microseconds(series.start_at(len(series) - 1)) + series.span_s * 1_000_000)
        moments = [microseconds(event.time) for event in (*self.trades, *self.books)]
        if not starts and not moments:
            raise ValueError("there is nothing to play: no bars, quotes, trades or books")
        return moment_of(min(starts + moments)), moment_of(max(ends + moments))


def within(columns: Columns, calendar: Calendar) -> Columns:
    """The bars of core sessions, their ends drawn in to open and close: a daily bar lasts from open to close of its day."""
    kept = Columns(columns.symbol, price_decimals=columns.price_decimals, size_decimals=columns.size_decimals)
    day, sessions = None, list[tuple[int, int]]()
    for place, start_us in enumerate(columns.start_us):
        end_us = columns.end_us[place]
        own = moment_of(start_us).astimezone(NEW_YORK).date()
        if own != day:
            sessions, day = _sessions_about(own, calendar, days=2 + (end_us - start_us) // _DAY_US), own
        here = [(opens, closes) for opens, closes in sessions if start_us < closes and end_us > opens]
        if not here:
            continue
        kept.start_us.append(max(start_us, here[0][0]))
        kept.end_us.append(min(end_us, here[-1][1]))
        for name in ("open", "high", "low", "close", "volume"):
            getattr(kept, name).append(getattr(columns, name)[place])
    return kept


def _sessions_about(day: date, calendar: Calendar, *, days: int) -> list[tuple[int, int]]:
    """Opens and closes from the day before on: whose day a session is, its exchange's own clock says and not New York's."""
    found = (calendar.session(day + timedelta(days=step)) for step in range(-1, days + 1))
    return [(microseconds(one.open), microseconds(one.close)) for one in found if one is not None]


def cut(columns: Columns, since: datetime | None, until: datetime | None) -> Columns:
    """The bars that start at `since` or later and end at `until` or earlier."""
    first = 0 if since is None else _place(columns.start_us, microseconds(since))
    last = len(columns) if until is None else _place(columns.end_us, microseconds(until) + 1)
    made = Columns(columns.symbol, price_decimals=columns.price_decimals, size_decimals=columns.size_decimals)
    for name in ("start_us", "end_us", "open", "high", "low", "close", "volume"):
        setattr(made, name, getattr(columns, name)[first:last])
    return made


def _place(column: array[int], bound: int) -> int:
    return bisect_left(column, bound)


def times_of(series: QuoteSeries) -> array[int]:
    """When each quote of a series stood."""
    span_us = series.span_s * 1_000_000
    return array("q", [microseconds(series.start_at(place)) + span_us for place in range(len(series))])


def in_turn(sources: Sequence[tuple[Iterable[int], Play]]) -> Iterator[tuple[int, Play, int]]:
    """Every event as (microseconds, how it is played, its place), by time; at one moment the earlier source goes first."""
    streams = [
        zip(times, repeat(rank), repeat(play), count(), strict=False) for rank, (times, play) in enumerate(sources)
    ]
    for us, _, play, place in heapq.merge(*streams, key=_when):
        yield us, play, place


def _when(event: tuple[int, int, Play, int]) -> tuple[int, int]:
    return event[0], event[1]

"""Several symbols and days as one stream in time order."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.records import Quote, Trade
from floorbroker.tape.columns import QuoteSeries
from floorbroker.tape.folder import Tape


@dataclass(frozen=True, slots=True, kw_only=True)
class TapeEvent:
    """Something that became known at `time` (UTC): a bar, or the quote it left, when its minute is over."""

    time: datetime
    event: Quote | Trade | Bar


def quote_events(series: QuoteSeries) -> Iterator[TapeEvent]:
    """The quote at the end of each bar."""
    for index in range(len(series)):
        quote = series.quote_at(index)
        yield TapeEvent(time=quote.time, event=quote)


def bar_events(series: BarSeries) -> Iterator[TapeEvent]:
    """Each bar at its end."""
    span = timedelta(seconds=series.span_s)
    for index in range(len(series)):
        yield TapeEvent(time=series.start_at(index) + span, event=series[index])


def in_order(streams: Iterable[Iterator[TapeEvent]]) -> Iterator[TapeEvent]:
    """Streams, each in time order, as one; at the same moment the earlier stream goes first."""
    return heapq.merge(*streams, key=lambda event: event.time)


def merged(tape: Tape, symbols: Sequence[str], days: Sequence[date]) -> Iterator[TapeEvent]:
    """Minute quotes and trade bars of `symbols` over `days`, in time order; at the same moment quotes first, then by symbol.

    Days are read one at a time.  A symbol without a file for a day is silent on it.
    """
    for day in sorted(days):
        streams = [quote_events(tape.quotes(symbol, day)) for symbol in symbols if tape.has(symbol, day, "quote")]
        streams += [bar_events(tape.minutes(symbol, day)) for symbol in symbols if tape.has(symbol, day, "trade")]
        yield from in_order(streams)

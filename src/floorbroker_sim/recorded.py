"""Recorded days as a source of prices and as a history: minute quotes, and the close of each minute as a trade."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from itertools import chain

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import AssetClass, Price
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.tape import NotRecorded, Tape, TapeEvent, merged
from floorbroker_sim.history import Candle
from floorbroker_sim.market import Tick, coin, equity

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_TRADED = frozenset({AssetClass.EQUITY, AssetClass.CRYPTO})


def recorded_symbols(tape: Tape, classes: frozenset[AssetClass] = _TRADED) -> list[str]:
    """Symbols of a folder that have days: shares and coins, unless other `classes` are asked for."""
    return [symbol for symbol in tape.symbols() if asset_class_of(symbol) in classes and tape.days(symbol)]


def recorded_instruments(tape: Tape) -> list[Instrument]:
    """What the folder has prices for, by symbol."""
    return [coin(s, s) if "/" in s else equity(s, s) for s in recorded_symbols(tape)]


def first_moment(tape: Tape, classes: frozenset[AssetClass] = _TRADED) -> datetime:
    """Midnight in New York before the first recorded day, UTC.  Raises `NotRecorded` for a folder without minutes."""
    days = [tape.days(symbol)[0] for symbol in recorded_symbols(tape, classes)]
    if not days:
        raise NotRecorded(f"the folder holds no minute data of {' or '.join(sorted(one.value for one in classes))}")
    return datetime.combine(min(days), datetime.min.time(), NEW_YORK).astimezone(UTC)


class RecordedSource:
    """A tape that plays forward.  At each minute's end the quotes come first, then a trade at each bar's close."""

    def __init__(self, tape: Tape, classes: frozenset[AssetClass] = _TRADED) -> None:
        self._tape = tape
        self._symbols = recorded_symbols(tape, classes)
        self._days = sorted({day for symbol in self._symbols for day in tape.days(symbol)})
        self.rewind()

    def rewind(self) -> None:
        """Back to the first line."""
        self._events = merged(self._tape, self._symbols, self._days)
        self._next: TapeEvent | None = next(self._events, None)
        self._quotes: dict[str, Quote] = {}
        self._trades: dict[str, Trade] = {}

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """The last quote that was played, with the last trade in it; earlier moments are answered by that as well."""
        quote, trade = self._quotes.get(symbol), self._trades.get(symbol)
        return quote if quote is None or trade is None else replace(quote, last=trade.price)

    def last_trade(self, symbol: str, at: datetime) -> Trade | None:
        return self._trades.get(symbol)

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        """From the daily bars; the last price where there are none."""
        candles = list(RecordedHistory(self._tape).days(symbol, at - 7 * _DAY, at - _DAY / 2))
        if candles:
            return candles[-1].close
        trade = self._trades.get(symbol)
        return None if trade is None else trade.price

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        """Play up to and including `at`, all symbols."""
        while self._next is not None and self._next.time <= at:
            played, self._next = self._next, next(self._events, None)
            match played.event:
                case Quote() as quote:
                    self._quotes[quote.symbol] = quote
                    yield Tick(at=played.time, quote=quote)
                case Bar() as bar:
                    trade = trade_of(bar, played.time)
                    self._trades[trade.symbol] = trade
                    yield Tick(at=played.time, trade=trade)
                case Trade() as trade:
                    self._trades[trade.symbol] = trade
                    yield Tick(at=played.time, trade=trade)


def trade_of(bar: Bar, at: datetime) -> Trade:
    """The close of a bar as a trade at its end."""
    number = str(int(at.timestamp()))
    return Trade(symbol=bar.symbol, price=Price(bar.close), size=bar.volume, time=at, trade_id=number)


class RecordedHistory:
    """The same folder looked back into.  Bars begin at their start, quotes and trades stand at the end of their minute."""

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._minutes = lru_cache(maxsize=64)(self._read_minutes)

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        for series in self._series(symbol, start, end):
            for bar in series:
                if start <= bar.start <= end:
                    yield _candle(bar)

    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        try:
            series = self._tape.daily(symbol)
        except NotRecorded:
            return iter(())
        starts = [series.start_at(index) for index in range(len(series))]
        first = bisect_right(starts, start - timedelta(microseconds=1))
        return (_candle(series[index]) for index in range(first, bisect_right(starts, end)))

    def quotes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Quote]:
        for day in self._days(symbol, start, end):
            if self._tape.has(symbol, day, "quote"):
                series = self._tape.quotes(symbol, day)
                found = (series.quote_at(index) for index in range(len(series)))
                yield from (quote for quote in found if start <= quote.time <= end)

    def trades(self, symbol: str, start: datetime, end: datetime) -> Iterator[Trade]:
        bars = chain.from_iterable(self._series(symbol, start - _DAY, end))
        found = (trade_of(bar, bar.start + _MINUTE) for bar in bars)
        return (trade for trade in found if start <= trade.time <= end)

    def _series(self, symbol: str, start: datetime, end: datetime) -> Iterator[BarSeries]:
        return (self._minutes(symbol, day) for day in self._days(symbol, start, end))

    def _read_minutes(self, symbol: str, day: date) -> BarSeries:
        if not self._tape.has(symbol, day, "trade"):
            return BarSeries(symbol, span_s=60)
        return self._tape.minutes(symbol, day)

    def _days(self, symbol: str, start: datetime, end: datetime) -> list[date]:
        if asset_class_of(symbol) not in _TRADED:
            return []
        low, high = (start - _DAY).date(), (end + _DAY).date()
        return [day for day in self._tape.days(symbol) if low <= day <= high]


def _candle(bar: Bar) -> Candle:
    return Candle(
        start=bar.start, open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume, count=1, mean=bar.close
    )  # fmt: skip

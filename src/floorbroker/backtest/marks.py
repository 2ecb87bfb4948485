"""What held units are worth at any moment: the last close; without bars the middle of quote or book, or the last trade.

As at the desk, a side that is missing leaves a quote without a middle, and the one before it counts.  Where nothing was ever
shown it is the price of the last fill.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Protocol

from floorbroker.backtest.feed import Feed, times_of
from floorbroker.backtest.reshaped import Moved, Reshaped, carried
from floorbroker.domain.records import BookDelta
from floorbroker.domain.values import Side
from floorbroker.matching.market import Market
from floorbroker.strategy.bars import Columns, microseconds
from floorbroker.strategy.wishes import Filled
from floorbroker.tape import QuoteSeries

POINTS_MAX = 20_000  # of one symbol's; more than that are shown by the day
_DAY_US = 86_400_000_000
_DECIMALS = 8
Seen = tuple[int, Decimal]  # when a price is from (microseconds since 1970), and what it is


class Source(Protocol):
    """Prices of one symbol; it is asked about moments that never go back."""

    @property
    def times(self) -> array[int]:
        """When something was heard of it."""
        ...

    def at(self, us: int) -> Seen | None: ...


class _Closes:
    """Closes of bars: each is known at the bar's end, and in the units of its start."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self.times = columns.end_us

    def at(self, us: int) -> Seen | None:
        columns, place = self._columns, bisect_right(self.times, us) - 1
        if place < 0:
            return None
        return columns.start_us[place], Decimal(columns.close[place]).scaleb(-columns.price_decimals)


class _Points:
    """Prices of moments; None where something was heard that tells none."""

    def __init__(self, points: Iterable[tuple[int, Decimal | None]]) -> None:
        found = sorted(points, key=lambda point: point[0])
        self.times = array("q", [us for us, _ in found])
        self._seen = [(us, price) for us, price in found if price is not None]
        self._seen_us = array("q", [us for us, _ in self._seen])

    def at(self, us: int) -> Seen | None:
        place = bisect_right(self._seen_us, us) - 1
        return None if place < 0 else self._seen[place]


class _Book:
    """The middle of an order book, which is put together as far as it is asked about."""

    def __init__(self, deltas: Sequence[BookDelta]) -> None:
        self._deltas, self._place, self._market = deltas, 0, Market()
        self.times = array("q", [microseconds(delta.time) for delta in deltas])
        self._last: Seen | None = None

    def at(self, us: int) -> Seen | None:
        until = bisect_right(self.times, us)
        if until <= self._place:
            return self._last
        for delta in self._deltas[self._place : until]:
            self._market.apply(delta)
        self._place = until
        bid, ask = self._market.touch(Side.SELL), self._market.touch(Side.BUY)
        if bid is not None and ask is not None:
            self._last = self.times[until - 1], (bid + ask) / 2
        return self._last


class Marks:
    """Made anew for each walk through time, since books are put together on the way."""

    def __init__(self, feed: Feed, *, fills: Iterable[Filled], reshaped: Iterable[Reshaped]) -> None:
        self._sources = dict(_sources(feed))
        self._fills = {
            symbol: _Points(points)
            for symbol, points in _grouped((fill.symbol, (microseconds(fill.at), fill.price)) for fill in fills).items()
        }
        self._happened: dict[str, list[Reshaped]] = {}
        for one in reshaped:
            self._happened.setdefault(one.new if isinstance(one, Moved) else one.symbol, []).append(one)

    def grid(self) -> list[int]:
        """Every moment at which something was heard, or the last of each day of a symbol with very many."""
        moments: set[int] = set()
        for source in self._sources.values():
            few = len(source.times) <= POINTS_MAX
            moments.update(source.times if few else {us // _DAY_US: us for us in source.times}.values())
        return sorted(moments)

    def price(self, symbol: str, us: int) -> Decimal | None:
        """In the units of that moment; None where nothing is known."""
        seen, happened = self._seen(symbol, us), self._happened.get(symbol)
        if happened is None:
            return None if seen is None else seen[1]
        first = happened[0]
        if seen is None and isinstance(first, Moved) and first.at_us <= us:
            before = self.price(first.symbol, us)
            seen = None if before is None else (first.at_us, before)
        return None if seen is None else carried(seen[1], seen_us=seen[0], until_us=us, happened=happened)

    def _seen(self, symbol: str, us: int) -> Seen | None:
        source, fills = self._sources.get(symbol), self._fills.get(symbol)
        seen = None if source is None else source.at(us)
        return fills.at(us) if seen is None and fills is not None else seen

    def worth(self, symbol: str, qty: Decimal, us: int) -> Decimal:
        """Of so many units, to eight decimals (half even); nothing where no price is known."""
        price = self.price(symbol, us)
        return Decimal(0) if price is None else round(qty * price, _DECIMALS)


def _sources(feed: Feed) -> Iterator[tuple[str, Source]]:
    """Of each symbol the one that counts; the later one wins."""
    for symbol, trades in _grouped((t.symbol, (microseconds(t.time), t.price)) for t in feed.trades).items():
        yield symbol, _Points(trades)
    books: dict[str, list[BookDelta]] = {}
    for delta in feed.books:
        books.setdefault(delta.symbol, []).append(delta)
    for symbol, deltas in books.items():
        yield symbol, _Book(deltas)
    for symbol in {series.symbol for series in feed.quotes}:
        yield symbol, _Points(_mids(series for series in feed.quotes if series.symbol == symbol))
    for symbol, columns in feed.bars.items():
        if len(columns):
            yield symbol, _Closes(columns)


def _mids(parts: Iterable[QuoteSeries]) -> Iterator[tuple[int, Decimal | None]]:
    for series in parts:
        for place, us in enumerate(times_of(series)):
            quote = series.quote_at(place)
            yield us, quote.last if quote.mid is None else quote.mid


def _grouped(events: Iterable[tuple[str, Seen]]) -> dict[str, list[Seen]]:
    found: dict[str, list[Seen]] = {}
    for symbol, seen in events:
        found.setdefault(symbol, []).append(seen)
    return found

"""Quotes, books, bars and market hours as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from floorbroker.api.views.shape import View, plain, text, when
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.records import BookLevel, MarketHours, Quote
from floorbroker.domain.values import WIDE, text_of, time_text
from floorbroker.marketdata.readings import BookView as Book

_SHOWN = Decimal("0.0000000001")


class QuoteView(View, frozen=True):
    """Best bid and ask; a side that is not there is null."""

    symbol: str
    bid: str | None
    ask: str | None
    bid_size: str
    ask_size: str
    last: str | None
    time: str
    source: str


class LevelView(View, frozen=True):
    """One price of a book, and the size at it."""

    price: str
    size: str


class BookView(View, frozen=True):
    """An order book, best level first.  What a side that is not there would be needed for is null."""

    symbol: str
    bids: tuple[LevelView, ...]
    asks: tuple[LevelView, ...]
    spread: str | None
    mid: str | None
    microprice: str | None
    imbalance: str | None
    state: str
    sequence: int | None
    time: str | None


class BarView(View, frozen=True):
    """One bar; `start` is inclusive."""

    start: str
    open: str
    high: str
    low: str
    close: str
    volume: str


class BarsView(View, frozen=True):
    """Bars of one symbol, oldest first."""

    symbol: str
    span_s: int
    items: tuple[BarView, ...]


class HoursView(View, frozen=True):
    """One day of one market; times are null on a closed day."""

    market: str
    day: str
    is_open_day: bool
    open: str | None
    close: str | None
    extended_open: str | None
    extended_close: str | None
    is_open_now: bool | None


def _rounded(quotient: Decimal | None) -> str | None:
    """A quotient has no last digit: ten decimals of it are shown, and no venue's tick is finer."""
    return None if quotient is None else text(quotient.quantize(_SHOWN, context=WIDE))


def book_view(book: Book, depth: int) -> BookView:
    return BookView(
        symbol=book.symbol,
        bids=_levels(book.bids),
        asks=_levels(book.asks),
        spread=text(book.spread),
        mid=text(book.mid),
        microprice=_rounded(book.microprice),
        imbalance=_rounded(book.imbalance(depth)),
        state=book.state.value,
        sequence=book.sequence,
        time=when(book.time),
    )


def _levels(levels: Sequence[BookLevel]) -> tuple[LevelView, ...]:
    return tuple(LevelView(price=text_of(level.price), size=text_of(level.size)) for level in levels)


def bars_view(series: BarSeries, most: int) -> BarsView:
    """The last `most` of the bars."""
    return BarsView(
        symbol=series.symbol,
        span_s=series.span_s,
        items=tuple(
            BarView(
                start=time_text(bar.start),
                open=text_of(bar.open),
                high=text_of(bar.high),
                low=text_of(bar.low),
                close=text_of(bar.close),
                volume=text_of(bar.volume),
            )
            for bar in series[-most:]
        ),
    )


def hours_view(hours: MarketHours) -> HoursView:
    return HoursView(**{name: plain(getattr(hours, name)) for name in HoursView.__struct_fields__})


def quote_view(quote: Quote) -> QuoteView:
    return QuoteView(
        symbol=quote.symbol,
        bid=text(quote.bid),
        ask=text(quote.ask),
        bid_size=text_of(quote.bid_size),
        ask_size=text_of(quote.ask_size),
        last=text(quote.last),
        time=time_text(quote.time),
        source=quote.source,
    )

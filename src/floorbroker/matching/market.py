"""The market as it was fed: what others offer, and what is left of it after our own fills."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from enum import Enum, auto

from floorbroker.domain.records import BookDelta, Quote
from floorbroker.domain.values import ZERO, Price, Quantity, Side


class Liquidity(Enum):
    """Whether sizes count: fills at the touch whatever the size, or only what is displayed (a size of zero offers nothing)."""

    UNLIMITED = auto()
    DISPLAYED = auto()


class Market:
    """One symbol: bids and asks as price to size, and the last trade.

    Until quotes or a book are fed, each trade is taken for both sides of the market.
    """

    __slots__ = ("asks", "bids", "last", "quote", "quoted")

    def __init__(self) -> None:
        self.bids: dict[Price, Decimal] = {}
        self.asks: dict[Price, Decimal] = {}
        self.last: Price | None = None
        self.quote: Quote | None = None
        self.quoted = False

    def set_quote(self, quote: Quote) -> None:
        self.quote = quote
        self.quoted = True
        self.bids = {} if quote.bid is None else {quote.bid: quote.bid_size}
        self.asks = {} if quote.ask is None else {quote.ask: quote.ask_size}
        if quote.last is not None:
            self.last = quote.last

    def set_point(self, price: Price, bid_size: Decimal, ask_size: Decimal) -> None:
        """A single price that is last, bid and ask at once (trades and bars without quotes)."""
        self.last = price
        self.bids, self.asks = {price: bid_size}, {price: ask_size}

    def apply(self, delta: BookDelta) -> None:
        if delta.reset or self.quote is not None:
            self.bids, self.asks, self.quote = {}, {}, None
        self.quoted = True
        for book, levels in ((self.bids, delta.bids), (self.asks, delta.asks)):
            for level in levels:
                if level.size:
                    book[level.price] = level.size
                else:
                    book.pop(level.price, None)

    def touch(self, side: Side) -> Price | None:
        """The best price a taker of `side` meets: the ask for a buy, the bid for a sell."""
        if side is Side.BUY:
            return min(self.asks) if self.asks else None
        return max(self.bids) if self.bids else None

    def levels(self, side: Side) -> Iterator[tuple[Price, Decimal]]:
        """What a taker of `side` meets, best first."""
        book = self.asks if side is Side.BUY else self.bids
        if len(book) == 1:
            yield from tuple(book.items())
            return
        for price in sorted(book, reverse=side is Side.SELL):
            yield price, book[price]

    def take(self, side: Side, price: Price, qty: Quantity) -> None:
        """Our fill used up part of a displayed level."""
        book = self.asks if side is Side.BUY else self.bids
        book[price] = max(ZERO, book[price] - qty)

    def reference(self, side: Side) -> Price | None:
        """What elects a stop of `side`: the last trade; while none was seen, the touch."""
        return self.touch(side) if self.last is None else self.last

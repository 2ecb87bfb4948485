"""Trades and order books as what is played: orders meet what stands when they arrive."""

from __future__ import annotations

from decimal import Decimal

from floorbroker.backtest import Backtest, Costs, Feed, Fixed
from floorbroker.domain.records import BookDelta, BookLevel, Trade
from floorbroker.domain.values import Price
from floorbroker.matching import Liquidity
from tests.unit.backtest.market import MINUTE, START, Scripted, prices

D = Decimal


def delta(minute: int, bids: dict[str, int], asks: dict[str, int]) -> BookDelta:
    sides = (
        tuple(BookLevel(price=Price(D(price)), size=D(size)) for price, size in side.items()) for side in (bids, asks)
    )
    one, other = sides
    return BookDelta(symbol="BTC/USD", bids=one, asks=other, time=START + minute * MINUTE, reset=minute == 0)


class AtFirst(Scripted):
    """Acts on the first change of a book, or on the first trade."""

    def on_book(self, delta: BookDelta) -> None:
        if not self.seen:
            self.seen = 1
            self.buy("BTC/USD", 3)

    def on_trade(self, trade: Trade) -> None:
        if not self.seen:
            self.seen = 1
            self.buy("BTC/USD", 3)


BOOKS = [
    delta(0, {"99": 5}, {"101": 2, "102": 5}),
    delta(1, {"98": 1}, {"101": 0}),
    delta(2, {}, {"101.5": 9}),
]


def test_an_order_walks_the_levels_of_the_book() -> None:
    result = Backtest(AtFirst({}), Feed(books=BOOKS), costs=Costs(liquidity=Liquidity.DISPLAYED)).run()
    assert [(fill.price, fill.qty) for fill in result.fills] == [(D(101), 2), (D(102), 1)]


def test_with_a_latency_it_meets_the_book_of_its_arrival() -> None:
    result = Backtest(AtFirst({}), Feed(books=BOOKS), costs=Costs(latency=Fixed(ms=90_000))).run()
    assert prices(result) == [D(102)]


def test_an_order_of_a_trade_meets_the_next_trade() -> None:
    trades = [
        Trade(symbol="BTC/USD", price=Price(D(price)), size=D(1), time=START + minute * MINUTE)
        for minute, price in enumerate((100, 103, 104))
    ]
    assert prices(Backtest(AtFirst({}), Feed(trades=trades)).run()) == [D(103)]

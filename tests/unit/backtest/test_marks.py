"""What is held is worth what the market last said, in the units of the moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest

from floorbroker.backtest import Backtest, Feed, Happening, Renamed, Result
from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.records import BookDelta, BookLevel, Quote, Trade
from floorbroker.domain.values import Price
from floorbroker.marketdata.adjust import adjusted, factors_of
from floorbroker.strategy import BarView
from floorbroker.tape import QuoteSeries, actions_of
from floorbroker.tape.folder import Factor
from tests.unit.backtest.market import START, Row, Scripted, series

D = Decimal


def still(cents: int) -> Row:
    return cents, cents, cents, cents


HOUR_S = 3_600
EVE = datetime(2024, 1, 3, 19, tzinfo=UTC)  # 14:00 in New York
DAY = date(2024, 1, 4)
FOUR = Split(symbol="SPY", day=DAY, shares_from=D(1), shares_to=D(4))
DOLLAR = Dividend(symbol="SPY", day=DAY, amount=D(4))


def through(*actions: Happening, after: int, symbol: str = "SPY", hours: int = 24) -> tuple[Result, list[Any]]:
    """Ten shares held from an afternoon at 100 dollars into the morning of `actions`; a coin trades all night.

    With the result: what the account was worth each time the coin traded.
    """
    shares = series([still(10_000)] * 2, span_s=HOUR_S, start=EVE)
    opens = datetime(2024, 1, 4, 15, tzinfo=UTC)
    morning = series([still(after)] * 3, symbol=symbol, span_s=HOUR_S, start=opens)
    if symbol == "SPY":
        joined = BarSeries.from_columns(
            "SPY", [a + b for a, b in zip(shares.columns, morning.columns, strict=True)], span_s=HOUR_S, price_decimals=2,
            size_decimals=0,
        )  # fmt: skip
        feed = Feed.of_bars(joined, series([still(500)] * hours, symbol="BTC/USD", span_s=HOUR_S, start=EVE))
    else:
        feed = Feed.of_bars(shares, morning, series([still(500)] * hours, symbol="BTC/USD", span_s=HOUR_S, start=EVE))
    seen: list[Any] = []

    class Watching(Scripted):
        def on_bar(self, bar: BarView) -> None:
            super().on_bar(bar)
            seen.append((self.equity, self.price(symbol)))

    result = Backtest(Watching({0: lambda s: s.buy("SPY", 10)}), feed, cash=D(1_000), actions=actions).run()
    return result, seen


CASES: list[tuple[list[Happening], int]] = [
    ([FOUR], 2_500),
    ([DOLLAR], 9_600),
    ([FOUR, DOLLAR], 2_400),
    ([DOLLAR, FOUR], 2_400),
    ([Renamed(symbol="SPY", day=DAY, new="SPYX")], 10_000),
]


@pytest.mark.parametrize(("actions", "after"), CASES)
def test_equity_stands_still_from_the_morning_of_an_action_to_the_first_bar(
    actions: list[Happening], after: int
) -> None:
    symbol = next((one.new for one in actions if isinstance(one, Renamed)), "SPY")
    result, seen = through(*actions, after=after, symbol=symbol)
    assert {point.equity for point in result.equity} == {D(1_000)}
    assert {equity for equity, _ in seen} == {D(1_000)}
    morning = datetime(2024, 1, 4, 12, tzinfo=UTC)
    assert any(point.at == morning for point in result.equity)  # there are points before the first bar


def test_adjusted_prices_and_a_backtest_agree_on_a_split_and_a_dividend_of_one_day() -> None:
    """A dividend is for each share of the evening before: 4 dollars of 100 leave 96, and four new shares are 24 each."""
    recorded = actions_of(
        "SPY",
        [
            Factor(day=DAY - timedelta(days=1), price=D("0.96"), split=D("0.25"), reference=D(100)),
            Factor(day=date(2050, 1, 1), price=D(1), split=D(1), reference=D(0)),
        ],
        next_day=lambda day: day + timedelta(days=1),
    )
    for actions in ([FOUR, DOLLAR], [DOLLAR, FOUR], recorded):
        assert set(actions) == {FOUR, DOLLAR}
        result, _ = through(*actions, after=2_400)
        assert (result.positions["SPY"], result.income) == (40, 40)
        bars = result.bars["SPY"]
        raw = BarSeries("SPY", span_s=HOUR_S, price_decimals=2, size_decimals=0)
        for place in range(len(bars)):
            raw.append(BarView(bars, place).to_bar())
        factors = factors_of(actions, [(DAY - timedelta(days=1), D(100))], basis="total")
        assert {row.close for row in adjusted(raw, factors)} == {D(24)}
        assert {point.equity for point in result.equity} == {D(1_000)}
        assert factors.at(EVE.date())[0] == Fraction(24, 100)


# --- Feeds without bars -----------------------------------------------------------------------------------------------


class Once(Scripted):
    """Buys ten of what it sees first, and keeps what the account is worth with every event."""

    def __init__(self, **parameters: Any) -> None:
        super().__init__({}, **parameters)
        self.worths: list[Decimal] = []

    def _once(self, symbol: str) -> None:
        if not self.seen:
            self.buy(symbol, 10)
        self.seen += 1
        self.worths.append(self.equity)

    def on_quote(self, quote: Quote) -> None:
        self._once(quote.symbol)

    def on_trade(self, trade: Trade) -> None:
        self._once(trade.symbol)

    def on_book(self, delta: BookDelta) -> None:
        self._once(delta.symbol)


def quoted(*sides: tuple[int, int]) -> QuoteSeries:
    """Minutes of bid and ask in cents; zero is no side."""
    made = QuoteSeries("SPY", span_s=60, price_decimals=2, size_decimals=0)
    for minute, (bid, ask) in enumerate(sides):
        made.append_scaled(START + timedelta(minutes=minute), (bid,) * 4 + (100,) + (ask,) * 4 + (100,))
    return made


def book(minute: int, bid: str, ask: str) -> BookDelta:
    one, other = ((BookLevel(price=Price(D(price)), size=D(50)),) for price in (bid, ask))
    return BookDelta(symbol="SPY", bids=one, asks=other, time=START + timedelta(minutes=minute), reset=True)


def trade(minute: int, price: str) -> Trade:
    return Trade(symbol="SPY", price=Price(D(price)), size=D(50), time=START + timedelta(minutes=minute))


@pytest.mark.parametrize(
    ("feed", "worths"),
    [
        (Feed(quotes=[quoted((9_900, 10_100), (10_900, 11_100), (12_000, 0))]), [990, 1_090, 1_090]),
        (Feed(quotes=[quoted((9_900, 10_100), (0, 0), (10_900, 11_100))]), [990, 990, 1_090]),
        (Feed(books=[book(0, "99", "101"), book(1, "109", "111")]), [990, 1_090]),
        (Feed(trades=[trade(0, "90"), trade(1, "100"), trade(2, "110")]), [1_000, 1_000, 1_100]),
    ],
)
def test_what_is_held_of_a_symbol_without_bars_is_worth_what_was_heard_last(feed: Feed, worths: list[int]) -> None:
    strategy = Once()
    result = Backtest(strategy, feed, cash=D(1_000)).run()
    assert sum(fill.qty for fill in result.fills) == 10
    assert [point.equity for point in result.equity] == worths
    assert strategy.worths[1:] == worths[1:]
    assert result.document()["pnl"] == str(worths[-1] - 1_000)

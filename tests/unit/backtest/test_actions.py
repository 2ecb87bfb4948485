"""Splits, dividends and changes of names, by real cases of the recorded factors."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.backtest import Backtest, Costs, Feed, Renamed, recorded_feed
from floorbroker.domain.actions import Split
from floorbroker.domain.values import OrdStatus
from floorbroker.strategy import BarView, Income
from floorbroker.tape import Tape, load
from tests.unit.backtest.market import Scripted, series

D = Decimal


@pytest.fixture(scope="module")
def tape(recorded_data: Path) -> Tape:
    return load(recorded_data)


class Holder(Scripted):
    def __init__(self, *args: object, **parameters: object) -> None:
        super().__init__({0: lambda s: s.buy(s.symbols[0], s.units)}, **parameters)  # type: ignore[attr-defined]
        self.incomes: list[Income] = []
        self.units = 100

    def on_income(self, income: Income) -> None:
        self.incomes.append(income)


def held(tape: Tape, symbol: str, since: date, until: date, *, units: int = 100) -> tuple[Holder, Backtest]:
    feed, actions = recorded_feed(tape, (symbol,), since=since, until=until)
    holder = Holder(symbols=(symbol,))
    holder.units = units
    run = Backtest(holder, feed, actions=actions, sessions=True)
    run.run()
    return holder, run


def test_seven_for_one_makes_seven_hundred_of_a_hundred(tape: Tape) -> None:
    holder, run = held(tape, "AAPL", date(2014, 6, 2), date(2014, 6, 12))
    assert run.venue.held() == {"AAPL": 700}
    assert [income.split for income in holder.incomes] == [7]
    result = run.venue.ledger
    assert result.position("AAPL").cost == 100 * holder.filled[0].price
    assert (
        abs(run.venue.equity - 100_000) < 2_500
    )  # a hundred shares at 645 dollars moved by some percent, not by six sevenths


def test_a_dividend_is_paid_to_who_held_the_evening_before(tape: Tape) -> None:
    holder, run = held(tape, "AAPL", date(2013, 5, 6), date(2013, 5, 10))
    assert [income.cash for income in holder.incomes] == [D("305.00")]
    assert run.venue.ledger.income == D("305.00")
    _, late = held(tape, "AAPL", date(2013, 5, 8), date(2013, 5, 10))  # bought on the morning it was no longer part of
    assert late.venue.ledger.income == 0


def test_what_is_short_owes_the_dividend(tape: Tape) -> None:
    feed, actions = recorded_feed(tape, ("AAPL",), since=date(2013, 5, 6), until=date(2013, 5, 10))
    run = Backtest(Scripted({0: lambda s: s.sell("AAPL", 10)}), feed, actions=actions, sessions=True)
    run.run()
    assert run.venue.ledger.income == D("-30.50")


def test_a_reverse_split_pays_the_rest_in_cash(tape: Tape) -> None:
    _, run = held(tape, "AIG", date(2009, 6, 26), date(2009, 7, 2), units=105)
    assert run.venue.held() == {"AIG": 5}
    evening = run.feed.bars["AIG"].close[2]  # of the thirtieth of June: five old shares were a quarter of a new one
    assert run.venue.ledger.income == 5 * D(evening) / 10_000


def test_open_orders_end_over_a_split_and_the_strategy_is_told(tape: Tape) -> None:
    feed, actions = recorded_feed(tape, ("AAPL",), since=date(2014, 6, 2), until=date(2014, 6, 12))
    strategy = Scripted({0: lambda s: s.buy("AAPL", 1, limit="100", tif="gtc")})
    result = Backtest(strategy, feed, actions=actions, sessions=True).run()
    assert not result.fills  # at 94 dollars it would have bought a seventh of what it meant
    assert strategy.heard[-1].ord_status is OrdStatus.CANCELED


def test_a_round_trip_over_a_split_is_no_loss(tape: Tape) -> None:
    feed, actions = recorded_feed(tape, ("AAPL",), since=date(2014, 6, 2), until=date(2014, 6, 12))
    last = len(feed.bars["AAPL"]) - 2
    strategy = Scripted({0: lambda s: s.buy("AAPL", 100), last: lambda s: s.close("AAPL")})
    result = Backtest(strategy, feed, actions=actions, sessions=True).run()
    (trip,) = result.trips
    assert trip.qty == 700
    assert trip.profit == result.end_cash - 100_000


def test_a_symbol_goes_on_under_another_name(tape: Tape) -> None:
    """Google's class A shares traded as GOOG until the second of April 2014, and as GOOGL from the third on."""
    old, _ = recorded_feed(tape, ("GOOG",), since=date(2014, 3, 28), until=date(2014, 4, 2))
    new, _ = recorded_feed(tape, ("GOOGL",), since=date(2014, 4, 3), until=date(2014, 4, 7))
    feed = Feed(bars={**old.bars, **new.bars})
    action = Renamed(symbol="GOOG", day=date(2014, 4, 3), new="GOOGL")
    told: list[Income] = []

    class Told(Scripted):
        def on_income(self, income: Income) -> None:
            told.append(income)

        def on_bar(self, bar: BarView) -> None:
            super().on_bar(bar)
            if bar.symbol == "GOOGL":
                self.close("GOOGL")

    strategy = Told({0: lambda s: s.buy("GOOG", 10)})
    result = Backtest(strategy, feed, actions=[action], sessions=True).run()
    assert [(fill.symbol, fill.signed_qty) for fill in result.fills] == [("GOOG", 10), ("GOOGL", -10)]
    assert [income.renamed_to for income in told] == ["GOOGL"]
    assert not result.positions
    (trip,) = result.trips
    assert (trip.symbol, trip.qty, trip.entry, trip.exit) == ("GOOGL", 10, result.fills[0].price, result.fills[1].price)
    assert trip.profit == result.end_cash - result.cash


def test_a_night_before_a_split_is_paid_for_in_old_units() -> None:
    four = Split(symbol="SPY", day=date(2024, 1, 4), shares_from=D(1), shares_to=D(4))
    bars = series([(10_000, 10_000, 10_000, 10_000)] * 3 + [(2_500, 2_500, 2_500, 2_500)] * 2, span_s=36_000)
    costs = Costs(borrow_percent=D(36))
    run = Backtest(Scripted({0: lambda s: s.sell("SPY", 10)}), Feed.of_bars(bars), actions=[four], costs=costs)
    run.run()
    assert run.venue.held() == {"SPY": -40}
    assert run.venue.ledger.income == -1  # 1,000 dollars at a tenth of a percent, not four times that


def test_borrowed_shares_cost_every_night(tape: Tape) -> None:
    feed, _ = recorded_feed(tape, ("SPY",), since=date(2014, 6, 2), until=date(2014, 6, 6))
    run = Backtest(Scripted({0: lambda s: s.sell("SPY", 100)}), feed, sessions=True, costs=Costs(borrow_percent=D(36)))
    run.run()
    closes = [feed.bars["SPY"].close[place] for place in (1, 2, 3)]  # short over three nights
    expected = sum(((D(close) / 10_000 * 100 / 1000).quantize(D("0.01")) for close in closes), D(0))
    assert run.venue.ledger.income == -expected

"""Several currencies: all is told in the account's, by a rate that was given or a pair that is played; never one for one."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from floorbroker.backtest import Backtest, Costs, Feed
from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.values import OrdStatus
from floorbroker.matching import PerShare
from floorbroker.strategy import Budget
from tests.unit.backtest.market import MINUTE, START, Scripted, flat, play, series

D = Decimal
GIVEN = {"rates": {"EUR": D("1.5")}, "currency": "USD"}


def euros() -> Any:
    """A share-like coin in euros: 10, 12, 12."""
    return series(flat(1_000, 1_000, 1_200, 1_200), symbol="LTC/EUR")


def dollars() -> Any:
    return series(flat(1_000, 1_000, 1_000, 1_000), symbol="LTC/USD")


def test_amounts_of_another_currency_are_turned_at_the_rate_that_was_given() -> None:
    script = {0: lambda s: s.buy("LTC/EUR", 10), 3: lambda s: s.close("LTC/EUR")}
    costs = Costs(fees=PerShare(rate=D("0.1")))
    result = play(Scripted({0: script[0]}), euros(), cash=D(1_000), costs=costs, **GIVEN)
    assert result.currency == "USD"
    assert result.end_equity == 1_000 + (20 - 1) * D("1.5")
    assert result.end_cash == 1_000 - (100 + 1) * D("1.5")
    assert result.fees == D("1.5")
    assert result.document()["rates"] == {"EUR": "1.5"}


def test_a_pair_that_is_played_tells_the_rate_of_each_moment() -> None:
    """Ten bought with borrowed euros at a rate of 2; the euro falls to 1, and so does what is owed."""
    pair = series(
        [(200, 200, 200, 200), (200, 200, 200, 200), (200, 200, 100, 100), (100, 100, 100, 100)], symbol="EUR/USD"
    )
    result = play(Scripted({1: lambda s: s.buy("LTC/EUR", 10)}), pair, euros(), cash=D(1_000))
    assert result.currency == "USD"
    assert [point.equity for point in result.equity] == [1_000, 1_000, 1_020, 1_020]


def test_a_pair_upside_down_tells_it_too() -> None:
    pair = series([(50, 50, 50, 50)] * 4, symbol="USD/EUR")
    result = play(Scripted({1: lambda s: s.buy("LTC/EUR", 10)}), pair, euros(), cash=D(1_000), currency="USD")
    assert result.end_equity == 1_040


def test_round_trips_are_told_in_the_accounts_currency() -> None:
    script = {0: lambda s: s.buy("LTC/EUR", 10), 2: lambda s: s.close("LTC/EUR")}
    (trip,) = play(Scripted(script), euros(), cash=D(1_000), **GIVEN).trips
    assert (trip.entry, trip.exit, trip.profit) == (10, 12, 30)


def test_without_a_rate_nothing_is_played() -> None:
    for options in ({}, {"rates": {"CHF": D(1)}}):
        with pytest.raises(InvalidRequest, match="EUR have no rate into USD") as refused:
            play(Scripted({}), dollars(), euros(), **options)
        assert refused.value.fields[0].pointer == "/rates"
    with pytest.raises(InvalidRequest, match="positive"):
        play(Scripted({}), dollars(), euros(), rates={"EUR": D(0)})


def test_an_order_before_the_first_price_of_the_pair_is_refused() -> None:
    late = series([(200, 200, 200, 200)] * 2, symbol="EUR/USD", start=START + 2 * MINUTE)
    script = {0: lambda s: s.buy("LTC/EUR", 1), 3: lambda s: s.buy("LTC/EUR", 1)}
    strategy = Scripted(script)
    result = Backtest(strategy, Feed.of_bars(late, euros()), cash=D(1_000)).run()
    assert strategy.heard[0].ord_status is OrdStatus.REJECTED
    assert strategy.heard[0].reason == "no rate from EUR to USD is known yet"
    assert len(result.fills) == 1


def test_what_is_not_played_passes_no_budget() -> None:
    class Bounded(Scripted):
        def risk_budget(self) -> Budget:
            return Budget(position_max=D(10**9))

    strategy = Bounded({0: lambda s: s.buy("LTC/EUR", 1)})
    assert not play(strategy, dollars()).fills
    assert strategy.heard[0].ord_status is OrdStatus.NOT_SENT
    assert "without a price and a rate of exchange for LTC/EUR" in strategy.heard[0].reason


@pytest.mark.parametrize(("units", "fills"), [(6, 1), (7, 0)])
def test_what_the_account_may_hold_is_reckoned_in_its_own_currency(units: int, fills: int) -> None:
    strategy = Scripted({0: lambda s: s.buy("LTC/EUR", units)})
    result = play(strategy, euros(), cash=D(100), costs=Costs(leverage=D(1)), **GIVEN)
    assert len(result.fills) == fills


@pytest.mark.parametrize(("units", "fills"), [(6, 1), (7, 0)])
def test_a_budget_is_held_to_in_the_accounts_currency(units: int, fills: int) -> None:
    class Careful(Scripted):
        def risk_budget(self) -> Budget:
            return Budget(position_max=D(100))

    result = play(Careful({0: lambda s: s.buy("LTC/EUR", units)}), euros(), cash=D(1_000), **GIVEN)
    assert len(result.fills) == fills


def test_what_is_short_costs_in_its_own_currency_each_night() -> None:
    bars = series([(1_000, 1_000, 1_000, 1_000)] * 4, symbol="LTC/EUR", span_s=36_000)
    costs = Costs(borrow_percent=D(36))
    result = play(Scripted({0: lambda s: s.sell("LTC/EUR", 100)}), bars, cash=D(1_000), costs=costs, **GIVEN)
    assert result.income == -D("1.5")
    assert result.end_equity == D("998.5")

"""Factors of splits and dividends are exact fractions, and agree with those of the recording."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.bars import BarSeries
from floorbroker.marketdata.adjust import adjusted, factors_of, rounded
from floorbroker.marketdata.calendars import day_of, day_start, next_session
from floorbroker.tape import actions_of, load

CLOSES = [(date(2024, 1, 2), Decimal(100)), (date(2024, 1, 3), Decimal(50)), (date(2024, 1, 4), Decimal(49))]
HALVED = Split(symbol="X", day=date(2024, 1, 3), shares_from=Decimal(1), shares_to=Decimal(2))
PAID = Dividend(symbol="X", day=date(2024, 1, 4), amount=Decimal(1))


def test_a_day_has_the_factors_of_what_came_after_it() -> None:
    factors = factors_of([PAID, HALVED], CLOSES, basis="total")
    assert factors.at(date(2024, 1, 2)) == (Fraction(1, 2) * Fraction(49, 50), 2)
    assert factors.at(date(2024, 1, 3)) == (Fraction(49, 50), 1)
    assert factors.at(date(2024, 1, 4)) == (1, 1)
    assert factors_of([PAID, HALVED], CLOSES, basis="splits").at(date(2024, 1, 2)) == (Fraction(1, 2), 2)
    assert factors_of([PAID, HALVED], CLOSES, basis="raw").steps == ()


def test_what_was_not_known_yet_is_no_factor() -> None:
    factors = factors_of([PAID, HALVED], CLOSES, basis="total", until=date(2024, 1, 3))
    assert factors.at(date(2024, 1, 2)) == (Fraction(1, 2), 2)


def test_a_dividend_without_a_close_before_it_is_named() -> None:
    factors = factors_of([PAID], CLOSES[2:], basis="total")
    assert (factors.steps, factors.unpriced) == ((), (PAID,))


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 10**9))
def test_a_split_and_its_reverse_leave_a_price_as_it_was(old: int, new: int, price: int) -> None:
    there = Split(symbol="X", day=date(2024, 1, 3), shares_from=Decimal(old), shares_to=Decimal(new))
    back = Split(symbol="X", day=date(2024, 1, 4), shares_from=Decimal(new), shares_to=Decimal(old))
    factor, _ = factors_of([there, back], [], basis="splits").at(date(2024, 1, 2))
    assert rounded(Fraction(price, 100) * factor) == Decimal(price) / 100


@pytest.mark.parametrize(("value", "text"), [("0.000000005", "0"), ("0.000000015", "2E-8"), ("-0.000000005", "0")])
def test_a_number_is_rounded_once_and_half_even(value: str, text: str) -> None:
    assert rounded(Fraction(value)) == Decimal(text)


@pytest.mark.parametrize("symbol", ["AAPL", "AIG", "USO", "SPY"])
def test_recorded_prices_come_out_as_by_the_recorded_factors(recorded_data: Path, symbol: str) -> None:
    tape = load(recorded_data)
    recorded = tape.factors(symbol)
    series = tape.daily(symbol)
    closes = [(day_of(symbol, bar.start), bar.close) for bar in series]
    factors = factors_of(actions_of(symbol, recorded, next_day=next_session), closes, basis="total")
    assert not factors.unpriced
    for index in range(0, len(series), 97):
        day = closes[index][0]
        theirs = next(row for row in recorded if row.day >= day)
        assert float(factors.at(day)[0]) == pytest.approx(float(theirs.price * theirs.split), rel=2e-4)


def test_bars_are_multiplied_volumes_by_splits_alone() -> None:
    series = BarSeries("X", span_s=86_400, price_decimals=2)
    series.append_scaled(day_start("X", date(2024, 1, 2)), (10_000, 10_100, 9_900, 10_000), 7)
    (row,) = adjusted(series, factors_of([PAID, HALVED], CLOSES, basis="total"))
    assert (row.close, row.volume) == (Decimal(49), Decimal(14))

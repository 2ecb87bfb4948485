"""Splits and dividends come back out of factors."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

from floorbroker.domain.actions import Dividend, Split
from floorbroker.tape import Factor, actions_of, load


def tomorrow(day: date) -> date:
    return day + timedelta(days=1)


def factor(day: str, price: str, split: str, reference: str = "100") -> Factor:
    return Factor(day=date.fromisoformat(day), price=Decimal(price), split=Decimal(split), reference=Decimal(reference))


def test_rows_that_say_the_same_are_no_event() -> None:
    assert (
        actions_of("X", [factor("2020-01-02", "0.9", "1"), factor("2020-03-02", "0.9", "1")], next_day=tomorrow) == []
    )


def test_a_day_may_have_a_split_and_a_dividend() -> None:
    rows = [factor("2020-01-02", "0.98", "0.333333"), factor("2050-12-31", "1", "1")]
    split, paid = actions_of("X", rows, next_day=tomorrow)
    assert split == Split(symbol="X", day=date(2020, 1, 3), shares_from=Decimal(1), shares_to=Decimal(3))
    assert paid == Dividend(symbol="X", day=date(2020, 1, 3), amount=Decimal("2.0000"))


def test_a_ratio_that_is_near_no_plain_one_stays_exact() -> None:
    (split,) = actions_of(
        "X", [factor("2020-01-02", "1", "0.997307"), factor("2050-12-31", "1", "1")], next_day=tomorrow
    )
    assert isinstance(split, Split)
    assert split.ratio == Fraction(1_000_000, 997_307)


def test_recorded_factors_hold_what_apple_announced(recorded_data: Path) -> None:
    found = actions_of("AAPL", load(recorded_data).factors("AAPL"), next_day=tomorrow)
    assert [one.ratio for one in found if isinstance(one, Split)] == [2, 2, 7, 4]
    paid = {one.day: one.amount for one in found if isinstance(one, Dividend)}
    announced = {date(2012, 8, 9): "2.65", date(2013, 5, 9): "3.05", date(2014, 5, 8): "3.29", date(2014, 8, 7): "0.47"}
    assert {day: str(paid[day]) for day in announced} == announced


def test_a_dividend_of_less_than_whole_cents_keeps_its_digits(recorded_data: Path) -> None:
    found = actions_of("SPY", load(recorded_data).factors("SPY"), next_day=tomorrow)
    assert str(next(one for one in found if isinstance(one, Dividend)).amount) == "0.3134"

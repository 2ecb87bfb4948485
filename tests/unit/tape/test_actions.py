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
    first = next(one for one in found if isinstance(one, Dividend))
    assert (first.day, abs(first.amount - Decimal("2.65")) < Decimal("0.001")) == (date(2012, 8, 9), True)

"""Exact numbers from outside text, and rounding that says which way (I25)."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.values import (
    Money,
    NotExact,
    Price,
    Quantity,
    Side,
    decimal_of,
    from_epoch,
    round_to_lot,
    round_to_tick,
    text_of,
    time_text,
)


@pytest.mark.parametrize(
    "raw",
    [
        1.5,
        True,
        None,
        "NaN",
        "sNaN",
        "Infinity",
        "-inf",
        "1e400",
        "1e-400",
        "",
        " 1",
        "1_000",
        "٣",
        "0x10",
        "1" * 90,
        10**60,
    ],
)
def test_what_is_no_exact_number_is_refused(raw: object) -> None:
    with pytest.raises(NotExact):
        decimal_of(raw)  # pyright: ignore[reportArgumentType]


@pytest.mark.parametrize(("raw", "value"), [("189.50", "189.5"), (7, "7"), ("-0.0001", "-0.0001"), ("1e3", "1000")])
def test_text_and_whole_numbers_are_exact(raw: str | int, value: str) -> None:
    assert decimal_of(raw) == Decimal(value)


@given(st.decimals(allow_nan=False, allow_infinity=False, places=9, min_value=-(10**12), max_value=10**12))
def test_text_of_a_number_reads_back_as_the_number(value: Decimal) -> None:
    text = text_of(value)
    assert decimal_of(text) == value
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith(("0", ".")))


@given(
    st.decimals(allow_nan=False, allow_infinity=False, places=4, min_value=0, max_value=10_000),
    st.sampled_from([Decimal("0.01"), Decimal("0.05"), Decimal("0.0001"), Decimal(1)]),
    st.sampled_from(Side),
)
def test_a_price_is_never_rounded_to_our_loss(price: Decimal, tick: Decimal, side: Side) -> None:
    rounded = round_to_tick(Price(price), tick, side)
    assert rounded % tick == 0
    assert 0 <= (price - rounded) * side.sign < tick


def test_a_lot_is_rounded_down() -> None:
    assert round_to_lot(Quantity(Decimal("10.7")), Decimal("0.5")) == Decimal("10.5")


def test_a_step_of_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="positive"):
        round_to_lot(Quantity(Decimal(1)), Decimal(0))


def test_amounts_of_two_currencies_do_not_add() -> None:
    assert Money(Decimal(1), "USD") + Money(Decimal(2), "USD") == Money(Decimal(3), "USD")
    with pytest.raises(ValueError, match="do not add"):
        _ = Money(Decimal(1), "USD") + Money(Decimal(2), "EUR")


def test_times_are_utc_to_the_microsecond() -> None:
    assert from_epoch(ms=1_772_463_600_123) == datetime(2026, 3, 2, 15, 0, 0, 123_000, tzinfo=UTC)
    assert time_text(from_epoch(ns=1_772_463_600_123_456_789)) == "2026-03-02T15:00:00.123456Z"

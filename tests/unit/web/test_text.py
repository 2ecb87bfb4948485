"""How numbers look."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.web import text


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ("unknown", "unknown", "unknown", "unknown", "flat")),
        ("0", ("0", "0.00", "0.00", "0.00", "flat")),
        ("0.004", ("0.004", "0.004", "0.00", "0.00", "flat")),
        ("1234567.891", ("1,234,567.891", "1,234,567.891", "1,234,567.89", "▲ +1,234,567.89", "up")),
        ("189.5", ("189.5", "189.50", "189.50", "▲ +189.50", "up")),
        ("-0.5", ("-0.5", "-0.50", "-0.50", "▼ −0.50", "down")),
        ("-12345", ("-12,345", "-12,345.00", "-12,345.00", "▼ −12,345.00", "down")),
        ("-0.004", ("-0.004", "-0.004", "0.00", "0.00", "flat")),
        ("0.005", ("0.005", "0.005", "0.00", "0.00", "flat")),
        ("0.015", ("0.015", "0.015", "0.02", "▲ +0.02", "up")),
    ],
)
def test_numbers_are_grouped_signed_and_never_guessed(value: str | None, shown: tuple[str, ...]) -> None:
    exact = None if value is None else Decimal(value)
    ways = (text.number, text.price, text.money, text.gain, text.direction)
    assert tuple(way(exact) for way in ways) == shown


def test_a_time_in_a_table_says_its_day_and_one_in_a_sentence_its_zone_too() -> None:
    at = datetime(2026, 3, 2, 4, 5, 6, 789, tzinfo=UTC)
    assert (text.clock(at), text.stamp(at), text.moment(at)) == (
        "04:05:06",
        "03-02 04:05:06",
        "2026-03-02 04:05:06 UTC",
    )


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, "unknown"),
        ("189.5", "189.50"),
        ("221.5836363636363636363636364", "221.5836364"),
        ("2.00000000000001", "2.00"),
        ("12345678912.3456", "12,345,678,912.35"),
        ("0.0000123456789", "0.000012346"),
        ("-1.9999999999", "-2.00"),
    ],
)
def test_a_quotient_has_ten_digits(value: str | None, shown: str) -> None:
    assert text.average(None if value is None else Decimal(value)) == shown

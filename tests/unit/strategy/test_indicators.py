"""Indicators say the same whether bars come one by one or all at once, and what the textbook says."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.values import Price
from floorbroker.strategy import (
    Above,
    Average,
    Columns,
    Deviation,
    Exponential,
    Highest,
    Indicator,
    Lowest,
    NotReady,
    Track,
)

START = datetime(2024, 1, 2, 15, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KINDS = (Average, Exponential, Highest, Lowest, Deviation)
CLOSES = st.lists(st.integers(min_value=1, max_value=10**9), min_size=1, max_size=60)


def bar(place: int, close: int) -> Bar:
    price = Price(Decimal(close).scaleb(-4))
    return Bar(
        symbol="SPY", start=START + place * MINUTE, open=price, high=price, low=price, close=price, volume=Decimal(1)
    )


def columns(closes: list[int]) -> Columns:
    starts = [int((START + n * MINUTE).timestamp()) * 1_000_000 for n in range(len(closes))]
    series = BarSeries.from_columns("SPY", [starts, closes, closes, closes, closes, [1] * len(closes)], span_s=60)
    return Columns.of(series)


def told(track: Track, indicators: Sequence[Indicator]) -> list[list[Decimal | None]]:
    """What each says after every bar."""
    found: list[list[Decimal | None]] = []
    for place in range(len(track.columns)):
        track.at = place
        found.append([one.value if one.ready else None for one in indicators])
    return found


@given(CLOSES, st.integers(min_value=1, max_value=9))
def test_bars_one_by_one_and_all_at_once_give_the_same(closes: list[int], period: int) -> None:
    whole, live = Track(columns(closes)), Track(Columns("SPY", price_decimals=4, size_decimals=0))
    at_once = [kind(whole, period) for kind in KINDS]
    by_and_by = [kind(live, period) for kind in KINDS]
    above = (at_once[0].above(at_once[1]), by_and_by[0].above(by_and_by[1]))
    expected = told(whole, at_once)
    for place, close in enumerate(closes):
        live.add(bar(place, close), end=START + (place + 1) * MINUTE)
        whole.at = place
        assert [one.value if one.ready else None for one in by_and_by] == expected[place]
        assert above[0].now is above[1].now


@given(CLOSES, st.integers(min_value=1, max_value=9))
def test_they_say_what_the_textbook_says(closes: list[int], period: int) -> None:
    track = Track(columns(closes))
    average, highest, lowest, deviation = (kind(track, period) for kind in (Average, Highest, Lowest, Deviation))
    for place in range(period - 1, len(closes)):
        track.at = place
        window = closes[place + 1 - period : place + 1]
        assert average.value == pytest.approx(Decimal(sum(window)) / period / 10_000, rel=Decimal("1e-20"))
        assert (highest.value, lowest.value) == (Decimal(max(window)) / 10_000, Decimal(min(window)) / 10_000)
        spread = statistics.pvariance([Fraction(one) for one in window])
        assert deviation.raw == spread * period**2


def test_before_its_period_an_indicator_is_not_ready() -> None:
    track = Track(columns([10, 20, 30]))
    average = Average(track, 3)
    track.at = 1
    assert not average.ready
    with pytest.raises(NotReady, match="has seen 2 bars"):
        _ = average.value


def test_a_crossing_is_told_in_the_bar_it_happens() -> None:
    track = Track(columns([10, 10, 10, 40, 40, 40, 1, 1]))
    above = Average(track, 1).above(Average(track, 3))
    told = []
    for place in range(8):
        track.at = place
        told.append((above.now, above.crossed))
    assert [place for place, (_, crossed) in enumerate(told) if crossed] == [3, 5]
    assert [now for now, _ in told] == [True, True, False, True, True, False, False, False]


def test_indicators_of_two_symbols_are_not_followed_together() -> None:
    with pytest.raises(ValueError, match="same symbol"):
        Above(Average(Track(columns([1])), 1), Average(Track(columns([1])), 1))


def test_a_split_is_no_fall() -> None:
    """Seven for one: the average goes on in the new units."""
    track = Track(columns([70_0000, 70_0000, 70_0000, 10_0000, 10_0000]), splits=[(3, Fraction(7))])
    average = Average(track, 3)
    values: list[Decimal] = []
    for place in range(2, 5):
        track.at = place
        values.append(average.value)
    assert values == [Decimal(70), Decimal(10), Decimal(10)]


def test_a_reverse_split_is_exact_too() -> None:
    track = Track(columns([1_0000, 1_0000, 20_0000, 21_0000]), splits=[(2, Fraction(1, 20))])
    average = Average(track, 2)
    track.at = 2
    assert average.value == Decimal(20)
    track.at = 3
    assert average.value == Decimal("20.5")


@given(CLOSES)
def test_an_exponential_average_moves_towards_every_close(closes: list[int]) -> None:
    track = Track(columns(closes))
    average = Exponential(track, 3)
    kept = [*average.kept]
    assert kept[0] == closes[0] * 1000
    for close, (before, after) in zip(closes[1:], pairwise(kept), strict=True):
        assert min(before, close * 1000) - 1 <= after <= max(before, close * 1000)

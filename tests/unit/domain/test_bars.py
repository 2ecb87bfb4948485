"""Bars as views over columns: what goes in comes out, exactly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.values import Price

START = datetime(2013, 10, 7, 13, 30, tzinfo=UTC)
PRICES = st.integers(1, 10**9).map(lambda scaled: Price(Decimal(scaled).scaleb(-4)))


def _bar(number: int, prices: tuple[Price, Price, Price, Price], volume: int = 100) -> Bar:
    opened, high, low, close = prices
    start = START + timedelta(minutes=number)
    return Bar(symbol="SPY", start=start, open=opened, high=high, low=low, close=close, volume=Decimal(volume))


@given(st.lists(st.tuples(PRICES, PRICES, PRICES, PRICES), max_size=20))
def test_a_series_gives_back_the_bars_it_was_given(rows: list[tuple[Price, Price, Price, Price]]) -> None:
    series = BarSeries("SPY", span_s=60)
    bars = [_bar(number, prices) for number, prices in enumerate(rows)]
    for bar in bars:
        series.append(bar)
    assert list(series) == bars
    assert [series.close_at(n) for n in range(len(series))] == [bar.close for bar in bars]
    assert series[1:3] == bars[1:3]


def test_a_number_finer_than_the_series_is_refused() -> None:
    fine = Price(Decimal("1.00001"))
    with pytest.raises(ValueError, match="more than 4 decimals"):
        BarSeries("SPY", span_s=60).append(_bar(0, (fine, fine, fine, fine)))

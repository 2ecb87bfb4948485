"""Market data of the lists: bars, quotes, tickers and their deltas."""

from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal

import pytest

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.mapping import market
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.values import from_epoch
from tests.unit.brokers.bybit.fakes import NOW, PERP, parsed


def ticker(**members: str) -> wire.Ticker:
    return wire.decode(json.dumps(members).encode(), wire.Ticker, what="a ticker")


@pytest.mark.parametrize(
    ("span_s", "interval"), [(60, "1"), (300, "5"), (3600, "60"), (14_400, "240"), (86_400, "D"), (604_800, "W")]
)
def test_spans_the_venue_aggregates(span_s: int, interval: str) -> None:
    assert market.interval_of(span_s) == interval


@pytest.mark.parametrize("span_s", [1, 120, 7200 + 60, 172_800])
def test_spans_it_does_not(span_s: int) -> None:
    with pytest.raises(NotSupported):
        market.interval_of(span_s)


def test_bars_come_newest_first_and_are_told_oldest_first() -> None:
    bars = [market.bar_from_row(PERP, row) for row in parsed("klines")["list"]]
    series = market.series_from(PERP, bars, span_s=60)
    first, second = series
    assert (first.start, second.start) == (from_epoch(ms=1772463840000), from_epoch(ms=1772463900000))
    assert (first.open, first.high, first.low, first.close) == (64000, 64012, Decimal("63999.9"), 64010)
    assert second.volume == Decimal("12.5")


@pytest.mark.parametrize(
    "row", [[], ["1", "2"], ["x", "1", "1", "1", "1", "1"], ["1772463840000", "NaN", "1", "1", "1", "1"]]
)
def test_a_bar_that_is_none_is_an_error_of_ours(row: list[str]) -> None:
    with pytest.raises(ApiError):
        market.bar_from_row(PERP, row)


def test_numbers_beyond_64_bits_are_refused() -> None:
    row = ["1772463840000", "99999999999999999999", "1", "1", "1", "0.000000001"]
    with pytest.raises(ApiError):
        market.series_from(PERP, [market.bar_from_row(PERP, row)], span_s=60)


def test_a_quote_with_an_empty_side() -> None:
    quote = market.quote_from(PERP, ticker(bid1Price="", ask1Price="5", ask1Size="2"), at=NOW)
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last) == (None, 5, 0, 2, None)


def test_a_delta_leaves_what_is_absent_as_it_was() -> None:
    state = market.TickerState(PERP)
    later = NOW + timedelta(seconds=1)
    assert state.delta(ticker(bid1Price="9"), NOW) is None
    state.whole(ticker(bid1Price="10", bid1Size="1", ask1Price="11", ask1Size="2", lastPrice="10"), NOW)
    quote = state.delta(ticker(bid1Price="10.5"), later)
    assert quote is not None
    assert (quote.bid, quote.ask, quote.bid_size, quote.ask_size, quote.last) == (Decimal("10.5"), 11, 1, 2, 10)
    assert quote.time == later
    assert state.delta(ticker(markPrice="12"), later) is None
    emptied = state.delta(ticker(ask1Price="", ask1Size="0"), later)
    assert emptied is not None
    assert (emptied.ask, emptied.ask_size) == (None, 0)

"""The seeded market: repeatable, consistent with itself, and shaped like a market."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import Side
from floorbroker.tape import POPULAR, SeededMarket, option_value, seeded_market

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
MOMENTS = st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2040, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - hypothesis adds the zone


@given(at=MOMENTS, symbol=st.sampled_from(sorted(POPULAR)), seed=st.integers(0, 99))
def test_quotes_are_never_crossed_and_lie_on_the_price_step(at: datetime, symbol: str, seed: int) -> None:
    quote = SeededMarket(seed=seed).quote(symbol, at)
    assert quote.bid is not None
    assert quote.ask is not None
    assert 0 < quote.bid < quote.ask
    assert quote.bid % POPULAR[symbol].tick == quote.ask % POPULAR[symbol].tick == 0
    assert quote.bid_size > 0
    assert quote.ask_size > 0


@given(at=MOMENTS)
def test_a_moment_answers_the_same_in_any_order_of_asking(at: datetime) -> None:
    first, second = SeededMarket(seed=1), SeededMarket(seed=1)
    second.quote("AAPL", at + timedelta(days=400))
    assert first.quote("AAPL", at) == second.quote("AAPL", at)
    assert first.trade("AAPL", at) == second.trade("AAPL", at)


def test_an_option_that_nobody_bids_for_still_trades() -> None:
    market, worthless = SeededMarket(seed=1), "AAPL  260302C09000000"
    assert market.quote(worthless, START).bid is None
    trades = [market.trade(worthless, START + timedelta(seconds=number)) for number in range(20)]
    assert {trade.aggressor for trade in trades} == {Side.BUY}


def test_seeds_and_symbols_wander_apart() -> None:
    quotes = {
        (SeededMarket(seed=seed).quote(symbol, START).mid or 0) for seed in range(5) for symbol in ("AAPL", "MSFT")
    }
    assert len(quotes) == 10


def test_prices_move_but_not_far() -> None:
    market = SeededMarket(seed=1)
    mids = [market.quote("AAPL", START + timedelta(seconds=n)).mid or Decimal(0) for n in range(600)]
    steps = [abs(b - a) for a, b in pairwise(mids)]
    assert len(set(mids)) > 15
    assert max(steps) < mids[0] / 1000


def test_a_trade_happens_at_one_side_of_the_quote() -> None:
    market = SeededMarket(seed=1)
    for n in range(50):
        at = START + timedelta(seconds=n)
        quote, trade = market.quote("SPY", at), market.trade("SPY", at)
        assert trade.price in (quote.bid, quote.ask)


def test_bars_agree_with_what_was_quoted() -> None:
    market = SeededMarket(seed=1)
    bars = market.bars("AAPL", span_s=60, start=START, end=START + timedelta(minutes=5))
    assert [bar.start for bar in bars] == [START + timedelta(minutes=n) for n in range(5)]
    for bar in bars:
        assert bar.low <= min(bar.open, bar.close) <= max(bar.open, bar.close) <= bar.high
        assert abs(bar.open - (market.quote("AAPL", bar.start).mid or 0)) <= Decimal("0.01")
        assert bar.volume > 0
    assert all(one.close == other.open for one, other in pairwise(bars))


def test_the_stream_repeats_and_keeps_time() -> None:
    def run() -> list[object]:
        return list(seeded_market(3, ["AAPL", "BTC/USD"], START, START + timedelta(seconds=30), 1))

    events = [*seeded_market(3, ["AAPL", "BTC/USD"], START, START + timedelta(seconds=30), 1)]
    assert run() == events
    assert all(a.time <= b.time for a, b in pairwise(events))
    assert sum(isinstance(e.event, Quote) for e in events) == 60
    assert 0 < sum(isinstance(e.event, Trade) for e in events) < 60


def test_a_stranger_has_no_price() -> None:
    with pytest.raises(KeyError):
        SeededMarket(seed=1).quote("NOBODY", START)


def test_options_are_worth_at_least_what_exercise_brings() -> None:
    market = SeededMarket(seed=1)
    spot = market.quote("AAPL", START).mid or Decimal(0)
    for right, strike in (("C", 150), ("C", 228), ("C", 400), ("P", 150), ("P", 300)):
        contract = OptionContract(
            root="AAPL", expiry=datetime(2026, 6, 19, tzinfo=UTC).date(), right=right, strike=Decimal(strike)
        )
        gain = spot - strike if right == "C" else strike - spot
        assert option_value(contract, spot, 100 * 86_400) >= max(Decimal(0), gain)
        quote = market.quote(contract.symbol, START)
        assert quote.ask is not None
        assert quote.ask >= Decimal("0.01")
        assert quote.bid is None or quote.bid < quote.ask
    assert option_value(contract, spot, 0) == max(Decimal(0), 300 - spot)

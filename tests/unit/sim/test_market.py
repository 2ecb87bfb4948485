"""Prices of the seeded market: what is listed, by whose rules."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal

from floorbroker.domain.values import AssetClass
from floorbroker_sim.history import SeededHistory
from floorbroker_sim.market import COINS, TETHER_COINS, Coin, Market, seeded, seeded_coins

NOW = datetime(2026, 3, 2, 15, tzinfo=UTC)


def test_the_market_of_shares_lists_coins_against_dollars_alone() -> None:
    _, instruments = seeded(0)
    assert {item.symbol for item in instruments if "/" in item.symbol} == set(COINS)


def test_coins_are_listed_against_tether_on_their_own_steps() -> None:
    source, instruments = seeded_coins(7)
    assert {item.symbol for item in instruments} == set(TETHER_COINS)
    for item in instruments:
        quote, trade = source.quote(item.symbol, NOW), source.last_trade(item.symbol, NOW)
        assert quote is not None
        assert trade is not None
        assert quote.bid is not None
        assert quote.ask is not None
        assert item.currency == ("BTC" if item.symbol == "ETH/BTC" else "USDT")
        assert quote.bid < quote.ask
        assert all(item.is_on_tick(price) for price in (quote.bid, quote.ask, trade.price))


def test_the_seed_moves_the_prices() -> None:
    first, second = (seeded_coins(seed)[0].quote("BTC/USDT", NOW) for seed in (1, 2))
    assert first != second
    assert first == seeded_coins(1)[0].quote("BTC/USDT", NOW)


def test_a_perpetual_keeps_no_hours_and_has_a_past() -> None:
    listed = {"BTC/USDT:USDT": Coin(anchor="61000", tick="0.1", lot="0.001", min_notional="5")}
    source, instruments = seeded_coins(0, listed)
    assert instruments[0].asset_class is AssetClass.PERPETUAL
    assert instruments[0].ticks[0].tick == Decimal("0.1")
    sunday = datetime(2026, 3, 1, 3, tzinfo=UTC)
    minutes = list(SeededHistory(Market(source, instruments, at=NOW)).minutes("BTC/USDT:USDT", sunday, sunday))
    assert len(minutes) == 1

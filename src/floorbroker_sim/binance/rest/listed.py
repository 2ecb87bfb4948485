"""What is listed and where its prices come from: the seeded market, or a folder of recorded days."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from floorbroker.domain.clock import Clock
from floorbroker.domain.instrument import Instrument
from floorbroker.tape import load
from floorbroker_sim.binance import info
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import History, Known, SeededHistory
from floorbroker_sim.market import TETHER_COINS, Coin, Market, listed_coin, seeded_coins
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, first_moment, recorded_symbols

_PLAIN = Coin(anchor="1", tick="0.0001", lot="0.00001", min_qty="0.00001", max_qty="9000000", min_notional="1")


def seeded_market(seed: int, clock: Clock) -> tuple[VenueClock, Market, History]:
    """Coins against USDT on a clock that runs."""
    venue_clock = VenueClock(clock)
    source, instruments = seeded_coins(seed)
    market = Market(source, instruments, at=venue_clock.now())
    return venue_clock, market, Known(SeededHistory(market), venue_clock.now)


def recorded_market(data: Path, clock: Clock) -> tuple[VenueClock, Market, History]:
    """The recorded coins, in the currency they were recorded in, on a clock that stands until it is moved."""
    tape = load(data)
    first: datetime = first_moment(tape)
    venue_clock = VenueClock(clock, standing_at=first)
    market = Market(RecordedSource(tape), _instruments(recorded_symbols(tape)), at=first)
    return venue_clock, market, Known(RecordedHistory(tape), venue_clock.now)


def start_balances(market: Market) -> dict[str, Decimal]:
    """Some of each coin, and 100,000 of every currency that coins are listed against."""
    quotes = {instrument.currency for instrument in market.instruments.values()}
    return info.START_BALANCES | {
        quote: info.START_MONEY for quote in sorted(quotes) if quote not in info.START_BALANCES
    }


def _instruments(symbols: list[str]) -> list[Instrument]:
    """Recorded coins by the rules of their twin against USDT."""
    return [listed_coin(symbol, TETHER_COINS.get(f"{symbol}T", _PLAIN)) for symbol in symbols if "/" in symbol]

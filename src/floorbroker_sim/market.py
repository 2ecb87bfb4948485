"""Prices: a seeded market that can be asked for any moment, and prices set by hand that hold until the next.

A price is a pure function of seed, symbol and time, so history and the live feed agree and nothing is stored:
a slow and a fast wave around the base price, and a step of noise for each minute.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from floorbroker.domain.instrument import Instrument, OptionContract, TickRule
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import AssetClass, Price

_EQUITY_TICKS = (
    TickRule(from_price=Decimal(0), tick=Decimal("0.0001")),
    TickRule(from_price=Decimal(1), tick=Decimal("0.01")),
)
_HALF_SPREAD = Decimal("0.0001")
_DAY_S = 86_400.0
_OVERNIGHT = timedelta(hours=17, minutes=30)
_VOLATILITY = 0.3  # of options, a year

EQUITIES: dict[str, tuple[str, str]] = {
    "AAPL": ("190.00", "Apple Inc. Common Stock"),
    "MSFT": ("420.00", "Microsoft Corporation Common Stock"),
    "NVDA": ("125.00", "NVIDIA Corporation Common Stock"),
    "AMZN": ("185.00", "Amazon.com Inc. Common Stock"),
    "GOOGL": ("170.00", "Alphabet Inc. Class A Common Stock"),
    "META": ("510.00", "Meta Platforms Inc. Class A Common Stock"),
    "TSLA": ("240.00", "Tesla Inc. Common Stock"),
    "AMD": ("150.00", "Advanced Micro Devices Inc. Common Stock"),
    "NFLX": ("640.00", "Netflix Inc. Common Stock"),
    "INTC": ("31.00", "Intel Corporation Common Stock"),
    "IBM": ("185.00", "International Business Machines Corporation"),
    "BAC": ("39.00", "Bank of America Corporation"),
    "AIG": ("76.00", "American International Group Inc."),
    "JPM": ("205.00", "JPMorgan Chase & Co."),
    "F": ("12.00", "Ford Motor Company"),
    "GE": ("165.00", "GE Aerospace"),
    "T": ("19.00", "AT&T Inc."),
    "KO": ("63.00", "The Coca-Cola Company"),
    "DIS": ("101.00", "The Walt Disney Company"),
    "XOM": ("114.00", "Exxon Mobil Corporation"),
    "SPY": ("545.00", "SPDR S&P 500 ETF Trust"),
    "QQQ": ("475.00", "Invesco QQQ Trust"),
    "IWM": ("205.00", "iShares Russell 2000 ETF"),
    "DIA": ("390.00", "SPDR Dow Jones Industrial Average ETF Trust"),
    "GLD": ("215.00", "SPDR Gold Shares"),
    "TLT": ("93.00", "iShares 20+ Year Treasury Bond ETF"),
    "VTI": ("268.00", "Vanguard Total Stock Market ETF"),
    "SIRI": ("0.85", "Sirius XM Holdings Inc."),
}
COINS: dict[str, tuple[str, str]] = {
    "BTC/USD": ("61000.00", "Bitcoin / US Dollar"),
    "ETH/USD": ("3400.00", "Ethereum / US Dollar"),
    "LTC/USD": ("74.00", "Litecoin / US Dollar"),
    "SOL/USD": ("140.00", "Solana / US Dollar"),
    "DOGE/USD": ("0.12", "Dogecoin / US Dollar"),
}


def equity(symbol: str, name: str = "") -> Instrument:
    """A US share: cents from one dollar up, fractions to nine decimals."""
    return Instrument(
        symbol=symbol, asset_class=AssetClass.EQUITY, currency="USD", name=name, ticks=_EQUITY_TICKS,
        fraction=Decimal("0.000000001"), shortable=True, marginable=True,
    )  # fmt: skip


def coin(symbol: str, name: str = "") -> Instrument:
    """A coin against dollars, fractions to nine decimals."""
    base = Decimal(COINS[symbol][0]) if symbol in COINS else Decimal(1)
    tick = Decimal("0.01") if base > 10 else Decimal("0.000001")
    return Instrument(
        symbol=symbol, asset_class=AssetClass.CRYPTO, currency="USD", name=name,
        ticks=(TickRule(from_price=Decimal(0), tick=tick),), lot=Decimal("0.000000001"), fraction=Decimal("0.000000001"),
        calendar="24x7",
    )  # fmt: skip


def option(contract: OptionContract) -> Instrument:
    """A listed option on one hundred shares."""
    kind = "Call" if contract.right == "C" else "Put"
    return Instrument(
        symbol=contract.symbol, asset_class=AssetClass.OPTION, currency="USD", multiplier=Decimal(100),
        name=f"{contract.root} {contract.expiry:%b %d %Y} {contract.strike.normalize():f} {kind}",
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class _Wave:
    base: float
    slow: float
    fast: float


class Market:
    """The market at one moment; `step_to` moves it.  Symbols are canonical (`AAPL`, `BTC/USD`, padded OCC)."""

    def __init__(self, *, seed: int, at: datetime) -> None:
        self._seed = seed
        self._start = at
        self.at = at
        self.instruments: dict[str, Instrument] = {s: equity(s, name) for s, (_, name) in EQUITIES.items()}
        self.instruments |= {s: coin(s, name) for s, (_, name) in COINS.items()}
        self._pinned: dict[str, Quote] = {}
        self._waves: dict[str, _Wave] = {}

    def reset(self) -> None:
        """Forget prices set by hand and go back to the first moment."""
        self._pinned.clear()
        self.at = self._start

    def instrument(self, symbol: str) -> Instrument:
        """Raises `KeyError` for a symbol nobody listed."""
        known = self.instruments.get(symbol)
        if known is None:
            contract = OptionContract.parse(symbol)
            if contract is None or contract.root not in self.instruments:
                raise KeyError(symbol)
            known = self.instruments.setdefault(symbol, option(contract))
        return known

    def quote(self, symbol: str) -> Quote | None:
        """The top of book now; None for a symbol without a price."""
        pinned = self._pinned.get(symbol)
        return pinned if pinned is not None else self.quote_at(symbol, self.at)

    def is_pinned(self, symbol: str) -> bool:
        """Whether somebody set this price by hand."""
        return symbol in self._pinned

    def set_price(
        self, symbol: str, *, bid: Price, ask: Price, last: Price | None, at: datetime
    ) -> tuple[Quote, Trade]:
        """The exact top of book from now on, and a trade at `last` (the middle of the book when not given)."""
        instrument = self.instrument(symbol)
        middle = last if last is not None else Price(_to_tick((bid + ask) / 2, instrument))
        size = _size(instrument)
        quote = Quote(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, last=middle, time=at)
        self._pinned[symbol] = quote
        return quote, Trade(
            symbol=symbol, price=middle, size=size, time=at, trade_id=str(_number(f"{symbol}{at}") % 10**9)
        )

    def step_to(self, at: datetime, symbols: Iterable[str]) -> Iterator[tuple[Quote, Trade]]:
        """Move to `at`; the new quotes and a trade of each symbol that has no price set by hand."""
        self.at = at
        for symbol in symbols:
            if symbol in self._pinned:
                continue
            quote = self.quote_at(symbol, at)
            if quote is not None:
                yield quote, self.trade_at(symbol, at)

    @property
    def first_moment(self) -> datetime:
        """When this market began."""
        return self._start

    def close_before(self, symbol: str, at: datetime) -> Decimal:
        """The last price of the session before `at`; for a symbol priced by hand, its price now."""
        pinned = self._pinned.get(symbol)
        if pinned is not None:
            return pinned.last or pinned.mid or Decimal(0)
        return self.mid_at(symbol, at - _OVERNIGHT)

    # --- The pure walk ------------------------------------------------------------------------------------------------

    def mid_at(self, symbol: str, at: datetime) -> Decimal:
        """The price the market circles, on the instrument's tick.  Raises `KeyError` for an unknown symbol."""
        instrument = self.instrument(symbol)
        if instrument.asset_class is AssetClass.OPTION:
            return _to_tick(Decimal(repr(self._option_value(symbol, at))), instrument)
        return _to_tick(Decimal(repr(round(self._value(symbol, at), 8))), instrument)

    def quote_at(self, symbol: str, at: datetime) -> Quote | None:
        """The seeded top of book at any moment."""
        try:
            instrument = self.instrument(symbol)
        except KeyError:
            return None
        middle = self.mid_at(symbol, at)
        tick = instrument.tick_at(middle)
        half = max(tick, (middle * _HALF_SPREAD / tick).to_integral_value() * tick)
        size = _size(instrument)
        return Quote(
            symbol=symbol, bid=Price(max(tick, middle - half)), ask=Price(middle + half),
            bid_size=size, ask_size=size, last=Price(middle), time=at,
        )  # fmt: skip

    def trade_at(self, symbol: str, at: datetime) -> Trade:
        """A trade at the middle price."""
        number = _number(f"{self._seed} {symbol} {at.isoformat()}")
        size = Decimal(1 + number % 300)
        if self.instrument(symbol).asset_class is AssetClass.CRYPTO:
            size = size / 1000
        return Trade(
            symbol=symbol, price=Price(self.mid_at(symbol, at)), size=size, time=at, trade_id=str(number % 10**9)
        )

    def _wave(self, symbol: str) -> _Wave:
        wave = self._waves.get(symbol)
        if wave is None:
            number = _number(f"{self._seed} {symbol}")
            base = EQUITIES.get(symbol) or COINS.get(symbol)
            price = base[0] if base else str(20 + number % 180)
            wave = _Wave(float(price), (number >> 8) % 1000 / 1000, (number >> 24) % 1000 / 1000)
            self._waves[symbol] = wave
        return wave

    def _value(self, symbol: str, at: datetime) -> float:
        wave, seconds = self._wave(symbol), at.timestamp()
        slow = 0.12 * math.sin(2 * math.pi * (seconds / (173 * _DAY_S) + wave.slow))
        fast = 0.015 * math.sin(2 * math.pi * (seconds / (0.37 * _DAY_S) + wave.fast))
        quick = 0.002 * math.sin(2 * math.pi * (seconds / 700 + wave.slow))
        minute = int(seconds // 60)
        noise = _noise(self._seed, symbol, minute), _noise(self._seed, symbol, minute + 1)
        share = seconds % 60 / 60
        return wave.base * (1 + slow + fast + quick + 0.001 * (noise[0] * (1 - share) + noise[1] * share))

    def _option_value(self, symbol: str, at: datetime) -> float:
        contract = OptionContract.parse(symbol)
        assert contract is not None
        spot, strike = self._value(contract.root, at), float(contract.strike)
        left_s = (
            datetime.combine(contract.expiry, datetime.min.time(), UTC) + timedelta(hours=20) - at
        ).total_seconds()
        inner = spot - strike if contract.right == "C" else strike - spot
        if left_s <= 0:
            return max(inner, 0.01)
        deviation = _VOLATILITY * spot * math.sqrt(left_s / (365 * _DAY_S))
        z = inner / deviation
        # Bachelier: inner value plus what time may still bring.
        value = inner * (1 + math.erf(z / math.sqrt(2))) / 2 + deviation * math.exp(-z * z / 2) / math.sqrt(2 * math.pi)
        return max(round(value, 4), 0.01)


def expiries(today: date, weeks: int = 6) -> list[date]:
    """The next Fridays, the first at least a day away."""
    first = today + timedelta(days=(4 - today.weekday()) % 7 or 7)
    return [first + timedelta(weeks=n) for n in range(weeks)]


def strikes(price: Decimal, count: int = 5) -> list[Decimal]:
    """Round prices around `price`, `count` to each side."""
    step = Decimal(1) if price < 50 else Decimal(5) if price < 300 else Decimal(10)
    middle = (price / step).to_integral_value() * step
    return [strike for n in range(-count, count + 1) if (strike := middle + n * step) > 0]


def _to_tick(value: Decimal, instrument: Instrument) -> Decimal:
    tick = instrument.tick_at(value)
    return max((value / tick).to_integral_value() * tick, tick)


def _size(instrument: Instrument) -> Decimal:
    return Decimal(10) if instrument.asset_class is AssetClass.CRYPTO else Decimal(500)


def _number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


@lru_cache(maxsize=65_536)
def _noise(seed: int, symbol: str, minute: int) -> float:
    """Between -1 and 1, the same for the same minute."""
    return _number(f"{seed} {symbol} {minute}") / 2**63 - 1

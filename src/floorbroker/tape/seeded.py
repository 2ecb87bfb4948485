"""The seeded market: prices that wander, as a pure function of seed, symbol and time.

Any moment can be asked for in any order and answers the same, on every machine and after every restart: history agrees with
what was quoted live.  The mid price is an anchor moved by value noise of several periods, from a month to five seconds; all
of it is integer arithmetic on hashes, without floats.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache
from hashlib import blake2b

from floorbroker.domain.bars import BarSeries
from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import Price, Side
from floorbroker.tape.merge import TapeEvent

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_US = timedelta(microseconds=1)
_SECOND = timedelta(seconds=1)
_S = 1_000_000
_UNIT = 1 << 20  # noise runs from -_UNIT to +_UNIT
_PPM = 1_000_000
# (period in microseconds, reach in millionths of the price)
_WAVES = (
    (30 * 86_400 * _S, 60_000),
    (5 * 86_400 * _S, 20_000),
    (86_400 * _S, 9_000),
    (3_600 * _S, 2_500),
    (600 * _S, 1_200),
    (60 * _S, 500),
    (5 * _S, 150),
)
_SAMPLES = 8
_YEAR_S = 365 * 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """One symbol of the market: where its price wanders about, its price step, half the usual spread in steps, a usual size."""

    anchor: Decimal
    tick: Decimal = Decimal("0.01")
    half_spread: int = 1
    size: Decimal = Decimal(100)


POPULAR: Mapping[str, Listing] = {
    "AAPL": Listing(anchor=Decimal(228)),
    "MSFT": Listing(anchor=Decimal(425), half_spread=2),
    "SPY": Listing(anchor=Decimal(585), size=Decimal(400)),
    "IBM": Listing(anchor=Decimal(225), half_spread=2),
    "BAC": Listing(anchor=Decimal(44), size=Decimal(500)),
    "AIG": Listing(anchor=Decimal(76), half_spread=2),
    "TSLA": Listing(anchor=Decimal(340), half_spread=3),
    "BTC/USD": Listing(anchor=Decimal(95_000), half_spread=200, size=Decimal("0.25")),
    "ETH/USD": Listing(anchor=Decimal(3_400), half_spread=25, size=Decimal(3)),
    "EUR/USD": Listing(anchor=Decimal("1.08"), tick=Decimal("0.00001"), half_spread=4, size=Decimal(1_000_000)),
}


class SeededMarket:
    """Quotes, trades and bars of listed symbols, and of options on them.  Raises `KeyError` for a symbol without a listing."""

    def __init__(self, *, seed: int, listings: Mapping[str, Listing] = POPULAR) -> None:
        self.seed = seed
        self.listings = listings
        self._by_class = {
            symbol.replace(".", ""): symbol for symbol in listings
        }  # options on `BRK.B` are of class `BRKB`

    def quote(self, symbol: str, at: datetime) -> Quote:
        """Best bid and ask at a moment.  Sizes and spread change every second."""
        contract = OptionContract.parse(symbol)
        if contract is not None and symbol not in self.listings:
            return self._option_quote(symbol, contract, at)
        listing = self.listings[symbol]
        mid = self._mid_ticks(symbol, listing, at)
        second = (at - _EPOCH) // _SECOND
        spread = listing.half_spread + self._draw(symbol, "spread", second, listing.half_spread + 1)
        return Quote(
            symbol=symbol,
            bid=Price(max(1, mid - spread) * listing.tick),
            ask=Price((mid + spread) * listing.tick),
            bid_size=self._size(symbol, "bid", second, listing),
            ask_size=self._size(symbol, "ask", second, listing),
            time=at,
            source="seeded",
        )

    def trade(self, symbol: str, at: datetime) -> Trade:
        """A trade at one side of the quote; where nobody bids, as for an option that is worth nothing, somebody buys."""
        quote = self.quote(symbol, at)
        number = (at - _EPOCH) // _US
        side = Side.BUY if quote.bid is None or self._draw(symbol, "aggressor", number, 2) else Side.SELL
        price, size = (quote.ask, quote.ask_size) if side is Side.BUY else (quote.bid, quote.bid_size)
        assert price is not None
        share = Decimal(1 + self._draw(symbol, "share", number, 10)) / 10
        return Trade(symbol=symbol, price=price, size=size * share, time=at, trade_id=str(number), aggressor=side)

    def has_trade(self, symbol: str, at: datetime) -> bool:
        """Whether somebody traded in the second of `at` (three seconds in five)."""
        return self._draw(symbol, "traded", (at - _EPOCH) // _SECOND, 5) < 3

    def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> BarSeries:
        """Bars whose starts lie in [start, end), aligned to whole spans since the epoch; each is sampled from the mid price."""
        listing = self.listings[symbol]
        decimals = max(0, -int(listing.tick.as_tuple().exponent))
        scale = int(listing.tick.scaleb(decimals))
        series = BarSeries(symbol, span_s=span_s, price_decimals=decimals)
        first = -(-((start - _EPOCH) // _US) // (span_s * _S))
        last = -(-((end - _EPOCH) // _US) // (span_s * _S))
        for number in range(first, last):
            opens = _EPOCH + timedelta(seconds=number * span_s)
            steps = (opens + timedelta(seconds=span_s) * n / _SAMPLES for n in range(_SAMPLES + 1))
            mids = [self._mid_ticks(symbol, listing, moment) * scale for moment in steps]
            volume = int(listing.size) * span_s * (1 + self._draw(symbol, "volume", number, 9)) // 10
            series.append_scaled(opens, (mids[0], max(mids), min(mids), mids[-1]), volume)
        return series

    # -- noise

    def _mid_ticks(self, symbol: str, listing: Listing, at: datetime) -> int:
        moment = (at - _EPOCH) // _US
        ppm = 0
        for wave, (period, reach) in enumerate(_WAVES):
            number, within = divmod(moment, period)
            left, right = _noise(self.seed, symbol, wave, number), _noise(self.seed, symbol, wave, number + 1)
            ppm += (left * (period - within) + right * within) // period * reach // _UNIT
        return max(1, _whole(listing.anchor, listing.tick) * (_PPM + ppm) // _PPM)

    def _draw(self, symbol: str, what: str, number: int, sides: int) -> int:
        """A die with `sides` faces from zero, thrown once for each number."""
        return _hash(f"{self.seed}:{symbol}:{what}:{number}") % sides

    def _size(self, symbol: str, side: str, second: int, listing: Listing) -> Decimal:
        return listing.size * (1 + self._draw(symbol, side, second, 20))

    # -- options

    def _option_quote(self, symbol: str, contract: OptionContract, at: datetime) -> Quote:
        """Intrinsic value and a rule of thumb for time value; expired contracts have no bid."""
        tick = Decimal("0.01")
        spot = self.quote(self._by_class[contract.root], at).mid
        assert spot is not None
        left_s = max(0, int((datetime.combine(contract.expiry, datetime.max.time(), UTC) - at).total_seconds()))
        value = option_value(contract, spot, left_s)
        half = max(tick, (value / 50).quantize(tick))
        bid = (value - half).quantize(tick)
        second = (at - _EPOCH) // _SECOND
        return Quote(
            symbol=symbol,
            bid=Price(bid) if bid > 0 and left_s else None,
            ask=Price(max(tick, (value + half).quantize(tick))),
            bid_size=Decimal(1 + self._draw(symbol, "bid", second, 50)),
            ask_size=Decimal(1 + self._draw(symbol, "ask", second, 50)),
            time=at,
            source="seeded",
        )


def option_value(contract: OptionContract, spot: Decimal, left_s: int) -> Decimal:
    """What an option is about worth: intrinsic value plus 0.4 x spot x 30 % x square root of the years left, less when far away.

    The first factor is the at-the-money approximation of Brenner and Subrahmanyam; the fading with distance is linear over
    three deviations, enough for a market to practise on.
    """
    distance = spot - contract.strike if contract.right == "C" else contract.strike - spot
    deviation = spot * Decimal("0.3") * (Decimal(left_s) / _YEAR_S).sqrt()
    if not deviation:
        return max(Decimal(0), distance)
    nearness = max(Decimal(0), 1 - abs(spot - contract.strike) / (3 * deviation))
    return max(Decimal(0), distance) + Decimal("0.4") * deviation * nearness


def expiries(today: date, weeks: int = 6) -> list[date]:
    """The next Fridays, the first at least a day away."""
    first = today + timedelta(days=(4 - today.weekday()) % 7 or 7)
    return [first + timedelta(weeks=n) for n in range(weeks)]


def strikes(price: Decimal, count: int = 5) -> list[Decimal]:
    """Round prices around `price`, `count` to each side."""
    step = Decimal(1) if price < 50 else Decimal(5) if price < 300 else Decimal(10)
    middle = (price / step).to_integral_value() * step
    return [strike for n in range(-count, count + 1) if (strike := middle + n * step) > 0]


@lru_cache(maxsize=1_024)
def _whole(anchor: Decimal, tick: Decimal) -> int:
    return int(anchor / tick)


@lru_cache(maxsize=65_536)
def _noise(seed: int, symbol: str, wave: int, number: int) -> int:
    return _hash(f"{seed}:{symbol}:{wave}:{number}") % (2 * _UNIT + 1) - _UNIT


def _hash(text: str) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=8).digest(), "big")


def seeded_market(
    seed: int,
    symbols: Sequence[str],
    start: datetime,
    end: datetime,
    step_s: int,
    *,
    listings: Mapping[str, Listing] = POPULAR,
) -> Iterator[TapeEvent]:
    """Every symbol's quote each `step_s` seconds in [start, end), with a trade behind it where there was one."""
    market = SeededMarket(seed=seed, listings=listings)
    at = start
    while at < end:
        for symbol in symbols:
            yield TapeEvent(time=at, event=market.quote(symbol, at))
            if market.has_trade(symbol, at):
                yield TapeEvent(time=at, event=market.trade(symbol, at))
        at += timedelta(seconds=step_s)

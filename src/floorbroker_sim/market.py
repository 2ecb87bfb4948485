"""What is listed and what it costs now: a source of prices, and prices set by hand that hold until the next.

The source is the seeded market (any moment can be asked for, history agrees with the live feed) or a recorded tape.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.instrument import Instrument, OptionContract, TickRule, asset_class_of
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import AssetClass, Price
from floorbroker.tape import Listing, SeededMarket

_EQUITY_TICKS = (
    TickRule(from_price=Decimal(0), tick=Decimal("0.0001")),
    TickRule(from_price=Decimal(1), tick=Decimal("0.01")),
)
_OVERNIGHT = timedelta(hours=17, minutes=30)
_COIN_CLASSES = frozenset({AssetClass.CRYPTO, AssetClass.PERPETUAL})
_HAND_SIZE = {**dict.fromkeys(_COIN_CLASSES, Decimal(10)), AssetClass.FX: Decimal(10_000_000)}
_HAND_SIZE_ELSE = Decimal(500)

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Coin:
    """How a venue lists a coin: where its price wanders about and the rules of its orders (price in quote units).

    `size` is a usual quantity at the top of the book, `half_spread` half the usual spread in price steps.
    """

    anchor: str
    tick: str
    lot: str
    name: str = ""
    size: str = "0.5"
    half_spread: int = 1
    min_qty: str = "0"
    max_qty: str | None = None
    min_notional: str = "0"


TETHER_COINS: Mapping[str, Coin] = {
    "BTC/USDT": Coin(
        anchor="61000", tick="0.01", lot="0.00001", name="Bitcoin / Tether",
        min_qty="0.00001", max_qty="9000", min_notional="5"
    ),
    "ETH/USDT": Coin(
        anchor="3400", tick="0.01", lot="0.0001", name="Ethereum / Tether", size="5",
        min_qty="0.0001", max_qty="9000", min_notional="5"
    ),
    "SOL/USDT": Coin(
        anchor="140", tick="0.01", lot="0.001", name="Solana / Tether", size="80",
        min_qty="0.001", max_qty="90000", min_notional="5"
    ),
    "BNB/USDT": Coin(
        anchor="590", tick="0.01", lot="0.001", name="BNB / Tether", size="20",
        min_qty="0.001", max_qty="90000", min_notional="5"
    ),
    "XRP/USDT": Coin(
        anchor="0.52", tick="0.0001", lot="0.1", name="XRP / Tether", size="9000",
        min_qty="0.1", max_qty="9000000", min_notional="5"
    ),
    "DOGE/USDT": Coin(
        anchor="0.12", tick="0.00001", lot="1", name="Dogecoin / Tether", size="40000",
        min_qty="1", max_qty="90000000", min_notional="1"
    ),
    "ETH/BTC": Coin(
        anchor="0.0557", tick="0.00001", lot="0.0001", name="Ethereum / Bitcoin", size="4",
        min_qty="0.0001", max_qty="100000", min_notional="0.0001"
    ),
}  # fmt: skip


TEST_SYMBOL = "FAKEPACA"  # for streams that are always on; nobody trades it


def equity(symbol: str, name: str = "") -> Instrument:
    """A US share: cents from one dollar up, fractions to nine decimals."""
    return Instrument(
        symbol=symbol, asset_class=AssetClass.EQUITY, currency="USD", name=name, ticks=_EQUITY_TICKS,
        fraction=Decimal("0.000000001"), shortable=True, marginable=True,
    )  # fmt: skip


def coin(symbol: str, name: str = "") -> Instrument:
    """A coin against the currency it is named with, fractions to nine decimals."""
    base = Decimal(COINS[symbol][0]) if symbol in COINS else Decimal(1)
    tick = Decimal("0.01") if base > 10 else Decimal("0.000001")
    return Instrument(
        symbol=symbol, asset_class=AssetClass.CRYPTO, currency=_quote_currency(symbol), name=name,
        ticks=(TickRule(from_price=Decimal(0), tick=tick),), lot=Decimal("0.000000001"), fraction=Decimal("0.000000001"),
        calendar="24x7",
    )  # fmt: skip


def listed_coin(symbol: str, listed: Coin) -> Instrument:
    """A coin, or a perpetual future on one (`BTC/USDT:USDT`), by the rules of a venue."""
    return Instrument(
        symbol=symbol, asset_class=asset_class_of(symbol), currency=_quote_currency(symbol), name=listed.name,
        ticks=(TickRule(from_price=Decimal(0), tick=Decimal(listed.tick)),), lot=Decimal(listed.lot),
        fraction=Decimal(listed.lot), min_qty=Decimal(listed.min_qty),
        max_qty=None if listed.max_qty is None else Decimal(listed.max_qty), min_notional=Decimal(listed.min_notional),
        calendar="24x7",
    )  # fmt: skip


def _quote_currency(symbol: str) -> str:
    """`USDT` of `BTC/USDT`, and of `BTC/USDT:USDT`."""
    return symbol.partition("/")[2].partition(":")[0] or "USD"


def option(contract: OptionContract) -> Instrument:
    """A listed option on one hundred shares."""
    kind = "Call" if contract.right == "C" else "Put"
    return Instrument(
        symbol=contract.symbol, asset_class=AssetClass.OPTION, currency="USD", multiplier=Decimal(100),
        name=f"{contract.root} {contract.expiry:%b %d %Y} {contract.strike.normalize():f} {kind}",
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """New prices of one symbol at `at`: a quote, a trade, or both."""

    at: datetime
    quote: Quote | None = None
    trade: Trade | None = None


class PriceSource(Protocol):
    """Where prices come from.  Symbols are canonical."""

    def quote(self, symbol: str, at: datetime) -> Quote | None: ...
    def last_trade(self, symbol: str, at: datetime) -> Trade | None: ...
    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        """Everything between the last call and `at`, in time order; a seeded market answers for `symbols` alone."""
        ...

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        """The last price of the session before the opening `at`."""
        ...

    def rewind(self) -> None: ...


class SeededSource:
    """The seeded market.  It has every moment, so `advance` is one look at the last."""

    def __init__(self, *, seed: int, listings: dict[str, Listing]) -> None:
        self._market = SeededMarket(seed=seed, listings=listings)

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        try:
            quote = self._market.quote(symbol, at)
        except KeyError:
            return None
        return replace(quote, last=quote.ask if quote.mid is None else Price(quote.mid))

    def last_trade(self, symbol: str, at: datetime) -> Trade | None:
        quote = self.quote(symbol, at)
        if quote is None:
            return None
        if quote.bid is None:  # a worthless option: nobody sells at nothing
            return Trade(symbol=symbol, price=quote.ask or Price(Decimal("0.01")), size=Decimal(1), time=at)
        trade = self._market.trade(symbol, at)
        return trade if "/" in symbol else replace(trade, size=max(Decimal(1), trade.size.to_integral_value()))

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        for symbol in symbols:
            yield Tick(at=at, quote=self.quote(symbol, at), trade=self.last_trade(symbol, at))

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        quote = self.quote(symbol, at - _OVERNIGHT)
        return None if quote is None else quote.last

    def rewind(self) -> None:
        """There is nothing to rewind."""


def seeded(seed: int, besides: Mapping[str, tuple[str, str]] = {}) -> tuple[SeededSource, list[Instrument]]:
    """The popular shares and coins with seeded prices, and shares `besides`: price and name by symbol."""
    shares = {**EQUITIES, **besides}
    instruments = [equity(s, name) for s, (_, name) in shares.items()] + [
        coin(s, name) for s, (_, name) in COINS.items()
    ]
    instruments.append(replace(equity(TEST_SYMBOL, "Test feed"), tradable=False))
    anchors = {**shares, **COINS, TEST_SYMBOL: ("150.00", "")}
    listings = {i.symbol: _listing(i, Decimal(anchors[i.symbol][0])) for i in instruments}
    return SeededSource(seed=seed, listings=listings), instruments


def seeded_coins(seed: int, coins: Mapping[str, Coin] = TETHER_COINS) -> tuple[SeededSource, list[Instrument]]:
    """Coins as a venue lists them, with seeded prices."""
    listings = {
        symbol: Listing(
            anchor=Decimal(listed.anchor), tick=Decimal(listed.tick), half_spread=listed.half_spread, size=Decimal(listed.size)
        )
        for symbol, listed in coins.items()
    }  # fmt: skip
    return SeededSource(seed=seed, listings=listings), [listed_coin(symbol, listed) for symbol, listed in coins.items()]


def _listing(instrument: Instrument, anchor: Decimal) -> Listing:
    tick = instrument.tick_at(anchor)
    is_coin = instrument.asset_class is AssetClass.CRYPTO
    half = max(1, int(anchor / 20_000 / tick))
    return Listing(anchor=anchor, tick=tick, half_spread=half, size=Decimal("0.5") if is_coin else Decimal(100))


class Market:
    """The market at one moment; `advance` moves it.  Symbols are canonical (`AAPL`, `BTC/USD`, padded OCC)."""

    def __init__(self, source: PriceSource, instruments: Iterable[Instrument], *, at: datetime) -> None:
        self.source = source
        self.first_moment = at
        self.at = at
        self.instruments = {instrument.symbol: instrument for instrument in instruments}
        self._classes = {
            symbol.replace(".", "") for symbol in self.instruments
        }  # options on `BRK.B` are of class `BRKB`
        self._pinned: dict[str, tuple[Quote, Trade]] = {}

    def reset(self) -> None:
        """Forget prices set by hand and go back to the first moment."""
        self._pinned.clear()
        self.source.rewind()
        self.at = self.first_moment

    def instrument(self, symbol: str) -> Instrument:
        """Raises `KeyError` for a symbol nobody listed."""
        known = self.instruments.get(symbol)
        if known is None:
            contract = OptionContract.parse(symbol)
            if contract is None or contract.root not in self._classes:
                raise KeyError(symbol)
            known = self.instruments.setdefault(symbol, option(contract))
        return known

    def is_pinned(self, symbol: str) -> bool:
        """Whether its price was set by hand and holds until the next."""
        return symbol in self._pinned

    def quote(self, symbol: str) -> Quote | None:
        """The top of book now; None for a symbol without a price."""
        pinned = self._pinned.get(symbol)
        return pinned[0] if pinned is not None else self.source.quote(symbol, self.at)

    def last_trade(self, symbol: str) -> Trade | None:
        pinned = self._pinned.get(symbol)
        return pinned[1] if pinned is not None else self.source.last_trade(symbol, self.at)

    def set_price(self, symbol: str, *, bid: Price, ask: Price, last: Price | None, at: datetime) -> Tick:
        """The exact top of book from now on, and a trade at `last` (the middle of the book when not given)."""
        instrument = self.instrument(symbol)
        price = last if last is not None else Price(_on_tick((bid + ask) / 2, instrument))
        size = _HAND_SIZE.get(instrument.asset_class, _HAND_SIZE_ELSE)
        quote = Quote(symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, last=price, time=at)
        trade = Trade(symbol=symbol, price=price, size=size, time=at, trade_id=f"{at:%H%M%S%f}")
        self._pinned[symbol] = (quote, trade)
        return Tick(at=at, quote=quote, trade=trade)

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        """Move to `at`: what happened on the way, without the symbols priced by hand."""
        for tick in self.source.advance(at, [symbol for symbol in symbols if symbol not in self._pinned]):
            self.at = tick.at
            named = tick.quote or tick.trade
            if named is not None and named.symbol not in self._pinned:
                yield tick
        self.at = at

    def price_at(self, symbol: str, at: datetime) -> Decimal | None:
        """What a unit cost at a moment: the middle of the seeded book, or the last trade known then."""
        quote = self.source.quote(symbol, at)
        if quote is None:
            return None
        price = quote.last or quote.mid
        return None if price is None else _on_tick(price, self.instrument(symbol))

    def close_before(self, symbol: str, at: datetime) -> Decimal:
        """The last price of the session before the opening `at`; for a symbol priced by hand, its price now."""
        pinned = self._pinned.get(symbol)
        if pinned is not None:
            return pinned[1].price
        price = self.source.close_before(symbol, at)
        return Decimal(0) if price is None else _on_tick(price, self.instrument(symbol))


def _on_tick(value: Decimal, instrument: Instrument) -> Decimal:
    tick = instrument.tick_at(value)
    return max((value / tick).to_integral_value() * tick, tick)

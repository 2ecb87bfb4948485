"""Where prices come from: the seeded walk of shares, one for both exchanges, and options priced from it; or recorded days."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b

from floorbroker.domain.instrument import OptionContract
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import Price
from floorbroker.tape import Listing, option_value
from floorbroker_sim.market import SeededSource, Tick
from floorbroker_sim.recorded import RecordedSource
from floorbroker_sim.upstox import info
from floorbroker_sim.upstox.rest.hours import INDIA
from floorbroker_sim.upstox.rest.listing import Listed, Listings, tick_of

_NEXT = Decimal(1) / 50  # half the spread of an option, as a part of its price


def walk(seed: int) -> SeededSource:
    """The seeded prices of shares and indices, by trading symbol."""
    listings = {one.symbol: _listing(Decimal(one.anchor), one.size) for one in info.SHARES}
    listings |= {one.symbol: _listing(Decimal(one.anchor), 1) for one in info.INDICES}
    return SeededSource(seed=seed, listings=listings)


def _listing(anchor: Decimal, size: int) -> Listing:
    tick = info.TICK if size == 1 else tick_of(anchor)
    return Listing(anchor=anchor, tick=tick, half_spread=max(1, int(anchor / 20_000 / tick)), size=Decimal(size))


class SeededPrices:
    """Answers for canonical symbols; a share costs the same in Bombay, and an option follows what it is about."""

    def __init__(self, seed: int, listings: Listings) -> None:
        self._walk = walk(seed)
        self._listings = listings

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        listed = self._listings.by_symbol.get(symbol)
        if listed is None:
            return None
        if listed.is_option:
            return self._option(listed, at)
        quote = self._walk.quote(listed.trading_symbol, at)
        return None if quote is None else replace(quote, symbol=symbol)

    def _option(self, listed: Listed, at: datetime) -> Quote | None:
        contract, spot = OptionContract.parse(listed.symbol), self.quote(listed.underlying, at)
        if contract is None or spot is None or spot.mid is None or listed.ends_at is None:
            return None
        left_s = max(0, int((listed.ends_at - at).total_seconds()))
        value = option_value(contract, spot.mid, left_s)
        half = max(info.TICK, value * _NEXT)
        bid, ask = (_on_tick(price) for price in (value - half, value + half))
        ask = max(ask, info.TICK)
        lots = blake2b(f"{listed.symbol} {int(at.timestamp())}".encode(), digest_size=2).digest()
        return Quote(
            symbol=listed.symbol, bid=Price(bid) if bid > 0 and left_s else None, ask=Price(ask),
            bid_size=Decimal((1 + lots[0] % 40) * listed.lot), ask_size=Decimal((1 + lots[1] % 40) * listed.lot),
            last=Price(max(_on_tick(value), info.TICK)), time=at, source="seeded",
        )  # fmt: skip

    def last_trade(self, symbol: str, at: datetime) -> Trade | None:
        listed = self._listings.by_symbol.get(symbol)
        if listed is None:
            return None
        if not listed.is_option:
            trade = self._walk.last_trade(listed.trading_symbol, at)
            return None if trade is None else replace(trade, symbol=symbol)
        quote = self._option(listed, at)
        if quote is None or quote.last is None:
            return None
        return Trade(
            symbol=symbol, price=quote.last, size=Decimal(listed.lot), time=at, trade_id=str(int(at.timestamp()))
        )

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        for symbol in symbols:
            yield Tick(at=at, quote=self.quote(symbol, at), trade=self.last_trade(symbol, at))

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        quote = self.quote(symbol, INDIA.last_closed(at).close)
        return None if quote is None else quote.last

    def rewind(self) -> None:
        """There is nothing to rewind."""


def _on_tick(value: Decimal) -> Decimal:
    return (value / info.TICK).to_integral_value() * info.TICK


class RecordedPrices:
    """Recorded days under the names of this venue: `AAPL` is `AAPL.NSE` here."""

    def __init__(self, source: RecordedSource) -> None:
        self._source = source

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        quote = self._source.quote(plain(symbol), at)
        return None if quote is None else replace(quote, symbol=symbol)

    def last_trade(self, symbol: str, at: datetime) -> Trade | None:
        trade = self._source.last_trade(plain(symbol), at)
        return None if trade is None else replace(trade, symbol=symbol)

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        for tick in self._source.advance(at, symbols):
            quote, trade = tick.quote, tick.trade
            yield Tick(
                at=tick.at,
                quote=None if quote is None else replace(quote, symbol=f"{quote.symbol}.NSE"),
                trade=None if trade is None else replace(trade, symbol=f"{trade.symbol}.NSE"),
            )

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        return self._source.close_before(plain(symbol), at.astimezone(UTC))

    def rewind(self) -> None:
        self._source.rewind()


def plain(symbol: str) -> str:
    """A canonical symbol without its exchange."""
    return symbol.rpartition(".")[0] or symbol

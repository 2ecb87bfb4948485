"""Reference and market data: pairs (kept for an hour), quotes, bars, hours."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta

import msgspec

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.errors import BROKER
from floorbroker.brokers.kraken.info import INFO
from floorbroker.brokers.kraken.mapping import account as accounts
from floorbroker.brokers.kraken.mapping import market
from floorbroker.brokers.kraken.mapping.symbols import Symbols
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.reads import Reads
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import NotSupported, SymbolNotFound
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.records import MarketHours, Quote
from floorbroker.domain.values import Price

_RULES_AGE_S = 3600.0


class MarketReads:
    """What can be asked about markets, whoever the account belongs to."""

    def __init__(self, reads: Reads, calls: Calls, *, clock: Clock) -> None:
        self._reads = reads
        self._calls = calls
        self._clock = clock
        self._asked_s = -math.inf
        self._as_of = clock.now()
        self.symbols = Symbols()

    async def learn(self) -> None:
        """Ask for every pair, unless that was done within the hour."""
        if self._clock.monotonic() - self._asked_s < _RULES_AGE_S:
            return
        asked_s, as_of = self._clock.monotonic(), self._clock.now()
        pairs = await self._reads.ask(self._calls.pairs(), dict[str, wire.Pair], what="the pairs")
        self.symbols = Symbols(pairs)
        self._asked_s, self._as_of = asked_s, as_of

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules for a pair.  Raises `SymbolNotFound` by name."""
        await self.learn()
        pair = self.symbols.pairs.get(symbol)
        if pair is None or asset_class_of(symbol) not in INFO.asset_classes:
            raise SymbolNotFound(f"Kraken has no pair of coins {symbol[:32]}", broker=BROKER)
        return accounts.instrument_from(symbol, pair, as_of=self._as_of)

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask, and the last price."""
        found = await self.quotes([symbol])
        if symbol not in found:
            raise SymbolNotFound(f"Kraken has no quote for {symbol[:32]}", broker=BROKER)
        return found[symbol]

    async def quotes(self, symbols: list[str]) -> dict[str, Quote]:
        """Of several pairs, in one answer."""
        pairs = [self.symbols.to_rest(symbol) for symbol in symbols]
        found = await self._reads.ask(self._calls.ticker(pairs), dict[str, wire.Ticker], what="the quote")
        at = self._clock.now()
        named = {self.symbols.from_rest(name): ticker for name, ticker in found.items()}
        return {symbol: market.quote_from(symbol, ticker, at=at) for symbol, ticker in named.items()}

    async def prices(self, symbols: list[str]) -> dict[str, Price]:
        """The last price of each pair there is; of the others none."""
        await self.learn()
        known = [symbol for symbol in symbols if symbol in self.symbols.pairs]
        found = await self.quotes(known) if known else {}
        return {symbol: quote.last for symbol, quote in found.items() if quote.last is not None}

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int) -> BarSeries:
        """Finished bars that begin in [start, end).  Raises `NotSupported` for more than the newest 720."""
        minutes = market.interval_min(span_s)
        request = self._calls.ohlc(self.symbols.to_rest(symbol), minutes=minutes, since=int(start.timestamp()))
        found = await self._reads.ask(request, dict[str, msgspec.Raw], what="the bars")
        raw = next((rows for name, rows in found.items() if name != "last"), None)
        rows = [] if raw is None else wire.decode(raw, list[wire.OhlcRow], what="the bars")
        told = sorted((market.bar_of_row(symbol, row) for row in rows), key=lambda bar: bar.start)
        now, span = self._clock.now(), timedelta(seconds=span_s)
        if len(told) >= market.ROWS_MAX and told[0].start - span >= start:
            raise NotSupported(
                f"Kraken keeps the newest {market.ROWS_MAX} bars of a span: begin later, or ask wider ones"
            )
        wanted: list[Bar] = [bar for bar in told if start <= bar.start < end and bar.start + span <= now]
        return market.series_from(symbol, wanted[:limit], span_s=span_s)

    async def status(self) -> str:
        """The system's own word: online, maintenance, cancel_only, post_only, limit_only."""
        told = await self._reads.ask(self._calls.system_status(), wire.SystemStatus, what="the system status")
        return told.status[:40]

    async def hours(self, market_name: str, day: date) -> MarketHours:
        """Round the clock, but for what the system says now."""
        accounts.check_market(market_name)
        return accounts.hours_of(market_name, day, status=await self.status())

"""Reads about instruments and markets; what an instrument is, is read from the exchanges' files."""

from __future__ import annotations

from datetime import date, datetime, timedelta

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.info import Options
from floorbroker.brokers.upstox.mapping import account as accounts
from floorbroker.brokers.upstox.mapping import market
from floorbroker.brokers.upstox.mapping.symbols import Listed, Symbols, instrument_from
from floorbroker.brokers.upstox.mapping.values import day_in_india
from floorbroker.brokers.upstox.rest.calls import Calls
from floorbroker.brokers.upstox.rest.instruments import pieces
from floorbroker.brokers.upstox.rest.reads import Reads
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import MarketHours, Quote

_READ_AGAIN_S = 12 * 3600.0  # the files are made anew each morning


class MarketReads:
    """What can be asked about markets, whoever the account belongs to."""

    def __init__(self, reads: Reads, calls: Calls, symbols: Symbols, options: Options, *, clock: Clock) -> None:
        self._reads = reads
        self._calls = calls
        self._symbols = symbols
        self._options = options
        self._clock = clock
        self._read_s: float | None = None
        self._read_at = clock.now()

    async def learn(self) -> None:
        """Read the files of the profile's exchanges, unless they were read lately."""
        now_s = self._clock.monotonic()
        if self._read_s is not None and now_s - self._read_s < _READ_AGAIN_S:
            return
        for exchange in self._options.exchanges.split(","):
            data = await self._reads.body(self._calls.instruments(exchange), what=f"the instruments of {exchange}")
            for rows in pieces(data):
                self._symbols.learn(rows)
                await self._clock.sleep(0)
        self._read_s, self._read_at = now_s, self._clock.now()

    async def listed(self, symbol: str) -> Listed:
        """What the files say of a share.  Raises `SymbolNotFound`."""
        await self.learn()
        return self._symbols.of(symbol)

    def known(self, symbol: str) -> Listed | None:
        """The same without asking: what the files said when they were read last."""
        return self._symbols.find(symbol)

    async def instrument(self, symbol: str) -> Instrument:
        """The rules of a share, as of when the files were read."""
        found = await self.listed(symbol)
        return instrument_from(found, is_intraday=self._options.product == "I", as_of=self._read_at)

    async def quote(self, symbol: str) -> Quote:
        """The best prices of the venue's five levels."""
        key = (await self.listed(symbol)).key
        told: dict[str, wire.FullQuote] = await self._reads.ask(
            self._calls.quotes(key), dict[str, wire.FullQuote], what="the quote"
        )
        return market.quote_from(symbol, key, told, now=self._clock.now())

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int) -> BarSeries:
        """Bars from the first at or after `start`, `limit` at most; today's are asked for by themselves."""
        unit, key = market.unit_of(span_s), (await self.listed(symbol)).key
        today, last = day_in_india(self._clock.now()), day_in_india(end)
        told: list[wire.Candles] = []
        for first, until in market.parts_of(day_in_india(start), min(last, today - timedelta(days=1)), unit):
            request = self._calls.candles(key, unit.name, unit.count, first=first.isoformat(), last=until.isoformat())
            told.append(await self._reads.ask(request, wire.Candles, what="the candles"))
        if last >= today and unit.name != "weeks":
            request = self._calls.candles_today(key, unit.name, unit.count)
            told.append(await self._reads.ask(request, wire.Candles, what="today's candles"))
        return market.bars_from(symbol, told, span_s=span_s, start=start, end=end, limit=limit)

    async def hours(self, market_name: str, day: date) -> MarketHours:
        """The hours of India's `day`."""
        accounts.exchange_of(market_name)
        told: list[wire.Timing] = await self._reads.ask(
            self._calls.timings(day.isoformat()), list[wire.Timing], what="the timings"
        )
        return accounts.hours_from(market_name, day, told, now=self._clock.now())

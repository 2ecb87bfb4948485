"""Reference and market data: instruments (kept for an hour), prices, candles, hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping import account as accounts
from floorbroker.brokers.oanda.mapping import market
from floorbroker.brokers.oanda.mapping.units import home_factor
from floorbroker.brokers.oanda.mapping.values import BROKER, from_wire_symbol, lenient_moment
from floorbroker.brokers.oanda.rest.calls import CANDLES_MAX, Calls
from floorbroker.brokers.oanda.rest.reads import Reads
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import MarketHours, Quote

_RULES_AGE_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Kept:
    """What an account trades, by our symbols, and the monotonic time it was asked for."""

    asked_s: float
    account: wire.Account
    instruments: dict[str, wire.Instrument]


class MarketReads:
    """What can be asked about markets; which there are, an account says."""

    def __init__(self, reads: Reads, calls: Calls, *, clock: Clock) -> None:
        self._reads = reads
        self._calls = calls
        self._clock = clock
        self._kept: _Kept | None = None

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules, kept for an hour, and what its quote currency is worth now."""
        kept = await self._rules()
        told = self._known(kept, symbol)
        now = await self.price(symbol)
        return accounts.instrument_from(
            told,
            account=kept.account,
            factor=home_factor(now.quote_home_conversion_factors),
            tradeable=True,  # closed for the night is no rule of the instrument: orders may wait
            as_of=self._clock.now(),
        )

    async def rules(self, symbol: str) -> wire.Instrument:
        """The venue's own description.  Raises `SymbolNotFound` by name."""
        return self._known(await self._rules(), symbol)

    def known(self, symbol: str) -> wire.Instrument | None:
        """The same without asking: of the list that was read last."""
        return None if self._kept is None else self._kept.instruments.get(symbol)

    def _known(self, kept: _Kept, symbol: str) -> wire.Instrument:
        if symbol not in kept.instruments:
            raise SymbolNotFound(f"OANDA does not trade {symbol} in this account", broker=BROKER)
        return kept.instruments[symbol]

    async def _rules(self) -> _Kept:
        now_s = self._clock.monotonic()
        if self._kept is not None and now_s - self._kept.asked_s < _RULES_AGE_S:
            return self._kept
        account = await self._reads.summary()
        told = await self._reads.ask(self._calls.instruments(), wire.InstrumentsReply, what="the instruments")
        traded = {from_wire_symbol(one.name): one for one in told.instruments if accounts.is_traded_here(one)}
        self._kept = _Kept(now_s, account, traded)
        return self._kept

    async def price(self, symbol: str) -> wire.ClientPrice:
        """The price as it stands.  Raises `ApiError` for an answer about something else."""
        told = await self._reads.ask(self._calls.pricing(symbol), wire.PricesReply, what="the price")
        found = next((one for one in told.prices if from_wire_symbol(one.instrument) == symbol), None)
        if found is None:
            raise ApiError(f"the reply has no price of {symbol}", broker=BROKER)
        return found

    async def quote(self, symbol: str) -> Quote:
        """The price as it stands; that prices can be had depends on nothing else."""
        if self._kept is not None:
            self._known(self._kept, symbol)
        return market.quote_from(await self.price(symbol), at=self._clock.now())

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000) -> BarSeries:
        """Whole candles of middle prices from the first at or after `start`, `limit` at most."""
        word = market.granularity(span_s)
        self._known(await self._rules(), symbol)
        found: dict[datetime, wire.Candlestick] = {}
        while len(found) < limit and start < end:
            count = min(limit - len(found) + 1, CANDLES_MAX)  # the last one may not be over yet
            request = self._calls.candles(symbol, granularity=word, start=start, count=count)
            told = (await self._reads.ask(request, wire.CandlesReply, what="the candles")).candles
            page = {at: candle for candle in told if (at := lenient_moment(candle.time)) is not None and at >= start}
            fresh = {at: candle for at, candle in page.items() if at not in found}
            found |= {at: candle for at, candle in fresh.items() if candle.complete and at < end}
            if len(told) < count or not fresh:
                break
            start = max(fresh) + timedelta(seconds=1)
        kept = [candle for _, candle in sorted(found.items())[:limit]]
        return market.series_from(symbol, kept, span_s=span_s)

    async def hours(self, market_name: str, day: date) -> MarketHours:
        """The trading day of currencies that ends on New York's `day`.

        Asked for a day about now, it says whether the market is open now: a trading day begins on the eve.
        """
        found = accounts.hours_of(market_name, day, open_now=None)
        if abs((day - self._clock.now().date()).days) > 1:
            return found
        return accounts.hours_of(market_name, day, open_now=await self._is_tradeable())

    async def _is_tradeable(self) -> bool:
        """Whether the first pair of the list can be traded now: what the venue says, not the calendar."""
        kept = await self._rules()
        symbol = next(iter(kept.instruments), None)
        if symbol is None:
            return False
        return (await self.price(symbol)).tradeable is not False

"""Reference and market data: instruments (kept for an hour), quotes, bars, option chains, hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.info import INFO
from floorbroker.brokers.tradier.mapping import account as accounts
from floorbroker.brokers.tradier.mapping import market
from floorbroker.brokers.tradier.mapping.values import BROKER, NEW_YORK, from_wire_symbol
from floorbroker.brokers.tradier.rest.calls import Calls
from floorbroker.brokers.tradier.rest.reads import Reads
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import SymbolNotFound
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.options import OptionChain, chosen_expiry
from floorbroker.domain.records import MarketHours, Quote

_RULES_AGE_S = 3600.0
_RULES_MAX = 2_000
_DAY_S = 86_400


@dataclass(frozen=True, slots=True)
class _Kept:
    """An instrument and the monotonic time it was asked for."""

    asked_s: float
    instrument: Instrument


class MarketReads:
    """What can be asked about markets, whoever the account belongs to."""

    def __init__(self, reads: Reads, calls: Calls, *, clock: Clock) -> None:
        self._reads = reads
        self._calls = calls
        self._clock = clock
        self._rules: dict[str, _Kept] = {}

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules, kept for an hour; there is no list of instruments, so a quote tells what a symbol is."""
        kept = self._rules.get(symbol)
        if kept is not None and self._clock.monotonic() - kept.asked_s < _RULES_AGE_S:
            return kept.instrument
        found = accounts.instrument_from(await self._quoted(symbol), as_of=self._clock.now())
        if len(self._rules) >= _RULES_MAX:
            self._rules.clear()
        self._rules[symbol] = _Kept(self._clock.monotonic(), found)
        return found

    async def quote(self, symbol: str) -> Quote:
        """The latest quote; fifteen minutes old in the sandbox."""
        return market.quote_from(await self._quoted(symbol), now=self._clock.now())

    async def _quoted(self, symbol: str) -> wire.Quote:
        if asset_class_of(symbol) not in INFO.asset_classes:
            raise SymbolNotFound(f"Tradier does not trade {symbol}", broker=BROKER)
        body = await self._reads.body(self._calls.quotes([symbol]), what="the quote")
        found = wire.items(body, "quotes", "quote", wire.Quote, what="the quote", instead="unmatched_symbols")
        quote = next((one for one in found if from_wire_symbol(one.symbol) == symbol), None)
        if quote is None:
            raise SymbolNotFound(f"Tradier does not know {symbol}", broker=BROKER)
        return quote

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000) -> BarSeries:
        """Bars from the first at or after `start`, `limit` at most; longer ones are made of quarters of an hour."""
        name, base_s = market.interval(span_s)
        if span_s >= _DAY_S:
            request = self._calls.history(symbol, name, start=market.day_text(start), end=market.day_text(end))
            days = await self._reads.listed(request, "history", "day", wire.Day, what="the history")
            bars = market.day_bars(symbol, days)
        else:
            request = self._calls.timesales(symbol, name, start=market.wall_text(start), end=market.wall_text(end))
            sales = await self._reads.listed(request, "series", "data", wire.Sale, what="the time and sales")
            bars = market.sale_bars(symbol, sales)
            bars = bars if base_s == span_s else market.gathered(bars, span_s)
        return market.series_from(symbol, market.starts_within(bars, start, end)[:limit], span_s=span_s)

    async def hours(self, market_name: str, day: date) -> MarketHours:
        """The hours of New York's `day`."""
        accounts.check_market(market_name)
        calendar = await self._reads.ask(
            self._calls.calendar(day.year, day.month), wire.CalendarReply, what="the calendar"
        )
        days = wire.inner(calendar.calendar.days, "day", wire.CalendarDay, what="the calendar")
        is_today = self._clock.now().astimezone(NEW_YORK).date() == day
        told = await self.clock() if is_today else None
        return accounts.hours_from(market_name, day, days, open_now=accounts.is_open(told) if told else None)

    async def clock(self) -> wire.Clock:
        """The market's state and the venue's time."""
        return (await self._reads.ask(self._calls.clock(), wire.ClockReply, what="the clock")).clock

    # -- options --------------------------------------------------------------------------------------------------------

    async def expirations(self, underlying: str) -> list[date]:
        """Days on which options of `underlying` expire, in order; empty when it has none."""
        request = self._calls.expirations(underlying)
        return market.expirations_from(
            await self._reads.listed(request, "expirations", "date", str, what="the expirations")
        )

    async def strikes(self, underlying: str, expiration: date) -> list[Decimal]:
        """Strikes of one expiration, in dollars."""
        request = self._calls.strikes(underlying, expiration.isoformat())
        return market.strikes_from(await self._reads.listed(request, "strikes", "strike", Decimal, what="the strikes"))

    async def chain(self, underlying: str, expiry: date | None) -> OptionChain:
        """The contracts of one expiration, the next to come unless one is named.  Raises `SymbolNotFound`."""
        asked_at = self._clock.now()
        days = await self.expirations(underlying)
        day = chosen_expiry(days, expiry, today=asked_at.astimezone(NEW_YORK).date())
        if day is None:
            named = "" if expiry is None else f" that expires on {expiry.isoformat()}"
            raise SymbolNotFound(f"Tradier lists no option on {underlying}{named}", broker=BROKER)
        request = self._calls.chain(underlying, day.isoformat())
        quotes = await self._reads.listed(request, "options", "option", wire.Quote, what="the chain")
        return OptionChain(
            underlying=underlying,
            expiry=day,
            expirations=tuple(days),
            contracts=market.listed_from(quotes, underlying),
            asked_at=asked_at,
            source="tradier",
        )

"""Reference and market data: instruments (kept for an hour), quotes, trades, bars, hours."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.info import INFO
from floorbroker.brokers.alpaca.mapping import account as accounts
from floorbroker.brokers.alpaca.mapping import market
from floorbroker.brokers.alpaca.mapping.values import BROKER
from floorbroker.brokers.alpaca.rest import answers
from floorbroker.brokers.alpaca.rest.calls import Calls, Query
from floorbroker.brokers.alpaca.rest.reads import Reads
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.options import OptionChain, chosen_expiry
from floorbroker.domain.records import MarketHours, Quote, Trade
from floorbroker.domain.values import AssetClass, time_text
from floorbroker.transport.types import Request

_RULES_AGE_S = 3600.0
_RULES_MAX = 2_000


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
        """The venue's rules, kept for an hour."""
        kept = self._rules.get(symbol)
        if kept is not None and self._clock.monotonic() - kept.asked_s < _RULES_AGE_S:
            return kept.instrument
        if asset_class_of(symbol) not in INFO.asset_classes:
            raise SymbolNotFound(f"Alpaca does not trade {symbol}", broker=BROKER)
        found = await self._look_up(symbol)
        if len(self._rules) >= _RULES_MAX:
            self._rules.clear()
        self._rules[symbol] = _Kept(self._clock.monotonic(), found)
        return found

    async def streamed(self, symbol: str) -> Instrument | None:
        """The same before a stream is asked for it; None at the feed `test`, whose share nobody trades."""
        tried_out = self._calls.options.stock_feed == "test" and asset_class_of(symbol) is AssetClass.EQUITY
        return None if tried_out else await self.instrument(symbol)

    async def _look_up(self, symbol: str) -> Instrument:
        if asset_class_of(symbol) is AssetClass.OPTION:
            contract = await self._reads.instrument(symbol, wire.OptionContract)
            return accounts.option_from(contract, as_of=self._clock.now())
        asset = await self._reads.instrument(symbol, wire.Asset)
        return accounts.instrument_from(asset, as_of=self._clock.now())

    async def quote(self, symbol: str) -> Quote:
        """The latest quote of the feed the profile names."""
        told = await self._reads.ask(self._calls.latest_quote(symbol), wire.LatestQuotes, what="the quote")
        quote = answers.of_symbol(told.quotes, symbol, what="quote")
        return market.quote_from(symbol, quote, source="alpaca")

    async def snapshot(self, symbol: str) -> Quote:
        """Quote and last trade in one answer."""
        request = self._calls.snapshots(symbol)
        if asset_class_of(symbol) is AssetClass.EQUITY:  # stocks alone are not wrapped
            found = await self._reads.ask(request, dict[str, wire.Snapshot | None], what="the snapshot")
        else:
            found = (await self._reads.ask(request, wire.Snapshots, what="the snapshot")).snapshots
        snapshot = answers.of_symbol(found, symbol, what="snapshot")
        if snapshot.latest_quote is None:
            raise ApiError(f"the snapshot of {symbol} has no quote", broker=BROKER)
        return market.quote_from(symbol, snapshot.latest_quote, source="alpaca", last=snapshot.latest_trade)

    async def chain(self, underlying: str, expiry: date | None) -> OptionChain:
        """The contracts of one expiration with their quotes, the next to come unless one is named.  Raises `SymbolNotFound`."""
        asked_at = self._clock.now()
        today = asked_at.astimezone(accounts.NEW_YORK).date()
        lists = await self._reads.pages(
            lambda token: self._calls.contracts(underlying, since=today, page_token=token),
            wire.OptionContracts,
            what="the contracts",
        )
        contracts = market.contracts_from(one for page in lists for one in page.option_contracts or ())
        days = sorted({contract.expiry for contract, _ in contracts})
        day = chosen_expiry(days, expiry, today=today)
        if day is None:
            named = "" if expiry is None else f" that expires on {expiry.isoformat()}"
            raise SymbolNotFound(f"Alpaca lists no option on {underlying}{named}", broker=BROKER)
        quotes = await self._reads.pages(
            lambda token: self._calls.chain(underlying, expiry=day, page_token=token), wire.Snapshots, what="the chain"
        )
        of_day = [(contract, told) for contract, told in contracts if contract.expiry == day]
        told = {symbol: snapshot for page in quotes for symbol, snapshot in page.snapshots.items()}
        return OptionChain(
            underlying=underlying,
            expiry=day,
            expirations=tuple(days),
            contracts=market.listed_from(of_day, told, underlying),
            asked_at=asked_at,
            source="alpaca",
        )

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000) -> BarSeries:
        """Unadjusted bars from the first at or after `start`, `limit` at most."""
        query = (("timeframe", market.timeframe(span_s)), *_between(start, end))
        ask = self._asker("bars", symbol, query)
        bars = await self._reads.history(ask, wire.Bars, lambda page: page.bars, limit=limit)
        return market.series_from(symbol, bars, span_s=span_s)

    async def quotes(self, symbol: str, *, start: datetime, end: datetime, limit: int = 1000) -> list[Quote]:
        """Past quotes of a share or a coin."""
        ask = self._asker("quotes", symbol, _between(start, end))
        found = await self._reads.history(ask, wire.Quotes, lambda page: page.quotes, limit=limit)
        return [market.quote_from(symbol, quote, source="alpaca") for quote in found]

    async def trades(self, symbol: str, *, start: datetime, end: datetime, limit: int = 1000) -> list[Trade]:
        """Past public trades."""
        ask = self._asker("trades", symbol, _between(start, end))
        found = await self._reads.history(ask, wire.Trades, lambda page: page.trades, limit=limit)
        return [market.trade_from(symbol, trade) for trade in found]

    def _asker(self, kind: str, symbol: str, query: Query) -> Callable[[int, str | None], Request]:
        return lambda wanted, token: self._calls.history(kind, symbol, query, limit=wanted, page_token=token)

    async def hours(self, market_name: str, day: date) -> MarketHours:
        """XNYS hours of New York's `day`; coins trade round the clock."""
        if accounts.calendar_of(market_name) == accounts.ALWAYS:
            return accounts.round_the_clock(market_name, day)
        days = await self._reads.ask(self._calls.calendar(day), list[wire.CalendarDay], what="the calendar")
        is_today = self._clock.now().astimezone(accounts.NEW_YORK).date() == day
        told = await self._reads.ask(self._calls.clock(), wire.Clock, what="the clock") if is_today else None
        return accounts.hours_from(market_name, day, days, open_now=told.is_open if told else None)


def _between(start: datetime, end: datetime) -> Query:
    return (("start", time_text(start)), ("end", time_text(end)))

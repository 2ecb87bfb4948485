"""Polygon joined to a transport: history for everybody, and what else it sells."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta

from floorbroker.domain.actions import CorporateAction
from floorbroker.domain.errors import ConfigInvalid, NotFound, SymbolNotFound
from floorbroker.domain.forms import wrong_option
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.ports import MarketEvent, Subscription
from floorbroker.domain.records import DataKind, Quote, Trade
from floorbroker.domain.values import AssetClass
from floorbroker.marketdata.calendars import day_of, day_start
from floorbroker.marketdata.history import Row, Told
from floorbroker.marketdata.providers.outfit import Outfit
from floorbroker.marketdata.providers.polygon import mapping, wire
from floorbroker.marketdata.providers.polygon.auth import sign, socket_origin
from floorbroker.marketdata.providers.polygon.info import AUDITED, FREE, INFO, hosts_for, origins_for
from floorbroker.marketdata.providers.polygon.limits import limits_for, read_limits
from floorbroker.marketdata.providers.polygon.rest.calls import Calls
from floorbroker.marketdata.providers.polygon.rest.reads import Reads
from floorbroker.marketdata.providers.polygon.stream import StreamPlan
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds
from floorbroker.transport.layers.gate import HostTable
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.private import Surroundings
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Request, Socket, SocketTarget

_WAIT_S = 65.0  # a little more than the window of the free plan
_DAY = timedelta(days=1)


class Polygon:
    """One key.  Calls are safe to make at the same time; `close` ends them all."""

    name = "polygon"

    def __init__(self, *, reads: Reads, calls: Calls, feeds: Feeds, closing: Sequence[Callable[[], object]]) -> None:
        self._reads = reads
        self._calls = calls
        self._feeds = feeds
        self._closing = closing

    # -- history --------------------------------------------------------------------------------------------------------

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        """Raw aggregates, all pages.  Raises `SymbolNotFound` where nothing is told and the ticker is not listed."""
        if start >= end:
            return Told(rows=())
        request = self._calls.aggs(symbol, span_s=span_s, start=start, end=end)
        found = await self._reads.listed(request, wire.Agg, what=f"the bars of {symbol}")
        if not found:
            await self.ticker(symbol)
        return Told(rows=tuple(mapping.rows_of(found)))

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[CorporateAction]:
        """Splits and cash dividends by their day; coins have none."""
        if asset_class_of(symbol) is not AssetClass.EQUITY:
            return ()
        first, last = day_of(symbol, start), day_of(symbol, end - timedelta(microseconds=1))
        splits = await self._reads.listed(
            self._calls.splits(symbol, first=first, last=last), wire.Split, what=f"the splits of {symbol}"
        )
        paid = await self._reads.listed(
            self._calls.dividends(symbol, first=first, last=last), wire.Dividend, what=f"the dividends of {symbol}"
        )
        found: list[CorporateAction] = [mapping.split_of(one) for one in splits if one.ticker == symbol]
        found += [one for row in paid if row.ticker == symbol and (one := mapping.dividend_of(row)) is not None]
        return sorted(found, key=lambda one: one.day)

    async def grouped(self, day: date) -> dict[str, Row]:
        """Raw bars of every share on one day, in one request; each begins at the midnight of its day."""
        found = await self._reads.listed(self._calls.grouped(day), wire.Agg, what=f"the market on {day.isoformat()}")
        rows = zip((one.T for one in found), mapping.rows_of(found), strict=True)
        return {name: _begun(row, day_start(name, day)) for name, row in rows}

    # -- what else it sells ---------------------------------------------------------------------------------------------

    async def trades(self, symbol: str, *, start: datetime, end: datetime) -> list[Trade]:
        request = self._calls.trades(symbol, start=start, end=end)
        found = await self._reads.listed(request, wire.Trade, what=f"the trades of {symbol}")
        return [mapping.trade_of(symbol, one) for one in found]

    async def quotes(self, symbol: str, *, start: datetime, end: datetime) -> list[Quote]:
        request = self._calls.quotes(symbol, start=start, end=end)
        found = await self._reads.listed(request, wire.Quote, what=f"the quotes of {symbol}")
        return [mapping.quote_of(symbol, one) for one in found]

    async def last_quote(self, symbol: str) -> Quote:
        """The best bid and ask now.  Raises `SymbolNotFound`."""
        what = f"the last quote of {symbol}"
        try:
            found = await self._reads.result(self._calls.last_quote(symbol), wire.Nbbo, what=what)
        except NotFound as error:
            raise SymbolNotFound(f"Polygon has no quote of {symbol}", broker=wire.BROKER) from error
        return mapping.nbbo_of(symbol, found)

    async def snapshots(self, symbols: Sequence[str], *, coins: bool = False) -> dict[str, wire.Snapshot]:
        """Today so far, by symbol; who is not known is not there."""
        request = self._calls.snapshots(tuple(symbols), coins=coins)
        found = await self._reads.one(request, wire.Snapshots, what="the snapshots")
        return {mapping.symbol_of(one.ticker): one for one in found.tickers}

    async def tickers(self, *, market: str = "stocks", search: str = "") -> list[wire.Ticker]:
        """Everything that is listed in a market (`stocks`, `crypto`)."""
        request = self._calls.tickers(market=market, search=search)
        return await self._reads.listed(request, wire.Ticker, what="the tickers")

    async def ticker(self, symbol: str) -> wire.Ticker:
        """Raises `SymbolNotFound`."""
        try:
            return await self._reads.result(self._calls.ticker(symbol), wire.Ticker, what=f"the ticker {symbol}")
        except NotFound as error:
            raise SymbolNotFound(f"Polygon does not know {symbol}", broker=wire.BROKER) from error

    async def subscribe(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: Callable[[MarketEvent], None]
    ) -> Subscription:
        """Live trades, quotes and minutes, over one connection for each market."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def close(self) -> None:
        await self._feeds.close()
        for end in self._closing:
            await end()  # type: ignore[misc]


def _begun(row: Row, start: datetime) -> Row:
    return Row(start=start, open=row.open, high=row.high, low=row.low, close=row.close, volume=row.volume)


def build(outfit: Outfit) -> Polygon:
    """A key on its stack.  Raises `ConfigInvalid` for options, origins and a missing key."""
    if wrong := wrong_option(INFO.options, outfit.options):
        raise ConfigInvalid(f"{INFO.name}: {wrong}")
    key, clock = outfit.secret(INFO.name), outfit.clock
    origins = origins_for(outfit.environment, url=outfit.url, feed=outfit.options.get("feed", "realtime"))
    hosts = HostTable(outfit.environment, hosts_for(outfit.environment))
    calls = Calls(origin=origins.api)

    def signed(request: Request) -> Request:
        return sign(request, key)

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await outfit.connect(target)

    breakers = Breakers(clock=clock, safe_read=SafeRead(calls.status()), log=outfit.log, meter=outfit.meter)
    fit = Fittings(
        clock=clock, random=outfit.random,
        limiter=Limiter(limits_for(outfit.options.get("plan", FREE)), clock=clock), breakers=breakers,
        read_limits=read_limits(clock), sign=signed, tap=outfit.tap, redactor=outfit.redactor, meter=outfit.meter,
        policy=Policy(read_wait_s=_WAIT_S, read_total_s=4 * _WAIT_S), fields=AUDITED,
    )  # fmt: skip
    around = Surroundings(
        broker=INFO.code, clock=clock, random=outfit.random, log=outfit.log, meter=outfit.meter
    )  # fmt: skip
    return Polygon(
        reads=Reads(stack.reads(outfit.http, check=hosts, fit=fit), calls), calls=calls,
        feeds=Feeds(StreamPlan(origin=origins.stream, key=key), connect=connect, around=around),
        closing=(breakers.close, outfit.http.close),
    )  # fmt: skip

"""Reference and market data: the list of symbols (kept for an hour), quotes, trades, bars, whole books."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.limits import Allowances
from floorbroker.brokers.binance.mapping import market
from floorbroker.brokers.binance.mapping.symbols import Rules, Symbols, instrument_from
from floorbroker.brokers.binance.mapping.values import BROKER, needed
from floorbroker.brokers.binance.rest.calls import KLINES_MAX, Calls
from floorbroker.brokers.binance.rest.reads import Reads
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound, VenueError
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.ports import Log
from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.domain.values import AssetClass
from floorbroker.transport.bucket import LimitNews

_LIST_AGE_S = 3600.0
_LIST_PAUSE_S = 60.0  # between two lists asked for because a symbol was not in the last one
_PRICE_AGE_S = 60.0
_KEPT_MAX = 2_000
_PAGES_MAX = 400


@dataclass(frozen=True, slots=True)
class _Heard:
    """A price, and the monotonic time of hearing it."""

    at_s: float
    price: Decimal


class MarketReads:
    """What can be asked about markets, whoever the account belongs to.  `on_limits` hears what the venue says it allows."""

    def __init__(
        self,
        reads: Reads,
        calls: Calls,
        *,
        symbols: Symbols,
        clock: Clock,
        log: Log,
        allowances: Allowances | None = None,
    ) -> None:
        self._reads = reads
        self._calls = calls
        self._symbols = symbols
        self._clock = clock
        self._log = log
        self._allowances = allowances
        self._listed_at: datetime | None = None
        self._listed_s = self._tried_s = -_LIST_PAUSE_S
        self._listing = asyncio.Lock()
        self._prices: dict[str, _Heard] = {}
        self.news: tuple[LimitNews, ...] = ()

    # -- symbols ----------------------------------------------------------------------------------------------------------

    async def load(self) -> None:
        """The venue's list of symbols, if ours is of some age.  While it cannot be had, the one before serves on."""
        if self._listed_at is None:
            await self._list(_LIST_AGE_S)
        elif self._clock.monotonic() - self._tried_s >= _LIST_PAUSE_S:
            try:
                await self._list(_LIST_AGE_S)
            except VenueError as error:
                self._tried_s = self._clock.monotonic()
                self._log.warning("symbols.not_renewed", code=error.code, detail=error.detail)

    async def _list(self, age_s: float) -> None:
        async with self._listing:
            if self._listed_at is not None and self._clock.monotonic() - self._listed_s < age_s:
                return
            asked_at = self._clock.now()
            told = await self._reads.ask(self._calls.exchange_info(), wire.ExchangeInfo, what="the list of symbols")
            self._symbols.learn(told.symbols)
            self._listed_at, self._listed_s = asked_at, self._clock.monotonic()
            if self._allowances is not None:
                self.news = self._allowances.told(told.rate_limits)

    async def rules(self, symbol: str) -> Rules:
        """The venue's rules for a symbol.  Raises `SymbolNotFound`."""
        if asset_class_of(symbol) not in (
            AssetClass.CRYPTO,
            AssetClass.FX,
        ):  # coins against money: TRY/EUR and the like are FX by name
            raise SymbolNotFound(f"Binance spot does not trade {symbol}", broker=BROKER)
        if self._symbols.find(symbol) is None:
            await self._list(_LIST_PAUSE_S)  # it may be newer than our list
        return self._symbols.rules(symbol)  # of a list that is renewed by `load`: an order waits for no download

    def known(self, symbol: str) -> Rules | None:
        """The same without asking: of the list that was read last."""
        return self._symbols.find(symbol)

    async def instrument(self, symbol: str) -> Instrument:
        await self.load()
        rules = await self.rules(symbol)
        return instrument_from(rules, as_of=self._listed_at or self._clock.now())

    # -- prices -----------------------------------------------------------------------------------------------------------

    async def quote(self, symbol: str) -> Quote:
        """The best bid and ask."""
        rules = await self.rules(symbol)
        request = self._calls.book_ticker(rules.wire_symbol)
        told = await self._reads.ask(request, wire.BookTicker, what="the quote")
        quote = market.quote_from(symbol, told, at=self._clock.now())
        if quote.mid is not None:
            self._remember(symbol, quote.mid)
        return quote

    async def snapshot(self, symbol: str) -> Quote:
        """Quote and last price."""
        rules = await self.rules(symbol)
        request = self._calls.book_ticker(rules.wire_symbol)
        told = await self._reads.ask(request, wire.BookTicker, what="the quote")
        last = (await self._reads.prices([rules.wire_symbol])).get(rules.wire_symbol)
        return market.quote_from(symbol, told, at=self._clock.now(), last=None if last is None else last.price)

    async def reference(self, symbol: str) -> Decimal:
        """What the venue measures percentages from, as near as it tells: the average price of the last minutes."""
        rules = await self.rules(symbol)
        request = self._calls.average_price(rules.wire_symbol)
        told = await self._reads.ask(request, wire.AveragePrice, what="the average price")
        price = needed(told.price, what="a price")
        self._remember(symbol, price)
        return price

    def recent(self, symbol: str) -> Decimal | None:
        """The price we last heard of, if that was not long ago; nothing is asked."""
        heard = self._prices.get(symbol)
        return heard.price if heard is not None and self._clock.monotonic() - heard.at_s < _PRICE_AGE_S else None

    def _remember(self, symbol: str, price: Decimal) -> None:
        if len(self._prices) >= _KEPT_MAX:
            self._prices.clear()
        self._prices[symbol] = _Heard(self._clock.monotonic(), price)

    # -- history ----------------------------------------------------------------------------------------------------------

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000) -> BarSeries:
        """Bars from the first at or after `start`, `limit` at most."""
        rules, word = await self.rules(symbol), market.interval(span_s)
        found: list[wire.Kline] = []
        at = start
        for _ in range(_PAGES_MAX):
            wanted = min(limit - len(found), KLINES_MAX)
            if wanted <= 0 or at > end:
                break
            request = self._calls.klines(rules.wire_symbol, word, start=at, end=end, limit=wanted)
            page = await self._reads.ask(request, list[wire.Kline], what="the bars")
            found += page
            if len(page) < wanted:
                break
            following = market.bar_from(symbol, page[-1]).start + timedelta(seconds=span_s)
            if following <= at:
                raise ApiError("the bars: the venue repeats a page", broker=BROKER)
            at = following
        return market.series_from(symbol, found, span_s=span_s)

    async def trades(self, symbol: str, *, limit: int = 500) -> list[Trade]:
        """The newest public trades."""
        rules = await self.rules(symbol)
        request = self._calls.public_trades(rules.wire_symbol, limit=min(limit, 1000))
        told = await self._reads.ask(request, list[wire.PublicTrade], what="the trades")
        return [market.trade_from(symbol, trade) for trade in told]

    async def book(self, symbol: str, *, levels: int) -> BookDelta:
        """The whole book of this moment."""
        request = self._calls.depth(self._symbols.to_wire(symbol), levels=levels)
        told = await self._reads.ask(request, wire.Book, what="the book")
        return market.book_from(symbol, told, at=self._clock.now())

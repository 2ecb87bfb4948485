"""Market data that is asked for: quotes and bars."""

from __future__ import annotations

from datetime import datetime, timedelta

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import requests
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.mapping import market
from floorbroker.brokers.ibkr.mapping.contracts import CASH
from floorbroker.brokers.ibkr.rest.collect import Single
from floorbroker.brokers.ibkr.rest.contracts import Contracts
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, Timeout, VenueError
from floorbroker.domain.records import Quote

QUOTE_S = 5.0
HISTORY_S = 60.0
_QUESTIONS_MAX = 50
_NO_DATA = "no data"


class MarketReads:
    """What can be asked about markets.  `kind` is the type of market data that is wanted where there is no real time."""

    def __init__(self, program: Program, contracts: Contracts, *, kind: int, clock: Clock) -> None:
        self._program = program
        self._contracts = contracts
        self._kind = kind
        self._clock = clock

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask, as soon as both were told.  Raises `ApiError` when no price comes, or what the venue says."""
        contract, number = await self._contracts.contract(symbol), self._program.next_request()
        heard = _Quoted(number, symbol)

        def ask(version: int) -> bytes:
            del version
            return requests.market_data_type(self._kind) + requests.market_data(number, contract)

        try:
            await self._program.ask(
                heard,
                ask,
                endpoint="market.quote",
                stop=lambda _: requests.cancel_market_data(number),
                within_s=QUOTE_S,
            )
        except Timeout:
            if not (heard.ticks.bid or heard.ticks.ask or heard.ticks.last):
                raise ApiError(f"the venue tells no prices of {symbol}", broker=BROKER) from None
        return heard.ticks.quote(self._clock.now())

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int) -> BarSeries:
        """Bars from the first at or after `start`, `limit` at most; currencies by their middle, which has no volume."""
        bar, reach = market.bar_word(span_s), market.reach_of(span_s)
        contract = await self._contracts.contract(symbol)
        rows: list[wire.Candle] = []
        begin = start
        for _ in range(_QUESTIONS_MAX):
            if begin >= end or len(rows) >= limit:
                break
            until = min(begin + reach, end)
            rows += await self._candles(contract, bar=bar, begin=begin, until=until)
            begin = until
        return market.series_from(symbol, rows, span_s=span_s, start=start, end=end, limit=limit)

    async def _candles(
        self, contract: wire.Contract, *, bar: str, begin: datetime, until: datetime
    ) -> tuple[wire.Candle, ...]:
        number = self._program.next_request()
        span = until - begin + timedelta(seconds=1)
        asked = Single(wire.Candles, lambda told: told.req_id == number, request=number, what="the bars")
        try:
            told = await self._program.ask(
                asked,
                lambda _: requests.history(
                    number,
                    contract,
                    end=market.end_word(until),
                    duration=market.duration_word(span),
                    bar_size=bar,
                    what="MIDPOINT" if contract.sec_type == CASH else "TRADES",
                    regular_hours=False,
                ),
                endpoint="market.bars",
                within_s=HISTORY_S,
            )
        except VenueError as error:
            if asked.failure is error and _NO_DATA in (error.venue_text or ""):
                return ()  # the venue's words for a time in which nothing was traded
            raise
        return () if told.answer is None else told.answer.candles


class _Quoted:
    """Ticks of one request until both sides are known."""

    def __init__(self, request: int, symbol: str) -> None:
        self._prices = Single(wire.TickPrice, lambda _: False, request=request, what=f"the quote of {symbol}")
        self._request = request
        self.ticks = market.Ticks(symbol)

    @property
    def failure(self) -> VenueError | None:
        return self._prices.failure

    def take(self, message: wire.Wire) -> bool:
        if self._prices.take(message):
            return True
        if getattr(message, "req_id", None) == self._request:
            self.ticks.take(message)
        return self.ticks.is_whole and self.ticks.kind is not None

"""Market data that is asked for: quotes and bars.

The first answers about a contract hold no values: the venue begins to listen for us with them.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping import market
from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.brokers.ibkr_web.rest.contracts import Contracts
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import Quote
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")
_TRIES = 10
_PAUSE_S = 0.3
_PAGES_MAX = 50


class MarketReads:
    """What can be asked about markets."""

    def __init__(
        self, reads: Transport, calls: Calls, brokerage: Brokerage, contracts: Contracts, *, clock: Clock
    ) -> None:
        self._reads = reads
        self._calls = calls
        self._brokerage = brokerage
        self._contracts = contracts
        self._clock = clock

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask of now.  Raises `ApiError` when none come, or none that the venue calls real-time."""
        contract = await self._contracts.contract(symbol)
        await self._brokerage.ensure()
        request = self._calls.snapshot([contract.conid])
        why = "the venue tells no prices"
        for tried in range(_TRIES):
            if tried:
                await self._clock.sleep(_PAUSE_S)
            rows = await self._ask(request, list[dict[str, msgspec.Raw]], what="the quote")
            for row in rows:
                if bytes(row.get("conid", b"")).strip(b'"') != str(contract.conid).encode() or not market.has_prices(
                    row
                ):
                    continue
                if not (why := market.staleness(row)):
                    return market.quote_from(symbol, row, now=self._clock.now())
        raise ApiError(f"no quote of {symbol}: {why}", broker=BROKER)

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int) -> BarSeries:
        """Bars of regular hours from the first at or after `start`, `limit` at most; a thousand a question."""
        bar = market.bar_word(span_s)
        contract = await self._contracts.contract(symbol)
        await self._brokerage.ensure()
        rows: list[wire.BarRow] = []
        begin = start
        for _ in range(_PAGES_MAX):
            if begin >= end or len(rows) >= limit:
                break
            period, until = market.window(begin, end, span_s)
            request = self._calls.history(contract.conid, period=period, bar=bar, start=begin)
            told = await self._ask(request, wire.History, what="the bars")
            rows += [row for row in told.data or [] if row.t >= int(begin.timestamp() * 1000)]
            begin = until
        return market.series_from(symbol, rows, span_s=span_s, start=start, end=end, limit=limit)

    async def _ask(self, request: Request, kind: type[T], *, what: str) -> T:
        return answers.answer(await self._reads.send(request), kind, what=what)

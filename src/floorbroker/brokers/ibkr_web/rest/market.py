"""Market data that is asked for: quotes and bars.

The first answers about a contract hold no values: the venue begins to listen for us with them.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

import msgspec

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping import market
from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest.asking import Asking
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.brokers.ibkr_web.rest.contracts import Contracts
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.records import Quote
from floorbroker.transport.types import Request, Transport

_TRIES = 10
_PAUSE_S = 0.3
_LOOKS = 5  # at many at once, of which some may have no price at all
_LINES_MAX = 40
_PAGES_MAX = 50


class MarketReads(Asking):
    """What can be asked about markets.  `streamed` tells the contracts that the stream has subscribed to."""

    def __init__(
        self,
        reads: Transport,
        calls: Calls,
        brokerage: Brokerage,
        contracts: Contracts,
        *,
        clock: Clock,
        streamed: Callable[[], Collection[int]],
    ) -> None:
        super().__init__(reads)
        self._calls = calls
        self._brokerage = brokerage
        self._contracts = contracts
        self._clock = clock
        self._streamed = streamed
        self._lines: dict[int, int] = {}  # contracts that were looked at in passing, and the session it was in

    async def quote(self, symbol: str) -> Quote:
        """Best bid and ask of now.  Raises `ApiError` when none come, or none that the venue calls real-time."""
        contract = await self._contracts.contract(symbol)
        await self._brokerage.ensure()
        request = self._calls.snapshot([contract.conid])
        why = "the venue tells no prices"
        for tried in range(_TRIES):
            if tried:
                await self._clock.sleep(_PAUSE_S)
            for row in await self._rows(request):
                if not _is_of(row, contract.conid) or not market.has_prices(row):
                    continue
                if not (why := market.staleness(row)):
                    return market.quote_from(symbol, row, now=self._clock.now())
        raise ApiError(f"no quote of {symbol}: {why}", broker=BROKER)

    async def about(self, conid: int) -> Decimal | None:
        """Where the market of a contract is about, by a price of whatever age; None where none comes."""
        await self._brokerage.ensure()
        request = self._calls.snapshot([conid])
        for look in range(_LOOKS):
            if look:
                await self._clock.sleep(_PAUSE_S)
            for row in await self._rows(request):
                if _is_of(row, conid) and (price := market.about(row)) is not None:
                    return price
        return None

    async def many(self, conids: Sequence[int]) -> Mapping[int, market.Fields]:
        """What the venue calls real-time of several contracts, one question for all; those without a price are left out."""
        if not conids:
            return {}
        await self._make_room(conids)
        request, found = self._calls.snapshot(conids), dict[int, market.Fields]()
        for look in range(_LOOKS):
            if look:
                await self._clock.sleep(_PAUSE_S)
            rows = await self._rows(request)
            priced = [row for row in rows if market.has_prices(row) and not market.staleness(row)]
            found |= {conid: row for row in priced for conid in conids if _is_of(row, conid)}
            if len(found) == len(conids):
                break
        return found

    async def _make_room(self, conids: Sequence[int]) -> None:
        """Let go of contracts that were looked at before: each holds one of the account's lines of market data.

        What the stream listens to is let go of by the stream.  Lines end with their session.
        """
        session = (await self._brokerage.ensure()).number
        self._lines = {conid: number for conid, number in self._lines.items() if number == session}
        spare = [conid for conid in self._lines if conid not in conids]
        surplus = len(spare) + len(conids) - _LINES_MAX
        streamed = self._streamed()
        for conid in spare[: max(surplus, 0)]:
            del self._lines[conid]
            if conid not in streamed:  # an error says that it holds none, and leaves as little to do as a yes
                await self._reads.send(self._calls.let_go(conid))
        self._lines |= dict.fromkeys(conids, session)

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

    async def _rows(self, request: Request) -> list[dict[str, msgspec.Raw]]:
        return await self._ask(request, list[dict[str, msgspec.Raw]], what="the quote")


def _is_of(row: market.Fields, conid: int) -> bool:
    return bytes(row.get("conid", b"")).strip(b'"') == str(conid).encode()

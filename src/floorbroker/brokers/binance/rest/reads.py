"""Reads of the account: one question, or page by page until complete, or an error; and the measuring of the venue's clock."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TypeVar

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.errors import BROKER, command_error, is_unsynchronised
from floorbroker.brokers.binance.mapping.values import millis, moment_needed
from floorbroker.brokers.binance.rest import answers
from floorbroker.brokers.binance.rest.calls import ORDERS_MAX, TRADES_MAX, Calls, batches
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ApiError, SymbolNotFound
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.types import Request, Transport

T = TypeVar("T")

PAGES_MAX = 400
DAY = timedelta(days=1)
_TIME_AGE_S = 60.0
_FIRST_SAMPLES = 3


class Reads:
    """The read stack of one account, asked in whole answers."""

    def __init__(self, transport: Transport, calls: Calls, *, clock: Clock, offset: ClockOffset) -> None:
        self._transport = transport
        self._calls = calls
        self._clock = clock
        self._offset = offset
        self._measured_s: float | None = None

    def venue_now(self) -> datetime:
        """The time at the venue, as far as it was measured."""
        return self._offset.venue_now()

    async def ask(self, request: Request, kind: type[T], *, what: str) -> T:
        """One question, its body as `kind`; once more with the clock measured anew when the venue did not like our time."""
        response = await self._transport.send(request)
        if is_unsynchronised(response):
            await self.measure_anew()
            response = await self._transport.send(request)
        return answers.answer(response, kind, what=what)

    async def test(self, request: Request) -> None:
        """An order that the venue looks at and does not place; raises what it says."""
        response = await self._transport.send(request)
        if is_unsynchronised(response):
            await self.measure_anew()
            response = await self._transport.send(request)
        if response.status != 200:
            raise command_error(response, what="the test order")

    # -- the venue's clock ----------------------------------------------------------------------------------------------

    async def keep_time(self) -> None:
        """Measure the venue's clock when the last measure is of some age; several times when there is none."""
        if self._measured_s is None:
            await self.measure_anew()
        elif self._clock.monotonic() - self._measured_s > _TIME_AGE_S:
            await self._measure()

    async def measure_anew(self) -> None:
        """Several times, so that what was measured before is out-voted where it is wrong."""
        for _ in range(_FIRST_SAMPLES):
            await self._measure()

    async def _measure(self) -> None:
        asked_s = self._clock.monotonic()
        response = await self._transport.send(self._calls.time())
        heard_s = self._clock.monotonic()
        told = answers.answer(response, wire.ServerTime, what="the clock")
        self._offset.learn(moment_needed(told.server_time), asked_s=asked_s, heard_s=heard_s)
        self._measured_s = heard_s

    # -- lists of one symbol ----------------------------------------------------------------------------------------------

    async def orders(self, wire_symbol: str, *, since: datetime) -> list[wire.Order]:
        """Orders made or changed since then, of the newest thousand; further back when those are all younger."""
        page = await self._orders(self._calls.all_orders(wire_symbol))
        reaches = len(page) < ORDERS_MAX or (page[0].time or 0) <= millis(since)
        found = {order.order_id: order for order in page}
        if not reaches:
            further = await self._orders_by_day(wire_symbol, since=since)
            if not further:
                raise ApiError("the orders: none since then, and a thousand that are younger", broker=BROKER)
            found |= {order.order_id: order for order in further}
        return [order for order in found.values() if max(order.time or 0, order.update_time or 0) >= millis(since)]

    async def _orders_by_day(self, wire_symbol: str, *, since: datetime) -> list[wire.Order]:
        """Day by day, since the venue takes no longer span; within a full day by order numbers."""
        found: dict[int, wire.Order] = {}
        start, end = since, self._offset.venue_now() + timedelta(seconds=1)
        for _ in range(PAGES_MAX):
            if start >= end:
                return list(found.values())
            until = min(start + DAY, end)
            page = await self._orders(self._calls.all_orders_from(wire_symbol, start=start, end=until))
            found |= {order.order_id: order for order in page}
            if len(page) == ORDERS_MAX:
                return await self._orders_onward(wire_symbol, found)
            start = until
        raise ApiError("the orders: more days than anybody lists", broker=BROKER)

    async def _orders_onward(self, wire_symbol: str, found: dict[int, wire.Order]) -> list[wire.Order]:
        """Everything behind the last number."""
        for _ in range(PAGES_MAX):
            last = max(found)
            page = await self._orders(self._calls.all_orders(wire_symbol, order_number=last + 1))
            if page and max(order.order_id for order in page) <= last:
                raise ApiError("the orders: the venue repeats a page", broker=BROKER)
            found |= {order.order_id: order for order in page}
            if len(page) < ORDERS_MAX:
                return list(found.values())
        raise ApiError("the orders: more pages than anybody has", broker=BROKER)

    async def _orders(self, request: Request) -> list[wire.Order]:
        listed = await self.ask(request, list[wire.Order], what="the orders")
        return sorted(listed, key=lambda order: order.order_id)

    async def trades(self, wire_symbol: str, *, since: datetime) -> list[wire.Trade]:
        """Every trade since then: the newest thousand, or from the first one since on by trade numbers."""
        page = await self._trades(self._calls.trades(wire_symbol))
        if len(page) < TRADES_MAX or page[0].time <= millis(since):
            return [trade for trade in page if trade.time >= millis(since)]
        found = {trade.id: trade for trade in await self._trades(self._calls.trades(wire_symbol, start=since))}
        if not found:
            raise ApiError("the fills: none since then, and a thousand that are younger", broker=BROKER)
        for _ in range(PAGES_MAX):
            last = max(found)
            page = await self._trades(self._calls.trades(wire_symbol, from_id=last + 1))
            if page and page[-1].id <= last:
                raise ApiError("the fills: the venue repeats a page", broker=BROKER)
            found |= {trade.id: trade for trade in page}
            if len(page) < TRADES_MAX:
                return list(found.values())
        raise ApiError("the fills: more pages than anybody has", broker=BROKER)

    async def _trades(self, request: Request) -> list[wire.Trade]:
        listed = await self.ask(request, list[wire.Trade], what="the fills")
        return sorted(listed, key=lambda trade: trade.id)

    # -- prices -----------------------------------------------------------------------------------------------------------

    async def prices(self, wire_symbols: Iterable[str]) -> dict[str, wire.PriceTicker]:
        """The last prices of these symbols, by symbol."""
        wanted = sorted(set(wire_symbols))
        found: list[wire.PriceTicker] = []
        try:
            for batch in batches(wanted):
                found += await self.ask(self._calls.prices(batch), list[wire.PriceTicker], what="the prices")
        except SymbolNotFound:  # one of them is gone since the list of symbols, and takes all others with it
            found = await self.ask(self._calls.prices(), list[wire.PriceTicker], what="the prices")
        return {ticker.symbol: ticker for ticker in found if ticker.symbol in wanted}

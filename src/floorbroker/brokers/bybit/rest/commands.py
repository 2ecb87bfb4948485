"""Commands of one account: each is one request, sent once, and read for what it proves."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import TypeVar

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.errors import is_not_modified, is_wrong_time
from floorbroker.brokers.bybit.mapping.symbols import LINEAR, SETTLE_COINS, SPOT, Place, to_wire
from floorbroker.brokers.bybit.mapping.values import text
from floorbroker.brokers.bybit.rest import answers
from floorbroker.brokers.bybit.rest.calls import Calls
from floorbroker.brokers.bybit.rest.turns import PATIENCE_S, Turns
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, NotSupported, Outcome, RateLimitExceeded, VenueError
from floorbroker.domain.values import ClOrdId
from floorbroker.transport.types import Request, Response, Transport

T = TypeVar("T")

BATCH_MAX = {SPOT: 10, LINEAR: 20}
# Spot lists its kinds apart and has to be asked for each; contracts are asked for by the coin they settle in.
SPOT_KINDS = ("Order", "StopOrder", "tpslOrder", "OcoOrder", "BidirectionalTpslOrder")
CANCEL_ALL = (
    *(wire.CancelAllRequest(category=SPOT, order_filter=kind) for kind in SPOT_KINDS),
    *(wire.CancelAllRequest(category=LINEAR, settle_coin=coin) for coin in SETTLE_COINS),
)


class Commands:
    """The command stacks of one account.

    `orders` carries what the trade socket takes as well, `others` the rest; they are the same stack where orders go over REST.
    `requests_s` is how many of each kind of command the account may send a second.  `on_wrong_time` is called when the venue
    refused a time stamp; the refused command stays refused.
    """

    def __init__(
        self,
        orders: Transport,
        others: Transport,
        calls: Calls,
        *,
        clock: Clock,
        requests_s: int,
        on_wrong_time: Callable[[], Awaitable[None]],
    ) -> None:
        self._orders = orders
        self._others = others
        self._calls = calls
        self._clock = clock
        self._turns = Turns(clock, per_s=requests_s)
        self._on_wrong_time = on_wrong_time

    async def submit(self, body: wire.OrderRequest, *, decided_at: float) -> wire.Accepted:
        """One order; the answer says that it was received."""
        request = self._calls.submit(body, decided_at=decided_at)
        return await self._about_order(self._orders, request, "the order", cl_ord_id=body.order_link_id)

    async def submit_batch(
        self, category: str, items: Sequence[wire.OrderItem], *, decided_at: float
    ) -> list[wire.Accepted | FloorbrokerError]:
        """Several orders of one category in one request, and how each fared."""
        body = wire.BatchRequest(category=category, request=tuple(items))
        ids = [item.order_link_id for item in items]
        request = self._calls.submit_batch(body, decided_at=decided_at)
        return await self._read(self._orders, request, lambda answer: answers.batch(answer, ids, what="the batch"))

    async def amend(self, body: wire.AmendRequest, *, decided_at: float, order: ClOrdId) -> wire.Accepted:
        """New terms for an order that keeps its ids."""
        request = self._calls.amend(body, decided_at=decided_at, order=order)
        return await self._about_order(
            self._orders, request, "the replace", order_id=body.order_id, cl_ord_id=body.order_link_id
        )

    async def cancel(self, body: wire.CancelRequest, *, order: ClOrdId) -> wire.Accepted:
        """Asks for the end of an order.  Where the venue says that it was one cancel too many, it is asked again in turn."""
        request = self._calls.cancel(body, order=order)
        until_s = self._clock.monotonic() + PATIENCE_S
        while True:
            try:
                return await self._cancel_either_way(request, body)
            except RateLimitExceeded as error:
                is_told = error.outcome is Outcome.REFUSED and error.venue_text is not None  # a ban has no code
                if not is_told or not await self._turns.next(until_s=until_s):
                    raise

    async def _cancel_either_way(self, request: Request, body: wire.CancelRequest) -> wire.Accepted:
        """Over REST when the trade socket did not take it."""
        try:
            return await self._cancel(self._orders, request, body)
        except VenueError as error:
            if error.outcome is not Outcome.NOT_SENT or self._orders is self._others:
                raise
        return await self._cancel(self._others, request, body)

    async def _cancel(self, transport: Transport, request: Request, body: wire.CancelRequest) -> wire.Accepted:
        return await self._about_order(
            transport, request, "the cancel", order_id=body.order_id, cl_ord_id=body.order_link_id
        )

    async def cancel_all(self, body: wire.CancelAllRequest) -> list[wire.Accepted]:
        """Asks for the end of every open order of a kind."""
        return await self._read(self._others, self._calls.cancel_all(body), answers.cancelled)

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """The same on both sides; that it is so already is no error."""
        place, told = perpetual(symbol), text(leverage) or ""
        body = wire.LeverageRequest(category=place.category, symbol=place.symbol, buy_leverage=told, sell_leverage=told)
        await self._set(self._calls.leverage(body), "the leverage")

    async def set_position_mode(self, *, hedge: bool, symbol: str | None, coin: str | None) -> None:
        """One-way or hedge, of one symbol or of all that settle in a coin."""
        spelled = None if symbol is None else perpetual(symbol).symbol
        body = wire.ModeRequest(category=LINEAR, mode=3 if hedge else 0, symbol=spelled, coin=coin)
        await self._set(self._calls.mode(body), "the position mode")

    async def set_trading_stop(self, body: wire.TradingStopRequest) -> None:
        """Take-profit, stop-loss and trailing stop of a position."""
        await self._set(self._calls.trading_stop(body), "the trading stop")

    async def _set(self, request: Request, what: str) -> None:
        try:
            await self._read(self._others, request, lambda answer: answers.result(answer, what=what))
        except VenueError as error:
            if not is_not_modified(error):
                raise

    async def _about_order(
        self,
        transport: Transport,
        request: Request,
        what: str,
        *,
        order_id: str | None = None,
        cl_ord_id: str | None = None,
    ) -> wire.Accepted:
        return await self._read(
            transport,
            request,
            lambda answer: answers.accepted(answer, what=what, order_id=order_id, cl_ord_id=cl_ord_id),
        )

    async def _read(self, transport: Transport, request: Request, read: Callable[[Response], T]) -> T:
        response = await transport.send(request)
        try:
            return read(response)
        except VenueError as error:
            if is_wrong_time(error):
                await self._on_wrong_time()
            raise


def perpetual(symbol: str) -> Place:
    """Raises `NotSupported` for what is none."""
    place = to_wire(symbol)
    if place.category != LINEAR:
        raise NotSupported(f"{symbol} is no perpetual: it has no leverage, no position mode and no trading stop")
    return place

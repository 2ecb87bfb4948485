"""Order commands of one account, over REST or over the private socket: each is sent once, and what is known of it is exact.

The engine counts orders by pair and refuses when its counter is full; what we sent is counted here as well, and a new order or a
change that would not fit waits for a moment, or is refused by us before it leaves.  Cancels are counted and never held back.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.errors import BROKER, is_overtaken
from floorbroker.brokers.kraken.limits import PairCounters, batch_points
from floorbroker.brokers.kraken.mapping import entry, orders
from floorbroker.brokers.kraken.mapping.symbols import Symbols
from floorbroker.brokers.kraken.rest import answers
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.sockets import SocketCalls
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    FloorbrokerError,
    Hint,
    Outcome,
    OwnRefusal,
    RateLimitExceeded,
    SessionExpired,
    VenueError,
)
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.values import ClOrdId, OrderId
from floorbroker.transport.types import Request, Response, Transport

T = TypeVar("T")

_PATIENCE_S = 1.0
_OVERTAKEN_MAX = 2
_ENGINE_FULL = "EOrder:Rate limit exceeded"


class Commands:
    """`socket` is the stack over the private socket, where orders travel that way, and `renew` logs it in anew; `rest` is needed
    in any case.
    """

    def __init__(
        self,
        *,
        rest: Transport,
        calls: Calls,
        counters: PairCounters,
        symbols: Callable[[], Symbols],
        clock: Clock,
        socket: Transport | None = None,
        socket_calls: SocketCalls | None = None,
        renew: Callable[[], None] = lambda: None,
    ) -> None:
        self._rest = rest
        self._calls = calls
        self._counters = counters
        self._symbols = symbols
        self._clock = clock
        self._socket = socket
        self._socket_calls = socket_calls
        self._renew = renew

    async def submit(self, approved: Approved) -> str:
        """The venue's id of one new order."""
        order = approved.order
        await self._make_room(order.symbol, 1)
        response = await self._sent([approved], self._submit_request(approved))
        return self._noticed(order.symbol, lambda: answers.added_id(response, approved.cl_ord_id))

    async def submit_batch(self, approved: Sequence[Approved]) -> list[str | FloorbrokerError]:
        """The venue's id, or the error, of each of several orders of one pair: one request."""
        symbol = approved[0].order.symbol
        await self._make_room(symbol, batch_points(len(approved)))
        asked = [one.cl_ord_id for one in approved]
        response = await self._sent(approved, self._batch_request(approved))
        return self._noticed(symbol, lambda: answers.batch_items(response, asked))

    async def _sent(self, approved: Sequence[Approved], request: Request) -> Response:
        symbol, points = approved[0].order.symbol, 1 if len(approved) == 1 else batch_points(len(approved))
        response = await self._charged(symbol, points, request)
        for one in approved:
            self._counters.placed(one.cl_ord_id, symbol, self._clock.monotonic())
        return response

    async def _charged(self, symbol: str, points: int, request: Request) -> Response:
        """Counted at once, so that whoever comes next sees it; taken back when it is proven that nothing left."""
        self._counters.count(symbol, points, self._clock.monotonic())
        try:
            return await self._carried(request)
        except FloorbrokerError as error:
            if error.outcome is Outcome.NOT_SENT:
                self._counters.count(symbol, -points, self._clock.monotonic())
            raise

    async def amend(self, ref: OrderRef, order_id: OrderId, changes: OrderChanges, *, decided_at: float) -> None:
        """Change an order in its place; an answer means that it is changed."""
        points = self._counters.amend_points(ref.cl_ord_id, self._clock.monotonic())
        if self._socket is not None and self._socket_calls is not None:
            members = entry.amend_members(changes, order_id=order_id)
            request = self._socket_calls.amend(members, decided_at=decided_at, cl_ord_id=ref.cl_ord_id)
        else:
            params = orders.amend_params(changes, order_id=order_id)
            request = self._calls.amend(params, decided_at=decided_at, cl_ord_id=ref.cl_ord_id)
        await self._make_room(ref.symbol, points)
        response = await self._charged(ref.symbol, points, request)
        self._counters.placed(ref.cl_ord_id, ref.symbol, self._clock.monotonic())
        self._noticed(ref.symbol, lambda: answers.command_answer(response, wire.Amended, what="the change"))

    async def cancel(self, ref: OrderRef) -> None:
        """Ask for a cancel.  A socket that cannot be had does not hold it back: what did not leave goes by REST."""
        self._counters.cancelled(ref.cl_ord_id, ref.symbol, self._clock.monotonic())
        params: orders.Params = {"cl_ord_id": ref.cl_ord_id} if ref.order_id is None else {"txid": ref.order_id}
        by_rest = self._calls.cancel(params, cl_ord_id=ref.cl_ord_id)
        by_socket = None if self._socket_calls is None else self._socket_calls.cancel(ref)
        await self._ask(by_socket, by_rest, what="the cancel")

    async def cancel_all(self) -> None:
        """Ask for a cancel of every open order of the account."""
        self._counters.cancelled_all(self._clock.monotonic())
        by_socket = None if self._socket_calls is None else self._socket_calls.cancel_all()
        await self._ask(by_socket, self._calls.cancel_all(), what="the mass cancel")

    async def dead_man(self, timeout_s: int) -> None:
        """Wind the venue's timer, or stop it with 0."""
        request = self._calls.dead_man(timeout_s)
        await self._ask_rest(request, lambda told: answers.command_answer(told, wire.DeadMan, what="the timer"))

    async def check(self, order: NewOrder) -> None:
        """Have the venue look at an order without placing it; raises what it would refuse it for."""
        params = orders.order_params(order, ClOrdId(""))
        await self._ask_rest(self._calls.check(params, pair=self._symbols().to_rest(order.symbol)), answers.checked)

    # -- which way --------------------------------------------------------------------------------------------------------

    def _submit_request(self, approved: Approved) -> Request:
        order = approved.order
        if self._socket_calls is not None:
            members = entry.order_members(order, approved.cl_ord_id)
            return self._socket_calls.submit(members, symbol=order.symbol, decided_at=approved.decided_at)
        params = orders.order_params(order, approved.cl_ord_id)
        return self._calls.submit(params, pair=self._symbols().to_rest(order.symbol), decided_at=approved.decided_at)

    def _batch_request(self, approved: Sequence[Approved]) -> Request:
        symbol, decided_at = approved[0].order.symbol, min(one.decided_at for one in approved)
        if self._socket_calls is not None:
            members = [entry.order_members(one.order, one.cl_ord_id) for one in approved]
            return self._socket_calls.submit_batch(members, symbol=symbol, decided_at=decided_at)
        params = [orders.order_params(one.order, one.cl_ord_id) for one in approved]
        return self._calls.submit_batch(params, pair=self._symbols().to_rest(symbol), decided_at=decided_at)

    async def _carried(self, request: Request) -> Response:
        return await (self._rest if self._socket is None else self._socket).send(request)

    async def _ask(self, by_socket: Request | None, by_rest: Request, *, what: str) -> None:
        if self._socket is None or by_socket is None or not await self._ask_socket(self._socket, by_socket, what=what):
            await self._ask_rest(by_rest, lambda told: answers.command_answer(told, wire.Counted, what=what))

    async def _ask_socket(self, socket: Transport, request: Request, *, what: str) -> bool:
        """Whether a cancel was asked for; not where it did not leave, and where the socket's session is over."""
        try:
            response = await socket.send(request)
        except OwnRefusal:
            raise
        except VenueError as error:
            if error.outcome is not Outcome.NOT_SENT:
                raise
            return False
        try:
            answers.command_answer(response, wire.Counted, what=what)
        except SessionExpired:
            self._renew()
            return False
        return True

    async def _ask_rest(self, request: Request, read: Callable[[Response], T]) -> T:
        """A refused nonce proves that nothing was done.  What may be asked for again is: a few times, each with a new one."""
        for _ in range(_OVERTAKEN_MAX):
            try:
                return read(await self._rest.send(request))
            except AuthenticationFailed as error:
                if not is_overtaken(error):
                    raise
        return read(await self._rest.send(request))

    # -- the engine's counter -----------------------------------------------------------------------------------------------

    async def _make_room(self, symbol: str, points: int) -> None:
        """Raises `RateLimitExceeded` (NOT_SENT) when the pair's counter has no room within a moment."""
        patient_until = self._clock.monotonic() + _PATIENCE_S
        while (wait_s := self._counters.wait_s(symbol, points, self._clock.monotonic())) > 0:
            if self._clock.monotonic() + wait_s > patient_until:
                raise RateLimitExceeded(
                    f"the venue's counter of orders in {symbol} is nearly full",
                    broker=BROKER,
                    outcome=Outcome.NOT_SENT,
                    hint=Hint(retry_after_s=wait_s),
                )
            await self._clock.sleep(wait_s)  # whoever else waited may have taken the room: look again

    def _noticed(self, symbol: str, read: Callable[[], T]) -> T:
        """Read an answer; one that says the counter is full, or the session over, is believed."""
        try:
            return read()
        except SessionExpired:
            self._renew()
            raise
        except RateLimitExceeded as error:
            if (error.venue_text or "").startswith(_ENGINE_FULL):
                self._counters.filled(symbol, self._clock.monotonic())
            raise

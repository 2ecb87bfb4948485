"""The one connection to TWS or IB Gateway that everybody of a profile shares: opened when it is needed, one flight at a time.

Questions, commands, the order stream and market data all go over it.  `ask` puts a question; `lines` are what streams listen to,
in the shape of sockets, so that whoever keeps streams up keeps these up as well.  When the connection ends, or the program
loses the broker's servers, every line ends and every question fails: what a program answers from memory is no answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from itertools import count
from typing import TypeVar

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.rest.collect import Collector
from floorbroker.brokers.ibkr.rest.link import Link
from floorbroker.brokers.ibkr.stream.ids import ID_MAX, OrderIds
from floorbroker.brokers.ibkr.stream.session import ApiSession
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ConfigInvalid,
    ConnectionFailed,
    FloorbrokerError,
    GatewayNotRunning,
    NotReady,
    Outcome,
    RateLimitExceeded,
    StreamLost,
    Timeout,
    VenueError,
)
from floorbroker.domain.ports import Log
from floorbroker.transport.layers.audit import Exchange, Tap
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.types import Connect, Lane, Socket, SocketTarget

C = TypeVar("C", bound=Collector)
Build = Callable[[int], bytes]
"""A frame for a server's version."""

OPEN_S = 10.0
ASK_S = 10.0
_PATIENT = ("market.", "contracts.", "account.preview")
"""Questions whose answers come from far behind the program, and may take long or stay away."""
_ANSWERED, _REFUSED = 200, 400  # in the words of the other venues, for who hears of exchanges
REQUEST_FIRST = ID_MAX + 1
ORDER_MESSAGES = (wire.OpenOrder, wire.OrderStatus, wire.Execution, wire.Commission, wire.Error)
DATA_MESSAGES = (
    wire.TickPrice, wire.TickSize, wire.TickString, wire.TickGeneric, wire.DataType, wire.Error,
)  # fmt: skip


class Program:
    """The program behind `target`, as client `client_id`.  `account` tells the one that was named; empty where none was.

    The account of the first connection is that of every later one: whoever logs the program in to another meanwhile is told so.
    Questions pay to `limiter`, each by its endpoint and lane, and `tap` hears of each that was put, as it hears of commands.
    Belongs to one event loop; `close` ends it.
    """

    def __init__(
        self,
        *,
        connect: Connect,
        target: SocketTarget,
        client_id: int,
        ids: OrderIds,
        limiter: Limiter,
        clock: Clock,
        log: Log,
        tap: Tap,
        account: Callable[[], str] = str,
    ) -> None:
        self._connect = connect
        self._target = target
        self.client_id = client_id
        self.ids = ids
        self._limiter = limiter
        self._clock = clock
        self._log = log
        self._tap = tap
        self._named = account
        self._link: Link | None = None
        self._account: str | None = None
        self._accounts: tuple[str, ...] = ()
        self._opening = asyncio.Lock()
        self._requests = count(REQUEST_FIRST)
        self._locks: dict[str, asyncio.Lock] = {}
        self._closed = False

    # -- what it is like --------------------------------------------------------------------------------------------------

    @property
    def link(self) -> Link | None:
        """The connection that stands; None while there is none."""
        return self._link if self._link is not None and self._link.is_open else None

    @property
    def trouble(self) -> str:
        """Why nothing can be asked now; empty when all is well."""
        link = self.link
        if link is None:
            return "there is no connection to the program"
        return link.lost

    @property
    def account(self) -> str:
        """The account that this profile trades.  Raises `NotReady` before the first connection."""
        if self._account is None:
            raise NotReady("which account the program is logged in to is not known before the first connection")
        return self._account

    @property
    def accounts(self) -> tuple[str, ...]:
        """Those of the log-in, as the last connection told them."""
        return self._accounts

    # -- opening and closing ----------------------------------------------------------------------------------------------

    async def ready(self) -> Link:
        """The connection, opened when there is none.  Raises a `VenueError` (NOT_SENT) or `ConfigInvalid`."""
        if (link := self.link) is not None:
            return link
        try:
            async with asyncio.timeout(OPEN_S), self._opening:
                if (link := self.link) is not None:
                    return link
                if self._closed:
                    raise ConnectionFailed("the connection to the program was closed", broker=BROKER)
                return await self._opened()
        except TimeoutError:
            raise Timeout("the program was not ready in time", broker=BROKER, outcome=Outcome.NOT_SENT) from None
        except VenueError as error:
            error.outcome = Outcome.NOT_SENT  # no command was written yet
            raise

    async def _opened(self) -> Link:
        try:
            socket = await self._connect(self._target)
        except ConnectionFailed as error:
            raise GatewayNotRunning(
                f"nothing listens at {self._target.url}: start TWS or IB Gateway and switch its socket on ({error.detail})",
                broker=BROKER,
            ) from error
        link = Link(socket, ApiSession(self.client_id), clock=self._clock, log=self._log, on_pace=self._slow_down)
        try:
            await link.greet()
            account = self._chosen(link.session.accounts)
        except BaseException:
            await link.close("it was not the one that was looked for")
            raise
        self.ids.heard(link.session.next_id or 1)
        self._link, self._account, self._accounts = link, account, link.session.accounts
        self._log.info("program.ready", version=link.session.version, accounts=len(link.session.accounts))
        return link

    def _chosen(self, listed: tuple[str, ...]) -> str:
        """The account to trade.  Raises `ConfigInvalid`, also for another one than before."""
        account = account_of(self._named(), listed)
        if self._account not in (None, account):
            raise ConfigInvalid(
                "somebody logged the program in to another account: log in to the one that the desk began with"
            )
        return account

    async def asked(self) -> Link:
        """The connection for a question.  Raises also while the program has lost the broker's servers."""
        link = await self.ready()
        if link.lost:
            raise ConnectionFailed(f"the program has lost the broker's servers: {link.lost}", broker=BROKER)
        return link

    async def close(self) -> None:
        self._closed = True
        link, self._link = self._link, None
        if link is not None:
            await link.close("it was closed")

    def _slow_down(self) -> None:
        self._limiter.throttled("orders.submit", 1.0)

    # -- questions ----------------------------------------------------------------------------------------------------------

    def next_request(self) -> int:
        """A number for a question, which no order has."""
        number = next(self._requests)
        if number >= REQUEST_FIRST + 100_000_000:
            self._requests = count(REQUEST_FIRST)
        return number

    async def ask(
        self,
        collector: C,
        build: Build,
        *,
        endpoint: str,
        lane: Lane = Lane.QUERY,
        stop: Build | None = None,
        within_s: float = ASK_S,
    ) -> C:
        """Send a question and wait for its answer, then send `stop` where it has to be called off.

        Raises what the collector found, `Timeout`, or what stands in the way.
        """
        await self._limiter.acquire(endpoint, lane=lane, max_wait_s=within_s)
        at, started = self._clock.now(), self._clock.monotonic()
        tell = partial(self._told, endpoint, at, started)
        try:
            await self._put(collector, build, endpoint=endpoint, stop=stop, within_s=within_s)
        except FloorbrokerError as error:
            is_left = isinstance(error, Timeout) and endpoint.startswith(_PATIENT)
            tell(error="cancelled" if is_left else error.code)
            raise
        except BaseException:
            tell(error="cancelled")
            raise
        tell(status=_ANSWERED if collector.failure is None else _REFUSED)
        if collector.failure is not None:
            raise collector.failure
        return collector

    async def _put(
        self, collector: Collector, build: Build, *, endpoint: str, stop: Build | None, within_s: float
    ) -> None:
        """Until it is answered, with what `collector` found.  Raises `Timeout`, or what stands in the way."""
        link = await self.asked()
        waiting, losses = link.wait_for(collector), link.losses
        try:
            async with asyncio.timeout(within_s):
                await link.write(build(link.session.version))
                await waiting
        except TimeoutError:
            if not endpoint.startswith(_PATIENT):  # what it knows by itself comes at once: such a connection is sick
                await link.close(f"{endpoint} was not answered")
            raise Timeout(f"{endpoint}: no answer within {within_s:g} s", broker=BROKER) from None
        finally:
            link.forget(collector)
            if stop is not None and link.is_open:
                await self._call_off(link, stop, endpoint)
        if collector.failure is None and link.losses != losses:
            raise ConnectionFailed(f"{endpoint}: the program lost the broker's servers meanwhile", broker=BROKER)

    def _told(
        self, endpoint: str, at: datetime, started_s: float, *, status: int | None = None, error: str | None = None
    ) -> None:
        """One question and what came of it; of a wait that a patient question ended nothing is known, as of one we broke off."""
        exchange = Exchange(
            at=at,
            method="GET",
            url=f"{self._target.url}/{endpoint}",
            endpoint=endpoint,
            status=status,
            error=error,
            outcome=None if error is None else Outcome.UNKNOWN,
            elapsed_s=self._clock.monotonic() - started_s,
        )
        self._tap(exchange)

    async def _call_off(self, link: Link, stop: Build, endpoint: str) -> None:
        """Best effort: a question that is not called off costs a line of market data and nothing else."""
        try:
            await self._limiter.acquire(endpoint, lane=Lane.RESOLVE, max_wait_s=1.0)
            await link.write(stop(link.session.version))
        except (StreamLost, RateLimitExceeded) as error:
            self._log.warning("program.not_called_off", endpoint=endpoint, code=error.code)

    def alone(self, name: str) -> asyncio.Lock:
        """For questions without a number: one at a time, since their answers do not say which one they answer."""
        return self._locks.setdefault(name, asyncio.Lock())

    # -- lines ----------------------------------------------------------------------------------------------------------------

    async def order_line(self, target: SocketTarget) -> Socket:
        """What is said about orders, as a socket.  Raises what stands in the way."""
        del target
        return (await self.asked()).line(ORDER_MESSAGES, self._paid("orders.stream"))

    async def data_line(self, target: SocketTarget) -> Socket:
        """Market data, as a socket."""
        del target
        return (await self.asked()).line(DATA_MESSAGES, self._paid("market.stream"))

    def _paid(self, endpoint: str) -> Callable[[], Awaitable[None]]:
        async def pay() -> None:
            await self._limiter.acquire(endpoint, lane=Lane.QUERY, max_wait_s=60.0)

        return pay


def account_of(named: str, listed: tuple[str, ...]) -> str:
    """The account to trade: the one that was named, or the only one.  Raises `ConfigInvalid`: nobody guesses an account."""
    if named:
        if named not in listed:
            raise ConfigInvalid("the program is logged in to other accounts than BROKER_ACCOUNT_NUMBER")
        return named
    if len(listed) != 1:
        raise ConfigInvalid("the program's log-in has several accounts: name one as BROKER_ACCOUNT_NUMBER")
    return listed[0]

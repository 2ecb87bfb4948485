"""Binance spot as a `Broker`: joins the rooms to transports.

What awaits more than one answer stands in `rest`; streams await in the shared runners.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from random import Random

from floorbroker.brokers.binance import wire
from floorbroker.brokers.binance.auth import Credentials, check_secret, sign
from floorbroker.brokers.binance.errors import BROKER, read_error
from floorbroker.brokers.binance.info import (
    AUDITED,
    INFO,
    Options,
    Origins,
    hosts_for,
    options_from,
    origins_for,
    socket_origin,
)
from floorbroker.brokers.binance.limits import LIMITS, Allowances
from floorbroker.brokers.binance.mapping import account as accounts
from floorbroker.brokers.binance.mapping import market as markets
from floorbroker.brokers.binance.mapping import orders, rules
from floorbroker.brokers.binance.mapping.families import Families
from floorbroker.brokers.binance.mapping.identity import BinanceIdentity
from floorbroker.brokers.binance.mapping.reports import Reader
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.rest.calls import Calls
from floorbroker.brokers.binance.rest.commands import Commands
from floorbroker.brokers.binance.rest.history import History
from floorbroker.brokers.binance.rest.market import MarketReads
from floorbroker.brokers.binance.rest.reads import Reads
from floorbroker.brokers.binance.stream.books import Books
from floorbroker.brokers.binance.stream.commands import BinanceDialect, sign_for_socket
from floorbroker.brokers.binance.stream.orders import PATH, UserSession
from floorbroker.brokers.binance.stream.plan import DataPlan
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    FieldError,
    FloorbrokerError,
    Forbidden,
    Outcome,
    OwnRefusal,
    SymbolNotFound,
    VenueError,
)
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Identity, Log, Meter, OrderEvents, Reports, Subscription
from floorbroker.domain.records import (
    Account,
    Balance,
    BookDelta,
    Check,
    ConnectionStatus,
    DataKind,
    ExecutionReport,
    Fetched,
    KeyPermissions,
    LinkState,
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
    Trade,
)
from floorbroker.domain.values import ClOrdId, Environment, OrderClass
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.feeds import Feeds, MarketHandler, Sinks
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.order_socket import OrderSocket
from floorbroker.transport.private import Line, OrderStream, Surroundings, end
from floorbroker.transport.signs import SignsOf
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Lane, Request, Socket, SocketTarget, Transport

_OFFSET_MAX_S = 1.0
_TEST_ID = ClOrdId("00000000-0000-0000-0000-000000000000")


class BinanceBroker:
    """One spot account at Binance.

    `reads` and `commands` are finished stacks that sign by `offset`; `connect` opens WebSockets; `on_limits` hears what the
    venue says it allows.  `build` wires all of it.  Calls are safe to make at the same time.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        origins: Origins,
        credentials: Credentials,
        reads: Transport,
        commands: Transport,
        connect: Connect,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        offset: ClockOffset | None = None,
        limiter: Limiter | None = None,
        options: Options | None = None,
        allowances: Allowances | None = None,
        on_limits: Callable[[LimitNews], None] = lambda _: None,
        send_timeout_s: float = 5.0,
        breakers: Callable[[], Mapping[str, str]] = dict,
        sinks: Sinks | None = None,
        symbols_of_ours: Callable[[], Collection[str]] = tuple,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._environment = environment
        self._origins = origins
        self._credentials = credentials
        self._options = Options() if options is None else options
        self._clock = clock
        self._log = log
        self._on_limits = on_limits
        self._closing = tuple(closing)
        self._breakers = breakers
        self._offset = ClockOffset(clock) if offset is None else offset
        self._identity = BinanceIdentity()
        symbols, traded = Symbols(), Traded(ours=symbols_of_ours)
        self._symbols = symbols
        self._calls = Calls(origins=origins, command_timeout_s=send_timeout_s)
        self._transport = reads
        self._reads = Reads(reads, self._calls, clock=clock, offset=self._offset)
        self._market = MarketReads(
            self._reads, self._calls, symbols=symbols, clock=clock, log=log, allowances=allowances
        )
        reader = Reader(symbols, Families())
        self._history = History(
            self._reads,
            self._calls,
            market=self._market,
            reader=reader,
            traded=traded,
            options=self._options,
            clock=clock,
            log=log,
        )
        self._commands = Commands(
            commands,
            self._calls,
            reads=self._reads,
            market=self._market,
            reader=reader,
            traded=traded,
            clock=clock,
            on_unsynchronised=self._resynchronise,
        )
        self._state, self._since, self._detail = LinkState.OFFLINE, clock.now(), "not connected"
        self._measuring: asyncio.Task[None] | None = None
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        session = UserSession(
            credentials,
            reader,
            offset=self._offset,
            traded=traded,
            recv_window_ms=int(self._options.recv_window_ms),
            on_unsynchronised=self._resynchronise,
        )
        self._orders = OrderStream(
            [Line(name="orders", session=session, connect=connect, target=self._private_target)], around
        )
        self._books = Books(fetch=self._whole_book, hand=self._hand_book, clock=clock, log=log)
        plan = DataPlan(origin=origins.streams, symbols=symbols, on_chain=self._books.begin)
        self._feeds = Feeds(plan, connect=connect, around=around, sinks=sinks)
        self._signs = SignsOf(self._orders, self._feeds, limiter)

    @property
    def info(self) -> BrokerInfo:
        return INFO

    @property
    def identity(self) -> Identity:
        return self._identity

    # -- connection -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Measure the venue's clock, learn its symbols and limits, and prove the credentials."""
        self._enter(LinkState.CONNECTING, "connecting")
        try:
            check_secret(self._credentials.secret)
            await self._reads.measure_anew()
            await self._load()
            await self._history.raw_account()
        except FloorbrokerError as error:
            refused = isinstance(error, Forbidden)
            self._enter(LinkState.DEGRADED if refused else LinkState.OFFLINE, error.detail)
            raise
        self._enter(LinkState.CONNECTED, "")

    async def _load(self) -> None:
        await self._market.load()
        for news in self._market.news:
            self._on_limits(news)

    async def disconnect(self) -> None:
        """Close every stream, then the connections (`closing`): the end of this object's work."""
        await self._orders.close()
        await self._feeds.close()
        await self._books.close()
        measuring, self._measuring = self._measuring, None
        await end([measuring] if measuring is not None else [])
        for close in self._closing:
            await close()
        self._enter(LinkState.OFFLINE, "disconnected")

    def is_connected(self) -> bool:
        return self._state is LinkState.CONNECTED and not self._orders.denied

    def get_connection_status(self) -> ConnectionStatus:
        denied = self._orders.denied and self._state is LinkState.CONNECTED
        return ConnectionStatus(
            state=LinkState.DEGRADED if denied else self._state,
            since=self._since,
            stream_up=self._orders.is_up,
            detail=self._detail or self._orders.detail,
            clock_offset_s=self._offset.at_least_s,
            breakers=self._breakers(),
            signs=self._signs,
        )

    def _enter(self, state: LinkState, detail: str) -> None:
        self._state, self._since, self._detail = state, self._clock.now(), detail

    def _resynchronise(self) -> None:
        """The venue turned a timestamp away: measure its clock, once at a time and beside what is going on."""
        if self._measuring is None or self._measuring.done():
            self._measuring = asyncio.create_task(self._measure(), name="binance clock")

    async def _measure(self) -> None:
        try:
            await self._reads.measure_anew()
        except FloorbrokerError as error:
            self._log.warning("clock.not_measured", code=error.code, detail=error.detail)

    # -- self-check -------------------------------------------------------------------------------------------------------

    async def self_check(self) -> SelfCheck:
        """Connectivity, clock, credentials, permissions, and an order that the venue looks at without placing it."""
        checks: list[Check] = []
        try:
            await self._reads.measure_anew()
            await self._load()
        except FloorbrokerError as error:
            return SelfCheck(checks=(Check(name="connectivity", ok=False, detail=error.detail),))
        checks.append(Check(name="connectivity", ok=True, detail=self._origins.rest))
        offset_s = self._offset.seconds or 0.0
        near = abs(offset_s) <= _OFFSET_MAX_S
        checks.append(Check(name="clock", ok=near, detail=f"the venue's clock is {offset_s:+.3f} s from ours"))
        try:
            account = await self.get_account_info()
            rights = await self.get_key_permissions()
        except FloorbrokerError as error:
            return SelfCheck(checks=(*checks, Check(name="credentials", ok=False, detail=error.detail)))
        checks.append(Check(name="credentials", ok=True, detail=f"account {account.account}"))
        checks.append(Check(name="environment", ok=True, detail=self._environment.value))
        allowed = account.can_trade and rights.trade is not False and not rights.withdraw
        checks.append(Check(name="permissions", ok=allowed, detail=_rights_text(account, rights)))
        checks.append(await self._check_order_entry())
        return SelfCheck(checks=tuple(checks))

    async def _check_order_entry(self) -> Check:
        """The smallest order of the most usual symbol, through the venue's test call."""
        try:
            symbol = next(
                (s for s in ("BTC/USDT", "ETH/USDT", "BTC/USDC") if self._symbols.find(s) is not None), "BTC/USDT"
            )
            wish = rules.smallest(await self._market.rules(symbol), await self._market.reference(symbol))
            await self._test(wish)
        except FloorbrokerError as error:
            return Check(name="order entry", ok=False, detail=error.venue_text or error.detail)
        return Check(name="order entry", ok=True, detail="a test order was accepted")

    async def _test(self, order: NewOrder) -> None:
        """Raises what the venue says to an order that it looks at and does not place."""
        params = orders.single(order, _TEST_ID, self._symbols.to_wire(order.symbol))
        named = tuple((name, value) for name, value in params if name != "newClientOrderId")
        await self._reads.test(self._calls.test(named))

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One POST.  What is neither our own order nor a listed refusal leaves the order UNKNOWN."""
        return await self._commands.submit(approved)

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Each its own request, all at once: Binance spot has no batches."""
        return await asyncio.gather(*(self._submit_quietly(one) for one in approved))

    async def _submit_quietly(self, approved: Approved) -> Reports | Exception:
        try:
            return await self.submit_order(approved)
        except FloorbrokerError as error:
            return error

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """The answer tells how the order ended; a member of a list takes the whole list with it."""
        return await self._commands.cancel(ref)

    async def cancel_all(self) -> Reports:
        return await self._commands.cancel_all()

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """An amendment where only the quantity falls, else cancel and replace in one request."""
        return await self._commands.modify(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        return await self._history.order(ref)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        return await self._history.open_orders()

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        return await self._history.orders(since)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        return await self._history.fills(since)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        await self._load()
        return await self._history.account()

    async def get_key_permissions(self) -> KeyPermissions:
        """By the venue's own call for it, which its test network does not have."""
        if self._environment is Environment.PAPER:
            return accounts.permissions_of_play_money(await self._history.raw_account())
        response = await self._transport.send(self._calls.key_rights())
        if response.status == 404:
            return KeyPermissions(read=True, detail="the venue does not tell here what a key may do")
        if response.status != 200:
            raise read_error(response, what="the rights of the key")
        return accounts.permissions_from(wire.decode(response.body, wire.KeyRights, what="the rights of the key"))

    async def get_balances(self) -> Fetched[Balance]:
        return await self._history.balances()

    async def get_positions(self) -> Fetched[Position]:
        """The coins of the account, each against the currency it is traded in; money is a balance alone."""
        return await self._history.positions()

    async def get_risk_metrics(self) -> RiskMetrics:
        return await self._history.risk()

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return await self._market.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def get_snapshot(self, symbol: str) -> Quote:
        """Quote and last price."""
        return await self._market.snapshot(symbol)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_trades(self, symbol: str, *, limit: int = 500) -> list[Trade]:
        """The newest public trades."""
        return await self._market.trades(symbol, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        """Coins trade round the clock."""
        return markets.hours_of(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """The venue's filters at its present prices; then, for a single order, its own test call, which places nothing."""
        try:
            found = await self._market.rules(order.symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        reference = await self._market.reference(order.symbol)
        working = await self._history.working(order.symbol)
        broken = rules.broken_rules(order, found, reference=reference, working=working)
        if broken or order.order_class is not OrderClass.SIMPLE:
            return broken
        try:
            await self._test(order)
        except (VenueError, OwnRefusal) as error:
            if error.outcome is Outcome.UNKNOWN or isinstance(error, AuthenticationFailed):
                raise
            return (FieldError(pointer="", code=error.code, detail=error.venue_text or error.detail),)
        return ()

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """The filters of its symbol, at a price that was heard a moment ago, if any was."""
        del instrument  # the filters say more
        found = self._market.known(order.symbol)
        return () if found is None else rules.broken_rules(order, found, reference=self._market.recent(order.symbol))

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """Paid in full, with the fee by the venue's word for this account and symbol."""
        found = await self._market.rules(order.symbol)
        request = self._calls.commission(found.wire_symbol)
        commission = await self._reads.ask(request, wire.Commission, what="the commission")
        reference: Decimal | None = None
        if order.price is None and order.notional is None:
            quote = await self._market.quote(order.symbol)
            reference = quote.ask or quote.bid
        return accounts.margin_for(order, found, reference=reference, commission=commission)

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection for all of it, and more where one is full.  Raises `SymbolNotFound`."""
        for symbol in symbols:
            await self._market.rules(symbol)
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """Ask for the whole book; it comes to the handlers when it is young enough to go on from."""
        await self._feeds.resync_book(symbol)

    async def _whole_book(self, symbol: str) -> BookDelta:
        return await self._market.book(symbol, levels=int(self._options.book_levels))

    def _hand_book(self, whole: BookDelta) -> None:
        self._feeds.hand(whole)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the venue confirms that it streams."""
        return self._orders.subscribe(handler)

    async def _private_target(self) -> SocketTarget:
        """By a clock that was measured lately: the first word on the stream is signed."""
        await self._reads.keep_time()
        return SocketTarget(url=f"{self._origins.ws_api}{PATH}?returnRateLimits=false")


def _rights_text(account: Account, rights: KeyPermissions) -> str:
    if rights.withdraw:
        return "the key may move money, which trading never needs"
    if account.blocked_reason or rights.trade is False:
        return account.blocked_reason or "the key may not trade"
    return f"may trade; {rights.detail}" if rights.detail else "may trade"


def build(wiring: Wiring) -> BinanceBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins, missing keys and unreadable ones.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    credentials = Credentials(key=wiring.secret("BROKER_API_KEY"), secret=wiring.secret("BROKER_SECRET_KEY"))
    options = options_from(wiring.profile.options)
    hosts = HostTable(environment, hosts_for(environment, practice=options.practice))
    origins = origins_for(environment, wiring.plain.get("BROKER_URL"), practice=options.practice)
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)
    offset, window_ms = ClockOffset(clock), int(options.recv_window_ms)
    allowances, limiter = Allowances(offset.venue_now), Limiter(LIMITS, clock=clock)

    def signed(request: Request) -> Request:
        return sign(request, credentials, offset.venue_now(), recv_window_ms=window_ms)

    def signed_for_socket(request: Request) -> Request:
        return sign_for_socket(request, credentials, offset.venue_now(), recv_window_ms=window_ms)

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await wiring.shells.connect(target)

    async def order_target() -> SocketTarget:
        return SocketTarget(url=f"{origins.ws_api}{PATH}")

    by_socket = options.order_entry == "websocket"
    looked = replace(Calls(origins=origins).time(), lane=Lane.RESOLVE)
    breakers = Breakers(clock=clock, safe_read=SafeRead(looked), log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        offset=offset,
        random=wiring.random,
        limiter=limiter,
        breakers=breakers,
        read_limits=allowances.read,
        sign=signed,
        may_sign=wiring.may_sign,
        tap=wiring.tap,
        redactor=wiring.redactor,
        policy=Policy(read_retries=wiring.read_retries),
        meter=wiring.meter,
        steps=wiring.steps,
        tracer=wiring.tracer,
        fields=AUDITED,
    )
    http = wiring.shells.http()
    if by_socket:
        order_shell = OrderSocket(
            BinanceDialect(offset.venue_now),
            connect=connect,
            target=order_target,
            check=check,
            clock=clock,
            steps=wiring.steps,
        )
    else:
        order_shell = wiring.shells.order_http(check)
    return BinanceBroker(
        environment=environment,
        origins=origins,
        credentials=credentials,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=stack.commands(
            order_shell, check=check, fit=replace(fit, sign=signed_for_socket) if by_socket else fit
        ),
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        offset=offset,
        limiter=fit.limiter,
        options=options,
        allowances=allowances,
        on_limits=lambda news: limiter.learn("*", news),
        send_timeout_s=wiring.send_timeout_s,
        breakers=breakers.states,
        sinks=wiring.sinks,
        symbols_of_ours=wiring.symbols,
        closing=(breakers.close, http.close, order_shell.close),
    )

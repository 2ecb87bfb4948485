"""Kraken spot as a `Broker`: joins the rooms to transports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from functools import partial
from random import Random

from floorbroker.brokers.kraken import wire
from floorbroker.brokers.kraken.auth import (
    DATED,
    Credentials,
    Nonces,
    deadline_at,
    is_private,
    nonce_file,
    sign,
    socket_origin,
    with_deadline,
)
from floorbroker.brokers.kraken.errors import BROKER
from floorbroker.brokers.kraken.info import (
    AUDITED,
    BATCH_MAX,
    BATCH_MIN,
    Options,
    Origins,
    hosts_for,
    info_at,
    options_from,
    origins_for,
)
from floorbroker.brokers.kraken.limits import READ_WAIT_S, PairCounters, limits_for, read_limits
from floorbroker.brokers.kraken.mapping import account as accounts
from floorbroker.brokers.kraken.mapping import rules
from floorbroker.brokers.kraken.mapping.identity import KrakenIdentity
from floorbroker.brokers.kraken.mapping.reports import Heard, accepted_report, order_report, trade_report
from floorbroker.brokers.kraken.rest import answers
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.commands import Commands
from floorbroker.brokers.kraken.rest.market import MarketReads
from floorbroker.brokers.kraken.rest.reads import Reads
from floorbroker.brokers.kraken.rest.sockets import SocketCalls
from floorbroker.brokers.kraken.rest.standing import Standing
from floorbroker.brokers.kraken.stream.entry import OrderDialect
from floorbroker.brokers.kraken.stream.orders import OrderSession
from floorbroker.brokers.kraken.stream.plan import PATH, MarketPlan
from floorbroker.brokers.kraken.stream.tokens import Tokens
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FieldError, FloorbrokerError, Outcome, SymbolNotFound, VenueError
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Identity, Log, Meter, OrderEvents, Reports, Subscription
from floorbroker.domain.records import (
    Account,
    Balance,
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
)
from floorbroker.domain.values import ClOrdId, Environment, ExecType, OrderId
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds, MarketHandler, Sinks
from floorbroker.transport.layers.gate import Check as GateCheck
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.layers.turns import Turns
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.order_socket import OrderSocket
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.signs import SignsOf
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Lane, Request, Socket, SocketTarget, Transport


class KrakenBroker:
    """One account at Kraken.

    `reads` and `commands` are finished stacks that sign; `order_socket` is the command stack over the private socket, where the
    option `order_entry` wants it; `warm` opens that socket ahead of the first order, and `renew` logs it in anew.  `build` wires
    all of it.  Calls are safe to make at the same time.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        origins: Origins,
        reads: Reads,
        calls: Calls,
        commands: Transport,
        tokens: Tokens,
        connect: Connect,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        options: Options,
        offset: ClockOffset,
        limiter: Limiter | None = None,
        order_socket: Transport | None = None,
        warm: Callable[[], Awaitable[None]] | None = None,
        renew: Callable[[], None] = lambda: None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        sinks: Sinks | None = None,
        shuts_in_s: Callable[[float], bool] = lambda _: False,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._environment = environment
        self._origins = origins
        self._options = options
        self._info = info_at(int(options.book_depth))
        self._reads = reads
        self._tokens = tokens
        self._offset = offset
        self._clock = clock
        self._log = log
        self._warm = warm
        self._closing = tuple(closing)
        self._breakers = breakers
        self._identity = KrakenIdentity()
        self._market = MarketReads(reads, calls, clock=clock)
        self._standing = Standing(reads, calls, self._market, quote=options.quote, clock=clock, offset=offset)
        self._commands = Commands(
            rest=commands,
            calls=calls,
            counters=PairCounters(options.tier),
            symbols=lambda: self._market.symbols,
            clock=clock,
            socket=order_socket,
            socket_calls=SocketCalls(origins=origins, command_timeout_s=calls.command_timeout_s)
            if order_socket
            else None,
            renew=renew,
        )
        self._state, self._since, self._detail = LinkState.OFFLINE, clock.now(), "not connected"
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        self._private = OrderSession(
            self._standing.traded, log=log, dead_man_s=int(options.dead_man_s), shuts_in_s=shuts_in_s
        )
        self._orders = OrderStream([self._line(connect)], around)
        plan = MarketPlan(origin=origins.public_stream, depth=int(options.book_depth))
        self._feeds = Feeds(plan, connect=connect, around=around, sinks=sinks, look=self._market.instrument)
        self._signs = SignsOf(self._orders, self._feeds, limiter)

    @property
    def info(self) -> BrokerInfo:
        return self._info

    @property
    def identity(self) -> Identity:
        return self._identity

    # -- connection -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Measure how far the clocks are apart, learn the pairs, and prove the key.  Raises what the venue says."""
        self._enter(LinkState.CONNECTING, "connecting")
        try:
            await self._standing.measure_offset_s()
            await self._market.learn()
            await self._standing.permissions()
            await self._standing.account()
            if self._warm is not None:
                await self._warm()
        except FloorbrokerError as error:
            self._enter(LinkState.OFFLINE, error.detail)
            raise
        self._enter(LinkState.CONNECTED, "")

    async def disconnect(self) -> None:
        """Close every stream, stop the venue's timer, then close the connections: the end of this object's work."""
        await self._orders.close()
        await self._feeds.close()
        await self._stop_timer()
        for close in self._closing:
            await close()
        self._enter(LinkState.OFFLINE, "disconnected")

    async def _stop_timer(self) -> None:
        """Orders that are left to work on purpose are not to be cancelled because we are gone."""
        if self._options.dead_man_s == "0" or self._state is not LinkState.CONNECTED:
            return
        try:
            await self._commands.dead_man(0)
        except FloorbrokerError as error:
            self._log.error("dead_man.not_stopped", code=error.code, detail=error.detail)

    def is_connected(self) -> bool:
        return self._state is LinkState.CONNECTED and not self._orders.denied

    def get_connection_status(self) -> ConnectionStatus:
        denied = self._orders.denied and self._state is LinkState.CONNECTED
        return ConnectionStatus(
            state=LinkState.DEGRADED if denied else self._state,
            since=self._since,
            stream_up=self._orders.is_up,
            detail=self._detail or self._system() or self._orders.detail,
            clock_offset_s=self._offset.at_least_s,
            breakers=self._breakers(),
            signs=self._signs,
        )

    def _system(self) -> str:
        """What the venue says of itself on the private stream; empty while it is online."""
        return "" if self._private.system == "online" else f"the system is {self._private.system}"

    async def self_check(self) -> SelfCheck:
        """Ends with an order that the venue looks at and does not place."""
        checks = await self._standing.check(
            self._commands, origin=self._origins.rest, environment=self._environment.value
        )
        return SelfCheck(checks=checks)

    def _enter(self, state: LinkState, detail: str) -> None:
        self._state, self._since, self._detail = state, self._clock.now(), detail

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One request.  What names no one order and is no listed refusal leaves the order UNKNOWN."""
        return self._accepted(approved, await self._commands.submit(approved))

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Orders of one pair travel together, 2 to 15 of them in one request; the others each by itself."""
        groups = grouped(approved)
        told = await asyncio.gather(*(self._submit_group([approved[at] for at in group]) for group in groups))
        found = {
            at: one for group, answers in zip(groups, told, strict=True) for at, one in zip(group, answers, strict=True)
        }
        return [found[at] for at in range(len(approved))]

    async def _submit_group(self, group: Sequence[Approved]) -> list[Reports | Exception]:
        try:
            if len(group) < BATCH_MIN:
                return [await self.submit_order(group[0])]
            told = await self._commands.submit_batch(group)
        except FloorbrokerError as error:
            return [error for _ in group]
        return [
            one if isinstance(one, FloorbrokerError) else self._accepted(approved, one)
            for approved, one in zip(group, told, strict=True)
        ]

    def _accepted(self, approved: Approved, order_id: str) -> Reports:
        return (accepted_report(order_id, approved.cl_ord_id, symbol=approved.order.symbol, at=self._clock.now()),)

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks, by the venue's id or by ours; the stream tells whether and when."""
        await self._commands.cancel(ref)
        return ()

    async def cancel_all(self) -> Reports:
        """Asks for all of the account; the venue tells how many, not which."""
        await self._commands.cancel_all()
        return ()

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """AmendOrder: the order keeps its id, and the quantity is the new total.

        The venue knows nothing of `cl_ord_id`: should its answer be lost, the order service recognises the change by its terms.
        """
        order_id = ref.order_id or await self._venue_id(ref)
        await self._commands.amend(ref, order_id, changes, decided_at=decided_at)
        done = ExecutionReport(
            exec_type=ExecType.REPLACED,
            source=Source.REPLY,
            at=self._clock.now(),
            cl_ord_id=cl_ord_id,
            order_id=order_id,
            replaces=order_id,
            symbol=ref.symbol,
            order_qty=changes.order_qty,
            price=changes.price,
            stop_px=changes.stop_px,
        )
        return (done,)

    async def _venue_id(self, ref: OrderRef) -> OrderId:
        """A look before a command: when it fails, the command was not sent."""
        try:
            return OrderId((await self._reads.order_by_client_id(ref.cl_ord_id))[0])
        except VenueError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT
            raise

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """By the venue's id when known; else by ours, which is asked for among open and closed orders."""
        asked_at = self._clock.now()
        if ref.order_id is not None:
            order_id, order = ref.order_id, await self._reads.order(ref.order_id)
        else:
            order_id, order = await self._reads.order_by_client_id(ref.cl_ord_id)
        heard = self._heard(Source.QUERY, asked_at)
        return (order_report(order_id, order, heard, self._market.symbols),)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        asked_at = self._clock.now()
        listed = await self._reads.open_orders()
        heard = self._heard(Source.SNAPSHOT, asked_at)
        return Fetched(items=self._reports(listed, heard), asked_at=asked_at)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """Orders opened or closed since `since`, and all open ones; open ones are asked for first, so that none falls between."""
        asked_at = self._clock.now()
        listed = await self._reads.open_orders()
        listed |= await self._reads.closed_orders(since)
        heard = self._heard(Source.SNAPSHOT, asked_at)
        return Fetched(items=self._reports(listed, heard), asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        asked_at = self._clock.now()
        listed = await self._reads.trades(since)
        heard = self._heard(Source.HISTORY, asked_at)
        reports = tuple(trade_report(name, trade, heard, self._market.symbols) for name, trade in listed.items())
        self._standing.traded.hear(reports)
        return Fetched(items=reports, asked_at=asked_at)

    def _reports(self, listed: Mapping[str, wire.Order], heard: Heard) -> Reports:
        return tuple(order_report(name, order, heard, self._market.symbols) for name, order in listed.items())

    def _heard(self, source: Source, asked_at: datetime) -> Heard:
        return Heard(source=source, at=self._clock.now(), asked_at=asked_at)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        return await self._standing.account()

    async def get_key_permissions(self) -> KeyPermissions:
        return await self._standing.permissions()

    async def get_balances(self) -> Fetched[Balance]:
        """Every currency and coin."""
        asked_at = self._clock.now()
        return Fetched(items=accounts.balances_from(await self._standing.holdings()), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        """Coins, each in the pair it was last traded in, else with the profile's quote currency."""
        asked_at = self._clock.now()
        return Fetched(items=await self._standing.positions(), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        account, worths, working = await asyncio.gather(
            self.get_account_info(), self._standing.worths(), self._reads.open_orders()
        )
        return accounts.risk_from(account, worths, len(working))

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return await self._market.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        """Finished bars; the venue keeps the newest 720 of each span."""
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        """Round the clock, but for what the system says now."""
        return await self._market.hours(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules and the pair's own; an order that breaks none is looked at by the venue, which places nothing.

        When the venue cannot be asked, what is known here stands alone.
        """
        try:
            instrument = await self.get_instrument(order.symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        if found := rules.broken_rules(order, instrument, now=self._clock.now()):
            return found
        try:
            await self._commands.check(order)
        except FloorbrokerError as error:
            if error.outcome is Outcome.REFUSED:
                return (FieldError(pointer="", code=error.code, detail=error.venue_text or error.detail),)
            self._log.warning("order.not_checked", code=error.code, detail=error.detail)
        return ()

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the pair's own."""
        return rules.broken_rules(order, instrument, now=self._clock.now())

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """Spot pays in full; the price is the order's own, or the ask."""
        has_price = order.price or order.stop_px or order.notional is not None
        quote = None if has_price else await self.get_market_data(order.symbol)
        return rules.margin_for(order, reference=None if quote is None else quote.ask or quote.bid)

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection, whatever the number of subscriptions."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """Unsubscribe and subscribe: the venue begins with the whole book then."""
        await self._feeds.resync_book(symbol)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the venue confirms that it streams."""
        return self._orders.subscribe(handler)

    def _line(self, connect: Connect) -> Line:
        async def target() -> SocketTarget:
            self._private.use(await self._tokens.fresh())
            return SocketTarget(url=f"{self._origins.private_stream}{PATH}")

        return Line(name="orders", session=self._private, connect=connect, target=target)


def grouped(approved: Sequence[Approved]) -> list[list[int]]:
    """Places of orders that travel together: those of one pair, as many as a batch takes."""
    by_symbol: dict[str, list[int]] = {}
    for at, one in enumerate(approved):
        by_symbol.setdefault(one.order.symbol, []).append(at)
    return [
        places[start : start + BATCH_MAX] for places in by_symbol.values() for start in range(0, len(places), BATCH_MAX)
    ]


def build(wiring: Wiring) -> KrakenBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and missing keys.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    credentials = Credentials(
        key=wiring.secret("BROKER_API_KEY"),
        secret=wiring.secret("BROKER_SECRET_KEY"),
        otp=wiring.secrets.get("BROKER_PASSWORD"),
    )
    hosts = HostTable(environment, hosts_for(environment))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)
    origins = origins_for(environment, wiring.plain.get("BROKER_URL"))
    options = options_from(wiring.profile.options)
    nonces = Nonces(nonce_file(wiring.state.parent), clock=clock, log=wiring.log)
    offset = ClockOffset(clock)

    def signed(request: Request) -> Request:
        deadline = deadline_at(offset.venue_now()) if request.endpoint in DATED else None
        if is_private(request):
            return sign(request, credentials, nonce=nonces.next(), deadline=deadline)
        return request if deadline is None else with_deadline(request, deadline)

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await wiring.shells.connect(target)

    http, order_http = wiring.shells.http(), wiring.shells.order_http(check)
    calls = Calls(origins=origins, command_timeout_s=wiring.send_timeout_s)
    told = partial(answers.answer, kind=wire.Time, what="the clock")
    looked = SafeRead(replace(calls.time(), lane=Lane.RESOLVE), told)
    breakers = Breakers(clock=clock, safe_read=looked, log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        random=wiring.random,
        limiter=Limiter(limits_for(options.tier, int(options.calls)), clock=clock),
        breakers=breakers,
        read_limits=read_limits(clock),
        sign=signed,
        may_sign=wiring.may_sign,
        tap=wiring.tap,
        redactor=wiring.redactor,
        policy=Policy(read_retries=wiring.read_retries, read_wait_s=READ_WAIT_S),
        meter=wiring.meter,
        steps=wiring.steps,
        tracer=wiring.tracer,
        fields=AUDITED,
        offset=offset,
        turns=Turns(clock=clock, applies=is_private),
    )
    reads = Reads(stack.reads(http, check=hosts, fit=fit), calls)
    tokens = Tokens(reads, calls, learn=wiring.redactor.learn_token)
    socket = _order_socket(tokens, origins, connect=connect, check=check, wiring=wiring)
    by_socket = options.order_entry == "websocket"
    return KrakenBroker(
        environment=environment,
        origins=origins,
        reads=reads,
        calls=calls,
        commands=stack.commands(order_http, check=check, fit=fit),
        tokens=tokens,
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        options=options,
        offset=offset,
        limiter=fit.limiter,
        order_socket=stack.commands(socket, check=check, fit=fit) if by_socket else None,
        warm=socket.warm if by_socket else None,
        renew=socket.renew,
        breakers=breakers.states,
        sinks=wiring.sinks,
        shuts_in_s=wiring.shuts_in_s,
        closing=(breakers.close, socket.close, http.close, order_http.close),
    )


def _order_socket(
    tokens: Tokens, origins: Origins, *, connect: Connect, check: GateCheck, wiring: Wiring
) -> OrderSocket:
    """Opened when the first command needs it, each connection with a token of its own."""
    dialect = OrderDialect()

    async def prepare() -> None:
        dialect.use(await tokens.fresh())

    async def target() -> SocketTarget:
        return SocketTarget(url=f"{origins.private_stream}{PATH}")

    return OrderSocket(
        dialect,
        connect=connect,
        target=target,
        check=check,
        clock=wiring.clock,
        prepare=prepare,
        steps=wiring.steps,
    )

"""The Client Portal Web API as a `Broker`: joins the rooms to transports.

Streams await in `transport.private` and `transport.feeds`, questions and commands in `rest`; everything else that awaits is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from random import Random
from typing import NoReturn

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.auth import sign, socket_cookie, socket_origin
from floorbroker.brokers.ibkr_web.errors import wrong_door
from floorbroker.brokers.ibkr_web.info import (
    AUDITED,
    INFO,
    ROOT,
    Options,
    Origins,
    hosts_for,
    options_from,
    origins_for,
)
from floorbroker.brokers.ibkr_web.limits import READ_WAIT_S, limits_for, read_limits, spent_before
from floorbroker.brokers.ibkr_web.mapping import account as accounts
from floorbroker.brokers.ibkr_web.mapping import rules
from floorbroker.brokers.ibkr_web.mapping.contracts import Known
from floorbroker.brokers.ibkr_web.mapping.families import Families
from floorbroker.brokers.ibkr_web.mapping.identity import IbkrWebIdentity
from floorbroker.brokers.ibkr_web.mapping.reports import Shelves
from floorbroker.brokers.ibkr_web.mapping.values import BROKER
from floorbroker.brokers.ibkr_web.rest import answers
from floorbroker.brokers.ibkr_web.rest.brokerage import Brokerage, Minding, Opened
from floorbroker.brokers.ibkr_web.rest.calls import Calls
from floorbroker.brokers.ibkr_web.rest.chains import Chains
from floorbroker.brokers.ibkr_web.rest.contracts import Contracts
from floorbroker.brokers.ibkr_web.rest.lists import Lists
from floorbroker.brokers.ibkr_web.rest.market import MarketReads
from floorbroker.brokers.ibkr_web.rest.placing import Placing
from floorbroker.brokers.ibkr_web.rest.trading import Trading
from floorbroker.brokers.ibkr_web.stream.market import QuotePlan
from floorbroker.brokers.ibkr_web.stream.orders import OrdersSession
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    ConnectionFailed,
    FieldError,
    FloorbrokerError,
    Forbidden,
    GatewayNotRunning,
    Hint,
    NotSupported,
    SessionExpired,
    SymbolNotFound,
    Timeout,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.options import OptionChain
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Identity, Log, Meter, OrderEvents, Reports, Subscription
from floorbroker.domain.records import (
    Account,
    Balance,
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
)
from floorbroker.domain.values import ClOrdId, Environment, OrdStatus
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds, MarketHandler
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.signs import SignsOf
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Request, Socket, SocketTarget, Transport

CLOSED = frozenset({OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED, OrdStatus.EXPIRED})
PREVIEWED = ClOrdId("preview")
_SILENT = (ConnectionFailed, Timeout, ApiError)


class IbkrWebBroker:
    """One account behind one gateway.

    `reads` and `commands` are finished stacks; `connect` opens WebSockets; `learn` hears of each session id before
    anybody uses it. `build` wires all of it.  Calls are safe to make at the same time.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        origins: Origins,
        reads: Transport,
        commands: Transport,
        connect: Connect,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        account: Callable[[], str] = str,
        options: Options | None = None,
        send_timeout_s: float = 5.0,
        offset: ClockOffset | None = None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        learn: Callable[[str], None] = lambda _: None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        options = Options() if options is None else options
        self._plays = Environment.PAPER if environment is Environment.SIM else environment
        self._environment = environment
        self._origins = origins
        self._clock = clock
        self._closing = tuple(closing)
        self._breakers = breakers
        self._offset = ClockOffset(clock) if offset is None else offset
        self._identity = IbkrWebIdentity()
        self._known = Known()
        self._calls = calls = Calls(origins=origins, command_timeout_s=send_timeout_s)
        self._brokerage = Brokerage(
            reads, calls, clock=clock, log=log, account=account, compete=options.compete == "yes", learn=learn
        )
        reads, commands = Minding(reads, self._brokerage), Minding(commands, self._brokerage)
        self._reads = reads
        shelves = Shelves(self._known, Families(), self._brokerage.account_in_use)
        self._contracts = Contracts(reads, calls, self._brokerage, self._known, clock=clock)
        self._market = MarketReads(reads, calls, self._brokerage, self._contracts, clock=clock, streamed=self._streamed)
        self._chains = Chains(reads, calls, self._brokerage, self._contracts, market=self._market, clock=clock)
        self._lists = Lists(reads, calls, self._brokerage, self._contracts, shelves, clock=clock)
        self._trading = Trading(
            reads=reads,
            commands=commands,
            placing=Placing(commands, calls, confirmed=options.confirmed, log=log),
            calls=calls,
            brokerage=self._brokerage,
            contracts=self._contracts,
            lists=self._lists,
            shelves=shelves,
            clock=clock,
        )
        self._state, self._since, self._detail = LinkState.OFFLINE, clock.now(), "not connected"
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        session = OrdersSession(shelves, self._brokerage.lost)
        line = Line(name="orders", session=session, connect=connect, target=self._target)
        self._orders = OrderStream([line], around)
        self._feeds = Feeds(QuotePlan(self._known, self._target), connect=connect, around=around)
        self._signs = SignsOf(self._orders, self._feeds, limiter)

    @property
    def info(self) -> BrokerInfo:
        return INFO

    @property
    def identity(self) -> Identity:
        return self._identity

    # -- connection -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Open the brokerage session, prove that its account belongs to this environment, and keep it alive.

        Raises `GatewayNotRunning` when nothing listens, `AuthenticationFailed` when nobody is logged in, `SessionExpired` when a
        log-in elsewhere has the session, `Forbidden` when the account is of another environment.
        """
        self._enter(LinkState.CONNECTING, "connecting")
        try:
            opened = await self._open()
            if (wrong := self._wrong_environment(opened)) is not None:
                raise Forbidden(wrong)
        except FloorbrokerError as error:
            refused = isinstance(error, Forbidden)
            self._enter(LinkState.DEGRADED if refused else LinkState.OFFLINE, error.detail)
            raise
        self._brokerage.start()
        self._enter(LinkState.CONNECTED, "")

    async def _open(self) -> Opened:
        """The session, or what to do about the gateway."""
        try:
            return await self._brokerage.ensure()
        except _SILENT as error:
            if hint := wrong_door(self._origins.rest):
                raise GatewayNotRunning(hint, broker=BROKER, hint=Hint(notify=True)) from error
            if isinstance(error, ConnectionFailed):
                raise GatewayNotRunning(self._unreached(error), broker=BROKER) from error
            raise

    def _unreached(self, error: ConnectionFailed) -> str:
        where = self._origins.rest
        if "Certificate" in error.detail:
            return f"the certificate at {where} is not believed: pin it with the option gateway_certificate"
        return (
            f"no gateway answers at {where}: start the Client Portal gateway, and log in on its page ({error.detail})"
        )

    async def disconnect(self) -> None:
        """Close every stream, then the connections (`closing`): the end of this object's work.  Nobody is logged out."""
        await self._orders.close()
        await self._feeds.close()
        await self._brokerage.close()
        for close in self._closing:
            await close()
        self._enter(LinkState.OFFLINE, "disconnected")

    def is_connected(self) -> bool:
        return self._state is LinkState.CONNECTED and not self._orders.denied and not self._brokerage.trouble

    def get_connection_status(self) -> ConnectionStatus:
        troubled = (self._orders.denied or bool(self._brokerage.trouble)) and self._state is LinkState.CONNECTED
        return ConnectionStatus(
            state=LinkState.DEGRADED if troubled else self._state,
            since=self._since,
            stream_up=self._orders.is_up,
            detail=self._detail or self._brokerage.trouble or self._orders.detail,
            clock_offset_s=self._offset.at_least_s,
            breakers=self._breakers(),
            signs=self._signs,
        )

    async def self_check(self) -> SelfCheck:
        """Connectivity, log-in, environment, permissions.  A session that is lost is opened; none is taken from anybody else
        but as the profile says.
        """
        where = self._origins.rest
        try:
            opened = await self._open()
        except (AuthenticationFailed, SessionExpired, ConfigInvalid) as error:  # the gateway was there to say so
            there = Check(name="connectivity", ok=True, detail=where)
            return SelfCheck(checks=(there, Check(name="credentials", ok=False, detail=error.detail)))
        except FloorbrokerError as error:
            return SelfCheck(checks=(Check(name="connectivity", ok=False, detail=error.detail),))
        checks = [Check(name="connectivity", ok=True, detail=where)]
        try:
            account = await self.get_account_info()
        except FloorbrokerError as error:
            return SelfCheck(checks=(*checks, Check(name="credentials", ok=False, detail=error.detail)))
        wrong = self._wrong_environment(opened)
        return SelfCheck(
            checks=(
                *checks,
                Check(name="credentials", ok=True, detail=f"account {account.account}"),
                Check(name="environment", ok=wrong is None, detail=wrong or self._environment.value),
                Check(name="permissions", ok=account.can_trade, detail=account.blocked_reason or "may trade"),
            )
        )

    def _wrong_environment(self, opened: Opened) -> str | None:
        found = accounts.environment_of(opened.account, is_paper=opened.is_paper)
        if found is self._plays:
            return None
        return f"the account is {found.value}, the profile is {self._environment.value}"

    def _enter(self, state: LinkState, detail: str) -> None:
        self._state, self._since, self._detail = state, self._clock.now(), detail

    async def _target(self) -> SocketTarget:
        """Where the WebSocket is, with the cookie of a session that stands.  Raises what time may mend, or
        `AuthenticationFailed`."""
        try:
            opened = await self._brokerage.ensure()
        except (SessionExpired, ConfigInvalid) as error:  # not at once: whoever has the session keeps it for a while
            raise AuthenticationFailed(error.detail, broker=BROKER) from error
        cookie = socket_cookie(opened.token)
        return SocketTarget(url=f"{self._origins.stream}{ROOT}/ws", headers={"Cookie": cookie})

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """The order, and a yes to each question about it that the profile confirms, as one send."""
        return await self._trading.submit(approved)

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """One after the other: an order in between would void a question about the one before it."""
        return await asyncio.gather(*(self._submit_quietly(one) for one in approved))

    async def _submit_quietly(self, approved: Approved) -> Reports | Exception:
        try:
            return await self.submit_order(approved)
        except FloorbrokerError as error:
            return error

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when.  Without a venue id it is looked up first."""
        return await self._trading.cancel(ref)

    async def cancel_all(self) -> Reports:
        """One request for every open order of the account."""
        return await self._trading.cancel_all()

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """The whole ticket with the changes; the order keeps its ids, and the quantity is the new total."""
        return await self._trading.modify(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """By venue id, else in the list of the session; nothing when neither has it, which proves nothing."""
        return await self._lists.order(ref)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        reports, asked_at = await self._lists.orders(Source.SNAPSHOT)
        return Fetched(items=tuple(one for one in reports if one.ord_status not in CLOSED), asked_at=asked_at)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every order of the present session: the venue lists no earlier ones, whenever `since` is."""
        del since
        reports, asked_at = await self._lists.orders(Source.SNAPSHOT)
        return Fetched(items=reports, asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Executions of the last seven days at most, corrections with their version."""
        reports, asked_at = await self._lists.fills(since)
        return Fetched(items=reports, asked_at=asked_at)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        opened = await self._brokerage.ensure()
        response = await self._reads.send(self._calls.summary(opened.account))
        summary = answers.answer(response, dict[str, wire.SummaryItem | None], what="the account")
        return accounts.account_from(opened.account, summary, is_paper=opened.is_paper)

    async def get_key_permissions(self) -> KeyPermissions:
        """Nothing is asked for it: there is no key."""
        return accounts.permissions()

    async def get_balances(self) -> Fetched[Balance]:
        opened = await self._brokerage.ensure()
        asked_at = self._clock.now()
        response = await self._reads.send(self._calls.ledger(opened.account))
        ledger = answers.answer(response, dict[str, wire.LedgerLine | None], what="the ledger")
        return Fetched(items=accounts.balances_from(ledger), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        rows, asked_at = await self._lists.positions()
        return Fetched(items=accounts.positions_from(rows, self._known), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        account, held, working = await asyncio.gather(
            self.get_account_info(), self.get_positions(), self.get_open_orders()
        )
        return accounts.risk_from(account, held.items, len(working.items))

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return await self._contracts.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def get_option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """Where the venue tells contracts strike by strike, those nearest to the price, and how many are left out."""
        return await self._chains.chain(underlying, expiry)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        return _no_hours(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own where the venue knows it."""
        try:
            instrument = await self.get_instrument(order.symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        return rules.broken_rules(order, instrument)

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the contract's own."""
        return rules.broken_rules(order, instrument)

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """The venue's own preview, without placing anything."""
        return await self._trading.preview(order, PREVIEWED)

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection for all quotes; each symbol is looked up first, since the stream speaks of contract numbers."""
        for symbol in symbols:
            await self._contracts.contract(symbol)
        return await self._feeds.subscribe(symbols, kinds, handler)

    def _streamed(self) -> frozenset[int]:
        found = (self._known.contract(symbol) for symbol in self._feeds.symbols)
        return frozenset(contract.conid for contract in found if contract is not None)

    async def resync_book(self, symbol: str) -> None:
        """There are no books here."""
        await self._feeds.resync_book(symbol)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the venue says that the session stands and the topics are asked for."""
        return self._orders.subscribe(handler)


def _no_hours(market: str, day: date) -> NoReturn:
    raise NotSupported(
        f"the hours of {market[:20]} on {day.isoformat()} are not told here: IBKR_WEB lists them by contract alone"
    )


def build(wiring: Wiring) -> IbkrWebBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and certificates.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    options = options_from(wiring.profile.options)
    origins = origins_for(environment, wiring.plain.get("BROKER_URL"))
    shells = wiring.shells
    if options.gateway_certificate:
        shells = shells.pinned(options.gateway_certificate)
    hosts = HostTable(environment, hosts_for(environment, origins))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    def signed(request: Request) -> Request:
        return sign(request, clock.now())

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await shells.connect(target)

    http, order_http = shells.http(), shells.order_http(check)
    breakers = Breakers(
        clock=clock, safe_read=SafeRead(Calls(origins=origins).auth_status()), log=wiring.log, meter=wiring.meter
    )
    limits = limits_for(options)
    limiter = Limiter(limits, clock=clock)
    for news in spent_before(limits):
        limiter.learn("", news)
    fit = Fittings(
        clock=clock,
        offset=ClockOffset(clock),
        random=wiring.random,
        limiter=limiter,
        breakers=breakers,
        read_limits=read_limits(options),
        sign=signed,
        may_sign=wiring.may_sign,
        tap=wiring.tap,
        redactor=wiring.redactor,
        policy=Policy(read_retries=wiring.read_retries, read_wait_s=READ_WAIT_S),
        meter=wiring.meter,
        steps=wiring.steps,
        tracer=wiring.tracer,
        fields=AUDITED,
    )
    return IbkrWebBroker(
        environment=environment,
        origins=origins,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=stack.commands(order_http, check=check, fit=fit),
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        account=lambda: wiring.account_number,
        options=options,
        send_timeout_s=wiring.send_timeout_s,
        offset=fit.offset,
        breakers=breakers.states,
        limiter=limiter,
        learn=wiring.redactor.learn_token,
        closing=(breakers.close, http.close, order_http.close),
    )

"""TWS and IB Gateway as a `Broker`: joins the rooms to the one connection that all share.

That connection awaits in `rest/program.py`, streams await in `transport.private` and `transport.feeds`, questions and commands in
`rest`; everything else that awaits is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from random import Random
from typing import NoReturn

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import requests
from floorbroker.brokers.ibkr.errors import BROKER
from floorbroker.brokers.ibkr.info import AUDITED, INFO, Options, Place, hosts_for, options_from, place_for
from floorbroker.brokers.ibkr.limits import READ_WAIT_S, limits_for, read_limits
from floorbroker.brokers.ibkr.mapping import account as accounts
from floorbroker.brokers.ibkr.mapping import market, rules
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.mapping.identity import IbkrIdentity
from floorbroker.brokers.ibkr.rest.calls import Calls
from floorbroker.brokers.ibkr.rest.collect import Single
from floorbroker.brokers.ibkr.rest.contracts import Contracts
from floorbroker.brokers.ibkr.rest.door import Door
from floorbroker.brokers.ibkr.rest.lists import Lists
from floorbroker.brokers.ibkr.rest.market import MarketReads
from floorbroker.brokers.ibkr.rest.program import Program
from floorbroker.brokers.ibkr.rest.trading import Trading
from floorbroker.brokers.ibkr.stream.ids import OrderIds, ids_file
from floorbroker.brokers.ibkr.stream.orders import OrdersSession
from floorbroker.brokers.ibkr.stream.quotes import QuotePlan, QuoteSession, nowhere
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    ConfigInvalid,
    FieldError,
    FloorbrokerError,
    Forbidden,
    NotSupported,
    Outcome,
    SymbolNotFound,
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
from floorbroker.domain.values import ClOrdId, Environment, OrderClass, OrdStatus, from_epoch
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds, MarketHandler
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.signs import SignsOf
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Request, Response, Socket, SocketTarget, Transport

OVER = frozenset({OrdStatus.FILLED, OrdStatus.CANCELED, OrdStatus.REJECTED, OrdStatus.EXPIRED})
_GROUPS = frozenset({OrderClass.BRACKET, OrderClass.OTO, OrderClass.OCO})
_OFFSET_MAX_S = 2.0  # the program's clock tells whole seconds


class IbkrBroker:
    """One account behind one program, as one client id.

    `commands` is a finished stack over the door to `program`; `build` wires all of it.  Calls are safe to make at the same time.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        place: Place,
        program: Program,
        commands: Transport,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        options: Options | None = None,
        send_timeout_s: float = 5.0,
        offset: ClockOffset | None = None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        options = Options() if options is None else options
        self._plays = Environment.PAPER if environment is Environment.SIM else environment
        self._environment = environment
        self._place = place
        self._program = program
        self._clock = clock
        self._closing = tuple(closing)
        self._breakers = breakers
        self._offset = ClockOffset(clock) if offset is None else offset
        self._identity = IbkrIdentity()
        families = Families(place.client_id)
        self._contracts = contracts = Contracts(program, clock=clock)
        kind = market.DELAYED if options.market_data == "delayed" else market.LIVE
        self._market = MarketReads(program, contracts, kind=kind, clock=clock)
        self._lists = Lists(program, families, clock=clock)
        self._trading = Trading(
            program=program,
            commands=commands,
            calls=Calls(origin=place.origin, command_timeout_s=send_timeout_s),
            contracts=contracts,
            lists=self._lists,
            families=families,
            clock=clock,
            log=log,
        )
        self._state, self._since, self._detail = LinkState.OFFLINE, clock.now(), "not connected"
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        session = OrdersSession(families, version=self._version, account=lambda: program.account)
        line = Line(name="orders", session=session, connect=self._order_line, target=nowhere)
        self._orders = OrderStream([line], around)

        def quotes() -> QuoteSession:
            return QuoteSession(version=self._version, contract=contracts.known, number=program.next_request, kind=kind)

        self._feeds = Feeds(QuotePlan(quotes), connect=program.data_line, around=around)
        self._signs = SignsOf(self._orders, self._feeds, limiter)

    @property
    def info(self) -> BrokerInfo:
        return INFO

    @property
    def identity(self) -> Identity:
        return self._identity

    # -- connection -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Greet the program, and prove that its account is ours and belongs to this environment.

        Raises `GatewayNotRunning` when nothing listens, `AuthenticationFailed` when the client id is taken, `ConfigInvalid` when
        the account is not named or not there, `Forbidden` when it is of another environment.
        """
        self._enter(LinkState.CONNECTING, "connecting")
        try:
            await self._program.ready()
            if (wrong := self._wrong_environment()) is not None:
                raise Forbidden(wrong)
            await self._measure_offset_s()
            await self.get_account_info()
        except FloorbrokerError as error:
            refused = isinstance(error, Forbidden | ConfigInvalid)
            self._enter(LinkState.DEGRADED if refused else LinkState.OFFLINE, error.detail)
            raise
        self._enter(LinkState.CONNECTED, "")

    async def disconnect(self) -> None:
        """Close every stream, then the connection (`closing`): the end of this object's work."""
        await self._orders.close()
        await self._feeds.close()
        for close in self._closing:
            await close()
        self._enter(LinkState.OFFLINE, "disconnected")

    def is_connected(self) -> bool:
        return self._state is LinkState.CONNECTED and not self._orders.denied and not self._program.trouble

    def get_connection_status(self) -> ConnectionStatus:
        trouble = self._program.trouble
        troubled = (self._orders.denied or bool(trouble)) and self._state is LinkState.CONNECTED
        return ConnectionStatus(
            state=LinkState.DEGRADED if troubled else self._state,
            since=self._since,
            stream_up=self._orders.is_up,
            detail=self._detail or trouble or self._orders.detail,
            clock_offset_s=self._offset.at_least_s,
            breakers=self._breakers(),
            signs=self._signs,
        )

    async def self_check(self) -> SelfCheck:
        """Connectivity, client id, account, environment, clock, permissions; nothing is changed."""
        where = self._place.url
        try:
            await self._program.ready()
        except (AuthenticationFailed, ConfigInvalid) as error:  # the program was there to say so
            there = Check(name="connectivity", ok=True, detail=where)
            return SelfCheck(checks=(there, Check(name="credentials", ok=False, detail=error.detail)))
        except FloorbrokerError as error:
            return SelfCheck(checks=(Check(name="connectivity", ok=False, detail=error.detail),))
        checks = [Check(name="connectivity", ok=True, detail=f"{where} as client {self._place.client_id}")]
        try:
            offset_s = await self._measure_offset_s()
            account = await self.get_account_info()
        except FloorbrokerError as error:
            return SelfCheck(checks=(*checks, Check(name="credentials", ok=False, detail=error.detail)))
        wrong = self._wrong_environment()
        near = abs(offset_s) <= _OFFSET_MAX_S
        return SelfCheck(
            checks=(
                *checks,
                Check(name="clock", ok=near, detail=f"the program's clock is {offset_s:+.3f} s from ours"),
                Check(name="credentials", ok=True, detail=f"account {account.account}"),
                Check(name="environment", ok=wrong is None, detail=wrong or self._environment.value),
                Check(name="permissions", ok=account.can_trade, detail=account.blocked_reason or "may trade"),
            )
        )

    def _wrong_environment(self) -> str | None:
        found = accounts.environment_of(self._program.account)
        if found is self._plays:
            return None
        return f"the account is {found.value}, the profile is {self._environment.value}"

    async def _measure_offset_s(self) -> float:
        """Seconds the program's clock is ahead of ours, after asking it once more; it tells whole seconds."""
        began_s = self._clock.monotonic()
        told = await asked_time(self._program)
        self._offset.learn(from_epoch(s=told), asked_s=began_s, heard_s=self._clock.monotonic())
        return self._offset.seconds or 0.0

    def _enter(self, state: LinkState, detail: str) -> None:
        self._state, self._since, self._detail = state, self._clock.now(), detail

    def _version(self) -> int:
        link = self._program.link
        return 0 if link is None else link.session.version

    async def _order_line(self, target: SocketTarget) -> Socket:
        """What is said of orders.  An account that is another one by now does not mend by itself: people are told."""
        try:
            line = await self._program.order_line(target)
            wrong = self._wrong_environment()
        except ConfigInvalid as error:
            raise AuthenticationFailed(error.detail, broker=BROKER) from error
        if wrong is not None:
            raise AuthenticationFailed(wrong, broker=BROKER)
        return line

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One message, or those of a group in one write; answered when the venue has a number for each."""
        return await self._trading.submit(approved)

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Each its own message: the socket has no batches."""
        return await asyncio.gather(*(self._submit_quietly(one) for one in approved))

    async def _submit_quietly(self, approved: Approved) -> Reports | Exception:
        try:
            return await self.submit_order(approved)
        except FloorbrokerError as error:
            return error

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when.  Without a number of ours it is looked up first."""
        return await self._trading.cancel(ref)

    async def cancel_all(self) -> Reports:
        """One message for every open order of the log-in; which ones is not told."""
        return await self._trading.cancel_all()

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """The whole order with the changes; it keeps its ids, and the quantity is the new total."""
        return await self._trading.modify(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """Among the open orders and those done today; nothing when neither has it, which proves nothing."""
        return await self._lists.order(ref)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        reports, asked_at = await self._lists.open_orders(Source.SNAPSHOT)
        return Fetched(items=tuple(one for one in reports if one.ord_status not in OVER), asked_at=asked_at)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every open order, and those done today: the venue lists no earlier ones, whenever `since` is."""
        del since
        reports, asked_at = await self._lists.history()
        return Fetched(items=reports, asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Executions since midnight of the account's zone at most, corrections with their version."""
        reports, asked_at = await self._lists.fills(since)
        return Fetched(items=reports, asked_at=asked_at)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        values, _ = await self._lists.values()
        return accounts.account_from(self._program.account, values)

    async def get_key_permissions(self) -> KeyPermissions:
        """Nothing is asked for it: there is no key."""
        return accounts.permissions()

    async def get_balances(self) -> Fetched[Balance]:
        values, asked_at = await self._lists.values()
        return Fetched(items=accounts.balances_from(self._program.account, values), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        rows, asked_at = await self._lists.positions()
        return Fetched(items=accounts.positions_from(self._program.account, rows), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        (values, _), (rows, _), working = await asyncio.gather(
            self._lists.values(), self._lists.positions(), self.get_open_orders()
        )
        account = accounts.account_from(self._program.account, values)
        return accounts.risk_from(account, values, rows, len(working.items))

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return await self._contracts.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        """Best bid and ask; what is not of real time says so in its source, and carries the time that it is of."""
        return await self._market.quote(symbol)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        return _no_hours(market, day)

    async def get_option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """The contracts of one expiration, without prices."""
        return await self._contracts.chain(underlying, expiry)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules first; what passes them is shown to the venue's what-if, which places nothing."""
        symbol = order.legs[0].symbol if order.order_class is OrderClass.MULTILEG and order.legs else order.symbol
        try:
            instrument = await self.get_instrument(symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        broken = rules.broken_rules(order, instrument)
        if broken or order.order_class in _GROUPS:
            return broken
        try:
            await self._trading.preview(order)
        except FloorbrokerError as refusal:
            if refusal.outcome is not Outcome.REFUSED:
                raise
            return (FieldError(pointer="", code=refusal.code, detail=refusal.venue_text or refusal.detail),)
        return ()

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the contract's own."""
        return rules.broken_rules(order, instrument)

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """The venue's own what-if, without placing anything."""
        return await self._trading.margin(order)

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """Quotes over the connection that all share; each symbol is looked up first."""
        for symbol in symbols:
            await self._contracts.contract(symbol)
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """There are no books here."""
        await self._feeds.resync_book(symbol)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the connection is ready and the program's link stands."""
        return self._orders.subscribe(handler)


async def asked_time(program: Program) -> int:
    """Seconds since 1970 by the program's clock."""
    told = await program.ask(
        Single(wire.CurrentTime, lambda _: True, what="the time"), lambda _: requests.current_time(), endpoint="clock"
    )
    return 0 if told.answer is None else told.answer.epoch_s


class Probe:
    """What closes an open breaker of orders: the program's clock, which changes nothing."""

    def __init__(self, program: Program) -> None:
        self._program = program

    async def send(self, request: Request) -> Response:
        """Raises what stands in the way."""
        del request
        await asked_time(self._program)
        return Response(status=200)


def _no_hours(market: str, day: date) -> NoReturn:
    raise NotSupported(
        f"the hours of {market[:20]} on {day.isoformat()} are not told here: IBKR lists them by contract alone"
    )


def build(wiring: Wiring) -> IbkrBroker:
    """The account of a profile on its stack.  Raises `ConfigInvalid` for options, addresses and a folder without its whole path.

    The host table is asked before every command and every connection.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    options = options_from(wiring.profile.options)
    place = place_for(environment, wiring.plain.get("BROKER_URL"), options)
    hosts = HostTable(environment, hosts_for(environment, place))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(place.origin)
        return await wiring.shells.connect(target)

    def unsigned(request: Request) -> Request:
        return request

    limiter = Limiter(limits_for(int(options.messages_s)), clock=clock)
    folder = wiring.state.absolute().parent
    program = Program(
        connect=connect,
        target=SocketTarget(url=place.url),
        client_id=place.client_id,
        ids=OrderIds(ids_file(folder, host=place.host, port=place.port, client_id=place.client_id)),
        limiter=limiter,
        clock=clock,
        log=wiring.log,
        tap=wiring.tap,
        account=lambda: wiring.account_number,
    )
    safe = SafeRead(Request(method="GET", origin=place.origin, path="/reqCurrentTime", endpoint="clock"))
    breakers = Breakers(clock=clock, safe_read=safe, log=wiring.log, meter=wiring.meter)
    breakers.probe_by(Probe(program))
    fit = Fittings(
        clock=clock,
        random=wiring.random,
        limiter=limiter,
        breakers=breakers,
        read_limits=read_limits,
        sign=unsigned,
        may_sign=wiring.may_sign,
        tap=wiring.tap,
        redactor=wiring.redactor,
        policy=Policy(read_retries=wiring.read_retries, read_wait_s=READ_WAIT_S),
        meter=wiring.meter,
        steps=wiring.steps,
        tracer=wiring.tracer,
        fields=AUDITED,
    )
    door = Door(program, check=check, steps=wiring.steps)
    return IbkrBroker(
        environment=environment,
        place=place,
        program=program,
        commands=stack.commands(door, check=check, fit=fit),
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        options=options,
        send_timeout_s=wiring.send_timeout_s,
        breakers=breakers.states,
        limiter=limiter,
        closing=(breakers.close, program.close),
    )

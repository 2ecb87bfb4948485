"""Upstox as a `Broker`: joins the rooms to transports.

Streams await in `transport.private` and `transport.feeds`; how the connection stands is kept in `transport.link`.  Commands, and
reads that ask more than once, await in `rest`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from random import Random
from urllib.parse import parse_qsl, urlsplit

from floorbroker.brokers.upstox import wire
from floorbroker.brokers.upstox.auth import Credentials, sign, socket_origin
from floorbroker.brokers.upstox.info import (
    AUDITED,
    BROKER,
    INFO,
    Options,
    Origins,
    hosts_for,
    options_from,
    origins_for,
)
from floorbroker.brokers.upstox.limits import limits_for, read_limits
from floorbroker.brokers.upstox.mapping import account as accounts
from floorbroker.brokers.upstox.mapping import rules
from floorbroker.brokers.upstox.mapping.gtt import asked_reports, gtt_id_of, is_gtt, waiting_reports
from floorbroker.brokers.upstox.mapping.identity import UpstoxIdentity
from floorbroker.brokers.upstox.mapping.reports import Heard, gone_report, is_ended, order_report, trade_report
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.rest.account import AccountReads
from floorbroker.brokers.upstox.rest.calls import UPDATES, UPDATES_WITH_GTT, Calls
from floorbroker.brokers.upstox.rest.commands import Commands
from floorbroker.brokers.upstox.rest.login import UpstoxLogIn
from floorbroker.brokers.upstox.rest.market import MarketReads
from floorbroker.brokers.upstox.rest.reads import Reads, is_over
from floorbroker.brokers.upstox.stream.fills import FillSession, Held
from floorbroker.brokers.upstox.stream.orders import OrderSession
from floorbroker.brokers.upstox.stream.plan import DataPlan
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FieldError,
    FloorbrokerError,
    Hint,
    NotSupported,
    OrderNotFound,
    OwnRefusal,
    SessionExpired,
    StreamLost,
    SymbolNotFound,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Identity, Log, Meter, OrderEvents, Redactor, Reports, Subscription
from floorbroker.domain.records import (
    Account,
    Balance,
    Check,
    ConnectionStatus,
    DataKind,
    ExecutionReport,
    Fetched,
    KeyPermissions,
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
)
from floorbroker.domain.values import ClOrdId, ExecType, OrderId, OrdStatus, Price
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds, MarketHandler
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.link import Link, first_checks
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.polling import Pace, PollBudget, Poller
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Lane, Request, Socket, SocketTarget, Transport

_OFFSET_MAX_S = 2.0  # only the `Date` of replies tells the venue's time
_PACE = Pace(busy_s=60.0, calm_s=60.0, soon_s=(0.0, 0.5, 1.0))  # of reading the trades
_AGAIN_S = 60.0  # how often a feed looks whether somebody has logged in


class UpstoxBroker:
    """One account at Upstox.

    `reads` and `commands` are finished stacks that sign; `connect` opens WebSockets.  `build` wires all of it.  Calls are safe to
    make at the same time.
    """

    def __init__(
        self,
        *,
        origins: Origins,
        reads: Transport,
        commands: Transport,
        connect: Connect,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        user_id: Callable[[], str] = str,
        options: Options | None = None,
        send_timeout_s: float = 5.0,
        redactor: Redactor | None = None,
        offset: ClockOffset | None = None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._origins = origins
        self._options = options = Options() if options is None else options
        self._clock = clock
        self._redactor = redactor
        self._identity = UpstoxIdentity()
        self._offset = ClockOffset(clock) if offset is None else offset
        self._symbols = symbols = Symbols(with_options=options.derivatives == "options")
        self._calls = calls = Calls(origins=origins, algo_name=options.algo_name, command_timeout_s=send_timeout_s)
        self._reads = Reads(reads, calls)
        self._market = MarketReads(self._reads, calls, symbols, options, clock=clock)
        self._account = AccountReads(self._reads, calls, symbols, options, user_id=user_id)
        self._commands = Commands(commands, self._reads, calls, symbols, options, market=self._market)
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        self._poller = Poller(self._reads.trades_told, clock=clock, pace=_PACE, budget=_budget())
        held = Held(self._poller.stir)
        lines = (
            Line(name="portfolio", session=OrderSession(symbols, held), connect=connect, target=self._orders_target),
            Line(name="trades", session=FillSession(symbols, held), connect=self._poller.connect, target=_nowhere),
        )
        self._orders = OrderStream(lines, around)
        self._feeds = Feeds(DataPlan(symbols, opened=self._market_target), connect=connect, around=around)
        self._link = Link(
            self._orders,
            self._feeds,
            clock=clock,
            offset=self._offset,
            breakers=breakers,
            limiter=limiter,
            closing=closing,
        )

    @property
    def info(self) -> BrokerInfo:
        return INFO

    @property
    def identity(self) -> Identity:
        return self._identity

    # -- connection -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Prove that the token opens the account, and read the instruments.  Raises what the venue says."""
        await self._link.open(self._prove)

    async def _prove(self) -> None:
        await self._account.proven()
        await self._market.learn()

    async def disconnect(self) -> None:
        """Close every stream, then the connections (`closing`): the end of this object's work."""
        await self._link.close()

    def is_connected(self) -> bool:
        return self._link.is_connected

    def get_connection_status(self) -> ConnectionStatus:
        return self._link.status()

    async def self_check(self) -> SelfCheck:
        """Connectivity, clock, credentials, permissions; nothing is changed."""
        checks, account = await first_checks(
            origin=self._origins.api,
            measure_s=self._measure_offset_s,
            near_s=_OFFSET_MAX_S,
            account=self.get_account_info,
        )
        if account is None:
            return SelfCheck(checks=checks)
        allowed = account.blocked_reason or f"may trade with product {self._options.product}"
        return SelfCheck(checks=(*checks, Check(name="permissions", ok=account.can_trade, detail=allowed)))

    async def _measure_offset_s(self) -> float:
        """Seconds the venue's clock is ahead of ours, by the `Date` of its replies; an ended session is a denial here."""
        try:
            await self._account.proven()
        except SessionExpired as ended:
            raise AuthenticationFailed(ended.detail, broker=BROKER, hint=ended.hint) from ended
        return self._offset.seconds or 0.0

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One POST.  Success means received: the risk system may still refuse it, and the stream will tell."""
        return (self._received(approved, await self._commands.submit(approved)),)

    def _received(self, approved: Approved, order_id: OrderId) -> ExecutionReport:
        return ExecutionReport(
            exec_type=ExecType.PENDING_NEW,
            source=Source.REPLY,
            at=self._clock.now(),
            ord_status=OrdStatus.PENDING_NEW,
            cl_ord_id=approved.cl_ord_id,
            order_id=order_id,
            symbol=approved.order.symbol,
            side=approved.order.side,
        )

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Several in one request, of which the venue tells each apart; it carries out purchases first."""
        told = await self._commands.submit_many(approved)
        return [
            found if isinstance(found, FloorbrokerError) else (self._received(one, found),)
            for one, found in zip(approved, told, strict=True)
        ]

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when."""
        await self._commands.cancel(ref)
        return ()

    async def cancel_all(self) -> Reports:
        """Asks for every open order at once; one report (PENDING_CANCEL) for each that the venue names."""
        return tuple(self._asked_to_cancel(order_id) for order_id in await self._commands.cancel_all())

    def _asked_to_cancel(self, order_id: OrderId) -> ExecutionReport:
        return ExecutionReport(
            exec_type=ExecType.PENDING_CANCEL,
            source=Source.REPLY,
            at=self._clock.now(),
            ord_status=OrdStatus.PENDING_CANCEL,
            order_id=order_id,
        )

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """PUT: prices and validity; the order keeps its id, and that it was done shows in its terms.

        Raises `NotSupported` for a quantity.
        """
        await self._commands.change(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)
        return ()

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """By venue id when known, else by tag.

        Raises `OrderNotFound` for the venue's word that it knows no such order; one of an earlier day is told as over then.
        """
        asked_at = self._clock.now()
        order_id = ref.order_id or await self._reads.tagged(ref.cl_ord_id)
        if is_gtt(order_id):
            found = await self._reads.gtt(gtt_id_of(order_id))
            return asked_reports(found, OrderId(order_id), self._heard(Source.QUERY, asked_at), self._symbols)
        try:
            order = await self._reads.order(order_id)
        except OrderNotFound:
            if is_over(order_id, self._offset.venue_now()):
                return (gone_report(order_id, self._heard(Source.QUERY, asked_at)),)
            raise
        return (order_report(order, self._heard(Source.QUERY, asked_at), self._symbols),)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        asked_at = self._clock.now()
        listed = [order for order in await self._reads.orders() if not is_ended(order)]
        waiting: Reports = ()
        if self._options.watches_gtt:
            found = await self._reads.gtts()
            waiting = waiting_reports(found, self._heard(Source.SNAPSHOT, asked_at), self._symbols)
        return Fetched(items=(*self._reports(listed, asked_at), *waiting), asked_at=asked_at)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """The day's orders, whatever `since` is: the venue keeps no others."""
        del since
        asked_at = self._clock.now()
        return Fetched(items=self._reports(await self._reads.orders(), asked_at), asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """The day's executions, whatever `since` is: those of earlier days are listed without their orders."""
        del since
        asked_at = self._clock.now()
        heard = self._heard(Source.HISTORY, asked_at)
        found = tuple(trade_report(trade, heard, self._symbols) for trade in await self._reads.trades())
        return Fetched(items=found, asked_at=asked_at)

    def _reports(self, listed: Sequence[wire.Order], asked_at: datetime) -> Reports:
        heard = self._heard(Source.SNAPSHOT, asked_at)
        return tuple(order_report(order, heard, self._symbols) for order in listed)

    def _heard(self, source: Source, asked_at: datetime) -> Heard:
        return Heard(source=source, at=self._clock.now(), asked_at=asked_at)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        """Rupees, and what is held.  Raises `ApiError` when the token is somebody else's."""
        return await self._account.account()

    async def get_key_permissions(self) -> KeyPermissions:
        """Upstox does not tell what a token may do."""
        return KeyPermissions(read=True, withdraw=False, detail=INFO.withdrawals)

    async def get_balances(self) -> Fetched[Balance]:
        asked_at = self._clock.now()
        return Fetched(items=(await self._account.balance(),), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        asked_at = self._clock.now()
        return Fetched(items=await self._account.positions(), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        account, held, working = await asyncio.gather(
            self._account.account(), self._account.positions(), self.get_open_orders()
        )
        return accounts.risk_from(account, held, len(working.items))

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return await self._market.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        """Hours of NSE (XNSE) or BSE (XBOM) on India's `day`."""
        return await self._market.hours(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules; the venue has no call that checks an order without placing it."""
        try:
            listed = await self._market.listed(order.symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        return rules.broken_rules(order, listed, self._options)

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and what the files of instruments say of it."""
        del instrument  # the files say more
        listed = self._market.known(order.symbol)
        return () if listed is None else rules.broken_rules(order, listed, self._options)

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """What the venue says the order would bind and cost, at its own price or the present one."""
        await self._market.listed(order.symbol)
        return await self._account.margin(order, price=await self._price_of(order))

    async def _price_of(self, order: NewOrder) -> Price:
        stated = order.price or order.stop_px
        if stated is not None:
            return stated
        quote = await self._market.quote(order.symbol)
        found = quote.ask or quote.last or quote.bid
        if found is None:
            raise NotSupported(f"{order.symbol} has no price to compute a margin from")
        return found

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection for all."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """There are no books here."""
        raise NotSupported(f"Upstox has no order book of {symbol} here")

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` with each opening; what was missed before it is compared by the desk."""
        return self._orders.subscribe(handler)

    async def _orders_target(self) -> SocketTarget:
        """An ended session is a denial to the order stream, which then looks again from time to time."""
        try:
            return await self._opening(
                self._calls.authorize_orders(UPDATES_WITH_GTT if self._options.watches_gtt else UPDATES)
            )
        except SessionExpired as ended:
            raise AuthenticationFailed(ended.detail, broker=BROKER, hint=ended.hint) from ended

    async def _market_target(self) -> SocketTarget:
        try:
            return await self._opening(self._calls.authorize_market())
        except (SessionExpired, AuthenticationFailed) as denied:
            raise StreamLost(denied.detail, broker=BROKER, hint=Hint(retry_after_s=_AGAIN_S)) from denied

    async def _opening(self, request: Request) -> SocketTarget:
        """Where the venue says that a stream is, this once; what opens it is told to the redactor."""
        found = await self._reads.ask(request, wire.Redirect, what="the way to the stream")
        url = found.authorized_redirect_uri or found.authorizedRedirectUri or ""
        try:
            parts = urlsplit(url)
        except ValueError:
            raise ApiError("the way to the stream is no address at all", broker=BROKER) from None
        if parts.scheme not in ("ws", "wss"):
            raise ApiError("the way to the stream is no address of a socket", broker=BROKER)
        if self._redactor is not None:
            for _, value in parse_qsl(parts.query):
                self._redactor.learn_token(value)
        return SocketTarget(url=url)


def check_way(hosts: HostTable, target: SocketTarget) -> None:
    """Raises `StreamLost` for an address outside the host table: where a stream is, the venue is asked anew each time."""
    try:
        hosts.check_origin(socket_origin(target.url))
    except OwnRefusal as refusal:
        raise StreamLost("the venue says that the stream is at no host of its own", broker=BROKER) from refusal


def _budget() -> PollBudget:
    """A fifth of what the venue allows in a minute."""
    return PollBudget(requests=100, per_s=60.0)


async def _nowhere() -> SocketTarget:
    """Polls open no connection of their own."""
    return SocketTarget(url="")


def build(wiring: Wiring) -> UpstoxBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and missing keys.

    The host table is asked before every request and every connection, reads and streams included.  Without a token of the day
    everything but the instruments is refused as an ended session.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    options = options_from(wiring.profile.options)
    credentials = Credentials(token=wiring.secrets.get("BROKER_PASSWORD"))
    hosts = HostTable(environment, hosts_for(environment, options.feed_hosts))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    def signed(request: Request) -> Request:
        return sign(request, credentials, clock.now())

    async def connect(target: SocketTarget) -> Socket:
        check_way(hosts, target)
        return await wiring.shells.connect(target)

    origins = _origins(wiring)
    http, order_http = wiring.shells.http(), wiring.shells.order_http(check)
    fit, breakers = _fittings(wiring, origins, options, sign=signed)
    return UpstoxBroker(
        origins=origins,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=stack.commands(order_http, check=check, fit=fit),
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        user_id=lambda: wiring.account_number,
        options=options,
        send_timeout_s=wiring.send_timeout_s,
        redactor=wiring.redactor,
        offset=fit.offset,
        breakers=breakers.states,
        limiter=fit.limiter,
        closing=(breakers.close, http.close, order_http.close),
    )


def build_log_in(wiring: Wiring) -> UpstoxLogIn:
    """The log-in of a profile's application; what it asks is asked once.  Raises `ConfigInvalid` like `build`."""
    options, origins = options_from(wiring.profile.options), _origins(wiring)
    http = wiring.shells.http()
    fit, breakers = _fittings(wiring, origins, options, sign=lambda request: request)
    hosts = HostTable(wiring.profile.environment, hosts_for(wiring.profile.environment))

    async def close() -> None:
        await breakers.close()
        await http.close()

    return UpstoxLogIn(
        stack.reads(http, check=hosts, fit=replace(fit, policy=Policy(read_retries=0))),
        Calls(origins=origins),
        client_id=wiring.secret("BROKER_API_KEY"),
        client_secret=wiring.secret("BROKER_SECRET_KEY"),
        redirect_uri=options.redirect_uri,
        user_id=lambda: wiring.account_number,
        redactor=wiring.redactor,
        close=close,
    )


def _origins(wiring: Wiring) -> Origins:
    return origins_for(wiring.profile.environment, wiring.plain.get("BROKER_URL"))


def _fittings(
    wiring: Wiring, origins: Origins, options: Options, *, sign: Callable[[Request], Request]
) -> tuple[Fittings, Breakers]:
    """What both stacks of an account share, and its breakers, whose probe looks at the profile of the user."""
    clock = wiring.clock
    looked = replace(Calls(origins=origins).profile(), lane=Lane.RESOLVE)
    breakers = Breakers(clock=clock, safe_read=SafeRead(looked), log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        offset=ClockOffset(clock),
        random=wiring.random,
        limiter=Limiter(limits_for(options), clock=clock),
        breakers=breakers,
        read_limits=read_limits(clock),
        sign=sign,
        may_sign=wiring.may_sign,
        tap=wiring.tap,
        redactor=wiring.redactor,
        policy=Policy(read_retries=wiring.read_retries),
        meter=wiring.meter,
        steps=wiring.steps,
        tracer=wiring.tracer,
        fields=AUDITED,
    )
    return fit, breakers

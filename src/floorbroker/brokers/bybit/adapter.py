"""Bybit v5 as a `Broker`: joins the rooms to transports."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from random import Random

from floorbroker.brokers.bybit import wire
from floorbroker.brokers.bybit.auth import Credentials, login, sign, socket_origin
from floorbroker.brokers.bybit.info import (
    AUDITED,
    BROKER,
    INFO,
    Options,
    Origins,
    hosts_for,
    options_from,
    origins_for,
)
from floorbroker.brokers.bybit.limits import limits_for, read_limits
from floorbroker.brokers.bybit.mapping import account as accounts
from floorbroker.brokers.bybit.mapping import rules
from floorbroker.brokers.bybit.mapping.account import PositionSide
from floorbroker.brokers.bybit.mapping.identity import BybitIdentity
from floorbroker.brokers.bybit.mapping.instruments import hours_of
from floorbroker.brokers.bybit.mapping.memory import Memory
from floorbroker.brokers.bybit.mapping.reports import Reader
from floorbroker.brokers.bybit.mapping.stops import PositionStops, trading_stop_request
from floorbroker.brokers.bybit.mapping.symbols import Symbols, to_wire
from floorbroker.brokers.bybit.mapping.values import number
from floorbroker.brokers.bybit.rest import answers
from floorbroker.brokers.bybit.rest.calls import Calls
from floorbroker.brokers.bybit.rest.commands import Commands
from floorbroker.brokers.bybit.rest.holdings import Holdings
from floorbroker.brokers.bybit.rest.market import MarketReads
from floorbroker.brokers.bybit.rest.reads import Reads
from floorbroker.brokers.bybit.rest.time import SAMPLES, VenueTime
from floorbroker.brokers.bybit.rest.trading import Trading
from floorbroker.brokers.bybit.stream.plan import PublicPlan
from floorbroker.brokers.bybit.stream.private import PrivateSession
from floorbroker.brokers.bybit.stream.trade import TradeDialect
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    AuthenticationFailed,
    FieldError,
    FloorbrokerError,
    SymbolNotFound,
)
from floorbroker.domain.instrument import Instrument
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
from floorbroker.domain.values import ZERO, ClOrdId, Environment
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds, MarketHandler, Sinks
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.order_socket import OrderSocket
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.signs import SignsOf
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, OrderHttp, Request, Socket, SocketTarget, Transport

_OFFSET_MAX_S = 1.0


class BybitBroker:
    """One unified trading account at Bybit: spot and linear perpetuals.

    `reads` and `commands` are finished stacks that sign, `entry` is the one that order commands take (the trade socket's, or
    `commands` again); `connect` opens WebSockets; `offset` is what the signer goes by.  `build` wires all of it.  Calls are safe
    to make at the same time.
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
        options: Options | None = None,
        offset: ClockOffset | None = None,
        limiter: Limiter | None = None,
        entry: Transport | None = None,
        send_timeout_s: float = 5.0,
        breakers: Callable[[], Mapping[str, str]] = dict,
        sinks: Sinks | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._environment = environment
        self._origins = origins
        self._options = Options() if options is None else options
        self._clock, self._log = clock, log
        self._closing = tuple(closing)
        self._breakers = breakers
        self._identity = BybitIdentity()
        self._state, self._since, self._detail = LinkState.OFFLINE, clock.now(), "not connected"
        calls = self._calls = Calls(origins=origins, command_timeout_s=send_timeout_s)
        self._offset = ClockOffset(clock) if offset is None else offset
        self._time = VenueTime(self._offset, reads=reads, calls=calls, clock=clock)
        symbols, memory = Symbols(), Memory()
        self._reads = Reads(reads, calls, on_wrong_time=self._time.anew)
        self._market = MarketReads(self._reads, calls, symbols, clock=clock)
        self._commands = Commands(
            entry or commands,
            commands,
            calls,
            clock=clock,
            requests_s=int(self._options.order_requests_s),
            on_wrong_time=self._correct_time,
        )
        reader = Reader(symbols, memory)
        self._trading = Trading(self._commands, self._reads, reader, options=self._options, clock=clock)
        self._holdings = Holdings(self._reads, calls, symbols, options=self._options, clock=clock, log=log)
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        session = PrivateSession(reader, login=lambda: login(credentials, self._offset.venue_now()))
        line = Line(name="private", session=session, connect=connect, target=self._private_target)
        self._orders = OrderStream([line], around)
        self._feeds = Feeds(
            PublicPlan(origins, self._options, symbols),
            connect=connect,
            around=around,
            sinks=sinks,
            look=self._market.rules,
        )
        self._signs = SignsOf(self._orders, self._feeds, limiter)

    @property
    def info(self) -> BrokerInfo:
        return INFO

    @property
    def identity(self) -> Identity:
        return self._identity

    # -- connection -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        """Measure how far the clocks are apart, read the instrument lists, prove the credentials.

        Raises what the venue says.
        """
        self._enter(LinkState.CONNECTING, "connecting")
        try:
            await self._time.measure(SAMPLES)
            await self._market.learn()
            await self.get_account_info()
        except FloorbrokerError as error:
            self._enter(LinkState.OFFLINE, error.detail)
            raise
        self._enter(LinkState.CONNECTED, "")

    async def disconnect(self) -> None:
        """Close every stream, then the connections (`closing`): the end of this object's work."""
        await self._orders.close()
        await self._feeds.close()
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

    async def self_check(self) -> SelfCheck:
        """Connectivity, clock, credentials, kind of account, permissions; nothing is changed."""
        try:
            await self._time.measure()
        except FloorbrokerError as error:
            return SelfCheck(checks=(Check(name="connectivity", ok=False, detail=error.detail),))
        offset_s = self._offset.seconds or 0.0
        near = abs(offset_s) <= _OFFSET_MAX_S
        checks = (
            Check(name="connectivity", ok=True, detail=self._origins.rest),
            Check(name="clock", ok=near, detail=f"the venue's clock is {offset_s:+.3f} s from ours"),
        )
        try:
            account = await self.get_account_info()
            permissions = await self.get_key_permissions()
        except FloorbrokerError as error:
            is_denied = isinstance(error, AuthenticationFailed)
            name = "credentials" if is_denied else "account"
            return SelfCheck(checks=(*checks, Check(name=name, ok=False, detail=error.detail)))
        withdraws = bool(permissions.withdraw)
        allowed = account.can_trade and not withdraws
        detail = "this key can withdraw" if withdraws else account.blocked_reason or permissions.detail
        return SelfCheck(
            checks=(
                *checks,
                Check(name="credentials", ok=True, detail=f"account {account.account}"),
                Check(name="environment", ok=True, detail=f"{self._environment.value}: {self._origins.rest}"),
                Check(name="permissions", ok=allowed, detail=detail),
            )
        )

    async def _correct_time(self) -> None:
        """After a refused time stamp.  When it cannot be measured now, the next read tries again."""
        try:
            await self._time.anew()
        except FloorbrokerError as error:
            self._log.warning("clock.unmeasured", code=error.code, detail=error.detail)

    async def _private_target(self) -> SocketTarget:
        await self._time.freshen()
        return SocketTarget(url=f"{self._origins.private}/v5/private")

    def _enter(self, state: LinkState, detail: str) -> None:
        self._state, self._since, self._detail = state, self._clock.now(), detail

    # -- orders ---------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One create: what it answers means "received" (PENDING_NEW), never more."""
        return await self._trading.submit(approved)

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """In batches of one category; a batch succeeds as such, and each order in it has its own answer."""
        return await self._trading.submit_many(approved)

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when."""
        return await self._trading.cancel(ref)

    async def cancel_all(self) -> Reports:
        """Asks for every kind of open order; one report (PENDING_CANCEL) for each that the venue names."""
        return await self._trading.cancel_all()

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """An amend: the order keeps its ids, the quantity is the new total, and the answer means "received"."""
        return await self._trading.modify(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """Among the living and in the history; `OrderNotFound` when both answered and neither has it."""
        return await self._trading.status(ref, venue_now=self._offset.venue_now())

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        return await self._trading.open_orders()

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """The history, and what is open.  Orders that ended without a fill are told for 24 hours alone."""
        return await self._trading.history(since, venue_now=self._offset.venue_now())

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Executions of both categories; funding and settlement are none."""
        return await self._trading.fills(since, venue_now=self._offset.venue_now())

    # -- perpetuals -----------------------------------------------------------------------------------------------------

    async def set_leverage(self, symbol: str, leverage: Decimal) -> None:
        """The leverage of a perpetual, the same on both sides; that it is so already is no error."""
        await self._commands.set_leverage(symbol, leverage)

    async def set_position_mode(self, *, hedge: bool, symbol: str | None = None, coin: str | None = None) -> None:
        """One-way or hedge mode of one perpetual, or of all that settle in `coin`; only without positions and orders."""
        await self._commands.set_position_mode(hedge=hedge, symbol=symbol, coin=coin)

    async def set_trading_stop(self, symbol: str, stops: PositionStops) -> None:
        """Take-profit, stop-loss and trailing stop of a position; they are the position's, not an order's."""
        await self._commands.set_trading_stop(trading_stop_request(symbol, stops))

    async def get_position_sides(self) -> tuple[PositionSide, ...]:
        """Both sides of each perpetual's position, with leverage and stops; `get_positions` nets them."""
        return await self._holdings.sides()

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        return await self._holdings.account()

    async def get_key_permissions(self) -> KeyPermissions:
        """Told with the account."""
        return await self._holdings.permissions()

    async def get_balances(self) -> Fetched[Balance]:
        return await self._holdings.balances()

    async def get_positions(self) -> Fetched[Position]:
        """Coins in the pair with the profile's `spot_quote`; perpetuals net of both sides."""
        return await self._holdings.positions()

    async def get_risk_metrics(self) -> RiskMetrics:
        account, held, working = await asyncio.gather(
            self.get_account_info(), self.get_positions(), self.get_open_orders()
        )
        return accounts.risk_from(account, held.items, len(working.items))

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return (await self._market.rules(symbol)).instrument

    async def get_market_data(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        """Spot and perpetuals trade round the clock."""
        return hours_of(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own where the venue knows it."""
        try:
            found = await self._market.rules(order.symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        return rules.broken_rules(order, self._options, found)

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the symbol's own, once they were asked for."""
        del instrument  # our own rules say more
        return rules.broken_rules(order, self._options, self._market.known(order.symbol))

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """Computed from the latest price, the leverage in force and the account's own fee rate."""
        instrument = await self.get_instrument(order.symbol)
        quote, fees = await asyncio.gather(
            self.get_market_data(order.symbol),
            self._reads.ask(self._calls.fee_rate(to_wire(order.symbol)), wire.Page[wire.FeeRate], what="the fees"),
        )
        rate = next((number(fee.taker_fee_rate, what="a fee rate") for fee in fees.items or []), None)
        held = self._holdings.known_side(order.symbol)
        leverage = Decimal(self._options.leverage) or (held.leverage if held else None) or Decimal(1)
        return rules.margin_for(
            order,
            reference=quote.ask or quote.bid or quote.last,
            currency=instrument.currency,
            leverage=leverage,
            fee_rate=rate or ZERO,
        )

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection a category, whatever the number of subscriptions, until one is full."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """Subscribe to it once more: the venue begins with the whole book then."""
        await self._feeds.resync_book(symbol)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the venue confirms that it streams."""
        return self._orders.subscribe(handler)


def build(wiring: Wiring) -> BybitBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and missing keys.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    options = options_from(wiring.profile.options)
    credentials = Credentials(key=wiring.secret("BROKER_API_KEY"), secret=wiring.secret("BROKER_SECRET_KEY"))
    origins = origins_for(environment, wiring.plain.get("BROKER_URL"), practice=options.practice)
    hosts = HostTable(environment, hosts_for(environment, practice=options.practice))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)
    offset, window_ms = ClockOffset(clock), int(options.recv_window_ms)

    def signed(request: Request) -> Request:
        if request.endpoint == "market.get":
            return request  # public: nobody asks who we are
        return sign(request, credentials, offset.venue_now(), recv_window_ms=window_ms)

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await wiring.shells.connect(target)

    async def trade_target() -> SocketTarget:
        return SocketTarget(url=f"{origins.trade}/v5/trade")

    http, order_http = wiring.shells.http(), wiring.shells.order_http(check)
    told = partial(answers.answer, kind=wire.ServerTime, what="the venue's time")
    looked = SafeRead(Calls(origins=origins).time(), told)
    breakers = Breakers(clock=clock, safe_read=looked, log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        offset=offset,
        random=wiring.random,
        limiter=Limiter(limits_for(int(options.order_requests_s)), clock=clock),
        breakers=breakers,
        read_limits=read_limits(clock),
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
    shells: list[OrderHttp] = [order_http]
    if options.order_entry == "websocket":
        dialect = TradeDialect(login=lambda: login(credentials, offset.venue_now()))
        shells.append(
            OrderSocket(dialect, connect=connect, target=trade_target, check=check, clock=clock, steps=wiring.steps)
        )
    commands = [stack.commands(shell, check=check, fit=fit) for shell in shells]
    return BybitBroker(
        environment=environment,
        origins=origins,
        credentials=credentials,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=commands[0],
        entry=commands[-1],
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        options=options,
        offset=offset,
        limiter=fit.limiter,
        send_timeout_s=wiring.send_timeout_s,
        breakers=breakers.states,
        sinks=wiring.sinks,
        closing=(breakers.close, http.close, *(shell.close for shell in shells)),
    )

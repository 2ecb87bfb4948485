"""Tradier as a `Broker`: joins the rooms to transports.

Order events are polled (`transport.polling`), streams await in `transport.private` and `transport.feeds`; how the connection
stands is kept in `transport.link`.  Commands, and reads that ask more than once, await in `rest`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.auth import Credentials, sign, socket_origin
from floorbroker.brokers.tradier.info import AUDITED, INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.tradier.limits import limits_for, read_limits
from floorbroker.brokers.tradier.mapping import account as accounts
from floorbroker.brokers.tradier.mapping import orders, rules
from floorbroker.brokers.tradier.mapping.families import Families
from floorbroker.brokers.tradier.mapping.identity import TradierIdentity
from floorbroker.brokers.tradier.mapping.reports import Heard, order_reports
from floorbroker.brokers.tradier.mapping.values import BROKER, from_seconds
from floorbroker.brokers.tradier.rest.account import AccountReads, margin_told, risk_of
from floorbroker.brokers.tradier.rest.calls import Calls
from floorbroker.brokers.tradier.rest.commands import Commands
from floorbroker.brokers.tradier.rest.market import MarketReads
from floorbroker.brokers.tradier.rest.reads import Reads
from floorbroker.brokers.tradier.stream.events import AccountSession
from floorbroker.brokers.tradier.stream.plan import ACCOUNT_PATH, DataPlan, SessionIds
from floorbroker.brokers.tradier.stream.polls import PollSession
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ConfigInvalid,
    FieldError,
    FloorbrokerError,
    NotSupported,
    OrderRejected,
    SymbolNotFound,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.options import OptionChain, OptionEvent
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
from floorbroker.domain.values import ClOrdId, Environment, ExecType, OrderClass, OrdStatus
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import FEW_LOOKS, Feeds, MarketHandler
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.link import Link, first_checks
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.polling import Pace, PollBudget, Poller
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Lane, Request, Socket, SocketTarget, Transport

_OFFSET_MAX_S = 2.0  # the venue's clock tells whole seconds
_LOOK_BACK = timedelta(days=1)
_PACE = Pace(busy_s=2.0, calm_s=10.0)
_PACE_PAPER = Pace(busy_s=4.0, calm_s=15.0)
_POLLS = {Environment.PAPER: 20}
_POLLS_ELSE = 40  # a third of what the venue allows in a minute
_PREVIEW_TAG = "preview"


class TradierBroker:
    """One account at Tradier.

    `reads` and `commands` are finished stacks that sign; `connect` opens WebSockets.  `build` wires all of it.  Calls are safe to
    make at the same time.
    """

    def __init__(
        self,
        *,
        environment: Environment,
        origins: Origins,
        account: Callable[[], str],
        reads: Transport,
        commands: Transport,
        connect: Connect,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        options: Options | None = None,
        send_timeout_s: float = 5.0,
        redactor: Redactor | None = None,
        offset: ClockOffset | None = None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._origins = origins
        self._options = Options() if options is None else options
        self._families = Families()
        self._calls = Calls(origins=origins, account=account, command_timeout_s=send_timeout_s)
        self._reads = Reads(reads, self._calls, self._families, clock=clock, log=log)
        self._market = MarketReads(self._reads, self._calls, clock=clock)
        self._account = AccountReads(reads, self._reads, self._calls)
        self._clock = clock
        self._connect = connect
        self._redactor = redactor
        self._identity = TradierIdentity()
        self._offset = ClockOffset(clock) if offset is None else offset
        is_paper = environment is Environment.PAPER
        self._poller = Poller(
            self._reads.poll,
            clock=clock,
            pace=_PACE_PAPER if is_paper else _PACE,
            budget=PollBudget(requests=_POLLS.get(environment, _POLLS_ELSE), per_s=60.0),
            is_busy=lambda: bool(self._families.open),
        )
        self._commands = Commands(commands, self._reads, self._calls, self._families, stir=self._poller.stir)
        self._ids = SessionIds(self._session_id)
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        self._orders = OrderStream(self._lines(), around)
        plan = DataPlan(origin=origins.data_stream, ids=self._ids)
        self._feeds = Feeds(plan, connect=connect, around=around, look=self._market.instrument, most_looks=FEW_LOOKS)
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
        """Prove that the token opens the account, and how far the clocks are apart.  Raises what the venue says."""
        await self._link.open(self._prove)

    async def _prove(self) -> None:
        await self.get_account_info()
        await self._measure_offset_s()

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
        allowed = account.blocked_reason or f"may trade; options level {account.option_level}"
        return SelfCheck(checks=(*checks, Check(name="permissions", ok=account.can_trade, detail=allowed)))

    async def _measure_offset_s(self) -> float:
        """Seconds the venue's clock is ahead of ours, after asking it once more; it tells whole seconds."""
        began_s = self._clock.monotonic()
        told = await self._market.clock()
        self._offset.learn(from_seconds(told.timestamp), asked_s=began_s, heard_s=self._clock.monotonic())
        return self._offset.seconds or 0.0

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One POST.  "ok" means taken for review: a refusal may still come, and polls will tell.

        An answer in other words that names the order proves as much: it is there, and how it stands is asked for.
        """
        order, tag = approved.order, approved.cl_ord_id
        taken = await self._commands.submit(approved, now=self._offset.venue_now())
        report = ExecutionReport(
            exec_type=ExecType.PENDING_NEW,
            source=Source.REPLY,
            at=self._clock.now(),
            ord_status=OrdStatus.PENDING_NEW,
            cl_ord_id=tag,
            order_id=taken.order_id,
            text=None if taken.is_ok else f"the venue said {taken.word!r}",
            symbol=order.symbol,
            side=order.side,
        )
        return (report,)

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Each its own request, all at once: Tradier has no batches."""
        return await asyncio.gather(*(self._submit_quietly(one) for one in approved))

    async def _submit_quietly(self, approved: Approved) -> Reports | Exception:
        try:
            return await self.submit_order(approved)
        except FloorbrokerError as error:
            return error

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks; polls tell whether and when.  A member of a group is cancelled with its whole group, as the venue has it."""
        await self._commands.cancel(ref)
        return ()

    async def cancel_all(self) -> Reports:
        """The venue has no such call; whoever wants it cancels each open order by name."""
        raise NotSupported("Tradier has no call that cancels every order")

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """PUT: prices and duration; the order keeps its id, and that it was done shows in its terms.

        Raises `NotSupported` for a quantity, which the venue does not change.
        """
        await self._commands.change(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)
        return ()

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """By venue id when known, else by tag in the whole list.  Never `OrderNotFound`: absence proves nothing here."""
        asked_at = self._clock.now()
        if ref.order_id is None:
            order = await self._reads.named(ref.cl_ord_id)
        else:
            order = await self._reads.order(self._families.head_of(ref.order_id))
        return order_reports(order, self._heard(Source.QUERY, asked_at))

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        """Every open order with its legs."""
        asked_at = self._clock.now()
        listed = await self._reads.open_orders()
        return Fetched(items=self._reports(listed, Source.SNAPSHOT, asked_at), asked_at=asked_at)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """Orders from the day of `since` on, and all that are known to be open; the venue keeps a month."""
        asked_at = self._clock.now()
        listed = await self._reads.orders_since(since)
        return Fetched(items=self._reports(listed, Source.SNAPSHOT, asked_at), asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """The venue lists no executions (`Can.HISTORY_FILLS` is not claimed): totals of orders are all it tells."""
        raise NotSupported("Tradier lists no executions")

    def _reports(self, listed: Sequence[wire.Order], source: Source, asked_at: datetime) -> Reports:
        heard = self._heard(source, asked_at)
        return tuple(report for order in listed for report in order_reports(order, heard))

    def _heard(self, source: Source, asked_at: datetime) -> Heard:
        return Heard(source=source, at=self._clock.now(), asked_at=asked_at)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        """Balances, and what the token's profile says of the account.  Raises `ApiError` for another account's balances."""
        return await self._account.account()

    async def get_key_permissions(self) -> KeyPermissions:
        """Tradier does not tell what a token may do."""
        return KeyPermissions(read=True, detail=INFO.withdrawals)

    async def get_balances(self) -> Fetched[Balance]:
        asked_at = self._clock.now()
        return Fetched(items=(await self._account.balance(),), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        asked_at = self._clock.now()
        return Fetched(items=await self._account.positions(), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        account, held, working = await asyncio.gather(
            self._account.account(), self._account.positions(), self._reads.open_orders()
        )
        return risk_of(account, held, len(working))

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
        """XNYS hours of New York's `day`."""
        return await self._market.hours(market, day)

    async def get_expirations(self, underlying: str) -> list[date]:
        """Days on which options of `underlying` expire."""
        return await self._market.expirations(underlying)

    async def get_strikes(self, underlying: str, expiration: date) -> list[Decimal]:
        """Strikes of one expiration, in dollars."""
        return await self._market.strikes(underlying, expiration)

    async def get_option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """The contracts of one expiration with their quotes, the next to come unless one is named."""
        return await self._market.chain(underlying, expiry)

    async def get_option_events(self, since: date) -> Fetched[OptionEvent]:
        """How options ended, of the account's history, which the venue brings up to date each night."""
        asked_at = self._clock.now()
        told = await self._reads.option_history(since)
        return Fetched(items=accounts.option_events_from(told), asked_at=asked_at)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules first; what passes them is shown to the venue's preview, which places nothing."""
        symbol = order.legs[0].symbol if order.order_class is OrderClass.MULTILEG and order.legs else order.symbol
        try:
            instrument = await self.get_instrument(symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        if broken := rules.broken_rules(order, instrument):
            return broken
        try:
            await self._preview(order)
        except OrderRejected as refusal:
            return (FieldError(pointer="", code=refusal.code, detail=refusal.venue_text or refusal.detail),)
        return ()

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own."""
        return rules.broken_rules(order, instrument)

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """The venue's preview; computed where the venue would refuse the order, and so tells no amount."""
        try:
            told = await self._preview(order)
        except OrderRejected:
            return await self._computed_margin(order)
        return margin_told(told)

    async def _computed_margin(self, order: NewOrder) -> MarginRequirement:
        account, quote = await self.get_account_info(), await self.get_market_data(order.symbol)
        return rules.computed_margin(order, reference=quote.ask or quote.bid, has_margin=account.multiplier > 1)

    async def _preview(self, order: NewOrder) -> wire.Preview:
        form = orders.order_form(order, _PREVIEW_TAG, now=self._offset.venue_now())
        return await self._account.preview(form)

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection for all; `NotSupported` in the sandbox."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """There are no books here."""
        raise NotSupported(f"Tradier has no order book of {symbol}")

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` with the first poll that was answered."""
        return self._orders.subscribe(handler)

    def _lines(self) -> list[Line]:
        async def nowhere() -> SocketTarget:
            return SocketTarget(url="")

        lines = [Line(name="polls", session=PollSession(), connect=self._poller.connect, target=nowhere)]
        if self._options.order_events == "both":
            session = AccountSession(sessionid=lambda: self._ids.of("accounts"), stir=self._poller.stir)
            lines.append(Line(name="events", session=session, connect=self._connect, target=self._events_target))
        return lines

    async def _events_target(self) -> SocketTarget:
        await self._ids.fresh("accounts")
        return SocketTarget(url=f"{self._origins.stream}{ACCOUNT_PATH}")

    async def _session_id(self, kind: str) -> str:
        reply = await self._reads.ask(self._calls.session(kind), wire.SessionReply, what="the streaming session")
        if self._redactor is not None:
            self._redactor.learn_token(reply.stream.sessionid)
        return reply.stream.sessionid


def build(wiring: Wiring) -> TradierBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and missing keys.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    if "BROKER_ACCOUNT_NUMBER" not in {*wiring.plain, *wiring.secrets}:
        raise ConfigInvalid(f"profile {wiring.profile.name} needs BROKER_ACCOUNT_NUMBER")
    credentials = Credentials(token=wiring.secret("BROKER_API_KEY"))
    hosts = HostTable(environment, hosts_for(environment))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    def signed(request: Request) -> Request:
        return sign(request, credentials, clock.now())

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await wiring.shells.connect(target)

    def account() -> str:
        return wiring.account_number

    options = options_from(wiring.profile.options)
    origins = origins_for(environment, wiring.plain.get("BROKER_URL"))
    http, order_http = wiring.shells.http(), wiring.shells.order_http(check)
    offset = ClockOffset(clock)
    looked = replace(Calls(origins=origins, account=account).clock(), lane=Lane.RESOLVE)
    breakers = Breakers(clock=clock, safe_read=SafeRead(looked), log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        offset=offset,
        random=wiring.random,
        limiter=Limiter(limits_for(environment, int(options.trading_requests_min)), clock=clock),
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
    return TradierBroker(
        environment=environment,
        origins=origins,
        account=account,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=stack.commands(order_http, check=check, fit=fit),
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        options=options,
        send_timeout_s=wiring.send_timeout_s,
        redactor=wiring.redactor,
        offset=offset,
        breakers=breakers.states,
        limiter=fit.limiter,
        closing=(breakers.close, http.close, order_http.close),
    )

"""Alpaca as a `Broker`: joins the rooms to transports.

Streams await in `transport.private` and `transport.feeds`; everything else that awaits is here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from random import Random
from urllib.parse import urlencode

from floorbroker.brokers.alpaca import errors, wire
from floorbroker.brokers.alpaca.auth import Credentials, http_origin, sign, socket_origin
from floorbroker.brokers.alpaca.info import AUDITED, INFO, Options, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.alpaca.limits import limits_for
from floorbroker.brokers.alpaca.mapping import account as accounts
from floorbroker.brokers.alpaca.mapping import orders, rules
from floorbroker.brokers.alpaca.mapping.families import Families
from floorbroker.brokers.alpaca.mapping.identity import AlpacaIdentity
from floorbroker.brokers.alpaca.mapping.reports import Heard, fill_report, order_reports
from floorbroker.brokers.alpaca.mapping.values import BROKER, lenient_moment, moment_needed, number
from floorbroker.brokers.alpaca.rest import answers
from floorbroker.brokers.alpaca.rest.calls import EVENTS_PATH, Calls, Query
from floorbroker.brokers.alpaca.rest.market import MarketReads
from floorbroker.brokers.alpaca.rest.reads import OVERLAP, Reads
from floorbroker.brokers.alpaca.stream.events import ActivitySession, Corrections, event_report, read_event
from floorbroker.brokers.alpaca.stream.plan import DataPlan
from floorbroker.brokers.alpaca.stream.trading import TradingSession
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    ConfigInvalid,
    FieldError,
    FloorbrokerError,
    Forbidden,
    NotSupported,
    Outcome,
    SymbolNotFound,
    Timeout,
    VenueError,
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
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
    Trade,
)
from floorbroker.domain.values import ClOrdId, Environment, ExecType, OrderClass, OrderId, is_multiple, time_text
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import FEW_LOOKS, Feeds, MarketHandler
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.layers.ratelimit import standard_limits
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.link import Link, first_checks
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.sse import SseConnect
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Lane, Request, Response, Socket, SocketTarget, Transport

_OFFSET_MAX_S = 1.0
_EVENTS_S = 15.0


class AlpacaBroker:
    """One account at Alpaca.

    `reads` and `commands` are finished stacks that sign; `connect` opens WebSockets, `events` server-sent events (needed for
    the options `order_events=sse` and `both`).  `build` wires all of it.  Calls are safe to make at the same time.
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
        send_timeout_s: float = 5.0,
        events: Connect | None = None,
        offset: ClockOffset | None = None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._environment = environment
        self._plays = (
            Environment.PAPER if environment is Environment.SIM else environment
        )  # simulators play practice accounts
        self._key = credentials.key
        self._permissions: KeyPermissions | None = None
        self._origins = origins
        self._options = Options() if options is None else options
        self._calls = Calls(origins=origins, options=self._options, command_timeout_s=send_timeout_s)
        self._reads = Reads(reads, self._calls)
        self._market = MarketReads(self._reads, self._calls, clock=clock)
        self._commands = commands
        self._clock = clock
        self._events = events
        self._corrections = Corrections()
        self._identity = AlpacaIdentity()
        self._families = Families()
        self._offset = ClockOffset(clock) if offset is None else offset
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)
        self._orders = OrderStream(self._lines(credentials, connect), around)
        plan = DataPlan(origin=origins.data_stream, options=self._options, credentials=credentials)
        self._feeds = Feeds(plan, connect=connect, around=around, look=self._market.streamed, most_looks=FEW_LOOKS)
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
        """Prove the credentials, that the account belongs to this environment, and how far the clocks are apart.

        Raises what the venue says, or `Forbidden` when key or account are of another environment; a key that tells so by
        its beginning is not even shown to the venue.
        """
        await self._link.open(self._prove)

    async def _prove(self) -> None:
        self._assert_key()
        account = await self.get_account_info()
        if (wrong := self._wrong_environment(account)) is not None:
            raise Forbidden(wrong)
        await self._measure_offset_s()

    async def disconnect(self) -> None:
        """Close every stream, then the connections (`closing`): the end of this object's work."""
        await self._link.close()

    def is_connected(self) -> bool:
        return self._link.is_connected

    def get_connection_status(self) -> ConnectionStatus:
        return self._link.status()

    async def self_check(self) -> SelfCheck:
        """Connectivity, clock, credentials, environment, permissions; nothing is changed."""
        checks, account = await first_checks(
            origin=self._origins.trading,
            measure_s=self._measure_offset_s,
            near_s=_OFFSET_MAX_S,
            account=self.get_account_info,
        )
        if account is None:
            return SelfCheck(checks=checks)
        wrong = self._wrong_environment(account)
        return SelfCheck(
            checks=(
                *checks,
                Check(name="environment", ok=wrong is None, detail=wrong or self._environment.value),
                Check(name="permissions", ok=account.can_trade, detail=account.blocked_reason or self._allowed()),
            )
        )

    def _assert_key(self) -> None:
        belongs = INFO.key_sign.of(self._key.reveal())
        if belongs is not None and belongs is not self._plays:
            raise Forbidden(
                f"BROKER_API_KEY is a key of the {belongs.value} account, and this profile is {self._environment.value}"
            )

    def _wrong_environment(self, account: Account) -> str | None:
        if account.environment_hint == self._plays.value:
            return None
        return f"the account is {account.environment_hint}, the profile is {self._environment.value}"

    def _allowed(self) -> str:
        detail = self._permissions.detail if self._permissions is not None else ""
        return f"may trade; {detail}" if detail else "may trade"

    async def _measure_offset_s(self) -> float:
        """Seconds the venue's clock is ahead of ours, after asking it once more."""
        began_s = self._clock.monotonic()
        told = await self._reads.ask(self._calls.clock(), wire.Clock, what="the clock")
        self._offset.learn(moment_needed(told.timestamp), asked_s=began_s, heard_s=self._clock.monotonic())
        return self._offset.seconds or 0.0

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One POST.  What is neither our own order nor a listed refusal leaves the order UNKNOWN."""
        body = orders.order_request(approved.order, approved.cl_ord_id)
        response = await self._commands.send(self._calls.submit(body, decided_at=approved.decided_at))
        return self._own_reports(response, approved.cl_ord_id, what="the order")

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Each its own request, all at once: Alpaca has no batches."""
        return await asyncio.gather(*(self._submit_quietly(one) for one in approved))

    async def _submit_quietly(self, approved: Approved) -> Reports | Exception:
        try:
            return await self.submit_order(approved)
        except FloorbrokerError as error:
            return error

    def _own_reports(self, response: Response, cl_ord_id: ClOrdId, *, what: str) -> Reports:
        order = answers.accepted_order(response, cl_ord_id, what=what)
        return self._reports([order], Heard(source=Source.REPLY, at=self._clock.now()))

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """Asks; the stream tells whether and when.  Without a venue id it is looked up first."""
        order_id = await self._venue_id(ref)
        response = await self._commands.send(self._calls.cancel(order_id, cl_ord_id=ref.cl_ord_id))
        answers.cancel_answer(response)
        return ()

    async def cancel_all(self) -> Reports:
        """One report for each order that was open: asked (PENDING_CANCEL), or refused."""
        response = await self._commands.send(self._calls.cancel_all())
        return tuple(self._cancel_report(item) for item in answers.cancel_all_answer(response))

    def _cancel_report(self, item: wire.CancelItem) -> ExecutionReport:
        asked = 200 <= item.status < 300
        return ExecutionReport(
            exec_type=ExecType.PENDING_CANCEL if asked else ExecType.CANCEL_REJECTED,
            source=Source.REPLY,
            at=self._clock.now(),
            order_id=OrderId(item.id),
            text=None if asked else errors.item_text(bytes(item.body)) or f"status {item.status}",
        )

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """PATCH: a new order with a new id, `cl_ord_id` and `replaces`.

        A quantity cannot change after a partial fill (`NotSupported`): whether the new total counts what is filled is not
        documented, and guessing could double it.
        """
        body = orders.replace_request(changes, cl_ord_id)
        order_id = await self._venue_id(ref)
        if changes.order_qty is not None:
            await self._check_quantity_may_change(order_id)
        response = await self._commands.send(self._calls.replace(order_id, body, decided_at=decided_at))
        return self._own_reports(response, cl_ord_id, what="the replace")

    async def _check_quantity_may_change(self, order_id: str) -> None:
        order = await self._before_sending(self._calls.order_by_id(order_id), "the order")
        try:
            filled, qty = number(order.filled_qty, what="a quantity"), number(order.qty, what="a quantity")
        except ApiError as error:
            error.outcome = Outcome.NOT_SENT
            raise
        if filled:
            raise NotSupported(
                "the quantity of a partly filled order cannot be replaced at Alpaca: it does not say whether the new total"
                " counts what is filled; cancel the rest and send anew"
            )
        if qty is None or not is_multiple(qty, Decimal(1)):
            raise NotSupported("Alpaca does not replace the quantity of notional and fractional orders")

    async def _venue_id(self, ref: OrderRef) -> str:
        if ref.order_id is not None:
            return ref.order_id
        return (await self._before_sending(self._calls.order_by_client_id(ref.cl_ord_id), "the order")).id

    async def _before_sending(self, request: Request, what: str) -> wire.Order:
        """A look before a command: when it fails, the command was not sent."""
        try:
            return await self._reads.ask(request, wire.Order, what=what)
        except VenueError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT
            raise

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """By venue id when known, else by ours; `OrderNotFound` only on the documented 404."""
        asked_at = self._clock.now()
        by_id = self._calls.order_by_id(ref.order_id) if ref.order_id is not None else None
        request = by_id or self._calls.order_by_client_id(ref.cl_ord_id)
        order = await self._reads.ask(request, wire.Order, what="the order")
        if ref.order_id is None and order.client_order_id != ref.cl_ord_id:
            raise ApiError("the reply is about another order", broker=BROKER)
        return self._reports([order], self._heard(Source.QUERY, asked_at))

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        """Every open order, children of groups included.

        Listed flat, since a nested list hides open children whose parent is closed; who is whose child is asked only when
        a child turns up whose parent we do not know.
        """
        asked_at = self._clock.now()
        listed = await self._all_open(asked_at)
        return Fetched(items=self._reports(listed, self._heard(Source.SNAPSHOT, asked_at)), asked_at=asked_at)

    async def _all_open(self, asked_at: datetime) -> list[wire.Order]:
        listed = await self._reads.orders(status="open", nested=False, since=None)
        strays = [order for order in listed if self._families.is_stray(order)]
        if strays:
            # A group is created as one, however much later its children are submitted.
            times = [moment for order in strays if (moment := lenient_moment(order.created_at)) is not None]
            since = min(times, default=asked_at)
            self._families.learn(await self._reads.orders(status="all", nested=True, since=since))
            self._families.give_up(strays)
        return listed

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """Orders submitted since `since`, and all open ones: the venue can be asked by submission time only."""
        asked_at = self._clock.now()
        listed = await self._reads.orders(status="all", nested=True, since=since)
        self._families.learn(listed)
        known = {order.id for head in listed for order in (head, *(head.legs or ()))}
        earlier = await self._all_open(asked_at)  # a group may have been placed since the first list
        found = [*listed, *(order for order in earlier if order.id not in known)]
        return Fetched(items=self._reports(found, self._heard(Source.SNAPSHOT, asked_at)), asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """FILL activities; corrections and busts too when the profile listens to activity events."""
        asked_at = self._clock.now()
        heard = self._heard(Source.HISTORY, asked_at)
        reports = [fill_report(fill, heard) for fill in await self._reads.fills(since=since)]
        if self._events is not None and self._options.order_events != "websocket":
            reports += await self._past_events(since - OVERLAP, heard)
        return Fetched(items=tuple(reports), asked_at=asked_at)

    async def _past_events(self, since: datetime, heard: Heard) -> list[ExecutionReport]:
        """The event stream up to now: with `until` it ends by itself.  Raises `Timeout` when it does not."""
        try:
            async with asyncio.timeout(_EVENTS_S):
                made = [event_report(read_event(data), heard, self._corrections) for data in await self._listed(since)]
        except TimeoutError:
            raise Timeout("the activity events did not end", broker=BROKER) from None
        return [report for report in made if report is not None]

    async def _listed(self, since: datetime) -> list[bytes]:
        assert self._events is not None  # the caller asked
        venue_now = self._offset.venue_now() + timedelta(seconds=_OFFSET_MAX_S)
        query = (("since", time_text(since)), ("until", time_text(venue_now)))
        socket = await self._events(self._events_target(query))
        try:
            return [frame.data async for frame in socket if frame.data.strip()]
        finally:
            await socket.close()

    def _reports(self, listed: Sequence[wire.Order], heard: Heard) -> Reports:
        self._families.learn(listed)
        parent_of = self._families.parent_of
        return tuple(report for order in listed for report in order_reports(order, heard, parent=parent_of(order.id)))

    def _heard(self, source: Source, asked_at: datetime) -> Heard:
        return Heard(source=source, at=self._clock.now(), asked_at=asked_at)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        told = await self._reads.ask(self._calls.account(), wire.Account, what="the account")
        self._permissions = accounts.permissions_from(told)
        return accounts.account_from(told)

    async def get_key_permissions(self) -> KeyPermissions:
        """Nothing is asked for it alone: what Alpaca tells stands in the account."""
        if self._permissions is None:
            await self.get_account_info()
        assert self._permissions is not None  # told with the account
        return self._permissions

    async def get_balances(self) -> Fetched[Balance]:
        """The cash; coins are positions at Alpaca."""
        asked_at = self._clock.now()
        account = await self._reads.ask(self._calls.account(), wire.Account, what="the account")
        return Fetched(items=(accounts.balance_from(account),), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        asked_at = self._clock.now()
        listed = await self._reads.ask(self._calls.positions(), list[wire.Position], what="the positions")
        return Fetched(items=tuple(accounts.position_from(item) for item in listed), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        account, held, working = await asyncio.gather(
            self.get_account_info(), self.get_positions(), self._reads.orders(status="open", nested=False, since=None)
        )
        return accounts.risk_from(account, held.items, len(working))

    # -- instruments and market data ------------------------------------------------------------------------------------

    async def get_instrument(self, symbol: str) -> Instrument:
        return await self._market.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        return await self._market.quote(symbol)

    async def get_snapshot(self, symbol: str) -> Quote:
        """Quote and last trade in one answer."""
        return await self._market.snapshot(symbol)

    async def get_option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """The contracts of one expiration with their quotes, the next to come unless one is named."""
        return await self._market.chain(underlying, expiry)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        return await self._market.bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def get_quotes(self, symbol: str, *, start: datetime, end: datetime, limit: int = 1000) -> list[Quote]:
        """Past quotes of a share or a coin."""
        return await self._market.quotes(symbol, start=start, end=end, limit=limit)

    async def get_trades(self, symbol: str, *, start: datetime, end: datetime, limit: int = 1000) -> list[Trade]:
        """Past public trades."""
        return await self._market.trades(symbol, start=start, end=end, limit=limit)

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        """XNYS hours of New York's `day`; coins trade round the clock."""
        return await self._market.hours(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own where the venue knows it."""
        symbol = order.legs[0].symbol if order.order_class is OrderClass.MULTILEG and order.legs else order.symbol
        try:
            instrument = await self.get_instrument(symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        return rules.broken_rules(order, instrument)

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own."""
        return rules.broken_rules(order, instrument)

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """Computed from the account's multiplier and the latest price; Alpaca has no call for it."""
        account = await self.get_account_info()
        if order.order_class is OrderClass.MULTILEG:
            return rules.margin_for(order, reference=None, instrument=None, has_margin=account.multiplier > 1)
        instrument = await self.get_instrument(order.symbol)
        quote = await self.get_market_data(order.symbol)
        return rules.margin_for(
            order, reference=quote.ask or quote.bid, instrument=instrument, has_margin=account.multiplier > 1
        )

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection a feed, whatever the number of subscriptions."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """Subscribe to it once more: the venue begins with the whole book then."""
        await self._feeds.resync_book(symbol)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the venue confirms that it streams."""
        return self._orders.subscribe(handler)

    def _lines(self, credentials: Credentials, connect: Connect) -> list[Line]:
        wanted = self._options.order_events
        lines: list[Line] = []
        if wanted != "sse":

            async def target() -> SocketTarget:
                return SocketTarget(url=f"{self._origins.stream}/stream")

            lines.append(
                Line(name="orders", session=TradingSession(credentials, self._families), connect=connect, target=target)
            )
        if wanted != "websocket":
            lines.append(self._events_line())
        return lines

    def _events_line(self) -> Line:
        if self._events is None:
            raise ConfigInvalid("order_events=sse needs a connection for server-sent events")
        session = ActivitySession(self._corrections)

        async def target() -> SocketTarget:
            return self._events_target(session.query(self._clock.now()))

        return Line(name="events", session=session, connect=self._events, target=target)

    def _events_target(self, query: Query) -> SocketTarget:
        return SocketTarget(url=f"{self._origins.trading}{EVENTS_PATH}?{urlencode(query)}")


def build(wiring: Wiring) -> AlpacaBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and missing keys.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    credentials = Credentials(key=wiring.secret("BROKER_API_KEY"), secret=wiring.secret("BROKER_SECRET_KEY"))
    hosts = HostTable(environment, hosts_for(environment))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    def signed(request: Request) -> Request:
        return sign(request, credentials, clock.now())

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(socket_origin(target.url))
        return await wiring.shells.connect(target)

    async def connect_events(target: SocketTarget) -> Socket:
        hosts.check_origin(http_origin(target.url))
        return await events(target)

    origins = origins_for(environment, wiring.plain.get("BROKER_URL"))
    options = options_from(wiring.profile.options)
    http, order_http = wiring.shells.http(), wiring.shells.order_http(check)
    events = SseConnect(http, sign=signed, resume=False)  # a resumed URL names the last event itself
    offset = ClockOffset(clock)
    looked = replace(Calls(origins=origins, options=options).clock(), lane=Lane.RESOLVE)
    breakers = Breakers(clock=clock, safe_read=SafeRead(looked), log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        offset=offset,
        random=wiring.random,
        limiter=Limiter(limits_for(int(options.trading_requests_min)), clock=clock),
        breakers=breakers,
        read_limits=standard_limits(clock),
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
    return AlpacaBroker(
        environment=environment,
        origins=origins,
        credentials=credentials,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=stack.commands(order_http, check=check, fit=fit),
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        options=options,
        send_timeout_s=wiring.send_timeout_s,
        events=connect_events,
        offset=offset,
        breakers=breakers.states,
        limiter=fit.limiter,
        closing=(breakers.close, http.close, order_http.close),
    )

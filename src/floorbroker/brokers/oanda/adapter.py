"""OANDA v20 as a `Broker`: joins the rooms to transports.

Streams await in `transport.private` and `transport.feeds`; how the connection stands is kept in `transport.link`.  Commands, and
reads that ask more than once, await in `rest`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from random import Random

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.auth import Credentials, http_origin, sign
from floorbroker.brokers.oanda.info import AUDITED, INFO, Origins, hosts_for, options_from, origins_for
from floorbroker.brokers.oanda.limits import LIMITS
from floorbroker.brokers.oanda.mapping import account as accounts
from floorbroker.brokers.oanda.mapping import rules
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.ledger import Ledger
from floorbroker.brokers.oanda.mapping.reports import Heard, Reader
from floorbroker.brokers.oanda.mapping.values import BROKER, from_wire_symbol, needed
from floorbroker.brokers.oanda.rest.calls import Calls
from floorbroker.brokers.oanda.rest.commands import Commands
from floorbroker.brokers.oanda.rest.market import MarketReads
from floorbroker.brokers.oanda.rest.reads import Reads
from floorbroker.brokers.oanda.rest.standing import Standing
from floorbroker.brokers.oanda.stream.plan import PricePlan
from floorbroker.brokers.oanda.stream.transactions import PATH, TransactionSession
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ConfigInvalid,
    FieldError,
    FloorbrokerError,
    Forbidden,
    NotSupported,
    SymbolNotFound,
)
from floorbroker.domain.facts import Source
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
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
)
from floorbroker.domain.values import WIDE, ClOrdId
from floorbroker.transport import stack
from floorbroker.transport.breakers import Breakers, SafeRead
from floorbroker.transport.feeds import Feeds, MarketHandler
from floorbroker.transport.layers.gate import HostTable, IntentAge, all_of
from floorbroker.transport.layers.ratelimit import standard_limits
from floorbroker.transport.limiter import Limiter
from floorbroker.transport.lines import LineConnect
from floorbroker.transport.link import Link, first_checks
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.private import Line, OrderStream, Surroundings
from floorbroker.transport.stack import Fittings, Policy
from floorbroker.transport.types import Connect, Lane, Request, Socket, SocketTarget, Transport

_OFFSET_MAX_S = 2.0  # replies are dated to the second


class OandaBroker:
    """One account at OANDA.

    `reads` and `commands` are finished stacks that sign; `connect` opens streams of lines.  `build` wires all of it.  Calls are
    safe to make at the same time.
    """

    def __init__(
        self,
        *,
        origins: Origins,
        account: Callable[[], str],
        reads: Transport,
        commands: Transport,
        connect: Connect,
        clock: Clock,
        log: Log,
        meter: Meter,
        random: Random,
        send_timeout_s: float = 5.0,
        offset: ClockOffset | None = None,
        breakers: Callable[[], Mapping[str, str]] = dict,
        limiter: Limiter | None = None,
        closing: Sequence[Callable[[], Awaitable[None]]] = (),
    ) -> None:
        self._origins = origins
        self._clock = clock
        self._calls = Calls(origins=origins, account=account, command_timeout_s=send_timeout_s)
        ledger = Ledger()
        self._reader = Reader(ledger)
        self._reads = Reads(reads, self._calls, ledger, clock=clock)
        self._standing = Standing(self._reads, self._reader, clock=clock)
        self._market = MarketReads(self._reads, self._calls, clock=clock)
        self._commands = Commands(commands, self._reads, self._calls, ledger)
        self._identity = OandaIdentity()
        self._offset = ClockOffset(clock) if offset is None else offset
        around = Surroundings(broker=BROKER, clock=clock, random=random, log=log, meter=meter)

        async def target() -> SocketTarget:
            return SocketTarget(url=f"{origins.stream}{PATH.format(account=account())}")

        line = Line(name="transactions", session=TransactionSession(self._reader), connect=connect, target=target)
        self._orders = OrderStream([line], around)
        self._feeds = Feeds(
            PricePlan(origin=origins.stream, account=account),
            connect=connect,
            around=around,
            look=self._market.rules,
        )
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
        """Prove that the token opens the account, and that orders of it may bear ids of ours.

        Raises what the venue says, and `Forbidden` for an account that MetaTrader shares.
        """
        await self._link.open(self._prove)

    async def _prove(self) -> None:
        told = await self._reads.ask(self._calls.accounts(), wire.AccountsReply, what="the accounts")
        mine = next((one for one in told.accounts if one.id == self._calls.account()), None)
        if mine is None:
            raise Forbidden("BROKER_ACCOUNT_NUMBER is none of the accounts that this token opens")
        if mine.mt4_account_id is not None:
            raise Forbidden(
                "the account is linked to MetaTrader, where orders cannot bear ids of ours: use another one"
            )
        await self.get_account_info()

    async def disconnect(self) -> None:
        """Close every stream, then the connections (`closing`): the end of this object's work."""
        await self._link.close()

    def is_connected(self) -> bool:
        return self._link.is_connected

    def get_connection_status(self) -> ConnectionStatus:
        return self._link.status()

    async def self_check(self) -> SelfCheck:
        """Connectivity, clock, credentials, the right to trade; nothing is changed."""
        checks, account = await first_checks(
            origin=self._origins.api,
            measure_s=self._measure_offset_s,
            near_s=_OFFSET_MAX_S,
            account=self.get_account_info,
        )
        if account is None:
            return SelfCheck(checks=checks)
        try:
            await self._prove()
        except FloorbrokerError as error:
            return SelfCheck(checks=(*checks, Check(name="permissions", ok=False, detail=error.detail)))
        return SelfCheck(checks=(*checks, Check(name="permissions", ok=True, detail="orders may bear ids of ours")))

    async def _measure_offset_s(self) -> float:
        """Seconds the venue's clock is ahead of ours, as the dates of its replies tell; asked for once more."""
        await self._reads.summary(lane=Lane.QUERY)
        return self._offset.seconds or 0.0

    # -- commands -------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        """One POST, or one PUT where the order closes what is open; the answer tells what became of it at once."""
        return self._told(await self._commands.submit(approved))

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """Each its own request, all at once: OANDA has no batches."""
        return await asyncio.gather(*(self._submit_quietly(one) for one in approved))

    async def _submit_quietly(self, approved: Approved) -> Reports | Exception:
        try:
            return await self.submit_order(approved)
        except FloorbrokerError as error:
            return error

    async def cancel_order(self, ref: OrderRef) -> Reports:
        """PUT; the answer is the cancel itself.  That the order is gone already is a refusal, and proves nothing more."""
        return self._told([await self._commands.cancel(ref)])

    async def cancel_all(self) -> Reports:
        """The venue has no such call; whoever wants it cancels each open order by name."""
        raise NotSupported("OANDA has no call that cancels every order")

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """PUT of the whole order anew: a new order with a new id and `cl_ord_id`, which names the one it replaces."""
        return self._told(await self._commands.replace(ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at))

    def _told(self, entries: Sequence[wire.Transaction]) -> Reports:
        heard = Heard(source=Source.REPLY, at=self._clock.now())
        return tuple(report for entry in entries for report in self._reader.read(entry, heard))

    # -- orders and executions ------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """By venue id when known, else by ours; `OrderNotFound` when the log, read to its end, does not have it."""
        return await self._standing.status(ref)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        """Every order that waits, and the exits that entries promise."""
        return await self._standing.open_orders()

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """What the log says of orders since then, and every order that waits."""
        return await self._standing.history(since)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every execution of the log since then."""
        return await self._standing.fills(since)

    # -- account --------------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        told = await self._reads.summary()
        self._reader.currency = told.currency
        return accounts.account_from(told)

    async def get_key_permissions(self) -> KeyPermissions:
        """OANDA does not tell what a token may do."""
        return KeyPermissions(read=True, detail=INFO.withdrawals)

    async def get_balances(self) -> Fetched[Balance]:
        asked_at = self._clock.now()
        return Fetched(items=(accounts.balance_from(await self._reads.summary()),), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        """Both sides of an instrument as one: a hedged account may hold both."""
        asked_at = self._clock.now()
        told = await self._reads.ask(self._calls.positions(), wire.PositionsReply, what="the positions")
        held = tuple(accounts.position_from(one) for one in told.positions if accounts.is_held(one))
        return Fetched(items=held, asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        account = await self._reads.details()
        values = [await self._value(trade) for trade in account.trades]
        return accounts.risk_from(account, values, len(account.orders))

    async def _value(self, trade: wire.Trade) -> Decimal:
        """What a trade is worth in the account's currency, above zero when it was bought."""
        symbol = from_wire_symbol(trade.instrument)
        instrument, quote = await self.get_instrument(symbol), await self.get_market_data(symbol)
        at = quote.mid or needed(trade.price, what="the price of a trade")
        units = needed(trade.current_units, what="the units of a trade")
        return WIDE.multiply(WIDE.multiply(units, at), instrument.multiplier)

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
        """The trading day of currencies that ends on New York's `day`."""
        return await self._market.hours(market, day)

    # -- before an order ------------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own."""
        try:
            instrument, told = await self.get_instrument(order.symbol), await self._market.rules(order.symbol)
        except SymbolNotFound as error:
            return (FieldError(pointer="/symbol", code="not_found", detail=error.detail),)
        return rules.broken_rules(order, instrument, told)

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Documented rules, and the instrument's own, once its list was read."""
        told = self._market.known(order.symbol)
        return () if told is None else rules.broken_rules(order, instrument, told)

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        """Computed from the larger of the instrument's margin rate and the account's; OANDA has no call for it."""
        instrument, told = await self.get_instrument(order.symbol), await self._market.rules(order.symbol)
        account, quote = await self._reads.summary(lane=Lane.QUERY), await self.get_market_data(order.symbol)
        rate = max(rate for rate in (told.margin_rate, account.margin_rate, Decimal(0)) if rate is not None)
        return rules.margin_for(order, instrument, reference=quote.ask or quote.bid, rate=rate or Decimal(1))

    # -- streams --------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        """One connection for all prices; `NotSupported` for anything but quotes."""
        return await self._feeds.subscribe(symbols, kinds, handler)

    async def resync_book(self, symbol: str) -> None:
        """There are no books that are kept."""
        raise NotSupported(f"OANDA has no order book of {symbol}")

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        """The handler hears `on_stream(True)` each time the stream of transactions is opened."""
        return self._orders.subscribe(handler)


def build(wiring: Wiring) -> OandaBroker:
    """The account of a profile on its stacks.  Raises `ConfigInvalid` for options, origins and missing keys.

    The host table is asked before every request and every connection, reads and streams included.
    """
    environment, clock = wiring.profile.environment, wiring.clock
    if "BROKER_ACCOUNT_NUMBER" not in {*wiring.plain, *wiring.secrets}:
        raise ConfigInvalid(f"profile {wiring.profile.name} needs BROKER_ACCOUNT_NUMBER")
    options_from(wiring.profile.options)
    credentials = Credentials(token=wiring.secret("BROKER_API_KEY"))
    hosts = HostTable(environment, hosts_for(environment))
    check = all_of(hosts, IntentAge(clock=clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    def signed(request: Request) -> Request:
        return sign(request, credentials, clock.now())

    async def connect(target: SocketTarget) -> Socket:
        hosts.check_origin(http_origin(target.url))
        return await lines(target)

    def account() -> str:
        return wiring.account_number

    origins = origins_for(environment, wiring.plain.get("BROKER_URL"))
    http, order_http = wiring.shells.http(), wiring.shells.order_http(check)
    lines = LineConnect(http, sign=signed)
    offset = ClockOffset(clock)
    looked = replace(Calls(origins=origins, account=account).accounts(), lane=Lane.RESOLVE)
    breakers = Breakers(clock=clock, safe_read=SafeRead(looked), log=wiring.log, meter=wiring.meter)
    fit = Fittings(
        clock=clock,
        offset=offset,
        random=wiring.random,
        limiter=Limiter(LIMITS, clock=clock),
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
    return OandaBroker(
        origins=origins,
        account=account,
        reads=stack.reads(http, check=hosts, fit=fit),
        commands=stack.commands(order_http, check=check, fit=fit),
        connect=connect,
        clock=clock,
        log=wiring.log,
        meter=wiring.meter,
        random=wiring.random,
        send_timeout_s=wiring.send_timeout_s,
        offset=offset,
        breakers=breakers.states,
        limiter=fit.limiter,
        closing=(breakers.close, http.close, order_http.close),
    )

"""The paper venue as a `Broker`: the counter behind an imagined wire, with latency, a price walk and mishaps on request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import date, datetime, timedelta
from random import Random

from floorbroker.brokers.paper import errors
from floorbroker.brokers.paper.info import CURRENCY, INFO, Options, options_from
from floorbroker.brokers.paper.mapping import PlainIdentity, hours_of, past, standing, told
from floorbroker.brokers.paper.rest import PaperVenue, PriceSource, chain_of, symbols_of
from floorbroker.brokers.paper.stream import (
    Chance,
    Closing,
    MarketHandler,
    MarketStream,
    OrderStream,
    Walk,
    Wish,
    book_of,
)
from floorbroker.brokers.paper.wire import LogFile, StateFile
from floorbroker.brokers.wiring import Wiring
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ConnectionFailed,
    FieldError,
    FloorbrokerError,
    InvalidRequest,
    NotSupported,
    Timeout,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.options import NEW_YORK, OptionChain, OptionEvent
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import Identity, MarketEvent, OrderEvents, Reports, Subscription
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
from floorbroker.domain.values import ZERO, ClOrdId
from floorbroker.matching import ALWAYS_OPEN, Event, MatchOrder, by_name
from floorbroker.tape import SeededMarket
from floorbroker.transport.layers.gate import IntentAge, all_of
from floorbroker.transport.types import Lane, Request

SendCheck = Callable[[float | None, str], None]  # when it was decided, and the client id of the order


def _anything(decided_at: float | None, order: str) -> None:
    """Nothing stands against sending."""
    del decided_at, order


class PaperBroker:
    """`Broker` over a venue in this process.

    Prices come from `source` (the seeded market unless `Options.source` says `fed`) or from `feed`.  The venue's books are in
    `state` and outlive this object.  `may_send` is asked before a submit or a replace leaves.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        state: StateFile,
        options: Options | None = None,
        source: PriceSource | None = None,
        account: str = "PAPER",
        may_send: SendCheck = _anything,
    ) -> None:
        self._options = options or Options()
        if source is None and self._options.is_seeded:
            source = SeededMarket(seed=self._options.seed)
        self._clock = clock
        self._source = source
        self._account = account
        self._may_send = may_send
        self._chance = Chance(Random(self._options.seed))
        self._orders = OrderStream(self._options, self._chance, self._later, [])
        self._market = MarketStream()
        self._identity = PlainIdentity()
        self._tasks: set[asyncio.Task[None]] = set()
        self._status = ConnectionStatus(state=LinkState.OFFLINE, since=clock.now())
        self.venue = PaperVenue(options=self._options, state=state, source=source, start=clock.now())
        self.venue.told = self._tell
        self._steps = Walk(venue=self.venue, market=self._market, source=source, since=clock.now())

    # -- the link ------------------------------------------------------------------------------------------------------

    @property
    def info(self) -> BrokerInfo:
        return INFO

    @property
    def identity(self) -> Identity:
        return self._identity

    async def connect(self) -> None:
        if self.is_connected():
            return
        await self._wire()
        self._enter(LinkState.CONNECTED, "")
        self._steps.since = self._clock.now()
        self._start(self._walk())
        self._orders.up(True, "connected")

    async def disconnect(self) -> None:
        """Hang up.  The venue and its orders stay."""
        if not self.is_connected():
            return
        self._enter(LinkState.OFFLINE, "disconnected")
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._orders.up(False, "disconnected")

    def close(self) -> None:
        """Let go of the venue's file; for the end of the process and for tests of a restart."""
        self.venue.close()

    def is_connected(self) -> bool:
        return self._status.state is LinkState.CONNECTED

    def get_connection_status(self) -> ConnectionStatus:
        return self._status

    async def self_check(self) -> SelfCheck:
        checks = [Check(name="connection", ok=self.is_connected(), detail=self._status.detail)]
        account = await self.get_account_info()
        checks.append(
            Check(name="account", ok=account.can_trade, detail=f"{account.equity} {account.currency} of equity")
        )
        checks.append(Check(name="environment", ok=account.environment_hint == "paper", detail="no real money"))
        checks.append(Check(name="clock", ok=True, detail="the venue runs on our own clock"))
        listed = sorted(getattr(self._source, "listings", ()))
        checks.append(Check(name="prices", ok=True, detail=", ".join(listed) or "as they are fed"))
        return SelfCheck(checks=tuple(checks))

    def _enter(self, state: LinkState, detail: str) -> None:
        up = state is LinkState.CONNECTED
        self._status = ConnectionStatus(
            state=state, since=self._clock.now(), stream_up=up, detail=detail, clock_offset_s=0.0 if up else None
        )

    def _must_be_connected(self) -> None:
        if not self.is_connected():
            raise ConnectionFailed("the paper venue is not connected", broker=errors.BROKER)

    async def _wire(self) -> None:
        """The time one way takes."""
        delay_s = self._chance.latency_s(self._options)
        if delay_s:
            await self._clock.sleep(delay_s)

    async def _arrive(self) -> None:
        """The way there of an order or a change.  The venue turns away what took longer than the bound it promises."""
        left = self._clock.monotonic()
        await self._wire()
        if self._clock.monotonic() - left > INFO.arrival_bound_s:
            raise errors.rejected(f"arrived more than {INFO.arrival_bound_s:g} s after it left")

    async def _answer(self) -> None:
        """The way back of a command's answer, which may get lost."""
        await self._wire()
        if self._chance.loses_reply(self._options):
            raise Timeout("no answer from the paper venue (simulated: the reply was lost)", broker=errors.BROKER)

    def lose_next_reply(self) -> None:
        """For tests: the venue does what the next command asks, and its answer never arrives."""
        self._chance.lose_next_reply()

    # -- commands ------------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        self._must_be_connected()
        self._may_send(approved.decided_at, approved.cl_ord_id)
        await self._arrive()
        if self._chance.strikes(self._options.lost_request_percent):
            raise Timeout("no answer from the paper venue (simulated: the request was lost)", broker=errors.BROKER)
        if self._chance.strikes(self._options.reject_percent):
            raise errors.rejected("simulated rejection")
        order = self.venue.submit(approved.cl_ord_id, approved.order, at=self._clock.now())
        reports = self._family(order, Source.REPLY)
        await self._answer()
        return reports

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        """One after the other, as listed; a failure does not stop the rest."""
        answers: list[Reports | Exception] = []
        for one in approved:
            try:
                answers.append(await self.submit_order(one))
            except FloorbrokerError as error:
                answers.append(error)
        return answers

    async def cancel_order(self, ref: OrderRef) -> Reports:
        self._must_be_connected()
        await self._wire()
        canceled = self.venue.cancel(ref, at=self._clock.now())
        reports = tuple(self._standing(order, Source.REPLY) for order in canceled)
        await self._answer()
        return reports

    async def cancel_all(self) -> Reports:
        self._must_be_connected()
        await self._wire()
        canceled = self.venue.cancel_all(at=self._clock.now())
        reports = tuple(self._standing(order, Source.REPLY) for order in canceled)
        await self._answer()
        return reports

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        """The new order, which follows the old one under an id of its own."""
        self._must_be_connected()
        self._may_send(decided_at, cl_ord_id)
        await self._arrive()
        order = self.venue.replace(ref, changes, cl_ord_id=cl_ord_id, at=self._clock.now())
        reports = self._family(order, Source.REPLY)
        await self._answer()
        return reports

    # -- orders --------------------------------------------------------------------------------------------------------

    def _standing(self, order: MatchOrder, source: Source, asked_at: datetime | None = None) -> ExecutionReport:
        cl_ord_id = self.venue.client_id(order.order_id)
        return standing(order, cl_ord_id=cl_ord_id, source=source, at=self._clock.now(), asked_at=asked_at)

    def _family(self, order: MatchOrder, source: Source) -> Reports:
        """The order, then its children."""
        children = [self.venue.engine.order(child) for child in order.children]
        return tuple(self._standing(one, source) for one in (order, *children))

    async def _asked(self) -> datetime:
        """When a question left; the way there is behind us."""
        self._must_be_connected()
        asked_at = self._clock.now()
        await self._wire()
        return asked_at

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """The newest order behind `ref` first, then those it replaced and its children."""
        asked_at = await self._asked()
        newest = self.venue.newest(ref)
        others = [order for order in self.venue.chain(ref) if order is not newest]
        return tuple(self._standing(order, Source.QUERY, asked_at) for order in (newest, *others))

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        asked_at = await self._asked()
        found = self.venue.engine.open_orders()
        return Fetched(items=tuple(self._standing(o, Source.SNAPSHOT, asked_at) for o in found), asked_at=asked_at)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        asked_at = await self._asked()
        found = [o for o in self.venue.engine.orders() if o.is_open or max(o.submitted_at, o.updated_at) >= since]
        return Fetched(items=tuple(self._standing(o, Source.SNAPSHOT, asked_at) for o in found), asked_at=asked_at)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        asked_at = await self._asked()
        reports = [report for order in self.venue.engine.orders() for report in self._past(order, asked_at)]
        recent = [
            r for r in reports if r.transact_time is None or r.transact_time >= since or r.exec_ref_id is not None
        ]
        recent.sort(key=lambda report: report.transact_time or asked_at)
        return Fetched(items=tuple(recent), asked_at=asked_at)

    def _past(self, order: MatchOrder, asked_at: datetime) -> Reports:
        order_id = order.order_id
        heard = standing(
            order,
            cl_ord_id=self.venue.client_id(order_id),
            source=Source.HISTORY,
            at=self._clock.now(),
            asked_at=asked_at,
        )
        return past(heard, order, busted=self.venue.busted(order_id))

    # -- the account ---------------------------------------------------------------------------------------------------

    async def get_account_info(self) -> Account:
        await self._asked()
        return self.venue.purse.account(self._account)

    async def get_key_permissions(self) -> KeyPermissions:
        """There is no key, and no money that could leave."""
        return KeyPermissions(read=True, trade=True, withdraw=False, detail="no key and no real money")

    async def get_balances(self) -> Fetched[Balance]:
        asked_at = await self._asked()
        return Fetched(items=self.venue.purse.balances(), asked_at=asked_at)

    async def get_positions(self) -> Fetched[Position]:
        asked_at = await self._asked()
        return Fetched(items=self.venue.purse.positions(), asked_at=asked_at)

    async def get_risk_metrics(self) -> RiskMetrics:
        await self._asked()
        return self.venue.purse.risk()

    # -- the market ----------------------------------------------------------------------------------------------------

    def feed(self, event: MarketEvent) -> None:
        """Prices from outside: from then on nothing else moves that symbol.  Called on the event loop."""
        self.venue.feed(event)
        self._market.tell(event)

    async def get_instrument(self, symbol: str) -> Instrument:
        await self._asked()
        return self.venue.instrument(symbol)

    async def get_market_data(self, symbol: str) -> Quote:
        await self._asked()
        return self.venue.quote(symbol, self._clock.now())

    async def get_option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """Contracts that were fed, and around a seeded price eleven strikes of each of six Fridays."""
        await self._asked()
        return chain_of(self.venue, underlying, expiry, at=self._clock.now())

    async def get_option_events(self, since: date) -> Fetched[OptionEvent]:
        """How options ended here, from a day on (New York)."""
        asked_at = await self._asked()
        told = [
            OptionEvent(symbol=deed.symbol, ending=deed.ending, qty=deed.qty, day=deed.at.astimezone(NEW_YORK).date())
            for deed in self.venue.deeds(since)
        ]
        return Fetched(items=tuple(told), asked_at=asked_at)

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        """Finished and running bars up to now, the first `limit` of them."""
        await self._asked()
        if span_s < 1 or limit < 1:
            raise InvalidRequest("span_s and limit are positive")
        self.venue.instrument(symbol)
        end = min(end, start + timedelta(seconds=span_s) * limit, self._clock.now())
        if self._source is None or self.venue.is_fed(symbol):
            return self._market.fed_bars(symbol, span_s=span_s, start=start, end=end)
        try:
            return self._source.bars(symbol, span_s=span_s, start=start, end=end)
        except KeyError:
            raise NotSupported(f"the paper venue keeps no bars of {symbol}") from None

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        """Hours as this venue keeps them: the market's own, or round the clock unless `hours` is `real`."""
        await self._asked()
        try:
            calendar = by_name(market) if self._options.hours == "real" else ALWAYS_OPEN
        except KeyError:
            raise NotSupported(f"the paper venue knows no market {market!r}") from None
        return hours_of(market, day, calendar=calendar, now=self._clock.now())

    # -- before an order -----------------------------------------------------------------------------------------------

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        await self._asked()
        return self.venue.broken_rules(order, now=self._clock.now())

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        del instrument  # the venue is here, and knows its own
        return self.venue.broken_rules(order, now=self._clock.now())

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        await self._asked()
        try:
            cost = self.venue.purse.cost(order)
        except LookupError as error:
            raise errors.rejected(f"no market for {error.args[0]} yet") from error
        currency = self.venue.instrument(symbols_of(order)[0]).currency
        fees = self.venue.tills.in_own(self._options.fee_per_share * (order.order_qty or ZERO), currency)
        initial = cost / self._options.leverage
        return MarginRequirement(
            currency=CURRENCY, initial=initial, buying_power_effect=cost, fees=fees, source="venue"
        )

    # -- streams -------------------------------------------------------------------------------------------------------

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: MarketHandler
    ) -> Subscription:
        await self._asked()
        for symbol in symbols:
            self.venue.instrument(symbol)
        number = self._market.add(Wish(frozenset(symbols), kinds, handler))
        if DataKind.BOOK in kinds:
            for symbol in symbols:
                await self.resync_book(symbol)  # a book is told when it changes, which may be a while away
        return Closing(lambda: self._market.drop(number))

    async def resync_book(self, symbol: str) -> None:
        """Tell it as it stands: every book told here is whole."""
        quote = self.venue.quote(symbol, self._clock.now())
        tick = self.venue.instrument(symbol).tick_at(quote.ask or quote.bid or ZERO)
        self._market.tell(book_of(quote, tick))

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        self._orders.handlers.append(handler)
        if self.is_connected():
            handler.on_stream(True, "connected")
        return Closing(lambda: self._forget(handler))

    def _forget(self, handler: OrderEvents) -> None:
        if handler in self._orders.handlers:
            self._orders.handlers.remove(handler)

    def _tell(self, events: list[Event]) -> None:
        """Whoever hears the private stream, while the link is up."""
        if not self.is_connected():
            return
        at = self._clock.now()
        for event in events:
            order = self.venue.engine.order(event.order_id)
            cl_ord_id = self.venue.client_id(event.order_id)
            self._orders.tell(told(event, order, cl_ord_id=cl_ord_id, at=at))

    # -- what runs by itself -------------------------------------------------------------------------------------------

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def _later(self, delay_s: float, call: Callable[[], None]) -> None:
        async def wait() -> None:
            await self._clock.sleep(delay_s)
            call()

        self._start(wait())

    async def _walk(self) -> None:
        """Move prices and time, step by step, for as long as the link is up."""
        while self.is_connected():
            await self._clock.sleep(self._options.step_ms / 1000)
            try:
                self.step()
            except FloorbrokerError as error:
                self._enter(LinkState.DEGRADED, error.detail)
                self._orders.up(False, error.detail)

    def step(self) -> None:
        """One step of the price walk."""
        self._steps.step(self._clock.now())


def build(wiring: Wiring) -> PaperBroker:
    """The paper account of a profile; its books are the file `wiring.state`.  Raises `ConfigInvalid` for wrong options."""
    check = all_of(IntentAge(clock=wiring.clock, max_age_s=wiring.intent_age_s), wiring.may_send)

    def may_send(decided_at: float | None, order: str) -> None:
        check(
            Request(
                method="POST",
                origin="",
                path="/orders",
                endpoint="orders.submit",
                lane=Lane.NEW,
                decided_at=decided_at,
                order=order,
            )
        )

    return PaperBroker(
        clock=wiring.clock,
        state=LogFile(wiring.state),
        options=options_from(wiring.profile.options),
        account=f"PAPER-{wiring.profile.name}",
        may_send=may_send,
    )

"""A desk in memory: real facts, the real fold, one pretend venue with fixed prices.  For tests of the doors.

The venue fills market orders and limits that cross at once, and lets the rest work.  `answer_next` scripts its next
answer: `reject`, `unknown` or `not_sent`.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from random import Random
from typing import TypeVar, cast

from floorbroker.domain import facts as f
from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.capability import BookProof, BookRules, BrokerInfo, Can
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    Conflict,
    FieldError,
    FloorbrokerError,
    InvalidRequest,
    KillSwitchOn,
    NotFound,
    NotReady,
    NotSupported,
    RiskLimitExceeded,
    SymbolNotFound,
)
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.ids import IdSource
from floorbroker.domain.options import SHARES, ListedOption, OptionChain, OptionContract, Premium, within_budget
from floorbroker.domain.orders import Execution, NewOrder, Order, OrderChanges
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, Journal, MarketEvent, NoLog, Profile, Record
from floorbroker.domain.records import (
    Account,
    Balance,
    BookDelta,
    BookLevel,
    Check,
    DataKind,
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
)
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    ClOrdId,
    Environment,
    ExecId,
    IntentId,
    OrderClass,
    OrderId,
    OrderType,
    Price,
    ProfileName,
    Quantity,
    Side,
    TimeInForce,
)
from floorbroker.gateway.consolidated import Consolidated, Held, Lacking, consolidate
from floorbroker.gateway.desk import (
    ANY,
    ArmingState,
    Caller,
    CancelledAll,
    DeskEvent,
    Fill,
    KeptRound,
    KillState,
    MarketTick,
    OrderFilter,
    Page,
    Preview,
    ProfilePosition,
    ProfileStatus,
    RoundResult,
    SessionState,
    SizeAsk,
    Sized,
    Submitted,
    Verdict,
)
from floorbroker.gateway.guarding import Guard
from floorbroker.gateway.routing.shown import NO_ROUTING, NOT_ROUTED, OrderRoute, RoutingState
from floorbroker.gateway.scopes import scope_of
from floorbroker.marketdata.book import Book
from floorbroker.marketdata.readings import BookView
from floorbroker.oms.adjustments import Adjusted, Adjustment, Cause
from floorbroker.oms.inquest import Act, Inquest, deeds_of, note_of, offers_of, standing_of
from floorbroker.oms.questions import Asked, Question
from floorbroker.oms.schema import OrderSchema
from floorbroker.risk.book import RiskBook
from floorbroker.risk.metrics import Report

START_CASH = Decimal(100000)
MAX_NOTIONAL = Decimal(50000)
PRICES = {
    "AAPL": ("189.48", "189.52"),
    "AAPL  260320P00150000": ("2.45", "2.50"),
    "BTC/USD": ("64000.00", "64010.00"),
    "BRK.B": ("410.00", "410.10"),
}

INFO = BrokerInfo(
    code="PAPER",
    folder="paper",
    name="Paper <b>trading</b>",
    environments=(Environment.PAPER,),
    can=frozenset({Can.CANCEL, Can.CANCEL_ALL, Can.REPLACE, Can.FRACTIONAL, Can.NOTIONAL}),
    order_types={AssetClass.EQUITY: frozenset(OrderType), AssetClass.CRYPTO: frozenset({OrderType.MARKET})},
    tifs={AssetClass.EQUITY: frozenset(TimeInForce), AssetClass.CRYPTO: frozenset({TimeInForce.GTC})},
    order_classes=frozenset({OrderClass.SIMPLE, OrderClass.BRACKET}),
    documents=("https://docs.venue.example/paper",),
)


@dataclass
class _Kept:
    """One order's fold and its records."""

    fold: OrderFold
    profile: ProfileName
    records: list[Record] = field(default_factory=list)


class Nowhere:
    """The journal of a desk in memory, as far as its guard needs one: everything is taken, and nothing kept."""

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        del entries
        return ()


class FakeGuard(Guard):
    """A real guard of no account; its report is the fake desk's own."""

    __slots__ = ("desk",)

    def __init__(self, desk: FakeDesk) -> None:
        super().__init__(cast("Journal", Nowhere()), desk.clock, NoLog(), RiskBook(desk.clock))
        self.desk = desk

    async def report(self, profile: ProfileName | None, *, with_history: bool = False) -> Report:
        del with_history
        found = await self.desk.risk_metrics(profile)
        return Report(
            profile=profile,
            currency=found.currency,
            equity=found.equity,
            gross_exposure=found.gross_exposure,
            net_exposure=found.net_exposure,
            leverage=found.leverage,
            concentration=found.concentration,
            open_orders=found.open_orders,
            day_pl=None,
            drawdown_pct=None,
        )


@dataclass(frozen=True)
class FakeTick:
    """A `MarketTick`."""

    event: MarketEvent
    skipped: int = 0


@dataclass(eq=False)
class FakeFeed:
    """A subscription to prices; `tell` is the venue."""

    symbols: tuple[str, ...]
    kinds: frozenset[DataKind]
    handler: Callable[[MarketTick], object]
    among: list[FakeFeed]

    def tell(self, event: MarketEvent, skipped: int = 0) -> None:
        self.handler(FakeTick(event, skipped))

    async def close(self) -> None:
        self.among.remove(self)


class FakeDesk:
    """One environment's desk, without disk, wire or waiting."""

    def __init__(
        self, *, clock: Clock, environment: Environment = Environment.PAPER, names: tuple[str, ...] = ("paper",)
    ) -> None:
        self.clock = clock
        self.environment = environment
        self.state = {ProfileName(name): SessionState.READY for name in names}
        self.answer_next = ""
        self.large_above: Decimal | None = None  # orders of more units want their symbol typed once more
        self.strikes_left = 0  # of the chain; each further call tells one of them
        self.venue_text = "insufficient qty <script>alert(1)</script>"
        self.callers: list[Caller] = []
        self.untold = 0  # records that are durable and not announced yet
        self.ends_after_replay = False  # an endless stream would hang a test that reads it to its end
        self.knows_every_symbol = False
        self.silent: list[ProfileName] = []
        self.feeds: list[FakeFeed] = []  # who listens to prices
        self._since = clock.now()
        self._arms: dict[ProfileName, ArmingState] = {}
        self._ids = IdSource(tag=7, random=Random(7))
        self._kept: dict[IntentId, _Kept] = {}
        self._keys: dict[tuple[str, ProfileName, str], tuple[str, IntentId]] = {}
        self._records: list[Record] = []
        self._events: list[DeskEvent] = []
        self._news = asyncio.Event()
        self._kill = KillState()
        self.guard = FakeGuard(self)
        self.kill_scopes: list[str] = []

    # -- profiles -----------------------------------------------------------------------------------------------------

    def profiles(self) -> tuple[ProfileStatus, ...]:
        return tuple(self._status(name) for name in self.state)

    def _status(self, name: ProfileName) -> ProfileStatus:
        orders = [o for o in self.orders() if o.profile == name]
        return ProfileStatus(
            profile=Profile(name=name, broker="PAPER", environment=self.environment),
            state=self.state[name],
            since=self._since,
            stream_up=True,
            kill_level=max(self._kill.level, self._kill.by_profile.get(name, 0)),
            open_orders=sum(o.is_open for o in orders),
            orders_in_doubt=sum(o.in_doubt for o in orders),
            last_reconciled=self._since,
        )

    def broker_info(self, profile: ProfileName) -> BrokerInfo:
        self._known(profile)
        return INFO

    def default_profile(self) -> ProfileName:
        if len(self.state) != 1:
            raise InvalidRequest(
                "several profiles are enabled: name one",
                fields=(FieldError(pointer="/profile", code="missing", detail="name a profile"),),
            )
        return next(iter(self.state))

    def _known(self, profile: ProfileName | None) -> ProfileName:
        name = self.default_profile() if profile is None else profile
        if name not in self.state:
            raise NotFound("no such profile")
        return name

    # -- orders -------------------------------------------------------------------------------------------------------

    async def submit(
        self,
        order: NewOrder | OrderSchema,
        *,
        profile: ProfileName | None,
        caller: Caller,
        key: str | None = None,
        body_hash: str = "",
    ) -> Submitted:
        self.callers.append(caller)
        confirmed = isinstance(order, OrderSchema) and order.confirm
        order = _wish(order)
        name = self._known(profile)
        if self.large_above is not None and (order.order_qty or ZERO) > self.large_above and confirmed != order.symbol:
            raise _unconfirmed(order.symbol)
        held = self._keys.get((caller.principal, name, key)) if key else None
        if held is not None:
            return self._replayed(held, body_hash)
        self._refuse(order, name)
        now = self.clock.now()
        intent = self._ids.intent(now)
        if key:
            self._keys[caller.principal, name, key] = (body_hash, intent)
        self._kept[intent] = _Kept(OrderFold(intent), name)
        cl_ord_id = ClOrdId(f"fb-{intent}")
        self._add(intent, f.Prepared(source=f.Source.OWN, at=now, cl_ord_id=cl_ord_id, profile=name, order=order))
        self._note("order.submit", intent, name, caller)
        self._add(intent, f.Sending(source=f.Source.OWN, at=now, deadline_s=5, arrival_bound_s=60))
        self._venue(intent, order)
        return Submitted(order=self.order(intent))

    def _replayed(self, held: tuple[str, IntentId], body_hash: str) -> Submitted:
        if held[0] != body_hash:
            detail = "use a fresh key: this one belongs to another order"
            wrong = FieldError(pointer="/headers/Idempotency-Key", code="key_reused", detail=detail)
            raise InvalidRequest("the idempotency key was used with another body", fields=(wrong,))
        return Submitted(order=self.order(held[1]), replayed=True)

    def _refuse(self, order: NewOrder, name: ProfileName) -> None:
        if max(self._kill.level, self._kill.by_profile.get(name, 0)):
            raise KillSwitchOn("the kill switch is on")
        if self.state[name] is not SessionState.READY:
            raise NotReady(f"{name} is {self.state[name].value}")
        for verdict in self._verdicts(order):
            if not verdict.ok:
                raise RiskLimitExceeded(
                    verdict.detail, control=verdict.control, limit=verdict.limit_text, value=verdict.value_text
                )

    def _verdicts(self, order: NewOrder) -> tuple[Verdict, ...]:
        if order.order_class is OrderClass.MULTILEG:
            raise NotSupported("paper has no multi-leg orders")
        _, ask = self._prices(order.symbol)
        value = order.notional if order.notional is not None else (order.order_qty or ZERO) * (order.price or ask)
        return (
            Verdict(
                control="max_order_notional",
                ok=abs(value) <= MAX_NOTIONAL,
                detail=f"order not sent: {value:,.2f} USD is above max_order_notional {MAX_NOTIONAL:,.2f} USD",
                limit=MAX_NOTIONAL,
                value=value,
            ),
        )

    def _venue(self, intent: IntentId, order: NewOrder) -> None:
        answer, self.answer_next = self.answer_next, ""
        now, order_id = self.clock.now(), OrderId(f"V{len(self._kept)}")
        reply = {"source": f.Source.REPLY, "at": now}
        if answer == "reject":
            self._add(intent, f.Reject(**reply, reason="insufficient_funds", venue_text=self.venue_text))
        elif answer == "unknown":
            self._add(intent, f.InDoubt(source=f.Source.OWN, at=now, reason="no answer within 5 s"))
        elif answer == "not_sent":
            self._add(intent, f.NotSent(source=f.Source.OWN, at=now, reason="connection refused"))
        else:
            self._add(intent, f.Working(**reply, order_id=order_id))
            price = self._fill_price(order)
            if price is not None:
                self.fill(intent, price=price)

    def _fill_price(self, order: NewOrder) -> Price | None:
        bid, ask = self._prices(order.symbol)
        there = ask if order.side is Side.BUY else bid
        if order.order_type is OrderType.MARKET:
            return there
        crosses = order.price is not None and (order.price - there) * order.side.sign >= 0
        return there if order.order_type is OrderType.LIMIT and crosses else None

    def fill(self, intent: IntentId, *, price: Price, qty: Quantity | None = None) -> None:
        """A fill at the venue, told by its stream."""
        held = self.order(intent)
        assert held.order_id is not None
        terms, now = held.terms, self.clock.now()
        wanted = held.leaves_qty or Quantity(((terms.notional or ZERO) / price).quantize(Decimal("0.000001")))
        report = f.Exec(
            source=f.Source.STREAM,
            at=now,
            venue_time=now,
            exec_id=ExecId(f"E{len(self._records)}"),
            order_id=held.order_id,
            side=terms.side,
            last_qty=qty or wanted,
            last_px=price,
            symbol=terms.symbol,
        )
        self._add(intent, report)
        if terms.notional is not None:
            self._add(intent, f.Filled(source=f.Source.STREAM, at=now, order_id=held.order_id))
        order = self.order(intent)
        self._announce("fills", intent, order.profile, order=order, execution=order.executions[-1])

    async def preview(
        self, order: NewOrder | OrderSchema, *, profile: ProfileName | None, caller: Caller | None = None
    ) -> Preview:
        del caller
        order = _wish(order)
        name = self._known(profile)
        verdicts = self._verdicts(order)
        _, ask = self._prices(order.symbol)
        cost = order.notional if order.notional is not None else (order.order_qty or ZERO) * (order.price or ask)
        margin = MarginRequirement(currency="USD", initial=abs(cost), buying_power_effect=abs(cost))
        premium = None
        if OptionContract.parse(order.symbol) is not None:
            price, many = order.price or ask, order.order_qty or ZERO
            premium = Premium(
                price=price, multiplier=SHARES, total=price * SHARES * many, currency="USD", power=Decimal(50_000)
            )
        return Preview(
            profile=name, verdicts=verdicts, margin=margin, quote=await self.quote(order.symbol, name), premium=premium
        )

    def routing(self) -> RoutingState:
        return NO_ROUTING

    def route_of(self, order: Order) -> OrderRoute:
        return NOT_ROUTED

    async def set_standing(self, profile: ProfileName, *, demoted: bool, caller: Caller, reason: str) -> RoutingState:
        self._known(profile)
        return NO_ROUTING

    def order(self, intent_id: str) -> Order:
        for intent, kept in self._kept.items():
            if intent_id in {intent, f"fb-{intent}"}:
                return kept.fold.view()
        raise NotFound("no such order")

    def orders(self, where: OrderFilter = ANY, page: Page | None = None) -> list[Order]:
        found = [o for o in (kept.fold.view() for kept in self._kept.values()) if matches(o, where)]
        return paged(found, page, key=lambda o: (o.created_at, o.intent_id))

    def order_records(self, intent_id: IntentId) -> list[Record]:
        return list(self._kept[self.order(intent_id).intent_id].records)

    async def cancel(self, intent_id: IntentId, *, caller: Caller, reason: str = "") -> Order:
        self.callers.append(caller)
        held = self.order(intent_id)
        if not held.is_open or held.order_id is None:
            raise Conflict(f"the order is {held.ord_status.value} and cannot be cancelled")
        self._note("order.cancel", held.intent_id, held.profile, caller)
        self._add(held.intent_id, f.Cancelled(source=f.Source.STREAM, at=self.clock.now(), order_id=held.order_id))
        return self.order(intent_id)

    async def cancel_all(self, where: OrderFilter, *, caller: Caller, reason: str = "") -> CancelledAll:
        found = [o for o in self.orders(replace(where, open_only=True)) if o.order_id is not None]
        return CancelledAll(orders=tuple([await self.cancel(o.intent_id, caller=caller, reason=reason) for o in found]))

    def inquest(self, intent_id: str) -> Inquest:
        held, info = self.order(intent_id), self.broker_info(self.order(intent_id).profile)
        now = self.clock.now()
        asked = Question(at=now, source=Asked.BY_ID, complete=False, trouble="timeout: no answer")
        return Inquest(
            order=held,
            standing=standing_of(held, is_forgotten=False),
            bound_s=60.0,
            bound_enforced=False,
            horizon=now + timedelta(seconds=65) if held.in_doubt else None,
            negatives=0,
            needed=3,
            questions=(asked,) if held.in_doubt else (),
            candidates=(),
            offers=offers_of(
                held, info, standing_of(held, is_forgotten=False), horizon=None, now=now, negatives=0, found=()
            ),
            deeds=deeds_of(self._records, held.intent_id),
        )

    async def resolve(
        self,
        intent_id: str,
        act: Act,
        *,
        caller: Caller,
        reason: str,
        candidate: str = "",
        confirm: str = "",
    ) -> Inquest:
        self.callers.append(caller)
        held = self.order(intent_id)
        offer = next(offer for offer in self.inquest(intent_id).offers if offer.act is act)
        if not offer.allowed:
            raise Conflict(f"{act.value} is not possible now: {offer.detail}")
        note = note_of(
            held.profile, held.intent_id, act, by=caller.principal, reason=reason, outcome="done", candidate=candidate
        )
        self._records.append(Record(seq=len(self._records) + 1, epoch=1, at=self.clock.now(), entry=note))
        return self.inquest(intent_id)

    async def modify(self, intent_id: IntentId, changes: OrderChanges, *, caller: Caller) -> Order:
        self.callers.append(caller)
        held = self.order(intent_id)
        if not held.is_open or held.order_id is None:
            raise Conflict(f"the order is {held.ord_status.value} and cannot be changed")
        now = self.clock.now()
        done = f.ReplaceDone(
            source=f.Source.REPLY,
            at=now,
            orig_order_id=held.order_id,
            order_id=held.order_id,
            replace_id=self._ids.intent(now),
            order_qty=changes.order_qty or held.order_qty,
            price=changes.price or held.price,
            stop_px=changes.stop_px or held.stop_px,
        )
        self._add(held.intent_id, done)
        return self.order(intent_id)

    def fills(self, where: OrderFilter = ANY, page: Page | None = None) -> list[Fill]:
        found = [
            Fill(intent_id=o.intent_id, profile=o.profile, strategy=o.terms.strategy, execution=e)
            for o in self.orders(where)
            for e in o.executions
        ]
        return paged(found, page, key=lambda x: (x.execution.transact_time, f"{x.intent_id}/{x.execution.exec_id}"))

    # -- accounts -----------------------------------------------------------------------------------------------------

    def _cash(self, profile: ProfileName) -> Decimal:
        fills = [x.execution for x in self.fills(OrderFilter(profile=profile))]
        return START_CASH - sum((e.side.sign * e.last_qty * e.last_px for e in fills), ZERO)

    async def account(self, profile: ProfileName | None = None) -> Account:
        name = self._known(profile)
        cash = self._cash(name)
        worth = sum((p.position.market_value or ZERO for p in await self.positions(name)), ZERO)
        return Account(
            account="PA-1", currency="USD", cash=cash, equity=cash + worth, buying_power=cash, environment_hint="paper"
        )

    async def consolidated(self, currency: str | None = None) -> Consolidated:
        """Profiles in `silent` do not answer, and neither does one whose account cannot be read."""
        held: list[Held] = []
        lacking = [Lacking(profile=name, reason="no answer within 5 s") for name in self.silent]
        for name in (name for name in self.state if name not in self.silent):
            try:
                held.append(await self._told(name))
            except FloorbrokerError as error:
                lacking.append(Lacking(profile=name, reason=error.detail))
        return consolidate(held, lacking, {}, currency=currency or "USD", at=self.clock.now())

    async def _told(self, name: ProfileName) -> Held:
        return Held(
            profile=name,
            at=self.clock.now(),
            account=await self.account(name),
            balances=await self.balances(name),
            positions=tuple(await self.positions(name)),
        )

    async def balances(self, profile: ProfileName | None = None) -> tuple[Balance, ...]:
        cash = self._cash(self._known(profile))
        return (Balance(currency="USD", total=cash, available=cash),)

    async def positions(self, profile: ProfileName | None = None) -> list[ProfilePosition]:
        names = list(self.state) if profile is None else [self._known(profile)]
        return [
            ProfilePosition(profile=name, position=p, realized_pl=ZERO, currency="USD")
            for name in names
            for p in self._holdings(name)
        ]

    def _holdings(self, name: ProfileName) -> list[Position]:
        held: dict[str, list[tuple[Decimal, Decimal]]] = {}
        for fill in self.fills(OrderFilter(profile=name)):
            e = fill.execution
            held.setdefault(e.symbol, []).append((e.side.sign * e.last_qty, e.last_px))
        found: list[Position] = []
        for symbol, lots in sorted(held.items()):
            qty, cost = sum((q for q, _ in lots), ZERO), sum((q * p for q, p in lots), ZERO)
            bid = self._prices(symbol)[0]
            if qty:
                value = qty * bid
                average = (cost / qty).quantize(Decimal("0.0001"))
                found.append(
                    Position(
                        symbol=symbol,
                        qty=qty,
                        avg_px=average,
                        market_px=bid,
                        market_value=value,
                        unrealized_pl=value - cost,
                        qty_available=qty,
                    )
                )
        return found

    async def risk_metrics(self, profile: ProfileName | None = None) -> RiskMetrics:
        account = await self.account(profile)
        gross = sum((abs(p.position.market_value or ZERO) for p in await self.positions(profile)), ZERO)
        return RiskMetrics(
            currency="USD",
            equity=account.equity,
            gross_exposure=gross,
            net_exposure=gross,
            leverage=(gross / account.equity).quantize(Decimal("0.0001")),
            concentration=ZERO,
            open_orders=len(self.orders(OrderFilter(open_only=True))),
        )

    # -- market -------------------------------------------------------------------------------------------------------

    def _prices(self, symbol: str) -> tuple[Price, Price]:
        if symbol not in PRICES and not self.knows_every_symbol:
            raise SymbolNotFound("paper does not know the symbol", broker="PAPER")
        bid, ask = PRICES.get(symbol, ("1.00", "1.01"))
        return Price(Decimal(bid)), Price(Decimal(ask))

    async def quote(self, symbol: str, profile: ProfileName | None = None) -> Quote:
        self._known(profile)
        bid, ask = self._prices(symbol)
        return Quote(
            symbol=symbol,
            bid=bid,
            ask=ask,
            bid_size=Decimal(3),
            ask_size=Decimal(4),
            time=self.clock.now(),
            source="fake",
        )

    async def option_chain(
        self, underlying: str, expiry: date | None = None, profile: ProfileName | None = None
    ) -> OptionChain:
        """One put, which expires when it is asked to; the venue tells one strike a call where some are left."""
        self._known(profile)
        bid, ask = self._prices(underlying)
        day = expiry or date(2026, 3, 20)
        put = OptionContract(root=underlying.replace(".", "")[:6], expiry=day, right="P", strike=Decimal(150))
        row = ListedOption(contract=put, underlying=underlying, bid=bid, ask=ask, time=self.clock.now())
        left = self.strikes_left
        self.strikes_left = max(left - 1, 0)
        return OptionChain(
            underlying=underlying, expiry=day, expirations=(day,), contracts=(row,), asked_at=self.clock.now(), left_out=left,
            note=f"{left} more strikes are listed: ask again" if left else "",
        )  # fmt: skip

    async def option_size(self, ask: SizeAsk, profile: ProfileName | None = None) -> Sized:
        self._known(profile)
        contract = OptionContract.read(ask.symbol)
        size = within_budget(ask.budget or Decimal(0), premium=ask.premium or Decimal("1.25"), fee_each=ask.fee_each)
        return Sized(symbol=contract.symbol, profile=profile or ProfileName("paper"), size=size, currency="USD")

    async def book(self, symbol: str, *, depth: int = 10, profile: ProfileName | None = None) -> BookView:
        self._known(profile)
        bid, ask = self._prices(symbol)
        book = Book(symbol, BookRules(proof=BookProof.NONE))
        levels = BookLevel(price=bid, size=Decimal(3)), BookLevel(price=ask, size=Decimal(4))
        book.apply(BookDelta(symbol=symbol, bids=levels[:1], asks=levels[1:], time=self.clock.now(), reset=True))
        return book.depth(depth)

    async def bars(
        self,
        symbol: str,
        *,
        span_s: int,
        start: datetime,
        end: datetime,
        limit: int = 1000,
        profile: ProfileName | None = None,
    ) -> BarSeries:
        self._known(profile)
        bid, ask = self._prices(symbol)
        series = BarSeries(symbol, span_s=span_s)
        count = min(limit, int((end - start).total_seconds() // span_s))
        for n in range(count):
            at = start + timedelta(seconds=n * span_s)
            series.append(Bar(symbol=symbol, start=at, open=bid, high=ask, low=bid, close=ask, volume=Decimal(100)))
        return series

    async def market_hours(self, market: str, day: date, profile: ProfileName | None = None) -> MarketHours:
        self._known(profile)
        if market != "XNYS":
            raise NotFound("no such market")
        opens = datetime.combine(day, time(14, 30), tzinfo=self._since.tzinfo)
        return MarketHours(
            market=market, day=day, is_open_day=True, open=opens, close=opens + timedelta(hours=6, minutes=30)
        )

    # -- operations ---------------------------------------------------------------------------------------------------

    def kill_state(self) -> KillState:
        return self._kill

    async def kill(
        self,
        level: int,
        *,
        caller: Caller,
        reason: str,
        profile: ProfileName | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillState:
        self.kill_scopes.append(scope_of(profile=profile, account=account, strategy=strategy, token=token))
        self._set_kill(level, caller, reason, profile)
        if level >= 2:
            await self.cancel_all(OrderFilter(profile=profile), caller=caller, reason=reason)
        return self._kill

    async def reset_kill(
        self,
        *,
        caller: Caller,
        reason: str,
        profile: ProfileName | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillState:
        self.kill_scopes.append(scope_of(profile=profile, account=account, strategy=strategy, token=token))
        self._set_kill(0, caller, reason, profile)
        return self._kill

    def arming(self) -> tuple[ArmingState, ...]:
        if self.environment is not Environment.LIVE:
            return ()
        return tuple(
            self._arms.get(name, ArmingState(profile=name, armed=False, why_not="nobody armed it"))
            for name in self.state
        )

    async def arm(
        self, profile: ProfileName, *, for_s: int, confirm: str, caller: Caller, reason: str
    ) -> tuple[ArmingState, ...]:
        if confirm != self._known(profile):
            wrong = FieldError(pointer="/confirm", code="confirm", detail=f"type the profile's name: {profile}")
            raise InvalidRequest(wrong.detail, fields=(wrong,))
        now = self.clock.now()
        self._arms[profile] = ArmingState(
            profile=profile,
            armed=True,
            until=now + timedelta(seconds=for_s),
            since=now,
            by=caller.principal,
            reason=reason,
        )
        return self.arming()

    async def disarm(self, profile: ProfileName | None, *, caller: Caller, reason: str) -> tuple[ArmingState, ...]:
        for name in list(self._arms) if profile is None else [self._known(profile)]:
            self._arms[name] = ArmingState(profile=name, armed=False, why_not=f"disarmed: {reason}")
        return self.arming()

    def _set_kill(self, level: int, caller: Caller, reason: str, profile: ProfileName | None) -> None:
        by_profile = dict(self._kill.by_profile)
        if profile is not None:
            by_profile[self._known(profile)] = level
        self._kill = KillState(
            level=self._kill.level if profile is not None else level,
            by_profile=by_profile,
            reason=reason,
            at=self.clock.now(),
            by=caller.principal,
        )
        name = next(iter(self.state))
        self._note("kill.set", IntentId("kill"), name, caller)
        self._announce("risk", "kill", name, data={"level": str(level), "reason": reason})

    async def connect(self, profile: ProfileName, *, caller: Caller, reason: str) -> None:
        self.callers.append(caller)
        self.state[self._known(profile)] = SessionState.READY

    async def disconnect(self, profile: ProfileName, *, caller: Caller, reason: str) -> None:
        self.callers.append(caller)
        self.state[self._known(profile)] = SessionState.OFFLINE

    async def reconcile(self, profile: ProfileName) -> RoundResult:
        return RoundResult(
            profile=self._known(profile), at=self.clock.now(), converged=True, counts={"orders": len(self._kept)}
        )

    def rounds(self, profile: ProfileName, *, before: int | None = None, limit: int = 100) -> list[KeptRound]:
        known = self._known(profile)
        now, apart = self.clock.now(), ("2 <b>MSFT</b> more than the fills",)
        found = [
            KeptRound(
                seq=seq,
                result=RoundResult(
                    profile=known,
                    at=now,
                    converged=seq != 6,
                    counts={"positions": seq},
                    differences=apart if seq == 6 else (),
                ),
            )
            for seq in (9, 6, 4)
        ]
        return [kept for kept in found if before is None or kept.seq < before][:limit]

    def adjustments(self, profile: ProfileName) -> list[Adjusted]:
        known = self._known(profile)
        found = Adjustment(profile=known, symbol="MSFT", qty=Decimal(7), venue=Decimal(9), cause=Cause.OPENING.value)
        return [Adjusted(seq=3, at=self.clock.now(), adjustment=found)]

    async def self_check(self, profile: ProfileName) -> SelfCheck:
        self._known(profile)
        return SelfCheck(checks=(Check(name="connectivity", ok=True, detail="answers in memory"),))

    # -- records and events -------------------------------------------------------------------------------------------

    def last_seq(self) -> int:
        return len(self._records)

    def told_seq(self) -> int:
        return self.last_seq() - self.untold

    async def events(
        self, *, after: int | None = None, channels: frozenset[str] | None = None
    ) -> AsyncIterator[DeskEvent]:
        seen = sum(e.seq <= after for e in self._events) if after is not None else len(self._events)
        while True:
            for event in self._events[seen:]:
                seen += 1
                if channels is None or event.channel in channels:
                    yield event
            if self.ends_after_replay:
                return
            await self._news.wait()

    def past(self, after: int) -> Iterator[DeskEvent]:
        return iter([event for event in self._events if event.seq > after])

    async def subscribe_market_data(
        self,
        symbols: Sequence[str],
        handler: Callable[[MarketTick], object],
        *,
        kinds: frozenset[DataKind] = frozenset({DataKind.QUOTES}),
        profile: ProfileName | None = None,
    ) -> FakeFeed:
        for symbol in symbols:
            await self.quote(symbol, profile)
        feed = FakeFeed(tuple(symbols), kinds, handler, self.feeds)
        self.feeds.append(feed)
        return feed

    def wake(self) -> None:
        """Let every reader of events look again."""
        self._news.set()
        self._news = asyncio.Event()

    def audit(self, *, after: int = 0, limit: int = 100) -> list[Record]:
        return [r for r in self._records if r.seq > after and isinstance(r.entry, AuditEntry)][:limit]

    def note(self, entry: Entry) -> None:
        """Something that other parts of a real desk write into the journal."""
        self._commit(entry)

    def _commit(self, entry: Entry) -> Record:
        record = Record(seq=len(self._records) + 1, epoch=1, at=self.clock.now(), entry=entry)
        self._records.append(record)
        return record

    def _add(self, intent: IntentId, fact: f.Fact) -> None:
        kept = self._kept[intent]
        kept.fold.add(fact)
        kept.records.append(self._commit(FactEntry(profile=kept.profile, intent_id=intent, fact=fact)))
        self._announce("orders", intent, kept.profile, order=kept.fold.view())

    def _note(self, action: str, intent: IntentId, profile: ProfileName, caller: Caller) -> None:
        entry = AuditEntry(
            actor=caller.principal,
            via=caller.via,
            action=action,
            object=intent,
            profile=profile,
            outcome="ok",
            req=caller.request_id,
        )
        self._commit(entry)

    def _announce(
        self,
        channel: str,
        key: str,
        profile: ProfileName,
        *,
        order: Order | None = None,
        execution: Execution | None = None,
        data: dict[str, str] | None = None,
    ) -> None:
        event = DeskEvent(
            seq=self.last_seq(),
            at=self.clock.now(),
            channel=channel,
            key=key,
            profile=profile,
            order=order,
            execution=execution,
            data=data or {},
        )
        self._events.append(event)
        self.wake()


T = TypeVar("T")


def _wish(order: NewOrder | OrderSchema) -> NewOrder:
    return order.to_order() if isinstance(order, OrderSchema) else order


def paged(rows: list[T], page: Page | None, *, key: Callable[[T], tuple[datetime, str]]) -> list[T]:
    """Rows by their key: a page, or all of them, newest first."""
    if page is None:
        return sorted(rows, key=key, reverse=True)
    ordered = sorted(rows, key=key, reverse=page.newest_first)
    after = page.after
    if after is not None:
        ordered = [row for row in ordered if (key(row) < after if page.newest_first else key(row) > after)]
    return ordered[: page.limit]


def matches(order: Order, where: OrderFilter) -> bool:
    """Whether an order passes a filter."""
    tests: tuple[Callable[[], bool], ...] = (
        lambda: where.statuses is None or order.ord_status in where.statuses,
        lambda: not where.open_only or order.is_open,
        lambda: where.symbol is None or order.terms.symbol == where.symbol,
        lambda: where.side is None or order.terms.side is where.side,
        lambda: where.strategy is None or order.terms.strategy == where.strategy,
        lambda: where.profile is None or order.profile == where.profile,
        lambda: where.since is None or order.created_at >= where.since,
        lambda: where.until is None or order.created_at < where.until,
    )
    return all(test() for test in tests)


def _unconfirmed(symbol: str) -> InvalidRequest:
    detail = f"an order above the threshold wants its symbol typed once more: confirm {symbol}"
    return InvalidRequest(detail, fields=(FieldError(pointer="/confirm", code="confirm", detail=detail),))

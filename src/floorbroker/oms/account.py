"""What the parts of one account's order service share: collaborators, caches, and how a wish's situation is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from dataclasses import InitVar, dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from math import inf
from typing import Any

from floorbroker.domain.capability import IdentityClass
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    Conflict,
    FloorbrokerError,
    Forbidden,
    KillSwitchOn,
    NotArmed,
    NotReady,
    VaultLocked,
)
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ids import IdSource
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import (
    NO_STEPS,
    NO_TRACER,
    AuditEntry,
    Broker,
    Journal,
    Log,
    Meter,
    Profile,
    Steps,
    Tracer,
)
from floorbroker.domain.records import Account, MarginRequirement, Position, Quote
from floorbroker.domain.values import LIMITED, ZERO, IntentId
from floorbroker.oms.asking import Asking
from floorbroker.oms.book import OrderBook
from floorbroker.oms.exposed import Exposed
from floorbroker.oms.external import ExternalOrders, may_touch
from floorbroker.oms.pardon import Pardons
from floorbroker.oms.recognition import overpowered, stranger
from floorbroker.oms.reconcile import in_other_pairs
from floorbroker.oms.scales import Scales, asked_about
from floorbroker.oms.share import Share, traded
from floorbroker.oms.writer import Writer
from floorbroker.risk.book import RiskBook
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.situation import Exposure, Reference, Situation
from floorbroker.risk.window import Windows

INSTRUMENT_AGE = timedelta(hours=24)
ASKED_AT_ONCE = 8


@frozen
class Actor:
    """Who wishes, through which door, under which request id; kept by the audit."""

    principal: str
    via: str
    request_id: str = ""
    confirm: str = ""  # what a person typed to show that they mean it


def _nobody(account: Account) -> None:
    """Before a guard listens, nobody does."""
    del account


GATEWAY = Actor(principal="gateway", via="gateway")


def _unmeasured(elapsed_s: float) -> None:
    """Where no route is chosen by latency, nobody measures it."""
    del elapsed_s


def _nobody_is(strategy: str, principal: str) -> str:
    """Where no latch is narrower than a profile, nobody is barred."""
    del strategy, principal
    return ""


def _took_no_place(intent_id: IntentId) -> str:
    """Where no order moves from route to route, none takes another's place."""
    del intent_id
    return ""


@dataclass(slots=True, kw_only=True)
class Switches:
    """Why new orders are refused right now, as text; empty means they are not.  Asked before and right before each send.

    `barred` is asked of a strategy and a principal, which may be stopped where the profile is not; `bars_some` tells whether
    any is.  `outlived` is asked of an intent that is about to leave: it took the place of another, which lives after all.
    `latched` is `blocked` without its look at a file, for the many profiles of a ranking; `blocked` where there is none.
    """

    blocked: Callable[[], str]
    not_ready: Callable[[], str]
    not_armed: Callable[[], str]
    latched: Callable[[], str] | None = None
    locked: Callable[[], str] = str
    barred: Callable[[str, str], str] = _nobody_is
    bars_some: Callable[[], bool] = bool
    outlived: Callable[[IntentId], str] = _took_no_place
    pardons: Pardons = field(default_factory=Pardons)

    def assert_open(self, wish: NewOrder | None = None) -> None:
        """Raises `KillSwitchOn`, `VaultLocked`, `NotReady` or `NotArmed` (NOT_SENT) while new orders are refused.

        A pardoned wish is asked about vault and readiness alone.
        """
        is_pardoned = wish is not None and self.pardons.cover(wish)
        if not is_pardoned and (blocked := self.blocked()):
            raise KillSwitchOn(blocked)
        self.assert_able()
        if not is_pardoned and (not_armed := self.not_armed()):
            raise NotArmed(not_armed)

    def assert_able(self) -> None:
        """Raises `VaultLocked` or `NotReady` (NOT_SENT) while nothing new could be sent at all."""
        if locked := self.locked():
            raise VaultLocked(locked)
        if not_ready := self.not_ready():
            raise NotReady(not_ready)

    def assert_admitted(self, strategy: str, principal: str) -> None:
        """Raises `KillSwitchOn` (NOT_SENT) while orders of a strategy, or of a principal, are refused."""
        if barred := self.barred(strategy, principal):
            raise KillSwitchOn(barred)

    def assert_alone(self, intent_id: IntentId) -> None:
        """Raises `Conflict` (NOT_SENT) when the order whose place this one took lives after all: two must not be alive."""
        if outlived := self.outlived(intent_id):
            raise Conflict(outlived)


@dataclass(slots=True, kw_only=True)
class AccountContext:
    """One account's collaborators and caches.  `cancel_late` cancels an order that appears after it was presumed not placed;
    `external` says what becomes of orders that others place.

    `account_number` tells the one that the user gave, if any.  `is_own` says whether the venue's account is the profile's:
    None until the venue was asked.
    """

    profile: Profile
    broker: Broker
    journal: Journal
    book: OrderBook
    gate: RiskGate
    writer: Writer
    clock: Clock
    ids: IdSource
    limits: RiskLimits
    switches: Switches
    log: Log
    meter: Meter
    arrival_bound_s: float
    visibility_lag_s: float
    send_timeout_s: float = 5.0
    epoch: int = 0
    cancel_late: bool = True
    external: ExternalOrders = ExternalOrders.ADOPT
    answers_when_heard: bool = False
    steps: Steps = NO_STEPS
    tracer: Tracer = NO_TRACER
    account: Account | None = None
    account_asked_at: datetime | None = None
    account_asked_s: float = -inf  # the same in steady time
    account_number: Callable[[], str] = lambda: ""
    is_own: bool | None = None
    risk: RiskBook = field(init=False)
    risk_book: InitVar[RiskBook | None] = None
    share: Share = field(init=False)
    on_equity: Callable[[Account], None] = _nobody
    on_answered_s: Callable[[float], None] = _unmeasured  # how long a submit that left took (s)
    cancel_own: Callable[[IntentId, Actor], Awaitable[object]] | None = None  # an order of ours, on whatever account
    assert_own: Callable[[IntentId], None] | None = None  # raises `Conflict` for one that its profile only observes
    windows: Windows = field(default_factory=Windows)
    _exposed: Exposed = field(init=False)
    _instruments: dict[str, tuple[datetime, Instrument]] = field(default_factory=dict[str, tuple[datetime, Instrument]])
    _quotes: dict[str, tuple[float, Quote]] = field(default_factory=dict[str, tuple[float, Quote]])
    scales: Scales = field(init=False)
    asking: Asking = field(default_factory=Asking)
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def __post_init__(self, risk_book: RiskBook | None) -> None:
        self.risk = RiskBook(self.clock) if risk_book is None else risk_book
        info = self.broker.info
        self.scales = Scales(self._instruments, self._currency, self.risk.between, info.priced_in)
        self._exposed = Exposed(self.book, self.gate, self.clock, self.scales, whole_successors=info.whole_successors)
        self.share = Share(
            self.profile.name, self.risk, self.book, self.gate, self._exposed, self.scales, lambda: self.account
        )

    def _currency(self) -> str:
        """The account's; asked often, and nearly always known."""
        return self.account.currency if self.account is not None else self.risk.currency_of(self.profile.name)

    @property
    def tells_when_heard(self) -> bool:
        """Whether an acceptance is told before it is durable: only where the venue finds an order by our own id for good."""
        return self.answers_when_heard and self.broker.info.identity is IdentityClass.A

    # -- tasks ----------------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run work beside the caller; its failure is logged, never lost."""
        task = asyncio.get_running_loop().create_task(work, name=f"{self.profile.name}:{name}")
        self._tasks.add(task)
        task.add_done_callback(self._reap)
        return task

    def _reap(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            detail = error.detail if isinstance(error, FloorbrokerError) else type(error).__name__
            self.log.error("task.failed", task=task.get_name(), detail=detail)

    async def stop(self) -> None:
        """Cancel what still runs and wait for it to end."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.asking.stop()

    # -- the world around a wish ------------------------------------------------------------------------------------------

    def at_hand(self, wish: NewOrder) -> Instrument | None:
        """The rules for a wish when nothing has to be asked of the venue before it is decided; else None."""
        symbol = asked_about(wish)
        if self.account is None or not self._is_fresh(self.reference(symbol)):
            return None
        if wish.legs and self._unpriced(wish):
            return None
        return self._rules(symbol)

    def _rules(self, symbol: str) -> Instrument | None:
        """The venue's rules for a symbol while they are young enough."""
        held = self._instruments.get(symbol)
        return None if held is None or self.clock.now() - held[0] > INSTRUMENT_AGE else held[1]

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules for a symbol, at most a day old.  Raises `SymbolNotFound`."""
        now = self.clock.now()
        held = self._instruments.get(symbol)
        if held is None or now - held[0] > INSTRUMENT_AGE:
            held = (now, await self.broker.get_instrument(symbol))
            before, self._instruments[symbol] = self.scales(symbol), held
            if self.scales(symbol) != before:
                self.risk.rescale(self.profile.name, symbol)
        return held[1]

    async def learn_scales(self) -> None:
        """Read the rules of what is in a currency without a rate: some venues themselves say what that is worth."""
        lacking = {symbol for symbol in self.exposure().symbols() if self.scales(symbol) is None}
        lacking |= self.risk.day.untold(self.profile.name)
        wanted = sorted(lacking - set(self._instruments))
        first, rest = wanted[:1], wanted[1:]  # an adapter may read the rules of every symbol with the first
        for asked in (first, *(rest[n : n + ASKED_AT_ONCE] for n in range(0, len(rest), ASKED_AT_ONCE))):
            await asyncio.gather(*map(self._learn, asked))

    async def _learn(self, symbol: str) -> None:
        try:
            await self.instrument(symbol)
        except FloorbrokerError as error:
            self.log.warning("instrument.unavailable", symbol=symbol, code=error.code)

    def on_quote(self, quote: Quote) -> None:
        """Remember a price heard on a stream or in an answer."""
        now_s = self.clock.monotonic()
        self._quotes[quote.symbol] = (now_s, quote)
        self._exposed.marks.hear(quote, now_s)
        self.windows.hear(quote, now_s, self.limits.collar_window_s)

    def on_positions(self, positions: Iterable[Position]) -> None:
        """Remember what the venue thinks holdings are worth: their mark while no price is heard."""
        told = tuple(positions)
        if self.broker.info.whole_coins:
            told = (*told, *in_other_pairs(told, self.book.holdings.all(), self.risk.between))
        for position in told:
            self._exposed.marks.worth(position, self.clock.monotonic())

    def reference(self, symbol: str) -> Reference | None:
        held = self._quotes.get(symbol)
        return Reference(quote=held[1], age_s=self.clock.monotonic() - held[0]) if held else None

    def heard(self, symbol: str) -> tuple[float, Quote] | None:
        """The last price of a symbol, and when we heard it (monotonic)."""
        return self._quotes.get(symbol)

    async def fresh_reference(self, symbol: str) -> Reference | None:
        """A price young enough to measure a wish against, asked for when need be; None when the venue gives none."""
        held = self.reference(symbol)
        if self._is_fresh(held):
            return held
        try:
            await self.asking.ask(f"a price of {symbol}", lambda: self._ask_price(symbol))
        except FloorbrokerError as error:
            self.log.warning("reference.unavailable", symbol=symbol, code=error.code, detail=error.detail)
        return self.reference(symbol)

    async def _ask_price(self, symbol: str) -> None:
        self.on_quote(await self.broker.get_market_data(symbol))

    def _unpriced(self, wish: NewOrder) -> list[str]:
        """Symbols of legs that nobody said the worth of yet; of an order that takes any price, those without one of now."""
        marks = self._exposed.marks.by_symbol
        if wish.order_type in LIMITED:
            return [leg.symbol for leg in wish.legs if leg.symbol not in marks]
        return [leg.symbol for leg in wish.legs if not self._is_fresh(self.reference(leg.symbol))]

    async def look_at(self, wish: NewOrder) -> Reference | None:
        """A fresh price for a wish, None when the venue gives none; and a price of each of its legs, which measures them."""
        found = await self.fresh_reference(asked_about(wish))
        await asyncio.gather(*map(self.fresh_reference, self._unpriced(wish)))
        return found

    def _leg_prices(self, wish: NewOrder) -> dict[str, Reference]:
        found = {leg.symbol: self.reference(leg.symbol) for leg in wish.legs}
        return {symbol: heard for symbol, heard in found.items() if heard is not None}

    async def look_around(self, wish: NewOrder) -> tuple[Instrument, Reference | None]:
        """Ask the venue for all that a wish is measured by and that is not at hand: rules, prices, account."""
        symbol = asked_about(wish)
        instrument = self._rules(symbol)
        if instrument is None:
            instrument = await self.asking.ask(f"the rules of {symbol}", lambda: self.instrument(symbol))
        reference = await self.look_at(wish)
        if self.account is None:
            await self.asking.ask("the account", self.refresh_account)
        return instrument, reference

    def _is_fresh(self, held: Reference | None) -> bool:
        return held is not None and held.age_s <= float(self.limits.reference_age_max_s) / 2

    async def refresh_account(self) -> Account:
        """Ask the venue for the account; what it reserves itself is then no longer reserved by us.

        Its figure surely holds only what was settled before it was asked.  One that was asked for before another that has been
        answered already is too old to take that one's place (I8).
        """
        asked_at, asked_s = self.clock.now(), self.clock.monotonic()
        account = await self.broker.get_account_info()
        if self.account is not None and asked_s < self.account_asked_s:
            return self.account
        self.account = account
        self.account_asked_at, self.account_asked_s = asked_at, asked_s
        self._exposed.costs.settled_before(asked_at)
        self.on_equity(self.account)
        return self.account

    async def recognise(self) -> None:
        """Ask whose account this is and what its key may do; raises `Forbidden` unless the profile may be traded with it."""
        account = await self.refresh_account()
        wrong = stranger(account, self.profile.environment, expected=self.account_number())
        self.is_own = not wrong
        if wrong := wrong or overpowered(await self.broker.get_key_permissions()):
            self.log.error("account.refused", profile=self.profile.name, detail=wrong)
            raise Forbidden(wrong)

    def situation(
        self,
        wish: NewOrder,
        instrument: Instrument,
        *,
        leave_out: IntentId | None = None,
        actor: Actor | None = None,
        margin: MarginRequirement | None = None,
        is_new: bool = True,
    ) -> Situation:
        """Everything the controls look at, now, without waiting.  `leave_out` is an order about to be replaced, `margin` what the
        venue told of the wish, where it was asked.  A wish that is no new order (`is_new`) is not held to the venue's own rules.
        """
        gate, risk, limits, symbol = self.gate, self.risk, self.limits, wish.symbol
        second, minute = gate.message_counts()
        exposure, filled = self.exposure(leave_out), self._filled(leave_out)
        today = risk.ordered_today(self.profile.name, leave_out=leave_out, filled=filled)
        who = actor or GATEWAY
        whole = self.broker.info.whole_successors
        switches, is_pardoned = self.switches, self.switches.pardons.cover(wish)
        return Situation(
            wish=wish,
            limits=limits,
            info=self.broker.info,
            environment=self.profile.environment,
            instrument=instrument,
            exposure=exposure,
            now=self.clock.now(),
            account=self.account,
            rate=self.scales.rate(asked_about(wish)),
            reference=self.reference(asked_about(wish)),
            leg_prices=self._leg_prices(wish),
            blocked="" if is_pardoned else switches.blocked() or switches.barred(wish.strategy, who.principal),
            locked=switches.locked(),
            not_ready=switches.not_ready(),
            not_armed="" if is_pardoned else switches.not_armed(),
            is_pardoned=is_pardoned,
            messages_s=second,
            messages_min=minute,
            twin_age_s=gate.twin_age_s(wish, float(limits.duplicate_window_s)),
            principal=who.principal,
            via=who.via,
            confirm=who.confirm,
            messages_symbol_min=gate.messages_of(symbol) if limits.max_messages_symbol_min is not None else 0,
            middle=self.windows.middle(symbol, self.clock.monotonic(), limits.collar_window_s),
            met=risk.resting.met(wish, leave_out),
            off=risk.strategies.why_off(wish.strategy) if wish.strategy else "",
            orders_day=today.orders,
            notional_day=today.told,
            equity=risk.equities.get(self.profile.name),
            objections=self.broker.broken_rules(wish, instrument) if is_new else (),
            margin=margin if margin is not None and margin.source == "venue" else None,
            shared=risk.standings(
                wish, self.share.owner(wish, who.principal), leave_out=leave_out, filled=filled, fills_yet=whole
            )
            if risk.watches
            else (),
        )

    def _filled(self, intent_id: IntentId | None) -> Decimal:
        """What an order that is about to change traded so far, units times price; zero for none."""
        order = self.book.at_hand(intent_id) if intent_id is not None else None
        return ZERO if order is None else traded(order)

    def exposure(self, leave_out: IntentId | None = None) -> Exposure:
        """Holdings, open and undecided orders (I5), and what is reserved beyond the venue's own figure.

        An order about to be replaced is left out; where its successor may be whole, it may fill until then and counts as well.
        """
        exposed, whole = self._exposed, self.broker.info.whole_successors
        self.risk.catch_up()
        return Exposure(
            positions=exposed.positions(),
            marks=exposed.marks.by_symbol,
            scale=self.scales,
            workload=exposed.work if leave_out is None else exposed.work.without(leave_out, fills_yet=whole),
            reserved=exposed.reserved(leave_out),
        )

    def catch_up(self) -> None:
        """Count what changed; asked before each wish is measured, and now and then where nobody wishes for anything."""
        self._exposed.catch_up()

    def reserve(self, intent_id: IntentId, situation: Situation) -> None:
        """Count the cost of an approved wish until the venue's own figure does; of a change, the larger of the two sizes (I5)."""
        self._exposed.costs.put(intent_id, situation.cost or ZERO)
        owner = self.share.owner(situation.wish, situation.principal)
        amount, symbol = situation.amount or ZERO, asked_about(situation.wish)
        self.risk.decide(intent_id, owner, amount, symbol=symbol, filled=self._filled(intent_id))
        self.risk.count_message(owner)

    # -- orders of others -----------------------------------------------------------------------------------------------------

    def may_touch(self, order: Order) -> bool:
        """Whether an order may be cancelled or changed by us."""
        return may_touch(order, self.external, self.book.get)

    def assert_touchable(self, order: Order) -> None:
        """Raises `Conflict` for an order that this profile only observes."""
        if not self.may_touch(order):
            raise Conflict(
                f"order {order.intent_id} was placed by others, and profile {self.profile.name} only observes such orders"
                " (external_orders): cancel or change it where it was placed"
            )

    def touchable(self) -> list[Order]:
        """Open and undecided orders that we may cancel, oldest first."""
        return [order for order in self.book.open_orders() if self.may_touch(order)]

    # -- records ------------------------------------------------------------------------------------------------------------

    def audit(
        self, actor: Actor, action: str, target: str, *, outcome: str, reason: str = "", **detail: str
    ) -> AuditEntry:
        """One audit row of this account."""
        return AuditEntry(
            actor=actor.principal,
            via=actor.via,
            action=action,
            object=target,
            profile=self.profile.name,
            outcome=outcome,
            reason=reason,
            req=actor.request_id,
            detail=detail,
        )

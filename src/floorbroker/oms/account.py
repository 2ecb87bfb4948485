"""What the parts of one account's order service share: collaborators, caches, and how a wish's situation is gathered."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError, KillSwitchOn, NotArmed, NotReady
from floorbroker.domain.facts import ReplaceAsked
from floorbroker.domain.ids import IdSource
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, Order, OrderState
from floorbroker.domain.ports import AuditEntry, Broker, Journal, Log, Meter, Profile
from floorbroker.domain.records import Account, Position, Quote
from floorbroker.domain.values import ZERO, IntentId, Quantity
from floorbroker.oms.book import OrderBook
from floorbroker.oms.writer import Writer
from floorbroker.risk.controls import cost_of
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import RiskLimits
from floorbroker.risk.situation import Exposure, Reference, Situation

INSTRUMENT_AGE = timedelta(hours=24)
PRESUMED_COUNTS = timedelta(hours=24)


@dataclass(frozen=True, slots=True, kw_only=True)
class Actor:
    """Who wishes, through which door, under which request id; kept by the audit."""

    principal: str
    via: str
    request_id: str = ""


GATEWAY = Actor(principal="gateway", via="gateway")


@dataclass(slots=True, kw_only=True)
class Switches:
    """Why new orders are refused right now, as text; empty means they are not.  Asked before and right before each send."""

    blocked: Callable[[], str]
    not_ready: Callable[[], str]
    not_armed: Callable[[], str]

    def assert_open(self) -> None:
        """Raises `KillSwitchOn`, `NotReady` or `NotArmed` (NOT_SENT) while new orders are refused."""
        if blocked := self.blocked():
            raise KillSwitchOn(blocked)
        if not_ready := self.not_ready():
            raise NotReady(not_ready)
        if not_armed := self.not_armed():
            raise NotArmed(not_armed)


@dataclass(slots=True, kw_only=True)
class AccountContext:
    """One account's collaborators and caches.  `cancel_late` cancels an order that appears after it was presumed not placed."""

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
    account: Account | None = None
    account_asked_at: datetime | None = None
    costs: dict[IntentId, Decimal] = field(default_factory=dict[IntentId, Decimal])
    _instruments: dict[str, tuple[datetime, Instrument]] = field(default_factory=dict[str, tuple[datetime, Instrument]])
    _quotes: dict[str, tuple[float, Quote]] = field(default_factory=dict[str, tuple[float, Quote]])
    _worth: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    _tasks: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

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

    # -- the world around a wish ------------------------------------------------------------------------------------------

    async def instrument(self, symbol: str) -> Instrument:
        """The venue's rules for a symbol, at most a day old.  Raises `SymbolNotFound`."""
        now = self.clock.now()
        held = self._instruments.get(symbol)
        if held is None or now - held[0] > INSTRUMENT_AGE:
            held = (now, await self.broker.get_instrument(symbol))
            self._instruments[symbol] = held
        return held[1]

    def on_quote(self, quote: Quote) -> None:
        """Remember a price heard on a stream or in an answer."""
        self._quotes[quote.symbol] = (self.clock.monotonic(), quote)

    def on_positions(self, positions: Iterable[Position]) -> None:
        """Remember what the venue thinks holdings are worth: their mark until a price is heard."""
        for position in positions:
            mark = position.market_px if position.market_px is not None else position.avg_px
            if mark is not None:
                self._worth[position.symbol] = mark

    def reference(self, symbol: str) -> Reference | None:
        held = self._quotes.get(symbol)
        return Reference(quote=held[1], age_s=self.clock.monotonic() - held[0]) if held else None

    async def fresh_reference(self, symbol: str) -> Reference | None:
        """A price young enough to measure a wish against, asked for when need be; None when the venue gives none."""
        held = self.reference(symbol)
        if held is not None and Decimal(str(held.age_s)) <= self.limits.reference_age_max_s / 2:
            return held
        try:
            self.on_quote(await self.broker.get_market_data(symbol))
        except FloorbrokerError as error:
            self.log.warning("reference.unavailable", symbol=symbol, code=error.code)
        return self.reference(symbol)

    async def refresh_account(self) -> Account:
        """Ask the venue for the account; what it reserves itself is then no longer reserved by us.

        Its figure surely holds only what was settled before it was asked.
        """
        asked_at = self.clock.now()
        self.account = await self.broker.get_account_info()
        self.account_asked_at = asked_at
        self.costs = {i: cost for i, cost in self.costs.items() if self._still_counts(self.book.get(i), asked_at)}
        return self.account

    def _still_counts(self, order: Order | None, asked_at: datetime) -> bool:
        if order is None:
            return True
        if order.state in (OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED):
            return False
        return order.in_doubt or order.presumed or order.pending_replace or order.updated_at >= asked_at

    def situation(self, wish: NewOrder, instrument: Instrument, *, leave_out: IntentId | None = None) -> Situation:
        """Everything the controls look at, now, without waiting.  `leave_out` is an order about to be replaced."""
        second, minute = self.gate.message_counts()
        return Situation(
            wish=wish,
            limits=self.limits,
            info=self.broker.info,
            environment=self.profile.environment,
            instrument=instrument,
            exposure=self.exposure(leave_out),
            now=self.clock.now(),
            account=self.account,
            reference=self.reference(wish.symbol),
            blocked=self.switches.blocked(),
            not_ready=self.switches.not_ready(),
            not_armed=self.switches.not_armed(),
            messages_s=second,
            messages_min=minute,
            twin_age_s=self.gate.twin_age_s(wish, float(self.limits.duplicate_window_s)),
        )

    def exposure(self, leave_out: IntentId | None = None) -> Exposure:
        """Holdings, open and undecided orders (I5), and what is reserved beyond the venue's own figure."""
        alive = self.book.open_orders() + self._recently_presumed()
        counted = [self._at_worst(order) for order in alive if order.intent_id != leave_out]
        self.costs = {i: cost for i, cost in self.costs.items() if self._is_reserved(i)}
        return Exposure(
            positions=self.book.holdings.all(),
            marks=self._marks(counted),
            multipliers={symbol: held[1].multiplier for symbol, held in self._instruments.items()},
            open_orders=tuple(counted),
            pending=tuple(self.gate.pending.values()),
            reserved=sum((cost for i, cost in self.costs.items() if i != leave_out), ZERO),
        )

    def _recently_presumed(self) -> list[Order]:
        """Orders presumed not placed count for a day; after that only a sign of them does."""
        oldest = self.clock.now() - PRESUMED_COUNTS
        return [order for order in self.book.presumed_orders() if order.created_at >= oldest]

    def _at_worst(self, order: Order) -> Order:
        """An order with a change in flight counts at the larger of its two sizes (I5)."""
        if not order.pending_replace or order.order_qty is None:
            return order
        asked = [fact for fact in self.book.facts(order.intent_id) if isinstance(fact, ReplaceAsked)]
        wanted = max(asked, key=lambda fact: fact.replace_id).changes.order_qty or order.order_qty
        return replace(order, leaves_qty=Quantity(max(wanted, order.order_qty) - order.cum_qty))

    def _is_reserved(self, intent_id: IntentId) -> bool:
        order = self.book.get(intent_id)
        if order is None:
            return intent_id in self.gate.pending
        gone = (OrderState.NOT_SENT, OrderState.REJECTED, OrderState.NOT_PLACED)
        unfilled = not order.is_open and order.cum_qty == 0 and not order.presumed
        return order.state not in gone and not unfilled

    def reserve(self, intent_id: IntentId, situation: Situation) -> None:
        """Count the cost of an approved wish until the venue's own figure does."""
        self.costs[intent_id] = cost_of(situation) or ZERO

    def _marks(self, orders: list[Order]) -> dict[str, Decimal]:
        marks = dict(self._worth)
        marks |= {o.terms.symbol: o.price for o in orders if o.price is not None and o.terms.symbol not in marks}
        for symbol, (_, quote) in self._quotes.items():
            mark = quote.mid or quote.last or quote.bid or quote.ask
            if mark is not None:
                marks[symbol] = mark
        return marks

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

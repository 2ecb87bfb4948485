"""The order service of one account: wires submit, cancel, replace, doubt and reconciliation around one book."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FieldError, FloorbrokerError, OrderRejected
from floorbroker.domain.options import Premium
from floorbroker.domain.orders import NewOrder, Order, OrderState
from floorbroker.domain.records import ExecutionReport, MarginRequirement, Quote
from floorbroker.domain.values import AssetClass, OrderClass
from floorbroker.oms.account import GATEWAY, AccountContext, Actor
from floorbroker.oms.book import Change
from floorbroker.oms.cancel import Canceller
from floorbroker.oms.doubt import Resolver
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.paced import Paced
from floorbroker.oms.replace import Replacer
from floorbroker.oms.resolving import Resolving
from floorbroker.oms.rounds import Reconciler
from floorbroker.oms.sealer import Sealer
from floorbroker.oms.submit import Submitter
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.situation import Situation
from floorbroker.risk.verdict import Verdict

STUCK_S = 3.0
OPEN_ORDERS_S = 30.0
OPEN_AGAIN_S = 5.0  # between two listings that something called for
EQUITY_S = 30.0  # prices move what is held, and no order says so
SILENT_S = 20.0
DEAF_S = 5.0
TICK_S = 1.0
STOP_S = 5.0
LATE_CANCEL_S = 2.0
SEAL_S = 2.0
_GROUPS = frozenset({OrderClass.BRACKET, OrderClass.OCO, OrderClass.OTO})
Look = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a submit would meet."""

    verdicts: tuple[Verdict, ...]
    objections: tuple[FieldError, ...]
    margin: MarginRequirement | None
    quote: Quote | None
    premium: Premium | None = None  # of an order of options


@dataclass(slots=True)
class OrderService:
    """One account's orders.  `announce` hears of every durable change, on the event loop; `on_deaf` when a look at the open
    orders found what a silent stream should have told, and has not told since.
    """

    ctx: AccountContext
    announce: Callable[[Change], None]
    on_deaf: Callable[[], None] = lambda: None
    is_left_alone: Callable[[], bool] = bool  # whether the venue is asked nothing that no order calls for
    inbound: Inbound = field(init=False)
    submitter: Submitter = field(init=False)
    canceller: Canceller = field(init=False)
    replacer: Replacer = field(init=False)
    resolver: Resolver = field(init=False)
    reconciler: Reconciler = field(init=False)
    resolving: Resolving = field(init=False)
    sealer: Sealer = field(init=False)
    _account_looks: Paced = field(default_factory=Paced)
    _listings: Paced = field(default_factory=Paced)
    _troubles: dict[str, str] = field(default_factory=dict[str, str])  # the last one that each look met, by its code

    def __post_init__(self) -> None:
        self.inbound = Inbound(self.ctx)
        self.submitter = Submitter(self.ctx, self.inbound)
        self.canceller = Canceller(self.ctx, self.inbound)
        self.replacer = Replacer(self.ctx, self.inbound)
        self.resolver = Resolver(self.ctx, self.inbound)
        self.reconciler = Reconciler(self.ctx, self.inbound, self.resolver)
        self.resolving = Resolving(self.ctx, self.inbound, self.resolver)
        ctx = self.ctx
        self.sealer = Sealer(book=ctx.book, clock=ctx.clock, log=ctx.log, last_seq=lambda: ctx.journal.last_seq)
        self.ctx.writer.on_change = self._on_change

    def start(self) -> None:
        """Start the writer; from here on facts are taken, and orders that are done leave memory."""
        self.ctx.spawn(self.ctx.writer.run(), name="writer")
        if self.ctx.book.archive is not None:
            self.ctx.spawn(self.sealer.run(), name="sealer")

    def start_watching(self) -> None:
        """Start the periodic looks of RELIABILITY 4."""
        self.ctx.spawn(self._watch(), name="watch")
        for order in self.ctx.book.open_orders():
            if order.state is OrderState.UNKNOWN or order.pending_replace:
                self.resolver.watch(order)  # a doubt from before a restart is still a doubt

    def on_report(self, report: ExecutionReport) -> None:
        """The private stream's way in."""
        self.inbound.on_report(report)

    # -- what a change calls for -----------------------------------------------------------------------------------------

    def _on_change(self, change: Change) -> None:
        before, after = change.before, change.after
        if before is after:  # a further fact of one commit: its first has told what the order went through
            self.announce(change)
            return
        if after.state is OrderState.UNKNOWN:
            self.resolver.watch(after)
        if before is not None and before.pending_replace and not (after.pending_replace or after.is_open):
            self.resolver.watch(after)  # done, and the change that nobody answered may have made another of it
        if _appeared(before, after):
            self._on_appearance(after)
        if before is None or _costs(before) != _costs(after):
            self._account_looks.call_for()
        self.announce(change)

    def _on_appearance(self, order: Order) -> None:
        """An order in doubt shows up: do what was asked of it meanwhile, and cancel it if it had been given up."""
        late = any("late acceptance" in alert for alert in order.alerts)
        for alert in order.alerts:
            self.ctx.log.error("order.contradiction", intent=order.intent_id, detail=alert)
        if order.terms.order_class in _GROUPS:
            self._listings.call_for()  # its exits were in the reply that was lost
        if order.pending_cancel:
            self.ctx.spawn(self.canceller.again(order), name="cancel")
        elif late and self.ctx.cancel_late:
            self.ctx.spawn(self.cancel_late(order), name="cancel-late")

    async def cancel_late(self, order: Order) -> None:
        """Asked again while the venue does not take it: nobody else will ask, for everybody took the order for not placed."""
        ctx = self.ctx
        while (current := ctx.book.get(order.intent_id)) is not None and current.is_open and not current.pending_cancel:
            try:
                await self.canceller.cancel(current, actor=GATEWAY, reason="late acceptance")
            except FloorbrokerError as error:
                ctx.log.error("order.late_cancel_failed", intent=order.intent_id, code=error.code)
            await ctx.clock.sleep(LATE_CANCEL_S)

    # -- periodic looks -----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Every second: what is stuck; every 30 s, or when called for: open orders, even if the stream looks healthy."""
        self._listings.did(self.ctx.clock.monotonic())
        while True:
            await self.ctx.clock.sleep(TICK_S)
            for look in self._looks():
                await self._try(look)
            if not self.is_left_alone() and self._is_listing_due():
                await self._try(self._list_open)

    def _looks(self) -> list[Look]:
        """What this second calls for; of a quiet account, next to nothing."""
        looks: list[Look] = [] if self.is_left_alone() else [self._look_at_account]
        if not self.ctx.book.is_quiet:
            looks.insert(0, self._look_at_stuck)
        if not self.ctx.journal.is_writable:
            looks.append(self._look_at_journal)
        return looks

    async def _try(self, look: Look) -> None:
        """One look; whatever it meets, the next one comes.  Trouble that stays the same is told once."""
        name = look.__name__
        try:
            with ours(self.ctx.log, "watch.unforeseen"):
                await look()
        except FloorbrokerError as error:
            if self._troubles.get(name) != error.code:
                self.ctx.log.warning("watch.failed", code=error.code, detail=error.detail)
            self._troubles[name] = error.code
        else:
            self._troubles.pop(name, None)

    def _is_listing_due(self) -> bool:
        """Sooner while orders work and the stream says nothing: it may be dead without knowing it."""
        is_silent = self.inbound.silence_s() >= SILENT_S and bool(self.ctx.book.open_orders())
        longest_s = SILENT_S if is_silent else OPEN_ORDERS_S
        return self._listings.is_due(self.ctx.clock.monotonic(), every_s=OPEN_AGAIN_S, longest_s=longest_s)

    async def _look_at_journal(self) -> None:
        """A disk that was full may have room again."""
        if self.ctx.journal.recover():
            self.ctx.log.info("journal.writable_again", profile=self.ctx.profile.name)

    async def _look_at_account(self) -> None:
        self.ctx.catch_up()
        every_s, longest_s = self.ctx.broker.info.account_every_s, EQUITY_S if self._may_have_lost() else None
        if self._account_looks.is_due(self.ctx.clock.monotonic(), every_s=every_s, longest_s=longest_s):
            await self._try(self._ask_account)

    async def _ask_account(self) -> None:
        await self.ctx.refresh_account()

    def _may_have_lost(self) -> bool:
        """Whether the account may have lost without any order since it was looked at, and a limit of losses asks for that."""
        ctx = self.ctx
        is_old = ctx.clock.monotonic() - ctx.account_asked_s >= EQUITY_S
        return is_old and ctx.limits.watches_losses and any(ctx.book.holdings.units.values())

    async def _look_at_stuck(self) -> None:
        now = self.ctx.clock.now()
        for order in self.ctx.book.open_orders():
            self._look_at(order, age_s=(now - order.updated_at).total_seconds())
        await self.reconciler.complete_executions()

    def _look_at(self, order: Order, *, age_s: float) -> None:
        """Start what an order calls for.  A doubt is settled whatever broke off the last try, a restart included."""
        if order.state is OrderState.UNKNOWN:
            self.resolver.watch(order)
        elif 0 <= age_s < STUCK_S:  # below 0, by a clock that was moved back since: old enough for all we know
            return
        elif order.state is OrderState.SENDING:
            self.ctx.spawn(self._look_at_send(order), name="look")
        else:
            if order.pending_replace:
                self.resolver.watch(order)
            if order.pending_cancel:
                self.ctx.spawn(self.canceller.again(order), name="cancel")

    async def _look_at_send(self, order: Order) -> None:
        """A send under way for seconds is asked about; one that ended without a word is in doubt."""
        if self.submitter.is_sending(order.intent_id):
            await self.resolver.look(order)
            return
        now = self.ctx.book.get(order.intent_id)
        if now is not None and now.state is not OrderState.SENDING:  # the word came while this look was on its way
            return
        doubt = f.InDoubt(source=f.Source.OWN, at=self.ctx.clock.now(), reason="the send ended without an answer")
        await self.inbound.write_facts(order.intent_id, [doubt])

    async def _list_open(self) -> None:
        """What it finds the stream should have told; one that was silent before and stays so does not tell."""
        heard_s, was_silent = self.inbound.heard_at, self.inbound.silence_s() >= SILENT_S
        found = await self.reconciler.sweep()
        if found.counts["untold"] and was_silent and Can.STREAM_ORDERS in self.ctx.broker.info.can:
            self.ctx.spawn(self._mind_silence(heard_s), name="silence")

    async def _mind_silence(self, heard_s: float) -> None:
        await self.ctx.clock.sleep(DEAF_S)
        if self.inbound.heard_at == heard_s:
            self.ctx.log.warning("stream.deaf", silent_s=round(self.inbound.silence_s()))
            self.on_deaf()

    # -- asking without acting -------------------------------------------------------------------------------------------------

    async def preview(self, wish: NewOrder, *, principal: str = "") -> Outlook:
        """Every control's verdict, the venue's objections, margin and price; nothing is reserved or sent.

        With the limits and the kill switch of whoever would place it (`principal`), where that is known.
        """
        ctx = self.ctx
        instrument, reference = await ctx.look_around(wish)
        objections = tuple(await ctx.broker.validate_order(wish))
        margin, has_preview = None, Can.PREVIEW in ctx.broker.info.can
        try:
            margin = await ctx.broker.get_margin_requirements(wish)
        except OrderRejected as error:
            if has_preview:  # the venue's own preview says that it would turn the order down
                detail = error.venue_text or error.detail
                objections += (FieldError(pointer="", code="refused_by_venue", detail=detail),)
        except FloorbrokerError:
            if has_preview:
                raise
            # An adapter that reckons by itself has no price or no rule for it: then nobody tells, and our controls stand.
        is_option = instrument.asset_class is AssetClass.OPTION  # of shares our own reckoning stands, as for a submit
        told = margin if is_option and has_preview else None
        who = Actor(principal=principal, via=GATEWAY.via)  # at no door of a person: nobody confirms a preview
        situation = ctx.situation(wish, instrument, actor=who, margin=told, is_new=False)
        verdicts = tuple(v for v in ctx.gate.check(situation) if v.control != "venue_rules")  # the objections tell that
        return Outlook(
            verdicts=verdicts,
            objections=objections,
            margin=margin,
            quote=reference.quote if reference else None,
            premium=_premium(situation) if is_option else None,
        )

    async def cancel_open(self, orders: list[Order], *, actor: Actor, reason: str) -> list[FloorbrokerError | None]:
        """Cancel several at once; one answer each."""
        return await self.canceller.cancel_each(orders, actor=actor, reason=reason)

    async def sends_ended(self) -> None:
        """Let sends under way end and what was heard become durable, as far as that goes soon."""
        await self._within(self.submitter.finish(), self.ctx.send_timeout_s)
        if self.ctx.journal.is_writable:
            await self._within(self.ctx.writer.idle(), STOP_S)

    async def stop(self) -> None:
        """After that, end every task."""
        await self.sends_ended()
        await self.sealer.finish(SEAL_S)
        await self.ctx.stop()
        await self.sealer.close()

    async def _within(self, work: Coroutine[Any, Any, None], longest_s: float) -> None:
        tasks = [self.ctx.spawn(work, name="stop"), self.ctx.spawn(self.ctx.clock.sleep(longest_s), name="stop")]
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        for task in tasks:
            task.cancel()


def _premium(s: Situation) -> Premium:
    """What an order of options would pay or get at the price it is measured at."""
    account = s.account
    told = None if account is None else account.option_buying_power
    return Premium(
        price=s.price,
        multiplier=s.instrument.multiplier,
        total=s.notional,
        currency=s.instrument.currency,
        power=account.buying_power if told is None and account is not None else told,
    )


def _costs(order: Order) -> tuple[object, ...]:
    """What the venue's own figures of the account may follow."""
    return (order.cum_qty, order.is_open, order.in_doubt, order.pending_replace)


def _appeared(before: Order | None, after: Order) -> bool:
    """Whether an order in doubt, or given up, or called done, turns out to be at the venue and open."""
    if before is None or not after.is_open or after.in_doubt:
        return False
    return before.in_doubt or not before.is_open

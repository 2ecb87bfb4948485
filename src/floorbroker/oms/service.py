"""The order service of one account: wires submit, cancel, replace, doubt and reconciliation around one book."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FieldError, FloorbrokerError
from floorbroker.domain.orders import NewOrder, Order, OrderState
from floorbroker.domain.records import ExecutionReport, MarginRequirement, Quote
from floorbroker.oms.account import GATEWAY, AccountContext, Actor
from floorbroker.oms.book import Change
from floorbroker.oms.cancel import Canceller
from floorbroker.oms.doubt import Resolver
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.replace import Replacer
from floorbroker.oms.rounds import Reconciler
from floorbroker.oms.submit import Submitter
from floorbroker.risk.verdict import Verdict

STUCK_S = 3.0
OPEN_ORDERS_S = 30.0
TICK_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Outlook:
    """What a submit would meet."""

    verdicts: tuple[Verdict, ...]
    objections: tuple[FieldError, ...]
    margin: MarginRequirement | None
    quote: Quote | None


@dataclass(slots=True)
class OrderService:
    """One account's orders.  `announce` hears of every durable change, on the event loop."""

    ctx: AccountContext
    announce: Callable[[Change], None]
    inbound: Inbound = field(init=False)
    submitter: Submitter = field(init=False)
    canceller: Canceller = field(init=False)
    replacer: Replacer = field(init=False)
    resolver: Resolver = field(init=False)
    reconciler: Reconciler = field(init=False)
    _account_stale: bool = False

    def __post_init__(self) -> None:
        self.inbound = Inbound(self.ctx)
        self.submitter = Submitter(self.ctx, self.inbound)
        self.canceller = Canceller(self.ctx, self.inbound)
        self.replacer = Replacer(self.ctx, self.inbound)
        self.resolver = Resolver(self.ctx, self.inbound)
        self.reconciler = Reconciler(self.ctx, self.inbound, self.resolver)
        self.ctx.writer.on_change = self._on_change

    def start(self) -> None:
        """Start the writer; from here on facts are taken."""
        self.ctx.spawn(self.ctx.writer.run(), name="writer")

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
        if after.state is OrderState.UNKNOWN:
            self.resolver.watch(after)
        if _appeared(before, after):
            self._on_appearance(after)
        if before is None or before.cum_qty != after.cum_qty or before.is_open != after.is_open:
            self._account_stale = True
        self.announce(change)

    def _on_appearance(self, order: Order) -> None:
        """An order in doubt shows up: do what was asked of it meanwhile, and cancel it if it had been given up."""
        late = any("late acceptance" in alert for alert in order.alerts)
        if late:
            self.ctx.log.error("order.late_acceptance", intent=order.intent_id)
        if order.pending_cancel:
            self.ctx.spawn(self.canceller.again(order), name="cancel")
        elif late and self.ctx.cancel_late:
            self.ctx.spawn(self._cancel_late(order), name="cancel-late")

    async def _cancel_late(self, order: Order) -> None:
        try:
            await self.canceller.cancel(order, actor=GATEWAY, reason="late acceptance")
        except FloorbrokerError as error:
            self.ctx.log.error("order.late_cancel_failed", intent=order.intent_id, code=error.code)

    # -- periodic looks -----------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Every second: what is stuck; every 30 s: open orders, even if the stream looks healthy."""
        last_listing = self.ctx.clock.monotonic()
        while True:
            await self.ctx.clock.sleep(TICK_S)
            try:
                await self._look_at_stuck()
                if self._account_stale:
                    self._account_stale = False
                    await self.ctx.refresh_account()
                if self.ctx.clock.monotonic() - last_listing >= OPEN_ORDERS_S:
                    last_listing = self.ctx.clock.monotonic()
                    await self._list_open()
            except FloorbrokerError as error:
                self.ctx.log.warning("watch.failed", code=error.code, detail=error.detail)

    async def _look_at_stuck(self) -> None:
        now = self.ctx.clock.now()
        for order in self.ctx.book.open_orders():
            age_s = (now - order.updated_at).total_seconds()
            if age_s < STUCK_S or order.in_doubt:
                continue
            if order.pending_replace:
                self.resolver.watch(order)
            if order.pending_cancel:
                await self.canceller.again(order)
        await self.reconciler.complete_executions()

    async def _list_open(self) -> None:
        listed = await self.ctx.broker.get_open_orders()
        await self.inbound.take(listed.items)
        await self.reconciler.ask_unlisted(listed)

    # -- asking without acting -------------------------------------------------------------------------------------------------

    async def preview(self, wish: NewOrder) -> Outlook:
        """Every control's verdict, the venue's objections, margin and price; nothing is reserved or sent."""
        ctx = self.ctx
        symbol = wish.symbol if not wish.legs else wish.legs[0].symbol
        instrument = await ctx.instrument(symbol)
        reference = await ctx.fresh_reference(symbol)
        if ctx.account is None:
            await ctx.refresh_account()
        objections = await ctx.broker.validate_order(wish)
        margin = await ctx.broker.get_margin_requirements(wish) if Can.PREVIEW in ctx.broker.info.can else None
        verdicts = ctx.gate.check(ctx.situation(wish, instrument))
        return Outlook(
            verdicts=verdicts, objections=objections, margin=margin, quote=reference.quote if reference else None
        )

    async def cancel_open(self, orders: list[Order], *, actor: Actor, reason: str) -> list[FloorbrokerError | None]:
        """Cancel several at once; one answer each."""
        return await self.canceller.cancel_each(orders, actor=actor, reason=reason)

    async def stop(self) -> None:
        """Let handed-over facts become durable, then end every task."""
        if self.ctx.journal.is_writable:
            await self.ctx.writer.idle()
        await self.ctx.stop()


def _appeared(before: Order | None, after: Order) -> bool:
    """Whether an order in doubt, or given up, turns out to be at the venue and open."""
    if before is None or not after.is_open or after.in_doubt:
        return False
    return before.in_doubt or before.presumed or before.state is OrderState.NOT_PLACED

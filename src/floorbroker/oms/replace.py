"""Replace: an intent of its own, one in flight an order, total quantity, never below what is filled (RELIABILITY 2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import (
    Conflict,
    FieldError,
    FloorbrokerError,
    InvalidRequest,
    JournalFault,
    NotSupported,
    Outcome,
)
from floorbroker.domain.orders import NewOrder, Order, OrderChanges
from floorbroker.domain.ports import FactEntry, Reports
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import WIDE, ZERO, ClOrdId, IntentId, OrderType, OrdStatus, Price, Quantity
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.soundness import misfits
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.controls import asked_of
from floorbroker.risk.situation import Situation
from floorbroker.risk.verdict import refusal

_ASKED_BEFORE = frozenset({"duplicate"})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Change:
    """One change, decided: `decided_at` is `Clock.monotonic()` of the decision."""

    order: Order
    changes: OrderChanges
    replace_id: IntentId
    cl_ord_id: ClOrdId
    decided_at: float


@dataclass(slots=True)
class Replacer:
    """Changes working orders of one account."""

    ctx: AccountContext
    inbound: Inbound
    _running: set[IntentId] = field(default_factory=set[IntentId])

    async def replace(self, order: Order, changes: OrderChanges, *, actor: Actor) -> Order:
        """The order after the venue's answer.  Raises for what cannot be asked, and the venue's error when it says no."""
        self.ctx.steps.reach("replace.accepted")
        with self.ctx.tracer.span(
            "order.replace", profile=self.ctx.profile.name, broker=self.ctx.profile.broker
        ) as span:
            change = await self._decide(order, changes, actor)
            task = self.ctx.spawn(self._carry_out(change, actor=actor), name="replace")
            task.add_done_callback(lambda _: self._running.discard(order.intent_id))
            error = await asyncio.shield(task)
            if error is not None:
                span.failed(error.code)
        if error is not None and error.outcome is not Outcome.UNKNOWN:
            raise error
        return self.ctx.book.get(order.intent_id) or order

    async def _decide(self, order: Order, changes: OrderChanges, actor: Actor) -> _Change:
        ctx = self.ctx
        try:
            self._sane(order, changes)
            ctx.switches.assert_open()
            ctx.switches.assert_admitted(order.terms.strategy, actor.principal)
            instrument, _ = await ctx.look_around(order.terms)
            current = ctx.book.get(order.intent_id) or order
            self._sane(current, changes)
            wish = _changed(current, changes, whole=ctx.broker.info.whole_successors)
            owner = Actor(principal=ctx.share.owner_of(current).token, via=actor.via, confirm=actor.confirm)
            situation = ctx.situation(wish, instrument, leave_out=order.intent_id, actor=owner, is_new=False)
            return self._approve(current, changes, situation)
        except FloorbrokerError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT  # a question failed; the change was never on its way
            await self._refused(order, actor, error)
            raise

    def _approve(self, order: Order, changes: OrderChanges, situation: Situation) -> _Change:
        """Every control, and the reservation of what the order grows by, without an await (I12)."""
        ctx = self.ctx
        for control in asked_of(situation):
            verdict = control(situation)
            if not verdict.ok and verdict.control not in _ASKED_BEFORE:
                raise refusal(verdict)
        ctx.gate.count_message(order.terms.symbol)
        replace_id = ctx.ids.intent(ctx.clock.now())
        self._running.add(order.intent_id)
        growth = situation.wish.order_qty or ZERO
        if not ctx.broker.info.whole_successors:
            growth = Quantity(WIDE.subtract(growth, order.leaves_qty or ZERO))
        if growth > 0:
            grown = replace(situation.wish, order_qty=Quantity(growth))
            ctx.gate.hold(replace_id, grown, situation.principal)
        ctx.reserve(order.intent_id, situation)
        ctx.steps.reach("replace.decided")
        return _Change(
            order=order,
            changes=changes,
            replace_id=replace_id,
            cl_ord_id=ctx.broker.identity.encode(replace_id),
            decided_at=ctx.clock.monotonic(),
        )

    async def _refused(self, order: Order, actor: Actor, error: FloorbrokerError) -> None:
        """Every refusal is audited."""
        row = self.ctx.audit(
            actor, "order.replace", order.intent_id, outcome="refused", reason=error.code, detail=error.detail
        )
        try:
            await self.ctx.writer.write([row])
        except JournalFault as fault:
            self.ctx.log.error("replace.refusal_not_journaled", detail=fault.detail)

    def _sane(self, order: Order, changes: OrderChanges) -> None:
        self.ctx.assert_touchable(order)
        if Can.REPLACE not in self.ctx.broker.info.can:
            raise NotSupported(f"{self.ctx.broker.info.name} cannot change orders: cancel and place anew")
        if not order.is_open or order.in_doubt:
            raise Conflict(f"order {order.intent_id} is {order.ord_status.value}: it cannot be changed")
        if order.pending_replace or order.intent_id in self._running:
            raise Conflict(f"order {order.intent_id} has a change in flight: wait for its answer")
        if order.pending_cancel:
            raise Conflict(f"order {order.intent_id} is being cancelled: it cannot be changed")
        if changes == OrderChanges():
            raise InvalidRequest("nothing to change")
        if changes.order_qty is not None and changes.order_qty <= order.cum_qty:
            detail = f"the new total must be above the {order.cum_qty} already filled"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/quantity", code="below_filled", detail=detail),))
        if found := misfits(order.terms, changes):
            raise InvalidRequest(f"{found[0].pointer}: {found[0].detail}", fields=found)

    async def _carry_out(self, change: _Change, *, actor: Actor) -> FloorbrokerError | None:
        await self._commit(change, actor)
        self.ctx.steps.reach("replace.committed")
        try:
            answer = await self._send(change)
        except FloorbrokerError as error:
            answer = error
        self.ctx.steps.reach("replace.heard")
        try:
            await self._conclude(change, answer)
        except JournalFault as fault:  # what we heard is held; the change stands as asked, which is durable and true
            self.ctx.log.error("replace.answer_not_journaled", intent=change.order.intent_id, detail=fault.detail)
        self.ctx.steps.reach("replace.folded")
        return answer if isinstance(answer, FloorbrokerError) else None

    async def _conclude(self, change: _Change, answer: Reports | FloorbrokerError) -> None:
        if isinstance(answer, FloorbrokerError):
            await self._after_failure(change.order, change.replace_id, answer)
        else:
            await self._take(change.order, change.replace_id, answer)

    async def _commit(self, change: _Change, actor: Actor) -> None:
        """The change and its client id, durable before a byte of it leaves (I2); its growth then lives in the book."""
        ctx, order = self.ctx, change.order
        asked = f.ReplaceAsked(
            source=f.Source.OWN,
            at=ctx.clock.now(),
            replace_id=change.replace_id,
            cl_ord_id=change.cl_ord_id,
            changes=change.changes,
        )
        row = ctx.audit(actor, "order.replace", order.intent_id, outcome="sending", replace_id=change.replace_id)
        with ctx.gate.reserved(change.replace_id):
            fact = FactEntry(profile=ctx.profile.name, intent_id=order.intent_id, fact=asked)
            ctx.steps.reach("replace.commit")
            await ctx.writer.commit_act([fact, row])

    async def _send(self, change: _Change) -> Reports:
        ctx, order = self.ctx, change.order
        ctx.switches.assert_open()
        ctx.switches.assert_admitted(order.terms.strategy, ctx.book.principal(order.intent_id))
        with ours(ctx.log, "replace.unforeseen", intent=order.intent_id):
            return await ctx.broker.modify_order(
                order.ref, change.changes, cl_ord_id=change.cl_ord_id, decided_at=change.decided_at
            )

    async def _take(self, order: Order, replace_id: IntentId, reports: Reports) -> None:
        """A venue that keeps the id answers with the order's new terms; one that changes it names the old id."""
        await self.inbound.take(reports)
        kept = next((report for report in reports if _is_done_in_place(order, report)), None)
        if kept is None or kept.order_id is None:
            return
        done = f.ReplaceDone(
            source=f.Source.REPLY,
            at=self.ctx.clock.now(),
            orig_order_id=kept.order_id,
            order_id=kept.order_id,
            replace_id=replace_id,
            order_qty=kept.order_qty,
            price=kept.price,
            stop_px=kept.stop_px,
        )
        await self.inbound.write_facts(order.intent_id, [done])

    async def _after_failure(self, order: Order, replace_id: IntentId, error: FloorbrokerError) -> None:
        """How the order stands is asked for before a refusal is believed: a network may hand a change over twice, and then the
        venue refuses the second, because the first has been done.
        """
        ctx = self.ctx
        try:
            await self.inbound.take(await ctx.broker.get_order_status(order.ref))
        except FloorbrokerError as again:
            ctx.log.warning("replace.look_failed", code=again.code, intent=order.intent_id)
        if error.outcome is Outcome.UNKNOWN:
            return
        if self._has_a_stranger(order):
            error.outcome = Outcome.UNKNOWN  # it may be ours: whoever settles the change asks for it by its own name
            return
        refused = f.ReplaceRefused(
            source=f.Source.REPLY,
            at=ctx.clock.now(),
            replace_id=replace_id,
            reason=error.code,
            venue_text=error.venue_text,
        )
        await self.inbound.write_facts(order.intent_id, [refused])

    def _has_a_stranger(self, order: Order) -> bool:
        """Whether an order in another's place is said to have replaced it, and nobody has told yet whose that is."""
        done = [fact for fact in self.ctx.book.facts(order.intent_id) if isinstance(fact, f.ReplaceDone)]
        told = {fact.order_id for fact in done if fact.replace_id is not None or fact.order_qty is not None}
        after = {fact.order_id for fact in done if fact.orig_order_id == order.order_id != fact.order_id}
        return bool(after - told)


def _is_done_in_place(order: Order, report: ExecutionReport) -> bool:
    """Whether a reply says that the order has its new terms under its old id; "asked for" is not done."""
    same = report.order_id is not None and report.order_id == order.order_id
    return same and not report.replaced_by and report.ord_status is not OrdStatus.PENDING_REPLACE


def _changed(order: Order, changes: OrderChanges, *, whole: bool) -> NewOrder:
    """The wish the order would be after the change, for the controls: its open part, or all of it where it may begin anew."""
    total = changes.order_qty or order.order_qty
    terms = order.terms
    trailing = terms.order_type is OrderType.TRAILING_STOP and changes.trail is not None
    return replace(
        terms,
        order_qty=None if total is None else Quantity(total if whole else WIDE.subtract(total, order.cum_qty)),
        price=changes.price or order.price,
        stop_px=changes.stop_px or order.stop_px,
        trail_amount=Price(Decimal(changes.trail or 0)) if trailing and terms.trail_amount else terms.trail_amount,
        trail_percent=changes.trail if trailing and terms.trail_percent else terms.trail_percent,
        tif=changes.tif or order.tif,
        allow_duplicate=True,
    )

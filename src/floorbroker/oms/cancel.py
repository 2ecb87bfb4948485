"""Cancels: never blocked by our own controls, repeatable, and never believed without evidence (RELIABILITY 2, I15)."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from floorbroker.domain import facts as f
from floorbroker.domain.errors import (
    ApiError,
    Conflict,
    FloorbrokerError,
    JournalFault,
    Outcome,
    RateLimitExceeded,
)
from floorbroker.domain.orders import Order, OrderRef, OrderState
from floorbroker.domain.ports import Entry, FactEntry, Reports
from floorbroker.domain.values import IntentId
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.unforeseen import ours

AGAIN_S = 3.0
AGAIN_MAX_S = 60.0


@dataclass(slots=True)
class _Repeat:
    """When an order's cancel may be asked once more, and how long it waits after that."""

    due_s: float = 0.0
    pause_s: float = AGAIN_S


@dataclass(slots=True)
class Canceller:
    """Asks venues to cancel orders of one account.

    A cancel is repeated every few seconds.  Cancels go before everything else in a rate budget, so where they leave nothing for
    the look that would tell what became of an order, its repeats come more and more seldom.
    """

    ctx: AccountContext
    inbound: Inbound
    _running: set[IntentId] = field(default_factory=set[IntentId])
    _repeats: dict[IntentId, _Repeat] = field(default_factory=dict[IntentId, _Repeat])

    async def cancel(self, order: Order, *, actor: Actor, reason: str) -> Order:
        """The order after the venue's answer.  Raises `Conflict` for an order that is done, and the venue's error
        when it says no.
        """
        self.ctx.assert_touchable(order)
        if not order.is_open and not order.presumed:
            raise Conflict(f"order {order.intent_id} is {order.ord_status.value}: there is nothing to cancel")
        with self.ctx.tracer.span(
            "order.cancel", profile=self.ctx.profile.name, broker=self.ctx.profile.broker
        ) as span:
            task = self.ctx.spawn(self._carry_out(order, actor=actor, reason=reason), name="cancel")
            error = await asyncio.shield(task)
            if error is not None:
                span.failed(error.code)
        after = self.ctx.book.get(order.intent_id) or order
        if error is not None and after.is_open:
            raise error
        return after

    async def cancel_each(self, orders: Iterable[Order], *, actor: Actor, reason: str) -> list[FloorbrokerError | None]:
        """Cancel several at once; each has its own answer."""
        tasks = [self.ctx.spawn(self._carry_out(o, actor=actor, reason=reason), name="cancel") for o in orders]
        # A caller that goes away takes no cancel back.
        return [_said(found) for found in await asyncio.shield(asyncio.gather(*tasks, return_exceptions=True))]

    def is_due(self, order: Order) -> bool:
        """Whether a cancel that was asked before may be repeated now; never of an order that is only observed since."""
        if not self.ctx.may_touch(order) or order.intent_id in self._running:
            return False
        if order.in_doubt and not self.ctx.writer.is_failing:
            return False
        repeat = self._repeats.get(order.intent_id)
        return repeat is None or self.ctx.clock.monotonic() >= repeat.due_s

    async def again(self, order: Order) -> FloorbrokerError | None:
        """Repeat a cancel that was asked before and is not answered by facts yet, where it is due: without a word to the
        journal.  What the venue objected is given back.
        """
        if not self.is_due(order):
            return None
        now = self.ctx.clock.monotonic()
        repeat = self._repeats.pop(order.intent_id, None) or _Repeat()
        repeat.due_s = now + repeat.pause_s
        self._repeats[order.intent_id] = repeat  # the newest stands last
        while self._repeats[oldest := next(iter(self._repeats))].due_s + AGAIN_MAX_S <= now:
            del self._repeats[oldest]
        self._running.add(order.intent_id)
        try:
            return await self._ask(order, request_id=None)
        finally:
            self._running.discard(order.intent_id)

    async def _carry_out(self, order: Order, *, actor: Actor, reason: str) -> FloorbrokerError | None:
        ctx, now = self.ctx, self.ctx.clock.now()
        ctx.steps.reach("cancel.accepted")
        request_id = str(ctx.ids.intent(now))
        ctx.gate.count_message(order.terms.symbol)
        ctx.risk.count_message(ctx.share.owner_of(order))
        asked = f.CancelAsked(source=f.Source.OWN, at=now, request_id=request_id, reason=reason)
        is_kept = await self._record(
            [
                FactEntry(profile=ctx.profile.name, intent_id=order.intent_id, fact=asked),
                ctx.audit(actor, "order.cancel", order.intent_id, outcome="sending", reason=reason),
            ]
        )
        ctx.steps.reach("cancel.asked")
        now_known = ctx.book.get(order.intent_id) or order  # it may have shown up while the wish was written
        if now_known.in_doubt and is_kept:
            return None  # its id is not known to exist; the resolver cancels it when it appears
        if now_known.state is OrderState.NOT_SENT:
            return None  # the send ended while the wish was written, and nothing of it left
        return await self._ask(now_known, request_id=request_id)

    async def _record(self, entries: list[Entry]) -> bool:
        """Durable when the disk allows; a full disk holds the rows back and does not hold the cancel back."""
        try:
            await self.ctx.writer.write(entries)
        except JournalFault as fault:
            self.ctx.log.error("cancel.not_journaled", detail=fault.detail)
            return False
        return True

    async def _ask(self, order: Order, *, request_id: str | None) -> FloorbrokerError | None:
        ctx = self.ctx
        try:
            reports = await self._send(order)
        except FloorbrokerError as error:
            await self._after_failure(order, request_id, error)
            return error
        try:
            await self.inbound.take(reports)
        except JournalFault as fault:
            ctx.log.error("cancel.answer_not_journaled", detail=fault.detail)
        ctx.steps.reach("cancel.folded")
        return None

    async def _send(self, order: Order) -> Reports:
        with ours(self.ctx.log, "cancel.unforeseen", intent=order.intent_id):
            try:
                return await self.ctx.broker.cancel_order(await self._ref(order))
            finally:
                self.ctx.steps.reach("cancel.heard")

    async def _ref(self, order: Order) -> OrderRef:
        """The order's names.  What the venue said of one in doubt may not be durable, and nothing else is known here then: it
        is asked for the id that it gave.
        """
        if not order.in_doubt:
            return order.ref
        try:
            reports = await self.ctx.broker.get_order_status(order.ref)
        except FloorbrokerError as error:
            self.ctx.log.warning("cancel.look_failed", code=error.code, intent=order.intent_id)
            return order.ref
        told = (report.order_id for report in reports if report.cl_ord_id == order.cl_ord_id)
        return replace(order.ref, order_id=next((order_id for order_id in told if order_id is not None), None))

    async def _after_failure(self, order: Order, request_id: str | None, error: FloorbrokerError) -> None:
        """A refusal, or silence, proves nothing: note what was said, then look."""
        ctx = self.ctx
        may_show_up = order.in_doubt or order.presumed  # then it is cancelled
        is_said = error.outcome is not Outcome.UNKNOWN and not may_show_up
        if request_id is not None and is_said:
            refused = f.CancelRefused(
                source=f.Source.REPLY,
                at=ctx.clock.now(),
                request_id=request_id,
                reason=error.venue_text or error.detail,
            )
            await self._record([FactEntry(profile=ctx.profile.name, intent_id=order.intent_id, fact=refused)])
        repeat = self._repeats.get(order.intent_id, _Repeat())
        try:
            await self.inbound.take(await ctx.broker.get_order_status(order.ref))
            repeat.pause_s = AGAIN_S
        except FloorbrokerError as again:
            ctx.log.warning("cancel.look_failed", code=again.code, intent=order.intent_id)
            if isinstance(again, RateLimitExceeded):
                repeat.pause_s = min(2 * repeat.pause_s, AGAIN_MAX_S)
                repeat.due_s = ctx.clock.monotonic() + repeat.pause_s


def _said(found: BaseException | None) -> FloorbrokerError | None:
    if found is None or isinstance(found, FloorbrokerError):
        return found
    return ApiError(f"broken off: {type(found).__name__}", outcome=Outcome.UNKNOWN)

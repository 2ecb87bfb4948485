"""Replace: an intent of its own, one in flight an order, total quantity, never below what is filled (RELIABILITY 2)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import (
    Conflict,
    FieldError,
    FloorbrokerError,
    InvalidRequest,
    KillSwitchOn,
    NotReady,
    NotSupported,
    Outcome,
)
from floorbroker.domain.orders import NewOrder, Order, OrderChanges
from floorbroker.domain.ports import FactEntry, Reports
from floorbroker.domain.values import ClOrdId, IntentId, OrderType, Price
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.inbound import Inbound
from floorbroker.risk.controls import CONTROLS
from floorbroker.risk.verdict import refusal

_ASKED_BEFORE = frozenset({"duplicate"})


@dataclass(slots=True)
class Replacer:
    """Changes working orders of one account."""

    ctx: AccountContext
    inbound: Inbound

    async def replace(self, order: Order, changes: OrderChanges, *, actor: Actor) -> Order:
        """The order after the venue's answer.  Raises for what cannot be asked, and the venue's error when it says no."""
        self._sane(order, changes)
        symbol = order.terms.symbol
        instrument = await self.ctx.instrument(symbol)
        await self.ctx.fresh_reference(symbol)
        current = self.ctx.book.get(order.intent_id) or order
        self._sane(current, changes)
        situation = self.ctx.situation(_changed(current, changes), instrument, leave_out=order.intent_id)
        for control in CONTROLS:
            verdict = control(situation)
            if not verdict.ok and verdict.control not in _ASKED_BEFORE:
                raise refusal(verdict)
        self.ctx.gate.count_message()
        task = self.ctx.spawn(self._carry_out(current, changes, actor=actor), name="replace")
        error = await asyncio.shield(task)
        if error is not None and error.outcome is not Outcome.UNKNOWN:
            raise error
        return self.ctx.book.get(order.intent_id) or order

    def _sane(self, order: Order, changes: OrderChanges) -> None:
        if Can.REPLACE not in self.ctx.broker.info.can:
            raise NotSupported(f"{self.ctx.broker.info.name} cannot change orders: cancel and place anew")
        if not order.is_open or order.in_doubt:
            raise Conflict(f"order {order.intent_id} is {order.ord_status.value}: it cannot be changed")
        if order.pending_replace:
            raise Conflict(f"order {order.intent_id} has a change in flight: wait for its answer")
        if changes == OrderChanges():
            raise InvalidRequest("nothing to change")
        if changes.order_qty is not None and changes.order_qty <= order.cum_qty:
            detail = f"the new total must be above the {order.cum_qty} already filled"
            raise InvalidRequest(detail, fields=(FieldError(pointer="/quantity", code="below_filled", detail=detail),))

    async def _carry_out(self, order: Order, changes: OrderChanges, *, actor: Actor) -> FloorbrokerError | None:
        ctx, now = self.ctx, self.ctx.clock.now()
        replace_id = ctx.ids.intent(now)
        cl_ord_id = ctx.broker.identity.encode(replace_id)
        asked = f.ReplaceAsked(source=f.Source.OWN, at=now, replace_id=replace_id, cl_ord_id=cl_ord_id, changes=changes)
        row = ctx.audit(actor, "order.replace", order.intent_id, outcome="sending", replace_id=replace_id)
        await ctx.writer.write([FactEntry(profile=ctx.profile.name, intent_id=order.intent_id, fact=asked), row])
        try:
            reports = await self._send(order, changes, cl_ord_id=cl_ord_id)
        except FloorbrokerError as error:
            await self._after_failure(order, replace_id, error)
            return error
        await self._take(order, replace_id, reports)
        return None

    async def _send(self, order: Order, changes: OrderChanges, *, cl_ord_id: ClOrdId) -> Reports:
        ctx = self.ctx
        if blocked := ctx.switches.blocked():
            raise KillSwitchOn(blocked)
        if not_ready := ctx.switches.not_ready():
            raise NotReady(not_ready)
        decided_at = ctx.clock.monotonic()
        return await ctx.broker.modify_order(order.ref, changes, cl_ord_id=cl_ord_id, decided_at=decided_at)

    async def _take(self, order: Order, replace_id: IntentId, reports: Reports) -> None:
        """A venue that keeps the id answers with the order's new terms; one that changes it names the old id."""
        await self.inbound.take(reports)
        kept = next(
            (r for r in reports if r.order_id is not None and r.order_id == order.order_id and not r.replaced_by), None
        )
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
        ctx = self.ctx
        if error.outcome is not Outcome.UNKNOWN:
            refused = f.ReplaceRefused(
                source=f.Source.REPLY,
                at=ctx.clock.now(),
                replace_id=replace_id,
                reason=error.code,
                venue_text=error.venue_text,
            )
            await self.inbound.write_facts(order.intent_id, [refused])
        try:
            await self.inbound.take(await ctx.broker.get_order_status(order.ref))
        except FloorbrokerError as again:
            ctx.log.warning("replace.look_failed", code=again.code, intent=order.intent_id)


def _changed(order: Order, changes: OrderChanges) -> NewOrder:
    """The wish the order would be after the change, for the controls: its open part alone."""
    total = changes.order_qty or order.order_qty
    terms = order.terms
    trailing = terms.order_type is OrderType.TRAILING_STOP and changes.trail is not None
    return replace(
        terms,
        order_qty=None if total is None else type(total)(total - order.cum_qty),
        price=changes.price or order.price,
        stop_px=changes.stop_px or order.stop_px,
        trail_amount=Price(Decimal(changes.trail or 0)) if trailing and terms.trail_amount else terms.trail_amount,
        trail_percent=changes.trail if trailing and terms.trail_percent else terms.trail_percent,
        tif=changes.tif or order.tif,
        allow_duplicate=True,
    )

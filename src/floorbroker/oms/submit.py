"""Submit (RELIABILITY 2): accept, decide, commit SENDING, send once, classify.  An intent has one send in its life."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from floorbroker.domain import facts as f
from floorbroker.domain.errors import (
    FieldError,
    FloorbrokerError,
    InsufficientFunds,
    InvalidRequest,
    KillSwitchOn,
    NotReady,
    Outcome,
    Timeout,
)
from floorbroker.domain.orders import Approved, NewOrder, Order
from floorbroker.domain.ports import Entry, FactEntry, KeyEntry
from floorbroker.domain.values import Environment, IntentId, text_of
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.translate import fact_of_failure


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """An idempotency key and the hash of the body it came with."""

    key: str
    body_hash: str


@dataclass(slots=True)
class Submitter:
    """Turns wishes into orders of one account."""

    ctx: AccountContext
    inbound: Inbound
    _first_use: dict[tuple[str, str], asyncio.Future[None]] = field(
        default_factory=dict[tuple[str, str], asyncio.Future[None]]
    )

    async def submit(self, wish: NewOrder, *, actor: Actor, key: Key | None, route: str) -> tuple[Order, bool]:
        """The stored order, and whether the key had placed it before.  Raises for our own refusals; then nothing is stored."""
        if key is None:
            if self.ctx.profile.environment is Environment.LIVE:
                raise _key_error("live orders need an Idempotency-Key", status=400)
            return await self._place(wish, actor=actor, key=None, route=route), False
        mark = (actor.principal, key.key)
        while (running := self._first_use.get(mark)) is not None:
            await asyncio.wait([running])
        if (stored := self._stored(actor, key)) is not None:
            return stored, True
        self._first_use[mark] = done = asyncio.get_running_loop().create_future()
        try:
            return await self._place(wish, actor=actor, key=key, route=route), False
        finally:
            del self._first_use[mark]
            done.set_result(None)

    def _stored(self, actor: Actor, key: Key) -> Order | None:
        held = self.ctx.journal.find_key(principal=actor.principal, profile=self.ctx.profile.name, key=key.key)
        if held is None:
            return None
        if held.body_hash != key.body_hash:
            raise _key_error("this Idempotency-Key was used with another body", status=422)
        return self.ctx.book.get(held.intent_id)

    async def _place(self, wish: NewOrder, *, actor: Actor, key: Key | None, route: str) -> Order:
        approved = await self._approve(wish, actor)
        # From the commit on, the act must reach its end even when the caller goes away.
        task = self.ctx.spawn(self._carry_out(approved, actor=actor, key=key, route=route), name="submit")
        return await asyncio.shield(task)

    async def _approve(self, wish: NewOrder, actor: Actor) -> Approved:
        ctx = self.ctx
        instrument = await ctx.instrument(wish.symbol if not wish.legs else wish.legs[0].symbol)
        await ctx.fresh_reference(wish.symbol if not wish.legs else wish.legs[0].symbol)
        if ctx.account is None:
            await ctx.refresh_account()
        intent_id = ctx.ids.intent(ctx.clock.now())
        cl_ord_id = ctx.broker.identity.encode(intent_id)
        for last_try in (False, True):
            situation = ctx.situation(wish, instrument)
            try:
                approved = ctx.gate.approve(situation, intent_id=intent_id, cl_ord_id=cl_ord_id)
            except InsufficientFunds as error:
                # Money that fills have freed since the last look may cover it: look once more, then believe it.
                if last_try:
                    await self._refused(wish, actor, error)
                    raise
                await ctx.refresh_account()
            except FloorbrokerError as error:
                await self._refused(wish, actor, error)
                raise
            else:
                ctx.reserve(intent_id, situation)
                return approved
        raise AssertionError("the loop above returns or raises")

    async def _refused(self, wish: NewOrder, actor: Actor, error: FloorbrokerError) -> None:
        """Every refusal is audited."""
        entry = self.ctx.audit(
            actor,
            "order.submit",
            wish.symbol,
            outcome="refused",
            reason=error.code,
            detail=error.detail,
            strategy=wish.strategy,
            side=wish.side.value,
            qty=text_of(wish.order_qty) if wish.order_qty is not None else "",
        )
        if self.ctx.journal.is_writable:
            await self.ctx.writer.write([entry])
        self.ctx.meter.count("orders", outcome="refused", profile=self.ctx.profile.name)

    async def _carry_out(self, approved: Approved, *, actor: Actor, key: Key | None, route: str) -> Order:
        await self._commit(approved, actor=actor, key=key, route=route)
        facts = await self._send(approved)
        await self.inbound.write_facts(approved.intent_id, facts)
        if self.inbound.strays:
            await self.inbound.take(())
        order = self.ctx.book.get(approved.intent_id)
        assert order is not None  # its prepared fact is committed and folded above
        self.ctx.meter.count("orders", outcome=order.ord_status.value, profile=self.ctx.profile.name)
        return order

    async def _commit(self, approved: Approved, *, actor: Actor, key: Key | None, route: str) -> None:
        """Intent, key, audit row and SENDING in one durable transaction (I2); the reservation then lives in the book."""
        ctx = self.ctx
        with ctx.gate.reserved(approved.intent_id):
            records = await ctx.journal.commit(self._entries(approved, actor=actor, key=key, route=route))
            for record in records:
                change = ctx.book.apply(record)
                if change is not None:
                    ctx.writer.on_change(change)

    def _entries(self, approved: Approved, *, actor: Actor, key: Key | None, route: str) -> list[Entry]:
        ctx, at, wish = self.ctx, self.ctx.clock.now(), approved.order
        prepared = f.Prepared(
            source=f.Source.OWN,
            at=at,
            cl_ord_id=approved.cl_ord_id,
            profile=approved.profile,
            order=wish,
            principal=actor.principal,
            route=route,
        )
        sending = f.Sending(
            source=f.Source.OWN,
            at=at,
            deadline_s=ctx.send_timeout_s,
            arrival_bound_s=ctx.arrival_bound_s,
            epoch=ctx.epoch,
        )
        row = ctx.audit(
            actor,
            "order.submit",
            approved.intent_id,
            outcome="sending",
            reason=wish.reason,
            symbol=wish.symbol,
            side=wish.side.value,
            strategy=wish.strategy,
            cl_ord_id=approved.cl_ord_id,
        )
        entries: list[Entry] = [self._fact(approved.intent_id, prepared), self._fact(approved.intent_id, sending), row]
        if key is not None:
            entries.append(
                KeyEntry(
                    principal=actor.principal,
                    profile=approved.profile,
                    key=key.key,
                    body_hash=key.body_hash,
                    intent_id=approved.intent_id,
                )
            )
        return entries

    def _fact(self, intent_id: IntentId, fact: f.Fact) -> FactEntry:
        return FactEntry(profile=self.ctx.profile.name, intent_id=intent_id, fact=fact)

    async def _send(self, approved: Approved) -> list[f.Fact]:
        """The one send, and what is known after it."""
        ctx = self.ctx
        started = ctx.clock.monotonic()
        try:
            self.check(approved)
            reports = await ctx.broker.submit_order(approved)
        except FloorbrokerError as error:
            return [fact_of_failure(error, at=ctx.clock.now())]
        except Exception as error:  # noqa: BLE001 - after SENDING anything unforeseen is a doubt, never a lost order
            ctx.log.error("submit.unforeseen", error=type(error).__name__, intent=approved.intent_id)
            return [f.InDoubt(source=f.Source.OWN, at=ctx.clock.now(), reason=f"unforeseen: {type(error).__name__}")]
        finally:
            ctx.meter.observe("submit_seconds", ctx.clock.monotonic() - started, profile=ctx.profile.name)
        facts = self.inbound.own_facts(approved.intent_id, approved.cl_ord_id, reports)
        if not facts:
            return [f.InDoubt(source=f.Source.REPLY, at=ctx.clock.now(), reason="the reply does not name the order")]
        return facts

    def check(self, approved: Approved) -> None:
        """The last look before the socket write: latch, READY, age of the intent.  Raises an `OwnRefusal` (NOT_SENT)."""
        if blocked := self.ctx.switches.blocked():
            raise KillSwitchOn(blocked)
        if armed := self.ctx.switches.not_ready():
            raise NotReady(armed)
        age_s = self.ctx.clock.monotonic() - approved.decided_at
        if age_s > float(self.ctx.limits.intent_age_max_s):
            raise Timeout(f"the decision is {age_s:.1f} s old", outcome=Outcome.NOT_SENT)


def _key_error(detail: str, *, status: int) -> InvalidRequest:
    field_error = FieldError(pointer="/Idempotency-Key", code="idempotency_key", detail=detail)
    return InvalidRequest(detail, fields=(field_error,), status_hint=status)

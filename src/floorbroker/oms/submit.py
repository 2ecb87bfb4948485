"""Submit (RELIABILITY 2): accept, decide, commit SENDING, send once, classify.  An intent has one send in its life."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import partial

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import (
    FieldError,
    FloorbrokerError,
    InsufficientFunds,
    InvalidRequest,
    JournalFault,
    Outcome,
    RiskLimitExceeded,
    Timeout,
)
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved, NewOrder, Order
from floorbroker.domain.ports import Entry, FactEntry, KeyEntry
from floorbroker.domain.records import MarginRequirement
from floorbroker.domain.values import Environment, IntentId, text_of
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.translate import fact_of_failure
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.verdict import refusal

FINISH_POLL_S = 0.05
MADE_WAY_MAX = 20  # own orders cancelled for one wish
_TAKEN = (f.Ack, f.Working)  # the venue has the order, and nothing more is said of it
Beside = Callable[[IntentId], Iterable[Entry]]  # what is committed with an intent
Look = Callable[[], None]  # a look of whoever placed it, at the last moment


def _nothing(intent_id: IntentId) -> Iterable[Entry]:
    """An intent of its own."""
    del intent_id
    return ()


def _free() -> None:
    """An intent that depends on no other."""


@frozen
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
    _sending: set[IntentId] = field(default_factory=set[IntentId])

    async def submit(self, wish: NewOrder, *, actor: Actor, key: Key | None, route: str) -> tuple[Order, bool]:
        """The stored order, and whether the key had placed it before.  Raises for our own refusals; then nothing is stored."""
        with self.ctx.tracer.span("order.submit", profile=self.ctx.profile.name, broker=self.ctx.profile.broker):
            return await self._submit(wish, actor=actor, key=key, route=route)

    async def _submit(self, wish: NewOrder, *, actor: Actor, key: Key | None, route: str) -> tuple[Order, bool]:
        self.ctx.steps.reach("submit.S0")
        if key is None:
            if self.ctx.profile.environment is Environment.LIVE:
                raise key_error("live orders need an Idempotency-Key", status=400)
            approved = await self.approve(wish, actor)
            return await asyncio.shield(self.begin(approved, actor=actor, key=None, route=route)), False
        mark = (actor.principal, key.key)
        while (running := self._first_use.get(mark)) is not None:
            await asyncio.wait([running])
        if (stored := self._stored(actor, key)) is not None:
            self.ctx.writer.leave([self.ctx.audit(actor, "order.replay", stored.intent_id, outcome="stored")])
            return stored, True
        self._first_use[mark] = asyncio.get_running_loop().create_future()
        try:
            self.ctx.steps.reach("submit.S1")
            approved = await self.approve(wish, actor)
        except BaseException:  # a caller that goes away while we decide included
            self._let_next(mark)
            raise
        # The next use waits for the act itself, not for the caller, who may go away first.
        task = self.begin(approved, actor=actor, key=key, route=route)
        task.add_done_callback(lambda _: self._let_next(mark))
        return await asyncio.shield(task), False

    def _let_next(self, mark: tuple[str, str]) -> None:
        waiting = self._first_use.pop(mark)
        if not waiting.done():
            waiting.set_result(None)

    def begin(
        self,
        approved: Approved,
        *,
        actor: Actor,
        key: Key | None,
        route: str,
        beside: Beside = _nothing,
        last: Look = _free,
    ) -> asyncio.Task[Order]:
        """From the commit on, the act must reach its end even when the caller goes away.

        `beside` gives what is committed in the same transaction; it is asked last of all, and what it raises ends the act.
        `last` is asked right before the send, and what it raises (NOT_SENT) keeps the order back.
        """
        self._sending.add(approved.intent_id)
        work = self._carry_out(approved, actor=actor, key=key, route=route, beside=beside, last=last)
        task = self.ctx.spawn(work, name="submit")
        task.add_done_callback(lambda _: self._sending.discard(approved.intent_id))
        return task

    def is_sending(self, intent_id: IntentId) -> bool:
        """Whether the one send of this intent is under way in this process."""
        return intent_id in self._sending

    async def finish(self) -> None:
        """Let every send under way come to its end; each has its own deadline."""
        while self._sending:
            await self.ctx.clock.sleep(FINISH_POLL_S)

    def _stored(self, actor: Actor, key: Key) -> Order | None:
        held = self.ctx.journal.find_key(principal=actor.principal, profile=self.ctx.profile.name, key=key.key)
        if held is None:
            return None
        if held.body_hash != key.body_hash:
            raise key_error("this Idempotency-Key was used with another body", status=422)
        return self.ctx.book.get(held.intent_id)

    async def approve(self, wish: NewOrder, actor: Actor, *, first: Look = _free) -> Approved:
        """Every control and the reservation; what has to be asked of the venue is asked before.  A refusal is audited.

        `first` is asked in the one step of the controls and the reservation, and what it raises is a refusal.
        """
        with self.ctx.tracer.span("order.risk"):
            return await self._approved(wish, actor, first)

    async def _approved(self, wish: NewOrder, actor: Actor, first: Look) -> Approved:
        try:
            self.ctx.switches.assert_admitted(wish.strategy, actor.principal)
            instrument = self.ctx.at_hand(wish) or await self._look_around(wish)
            decide = partial(self._decide, wish, instrument, actor, first)
            try:
                return decide()
            except InsufficientFunds:
                # Money that fills have freed since the last look may cover it: look once more, then believe it.
                await self.ctx.refresh_account()
                return decide()
            except RiskLimitExceeded as error:
                if error.control == "written" and Can.PREVIEW in self.ctx.broker.info.can:
                    # We cannot tell what it may lose; the venue can, and its word is taken instead.
                    margin = await self.ctx.broker.get_margin_requirements(wish)
                    return decide(margin=margin)
                if error.control != "self_match" or self.ctx.limits.self_match != "cancel_resting":
                    raise
                await self._assert_worth_making_way(wish, instrument, actor)
                await self._make_way(wish, actor)
                return decide()
        except FloorbrokerError as error:
            if error.outcome is Outcome.UNKNOWN:
                error.outcome = Outcome.NOT_SENT  # a question failed; the order was never on its way
            await self.refused(wish, actor, error)
            raise

    async def _assert_worth_making_way(self, wish: NewOrder, instrument: Instrument, actor: Actor) -> None:
        """Every other control says yes, and nothing in the way is only observed: what rests is not lost for a wish that is
        refused all the same.

        What rests counts here, so a wish that only its cancel would make room for is refused.
        """
        ctx = self.ctx
        failed = ctx.gate.failed(ctx.situation(wish, instrument, actor=actor), but="self_match")
        if failed is not None and isinstance(refusal(failed), InsufficientFunds):
            await ctx.refresh_account()
            failed = ctx.gate.failed(ctx.situation(wish, instrument, actor=actor), but="self_match")
        if failed is not None:
            raise refusal(failed)
        if ctx.assert_own is not None:
            for intent_id in ctx.risk.resting.all_met(wish):
                ctx.assert_own(intent_id)

    async def _make_way(self, wish: NewOrder, actor: Actor) -> None:
        """Cancel our own orders that the wish would trade with, best first; the controls look again after that."""
        for _ in range(MADE_WAY_MAX):
            met = self.ctx.risk.resting.met(wish)
            if met is None or self.ctx.cancel_own is None:
                return
            await self.ctx.cancel_own(met[1], actor)
            self.ctx.risk.catch_up()

    async def _look_around(self, wish: NewOrder) -> Instrument:
        self.ctx.switches.assert_open(wish)  # at once, before anything is asked of the venue
        return (await self.ctx.look_around(wish))[0]

    def _decide(
        self,
        wish: NewOrder,
        instrument: Instrument,
        actor: Actor,
        first: Look,
        *,
        margin: MarginRequirement | None = None,
    ) -> Approved:
        """Every control and the reservation, without an await (I12)."""
        first()
        ctx = self.ctx
        situation = ctx.situation(wish, instrument, actor=actor, margin=margin)
        intent_id = ctx.ids.intent(ctx.clock.now())
        cl_ord_id = ctx.broker.identity.encode(intent_id)
        approved = ctx.gate.approve(situation, intent_id=intent_id, cl_ord_id=cl_ord_id)
        ctx.reserve(intent_id, situation)
        ctx.steps.reach("submit.S2")
        return approved

    async def refused(self, wish: NewOrder, actor: Actor, error: FloorbrokerError) -> None:
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
        try:
            await self.ctx.writer.write([entry])
        except JournalFault as fault:  # the row is held; the refusal stands whatever the disk does
            self.ctx.log.error("submit.refusal_not_journaled", detail=fault.detail)
        self.ctx.meter.count("orders", outcome="refused", profile=self.ctx.profile.name)

    async def _carry_out(
        self, approved: Approved, *, actor: Actor, key: Key | None, route: str, beside: Beside, last: Look
    ) -> Order:
        ctx, began_s = self.ctx, self.ctx.clock.monotonic()
        with ctx.tracer.span("order.commit"):
            await self._commit(approved, actor=actor, key=key, route=route, beside=beside)
        committed_s = ctx.clock.monotonic()
        self.ctx.steps.reach("submit.S4")
        with ctx.tracer.span("order.send"):
            facts = await self._send(approved, last)
        self.ctx.steps.reach("submit.S10")
        answered_s = ctx.clock.monotonic()
        with ctx.tracer.span("order.fold"):
            order = await self._conclude(approved.intent_id, facts)
        observe = ctx.meter.observe
        observe("order_stage_seconds", began_s - approved.decided_at, stage="decided")
        observe("order_stage_seconds", committed_s - began_s, stage="committed")
        observe("order_stage_seconds", answered_s - committed_s, stage="answered")
        observe("order_stage_seconds", ctx.clock.monotonic() - answered_s, stage="folded")
        self.ctx.steps.reach("submit.S11")
        self.ctx.meter.count("orders", outcome=order.ord_status.value, profile=self.ctx.profile.name)
        return order

    async def _commit(self, approved: Approved, *, actor: Actor, key: Key | None, route: str, beside: Beside) -> None:
        """Intent, key, audit row and SENDING in one durable transaction (I2); the reservation then lives in the book."""
        with self.ctx.gate.reserved(approved.intent_id), self.ctx.book.expecting(approved.intent_id):
            entries = [*self._entries(approved, actor=actor, key=key, route=route), *beside(approved.intent_id)]
            self.ctx.steps.reach("submit.S3")
            await self.ctx.writer.commit_act(entries)

    async def _conclude(self, intent_id: IntentId, facts: list[f.Fact]) -> Order:
        """Write what came of the send, and how the order stands.

        That a venue has the order is told when it is heard, where the venue itself can be asked for it by our id: losing
        that word loses nothing (ADR 14).  Every other word is durable before it is told.  When the journal fails now, the
        order stands as SENDING, which is durable and true: calling that a refusal would invite a second order.
        """
        ctx = self.ctx
        if ctx.tells_when_heard and not self.inbound.strays and all(isinstance(fact, _TAKEN) for fact in facts):
            self.inbound.leave_facts(intent_id, facts)
            return ctx.book.foresee(intent_id, facts)
        try:
            await self.inbound.write_facts(intent_id, facts, alone=len(self._sending) == 1)
            if self.inbound.strays:
                await self.inbound.take(())
        except JournalFault as fault:
            ctx.log.error("submit.answer_not_journaled", intent=intent_id, detail=fault.detail)
        order = ctx.book.get(intent_id)
        assert order is not None  # its prepared fact was committed and folded before it was sent
        return order

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

    async def _send(self, approved: Approved, last: Look) -> list[f.Fact]:
        """The one send, and what is known after it."""
        ctx = self.ctx
        started, has_left = ctx.clock.monotonic(), True
        try:
            self.check(approved)
            last()
            with ours(ctx.log, "submit.unforeseen", intent=approved.intent_id):
                reports = await ctx.broker.submit_order(approved)
                facts = self.inbound.own_facts(approved.intent_id, approved.cl_ord_id, reports)
        except FloorbrokerError as error:
            has_left = error.outcome is not Outcome.NOT_SENT
            return [fact_of_failure(error, at=ctx.clock.now())]
        finally:
            elapsed_s = ctx.clock.monotonic() - started
            ctx.meter.observe("submit_seconds", elapsed_s, profile=ctx.profile.name)
            if has_left:
                ctx.on_answered_s(elapsed_s)
        if not facts:
            return [f.InDoubt(source=f.Source.REPLY, at=ctx.clock.now(), reason="the reply does not name the order")]
        return facts

    def check(self, approved: Approved) -> None:
        """The last look before the socket write: latch, READY, arming, age of the intent.  Raises with NOT_SENT."""
        self.ctx.switches.assert_open(approved.order)
        self.ctx.switches.pardons.name(approved)
        self.ctx.switches.assert_admitted(approved.order.strategy, self.ctx.book.principal(approved.intent_id))
        age_s = self.ctx.clock.monotonic() - approved.decided_at
        if age_s > float(self.ctx.limits.intent_age_max_s):
            raise Timeout(f"the decision is {age_s:.1f} s old", outcome=Outcome.NOT_SENT)


def key_error(detail: str, *, status: int) -> InvalidRequest:
    field_error = FieldError(pointer="/Idempotency-Key", code="idempotency_key", detail=detail)
    return InvalidRequest(detail, fields=(field_error,), status_hint=status)

"""The shell around `inquest.py`: shows a doubt to people, and carries out what they decide about it, with record and reason."""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain import facts as f
from floorbroker.domain.errors import Conflict, FieldError, InvalidRequest
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import FactEntry
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import OrderId
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.candidates import candidates
from floorbroker.oms.doubt import OVERLAP, Resolver
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.inquest import RESOLUTION, Act, Inquest, deeds_of, note_of, offers_of, standing_of
from floorbroker.oms.resolve import NEGATIVES

SURE = frozenset({Act.ATTRIBUTE, Act.DECLARE, Act.CLOSE})  # acts that need the order's client id, typed once more


@dataclass(slots=True)
class Resolving:
    """People and the doubts of one account."""

    ctx: AccountContext
    inbound: Inbound
    resolver: Resolver

    def view(self, order: Order) -> Inquest:
        """The doubt about an order as it stands."""
        ctx, info = self.ctx, self.ctx.broker.info
        resolution = self.resolver.standing_of(order)
        found = self._candidates(order) if order.in_doubt else ()
        horizon = resolution.horizon if order.in_doubt else None
        standing = standing_of(order, is_forgotten=self.resolver.is_forgotten(order))
        negatives = max([resolution.negatives, *(passed.negatives for passed in self._passed(order))])
        return Inquest(
            order=order,
            standing=standing,
            bound_s=resolution.arrival_bound_s,
            bound_enforced=info.bound_enforced,
            horizon=horizon,
            negatives=negatives,
            needed=NEGATIVES,
            questions=self.resolver.questions.about(order.intent_id),
            candidates=found,
            offers=offers_of(
                order,
                info,
                standing,
                horizon=horizon,
                now=ctx.clock.now(),
                negatives=negatives,
                found=found,
                is_in_reach=self.resolver.is_in_reach(order),
            ),
            deeds=deeds_of(ctx.journal.notes(RESOLUTION), order.intent_id),
        )

    async def act(
        self, order: Order, act: Act, *, actor: Actor, reason: str, candidate: str = "", confirm: str = ""
    ) -> Inquest:
        """Do it, durably, and show the doubt as it stands then.

        Raises `InvalidRequest` without a reason, or without the confirmation it needs, and `Conflict` when it is not allowed.
        """
        if not reason.strip():
            raise _missing("/reason", "say why, for the record")
        if act in SURE and confirm != order.cl_ord_id:
            raise _missing("/confirm", f"type the order's client id to confirm: {order.cl_ord_id}")
        offer = next(offer for offer in self.view(order).offers if offer.act is act)
        if not offer.allowed:
            raise Conflict(f"{act.value} is not possible now: {offer.detail}")
        match act:
            case Act.ASK:
                await self._ask(order, actor=actor, reason=reason)
            case Act.ATTRIBUTE:
                await self._attribute(order, candidate, actor=actor, reason=reason)
            case Act.DECLARE:
                await self._declare(order, actor=actor, reason=reason)
            case Act.CLOSE:
                await self._close(order, actor=actor, reason=reason)
            case Act.WATCH:
                await self._record(order, act, actor=actor, reason=reason, outcome="watched")
        return self.view(self.ctx.book.get(order.intent_id) or order)

    async def _ask(self, order: Order, *, actor: Actor, reason: str) -> None:
        await self._record(order, Act.ASK, actor=actor, reason=reason, outcome="asked")
        await self._ask_everywhere(order)

    async def _ask_everywhere(self, order: Order) -> bool:
        """Every source once; True when all answered completely and none knew the order."""
        return await self.resolver.ask_everywhere(order, since=order.created_at - OVERLAP)

    async def _attribute(self, order: Order, candidate: str, *, actor: Actor, reason: str) -> None:
        """The order has this id of the venue's from here on; what the venue says of that is about it."""
        named = [report for report in self._candidates(order) if report.order_id == candidate]
        if not named:
            raise _missing("/candidate", "name one of the candidates by the venue's id")
        ack = f.Ack(source=f.Source.OPERATOR, at=self.ctx.clock.now(), order_id=OrderId(candidate))
        await self._record(
            order, Act.ATTRIBUTE, ack, actor=actor, reason=reason, outcome="attributed", candidate=candidate
        )
        await self.inbound.take(named)

    async def _declare(self, order: Order, *, actor: Actor, reason: str) -> None:
        """One more complete negative, asked for now, and a person's word: the watch ends.  Should it appear, it is folded."""
        if not await self._ask_everywhere(order):
            await self._record(order, Act.DECLARE, actor=actor, reason=reason, outcome="not declared")
            raise Conflict(
                "not declared: a source did not answer completely, or it knows the order; look at the evidence"
            )
        current = self.ctx.book.get(order.intent_id)
        is_left = current is not None and current.in_doubt and not self.resolver.is_in_reach(current)
        if current is None or not (current.presumed or is_left):
            raise Conflict("not declared: the order was heard of meanwhile")
        negatives = 1 + max((passed.negatives for passed in self._passed(order)), default=0)
        passed = f.HorizonPassed(source=f.Source.OPERATOR, at=self.ctx.clock.now(), presumed=False, negatives=negatives)
        await self._record(order, Act.DECLARE, passed, actor=actor, reason=reason, outcome="declared not placed")

    async def _close(self, order: Order, *, actor: Actor, reason: str) -> None:
        """No source of the venue knows an order that it took, and a person says that it is over: cancelled, as far as it had
        filled.  Should it appear, it is folded.
        """
        if not await self._ask_everywhere(order):
            await self._record(order, Act.CLOSE, actor=actor, reason=reason, outcome="not declared")
            raise Conflict(
                "not declared: a source did not answer completely, or it knows the order; look at the evidence"
            )
        current = self.ctx.book.get(order.intent_id)
        if current is None or current.order_id is None or not self.resolver.is_forgotten(current):
            raise Conflict("not declared: the order was heard of meanwhile")
        over = f.Cancelled(source=f.Source.OPERATOR, at=self.ctx.clock.now(), order_id=current.order_id)
        await self._record(order, Act.CLOSE, over, actor=actor, reason=reason, outcome="declared ended")

    async def _record(
        self,
        order: Order,
        act: Act,
        *facts: f.Fact,
        actor: Actor,
        reason: str,
        outcome: str,
        candidate: str = "",
    ) -> None:
        """Note, audit row and facts in one commit."""
        ctx, name = self.ctx, self.ctx.profile.name
        note = note_of(
            name, order.intent_id, act, by=actor.principal, reason=reason, outcome=outcome, candidate=candidate
        )
        row = ctx.audit(actor, f"order.resolve.{act.value}", order.intent_id, outcome=outcome, reason=reason)
        entries = [FactEntry(profile=name, intent_id=order.intent_id, fact=fact) for fact in facts]
        await ctx.writer.write([*entries, note, row])

    def _candidates(self, order: Order) -> tuple[ExecutionReport, ...]:
        return candidates(order, self.inbound.stray_reports(), decode=self.ctx.broker.identity.decode)

    def _passed(self, order: Order) -> list[f.HorizonPassed]:
        return [fact for fact in self.ctx.book.facts(order.intent_id) if isinstance(fact, f.HorizonPassed)]


def _missing(pointer: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code="missing", detail=detail),))

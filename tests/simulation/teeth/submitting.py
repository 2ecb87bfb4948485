"""Bugs of the way from a wish to the wire: what is decided together, what is reserved, what comes first."""

from __future__ import annotations

import asyncio
from collections import Counter
from decimal import Decimal

from floorbroker.domain import facts as f
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Approved, NewOrder, Order, OrderState
from floorbroker.domain.ports import AuditEntry, Entry
from floorbroker.domain.values import ClOrdId, IntentId
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.exposed import Exposed
from floorbroker.oms.rounds import Reconciler
from floorbroker.oms.submit import Beside, Key, Look, Submitter
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.situation import Situation
from floorbroker.risk.workload import Part
from tests.simulation.house import Plant
from tests.simulation.schedule import Modify, Plan, Submit
from tests.simulation.teeth.bug import Bug, every, killed, limited, struck_by
from tests.simulation.teeth.ports import becomes, ctx_of, exposed_of, service_of
from tests.simulation.teeth.transport import SILENCE
from tests.simulation.worlds import bound_s_of


class SendsFirst(Submitter):
    __slots__ = ()

    async def _carry_out(
        self, approved: Approved, *, actor: Actor, key: Key | None, route: str, beside: Beside, last: Look
    ) -> Order:
        facts = await self._send(approved, last)
        await self._commit(approved, actor=actor, key=key, route=route, beside=beside)
        return await self._conclude(approved.intent_id, facts)


class ChecksThenReserves(Submitter):
    """Between the controls and the reservation it looks something up."""

    __slots__ = ()

    async def approve(self, wish: NewOrder, actor: Actor, *, first: Look = lambda: None) -> Approved:
        first()
        ctx = self.ctx
        ctx.switches.assert_open()
        situation = ctx.situation(wish, await self._look_around(wish))
        await ctx.clock.sleep(0.005)
        intent_id = ctx.ids.intent(ctx.clock.now())
        approved = ctx.gate.approve(situation, intent_id=intent_id, cl_ord_id=ctx.broker.identity.encode(intent_id))
        ctx.reserve(intent_id, situation)
        return approved


class ReservesNothing(RiskGate):
    __slots__ = ()

    def approve(
        self, situation: Situation, *, intent_id: IntentId, cl_ord_id: ClOrdId, decided_at: float | None = None
    ) -> Approved:
        approved = super().approve(situation, intent_id=intent_id, cl_ord_id=cl_ord_id, decided_at=decided_at)
        self.settle(intent_id)
        return approved


class LeavesOutDoubt(Exposed):
    def _part(self, intent_id: IntentId) -> Part | None:
        order = self._book.get(intent_id)
        return None if order is not None and order.in_doubt else super()._part(intent_id)


class LeavesOutThePresumed(Exposed):
    def _may_yet_arrive(self, order: Order) -> bool:
        return order.in_doubt


class CountsTheSmallerSize(Exposed):
    def _leaves(self, order: Order) -> Decimal | None:
        return order.leaves_qty


class LetsTheNextIn(Submitter):
    """A key is free again as soon as its first use is decided, before its order is anywhere."""

    __slots__ = ()

    async def submit(self, wish: NewOrder, *, actor: Actor, key: Key | None, route: str) -> tuple[Order, bool]:
        if key is None:
            return await super().submit(wish, actor=actor, key=None, route=route)
        if (stored := self._stored(actor, key)) is not None:
            return stored, True
        approved = await self.approve(wish, actor)
        return await asyncio.shield(self.begin(approved, actor=actor, key=key, route=route)), False


class TellsNoAudit(Submitter):
    __slots__ = ()

    def _entries(self, approved: Approved, *, actor: Actor, key: Key | None, route: str) -> list[Entry]:
        told = super()._entries(approved, actor=actor, key=key, route=route)
        return [entry for entry in told if not isinstance(entry, AuditEntry)]


class CommitsInTwoSteps(Submitter):
    """PREPARED with everything else, then SENDING; harmless by itself."""

    __slots__ = ()

    async def _commit(self, approved: Approved, *, actor: Actor, key: Key | None, route: str) -> None:
        told = self._entries(approved, actor=actor, key=key, route=route)
        first = [entry for entry in told if not isinstance(getattr(entry, "fact", None), f.Sending)]
        with self.ctx.gate.reserved(approved.intent_id):
            await self.ctx.writer.commit_act(first)
            await self.ctx.writer.commit_act([entry for entry in told if entry not in first])


class ResumesPrepared(Reconciler):
    """Sends at a start what the last life had decided and not sent."""

    __slots__ = ()

    async def settle_interrupted(self) -> None:
        prepared = [order for order in self.ctx.book.open_orders() if order.state is OrderState.PREPARED]
        for order in prepared:
            sending = f.Sending(
                source=f.Source.OWN,
                at=self.ctx.clock.now(),
                deadline_s=self.ctx.send_timeout_s,
                arrival_bound_s=self.ctx.arrival_bound_s,
            )
            await self.inbound.write_facts(order.intent_id, [sending])
        await super().settle_interrupted()
        for order in prepared:
            self.ctx.spawn(_send_again(self.ctx, order), name="resume")


class SettlesSendingAsNotSent(Reconciler):
    __slots__ = ()

    async def settle_interrupted(self) -> None:
        for order in self.ctx.book.open_orders():
            if order.in_doubt:
                gone = f.NotSent(source=f.Source.OWN, at=self.ctx.clock.now(), reason="restarted before it was sent")
                await self.inbound.write_facts(order.intent_id, [gone])
        await super().settle_interrupted()


class ResendsInterrupted(Reconciler):
    __slots__ = ()

    async def settle_interrupted(self) -> None:
        sending = [order for order in self.ctx.book.open_orders() if order.state is OrderState.SENDING]
        await super().settle_interrupted()
        for order in sending:
            self.ctx.spawn(_send_again(self.ctx, order), name="resend")


async def _send_again(ctx: AccountContext, order: Order) -> None:
    """As soon as the profile is READY."""
    while ctx.switches.not_ready():
        await ctx.clock.sleep(0.05)
    approved = Approved(
        intent_id=order.intent_id,
        cl_ord_id=order.cl_ord_id,
        profile=order.profile,
        environment=ctx.profile.environment,
        order=order.terms,
        decided_at=ctx.clock.monotonic(),
    )
    try:
        await ctx.broker.submit_order(approved)
    except FloorbrokerError as error:
        ctx.log.warning("planted.resend", code=error.code)


def _in_two_steps_and_resumed(desk: Gateway) -> None:
    becomes(lambda desk: service_of(desk).submitter, CommitsInTwoSteps)(desk)
    becomes(lambda desk: service_of(desk).reconciler, ResumesPrepared)(desk)


def _submitter(kind: type) -> Plant:
    return Plant(desk=becomes(lambda desk: service_of(desk).submitter, kind))


def _reconciler(kind: type) -> Plant:
    return Plant(desk=becomes(lambda desk: service_of(desk).reconciler, kind))


def _exposure(kind: type) -> Plant:
    return Plant(desk=becomes(exposed_of, kind))


def _leaves_out_the_presumed(desk: Gateway) -> None:
    """In positions and buying power, of the account and of every scope, which are told by the account."""
    becomes(exposed_of, LeavesOutThePresumed)(desk)
    exposed = exposed_of(desk)
    exposed.costs.may_yet_arrive = exposed._may_yet_arrive  # noqa: SLF001


def _gives_up_soon(plan: Plan) -> bool:
    """The shortest arrival bound, and a crowd whose orders are long on their way."""
    is_late = any(fault.what == "delay" and fault.until_s - fault.since_s < 1.2 for fault in plan.faults)
    return is_late and bool(plan.limits) and bound_s_of(plan) < 5


def _grows_in_a_crowd(plan: Plan) -> bool:
    """A change of size while others decide, where sizes count."""
    if plan.limits[:1] and plan.limits[0][0] != "max_position_qty":
        return False
    crowds = Counter(act.at_s for act in plan.acts if isinstance(act, Submit))
    grown = [act.at_s for act in plan.acts if isinstance(act, Modify) and act.changes.order_qty is not None]
    return any(many > 2 and -0.01 <= at_s - began <= 0.11 for at_s, many in crowds.items() for began in grown)


BUGS = (
    Bug(
        name="send before commit",
        what="An order leaves first and is written down when its answer is there.",
        breaks="I2",
        plant=_submitter(SendsFirst),
    ),
    Bug(
        name="check, await, reserve",
        what="Between the controls and the reservation something is looked up, and another order decides meanwhile.",
        breaks="I12",
        plant=_submitter(ChecksThenReserves),
        wants=limited,
    ),
    Bug(
        name="nothing reserved",
        what="A decision counts when its order stands in the book, and not from the decision on.",
        breaks="I12",
        plant=Plant(desk=becomes(lambda desk: ctx_of(desk).gate, ReservesNothing)),
        wants=limited,
    ),
    Bug(
        name="UNKNOWN left out of exposure",
        what="Orders that may or may not be at the venue count in no limit.",
        breaks="I5",
        plant=_exposure(LeavesOutDoubt),
        wants=limited,
    ),
    Bug(
        name="change counted at its old size",
        what="An order with a change in flight counts with the quantity it had.",
        breaks="I5",
        plant=_exposure(CountsTheSmallerSize),
        wants=every(limited, _grows_in_a_crowd),
        venue="binance",
    ),
    Bug(
        name="key bound before the winner ends",
        what="The second use of a key does not wait for what becomes of the first.",
        breaks="I20",
        plant=_submitter(LetsTheNextIn),
    ),
    Bug(
        name="audit row missing",
        what="The row that an order is being sent is not part of its transaction.",
        breaks="RELIABILITY 9",
        plant=_submitter(TellsNoAudit),
    ),
    Bug(
        name="PREPARED resumed after restart",
        what="PREPARED and SENDING are two commits, and a start sends what was only prepared.",
        breaks="RELIABILITY 2.7",
        plant=Plant(desk=_in_two_steps_and_resumed),
        wants=killed,
    ),
    Bug(
        name="SENDING resent after restart",
        what="A start sends again what the last life was sending.",
        breaks="I4",
        plant=_reconciler(ResendsInterrupted),
        wants=killed,
    ),
    Bug(
        name="SENDING read as not sent after restart",
        what="A start takes what the last life was sending for orders that never left.",
        breaks="I3",
        plant=_reconciler(SettlesSendingAsNotSent),
        wants=every(killed, struck_by(*SILENCE)),
    ),
)

RARE = (
    Bug(
        name="given-up orders left out of exposure",
        what="Orders presumed not placed count in no limit, although they may still show up.",
        breaks="I5",
        plant=Plant(desk=_leaves_out_the_presumed),
        wants=_gives_up_soon,
    ),
)

"""Splitting an order over several brokers: the plan made durable, its parts placed as intents of their own, and their cancel.

A part is an ordinary routed intent: its own approval, its own identity, its own send, and it moves as any other does when it is
proven dead.  What is in doubt stays where it is, and is never split again.  A life that ends while parts are placed leaves
those that were not begun where they are: not sent.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FloorbrokerError, JournalFault
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import AuditEntry, Entry, Journal, KeyEntry, Log, Meter
from floorbroker.domain.values import ZERO, IntentId, ProfileName, Side, text_of, total_of
from floorbroker.gateway.kill import GLOBAL
from floorbroker.gateway.routing.attempt import Trip, Wanted
from floorbroker.gateway.routing.looks import Looks
from floorbroker.gateway.routing.parents import (
    Child,
    Parent,
    PlannedPart,
    cancel_note,
    left_note,
    parent_of,
    planned_note,
    rolled_up,
    topic_of,
)
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy
from floorbroker.gateway.routing.record import NOBODY, PartOf, seen_of
from floorbroker.gateway.routing.splitting import Part, Plan, Pool, split, whole_because
from floorbroker.gateway.routing.strategies import Ranking
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.account import Actor

_SIZES = frozenset({"confirm", "duplicate", "max_order_notional", "max_order_qty"})  # limits of what one wish may be
Refusal = Callable[[ProfileSession, NewOrder, Actor | None], FloorbrokerError | None]
Place = Callable[[Wanted, Ranking, Trip], Awaitable[Order]]


@dataclass(slots=True, kw_only=True)
class Splitter:
    """Splits the orders of one desk.  `place` sees one part through; `refusal` asks an account's controls, reserving nothing."""

    policy: Policy
    journal: Journal
    clock: Clock
    log: Log
    meter: Meter
    looks: Looks
    sessions: Mapping[ProfileName, ProfileSession]
    refusal: Refusal
    place: Place
    is_moving: Callable[[IntentId], bool]  # whether the journey of an intent goes on by itself
    _acting: dict[IntentId, set[int]] = field(default_factory=dict[IntentId, set[int]])  # parts being placed, by parent
    _ending: set[IntentId] = field(default_factory=set[IntentId])  # parents whose cancel is being made durable

    # -- planning -----------------------------------------------------------------------------------------------------------

    async def plan(self, wish: NewOrder, rule: Rule, ranking: Ranking, actor: Actor | None = None) -> Plan | str:
        """How to split a wish, or why it stays whole; empty where its rule splits nothing.

        No part is planned for an account whose controls refuse it, or refuse an order of the size of the whole.
        """
        if rule.uses is not Strategy.BEST_EXECUTION or rule.split_most < 2:
            return ""
        if why := whole_because(wish):
            return why
        if any(choice.closes for choice in ranking.choices):
            return "one venue holds all that it closes"
        sessions = [self.sessions[choice.profile] for choice in ranking.choices]
        rules = await self.looks.instruments(sessions, wish)
        left = [session for session in sessions if not self._is_too_large(session, wish, actor)]
        while True:
            found = self._split(wish, rule, left, rules)
            if isinstance(found, str):
                return found
            refused = {part.profile for part in found.parts if self._refuses(part, wish, actor)}
            if not refused:
                return found
            left = [session for session in left if session.ctx.profile.name not in refused]

    def _split(
        self,
        wish: NewOrder,
        rule: Rule,
        sessions: Iterable[ProfileSession],
        rules: Mapping[ProfileName, Instrument],
    ) -> Plan | str:
        shown = self.looks.shown(sessions, wish)
        if (reference := shown.reference) is None:
            return "nobody has a price for it"
        held = {name: _closable(self.sessions[name], wish) for name in self.sessions}
        closable = total_of(held.values())
        if 0 < closable < (wish.order_qty or ZERO):
            return "it closes what is held, and opens more"
        pools = [
            Pool(
                profile=name,
                offer=offer,
                terms=self.looks.terms(name),
                instrument=rules[name],
                most=held[name] if closable else None,
            )
            for name, offer in shown.offers.items()
            if name in rules and name in held and (held[name] or not closable)
        ]
        return split(
            wish,
            pools,
            reference=reference,
            latency_bps_s=self.policy.latency_bps_s,
            most=rule.split_most,
            gain_bps=rule.split_gain_bps,
        )

    def _refuses(self, part: Part, wish: NewOrder, actor: Actor | None) -> bool:
        return self.refusal(self.sessions[part.profile], _wish_of(part, wish), actor) is not None

    @staticmethod
    def _is_too_large(session: ProfileSession, wish: NewOrder, actor: Actor | None) -> bool:
        """Whether an account would refuse the whole for its size: then no split of it may slip past that limit."""
        instrument = session.ctx.at_hand(wish)
        if instrument is None:
            return False
        verdicts = session.ctx.gate.check(session.ctx.situation(wish, instrument, actor=actor))
        return any(not verdict.ok and verdict.control in _SIZES for verdict in verdicts)

    # -- placing ------------------------------------------------------------------------------------------------------------

    async def carry_out(self, plan: Plan, wanted: Wanted, ranking: Ranking, trip: Trip) -> Order:
        """The plan durable, then every part placed, all at once.  Raises when it cannot be made durable; then nothing is sent."""
        parent = self._parent(plan, wanted, ranking)
        trip.begun = True
        self._acting[parent.intent_id] = {part.number for part in plan.parts}
        for part in plan.parts:  # before anything is waited for: whoever looked for a twin saw none
            if (
                session := self.sessions.get(part.profile)
            ) is not None:  # one that was let go meanwhile is told as left
                session.ctx.gate.remember(wanted.wish)
        try:
            await self.journal.commit(list(_planned(parent, plan, wanted)))
            self.meter.count("splits", strategy=wanted.rule.uses.value)
            await asyncio.gather(*(self._part(parent, part, wanted, ranking, trip) for part in plan.parts))
        finally:
            del self._acting[parent.intent_id]
        order = self.order(parent.intent_id)
        assert order is not None  # its plan is durable
        return order

    def _parent(self, plan: Plan, wanted: Wanted, ranking: Ranking) -> Parent:
        now = self.clock.now()
        first = self.sessions[plan.parts[0].profile].ctx
        return Parent(
            intent_id=first.ids.intent(now),
            wish=wanted.wish,
            rule=wanted.rule.name,
            strategy=wanted.rule.uses.value,
            reason=plan.why,
            seen=seen_of(ranking, NOBODY, {}),
            parts=self.planned(plan),
            principal=wanted.actor.principal,
            via=wanted.actor.via,
            at=now,
            left={},
        )

    @staticmethod
    def planned(plan: Plan) -> tuple[PlannedPart, ...]:
        """The parts of a plan as they are kept and shown."""
        return tuple(
            PlannedPart(number=part.number, profile=part.profile, qty=part.qty, arithmetic=part.told())
            for part in plan.parts
        )

    async def _part(self, parent: Parent, part: Part, wanted: Wanted, ranking: Ranking, trip: Trip) -> None:
        """One part to its place; one that nobody takes is told as such, and does not end the others."""
        mine = PartOf(parent=parent.intent_id, number=part.number)
        wanted = replace(wanted, wish=_wish_of(part, wanted.wish), key=None, part=mine)
        try:
            await self.place(wanted, _for_part(ranking, part), trip)
        except FloorbrokerError as error:
            self.log.warning("split.part_left", parent=parent.intent_id, part=part.number, detail=error.detail)
            await self._note_left(mine, f"{error.code}: {error.detail}")
        self._acting.get(parent.intent_id, set()).discard(part.number)

    async def _note_left(self, part: PartOf, why: str) -> None:
        try:
            await self.journal.commit([left_note(part, why)])
        except JournalFault as fault:  # without it the part is told as never begun, which is as true
            self.log.error("split.not_journaled", parent=part.parent, detail=fault.detail)

    def assert_wanted(self, part: PartOf) -> None:
        """Raises `Conflict` when the cancel of the whole was asked: then no part begins, leaves or moves."""
        if self.is_cancelled(part.parent):
            raise Conflict(f"split order {part.parent} was asked to be cancelled")

    def is_cancelled(self, parent: IntentId) -> bool:
        """Whether the cancel of a split order was asked."""
        if parent in self._ending:
            return True
        found = self.find(parent)
        return found is None or found.cancel_asked

    # -- asking ---------------------------------------------------------------------------------------------------------------

    def find(self, text: str) -> Parent | None:
        """A split order by its id.  Raises `JournalFault` when the journal cannot tell it."""
        return parent_of(IntentId(text), self.journal.notes(topic_of(text)))

    def order(self, text: str) -> Order | None:
        """A split order as it stands."""
        parent = self.find(text)
        return None if parent is None else self.rolled(parent)

    def rolled(self, parent: Parent) -> Order:
        """How a split order stands: its children, summed."""
        moving = {child.number for child in parent.children if self.is_moving(child.intent_id)}
        return rolled_up(parent, self.children(parent), under_way=moving | self._acting.get(parent.intent_id, set()))

    def children(self, parent: Parent) -> list[Order]:
        """Its children, in the order in which they were begun, those at profiles that are not here left out."""
        return [order for child in parent.children if (order := self._child(child)) is not None]

    def _child(self, child: Child) -> Order | None:
        session = self.sessions.get(child.profile)
        return None if session is None else session.ctx.book.get(child.intent_id)

    # -- cancelling -------------------------------------------------------------------------------------------------------------

    async def cancel(self, parent: Parent, *, actor: Actor, reason: str) -> Order:
        """Cancel every child that may still fill, and keep every part that has not begun.

        Raises `Conflict` when there is nothing to cancel, and the first venue's error when one says no and its child works on.
        """
        before = self.rolled(parent)
        if not before.is_open and not before.presumed:
            raise Conflict(f"order {parent.intent_id} is {before.ord_status.value}: there is nothing to cancel")
        self._ending.add(parent.intent_id)
        if await self._note_cancel(parent, actor=actor, reason=reason):
            self._ending.discard(parent.intent_id)  # the journal knows it now
        now = self.find(parent.intent_id) or parent
        errors = await asyncio.gather(
            *(self._cancel_at(session, now, actor=actor, reason=reason) for session in self.sessions.values())
        )
        after = self.order(parent.intent_id) or before
        error = next((error for found in errors for error in found), None)
        if error is not None and after.is_open:
            raise error
        return after

    async def _note_cancel(self, parent: Parent, *, actor: Actor, reason: str) -> bool:
        row = AuditEntry(
            actor=actor.principal,
            via=actor.via,
            action="order.cancel",
            object=parent.intent_id,
            profile=GLOBAL,
            outcome="sending",
            reason=reason,
            req=actor.request_id,
        )
        try:
            await self.journal.commit([cancel_note(parent.intent_id, by=actor.principal, reason=reason), row])
        except JournalFault as fault:  # a full disk holds no cancel back (I15)
            self.log.error("cancel.not_journaled", detail=fault.detail)
            return False
        return True

    async def _cancel_at(
        self, session: ProfileSession, parent: Parent, *, actor: Actor, reason: str
    ) -> list[FloorbrokerError]:
        mine = {child.intent_id for child in parent.children}
        orders = [order for order in session.ctx.touchable() if order.intent_id in mine]
        answers = await session.service.cancel_open(orders, actor=actor, reason=reason)
        told = [(order, error) for order, error in zip(orders, answers, strict=True) if error is not None]
        for order, error in told:
            error.detail = f"{order.profile} {order.intent_id}: {error.detail}"
            error.args = (error.detail,)
        return [error for _, error in told]


def _planned(parent: Parent, plan: Plan, wanted: Wanted) -> Iterable[Entry]:
    """The plan, the key that asked for it, and the audit's row, in one transaction."""
    yield planned_note(parent)
    if wanted.key is not None:
        yield KeyEntry(
            principal=parent.principal,
            profile=GLOBAL,
            key=wanted.key.key,
            body_hash=wanted.key.body_hash,
            intent_id=parent.intent_id,
        )
    yield AuditEntry(
        actor=parent.principal,
        via=parent.via,
        action="order.split",
        object=parent.intent_id,
        profile=GLOBAL,
        outcome="planned",
        reason=plan.why,
        req=wanted.actor.request_id,
        detail={
            "symbol": parent.wish.symbol,
            "side": parent.wish.side.value,
            "strategy": parent.wish.strategy,
            "parts": " ".join(f"{part.profile}:{text_of(part.qty)}" for part in plan.parts),
        },
    )


def _wish_of(part: Part, whole: NewOrder) -> NewOrder:
    """What is placed for a part.  The whole was looked at for a twin; two parts of one size are none of each other."""
    return replace(whole, order_qty=part.qty, allow_duplicate=True)


def _for_part(ranking: Ranking, part: Part) -> Ranking:
    """The route of one part: where it was planned first, then as the whole was ranked."""
    mine = [
        replace(choice, reason=f"{text_of(part.cost.total_bps)} bps", score=part.cost.total_bps, sum=part)
        for choice in ranking.choices
        if choice.profile == part.profile
    ]
    return replace(ranking, choices=(*mine, *(choice for choice in ranking.choices if choice.profile != part.profile)))


def _closable(session: ProfileSession, wish: NewOrder) -> Decimal:
    """Units of what an account holds that the wish would close (zero or more)."""
    held = session.ctx.book.holdings.units.get(wish.symbol, ZERO)
    return max(-held if wish.side is Side.BUY else held, ZERO)

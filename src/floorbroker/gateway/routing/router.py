"""The router: chooses a profile for each order that names none, keeps why, and moves intents that went nowhere.

A route may wait for prices; between the last look at the chosen account and its approval nothing is awaited.  The first profile
of the ranking whose controls say yes gets the order; each refusal tries the next.  One order is under way for a key at a time,
so that whatever the venues answer, one intent at most may be alive for it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import chain

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    Conflict,
    FloorbrokerError,
    InsufficientFunds,
    InvalidRequest,
    JournalFault,
    NotReady,
    SymbolNotFound,
)
from floorbroker.domain.facts import CancelAsked, HorizonPassed, Source
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Approved, NewOrder, Order
from floorbroker.domain.ports import Entry, Journal, KeyEntry, Log, Meter, NoteEntry
from floorbroker.domain.values import Environment, IntentId, ProfileName
from floorbroker.gateway.kill import GLOBAL
from floorbroker.gateway.routing.attempt import Attempt, Trip, Wanted
from floorbroker.gateway.routing.links import Links
from floorbroker.gateway.routing.looks import Looks
from floorbroker.gateway.routing.moving import is_dead, stays
from floorbroker.gateway.routing.naming import OPEN, Named, chosen, narrowed
from floorbroker.gateway.routing.parents import PlannedPart, child_entries
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy
from floorbroker.gateway.routing.record import (
    BOUND,
    MOVED,
    NOBODY,
    ROUTE,
    Journey,
    RouteRecord,
    Seen,
    moved_note,
    no_route,
    route_of,
    seen_of,
    was_routed,
    whole_of,
)
from floorbroker.gateway.routing.splitter import Splitter
from floorbroker.gateway.routing.splitting import Plan
from floorbroker.gateway.routing.strategies import Choice, Ranking, rank
from floorbroker.gateway.routing.tasks import WAITED_FOR, Tasks
from floorbroker.gateway.routing.twins import twin_at
from floorbroker.gateway.session import ProfileSession
from floorbroker.oms.account import Actor
from floorbroker.oms.book import Change
from floorbroker.oms.scales import asked_about
from floorbroker.oms.submit import Key, Submitter, key_error
from floorbroker.risk.verdict import refusal as refusal_of

Told = Callable[[ProfileName, Mapping[str, str]], None]


@frozen
class Outlook:
    """Where a wish would go: the ranking, who would refuse it, and its parts where it would be split, the first at `session`.

    `is_taken` is false where nobody would take it: then `session` is the one whose refusal is told.
    """

    session: ProfileSession
    ranking: Ranking
    refused: Mapping[ProfileName, str]
    parts: tuple[PlannedPart, ...] = ()
    is_taken: bool = True

    def seen(self) -> tuple[Seen, ...]:
        """Every candidate; the one that would take it is marked, and none where none would, or several a part of it."""
        taken = self.session.ctx.profile.name if self.is_taken and not self.parts else NOBODY
        return seen_of(self.ranking, taken, self.refused)


@dataclass(slots=True, kw_only=True)
class Router:
    """Routes the orders of one desk.  `demoted` tells who is demoted now; `tell` announces what became of routes."""

    policy: Policy
    journal: Journal
    clock: Clock
    log: Log
    meter: Meter
    looks: Looks
    sessions: Mapping[ProfileName, ProfileSession]
    demoted: Callable[[], frozenset[ProfileName]]
    tell: Told
    links: Links = field(default_factory=Links)
    _has_routed: bool = False
    _known: set[ProfileName] = field(default_factory=set[ProfileName])  # that the desk has or ever had
    _last: dict[str, ProfileName] = field(default_factory=dict[str, ProfileName])  # whose turn it was, by rule
    _first_use: dict[tuple[str, str], asyncio.Future[None]] = field(
        default_factory=dict[tuple[str, str], asyncio.Future[None]]
    )
    _late: dict[IntentId, asyncio.Task[None]] = field(
        default_factory=dict[IntentId, asyncio.Task[None]]
    )  # journeys that go on, by the first intent
    _carried: set[IntentId] = field(default_factory=set[IntentId])  # intents that somebody still acts for
    _ending: set[IntentId] = field(default_factory=set[IntentId])  # that are being cancelled, for another counts
    _is_stopped: bool = False
    splitter: Splitter = field(init=False)
    _tasks: Tasks = field(init=False)

    def __post_init__(self) -> None:
        self._tasks = Tasks(self.log)
        self.splitter = Splitter(
            policy=self.policy,
            journal=self.journal,
            clock=self.clock,
            log=self.log,
            meter=self.meter,
            looks=self.looks,
            sessions=self.sessions,
            refusal=self.refusal,
            place=lambda wanted, ranking, trip: self._journey(wanted, ranking, trip),  # noqa: PLW0108 - a planted bug may
            # put another in its place
            is_moving=lambda intent_id: self.links.first(intent_id) in self._late,
        )

    # -- a start ------------------------------------------------------------------------------------------------------------

    def restore(self) -> None:
        """What the journal knows of routes: the links of intents that moved, and whose orders it keeps."""
        self._known.update(record.entry.profile for record in self.journal.notes(BOUND))
        self._has_routed = bool(self.journal.notes(ROUTE, newest=True))
        for record in self.journal.notes(MOVED):
            if isinstance(record.entry, NoteEntry):
                self.links.take(record.entry)

    def attend(self, session: ProfileSession) -> None:
        """A session begins.  What a life which ended found alive is cancelled: what another took the place of, and what stands
        by a late fill, and parts of a split order whose cancel was asked.
        """
        self._known.add(session.ctx.profile.name)
        session.ctx.on_answered_s = partial(self.looks.latencies.heard, session.ctx.profile.name)
        for order in session.ctx.book.open_orders() if self._has_routed else ():
            self._look_after(order)
            self._end_with_the_whole(order)

    async def stop(self) -> None:
        """End what moves late, and begin no more of it; acts under way are ended by the order services."""
        self._is_stopped = True
        await self._tasks.stop()

    # -- questions ------------------------------------------------------------------------------------------------------------

    def takes(self, key: str | None) -> bool:
        """Whether an order that names no profile is the router's: among several, or when its key may be a routed one's, or have
        led to a profile that is here no more.
        """
        return len(self.sessions) > 1 or (key is not None and (self._has_routed or bool(self._bygone())))

    def _bygone(self) -> list[ProfileName]:
        """The profiles that this desk had before, and has not now."""
        return sorted(self._known - self.sessions.keys())

    def rule_for(self, wish: NewOrder, named: Named = OPEN) -> Rule:
        """The rule for a wish, as far as the order leaves it open.  Raises `InvalidRequest` as `chosen` does."""
        here = {name: session.ctx.profile.broker for name, session in self.sessions.items()}
        return chosen(self.policy, wish, named, here)

    def among(self, rule: Rule) -> list[ProfileSession]:
        """The profiles of a rule that this desk has, in order of preference."""
        if not rule.profiles:
            return [*self.sessions.values()]
        return [self.sessions[name] for name in rule.profiles if name in self.sessions]

    def record(self, order: Order) -> RouteRecord | None:
        """Why an order went where it went; None for one that was not routed, or whose route cannot be read."""
        session = self.sessions.get(order.profile)
        if session is None or not was_routed(order):
            return None
        try:
            return route_of(self.journal, order.intent_id, session.ctx.book.records(order.intent_id))
        except JournalFault as fault:  # the order itself is told all the same: it may be alive
            self.log.error("route.unreadable", intent=order.intent_id, detail=fault.detail)
            return None

    async def outlook(self, wish: NewOrder, named: Named = OPEN) -> Outlook:
        """Where a wish would go if it were placed now; nothing is reserved.

        When nobody would take it, it is the best of those who would refuse, or the first of the rule's profiles.
        """
        rule = self.rule_for(wish, named)
        ranking = await self.ranked(wish, rule)
        refused: dict[ProfileName, str] = {}
        if ranking.choices and (twin := twin_at(self.among(rule), wish)) is not None:
            refused |= {choice.profile: twin[1].detail for choice in ranking.choices}
            return Outlook(session=twin[0], ranking=ranking, refused=refused, is_taken=False)
        plan = await self.splitter.plan(wish, rule, ranking)
        if isinstance(plan, Plan):
            parts = self.splitter.planned(plan)
            return Outlook(session=self._here(parts[0].profile), ranking=ranking, refused={}, parts=parts)
        for choice in ranking.choices:
            session = self._here(choice.profile)
            error = await self._would_refuse(session, wish)
            if error is None:
                return Outlook(session=session, ranking=ranking, refused=refused)
            refused[choice.profile] = error.detail
        names = [choice.profile for choice in ranking.choices] or [profile for profile, _ in ranking.dropped]
        if not names:
            raise InvalidRequest(f"no profile of route {rule.name} is enabled here")
        return Outlook(session=self._here(names[0]), ranking=ranking, refused=refused, is_taken=False)

    async def _would_refuse(self, session: ProfileSession, wish: NewOrder) -> FloorbrokerError | None:
        """What a profile would say to a wish, once its venue was asked what a submit would ask it; None when it takes it."""
        try:
            await session.ctx.look_around(wish)
        except FloorbrokerError as error:
            if isinstance(error, SymbolNotFound):
                self.looks.note_unknown(session.ctx.profile.name, asked_about(wish))
            return error
        return self.refusal(session, wish)

    async def ranked(self, wish: NewOrder, rule: Rule, *, without: Iterable[ProfileName] = ()) -> Ranking:
        """Where a wish would go now, best first; waits for prices where the strategy compares them."""
        sessions = self.among(rule)
        if left_out := frozenset(without):
            sessions = [session for session in sessions if session.ctx.profile.name not in left_out]
        shown = await self.looks.freshened(sessions, wish) if rule.uses is Strategy.BEST_EXECUTION else None
        candidates = self.looks.candidates(sessions, wish, rule.uses, self.demoted(), shown=shown)
        return rank(rule.uses, candidates, last=self._last.get(rule.name))

    # -- placing --------------------------------------------------------------------------------------------------------------

    async def submit(self, wish: NewOrder, *, actor: Actor, key: Key | None, named: Named = OPEN) -> tuple[Order, bool]:
        """The stored order, and whether the key had placed it before.  Raises for our own refusals; then nothing is stored."""
        wanted = Wanted(wish=wish, actor=actor, key=key, rule=self.rule_for(wish, named))
        if key is None:
            if any(s.ctx.profile.environment is Environment.LIVE for s in self.sessions.values()):
                raise key_error("live orders need an Idempotency-Key", status=400)
            return await self._to_the_end(wanted), False
        mark = (actor.principal, key.key)
        while (running := self._first_use.get(mark)) is not None:
            await asyncio.wait([running])
        if (stored := await self._settled(actor, key)) is not None:
            ctx = (self.sessions.get(stored.profile) or next(iter(self.sessions.values()))).ctx
            ctx.writer.leave([ctx.audit(actor, "order.replay", stored.intent_id, outcome="stored")])
            return stored, True
        waiting = self._first_use[mark] = asyncio.get_running_loop().create_future()

        def let_next() -> None:
            del self._first_use[mark]
            waiting.set_result(None)

        return await self._to_the_end(wanted, then=let_next), False

    async def _settled(self, actor: Actor, key: Key) -> Order | None:
        """What a key has placed, once its journey rests: an order about to move is not told as dead, which invites another."""
        stored = self.stored(actor, key)
        while stored is not None and (late := self._moving(stored)) is not None:
            await asyncio.wait([late])
            stored = self.stored(actor, key)
        return stored

    def is_on_its_way(self, intent_id: IntentId) -> bool:
        """Whether somebody acts for an intent, or for what took its place, and may yet give its place to another."""
        return self.links.first(intent_id) in self._late or not self._carried.isdisjoint(
            (intent_id, self.links.last(intent_id))
        )

    def _moving(self, stored: Order) -> asyncio.Task[None] | None:
        """The move under way of an order, or of one of the children of a split one."""
        split = self.splitter.find(stored.intent_id) if self._late and stored.profile == GLOBAL else None
        ids = [stored.intent_id] if split is None else [child.intent_id for child in split.children]
        return next((late for id_ in ids if (late := self._late.get(self.links.first(id_))) is not None), None)

    async def _to_the_end(self, wanted: Wanted, *, then: Callable[[], None] | None = None) -> Order:
        """Until an intent begins, the act ends with its caller; from then on it goes on without."""
        trip = Trip()
        task = self._tasks.spawn(self._travel(wanted, trip), name=WAITED_FOR)
        if then is not None:
            task.add_done_callback(lambda _: then())
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if not trip.begun:
                task.cancel()
            raise

    async def _travel(self, wanted: Wanted, trip: Trip) -> Order:
        """Split where its rule says so and that is cheaper; whole to one place else."""
        ranking = await self.ranked(wanted.wish, wanted.rule)
        plan = await self.splitter.plan(wanted.wish, wanted.rule, ranking, wanted.actor)
        if isinstance(plan, Plan):
            if (twin := twin_at(self.among(wanted.rule), wanted.wish)) is not None:
                await twin[0].service.submitter.refused(wanted.wish, wanted.actor, twin[1])
                raise twin[1]
            return await self.splitter.carry_out(plan, wanted, ranking, trip)
        return await self._journey(wanted, ranking, trip)

    async def _journey(self, wanted: Wanted, ranking: Ranking, trip: Trip) -> Order:
        """The first place, and every further one while the intent is proven dead and may move."""
        order = await self._place(Attempt(wanted, ranking), trip)
        while (moved := await self._moved(order, wanted, trip)) is not None:
            order = moved
        return order

    async def _place(self, attempt: Attempt, trip: Trip) -> Order:
        """The first profile of the ranking that approves has it.  Raises the best one's refusal when all of them refuse.

        Who had too little money when it was last looked at is asked once more when nobody else takes it.
        """
        first: FloorbrokerError | None = None
        for choice in chain(attempt.ranking.choices, attempt.poor):
            try:
                return await self._try(choice, attempt, trip)
            except JournalFault:
                raise
            except FloorbrokerError as error:
                if attempt.is_approved or attempt.has_twin:
                    raise  # it was about to begin, or began elsewhere: what stopped it is no word of that profile's
                first = first or error
                attempt.refused[choice.profile] = error.detail
                if isinstance(error, SymbolNotFound):
                    self.looks.note_unknown(choice.profile, asked_about(attempt.wanted.wish))
        raise await self._nobody(attempt, first)

    def _assert_no_twin(self, attempt: Attempt) -> None:
        """Raises `RiskLimitExceeded` for what an account of the route had seconds ago: the next one must not have it as well.

        Asked in the step that approves, so that of two at one moment the second is seen to be one.  What moves, and a part of a
        split order, are of one wish: that one was looked at.
        """
        wanted = attempt.wanted
        if attempt.old is not None or wanted.part is not None:
            return
        if (twin := twin_at(self.among(wanted.rule), wanted.wish)) is not None:
            attempt.has_twin = True
            raise twin[1]

    async def _try(self, choice: Choice, attempt: Attempt, trip: Trip) -> Order:
        session, wanted = self._here(choice.profile), attempt.wanted
        ctx, submitter = session.ctx, session.service.submitter
        if choice not in attempt.poor and (refused := self.refusal(session, wanted.wish, wanted.actor)) is not None:
            if isinstance(refused, InsufficientFunds):
                attempt.poor.append(choice)
            raise refused
        approved = await self._approved(submitter, attempt)
        trip.begun = attempt.is_approved = True
        route = self._record(choice, attempt, approved, wanted)
        self._last[wanted.rule.name] = choice.profile
        act = submitter.begin(
            approved,
            actor=wanted.actor,
            key=None,
            route=route.sentence,
            beside=lambda intent_id: self._beside(intent_id, route, attempt),
            last=lambda: self._look_once_more(attempt, approved.intent_id),
        )
        with self._acting_for(approved.intent_id):
            try:
                order = await asyncio.shield(act)
            except FloorbrokerError:
                if attempt.old is not None and not ctx.book.knows(approved.intent_id):
                    self.links.drop(attempt.old.intent_id, approved.intent_id)
                raise
        self._has_routed = True
        self.meter.count("routes", profile=choice.profile, strategy=wanted.rule.uses.value)
        return order

    def _here(self, name: ProfileName) -> ProfileSession:
        """A profile that was ranked a moment ago.  Raises `NotReady` where it was let go since."""
        session = self.sessions.get(name)
        if session is None:
            raise NotReady(f"profile {name} was taken out of this desk a moment ago")
        return session

    @contextmanager
    def _acting_for(self, intent_id: IntentId) -> Generator[None]:
        """Meanwhile whoever acts for an intent sees to it that it moves on; nobody else does."""
        self._carried.add(intent_id)
        try:
            yield
        finally:
            self._carried.discard(intent_id)

    async def _approved(self, submitter: Submitter, attempt: Attempt) -> Approved:
        wanted = attempt.wanted
        try:
            return await submitter.approve(wanted.wish, wanted.actor, first=lambda: self._assert_no_twin(attempt))
        except FloorbrokerError:
            attempt.is_audited = True
            raise

    @staticmethod
    def refusal(session: ProfileSession, wish: NewOrder, actor: Actor | None = None) -> FloorbrokerError | None:
        """What the controls say, without a reservation; None where the venue has to be asked first.

        That an order would trade with one of ours is left to the approval, where that one is cancelled to make way.
        """
        instrument = session.ctx.at_hand(wish)
        if instrument is None:
            return None
        situation = session.ctx.situation(wish, instrument, actor=actor)
        left = "self_match" if session.ctx.limits.self_match == "cancel_resting" else ""
        failed = session.ctx.gate.failed(situation, but=left)
        return None if failed is None else refusal_of(failed)

    def _record(self, choice: Choice, attempt: Attempt, approved: Approved, wanted: Wanted) -> RouteRecord:
        before, now = attempt.journey, self.clock.now()
        tried = before.tried if before is not None else ()
        return RouteRecord(
            intent_id=approved.intent_id,
            profile=choice.profile,
            rule=wanted.rule.name,
            strategy=wanted.rule.uses.value,
            reason=choice.reason,
            seen=seen_of(attempt.ranking, choice.profile, attempt.refused),
            journey=Journey(
                first=before.first if before is not None else approved.intent_id,
                first_at=before.first_at if before is not None else now,
                moves=before.moves + 1 if before is not None else 0,
                moved_from=attempt.old.intent_id if attempt.old is not None else None,
                tried=(*tried, choice.profile),
            ),
            principal=wanted.actor.principal,
            via=wanted.actor.via,
            part=wanted.part,
            only=wanted.rule.profiles if wanted.rule.narrowed else (),
        )

    def _look_once_more(self, attempt: Attempt, intent_id: IntentId) -> None:
        """Right before the first byte.  Raises `Conflict` for what must not leave any more."""
        self._assert_dead(attempt.old, intent_id)
        if attempt.wanted.part is not None:
            self.splitter.assert_wanted(attempt.wanted.part)

    def _beside(self, intent_id: IntentId, route: RouteRecord, attempt: Attempt) -> Iterable[Entry]:
        """The route, the split order it is a part of, and the key of a first intent or the link of one that moved.

        Raises `Conflict` when the old one lives, or the whole was asked to be cancelled.
        """
        yield route.note()
        key, old, part = attempt.wanted.key, attempt.old, attempt.wanted.part
        if part is not None:
            self.splitter.assert_wanted(part)
            yield from child_entries(part, route.profile, intent_id, first=old is None)
        if old is not None:
            self._assert_dead(old, intent_id)
            self.links.put(old.intent_id, intent_id)  # from now on the old one is cancelled should it show up
            yield moved_note(route.profile, old=old.intent_id, new=intent_id, why=attempt.why)
        elif key is not None:
            yield KeyEntry(
                principal=route.principal, profile=GLOBAL, key=key.key, body_hash=key.body_hash, intent_id=intent_id
            )

    def _assert_dead(self, old: Order | None, new: IntentId) -> None:
        """Raises `Conflict` when an order whose place `new` takes lives after all, or one before it, or another has its place."""
        if old is None:
            return
        for before in (old.intent_id, *self.links.before(old.intent_id)):
            if why := self._lives(before):
                raise Conflict(f"order {before} {why}: it does not move")
        if self.links.moved_to(old.intent_id) not in (None, new):
            raise Conflict(f"another order has the place of order {old.intent_id}: it does not move")

    def outlived(self, intent_id: IntentId) -> str:
        """Why an intent must not leave: one whose place it took is not dead any more.  Asked right before each first byte."""
        for before in self.links.before(intent_id) if self.links else ():
            if why := self._lives(before):
                return f"order {before}, whose place this one took, {why}"
        return ""

    def _lives(self, intent_id: IntentId) -> str:
        """Why nothing may be in the place of an intent; empty while it is proven dead, and nobody wished it away."""
        order = self._find(intent_id)
        if order is None or not is_dead(order) or order.alerts:
            return "is not dead any more"
        return "was asked to be cancelled" if self._is_unwanted(order) else ""

    def _is_unwanted(self, order: Order) -> bool:
        session = self.sessions.get(order.profile)
        if session is None:  # its profile was let go, and nobody can say
            return True
        return any(isinstance(fact, CancelAsked) for fact in session.ctx.book.facts(order.intent_id))

    async def _nobody(self, attempt: Attempt, first: FloorbrokerError | None) -> FloorbrokerError:
        """No profile takes it: the best one's own word, and what the others said."""
        dropped = attempt.ranking.dropped
        told = [*attempt.refused.items(), *((profile, verdict.detail) for profile, verdict in dropped)]
        if not told:
            return InvalidRequest(f"no profile of route {attempt.wanted.rule.name} is enabled here")
        error = first or refusal_of(dropped[0][1])
        if len(told) > 1:
            error.detail = no_route(told)
            error.args = (error.detail,)
        if not attempt.is_audited:
            submitter = self._here(told[0][0]).service.submitter
            await submitter.refused(attempt.wanted.wish, attempt.wanted.actor, error)
        return error

    def stored(self, actor: Actor, key: Key) -> Order | None:
        """What a key has placed: the last intent of its journey.

        A key that placed an order before there were routes belongs to the profile it went to, which may be here no more.
        """
        for scope in (GLOBAL, *self.sessions, *self._bygone()):
            held = self.journal.find_key(principal=actor.principal, profile=scope, key=key.key)
            if held is None:
                continue
            if held.body_hash == key.body_hash:
                return self._placed(held.intent_id)
            if scope == GLOBAL:
                raise key_error("this Idempotency-Key was used with another body", status=422)
        return None

    def _placed(self, first: IntentId) -> Order:
        """Where a journey stands.  Raises `Conflict` when its last order went to a profile that is not here: it may be alive."""
        last = self.links.last(first)
        found = self._find(last)
        if found is None and last in self._carried:  # on its way into the journal
            found = self._find(self.links.moved_from(last) or first)
        if found is None:
            found = self.splitter.order(last)
        if found is None:
            raise Conflict(f"this Idempotency-Key placed order {last}, on a profile that this desk does not have now")
        return found

    def _find(self, intent_id: IntentId) -> Order | None:
        found = (session.ctx.book.get(intent_id) for session in self.sessions.values())
        return next((order for order in found if order is not None), None)

    # -- moving ---------------------------------------------------------------------------------------------------------------

    async def _moved(self, order: Order, wanted: Wanted, trip: Trip) -> Order | None:
        """The new intent on the next route; None when this one stays."""
        if not self.policy.moving.enabled or not is_dead(order):
            return None
        route = self.record(order)
        if route is None:
            return None
        if why := self._stays(order, route):
            self._log("failover.stays", order, detail=why)
            return None
        return await self._move(order, route, wanted, trip)

    def _stays(self, order: Order, route: RouteRecord) -> str:
        if self.links.moved_to(order.intent_id) is not None:
            return "another has taken its place"
        return stays(
            order,
            self.policy.moving,
            moves=route.journey.moves,
            first_at=route.journey.first_at,
            now=self.clock.now(),
            cancel_asked=self._is_unwanted(order)
            or (route.part is not None and self.splitter.is_cancelled(route.part.parent)),
            declared=self._is_declared(order),
        )

    def _is_declared(self, order: Order) -> bool:
        session = self.sessions.get(order.profile)
        facts = () if session is None else session.ctx.book.facts(order.intent_id)
        return any(isinstance(fact, HorizonPassed) and fact.source is Source.OPERATOR for fact in facts)

    async def _move(self, order: Order, route: RouteRecord, wanted: Wanted, trip: Trip) -> Order | None:
        with self._acting_for(order.intent_id):
            return await self._onward(order, route, wanted, trip)

    async def _onward(self, order: Order, route: RouteRecord, wanted: Wanted, trip: Trip) -> Order | None:
        why = f"{order.ord_status.value}: {order.reject_reason or 'it never reached the venue'}"
        ranking = await self.ranked(wanted.wish, wanted.rule, without=route.journey.tried)
        attempt = Attempt(wanted, ranking, old=order, why=why, journey=route.journey)
        try:
            new = await self._place(attempt, trip)
        except FloorbrokerError as error:  # it stays as it is: dead, and told as such
            self._log("failover.nowhere", order, detail=error.detail)
            return None
        self._log("failover.moved", order, detail=why, to=new.profile, new=new.intent_id)
        self.meter.count("failovers", profile=order.profile, to=new.profile)
        self.tell(
            new.profile,
            {
                "event": "failover",
                "from": order.profile,
                "to": new.profile,
                "order": order.intent_id,
                "new_order": new.intent_id,
                "reason": why,
            },
        )
        return new

    def on_change(self, change: Change) -> None:
        """A durable change: an intent that is proven dead late may move, and one that moved and shows up alive is cancelled."""
        after = change.after
        if self._is_stopped:
            return
        self._withdraw(after)
        if after.is_open:
            self._look_after(after)
            return
        if not self.policy.moving.enabled or change.before is None or not is_dead(after) or is_dead(change.before):
            return
        if after.intent_id not in self._carried:
            first = self.links.first(after.intent_id)
            self._late[first] = task = self._tasks.spawn(self._move_late(after), name="route-late")
            task.add_done_callback(lambda ended: self._rests(first, ended))

    def _rests(self, first: IntentId, ended: asyncio.Task[None]) -> None:
        if self._late.get(first) is ended:
            del self._late[first]

    def _withdraw(self, old: Order) -> None:
        """A venue broke its word, and what was proven dead has filled: what took its place must not fill as well (I1)."""
        if not self.links or not old.cum_qty or self.links.moved_to(old.intent_id) is None:
            return
        last = self._find(self.links.last(old.intent_id))
        if last is not None:
            self._look_after(last)

    def _look_after(self, order: Order) -> None:
        """End an open order that another took the place of, or that stands in the place of one that has filled."""
        if not self.links or not order.is_open or order.pending_cancel:
            return
        if self.links.moved_to(order.intent_id) is not None:
            self._end(order, "failover.old_one_lives")
            return
        for before in self.links.before(order.intent_id):
            old = self._find(before)
            if old is not None and old.cum_qty:
                self._end(order, "failover.old_one_filled", old=before, filled=str(old.cum_qty))

    def _end_with_the_whole(self, order: Order) -> None:
        """End a part that no cancel reached though that of the whole is durable.  One that its venue refused to cancel stays."""
        parent = whole_of(order)
        if parent is not None and self.splitter.is_cancelled(parent) and not self._is_unwanted(order):
            self._end(order, "split.part_lives", parent=parent)

    def _end(self, order: Order, event: str, **members: object) -> None:
        """Cancel an order until it has ended; whoever cancels it already goes on, at its own pace."""
        if order.intent_id in self._ending:
            return
        self._ending.add(order.intent_id)
        self._log(event, order, **members)
        task = self._tasks.spawn(self.sessions[order.profile].service.cancel_late(order), name="route-cancel")
        task.add_done_callback(lambda ended: self._ended(order.intent_id, ended))

    def _ended(self, intent_id: IntentId, task: asyncio.Task[None]) -> None:
        """What was heard of an order between the last look of its cancels and their end is looked at now."""
        self._ending.discard(intent_id)
        now = None if self._is_stopped or task.cancelled() or task.exception() is not None else self._find(intent_id)
        if now is not None:
            self._look_after(now)

    async def _move_late(self, order: Order) -> None:
        """An order whose caller has had an answer long ago."""
        route = self.record(order)
        if route is None:
            return
        actor = Actor(principal=route.principal, via=route.via)
        rule = next((rule for rule in self.policy.rules if rule.name == route.rule), None)
        if rule is None:
            self._log("failover.stays", order, detail=f"there is no route {route.rule} any more")
            return
        rule = narrowed(rule, route.only)
        wanted = Wanted(wish=order.terms, actor=actor, key=None, rule=rule, part=route.part)
        trip = Trip()
        moved = await self._moved(order, wanted, trip)
        while moved is not None:
            moved = await self._moved(moved, wanted, trip)

    # -- the rest -------------------------------------------------------------------------------------------------------------

    def _log(self, event: str, order: Order, **members: object) -> None:
        self.log.warning(
            event, tag=self.policy.moving.log_tag, profile=order.profile, intent=order.intent_id, **members
        )

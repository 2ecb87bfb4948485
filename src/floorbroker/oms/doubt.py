"""The shell around `resolve.py`: asks every source about an order in doubt until evidence ends the doubt (I3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from floorbroker.domain import facts as f
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FloorbrokerError, OrderNotFound
from floorbroker.domain.orders import Order, OrderRef, OrderState
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import IntentId
from floorbroker.oms.account import AccountContext
from floorbroker.oms.candidates import by_terms, candidates
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.inquest import may_be_forgotten
from floorbroker.oms.questions import Asked, Question, Questions
from floorbroker.oms.resolve import Resolution
from floorbroker.oms.translate import unanswered

OVERLAP = timedelta(minutes=5)
OUT_OF_REACH_S = 300.0  # between two looks at what no list can hold any more


@dataclass(slots=True)
class Resolver:
    """Settles UNKNOWN orders and unanswered replaces of one account, one task each."""

    ctx: AccountContext
    inbound: Inbound
    questions: Questions = field(default_factory=Questions)
    _settling: dict[IntentId, Resolution] = field(default_factory=dict[IntentId, Resolution])
    _running: set[IntentId] = field(default_factory=set[IntentId])
    _since_s: dict[IntentId, float] = field(default_factory=dict[IntentId, float])  # monotonic: when each doubt was met

    def watch(self, order: Order) -> None:
        """Start settling an order, once."""
        if order.intent_id not in self._running:
            self._running.add(order.intent_id)
            self.ctx.spawn(self._settle(order.intent_id), name="resolve")

    async def _settle(self, intent_id: IntentId) -> None:
        try:
            order = self.ctx.book.get(intent_id)
            if order is not None and order.state is OrderState.UNKNOWN:
                self._settling[intent_id] = self._resolution(intent_id)
                await self._settle_send(order, self._settling[intent_id])
            elif order is not None and (order.pending_replace or self._may_go_on(order)):
                await self._settle_replace(order)
        finally:
            self._settling.pop(intent_id, None)
            self._running.discard(intent_id)  # whatever broke it off: the watch begins again with the next tick

    def standing_of(self, order: Order) -> Resolution:
        """How far a doubt is from its end: where the watch stands, or where it would begin now."""
        return self._settling.get(order.intent_id) or Resolution(
            sent_at=self.ctx.clock.now(),
            arrival_bound_s=self._bound_s(order.intent_id),
            visibility_lag_s=self.ctx.visibility_lag_s,
        )

    def _bound_s(self, intent_id: IntentId) -> float:
        sent = [fact for fact in self.ctx.book.facts(intent_id) if isinstance(fact, f.Sending)]
        return max((fact.arrival_bound_s for fact in sent), default=self.ctx.arrival_bound_s)

    def _resolution(self, intent_id: IntentId) -> Resolution:
        return Resolution(
            sent_at=self._counted_from(intent_id),
            arrival_bound_s=self._bound_s(intent_id),
            visibility_lag_s=self.ctx.visibility_lag_s,
        )

    def _counted_from(self, doubt: IntentId) -> datetime:
        """When this process met a doubt, on its steady time.

        That is after the order left, so nobody is given up too early.  When it left stands in the journal by a wall clock that
        may have been moved since, in this life or between two.
        """
        now_s = self.ctx.clock.monotonic()
        return self.ctx.clock.now() - timedelta(seconds=now_s - self._since_s.setdefault(doubt, now_s))

    async def _settle_send(self, order: Order, resolution: Resolution) -> None:
        ctx, intent_id = self.ctx, order.intent_id
        now, since = self._steady(), min(order.created_at, resolution.sent_at) - OVERLAP
        while (current := ctx.book.get(intent_id)) is not None and current.state is OrderState.UNKNOWN:
            is_in_reach = resolution.asked == 0 or self.is_in_reach(current)
            await ctx.clock.sleep(resolution.next_delay_s() if is_in_reach else OUT_OF_REACH_S)
            asked_at = now()
            if asked_at < resolution.horizon and Can.QUERY_BY_CLIENT_ID in ctx.broker.info.can:
                await self._ask_by_id(current)  # no negative counts yet: one question instead of four
                continue
            if not await self.ask_everywhere(current, since=since):
                continue
            ctx.steps.reach("recon.negative")
            still = ctx.book.get(intent_id)
            if still is None or still.state is not OrderState.UNKNOWN:
                continue
            if not self.is_in_reach(still):
                ctx.log.warning("order.out_of_reach", intent=intent_id)
                continue
            if not resolution.on_negative(asked_at):
                continue
            passed = f.HorizonPassed(
                source=f.Source.QUERY,
                at=ctx.clock.now(),
                presumed=not ctx.broker.info.bound_enforced,
                negatives=resolution.negatives,
            )
            ctx.steps.reach("recon.given_up")
            await self.inbound.write_facts(intent_id, [passed])
            ctx.log.warning("order.not_placed", intent=intent_id, presumed=passed.presumed)
        self._since_s.pop(intent_id, None)

    def is_in_reach(self, order: Order) -> bool:
        """Whether the venue's lists would hold this order, so that its absence there says something (I9)."""
        return self.ctx.broker.info.still_lists(order.created_at, self.ctx.clock.now())

    def is_forgotten(self, order: Order) -> bool:
        """Whether the venue took an order, and did not know it when it was last asked for it by name."""
        is_denied = self.questions.is_denied(order.intent_id, after=order.updated_at)
        return is_denied and may_be_forgotten(order, self.ctx.clock.now())

    def _steady(self) -> Callable[[], datetime]:
        """Wall time that goes on by the monotonic clock, so that a stepped clock cannot bring a horizon nearer."""
        began, mark = self.ctx.clock.now(), self.ctx.clock.monotonic()
        return lambda: began + timedelta(seconds=self.ctx.clock.monotonic() - mark)

    async def look(self, order: Order) -> None:
        """Ask once about an order whose answer is late; nothing follows from not finding it."""
        if order.intent_id in self._running:
            return
        self._running.add(order.intent_id)
        try:
            if Can.QUERY_BY_CLIENT_ID in self.ctx.broker.info.can:
                await self._ask_by_id(order)
            else:
                await self.ask_everywhere(order, since=order.created_at - OVERLAP)
        finally:
            self._running.discard(order.intent_id)

    async def ask_everywhere(self, order: Order, *, since: datetime) -> bool:
        """Ask every source and fold what it says.  True when all answered completely and none knew the order.

        Where no id of ours names orders for certain, an order that may be this one is no such answer.
        """
        ctx = self.ctx
        found: list[ExecutionReport] = []
        try:
            if Can.QUERY_BY_CLIENT_ID in ctx.broker.info.can:
                found += await self._put(order, Asked.BY_ID, self._by_client_id(order))
            if not any(self._is(order, report) for report in found):
                found += await self._put(order, Asked.OPEN, _items(ctx.broker.get_open_orders()))
                found += await self._put(order, Asked.HISTORY, _items(ctx.broker.get_order_history(since)))
                if Can.HISTORY_FILLS in ctx.broker.info.can:
                    found += await self._put(order, Asked.FILLS, _items(ctx.broker.get_fills(since)))
        except FloorbrokerError as error:
            ctx.log.warning("resolve.incomplete", intent=order.intent_id, code=error.code)
            await self.inbound.take(found)
            return False
        await self.inbound.take(found)
        return not any(self._is(order, report) for report in found) and not self._may_be_one_of(order, found)

    def _may_be_one_of(self, order: Order, found: Sequence[ExecutionReport]) -> bool:
        """Whether one of these may be the order in doubt, and is no other order of the book."""
        if not by_terms(order, self.ctx.broker.info):
            return False
        unowned = [report for report in found if self.ctx.book.owner_of(report.order_id) is None]
        return bool(candidates(order, unowned, decode=self.ctx.broker.identity.decode))

    async def _put(
        self, order: Order, source: Asked, answer: Awaitable[Sequence[ExecutionReport]]
    ) -> Sequence[ExecutionReport]:
        """One question to one source, noted with what came of it.  Raises what asking raises."""
        at = self.ctx.clock.now()
        try:
            reports = await answer
        except FloorbrokerError as error:
            trouble = f"{error.code}: {error.detail}"
            self.questions.note(order.intent_id, Question(at=at, source=source, complete=False, trouble=trouble))
            raise
        knows = any(self._is(order, report) for report in reports)
        self.questions.note(order.intent_id, Question(at=at, source=source, complete=True, found=knows))
        return reports

    async def _ask_by_id(self, order: Order) -> None:
        """Ask for the order by name alone and fold what comes."""
        try:
            await self.inbound.take(await self._put(order, Asked.BY_ID, self._by_client_id(order)))
        except FloorbrokerError as error:
            self.ctx.log.warning("resolve.incomplete", intent=order.intent_id, code=error.code)

    async def _by_client_id(self, order: Order) -> list[ExecutionReport]:
        return await self._named(order.ref)

    async def _named(self, ref: OrderRef) -> list[ExecutionReport]:
        """What the venue says of a name; nothing when it does not know it."""
        try:
            return list(await self.ctx.broker.get_order_status(ref))
        except OrderNotFound:
            return []

    def _is(self, order: Order, report: ExecutionReport) -> bool:
        return report.cl_ord_id == order.cl_ord_id or (
            report.order_id is not None and report.order_id in order.order_ids
        )

    async def _settle_replace(self, order: Order) -> None:
        """Ask for the order until its newest replace is answered; unchanged after the horizon means it never came.

        Others, older ones and one that is asked for meanwhile, have a watch of their own with the next tick.
        """
        ctx, intent_id = self.ctx, order.intent_id
        last = unanswered(ctx.book.facts(intent_id))
        if last is None:
            return
        resolution = Resolution(
            sent_at=self._counted_from(last.replace_id),
            arrival_bound_s=ctx.arrival_bound_s,
            visibility_lag_s=ctx.visibility_lag_s,
        )
        now, since = self._steady(), min(last.at, resolution.sent_at) - OVERLAP
        while (current := self._waits_for(intent_id, last)) is not None:
            await ctx.clock.sleep(resolution.next_delay_s())
            asked_at = now()
            if not await self._ask_replace(current, last, since=since):
                continue
            if self._waits_for(intent_id, last) is not None and resolution.on_negative(asked_at):
                refused = f.ReplaceRefused(
                    source=f.Source.QUERY, at=ctx.clock.now(), replace_id=last.replace_id, reason="never arrived"
                )
                await self.inbound.write_facts(intent_id, [refused])
        self._since_s.pop(last.replace_id, None)

    def _waits_for(self, intent_id: IntentId, asked: f.ReplaceAsked) -> Order | None:
        """The order, while this replace is the one it waits for."""
        order = self.ctx.book.get(intent_id)
        if order is None or not (order.pending_replace or self._may_go_on(order)):
            return None
        return order if unanswered(self.ctx.book.facts(intent_id)) == asked else None

    def _may_go_on(self, order: Order) -> bool:
        """Whether an order that is called done may live on in a successor that no answer has named yet."""
        is_done = not order.is_open and not self.ctx.broker.info.amends_in_place
        return is_done and unanswered(self.ctx.book.facts(order.intent_id)) is not None

    async def _ask_replace(self, order: Order, asked: f.ReplaceAsked, *, since: datetime) -> bool:
        """Fold the order, its successor and the recent history; True when the answers were complete.

        A successor is an order with a client id of its own, and is asked for by that: a list may lag behind.
        """
        ctx, info = self.ctx, self.ctx.broker.info
        successor = replace(order.ref, cl_ord_id=asked.cl_ord_id, order_id=None)
        has_own_name = Can.QUERY_BY_CLIENT_ID in info.can and not info.amends_in_place
        try:
            reports = [
                *await self._put(order, Asked.BY_ID, ctx.broker.get_order_status(order.ref)),
                *(await self._named(successor) if has_own_name else ()),
                *await self._put(order, Asked.HISTORY, _items(ctx.broker.get_order_history(since))),
            ]
        except FloorbrokerError as error:
            ctx.log.warning("resolve.incomplete", intent=order.intent_id, code=error.code)
            return False
        await self.inbound.take(reports)
        return True


async def _items(asked: Awaitable[Fetched[ExecutionReport]]) -> Sequence[ExecutionReport]:
    return (await asked).items

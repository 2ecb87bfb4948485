"""Bugs of how doubt ends: what is taken for evidence that an order is not there."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from floorbroker.domain import facts as f
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.orders import Order
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import IntentId
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.doubt import Resolver
from floorbroker.oms.reconcile import unlisted
from floorbroker.oms.resolve import Resolution
from floorbroker.oms.rounds import Reconciler
from tests.simulation.house import Plant
from tests.simulation.schedule import Plan
from tests.simulation.teeth.bug import Bug, every, struck_by
from tests.simulation.teeth.ports import becomes, ctx_of, service_of
from tests.simulation.teeth.transport import SILENCE
from tests.simulation.worlds import bound_s_of


class OneIsEnough(Resolution):
    __slots__ = ()

    def on_negative(self, asked_at: datetime) -> bool:
        self.negatives += 1
        return True


class WithoutHorizon(Resolution):
    __slots__ = ()

    @property
    def horizon(self) -> datetime:
        return self.sent_at


class HastyResolver(Resolver):
    __slots__ = ()

    def _resolution(self, intent_id: IntentId) -> Resolution:
        resolution = super()._resolution(intent_id)
        resolution.__class__ = OneIsEnough
        return resolution


class ShortSightedResolver(Resolver):
    __slots__ = ()

    def _resolution(self, intent_id: IntentId) -> Resolution:
        resolution = super()._resolution(intent_id)
        resolution.__class__ = WithoutHorizon
        return resolution


class TrustingResolver(Resolver):
    """Whatever a question raises, the order is not there."""

    __slots__ = ()

    async def ask_everywhere(self, order: Order, *, since: datetime) -> bool:
        try:
            found = await self.ctx.broker.get_order_status(order.ref)
        except FloorbrokerError:
            return True
        await self.inbound.take(found)
        return False


class MixesClocks(Resolver):
    """Asks at the venue's time, counts from our own."""

    __slots__ = ()

    def _steady(self) -> Callable[[], datetime]:
        now = super()._steady()
        return lambda: now() + timedelta(seconds=self.ctx.broker.get_connection_status().clock_offset_s or 0.0)


class CallsUnlistedCancelled(Reconciler):
    __slots__ = ()

    async def ask_unlisted(self, listed: Fetched[ExecutionReport]) -> None:
        for order in unlisted(self._ours(listed.asked_at), listed.items):
            assert order.order_id is not None  # `_ours` have one
            gone = f.Cancelled(source=f.Source.SNAPSHOT, at=self.ctx.clock.now(), order_id=order.order_id)
            await self.inbound.write_facts(order.intent_id, [gone])


def _resolver(kind: type) -> Plant:
    def plant(desk: Gateway) -> None:
        becomes(lambda desk: service_of(desk).resolver, kind)(desk)

    return Plant(desk=plant)


def _leaves_the_late(desk: Gateway) -> None:
    ctx_of(desk).cancel_late = False


def _reads_fail(plan: Plan) -> bool:
    """For long enough, and most of them."""
    return any(
        fault.where == "read" and fault.chance > 0.6 and fault.until_s - fault.since_s > 15 for fault in plan.faults
    )


def _is_behind(plan: Plan) -> bool:
    return plan.skew_s < -1


BUGS = (
    Bug(
        name='one "not found" taken as death',
        what="The first time the venue does not know an order in doubt, the order is called not placed.",
        breaks="RELIABILITY 2.6",
        plant=_resolver(HastyResolver),
        wants=struck_by(*SILENCE),
    ),
    Bug(
        name="no arrival horizon",
        what="Three negatives over ten seconds count, however short a time after the order left.",
        breaks="RELIABILITY 2.6",
        plant=_resolver(ShortSightedResolver),
        wants=struck_by("order.delay", "order.drop"),
    ),
    Bug(
        name="network error read as absence",
        what="A question about an order that fails is taken for the answer that it is not there.",
        breaks="I9",
        plant=_resolver(TrustingResolver),
        wants=every(struck_by("order.lost", "order.reset", "order.page_after", "order.garble"), _reads_fail),
    ),
    Bug(
        name="clocks mixed at the horizon",
        what="Questions are stamped with the venue's time and the sending with ours, so a clock that is behind ends"
        " the wait early.",
        breaks="RELIABILITY 2.6",
        plant=_resolver(MixesClocks),
        wants=every(struck_by("order.delay", "order.drop", "order.cut", "order.page"), _is_behind),
    ),
    Bug(
        name="missing from a list taken as cancelled",
        what="An order that the list of open orders lacks is closed without asking for it.",
        breaks="I9",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).reconciler, CallsUnlistedCancelled)),
    ),
    Bug(
        name="late acceptance left to work",
        what="An order that shows up after it was given up is taken note of and stays open.",
        breaks="RELIABILITY 2.6",
        plant=Plant(desk=_leaves_the_late),
        wants=every(struck_by("order.delay"), lambda plan: bound_s_of(plan) < 5),
    ),
)

"""Bugs of cancels and changes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from floorbroker.domain import facts as f
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Order, OrderRef
from floorbroker.domain.ports import Entry, FactEntry, Reports
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ExecType, OrdStatus
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.account import Actor
from floorbroker.oms.cancel import Canceller
from floorbroker.oms.exposed import Exposed
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.replace import Replacer
from tests.simulation.house import Plant
from tests.simulation.schedule import Cancel, Modify, Plan
from tests.simulation.teeth.bug import Bug, every, sized, struck_by, with_act
from tests.simulation.teeth.ports import BrokerAround, around_broker, becomes, exposed_of, service_of
from tests.simulation.teeth.transport import SILENCE

NOT_ARRIVED = ("order.drop", "order.cut", "order.refuse", "order.stall", "order.page", "order.throttle")


class BelievesCancels(BrokerAround):
    async def cancel_order(self, ref: OrderRef) -> Reports:
        try:
            reports: Reports = await self.honest.cancel_order(ref)
        except FloorbrokerError:
            done = ExecutionReport(
                exec_type=ExecType.CANCELED,
                source=Source.REPLY,
                at=self.honest.get_connection_status().since,
                ord_status=OrdStatus.CANCELED,
                order_id=ref.order_id,
                cl_ord_id=ref.cl_ord_id,
            )
            return (done,)
        return reports


class CancelsDoubtAway(Canceller):
    """To cancel an order that may not be there is to be rid of it."""

    __slots__ = ()

    async def cancel(self, order: Order, *, actor: Actor, reason: str) -> Order:
        if not order.in_doubt:
            return await super().cancel(order, actor=actor, reason=reason)
        gone = f.NotSent(source=f.Source.OWN, at=self.ctx.clock.now(), reason="cancelled before it was there")
        self.inbound.leave_facts(order.intent_id, [gone])
        return self.ctx.book.get(order.intent_id) or order


class AsksBeforeCancelling(Canceller):
    """Cancels need what new orders need."""

    __slots__ = ()

    async def cancel(self, order: Order, *, actor: Actor, reason: str) -> Order:
        self.ctx.switches.assert_open()
        return await super().cancel(order, actor=actor, reason=reason)


class CountsReplacementsAnew(Inbound):
    """An order under a new id of the venue is a new order."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return super().entries_of(replace(report, replaces=None, replaced_by=None) for report in reports)


class HearsWhenItWas(Inbound):
    """A stream's word on terms is taken to be heard when the venue says that they began."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return [_heard_when_it_was(entry) for entry in super().entries_of(reports)]


def _heard_when_it_was(entry: Entry) -> Entry:
    if not isinstance(entry, FactEntry) or not isinstance(fact := entry.fact, f.ReplaceDone):
        return entry
    if fact.source is not Source.STREAM or fact.venue_time is None:
        return entry
    return replace(entry, fact=replace(fact, at=max(fact.at, fact.venue_time)))


class CountsEarlierFills(BrokerAround):
    """Whatever replaces an order is taken to ask only for what was left."""

    def __init__(self, honest: Any) -> None:
        super().__init__(honest)
        self.info: BrokerInfo = replace(honest.info, whole_successors=False)


class CountsTheLargerSize(Exposed):
    def _leaves(self, order: Order) -> Decimal | None:
        self._whole_successors = False
        return super()._leaves(order)


def _trusts_the_total(desk: Gateway) -> None:
    around_broker(CountsEarlierFills)(desk)
    becomes(exposed_of, CountsTheLargerSize)(desk)


class BelievesRefusals(Replacer):
    """A change that was refused was not done."""

    __slots__ = ()

    def _has_a_stranger(self, order: Order) -> bool:
        return False


class NeverAmendsInPlace(BrokerAround):
    """Says that whatever is changed gets another id."""

    def __init__(self, honest: Any) -> None:
        super().__init__(honest)
        self.info: BrokerInfo = replace(honest.info, amends_in_place=False)


def _venue_is_ahead(plan: Plan) -> bool:
    return plan.skew_s < -0.2


BUGS = (
    Bug(
        name="cancel refusal taken as proof",
        what="Whatever a cancel is answered with, the order is called cancelled.",
        breaks="RELIABILITY 2",
        plant=Plant(desk=around_broker(BelievesCancels)),
        wants=every(with_act(Cancel), struck_by(*NOT_ARRIVED)),
    ),
    Bug(
        name="cancel of an order in doubt closes it",
        what="Who cancels an order that may or may not be there is told that it never was.",
        breaks="I3",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).canceller, CancelsDoubtAway)),
        wants=every(with_act(Cancel), struck_by(*SILENCE)),
    ),
    Bug(
        name="cancel needs READY",
        what="A cancel passes the same switches as a new order.",
        breaks="I15",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).canceller, AsksBeforeCancelling)),
        wants=with_act(Cancel),
    ),
    Bug(
        name="replacement counted as a new order",
        what="The id that a changed order has at the venue is not joined to the one it had.",
        breaks="I1",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).inbound, CountsReplacementsAnew)),
        wants=with_act(Modify),
    ),
)

# Plans show it too seldom to be hunted; `tests/simulation/kept/` has one that does.
RARE = (
    Bug(
        name="crossing fill taken as counted",
        what="A change in flight counts with the larger of its two sizes, though a fill that crosses it may be left out"
        " of the new one.",
        breaks="I12",
        plant=Plant(desk=_trusts_the_total),
        wants=every(with_act(Modify), sized),
    ),
    Bug(
        name="refused change taken as not done",
        what="A change is refused whose first copy was done, and the order counts with the size it had.",
        breaks="I5",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).replacer, BelievesRefusals)),
        wants=every(with_act(Modify), sized),
    ),
    Bug(
        name="change in place not recognised",
        what="Where a venue keeps the id, a change whose answer was lost is given up, though the order has its terms.",
        breaks="RELIABILITY 2.6",
        plant=Plant(desk=around_broker(NeverAmendsInPlace)),
        wants=with_act(Modify),
    ),
    Bug(
        name="terms by a clock that is ahead",
        what="Terms are placed by the venue's time as it is, so what its stream repeats of a first change comes after the"
        " second one.",
        breaks="I5",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).inbound, HearsWhenItWas)),
        wants=every(with_act(Modify), _venue_is_ahead),
        venue="kraken",
    ),
)

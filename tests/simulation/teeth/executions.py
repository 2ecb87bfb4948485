"""Bugs of counting fills."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from dataclasses import replace
from datetime import datetime
from typing import Any

from floorbroker.domain.facts import Cum, Exec
from floorbroker.domain.orders import CLOSED, Order
from floorbroker.domain.ports import Entry, FactEntry, OrderEvents, Subscription
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import ExecId, ExecType
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.book import OrderBook
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.rounds import Reconciler
from floorbroker.oms.synthetic import stand_ins
from tests.simulation.house import Plant
from tests.simulation.places import PROFILE
from tests.simulation.schedule import Bust, Plan
from tests.simulation.teeth.bug import Bug, killed, with_act
from tests.simulation.teeth.ports import BrokerAround, around_broker, becomes, ctx_of, service_of
from tests.simulation.worlds import IBKR_WEB


class Listener:
    """Stands between the venue's stream and who listens; `change` may alter a report, or drop it."""

    def __init__(self, honest: OrderEvents, around: Hears) -> None:
        self.on_stream = honest.on_stream
        self._honest, self._around = honest, around

    def on_report(self, report: ExecutionReport) -> None:
        changed = self._around.change(report)
        if changed is not None:
            self._honest.on_report(changed)


class Hears(BrokerAround):
    """Changes every report of a fill, from the stream and from lists."""

    def change(self, report: ExecutionReport) -> ExecutionReport | None:
        return report

    def change_listed(self, report: ExecutionReport) -> ExecutionReport | None:
        return self.change(report)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        listed: Fetched[ExecutionReport] = await self.honest.get_fills(since)
        kept = (self.change_listed(report) for report in listed.items)
        return Fetched(items=tuple(report for report in kept if report is not None), asked_at=listed.asked_at)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        subscription: Subscription = await self.honest.subscribe_order_events(Listener(handler, self))
        return subscription


class CountsBySource(Hears):
    def change_listed(self, report: ExecutionReport) -> ExecutionReport | None:
        return replace(report, exec_id=ExecId(f"{report.exec_id}-listed"))


class SumsEvents(Hears):
    """Every event that tells of a trade adds to the total."""

    def __init__(self, honest: Any) -> None:
        super().__init__(honest)
        self._times: Counter[ExecId | None] = Counter()

    def change(self, report: ExecutionReport) -> ExecutionReport | None:
        if report.exec_type is not ExecType.TRADE:
            return report
        self._times[report.exec_id] += 1
        times = min(self._times[report.exec_id], 3)  # more would only take longer
        return report if times == 1 else replace(report, exec_id=ExecId(f"{report.exec_id}-{times}"))


class RemembersInMemory(Hears):
    """What was counted before this process began counts again."""

    def __init__(self, honest: Any, *, before: AbstractSet[ExecId], life: int) -> None:
        super().__init__(honest)
        self._before, self._life = before, life

    def change(self, report: ExecutionReport) -> ExecutionReport | None:
        if report.exec_type is not ExecType.TRADE or report.exec_id not in self._before:
            return report
        return replace(report, exec_id=ExecId(f"{report.exec_id}-{self._life}"))


class ListsNothing(Hears):
    def change_listed(self, report: ExecutionReport) -> ExecutionReport | None:
        return None


class DeafToBusts(Hears):
    def change(self, report: ExecutionReport) -> ExecutionReport | None:
        return None if report.exec_type is ExecType.TRADE_CANCEL else report


class ClosedIsClosed(Inbound):
    """A fill of an order that is done is not taken."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return [entry for entry in super().entries_of(reports) if not _comes_late(self.ctx.book, entry)]


class DeafToNothing(Inbound):
    """A total of nothing is no total."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return [entry for entry in super().entries_of(reports) if not _tells_nothing(entry)]


def _tells_nothing(entry: Entry) -> bool:
    return isinstance(entry, FactEntry) and isinstance(entry.fact, Cum) and entry.fact.cum_qty == 0


def _comes_late(book: OrderBook, entry: Entry) -> bool:
    if not isinstance(entry, FactEntry) or not isinstance(entry.fact, Exec):
        return False
    order = book.get(entry.intent_id)
    return order is not None and order.state in CLOSED


class StandsInAtOnce(Reconciler):
    __slots__ = ()

    async def _stand_in(self, lacking: list[Order]) -> None:
        for order in lacking:
            evidence = self.ctx.book.evidence(order.intent_id)
            made = stand_ins(order, evidence, now=self.ctx.clock.now(), is_ripe=lambda *_: True, mark=None)
            if made:
                await self.inbound.write_facts(order.intent_id, made)


def _forgetful(desk: Gateway) -> None:
    ctx = ctx_of(desk)
    before = {execution.exec_id for order in ctx.book for execution in order.executions}
    around = RemembersInMemory(ctx.broker, before=before, life=ctx.epoch)
    ctx.broker = around  # pyright: ignore[reportAttributeAccessIssue]


def _drops_late_fills(desk: Gateway) -> None:
    """Everybody who takes reports has the one way in."""
    becomes(lambda desk: desk.sessions[PROFILE].service.inbound, ClosedIsClosed)(desk)


def _unlisted(plan: Plan) -> bool:
    return not plan.lists_fills


BUGS = (
    Bug(
        name="fold by summing events",
        what="Every event that tells of a trade adds its quantity, whether the trade was heard of before or not.",
        breaks="I6, I7",
        plant=Plant(desk=around_broker(SumsEvents)),
    ),
    Bug(
        name="an execution counted for each source",
        what="Fills have other ids in lists than on the stream, and count for both.",
        breaks="I6",
        plant=Plant(desk=around_broker(CountsBySource)),
    ),
    Bug(
        name="executions forgotten at restart",
        what="Which executions have been counted is remembered in memory alone.",
        breaks="I6",
        plant=Plant(desk=_forgetful),
        wants=killed,
    ),
    Bug(
        name="fills heard and never listed",
        what="The stream is trusted with every fill.",
        breaks="RELIABILITY 3",
        plant=Plant(desk=around_broker(ListsNothing)),
    ),
    Bug(
        name="bust not heard",
        what="Fills that the venue takes back still count.",
        breaks="I10",
        plant=Plant(desk=around_broker(DeafToBusts)),
        wants=with_act(Bust),
    ),
    Bug(
        name="fill after the end dropped",
        what="A fill that comes in after its order was called done is not taken.",
        breaks="I7",
        plant=Plant(desk=_drops_late_fills),
    ),
    Bug(
        name="synthetic fill at once",
        what="A fill is made up the moment a total implies it, without the grace in which the real one may come.",
        breaks="RELIABILITY 3",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).reconciler, StandsInAtOnce)),
        wants=_unlisted,
    ),
)

RARE = (
    Bug(
        name="totals of nothing not heard",
        what="A total of nothing is dropped, also where it alone tells how much was taken back of fills that nobody heard of.",
        breaks="I10",
        plant=Plant(desk=becomes(lambda desk: desk.sessions[PROFILE].service.inbound, DeafToNothing)),
        wants=with_act(Bust),
        venue=IBKR_WEB.name,
    ),
)

"""Bugs that rarer troubles bring out: outages, answers out of every table, moved clocks, corrections, the end of a session."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from floorbroker.domain import facts as f
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    CircuitBreakerError,
    FloorbrokerError,
    OrderNotFound,
)
from floorbroker.domain.orders import Order, OrderRef
from floorbroker.domain.ports import Entry, FactEntry, Journal, Reports
from floorbroker.domain.records import ConnectionStatus, ExecutionReport, Fetched
from floorbroker.domain.values import ExecType, IntentId, OrdStatus
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.account import Actor
from floorbroker.oms.cancel import Canceller
from floorbroker.oms.doubt import Resolver
from floorbroker.oms.inbound import Inbound
from floorbroker.oms.rounds import Reconciler
from floorbroker.oms.synthetic import GRACE_S, stand_ins
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.store.writer import Last, Writer
from floorbroker.transport.types import Request, Response
from tests.simulation.house import Plant
from tests.simulation.schedule import CancelAll, Correct, Plan
from tests.simulation.teeth.bug import Bug, Wants, every, killed, struck_by, with_act
from tests.simulation.teeth.executions import Hears
from tests.simulation.teeth.ports import BrokerAround, OrderShell, around_broker, becomes, ctx_of, service_of
from tests.simulation.teeth.transport import SILENCE
from tests.simulation.weather import TWISTED


class TakesNoForNobody(BrokerAround):
    """Whoever is kept out has been told that nothing is there."""

    excuses: tuple[type[FloorbrokerError], ...] = ()

    async def get_order_status(self, ref: OrderRef) -> Reports:
        try:
            return await self.honest.get_order_status(ref)
        except OrderNotFound:
            raise
        except self.excuses:
            raise OrderNotFound("nobody let us see it") from None

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        return await self._or_none(self.honest.get_open_orders)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        return await self._or_none(lambda: self.honest.get_order_history(since))

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        return await self._or_none(lambda: self.honest.get_fills(since))

    async def _or_none(self, ask: Any) -> Fetched[ExecutionReport]:
        try:
            return await ask()
        except self.excuses:
            return Fetched(items=(), asked_at=self.honest.get_connection_status().since)


class LockedOut(TakesNoForNobody):
    excuses = (AuthenticationFailed,)


class TurnedAway(TakesNoForNobody):
    excuses = (ApiError, CircuitBreakerError)


class ReadsOddAnswersAsRefusals(OrderShell):
    async def send(self, request: Request) -> Response:
        reply = await self.honest.send(request)
        if request.method == "POST" and reply.status < 300 and not _is_an_order(reply.body):
            return Response(status=403, body=b'{"code":40310000,"message":"insufficient buying power"}')
        return reply


def _is_an_order(body: bytes) -> bool:
    try:
        return isinstance(json.loads(body)["id"], str)
    except (ValueError, KeyError, TypeError, RecursionError):
        return False


class CorrectionIsAnother(Hears):
    """A correction is one more execution."""

    def change(self, report: ExecutionReport) -> ExecutionReport | None:
        if report.exec_type is not ExecType.TRADE_CORRECT:
            return report
        return replace(report, exec_type=ExecType.TRADE, exec_ref_id=None, exec_version=0)


class CorrectionIsIgnored(Hears):
    def change(self, report: ExecutionReport) -> ExecutionReport | None:
        return None if report.exec_type is ExecType.TRADE_CORRECT else report


class ForgetsNamesOfCorrections(Inbound):
    """What a correction is called is remembered in memory alone."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return [_nameless(entry) for entry in super().entries_of(reports)]


def _nameless(entry: Entry) -> Entry:
    if isinstance(entry, FactEntry) and isinstance(entry.fact, f.Exec) and entry.fact.ref is not None:
        return replace(entry, fact=replace(entry.fact, ref=None))
    return entry


class CountsByTheWall(Resolver):
    """The arrival horizon runs from the wall time at which the order was sent."""

    __slots__ = ()

    def _counted_from(self, doubt: IntentId) -> datetime:
        sent = [fact.at for fact in self.ctx.book.facts(doubt) if isinstance(fact, f.Sending)]
        return max(sent, default=super()._counted_from(doubt))


class GraceByTheWall(Reconciler):
    """The grace of a total runs from the wall time at which it was heard."""

    __slots__ = ()

    async def _stand_in(self, lacking: list[Order]) -> None:
        now = self.ctx.clock.now()
        for order in lacking:
            evidence = self.ctx.book.evidence(order.intent_id)
            heard = [fact.at for fact in evidence.seen if isinstance(fact, f.Cum)]
            is_over = bool(heard) and now - max(heard) >= timedelta(seconds=GRACE_S)
            made = stand_ins(order, evidence, now=now, is_ripe=lambda *_, over=is_over: over, mark=None)
            if made:
                await self.inbound.write_facts(order.intent_id, made)


class ExplainsBesideOddWords(Reconciler):
    """A position that differs is set right although the venue says of an order what nobody understands."""

    __slots__ = ()

    def _waits(self, order: Order) -> bool:
        return order.needs_executions and super()._waits(order)


class TakesErrorsAtTheirWord(Writer):
    """A commit that fails has not happened."""

    __slots__ = ()

    def _durable(self, group: Any, error: FloorbrokerError | None) -> Last:
        return super()._durable(group, error) if error is None else self.last


def _believes_errors(journal: Journal) -> Journal:
    assert isinstance(journal, SqliteJournal)  # it is the honest one
    journal._writer.__class__ = TakesErrorsAtTheirWord  # noqa: SLF001 - the bug stands there
    return journal


class GuessesWords(Inbound):
    """A status in no table can only be an end."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return super().entries_of(_guessed(report) for report in reports)


def _guessed(report: ExecutionReport) -> ExecutionReport:
    if not report.unrecognised:
        return report
    return replace(report, unrecognised=None, exec_type=ExecType.CANCELED, ord_status=OrdStatus.CANCELED)


class DoneForGood(Inbound):
    """Done for the day is done."""

    __slots__ = ()

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        return [_ended(entry) for entry in super().entries_of(reports)]


def _ended(entry: Entry) -> Entry:
    if isinstance(entry, FactEntry) and isinstance(entry.fact, f.DoneForDay):
        fact = entry.fact
        return replace(entry, fact=f.Expired(source=fact.source, at=fact.at, order_id=fact.order_id))
    return entry


class CancelsTheFirst(Canceller):
    """Of several, the first is cancelled."""

    __slots__ = ()

    async def cancel_each(self, orders: Iterable[Order], *, actor: Actor, reason: str) -> list[FloorbrokerError | None]:
        return await super().cancel_each(list(orders)[:1], actor=actor, reason=reason)


def _inbound(kind: type) -> Plant:
    return Plant(desk=becomes(lambda desk: service_of(desk).inbound, kind))


def _corrected_twice(plan: Plan) -> bool:
    return sum(isinstance(act, Correct) for act in plan.acts) > 1


class WallForMonotonic:
    """A clock whose two times are one: the wall's."""

    def __init__(self, honest: Clock) -> None:
        self._honest = honest
        self.now, self.sleep = honest.now, honest.sleep

    def monotonic(self) -> float:
        return self._honest.now().timestamp()


def _stream_by_the_wall(desk: Gateway) -> None:
    stream = ctx_of(desk).broker._orders  # type: ignore[attr-defined]  # noqa: SLF001 - nobody else asks for it
    stream._around = replace(stream._around, clock=WallForMonotonic(stream._around.clock))  # noqa: SLF001


class MeasuresTheClockOnce(BrokerAround):
    """What was measured at the log-in stays as it is."""

    def __init__(self, honest: Any) -> None:
        super().__init__(honest)
        self._off_s: float | None = None

    async def connect(self) -> None:
        await self.honest.connect()
        self._off_s = self.honest.get_connection_status().clock_offset_s

    def get_connection_status(self) -> ConnectionStatus:
        return replace(self.honest.get_connection_status(), clock_offset_s=self._off_s)


def _moved_far(plan: Plan) -> bool:
    return any(abs(step.by_s) > 60 for step in plan.steps)


def _moved(plan: Plan) -> bool:
    return bool(plan.steps)


def _closes(plan: Plan) -> bool:
    return plan.closes_at_s is not None


def _unlisted(plan: Plan) -> bool:
    return not plan.lists_fills


def _kept_out(*what: str) -> Wants:
    """Reads are turned away for long enough to end a doubt."""
    return lambda plan: any(
        fault.where == "read" and fault.what in what and fault.chance > 0.8 and fault.until_s - fault.since_s > 15
        for fault in plan.faults
    )


ODD = tuple(f"order.{what}" for what in TWISTED)

BUGS = (
    Bug(
        name="401 read as absence",
        what="A venue that does not know our keys any more is taken to say that an order is not there.",
        breaks="I9",
        plant=Plant(desk=around_broker(LockedOut)),
        wants=every(_kept_out("unauthorized"), struck_by(*SILENCE)),
    ),
    Bug(
        name="maintenance page read as absence",
        what="A page of somebody in between, with 404 or 503, is taken to say that an order is not there.",
        breaks="I9",
        plant=Plant(desk=around_broker(TurnedAway)),
        wants=every(_kept_out("maintenance", "lost_page"), struck_by(*SILENCE)),
    ),
    Bug(
        name="odd answer read as refusal",
        what="A success whose body is no order is taken for the venue's no.",
        breaks="I3",
        plant=Plant(order_http=ReadsOddAnswersAsRefusals),
        wants=struck_by(*ODD),
    ),
    Bug(
        name="unknown status read as an end",
        what="A status that stands in no table is taken for a cancelled order.",
        breaks="RELIABILITY 3",
        plant=_inbound(GuessesWords),
        wants=struck_by("order.strange", "read.strange", "stream.strange"),
    ),
    Bug(
        name="done for the day read as an end",
        what="An order that sleeps until the next session is called expired.",
        breaks="RELIABILITY 3",
        plant=_inbound(DoneForGood),
        wants=_closes,
    ),
    Bug(
        name="correction applied as another",
        what="A correction counts beside the execution that it corrects.",
        breaks="I6",
        plant=Plant(desk=around_broker(CorrectionIsAnother)),
        wants=with_act(Correct),
    ),
    Bug(
        name="correction not heard",
        what="Executions that the venue corrects count as they were.",
        breaks="I10",
        plant=Plant(desk=around_broker(CorrectionIsIgnored)),
        wants=with_act(Correct),
    ),
    Bug(
        name="names of corrections forgotten at restart",
        what="What a correction is called is kept in memory alone, so that the next one is taken for another execution.",
        breaks="I6",
        plant=_inbound(ForgetsNamesOfCorrections),
        wants=every(killed, _corrected_twice),
    ),
    Bug(
        name="horizon by the wall clock",
        what="The arrival horizon runs from the wall time of the sending, so a clock that is moved ends the wait early.",
        breaks="RELIABILITY 2.6",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).resolver, CountsByTheWall)),
        wants=every(_moved_far, struck_by("order.delay", "order.drop", "order.cut", "order.page")),
    ),
    Bug(
        name="grace by the wall clock",
        what="The grace of a total runs from the wall time at which it was heard.",
        breaks="RELIABILITY 3",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).reconciler, GraceByTheWall)),
        wants=every(_unlisted, _moved),
    ),
    Bug(
        name="clock measured once",
        what="How far the venue's clock is off is measured at the log-in alone: one that goes wrong later is not noticed.",
        breaks="I11",
        plant=Plant(desk=around_broker(MeasuresTheClockOnce)),
        wants=_moved_far,
    ),
    Bug(
        name="failed commit taken as undone",
        what="A commit that ends with an error is taken for one that did not happen.",
        breaks="RELIABILITY 2.8",
        plant=Plant(journal=_believes_errors),
        wants=struck_by("disk.unsaid"),
    ),
    Bug(
        name="cancel everything cancels the first",
        what="Of everything that is open, one order is cancelled and the others work on.",
        breaks="RELIABILITY 2",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).canceller, CancelsTheFirst)),
        wants=with_act(CancelAll),
    ),
)

# Plans show it too seldom to be hunted; `tests/simulation/kept/` has one that does.
RARE = (
    Bug(
        name="unknown status explains nothing",
        what="A position is adjusted while the venue says of an order of that symbol what stands in no table.",
        breaks="I9",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).reconciler, ExplainsBesideOddWords)),
        wants=every(struck_by("read.strange"), _unlisted),
    ),
    Bug(
        name="stream by the wall clock",
        what="The private stream counts its waits by the wall clock, so one that is set back holds up a log-in without answer.",
        breaks="RELIABILITY 11",
        plant=Plant(desk=_stream_by_the_wall),
        wants=every(_moved_far, struck_by("stream.drop", "stream.mute", "stream.reorder")),
    ),
)

"""What venues say, on its way into the book: find the order, make facts, adopt children and strangers."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from floorbroker.domain import facts as f
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ids import tag_of
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Entry, FactEntry
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ClOrdId, ExecType, IntentId, OrderClass, OrderId
from floorbroker.oms.account import AccountContext
from floorbroker.oms.candidates import by_terms, may_be
from floorbroker.oms.external import ExternalOrders
from floorbroker.oms.lost import found_again, is_lost, restored_at
from floorbroker.oms.translate import (
    adopted_id,
    adoption,
    carried_out,
    emptied,
    facts_of,
    is_of_another_side,
    restated,
    unanswered,
)
from floorbroker.oms.unforeseen import ours

MAX_STRAYS = 10_000
MAX_ADOPTING = 1_000
_NEVER = datetime(1970, 1, 1, tzinfo=UTC)
_MERE = (f.Ack, f.Working)  # that the venue has an order
_Stray = tuple[float, ExecutionReport]  # when it was first heard (monotonic seconds), and what


@dataclass(slots=True)
class Inbound:
    """Routes reports of one account.  `heard_at` is the monotonic time of the last report from the private stream."""

    ctx: AccountContext
    heard_at: float = 0.0
    _ignored: dict[OrderId | None, str] = field(default_factory=dict[OrderId | None, str])
    _strays: dict[ExecutionReport, _Stray] = field(default_factory=dict[ExecutionReport, "_Stray"])
    _adopting: dict[OrderId, IntentId] = field(default_factory=dict[OrderId, IntentId])
    _restored: datetime | None = None  # looked up when it is first asked for

    def on_report(self, report: ExecutionReport) -> None:
        """One report from the private stream."""
        self.heard_at = self.ctx.clock.monotonic()
        try:
            with ours(self.ctx.log, "report.unforeseen", order_id=report.order_id):
                self.ctx.steps.reach("event.E1")
                entries = self.entries_of([report])
                self.ctx.steps.reach("event.E2")
        except (
            FloorbrokerError
        ):  # logged; no word of a venue may end its own stream (I24), and the next listing tells again
            return
        if not entries:
            return
        if all(self._may_linger(entry) for entry in entries):
            self.ctx.writer.leave(entries)
        else:
            self.ctx.writer.put(entries)

    def _may_linger(self, entry: Entry) -> bool:
        """Whether it only says once more that an order stands as everybody takes it to: the next commit takes it along."""
        if not isinstance(entry, FactEntry) or not isinstance(entry.fact, _MERE):
            return False
        order = self.ctx.book.at_hand(entry.intent_id)
        return (
            order is not None
            and order.is_open
            and not (order.in_doubt or order.pending_cancel or order.pending_replace)
        )

    async def take(self, reports: Iterable[ExecutionReport]) -> None:
        """Reports that answer a question; durable and folded when this returns."""
        entries = self.entries_of(reports)
        if entries:
            await self.ctx.writer.write(entries)

    async def write_facts(self, intent_id: IntentId, facts: Sequence[f.Fact], *, alone: bool = False) -> None:
        """Durable and folded when this returns; `alone` as `Writer.write` has it."""
        await self.ctx.writer.write([self._entry(intent_id, fact) for fact in facts], alone=alone)

    def leave_facts(self, intent_id: IntentId, facts: Sequence[f.Fact]) -> None:
        """Facts that nobody waits for: durable with the next commit."""
        self.ctx.writer.leave([self._entry(intent_id, fact) for fact in facts])

    def entries_of(self, reports: Iterable[ExecutionReport]) -> list[Entry]:
        """Facts of every report whose order is known or can be adopted; strays are kept and tried again."""
        entries: list[Entry] = []
        adopted: dict[OrderId, IntentId] = {}
        now_s = self.ctx.clock.monotonic()
        queue = [*self._strays.values(), *((now_s, report) for report in reports)]
        self._strays.clear()
        for heard_s, report in queue:
            intent_id = self.ctx.book.locate(report)
            if intent_id is None:
                intent_id = self._adopt(report, entries, adopted)
            if intent_id is None:
                if not self.ignores(report):
                    self._keep(report, heard_s)
                continue
            self._mind_reuse(intent_id, report)
            entries += [self._entry(intent_id, fact) for fact in self._facts(intent_id, report)]
        return entries

    def _mind_reuse(self, intent_id: IntentId, report: ExecutionReport) -> None:
        """A venue id that was another order's: believed, since our own id says so, and told to people."""
        earlier = self.ctx.book.owner_of(report.order_id)
        if earlier is not None and earlier.intent_id != intent_id:
            self.ctx.log.error("venue.id_reused", order_id=report.order_id, intent=intent_id, earlier=earlier.intent_id)

    def _keep(self, report: ExecutionReport, heard_s: float) -> None:
        """Keep a stray to try again; told twice, it is kept once, as it was first told."""
        bare = replace(report, source=f.Source.STREAM, at=_NEVER, asked_at=None)
        self._strays.setdefault(bare, (heard_s, report))
        if len(self._strays) > MAX_STRAYS:
            del self._strays[next(iter(self._strays))]

    def own_facts(self, intent_id: IntentId, cl_ord_id: ClOrdId, reports: Sequence[ExecutionReport]) -> list[f.Fact]:
        """The facts of a submit's reply about its own order; what it says of children goes its own way."""
        own: list[f.Fact] = []
        rest: list[ExecutionReport] = []
        for report in reports:
            if report.cl_ord_id == cl_ord_id or (report.cl_ord_id is None and report is reports[0]):
                own += facts_of(report)
            else:
                rest.append(report)
        if own:
            for report in rest:
                self._keep(
                    report, self.ctx.clock.monotonic()
                )  # their parent's id is in the book once its own facts are written
        return own

    def _entry(self, intent_id: IntentId, fact: f.Fact) -> FactEntry:
        return FactEntry(profile=self.ctx.profile.name, intent_id=intent_id, fact=fact)

    def _facts(self, intent_id: IntentId, report: ExecutionReport) -> list[f.Fact]:
        order = self.ctx.book.get(intent_id)
        if report.exec_type in (ExecType.CANCEL_REJECTED, ExecType.REPLACE_REJECTED) and order is not None:
            return self._refusals(order, report)
        if order is not None and is_of_another_side(order, report):
            text = f"an execution on the other side than the order's ({report.exec_id})"
            report = replace(report, unrecognised=text)
        found = facts_of(report, replace_id=self.ctx.book.replace_id_of(report))
        if order is None:
            return found
        found += emptied(order, report)
        found += restated(order, report)
        if self.ctx.broker.info.amends_in_place and order.pending_replace:
            found += carried_out(order, unanswered(self.ctx.book.facts(intent_id)), report)
        return found

    def _refusals(self, order: Order, report: ExecutionReport) -> list[f.Fact]:
        """A refused cancel or replace answers every one that still waits on that order."""
        facts = self.ctx.book.facts(order.intent_id)
        text, at, venue_time = report.text or "", report.at, report.transact_time
        answers: list[f.Fact] = []
        if report.exec_type is ExecType.CANCEL_REJECTED:
            for asked in (fact for fact in facts if isinstance(fact, f.CancelAsked)):
                request_id = asked.request_id
                answers.append(
                    f.CancelRefused(
                        source=report.source, at=at, venue_time=venue_time, request_id=request_id, reason=text
                    )
                )
            return answers
        waiting = [fact.replace_id for fact in facts if isinstance(fact, f.ReplaceAsked)]
        if waiting:
            refused = f.ReplaceRefused(
                source=report.source,
                at=at,
                venue_time=venue_time,
                replace_id=waiting[-1],
                reason="rejected",
                venue_text=text,
            )
            answers.append(refused)
        return answers

    def _adopt(
        self, report: ExecutionReport, entries: list[Entry], adopted: dict[OrderId, IntentId]
    ) -> IntentId | None:
        if report.order_id is None or not self.ctx.is_own:
            return None  # a stranger's order is none of ours, and until the venue was asked nobody knows whose it is
        for order_id in (report.order_id, report.replaces, report.replaced_by):
            if order_id is not None and order_id in adopted:
                return adopted.setdefault(report.order_id, adopted[order_id])
        parent, lost = self.ctx.book.owner_of(report.parent_order_id), self._lost(report)
        if parent is None and (
            report.parent_order_id is not None or (self._may_be_ours(report) and lost is None) or _may_be_a_leg(report)
        ):
            return None
        if self._may_be_in_doubt(report):
            return None  # a candidate: a person, or more evidence, tells whether it is ours
        founding = adoption(
            report, profile=self.ctx.profile.name, parent=(parent.intent_id, parent.terms) if parent else None
        )
        if founding is None:
            return None
        if lost is not None and parent is None:
            entries.append(self._entry(lost, found_again(founding)))
            return adopted.setdefault(report.order_id, lost)
        if parent is None and self.ctx.external is ExternalOrders.IGNORE:
            self._ignore(report)
            return None
        intent_id = adopted.setdefault(report.order_id, self._adopted_as(report, report.order_id))
        entries.append(self._entry(intent_id, founding))
        return intent_id

    def _adopted_as(self, report: ExecutionReport, order_id: OrderId) -> IntentId:
        """Our id for it: that of the order it goes on for, where the book does not know that one yet (a commit is on the way)."""
        before = (one for one in (report.replaces, report.replaced_by) if one is not None)
        held = next((self._adopting[one] for one in before if one in self._adopting), None)
        intent_id = self._adopting[order_id] = held or adopted_id(self.ctx.profile.name, order_id)
        while len(self._adopting) > MAX_ADOPTING:
            del self._adopting[next(iter(self._adopting))]
        return intent_id

    def _may_be_in_doubt(self, report: ExecutionReport) -> bool:
        """Where no id of ours names orders: whether one that is in doubt has these terms and this time."""
        info, decode = self.ctx.broker.info, self.ctx.broker.identity.decode
        return report.order_id is not None and any(
            order.in_doubt and by_terms(order, info) and may_be(order, report, decode=decode)
            for order in self.ctx.book.open_orders()
        )

    def _ignore(self, report: ExecutionReport) -> None:
        """Remember an order of others, to tell its fills from those of an order nobody has heard of yet."""
        for order_id in (report.order_id, report.replaced_by):
            if order_id is not None:
                self._ignored[order_id] = report.symbol
        while len(self._ignored) > MAX_STRAYS:
            del self._ignored[next(iter(self._ignored))]

    def ignores(self, report: ExecutionReport) -> bool:
        """Whether a report is about an order of others that this profile looks away from."""
        return report.order_id in self._ignored or report.parent_order_id in self._ignored

    @property
    def ignored_symbols(self) -> frozenset[str]:
        """What others trade here, as far as it was seen and looked away from."""
        return frozenset(self._ignored.values())

    def is_unknown(self, report: ExecutionReport) -> bool:
        """Whether a report is about an order that is neither in the book nor ignored."""
        return self.ctx.book.locate(report) is None and not self.ignores(report)

    def _may_be_ours(self, report: ExecutionReport) -> bool:
        """A client id of our instance whose order is not in the book yet: its own commit, or reply, is on the way."""
        decoded = self.ctx.broker.identity.decode(report.cl_ord_id) if report.cl_ord_id is not None else None
        return decoded is not None and tag_of(decoded) == self.ctx.ids.tag

    def _lost(self, report: ExecutionReport) -> IntentId | None:
        """The intent of an order of ours that went with the records before a restoration."""
        if not self._may_be_ours(report) or report.cl_ord_id is None:
            return None
        if self._restored is None:
            self._restored = restored_at(self.ctx.journal) or _NEVER
        intent_id = self.ctx.broker.identity.decode(report.cl_ord_id)
        is_so = intent_id is not None and is_lost(intent_id, tag=self.ctx.ids.tag, restored=self._restored)
        return intent_id if is_so else None

    @property
    def strays(self) -> int:
        return len(self._strays)

    def stray_reports(self) -> list[ExecutionReport]:
        """The reports that found no order yet, oldest first."""
        return [report for _, report in self._strays.values()]

    def stray_symbols(self, *, within_s: float) -> frozenset[str]:
        """What the reports are about that found no order yet; of what was first heard longer ago, nobody will hear more."""
        begun_s = self.ctx.clock.monotonic() - within_s
        return frozenset(report.symbol for heard_s, report in self._strays.values() if heard_s >= begun_s)

    def silence_s(self) -> float:
        """Seconds since the private stream last said anything about an order."""
        return self.ctx.clock.monotonic() - self.heard_at


def _may_be_a_leg(report: ExecutionReport) -> bool:
    """A member of a group, heard of on a stream or in an answer that names no parents: a listing will tell whose it is."""
    return report.source in (f.Source.STREAM, f.Source.REPLY) and report.order_class not in (None, OrderClass.SIMPLE)

"""All orders of one account: folds, indexes and holdings, made of journal records alone (I26).

Orders that are done leave memory once they are sealed (`archive.py`), and answer as before: whatever is asked of the book
is answered for them too.  Without an archive everything stays in memory.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from itertools import islice
from typing import TypeVar

from floorbroker.domain import facts as f
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import FactEntry, Identity, NoteEntry, Record
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.standing import Evidence
from floorbroker.domain.values import IntentId, OrderClass, OrderId, ProfileName
from floorbroker.oms.adjustments import ADJUSTMENT, adjustment_of
from floorbroker.oms.archive import Archive, Kept, folded
from floorbroker.oms.holdings import Holdings
from floorbroker.oms.names import Name, Names, names_of
from floorbroker.store.seals import CLIENT, VENUE, SealsDamaged

T = TypeVar("T")


@frozen
class Change:
    """One order before and after one committed fact."""

    record: Record
    before: Order | None
    after: Order


@dataclass(slots=True)
class OrderBook:
    """The orders of one profile.  `apply` is the only way in, and takes committed records."""

    profile: ProfileName
    identity: Identity
    archive: Archive | None = None
    holdings: Holdings = field(default_factory=Holdings)
    touched: set[IntentId] = field(default_factory=set[IntentId])  # changed since whoever counts orders last looked
    _names: Names = field(init=False)
    _folds: dict[IntentId, OrderFold] = field(default_factory=dict[IntentId, OrderFold])
    _open: set[IntentId] = field(default_factory=set[IntentId])
    _presumed: set[IntentId] = field(default_factory=set[IntentId])
    _lacking: set[IntentId] = field(default_factory=set[IntentId])
    _quiet: dict[IntentId, None] = field(default_factory=dict[IntentId, None])  # done; the latest changed last
    _records: dict[IntentId, list[Record]] = field(default_factory=dict[IntentId, list[Record]])
    _expected: set[IntentId] = field(default_factory=set[IntentId])
    _noting: list[set[IntentId]] = field(default_factory=list[set[IntentId]])
    _lately: set[str] = field(
        default_factory=set[str]
    )  # what sealed orders were about that had news not long before a start

    def __post_init__(self) -> None:
        self._names = Names(self._sealed_owner)
        if self.archive is not None:
            self.archive.in_memory = self._folds.__contains__
            self.holdings.sealed = self.archive

    # -- the way in -------------------------------------------------------------------------------------------------------

    def apply(self, record: Record) -> Change | None:
        """Join one committed record; a change when it was about an order of this book."""
        before: dict[IntentId, Order | None] = {}
        self.join(record, before)
        return self.change(record, before)

    def join(self, record: Record, before: dict[IntentId, Order | None]) -> None:
        """Take in one record of a commit; `before` learns how its order stood, the first time the commit names it."""
        entry = record.entry
        if isinstance(entry, FactEntry) and entry.profile == self.profile and entry.intent_id not in before:
            fold = self._held(entry.intent_id)
            before[entry.intent_id] = fold.view() if fold.is_founded else None
        self._join(record)

    def change(self, record: Record, before: dict[IntentId, Order | None]) -> Change | None:
        """What a joined record changed, once the whole commit is in: its order is derived once, and only the first of its
        records tells how it stood before.
        """
        entry = record.entry
        if not isinstance(entry, FactEntry) or entry.profile != self.profile:
            return None
        fold = self._folds.get(entry.intent_id)
        if fold is None or not fold.is_founded:
            return None
        after = fold.view()
        if entry.intent_id not in before:
            return Change(record=record, before=after, after=after)
        self._track(after)
        was = before.pop(entry.intent_id)
        if was is None or was.version != after.version:
            for noted in self._noting:
                noted.add(after.intent_id)
        return Change(record=record, before=was, after=after)

    def foresee(self, intent_id: IntentId, facts: Iterable[f.Fact]) -> Order:
        """The order as it will stand with these facts; nothing is joined."""
        return self._folds[intent_id].foresee(facts)

    def begin(self) -> int:
        """Before anything else: take from the seals what they hold.  The record after which the journal is to be read."""
        if self.archive is None:
            return 0
        try:
            alive = self.archive.begin()
        except (SealsDamaged, OSError) as damage:
            self.give_up(damage)
            return 0
        self.holdings.add_sealed(self.archive.sums)
        self.restore(alive)
        return self.archive.through

    @contextmanager
    def expecting(self, intent_id: IntentId) -> Generator[None]:
        """Meanwhile an intent whose id was made a moment ago may be joined: nobody has to look whether it was sealed."""
        self._expected.add(intent_id)
        try:
            yield
        finally:
            self._expected.discard(intent_id)

    def restore(self, records: Iterable[Record]) -> None:
        """Join many committed records, as every start does.

        The book is the one that `apply` makes of them one by one, because an order is a function of the set of its facts
        (I7); deriving each order once, and not anew for each of its facts, is most of the time a start takes.
        """
        joined: dict[IntentId, OrderFold] = {}
        for record in records:
            fold = self._join(record)
            if fold is not None:
                joined[fold.intent_id] = fold
        for fold in joined.values():
            if fold.is_founded:
                self._track(fold.view())
                if fold.intent_id in self._quiet:
                    self.touched.discard(fold.intent_id)  # nobody has counted it, and there is nothing to count

    def _held(self, intent_id: IntentId) -> OrderFold:
        """An order in memory: where it was, called back, or begun."""
        if intent_id not in self._folds and intent_id not in self._expected:
            self.recall(intent_id)
        fold = self._folds.get(intent_id)
        if fold is None:
            fold = self._folds[intent_id] = OrderFold(intent_id)
        return fold

    def _join(self, record: Record) -> OrderFold | None:
        """Take a record in without asking what it changes; the order it was about, if it was about one of ours."""
        entry = record.entry
        if isinstance(entry, NoteEntry) and entry.profile == self.profile and entry.topic == ADJUSTMENT:
            adjustment = adjustment_of(entry)
            self.holdings.adjust(adjustment.symbol, adjustment.qty)
            if adjustment.price is not None:
                self.holdings.settle(adjustment, at=record.at, seq=record.seq)
        if not isinstance(entry, FactEntry) or entry.profile != self.profile:
            return None
        fold = self._folds.get(entry.intent_id) or self._held(entry.intent_id)
        fold.add(entry.fact)
        self._names.learn(entry.intent_id, entry.fact, record.seq)
        self._records.setdefault(entry.intent_id, []).append(record)
        return fold

    def _track(self, order: Order) -> None:
        intent_id, is_open = order.intent_id, order.is_open
        lacks = order.needs_executions and order.terms.order_class is not OrderClass.MULTILEG
        for members, belongs in ((self._open, is_open), (self._presumed, order.presumed), (self._lacking, lacks)):
            if belongs:
                members.add(intent_id)
            else:
                members.discard(intent_id)
        self.touched.add(intent_id)
        self._quiet.pop(intent_id, None)
        if not (is_open or order.presumed or lacks):
            self._quiet[intent_id] = None
        self.holdings.update(order)

    # -- leaving memory and coming back -----------------------------------------------------------------------------------

    def done_before(self, moment: datetime, *, most: int) -> list[Kept]:
        """Orders in memory that are done, about which nothing was learned since a moment; those that wait longest first."""
        found: list[Kept] = []
        for intent_id in islice(self._quiet, 2 * most):
            order = self._folds[intent_id].view()
            if order.updated_at <= moment and len(found) < most:
                found.append(Kept(order, self._records[intent_id]))
        return found

    @property
    def done_in_memory(self) -> int:
        """How many orders in memory could leave it."""
        return len(self._quiet)

    def postpone(self, intent_ids: Iterable[IntentId]) -> None:
        """Let orders that cannot be sealed wait behind the others."""
        for intent_id in intent_ids:
            if intent_id in self._quiet:
                del self._quiet[intent_id]
                self._quiet[intent_id] = None

    def sole(self, intent_id: IntentId, names: set[Name]) -> bool:
        """Whether ids lead to this order alone."""
        return self._names.sole(intent_id, names)

    def release(self, intent_id: IntentId, facts: int) -> bool:
        """An order is sealed with so many facts: let go of it, unless it has heard more meanwhile.  Whether it is gone."""
        records = self._records[intent_id]
        if len(records) != facts:
            return False
        self._names.forget(names_of(records))
        del self._folds[intent_id], self._records[intent_id]
        self._quiet.pop(intent_id, None)
        self.holdings.seal(intent_id)
        return True

    def recall(self, intent_id: IntentId) -> None:
        """Bring an order back into memory, if it is sealed."""
        if intent_id in self._folds:
            return
        found = self.guarded(lambda archive: archive.recall(intent_id))
        if found is not None:
            if found.fold.is_founded:
                self.holdings.recall(found.fold.view())
            self._take_back(found.fold, found.records)

    def _take_back(self, fold: OrderFold, records: list[Record]) -> None:
        self._folds[fold.intent_id], self._records[fold.intent_id] = fold, records
        for record in records:
            if isinstance(record.entry, FactEntry):
                self._names.learn(fold.intent_id, record.entry.fact, record.seq)
        if fold.is_founded:
            self._track(fold.view())

    def give_up(self, damage: Exception) -> None:
        """Seals that cannot be used are thrown away: every sealed order comes back into memory from the journal, and what
        they were said to hold is counted anew.
        """
        archive = self.archive
        assert archive is not None  # only its own failures lead here
        self.archive = self.holdings.sealed = None
        archive.give_up(str(damage))
        self.holdings.take_sealed(archive.sums, archive.in_both())
        back: dict[IntentId, list[Record]] = {}
        for record in archive.facts():
            if isinstance(record.entry, FactEntry) and record.entry.intent_id not in self._folds:
                back.setdefault(record.entry.intent_id, []).append(record)
        for intent_id, records in back.items():
            self._take_back(folded(intent_id, records), records)

    def advance(self, symbol: str) -> bool:
        """Carry the profit of sealed fills on by a bounded part; whether there is more of it."""
        mine = self.holdings.fills(symbol)
        before = mine[0].transact_time if mine else None
        return self.guarded(lambda archive: archive.advance(symbol, before=before)) or False

    @contextmanager
    def noting(self) -> Generator[set[IntentId]]:
        """Collects the orders that change meanwhile."""
        noted = set[IntentId]()
        self._noting.append(noted)
        try:
            yield noted
        finally:
            self._noting = [other for other in self._noting if other is not noted]

    # -- questions ----------------------------------------------------------------------------------------------------

    def _fold_of(self, intent_id: IntentId) -> OrderFold | None:
        """An order's fold, from memory or from its facts in the journal."""
        fold = self._folds.get(intent_id)
        if fold is not None or self.archive is None:
            return fold
        found = self.guarded(lambda archive: archive.load(intent_id))
        return found.fold if found is not None else self._folds.get(intent_id)

    def guarded(self, ask: Callable[[Archive], T]) -> T | None:
        """Ask the archive.  None without one, also when the seals had to be given up: then memory holds everything."""
        if self.archive is None:
            return None
        try:
            return ask(self.archive)
        except SealsDamaged as damage:
            self.give_up(damage)
            return None

    def _sealed_owner(self, name: Name) -> IntentId | None:
        found = self.guarded(lambda archive: archive.named(name))
        return found if found is not None or self.archive is not None else self._names.in_memory(name)

    def get(self, intent_id: IntentId) -> Order | None:
        fold = self._fold_of(intent_id)
        return fold.view() if fold is not None and fold.is_founded else None

    def at_hand(self, intent_id: IntentId) -> Order | None:
        """An order in memory; None for one that is sealed, which is neither open nor presumed."""
        fold = self._folds.get(intent_id)
        return fold.view() if fold is not None and fold.is_founded else None

    def principal(self, intent_id: IntentId) -> str:
        """Whose wish an order was, and that of a child its parent's, sealed or not; empty for one that the desk did not send."""
        founding = self._founding(intent_id)
        if isinstance(founding, f.Adopted) and founding.parent_id is not None:
            founding = self._founding(founding.parent_id)
        return founding.principal if isinstance(founding, f.Prepared) else ""

    def _founding(self, intent_id: IntentId) -> f.Prepared | f.Adopted | None:
        fold = self._fold_of(intent_id)
        return fold.evidence.founding if fold is not None else None

    def knows(self, intent_id: IntentId) -> bool:
        """Whether there are facts of an order, in memory or sealed."""
        return intent_id in self._folds or self._fold_of(intent_id) is not None

    def is_news(self, intent_id: IntentId, fact: f.Fact) -> bool:
        fold = self._fold_of(intent_id)
        return fold is None or fold.is_news(fact)

    def find(self, text: str) -> Order | None:
        """By our id, our client id or the venue's id.  What is sealed is asked only for a text that names nothing in memory."""
        intent_id = IntentId(text)
        if intent_id not in self._folds and (named := self._names.in_memory((CLIENT, text))) is not None:
            return self.get(named)
        if self.knows(intent_id):
            return self.get(intent_id)
        owner = self._names.owner(CLIENT, text) or self._names.owner(VENUE, text)
        return self.get(owner) if owner is not None else None

    def locate(self, report: ExecutionReport) -> IntentId | None:
        """Whose order a report is about; None for a stranger's.  Our own id is the better witness: a venue may reuse its ids."""
        if report.cl_ord_id is not None:
            decoded = self.identity.decode(report.cl_ord_id)
            if decoded is not None and (known := self._names.owner(CLIENT, report.cl_ord_id)) is not None:
                return known
            if decoded is not None and self.knows(decoded):
                return decoded
        for order_id in (report.order_id, report.replaces, report.replaced_by):
            if order_id is not None and (known := self._names.owner(VENUE, order_id)) is not None:
                return known
        return self._names.owner(CLIENT, report.cl_ord_id) if report.cl_ord_id is not None else None

    def owner_of(self, order_id: OrderId | None) -> Order | None:
        """The order a venue id belongs to."""
        intent_id = self._names.owner(VENUE, order_id) if order_id is not None else None
        return self.get(intent_id) if intent_id is not None else None

    def replace_id_of(self, report: ExecutionReport) -> IntentId | None:
        """The replace that a report's client id stands for."""
        decoded = self.identity.decode(report.cl_ord_id) if report.cl_ord_id else None
        return decoded if decoded is not None and not self.knows(decoded) else None

    def __iter__(self) -> Iterator[Order]:
        """Every order, by its first fact.  Sealed ones are folded one by one: not a question for a desk at work."""
        sealed = self.guarded(lambda archive: list(archive.numbers())) or []
        mine = [(records[0].seq, intent_id) for intent_id, records in self._records.items()]
        found = (self.get(intent_id) for _, intent_id in sorted([*mine, *sealed]))
        return (order for order in found if order is not None)

    def __len__(self) -> int:
        """How many orders there are, sealed ones included."""
        sealed = self.guarded(lambda archive: sum(1 for _ in archive.numbers())) or 0
        return len(self._folds) + sealed

    def realized(self, symbol: str) -> Decimal:
        """Profit that closed units of a symbol made, by average cost."""
        found = self.guarded(lambda _: self.holdings.realized(symbol))
        return self.holdings.realized(symbol) if found is None else found

    def holds(self, intent_id: IntentId) -> bool:
        """Whether an order is in memory."""
        return intent_id in self._folds

    def in_memory(self) -> list[Order]:
        """The orders in memory: all that are open, and those that were done lately."""
        return [fold.view() for fold in self._folds.values() if fold.is_founded]

    def symbols(self) -> set[str]:
        """What its orders in memory and its holdings are about, and what `remember` found at the start."""
        return {order.terms.symbol for order in self.in_memory()} | self.holdings.all().keys() | self._lately

    def remember(self, *, after: int) -> None:
        """At a start: what sealed orders were about that had news behind one record, since the venue may have had more."""
        self._lately = self.guarded(lambda archive: archive.symbols(after=after)) or set()

    @property
    def is_quiet(self) -> bool:
        """Nothing is open, undecided or lacks an execution."""
        return not self._open and not self._lacking

    def open_orders(self) -> list[Order]:
        """Open and undecided orders, oldest first."""
        return [self._folds[intent_id].view() for intent_id in sorted(self._open)]

    @property
    def open_count(self) -> int:
        """How many they are."""
        return len(self._open)

    def presumed_orders(self) -> list[Order]:
        """Orders presumed not placed: closed, yet counted and watched."""
        return [self._folds[intent_id].view() for intent_id in sorted(self._presumed)]

    def lacking_executions(self) -> list[Order]:
        """Orders whose reported total the known executions do not make up; a multi-leg head has none of its own."""
        return [self._folds[intent_id].view() for intent_id in sorted(self._lacking)]

    def evidence(self, intent_id: IntentId) -> Evidence:
        """What the order's state is made of."""
        fold = self._fold_of(intent_id)
        return fold.evidence if fold is not None else Evidence()

    def records(self, intent_id: IntentId) -> list[Record]:
        """An order's facts as committed, oldest first."""
        found = None if intent_id in self._records else self.guarded(lambda archive: archive.load(intent_id))
        return list(found.records if found is not None else self._records.get(intent_id, ()))

    def facts(self, intent_id: IntentId) -> Iterable[f.Fact]:
        return [record.entry.fact for record in self.records(intent_id) if isinstance(record.entry, FactEntry)]

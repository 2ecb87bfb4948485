"""All orders of one account: folds, indexes and holdings, made of journal records alone (I26)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from floorbroker.domain import facts as f
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import FactEntry, Identity, NoteEntry, Record
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.standing import Evidence
from floorbroker.domain.values import IntentId, NotExact, OrderClass, OrderId, ProfileName, decimal_of
from floorbroker.oms.holdings import Holdings

ADJUSTMENT = "adjustment"


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
    holdings: Holdings = field(default_factory=Holdings)
    _folds: dict[IntentId, OrderFold] = field(default_factory=dict[IntentId, OrderFold])
    _by_client: dict[str, IntentId] = field(default_factory=dict[str, IntentId])
    _by_venue: dict[OrderId, IntentId] = field(default_factory=dict[OrderId, IntentId])
    _open: set[IntentId] = field(default_factory=set[IntentId])
    _presumed: set[IntentId] = field(default_factory=set[IntentId])
    _lacking: set[IntentId] = field(default_factory=set[IntentId])
    touched: set[IntentId] = field(default_factory=set[IntentId])  # changed since whoever counts orders last looked
    _records: dict[IntentId, list[Record]] = field(default_factory=dict[IntentId, list[Record]])

    def apply(self, record: Record) -> Change | None:
        """Join one committed record; a change when it was about an order of this book."""
        before: dict[IntentId, Order | None] = {}
        self.join(record, before)
        return self.change(record, before)

    def join(self, record: Record, before: dict[IntentId, Order | None]) -> None:
        """Take in one record of a commit; `before` learns how its order stood, the first time the commit names it."""
        entry = record.entry
        if isinstance(entry, FactEntry) and entry.intent_id not in before:
            before[entry.intent_id] = self.get(entry.intent_id)
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
        return Change(record=record, before=before.pop(entry.intent_id), after=after)

    def foresee(self, intent_id: IntentId, facts: Iterable[f.Fact]) -> Order:
        """The order as it will stand with these facts; nothing is joined."""
        return self._folds[intent_id].foresee(facts)

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

    def _join(self, record: Record) -> OrderFold | None:
        """Take a record in without asking what it changes; the order it was about, if it was about one of ours."""
        entry = record.entry
        if isinstance(entry, NoteEntry) and entry.profile == self.profile and entry.topic == ADJUSTMENT:
            self._adjust(entry.data)
        if not isinstance(entry, FactEntry) or entry.profile != self.profile:
            return None
        fold = self._folds.get(entry.intent_id)
        if fold is None:
            fold = self._folds[entry.intent_id] = OrderFold(entry.intent_id)
        fold.add(entry.fact)
        self._index(entry.intent_id, entry.fact)
        self._records.setdefault(entry.intent_id, []).append(record)
        return fold

    def _adjust(self, data: Mapping[str, str]) -> None:
        """Raises `JournalFault` for an adjustment that does not say of what, or how much."""
        try:
            symbol, qty = data["symbol"], decimal_of(data["qty"])
        except (KeyError, NotExact) as error:
            raise JournalFault("an adjustment in the journal names no symbol or no quantity") from error
        self.holdings.adjust(symbol, qty)

    def _track(self, order: Order) -> None:
        for members, belongs in (
            (self._open, order.is_open),
            (self._presumed, order.presumed),
            (self._lacking, order.needs_executions and order.terms.order_class is not OrderClass.MULTILEG),
        ):
            if belongs:
                members.add(order.intent_id)
            else:
                members.discard(order.intent_id)
        self.touched.add(order.intent_id)
        self.holdings.update(order)

    def _index(self, intent_id: IntentId, fact: f.Fact) -> None:
        if isinstance(fact, f.Prepared | f.Adopted):
            self._by_client.setdefault(fact.cl_ord_id, intent_id)
        if isinstance(fact, f.ReplaceAsked):
            self._by_client.setdefault(fact.cl_ord_id, intent_id)
        order_id: OrderId | None = getattr(fact, "order_id", None)
        if order_id is not None:
            self._by_venue[order_id] = intent_id  # the newest owner of an id that a venue used twice
        if isinstance(fact, f.ReplaceDone):
            self._by_venue.setdefault(fact.orig_order_id, intent_id)

    # -- questions ----------------------------------------------------------------------------------------------------

    def get(self, intent_id: IntentId) -> Order | None:
        fold = self._folds.get(intent_id)
        return fold.view() if fold is not None and fold.is_founded else None

    def is_news(self, intent_id: IntentId, fact: f.Fact) -> bool:
        fold = self._folds.get(intent_id)
        return fold is None or fold.is_news(fact)

    def find(self, text: str) -> Order | None:
        """By our id, our client id or the venue's id."""
        intent_id = (
            IntentId(text) if text in self._folds else self._by_client.get(text) or self._by_venue.get(OrderId(text))
        )
        return self.get(intent_id) if intent_id is not None else None

    def locate(self, report: ExecutionReport) -> IntentId | None:
        """Whose order a report is about; None for a stranger's.  Our own id is the better witness: a venue may reuse its ids."""
        if report.cl_ord_id is not None:
            decoded = self.identity.decode(report.cl_ord_id)
            if (known := self._by_client.get(report.cl_ord_id)) is not None and decoded is not None:
                return known
            if decoded in self._folds:
                return decoded
        for order_id in (report.order_id, report.replaces, report.replaced_by):
            if order_id is not None and (known := self._by_venue.get(order_id)) is not None:
                return known
        return self._by_client.get(report.cl_ord_id) if report.cl_ord_id is not None else None

    def owner_of(self, order_id: OrderId | None) -> Order | None:
        """The order a venue id belongs to."""
        intent_id = self._by_venue.get(order_id) if order_id is not None else None
        return self.get(intent_id) if intent_id is not None else None

    def replace_id_of(self, report: ExecutionReport) -> IntentId | None:
        """The replace that a report's client id stands for."""
        decoded = self.identity.decode(report.cl_ord_id) if report.cl_ord_id else None
        return decoded if decoded is not None and decoded not in self._folds else None

    def __iter__(self) -> Iterator[Order]:
        """Every order, oldest first."""
        return (fold.view() for fold in self._folds.values() if fold.is_founded)

    def __len__(self) -> int:
        return len(self._folds)

    def open_orders(self) -> list[Order]:
        """Open and undecided orders, oldest first."""
        return [self._folds[intent_id].view() for intent_id in sorted(self._open)]

    def presumed_orders(self) -> list[Order]:
        """Orders presumed not placed: closed, yet counted and watched."""
        return [self._folds[intent_id].view() for intent_id in sorted(self._presumed)]

    def lacking_executions(self) -> list[Order]:
        """Orders whose reported total the known executions do not make up; a multi-leg head has none of its own."""
        return [self._folds[intent_id].view() for intent_id in sorted(self._lacking)]

    def evidence(self, intent_id: IntentId) -> Evidence:
        """What the order's state is made of."""
        return self._folds[intent_id].evidence

    def records(self, intent_id: IntentId) -> list[Record]:
        return list(self._records.get(intent_id, ()))

    def facts(self, intent_id: IntentId) -> Iterable[f.Fact]:
        return [record.entry.fact for record in self.records(intent_id) if isinstance(record.entry, FactEntry)]

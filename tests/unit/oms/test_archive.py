"""A book whose closed orders were sealed answers as one that holds everything (I26), whatever happened in between."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.facts import Cancelled, Source
from floorbroker.domain.ports import Entry, FactEntry, Record
from floorbroker.domain.values import IntentId, OrderId, Side
from floorbroker.gateway.desk import OrderFilter, Page
from floorbroker.gateway.lists import listed_fills, listed_orders
from floorbroker.oms.archive import Archive
from floorbroker.oms.book import OrderBook
from floorbroker.oms.sealer import Sealer
from floorbroker.store.seals import Seals
from tests.support.house import Notes
from tests.unit.oms.test_book import INTENTS, MINE, START, Plain, answers, histories, one_by_one, recorded

LATER = datetime(2027, 1, 1, tzinfo=UTC)
NOW = timedelta(0)


@dataclass(slots=True)
class Ledger:
    """A journal in memory, as an archive reads one."""

    records: list[Record] = field(default_factory=list[Record])

    def records_of(self, intent_id: IntentId) -> tuple[Record, ...]:
        return tuple(r for r in self.records if isinstance(r.entry, FactEntry) and r.entry.intent_id == intent_id)

    def touched(self, profile: str, *, after: int, upto: int) -> list[tuple[IntentId, int]]:
        counts: dict[IntentId, int] = {}
        for record in self.records:
            entry = record.entry
            if after < record.seq <= upto and isinstance(entry, FactEntry) and entry.profile == profile:
                counts[entry.intent_id] = counts.get(entry.intent_id, 0) + 1
        return list(counts.items())

    def fingerprint(self, seq: int) -> str | None:
        found = [r for r in self.records if r.seq == seq]
        return hashlib.sha256(repr(found[0]).encode()).hexdigest() if found else None

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        assert kinds == {"fact"}
        return [r for r in self.records if r.seq > after and isinstance(r.entry, FactEntry)][:limit]


@dataclass(slots=True)
class Desk:
    """One book with an archive that lives through restarts."""

    path: Path
    ledger: Ledger = field(default_factory=Ledger)
    log: Notes = field(default_factory=Notes)
    rules: str = "as ever"
    book: OrderBook = field(init=False)
    sealer: Sealer = field(init=False)
    archive: Archive = field(init=False)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As `recover` does: notes first, then the seals, then what the journal has behind them."""
        seals = Seals.open(self.path)
        self.archive = Archive(profile=MINE, seals=seals, history=self.ledger, log=self.log, rules=self.rules)
        self.book = OrderBook(profile=MINE, identity=Plain(), archive=self.archive)
        clock = ManualClock(LATER)
        self.sealer = Sealer(book=self.book, clock=clock, log=self.log, last_seq=lambda: len(self.ledger.records))
        self.book.restore([r for r in self.ledger.records if not isinstance(r.entry, FactEntry)])
        end = self.book.begin()
        self.book.restore([r for r in self.ledger.records if isinstance(r.entry, FactEntry) and r.seq > end])

    def hear(self, record: Record) -> object:
        self.ledger.records.append(record)
        return self.book.apply(record)

    def seal(self) -> None:
        self.sealer.catch_up(len(self.ledger.records))

    def restart(self, *, clean: bool = True) -> None:
        if clean:
            self.archive.seals.close()
        else:
            self.archive.seals.abandon()
        self.start()

    @property
    def sealed(self) -> int:
        return self.archive.seals.count()


@contextmanager
def desk() -> Iterator[Desk]:
    with tempfile.TemporaryDirectory() as folder:
        made = Desk(Path(folder) / "seals" / "a.db")
        yield made
        if made.book.archive is not None:
            made.archive.seals.abandon()


def told(history: Sequence[Entry]) -> list[Record]:
    return recorded(history)


ACTS = st.lists(st.sampled_from(["seal", "seal", "restart", "crash", "new rules"]), max_size=2)
IDS = ("cl_ord_id", "order_id", "orig_order_id")


def of_its_own(entry: Entry) -> Entry:
    """The entry with ids that no other intent uses."""
    if not isinstance(entry, FactEntry):
        return entry
    fact, mark = entry.fact, entry.intent_id[-1]
    ids = {name: f"{held}-{mark}" for name in IDS if (held := getattr(fact, name, None)) is not None}
    return replace(entry, fact=replace(fact, **ids))


@st.composite
def lives(draw: st.DrawFn) -> list[Entry]:
    """Histories in which orders mostly end, and mostly share no ids."""
    history = draw(histories())
    ends = [
        FactEntry(
            profile=MINE,
            intent_id=intent_id,
            fact=Cancelled(source=Source.STREAM, at=START, order_id=OrderId(order_id)),
        )
        for intent_id in INTENTS
        for order_id in ("v1", "v2")
    ]
    for end in ends:
        history.insert(draw(st.integers(0, len(history))), end)
    own = draw(st.sampled_from([True, True, False]))
    return [of_its_own(entry) for entry in history] if own else history


@given(lives(), st.lists(ACTS, min_size=40, max_size=40))
@settings(deadline=None, max_examples=25)
def test_sealing_at_any_moment_changes_no_answer_i26(history: list[Entry], acts: list[list[str]]) -> None:
    lived = OrderBook(profile=MINE, identity=Plain())
    with desk() as one:
        for record, what in zip(told(history), acts, strict=False):
            assert one.hear(record) == lived.apply(record)
            for act in what:
                match act:
                    case "seal":
                        one.seal()
                    case "new rules":
                        one.rules += "!"
                        one.restart()
                    case _:
                        one.restart(clean=act == "restart")
        one.seal()
        everything = one_by_one(one.ledger.records)
        assert all_answers(one.book) == all_answers(everything)
        one.restart()
        assert all_answers(one.book) == all_answers(everything)
        assert "seals.given_up" not in one.log.events, one.log.details


def all_answers(book: OrderBook) -> str:
    """What `answers` asks, the profits, and every list."""
    symbols = ["", "AAPL", "SPY"]
    names = [f"{name}-{mark}" for name in ("v1", "v2", "c1", "c2") for mark in (0, 1)]
    filters = [OrderFilter(), OrderFilter(symbol="AAPL"), OrderFilter(side=Side.BUY), OrderFilter(until=START)]
    pages = [None, Page(limit=2), Page(limit=2, newest_first=False), Page(limit=9, after=(START, "intent-0"))]
    return repr(
        (
            answers(book),
            [book.find(name) for name in names],
            [book.realized(symbol) for symbol in symbols],
            [
                (listed_orders([book], where, page), listed_fills([book], where, page))
                for where in filters
                for page in pages
            ],
        )
    )

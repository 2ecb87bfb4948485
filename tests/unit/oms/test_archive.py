"""A book whose closed orders were sealed answers as one that holds everything (I26), whatever happened in between."""

from __future__ import annotations

import ast
import asyncio
import hashlib
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import Ack, Cancelled, Exec, Fact, Prepared, Source, Void
from floorbroker.domain.ports import Entry, FactEntry, Record
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import ClOrdId, ExecId, ExecType, IntentId, Money, OrderId, Price, Quantity, Side
from floorbroker.gateway.desk import OrderFilter, Page
from floorbroker.gateway.lists import listed_fills, listed_orders
from floorbroker.oms.archive import Archive, Step
from floorbroker.oms.book import OrderBook
from floorbroker.oms.rules import RULES, rules_digest
from floorbroker.oms.sealer import LOOK_S, Sealer
from floorbroker.store.seals import Seals
from tests.support.house import Notes
from tests.unit.oms.test_book import INTENTS, MINE, START, Plain, answers, histories, one_by_one, recorded
from tests.unit.store import making

SRC = Path(__file__).parents[3] / "src"
LATER = datetime(2027, 1, 1, tzinfo=UTC)


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
    clock: ManualClock = field(default_factory=lambda: ManualClock(LATER))

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """As `recover` does: notes first, then the seals, then what the journal has behind them."""
        seals = Seals.open(self.path)
        self.archive = Archive(profile=MINE, seals=seals, history=self.ledger, log=self.log, rules=self.rules)
        self.book = OrderBook(profile=MINE, identity=Plain(), archive=self.archive)
        self.sealer = Sealer(book=self.book, clock=self.clock, log=self.log, last_seq=lambda: len(self.ledger.records))
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


# -- by example -------------------------------------------------------------------------------------------------------


def life(number: int, *, qty: str = "2.50", symbol: str = "AAPL", side: Side = Side.BUY) -> list[FactEntry]:
    """One order that fills in part and is cancelled, a second after the one before it."""
    at = START + timedelta(seconds=number)
    order_id, intent_id = OrderId(f"venue-{number}"), IntentId(f"order-{number}")
    terms = replace(making.ORDER, symbol=symbol, side=side)
    facts = [
        Prepared(source=Source.OWN, at=at, cl_ord_id=ClOrdId(f"client-{number}"), profile=MINE, order=terms),
        Ack(source=Source.STREAM, at=at, order_id=order_id),
        filled(number, qty=qty, side=side),
        Cancelled(source=Source.STREAM, at=at, order_id=order_id),
    ]
    return [FactEntry(profile=MINE, intent_id=intent_id, fact=fact) for fact in facts]


def filled(number: int, *, exec_id: str = "e", qty: str = "1", px: str = "100", side: Side = Side.BUY) -> Exec:
    return Exec(
        source=Source.STREAM,
        at=START + timedelta(seconds=number),
        exec_id=ExecId(f"{exec_id}-{number}"),
        order_id=OrderId(f"venue-{number}"),
        side=side,
        last_qty=Quantity(Decimal(qty)),
        last_px=Price(Decimal(px) + number),
    )


def hear(one: Desk, entries: Sequence[Entry]) -> None:
    for entry in entries:
        seq = len(one.ledger.records) + 1
        one.hear(Record(seq=seq, epoch=1, at=START + timedelta(seconds=seq), entry=entry))


def told_of(number: int, fact: Fact) -> list[Entry]:
    return [FactEntry(profile=MINE, intent_id=IntentId(f"order-{number}"), fact=fact)]


@contextmanager
def with_orders(count: int) -> Iterator[Desk]:
    """A desk whose orders are all sealed."""
    with desk() as one:
        for number in range(count):
            hear(one, life(number, side=Side.BUY if number % 3 else Side.SELL))
        one.seal()
        assert (one.sealed, len(one.book.in_memory())) == (count, 0)
        yield one


def as_ever(one: Desk) -> bool:
    """Whether the book says what one says that holds everything."""
    names = [text for n in range(6) for text in (f"order-{n}", f"client-{n}", f"venue-{n}")]
    everything = one_by_one(one.ledger.records)
    return all_answers(one.book) == all_answers(everything) and [one.book.find(name) for name in names] == [
        everything.find(name) for name in names
    ]


def report(**members: Any) -> ExecutionReport:
    return ExecutionReport(exec_type=ExecType.ORDER_STATUS, source=Source.STREAM, at=START, **members)


def test_a_sealed_order_is_found_by_each_of_its_ids_and_takes_no_memory() -> None:
    with with_orders(5) as one:
        assert as_ever(one)
        assert one.book.locate(report(order_id=OrderId("venue-3"))) == "order-3"
        assert one.book.locate(report(cl_ord_id=ClOrdId("client-3"))) == "order-3"
        assert one.book.locate(report(order_id=OrderId("nobody's"))) is None
        assert one.book.owner_of(OrderId("venue-2")) == one.book.get(IntentId("order-2"))
        assert not one.book.is_news(IntentId("order-1"), filled(1, qty="2.50"))
        assert not one.book.in_memory()


def test_late_news_of_a_sealed_order_is_joined_and_sealed_again() -> None:
    with with_orders(4) as one:
        hear(one, told_of(2, filled(2, exec_id="late", qty="0.125")))
        assert [order.intent_id for order in one.book.in_memory()] == ["order-2"]
        assert as_ever(one)
        one.restart()
        assert as_ever(one)
        one.seal()
        assert (one.sealed, one.book.in_memory()) == (4, [])
        hear(
            one, told_of(2, Void(source=Source.STREAM, at=START, exec_id=ExecId("late-2"), order_id=OrderId("venue-2")))
        )
        one.seal()
        assert as_ever(one)
        assert one.book.holdings.qty("AAPL").as_tuple().exponent == -2  # the bust took its decimal places along


def test_news_heard_while_a_seal_is_written_keeps_the_order_in_memory() -> None:
    with desk() as one:
        hear(one, life(0))
        archive = one.archive
        step = archive.prepare(archive.news(upto=4), one.book.done_before(LATER, most=9), upto=4, sole=one.book.sole)
        assert step is not None
        archive.write(step)
        hear(one, told_of(0, filled(0, exec_id="late")))
        one.sealer.done(archive, step)
        assert (one.sealed, len(one.book.in_memory())) == (1, 1)
        assert as_ever(one)
        one.restart(clean=False)
        assert as_ever(one)
        one.seal()
        assert (one.sealed, one.book.in_memory()) == (1, [])
        assert as_ever(one)


def heard_of(one: Desk, entries: Sequence[Entry]) -> list[Record]:
    """Facts that are durable, and not joined yet."""
    seq = len(one.ledger.records)
    records = [Record(seq=seq + n, epoch=1, at=START, entry=entry) for n, entry in enumerate(entries, 1)]
    one.ledger.records += records
    return records


def test_an_order_with_news_on_the_way_is_not_sealed() -> None:
    with desk() as one:
        hear(one, life(0))
        (news,) = heard_of(one, told_of(0, filled(0, exec_id="late")))
        one.seal()
        assert (one.sealed, len(one.book.in_memory())) == (0, 1)
        one.book.apply(news)
        one.seal()
        assert (one.sealed, one.book.in_memory()) == (1, [])
        assert as_ever(one)


def test_a_sealed_order_with_news_on_the_way_is_called_back_before_they_come() -> None:
    with with_orders(3) as one:
        (news,) = heard_of(one, told_of(1, filled(1, exec_id="late")))
        one.seal()
        assert (one.sealed, [order.intent_id for order in one.book.in_memory()]) == (2, ["order-1"])
        one.book.apply(news)
        assert as_ever(one)
        one.seal()
        assert one.sealed == 3
        assert as_ever(one)


def test_an_order_whose_id_an_open_one_had_before_stays_in_memory() -> None:
    with desk() as one:
        hear(one, [entry for entry in life(0) if not isinstance(entry.fact, Cancelled | Exec)])
        hear(one, [*life(1), *told_of(1, Ack(source=Source.STREAM, at=START, order_id=OrderId("venue-0")))])
        hear(one, told_of(1, Cancelled(source=Source.STREAM, at=START, order_id=OrderId("venue-0"))))
        one.seal()
        assert one.sealed == 0
        one.restart()
        assert as_ever(one)
        assert one.book.locate(report(order_id=OrderId("venue-0"))) == "order-1"


def test_an_order_that_shares_an_id_with_another_stays_in_memory() -> None:
    with with_orders(1) as one:
        reused = Ack(source=Source.STREAM, at=START, order_id=OrderId("venue-0"))
        hear(one, [*life(1), *told_of(1, reused)])
        one.seal()
        assert (one.sealed, [order.intent_id for order in one.book.in_memory()]) == (1, ["order-1"])
        assert as_ever(one)
        one.restart()
        assert as_ever(one)


def test_profit_goes_on_from_where_the_seals_have_carried_it() -> None:
    with with_orders(1200) as one:
        while one.book.advance("AAPL"):
            pass
        one.archive.write(step := step_of(one))
        one.archive.done(step)
        one.restart()
        run = one.archive.run("AAPL", before=None)
        assert run.until == START + timedelta(seconds=1199)
        assert repr(one.book.realized("AAPL")) == repr(one_by_one(one.ledger.records).realized("AAPL"))
        hear(one, told_of(7, filled(7, exec_id="late", qty="3", px="1")))
        assert one.archive.run("AAPL", before=None).until is None
        one.seal()
        assert repr(one.book.realized("AAPL")) == repr(one_by_one(one.ledger.records).realized("AAPL"))


@pytest.mark.parametrize(("fee", "held"), [("0.001", "0.997"), ("0", "1"), ("5", "-14"), ("-0.001", "1.003")])
def test_what_a_fee_took_of_the_coins_is_not_held_after_the_seal_either(fee: str, held: str) -> None:
    """Three orders: bought 2, sold 3, bought 2, each with a fee in coins."""
    with desk() as one:
        for number, (side, qty) in enumerate(((Side.BUY, "2"), (Side.SELL, "3"), (Side.BUY, "2"))):
            prepared, ack, _, end = life(number, symbol="BTC/USDT", side=side)
            paid = replace(
                filled(number, qty=qty, px=str(100 * (1 + number**2)), side=side), fee=Money(Decimal(fee), "BTC")
            )
            hear(one, [prepared, ack, *told_of(number, paid), end])
        everything = one_by_one(one.ledger.records)
        one.seal()
        one.restart()
        assert (one.sealed, one.book.in_memory()) == (3, [])
        assert one.book.holdings.all() == everything.holdings.all() == {"BTC/USDT": Decimal(held)}
        assert one.book.realized("BTC/USDT") == everything.realized("BTC/USDT")
        order = one.book.get(IntentId("order-0"))
        assert order is not None
        assert (order.cum_qty, order.executions[0].last_qty) == (2, 2)


def step_of(one: Desk) -> Step:
    """A step that seals one more order, and writes down how far profits have come."""
    hear(one, life(9999, symbol="SPY"))
    upto = len(one.ledger.records)
    step = one.archive.prepare(
        one.archive.news(upto=upto), one.book.done_before(LATER, most=9), upto=upto, sole=one.book.sole
    )
    assert step is not None
    return step


# -- seals that cannot be believed ------------------------------------------------------------------------------------


def execute(statement: str) -> Callable[[Desk], None]:
    def spoil(one: Desk) -> None:
        raw = sqlite3.connect(one.path)
        with raw:
            raw.execute(statement)
        raw.close()

    return spoil


def another_past(one: Desk) -> None:
    """The journal was restored from a copy, and has gone on in another way since."""
    *kept, fill, end = one.ledger.records
    entry = FactEntry(profile=MINE, intent_id=IntentId("order-4"), fact=filled(4, qty="7.125"))
    one.ledger.records = [*kept, replace(fill, entry=entry), replace(end, at=end.at + timedelta(seconds=1))]


def shorter(one: Desk) -> None:
    del one.ledger.records[-1]


def new_rules(one: Desk) -> None:
    one.rules = "a rule was corrected"


def scribbled(one: Desk) -> None:
    one.path.write_bytes(b"not a database, not at all" * 400)


REPLACED_AT_ONCE = [execute("PRAGMA user_version = 77"), scribbled]


@pytest.mark.parametrize(
    "spoil",
    [
        *REPLACED_AT_ONCE,
        execute("UPDATE head SET body = CAST(replace(body, '\"sealed\":5', '\"sealed\":4') AS BLOB)"),
        execute("DELETE FROM orders WHERE number = 1"),
        execute("DELETE FROM head"),
        another_past,
        shorter,
        new_rules,
    ],
)
def test_seals_that_are_damaged_or_stale_are_ignored_and_made_again(spoil: Callable[[Desk], None]) -> None:
    with with_orders(5) as one:
        one.archive.seals.close()
        spoil(one)
        one.log.events.clear()
        one.start()
        assert spoil in REPLACED_AT_ONCE or one.log.events == ["seals.ignored"]
        assert as_ever(one)
        one.seal()
        assert as_ever(one)
        one.restart()
        assert as_ever(one)


@pytest.mark.parametrize(
    "spoil",
    [
        execute("UPDATE orders SET digest = x'00' WHERE number = 1"),
        execute("UPDATE orders SET facts = facts - 1 WHERE number = 1"),
        execute("DROP TABLE names"),
        execute("DROP TABLE fills"),
        another_past,
    ],
)
def test_seals_that_turn_out_to_be_damaged_are_given_up_at_once(spoil: Callable[[Desk], None]) -> None:
    with with_orders(5) as one:
        spoil(one)
        assert as_ever(one)
        assert "seals.given_up" in one.log.events
        assert (one.book.archive, len(one.book.in_memory())) == (None, 5)
        hear(one, told_of(2, filled(2, exec_id="late", qty="0.125")))
        assert as_ever(one)
        one.start()
        one.seal()
        assert as_ever(one)


def test_a_seal_that_cannot_be_written_leaves_the_order_in_memory() -> None:
    with desk() as one:
        hear(one, life(0))
        other = sqlite3.connect(one.path, isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        one.archive.seals.patience(0)
        one.seal()
        assert (one.log.events, len(one.book.in_memory()), one.sealed) == (["seals.not_written"], 1, 0)
        other.execute("ROLLBACK")
        other.close()
        one.seal()
        assert (one.book.in_memory(), one.sealed) == ([], 1)
        assert as_ever(one)


@pytest.mark.asyncio
async def test_the_sealer_works_beside_and_ends_in_order() -> None:
    with desk() as one:
        task = asyncio.ensure_future(one.sealer.run())
        for number in range(40):
            hear(one, life(number))
        await one.clock.advance(LOOK_S)
        await one.clock.advance(1.0)
        assert (one.sealed, one.book.in_memory()) == (40, [])
        hear(one, life(40))
        await one.sealer.finish(5.0)
        await one.sealer.close()
        await one.clock.advance(LOOK_S)
        assert task.done()
        with pytest.raises(JournalFault, match="stopped"):
            one.book.get(IntentId("order-1"))
        one.start()
        assert (one.sealed, one.book.in_memory()) == (41, [])
        assert as_ever(one)


# -- the rules --------------------------------------------------------------------------------------------------------


def test_the_digest_covers_every_module_that_derives_an_order() -> None:
    """What the fold and the archive import from the domain, directly or not, may change what is derived."""
    deriving = {"floorbroker.domain.fold", "floorbroker.oms.archive"}
    waiting = list(deriving)
    while waiting:
        for name in _imports(waiting.pop()) - deriving:
            deriving.add(name)
            waiting.append(name)
    assert deriving - set(RULES) <= {
        "floorbroker.domain.errors",  # tells what went wrong, derives nothing
        "floorbroker.domain.ports",
        "floorbroker.domain.records",
        "floorbroker.domain.bars",
        "floorbroker.domain.capability",
        "floorbroker.domain.forms",
        "floorbroker.domain.timetable",  # when a venue is shut
        "floorbroker.domain.instrument",
        "floorbroker.domain.secret",  # of the ports: keeps what may not be shown
        "floorbroker.domain.options",  # reads symbols of options; an order keeps its own as it came
        "floorbroker.domain.ids",
        "floorbroker.oms.rules",
        "floorbroker.store.executors",
        "floorbroker.store.faults",
    }
    assert set(RULES) <= deriving
    assert rules_digest() == rules_digest() != hashlib.sha256(b"").hexdigest()


def _imports(module: str) -> set[str]:
    spec = find_spec(module)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text("utf-8"))
    found = {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module}
    return {
        name for name in found if name.startswith("floorbroker.") and (SRC / f"{name.replace('.', '/')}.py").exists()
    }


def test_of_an_intent_made_a_moment_ago_nobody_asks_the_seals(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "seals.db")
    fresh, other = (IntentId(f"0195-{number}") for number in range(2))
    desk.archive.seals.close()  # whoever asks now is refused
    with desk.book.expecting(fresh):
        assert desk.hear(founding(1, fresh)) is not None
    assert desk.hear(founding(2, fresh)) is not None  # it is in memory
    desk.book.release(fresh, 2)
    for intent_id in (fresh, other):
        with pytest.raises(JournalFault, match="cannot be read"):
            desk.hear(founding(3, intent_id))


def founding(seq: int, intent_id: IntentId) -> Record:
    """The first record of an order whose client id carries its intent."""
    fact = Prepared(source=Source.OWN, at=START, cl_ord_id=ClOrdId(f"fb-{intent_id}"), profile=MINE, order=making.ORDER)
    return Record(seq=seq, epoch=1, at=START, entry=FactEntry(profile=MINE, intent_id=intent_id, fact=fact))

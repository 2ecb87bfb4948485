"""A book made at once is the book made fact by fact (I26), whatever the history."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.facts import (
    FACTS,
    Adopted,
    Cancelled,
    Cum,
    Exec,
    Fact,
    HorizonPassed,
    Prepared,
    ReplaceDone,
    Source,
    Void,
)
from floorbroker.domain.ports import Entry, FactEntry, NoteEntry, Record
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    IntentId,
    OrderClass,
    OrderId,
    Price,
    ProfileName,
    Quantity,
    Side,
)
from floorbroker.oms.adjustments import ADJUSTMENT
from floorbroker.oms.book import OrderBook
from tests.unit.store import making
from tests.unit.store.strategies import instances

START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
MINE, OTHER = ProfileName("a"), ProfileName("b")
INTENTS = [IntentId(f"intent-{n}") for n in range(2)]
# Small pools, so that facts meet: of one order, of one execution, of one symbol.
ORDER_IDS = st.sampled_from([OrderId("v1"), OrderId("v2")])
EXEC_IDS = st.sampled_from([ExecId("e#1"), ExecId("f#2.5")])
CL_ORD_IDS = st.sampled_from([ClOrdId("c1"), ClOrdId("c2")])
TOTALS = st.sampled_from([Quantity(Decimal(text)) for text in ("0", "1.0", "3.5", "10")])
COMMON = {"source": st.sampled_from([Source.STREAM, Source.HISTORY]), "at": st.just(START)}
TERMS = st.builds(
    replace,
    st.just(making.ORDER),
    symbol=st.sampled_from(["AAPL", "SPY"]),
    order_class=st.sampled_from([OrderClass.SIMPLE, OrderClass.SIMPLE, OrderClass.MULTILEG]),
)
FOUNDINGS = st.one_of(
    st.builds(Prepared, **COMMON, cl_ord_id=CL_ORD_IDS, profile=st.just(MINE), order=TERMS),
    st.builds(Adopted, **COMMON, cl_ord_id=CL_ORD_IDS, profile=st.just(MINE), order=TERMS, order_id=ORDER_IDS),
)
EXECUTIONS = st.builds(
    Exec,
    **COMMON,
    exec_id=EXEC_IDS,
    order_id=ORDER_IDS,
    side=st.sampled_from(Side),
    last_qty=st.sampled_from([Quantity(Decimal(text)) for text in ("0", "1", "2.50", "0.125")]),
    last_px=st.sampled_from([Price(Decimal(100)), Price(Decimal("101.5"))]),
    symbol=st.sampled_from(["", "AAPL", "SPY"]),
    version=st.integers(0, 2),
    synthetic=st.booleans(),
)
WORDS = st.one_of(
    st.builds(Void, **COMMON, exec_id=EXEC_IDS, order_id=ORDER_IDS),
    st.builds(Cum, **COMMON, order_id=ORDER_IDS, cum_qty=TOTALS),
    st.builds(Cancelled, **COMMON, order_id=ORDER_IDS),
    st.builds(HorizonPassed, **COMMON, presumed=st.booleans(), negatives=st.just(3)),
    st.builds(ReplaceDone, **COMMON, orig_order_id=ORDER_IDS, order_id=ORDER_IDS),
)
ANY = st.one_of([instances(cls) for cls in FACTS.values() if cls is not Exec])  # units beyond 28 digits are no units


def adjusted() -> st.SearchStrategy[NoteEntry]:
    return st.builds(
        lambda profile, symbol, qty: NoteEntry(
            profile=profile, topic=ADJUSTMENT, data={"symbol": symbol, "qty": qty, "venue": "0", "cause": "test"}
        ),
        st.sampled_from([MINE, OTHER]),
        st.sampled_from(["AAPL", "SPY"]),
        st.sampled_from(["1", "-2.50", "0"]),
    )


def told(fact: st.SearchStrategy[Fact]) -> st.SearchStrategy[Entry]:
    profiles = st.sampled_from([MINE, MINE, MINE, OTHER])
    return st.builds(FactEntry, profile=profiles, intent_id=st.sampled_from(INTENTS), fact=fact)


@st.composite
def histories(draw: st.DrawFn) -> list[Entry]:
    """Orders with a few executions each, whose facts come in any order, twice, and in disagreement."""
    parts: list[list[Entry]] = [
        draw(st.lists(told(FOUNDINGS), min_size=2, max_size=5)),
        draw(st.lists(told(EXECUTIONS), min_size=4, max_size=16)),
        draw(st.lists(told(WORDS), max_size=6)),
        draw(st.lists(told(ANY), max_size=2)),
        draw(st.lists(adjusted(), max_size=3)),
    ]
    return draw(st.permutations([entry for part in parts for entry in part]))


def recorded(history: Sequence[Entry]) -> list[Record]:
    return [
        Record(seq=seq, epoch=1, at=START + timedelta(seconds=seq), entry=entry) for seq, entry in enumerate(history, 1)
    ]


class Plain:
    """Client ids that are the intent ids."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        return ClOrdId(intent_id)

    def decode(self, cl_ord_id: str) -> IntentId | None:
        return IntentId(cl_ord_id) if cl_ord_id in INTENTS else None


def made(fill: Callable[[OrderBook], None]) -> OrderBook:
    book = OrderBook(profile=MINE, identity=Plain())
    fill(book)
    return book


def one_by_one(records: Sequence[Record]) -> OrderBook:
    def fill(book: OrderBook) -> None:
        for record in records:
            book.apply(record)

    return made(fill)


def answers(book: OrderBook) -> str:
    """Everything a book can be asked, to the last decimal place."""
    names = ["v1", "v2", "c1", "c2", *INTENTS]
    symbols = ["", "AAPL", "SPY"]
    return repr(
        (
            list(book),
            len(book),
            [book.find(name) for name in names],
            book.open_orders(),
            book.presumed_orders(),
            book.lacking_executions(),
            [book.records(intent_id) for intent_id in INTENTS],
            book.holdings.all(),
            [(book.holdings.qty(symbol), book.realized(symbol)) for symbol in symbols],
        )
    )


@given(histories())
def test_a_book_restored_at_once_answers_as_one_that_lived_through_it_i26(history: list[Entry]) -> None:
    records = recorded(history)
    assert answers(made(lambda book: book.restore(records))) == answers(one_by_one(records))


@given(histories(), st.integers(0, 32))
def test_a_restored_book_goes_on_as_if_it_had_never_stopped_i26(history: list[Entry], at: int) -> None:
    records = recorded(history)
    book = made(lambda book: book.restore(records[:at]))
    lived = one_by_one(records[:at])
    for record in records[at:]:
        assert book.apply(record) == lived.apply(record)
    assert answers(book) == answers(lived)


@pytest.mark.parametrize(
    "data", [{}, {"symbol": "AAPL"}, {"qty": "1"}, {"symbol": "AAPL", "qty": "NaN"}, {"symbol": "", "qty": "one"}]
)
def test_an_adjustment_that_does_not_say_what_it_adjusts_is_a_fault_of_the_journal(data: dict[str, str]) -> None:
    book = OrderBook(profile=MINE, identity=Plain())
    entry = NoteEntry(profile=MINE, topic=ADJUSTMENT, data=data)
    with pytest.raises(JournalFault, match="adjustment"):
        book.apply(Record(seq=1, epoch=1, at=START, entry=entry))

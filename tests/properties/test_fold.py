"""The fold over any facts at all, sensible or not (I7): ids from small pools, so that facts meet, contradict and repeat.

`tests/model` says what the answer must be for histories a venue could write; here only that there is one answer.  It bites: where
the first report of an execution is kept, the last total alone, or a bust forgotten that came before its execution, it fails.
"""

from __future__ import annotations

import dataclasses
from datetime import timedelta
from decimal import Decimal
from typing import Any, get_type_hints

from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.facts import FACTS, Adopted, Exec, Fact, Prepared, ReplaceAsked, ReplaceDone, Source, Void
from floorbroker.domain.fold import OrderFold, fold
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.values import ClOrdId, ExecId, IntentId, OrderId, OrderType, Price, ProfileName, Quantity, Side
from floorbroker.store.codec import decode_fact, encode_fact
from tests.model.worlds import INTENT, START
from tests.unit.store.strategies import values

moments = st.integers(0, 3).map(lambda s: START + timedelta(seconds=s))
order_ids = st.sampled_from([OrderId("A"), OrderId("B"), OrderId("C")])
quantities = st.sampled_from([Quantity(Decimal(text)) for text in ("0", "1.0", "2", "2.50", "7")])
replace_ids = st.sampled_from([IntentId("r1"), IntentId("r2")])
POOLS: dict[str, st.SearchStrategy[Any]] = {
    "at": moments,
    "venue_time": st.one_of(st.none(), moments),
    "asked_at": st.one_of(st.none(), moments),
    "order_id": order_ids,
    "orig_order_id": order_ids,
    "exec_id": st.sampled_from([ExecId("e1"), ExecId("e2"), ExecId("e3")]),
    "ref": st.sampled_from([None, None, ExecId("e1"), ExecId("e2"), ExecId("e4")]),
    "version": st.integers(0, 2),
    "last_qty": quantities,
    "cum_qty": quantities,
    "replace_id": replace_ids,
    "request_id": st.sampled_from(["c1", "c2"]),
    "presumed": st.booleans(),
}


def correlated(kind: type[Fact]) -> st.SearchStrategy[Fact]:
    """Facts of one kind whose ids and numbers come from the pools, where there is one."""
    hints = get_type_hints(kind)
    members = {member.name: POOLS.get(member.name, values(hints[member.name])) for member in dataclasses.fields(kind)}
    if kind is ReplaceDone:
        members["replace_id"] = st.one_of(st.none(), replace_ids)
    return st.builds(kind, **members)


BY_KIND = [correlated(kind) for kind in FACTS.values()]
FOUNDING = st.one_of(correlated(Prepared), correlated(Adopted))
FOUNDED = Prepared(
    source=Source.OWN, at=START, cl_ord_id=ClOrdId("c"), profile=ProfileName("p"), principal="people",
    order=NewOrder(symbol="AAPL", side=Side.BUY, order_type=OrderType.MARKET, order_qty=Quantity(Decimal(20))),
)  # fmt: skip


@st.composite
def arrivals(draw: st.DrawFn) -> tuple[list[Fact], list[Fact]]:
    """A set of facts, and one way they arrive: in any order, some of them again and again.

    Of a few kinds at a time: facts of twenty kinds hardly ever speak of the same execution, facts of three kinds do.
    """
    kinds = draw(st.lists(st.sampled_from(BY_KIND), min_size=1, max_size=4))
    facts = [*draw(st.lists(FOUNDING, min_size=1, max_size=2)), *draw(st.lists(st.one_of(kinds), max_size=12))]
    again = draw(st.lists(st.sampled_from(facts), max_size=6))
    return facts, draw(st.permutations(facts + again))


@settings(max_examples=300)
@given(arrivals())
def test_any_order_of_arrival_with_any_duplicates_shows_the_same_order_i7(both: tuple[list[Fact], list[Fact]]) -> None:
    facts, arrived = both
    assert repr(fold(INTENT, arrived)) == repr(fold(INTENT, facts))


@settings(max_examples=200)
@given(arrivals(), st.sets(st.integers(0, 20), max_size=4))
def test_restarts_between_any_two_facts_change_nothing_i7_i26(
    both: tuple[list[Fact], list[Fact]], restarts: set[int]
) -> None:
    """A restart forgets everything and reads the journal; a fact it holds already is not written again."""
    facts, arrived = both
    journal: list[bytes] = []
    order = OrderFold(INTENT)
    for number, fact in enumerate(arrived):
        if order.add(fact):
            journal.append(encode_fact(fact))
        if number in restarts:
            order = OrderFold(INTENT)
            for body in journal:
                order.add(decode_fact(body))
    assert repr(order.view()) == repr(fold(INTENT, facts))


def _correction(about: str, ref: str | None, version: int, qty: str) -> Exec:
    return Exec(
        source=Source.STREAM, at=START, exec_id=ExecId(about), order_id=OrderId("A"), side=Side.BUY,
        last_qty=Quantity(Decimal(qty)), last_px=Price(Decimal(10)), version=version, ref=None if ref is None else ExecId(ref),
    )  # fmt: skip


CHAIN = (_correction("e1", None, 0, "9"), _correction("e1", "c1", 1, "8"), _correction("c1", "c2", 2, "7"))


@given(st.permutations(CHAIN))
def test_a_correction_of_a_correction_is_about_the_execution_the_chain_began_with_i6(chain: list[Exec]) -> None:
    (only,) = fold(INTENT, [FOUNDED, *chain]).executions
    assert (only.exec_id, only.version, only.last_qty) == ("e1", 2, 7)


@given(st.permutations((*CHAIN, Void(source=Source.STREAM, at=START, exec_id=ExecId("c2"), order_id=OrderId("A")))))
def test_a_bust_of_a_correction_takes_the_execution_back_i10(chain: list[Exec | Void]) -> None:
    order = fold(INTENT, [FOUNDED, *chain])
    assert (order.executions, order.cum_qty) == ((), 0)


def test_until_its_chain_is_known_a_correction_stands_for_itself() -> None:
    accumulated = OrderFold(INTENT)
    for fact in (FOUNDED, CHAIN[0], CHAIN[2]):
        accumulated.add(fact)
    assert [e.exec_id for e in accumulated.view().executions] == ["c1", "e1"]
    assert accumulated.is_news(CHAIN[1])


@settings(max_examples=300)
@given(st.lists(correlated(ReplaceDone), max_size=6), st.lists(correlated(ReplaceAsked), max_size=2))
def test_terms_that_are_no_news_change_nothing_i7(told: list[Fact], asked: list[Fact]) -> None:
    order = OrderFold(INTENT)
    for fact in (FOUNDED, *asked):
        order.add(fact)
    for fact in told:
        is_news, before = order.is_news(fact), order.view()
        order.add(fact)
        if not is_news:
            assert terms_of(order.view()) == terms_of(before)


def terms_of(order: Order) -> tuple[object, ...]:
    return (order.order_qty, order.price, order.stop_px, order.tif, order.order_ids, order.pending_replace)

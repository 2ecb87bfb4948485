"""The oracle sees each promise that was broken on the way, though it came right in the end."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.facts import Source
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import Order, OrderChanges
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, Record
from floorbroker.domain.values import ClOrdId, ExecId, IntentId, OrderId, ProfileName, Quantity
from floorbroker.oms.book import Change
from tests.simulation.claims import Claim, Truth
from tests.simulation.clock import Error, Step
from tests.simulation.course import judge_course
from tests.simulation.test_oracle import AT, EXEC, INTENT, STAMP, VENUE, WORKING, order
from tests.simulation.witness import Departure, Halt, Scene, Witness

P = ProfileName("p")
ORDER = order()
PREPARED = f.Prepared(source=Source.OWN, at=AT, cl_ord_id=ClOrdId("c1"), profile=P, order=ORDER.terms)
SENDING = f.Sending(source=Source.OWN, at=AT, deadline_s=5, arrival_bound_s=10)
ROW = AuditEntry(actor="people", via="api", action="order.submit", object=INTENT, profile=P, outcome="sending")
CANCELLED = f.Cancelled(order_id=OrderId("v1"), **STAMP)
VOID = f.Void(exec_id=ExecId("x1"), order_id=OrderId("v1"), **STAMP)
LEFT = Departure(client="c1", endpoint="orders.submit", at_s=1.0, seq=3, epoch=1)
SCENE_ROW: dict[str, Any] = {**VENUE, "filled": "0", "status": "new"}


def entry(fact: f.Fact) -> FactEntry:
    return FactEntry(profile=P, intent_id=INTENT, fact=fact)


def records(*entries: Entry, epoch: int = 1) -> list[Record]:
    """A journal of these."""
    return [Record(seq=seq, epoch=epoch, at=AT, entry=one) for seq, one in enumerate(entries, start=1)]


def seen(*departures: Departure, **members: Any) -> Witness:
    """Who saw this."""
    witness = Witness(now=lambda: 0.0)
    witness.departures += departures
    for name, value in members.items():
        setattr(witness, name, value)
    return witness


def claim(journal: Sequence[Record], *orders: Order, **members: Any) -> Claim:
    """A desk with this journal."""
    return Claim(orders=orders, records=journal, holdings={}, **members)


def later(fact: f.HorizonPassed | f.Exec, seconds: float) -> Any:
    return replace(fact, at=AT + timedelta(seconds=seconds))


def move(before: Sequence[f.Fact], fact: f.Fact) -> Change:
    """One more fact."""
    record = Record(seq=9, epoch=1, at=AT, entry=entry(fact))
    return Change(
        record=record, before=fold(INTENT, [PREPARED, *before]), after=fold(INTENT, [PREPARED, *before, fact])
    )


def undone(before: Sequence[f.Fact], after: Sequence[f.Fact], fact: f.Fact) -> Change:
    """A desk that takes one fact for more than it says."""
    record = Record(seq=9, epoch=1, at=AT, entry=entry(fact))
    return Change(record=record, before=fold(INTENT, [PREPARED, *before]), after=fold(INTENT, [PREPARED, *after]))


def _same(facts: Sequence[f.Fact], fact: f.Fact) -> list[Change]:
    """A later record of the same commit."""
    stands = fold(INTENT, [PREPARED, *facts])
    return [Change(record=Record(seq=10, epoch=1, at=AT, entry=entry(fact)), before=stands, after=stands)]


def scene(*rows: dict[str, Any], **positions: int) -> Scene:
    return Scene(at_s=2.0, orders=rows, positions={symbol: Decimal(qty) for symbol, qty in positions.items()})


TRUTH = Truth(orders=[VENUE], fills=[], positions=[])
DECIDED = records(entry(PREPARED), entry(SENDING), ROW)
GONE = f.HorizonPassed(presumed=True, negatives=3, source=Source.QUERY, at=AT + timedelta(seconds=25))
MADE_UP = f.Exec(
    exec_id=ExecId("synthetic:v1#4"), order_id=OrderId("v1"), side=EXEC.side, last_qty=EXEC.last_qty,
    last_px=EXEC.last_px, synthetic=True, source=Source.OWN, at=AT + timedelta(seconds=10),
)  # fmt: skip
TOTAL = f.Cum(order_id=OrderId("v1"), cum_qty=EXEC.last_qty, **STAMP)
LESS = replace(EXEC, version=1, last_qty=Quantity(EXEC.last_qty / 2))
UNHEARD = replace(EXEC, version=2, last_qty=Quantity(Decimal(0)), ref=ExecId("x1.02"))
NONE_LEFT = replace(TOTAL, cum_qty=Quantity(Decimal(0)), asked_at=AT + timedelta(seconds=1))
GROWN = f.ReplaceAsked(
    source=Source.OWN, at=AT, replace_id=IntentId("r1"), cl_ord_id=ClOrdId("c2"),
    changes=OrderChanges(order_qty=Quantity(Decimal(20))),
)  # fmt: skip
GROWN_ROW = replace(ROW, action="order.replace", detail={"replace_id": "r1"})

HONEST: dict[str, tuple[Claim, Witness]] = {
    "an order": (claim(DECIDED), seen(LEFT, arrivals={"c1": 1.1})),
    "a change": (
        claim([*DECIDED, *records(entry(GROWN), GROWN_ROW)]),
        seen(LEFT, Departure(client="c2", endpoint="orders.replace", at_s=2, seq=5, epoch=1)),
    ),
    "a change under the order's own id, by a later life": (
        claim([*DECIDED, *records(entry(GROWN), GROWN_ROW, epoch=2)]),
        seen(LEFT, Departure(client="c1", endpoint="orders.replace", at_s=2, seq=5, epoch=2)),
    ),
    "a cancel, whatever the journal says": (
        claim(DECIDED),
        seen(
            Departure(client="c1", endpoint="orders.cancel", at_s=5, seq=0, epoch=7), stops=[Halt(since_s=4.0, until_s=6.0)]
        ),
    ),
    "given up in time": (
        claim(records(entry(PREPARED), entry(SENDING), ROW, entry(GONE))), seen(LEFT, arrivals={"c1": 12.0}),
    ),
    "a kill switch, later": (claim(DECIDED), seen(LEFT, stops=[Halt(since_s=4.0, until_s=6.0)])),
    "a bust": (claim([]), seen(moves=[move([WORKING, EXEC], VOID)])),
    "a bust told in one commit with what follows": (
        claim([]), seen(moves=[undone([WORKING, EXEC], [WORKING, EXEC, VOID], TOTAL), *_same([WORKING, EXEC, VOID], VOID)]),
    ),
    "an execution whose correction was told before it": (
        claim([]), seen(moves=[move([WORKING, TOTAL], LESS), move([WORKING, TOTAL, LESS], EXEC)]),
    ),
    "a total told after the bust of an execution nobody heard of": (
        claim([]), seen(moves=[move([WORKING, TOTAL], UNHEARD), move([WORKING, TOTAL, UNHEARD], NONE_LEFT)]),
    ),
    "a clock that is wrong by little": (
        replace(claim(DECIDED), clock=Error(29.0), misdated=(2.0,)), seen(LEFT),
    ),
    "a clock that was right when it was decided": (
        replace(claim(DECIDED), clock=Error(0.0, 0.0, (Step(0.5, 900.0),)), misdated=(3.0,)), seen(LEFT),
    ),
    "an end, and a fill that crosses it": (claim([]), seen(moves=[move([WORKING, CANCELLED], EXEC)])),
    "a fill made up after the grace": (claim(records(entry(TOTAL), entry(MADE_UP))), seen()),
    "as many as may be": (
        claim(DECIDED, limits={"max_open_orders": 1, "max_position_qty": 12}),
        seen(scenes=[scene(SCENE_ROW, {**SCENE_ROW, "client": "strange"}, AAPL=2)]),
    ),
    "orders that are what the journal makes": (claim(DECIDED, fold(INTENT, [PREPARED, SENDING])), seen(LEFT)),
}  # fmt: skip


@pytest.mark.parametrize("name", HONEST)
def test_an_honest_way_there_is_acquitted(name: str) -> None:
    told, witness = HONEST[name]
    assert judge_course(TRUTH, told, witness) == []


CASES: dict[str, tuple[Claim, Witness, str]] = {
    "nothing in the journal": (claim([]), seen(LEFT), "knows nothing"),
    "left before it was durable": (claim(DECIDED), seen(replace(LEFT, seq=1)), "before it was durable"),
    "sent by another life": (claim(DECIDED), seen(replace(LEFT, epoch=2)), "decided in life 1"),
    "no audit row": (claim(DECIDED[:2]), seen(LEFT), "without a row"),
    "the audit row came later": (claim(DECIDED), seen(replace(LEFT, seq=2)), "without a row"),
    "a change left before it was durable": (
        claim([*DECIDED, *records(entry(GROWN), GROWN_ROW)]),
        seen(Departure(client="c2", endpoint="orders.replace", at_s=2, seq=0, epoch=1)), "before it was durable",
    ),
    "left while the clock was wrong": (
        replace(claim(DECIDED), clock=Error(-45.0)), seen(LEFT), "while the clock was 45.0s off",
    ),
    "refused for a clock that was repaired": (
        replace(claim(DECIDED), clock=Error(0.0, 0.0, (Step(2.0, 900.0), Step(4.0, -900.0))), misdated=(5.0,)),
        seen(LEFT), "refused at 5.000s for a clock that was 0.0s off",
    ),
    "a change under the order's own id that nobody decided": (
        claim(DECIDED), seen(LEFT, Departure(client="c1", endpoint="orders.replace", at_s=2, seq=5, epoch=1)), "knows nothing",
    ),
    "given up too early": (
        claim(records(entry(PREPARED), entry(SENDING), ROW, entry(later(GONE, 24)))), seen(LEFT), "was given up after",
    ),
    "given up though it had come in": (
        claim(records(entry(PREPARED), entry(SENDING), ROW, entry(GONE))), seen(LEFT, arrivals={"c1": 9.0}),
        "had come in",
    ),
    "left while the kill switch was on": (claim(DECIDED), seen(LEFT, stops=[Halt(since_s=0.5, until_s=6.0)]), "kill switch"),
    "a total fell because a lower one was told": (
        claim([]),
        seen(moves=[undone([WORKING, TOTAL], [WORKING], NONE_LEFT)]),
        "filled fell",
    ),
    "a total fell": (claim([]), seen(moves=[undone([WORKING, EXEC], [WORKING], WORKING)]), "filled fell"),
    "an end undone": (claim([]), seen(moves=[undone([WORKING, CANCELLED], [WORKING], WORKING)]), "an end was undone"),
    "an end nobody told": (claim(records(entry(CANCELLED))), seen(), "was called cancelled"),
    "a fill made up at once": (
        claim(records(entry(TOTAL), entry(later(MADE_UP, 9)))), seen(), "was made up after 9.0s",
    ),
    "the journal says something else": (claim(DECIDED, order(SENDING, WORKING)), seen(), "the journal makes"),
    "too many orders": (
        claim([*DECIDED, *records(FactEntry(
            profile=P, intent_id=IntentId("i2"), fact=replace(PREPARED, cl_ord_id=ClOrdId("c2")),
        ))], limits={"max_open_orders": 1}),
        seen(scenes=[scene(SCENE_ROW, {**SCENE_ROW, "client": "c2"})]), "2 orders work",
    ),
    "too large a position": (
        claim(DECIDED, limits={"max_position_qty": 12}), seen(scenes=[scene(SCENE_ROW, AAPL=3)]),
        "buy orders may bring AAPL to 13",
    ),
    "a late acceptance that works": (
        claim([], order(SENDING, later(GONE, 25), WORKING)), seen(), "still works",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_broken_promise_is_seen(name: str) -> None:
    told, witness, words = CASES[name]
    assert any(words in violation.text for violation in judge_course(TRUTH, told, witness))


def test_what_the_network_did_twice_is_nobodys_decision() -> None:
    told, witness, _ = CASES["too large a position"]
    assert judge_course(TRUTH, replace(told, doubled={"c9"}), witness) == []


def test_a_limit_is_told_once() -> None:
    told, witness, _ = CASES["too large a position"]
    twice = seen(scenes=[*witness.scenes, *witness.scenes])
    assert [violation.kind for violation in judge_course(TRUTH, told, twice)] == ["wrong"]

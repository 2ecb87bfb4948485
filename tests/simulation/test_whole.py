"""The oracle of the whole desk sees what no account alone could break: a wish at two venues, an order in doubt that was moved,
an order that was accepted after a stop (I14, I16), and nothing where there is nothing."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import ClOrdId, IntentId, OrderId, ProfileName
from tests.simulation.claims import Account, Claim, Truth, Whole
from tests.simulation.test_oracle import EXEC, HONEST, INTENT, SENDING, STAMP, TRUTH, VENUE, WORKING, order
from tests.simulation.whole import judge_desk
from tests.simulation.witness import Departure, Halt, Witness

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
OTHER = "019cae00-0000-75f1-8000-000000000002"
GONE = f.NotSent(source=Source.OWN, at=AT, reason="no connection")


def _account(name: str, *orders: Order, rows: tuple[dict[str, Any], ...] = ()) -> Account:
    named = [replace(order, profile=ProfileName(name)) for order in orders]
    claim = Claim(orders=named, records=[], holdings={})
    return Account(name=name, truth=Truth(orders=list(rows), fills=[], positions=[]), claim=claim)


FIRST = Account(name="p", truth=TRUTH, claim=HONEST)
ONE = Whole(accounts=[FIRST], records=[], sends={"c1": 1}, told={1: INTENT})


def _records(*facts: tuple[str, f.Fact]) -> list[Record]:
    return [
        Record(
            seq=seq, epoch=1, at=AT, entry=FactEntry(profile=ProfileName("p"), intent_id=IntentId(intent), fact=fact)
        )
        for seq, (intent, fact) in enumerate(facts, start=1)
    ]


def _prepared(client: str) -> f.Prepared:
    return f.Prepared(
        source=Source.OWN, at=AT, cl_ord_id=ClOrdId(client), profile=ProfileName("p"), order=order(SENDING).terms,
        principal="people",
    )  # fmt: skip


def _twice(first: f.Fact) -> Whole:
    """A wish that became an intent at a second account when the first one's order had learned `first`."""
    moved = order(SENDING, WORKING, intent=OTHER, client="c2")
    records = _records(
        (INTENT, _prepared("c1")), (INTENT, SENDING), (INTENT, first), (OTHER, _prepared("c2")), (OTHER, SENDING)
    )
    row = {**VENUE, "order": "v2", "client": "c2", "filled": "0", "status": "new"}
    accounts = [_account("p", order(SENDING, GONE)), _account("q", moved, rows=(row,))]
    return Whole(accounts=accounts, records=records, sends={"c1": 1, "c2": 1}, told={1: OTHER})


def test_an_honest_desk_is_acquitted() -> None:
    assert judge_desk(ONE) == []


def test_a_wish_that_was_proven_not_sent_may_be_tried_elsewhere() -> None:
    assert judge_desk(_twice(GONE)) == []


def test_a_wish_in_doubt_that_was_tried_elsewhere_is_moved() -> None:
    in_doubt = f.InDoubt(source=Source.OWN, at=AT, reason="no reply")
    assert {violation.kind for violation in judge_desk(_twice(in_doubt))} == {"moved"}


def test_a_wish_that_works_at_two_accounts_is_doubled() -> None:
    row = {**VENUE, "order": "v2", "client": "c2"}
    other = _account("q", order(SENDING, WORKING, EXEC, intent=OTHER, client="c2"), rows=(row,))
    told = judge_desk(replace(ONE, accounts=[FIRST, other]))
    assert [violation.kind for violation in told] == ["duplicate", "duplicate"]
    assert "w1 is at p and q" in told[1].text


def test_two_intents_of_one_wish_at_one_account_are_doubled() -> None:
    again = order(f.Working(order_id=OrderId("v2"), **STAMP), intent=OTHER, client="c2")
    told = judge_desk(replace(ONE, accounts=[replace(FIRST, claim=replace(HONEST, orders=[*HONEST.orders, again]))]))
    assert {violation.kind for violation in told} == {"duplicate"}


WATCHED = Witness(now=lambda: 1.0, late=["#1 was accepted while the kill switch was on"])
CASES: dict[str, tuple[Whole, str]] = {
    "a caller was given an order that is gone": (replace(ONE, told={1: INTENT, 2: "other"}), "lost"),
    "a caller met a conflict with itself": (replace(ONE, refused={1: ["conflict"]}), "wrong"),
    "a request that left twice": (replace(ONE, sends={"c1": 2}), "duplicate"),
    "a cancel that we refused ourselves": (replace(ONE, hindered=["not_ready"]), "wrong"),
    "a profile that is not ready": (replace(ONE, unsettled=["the profile is degraded"]), "stuck"),
    "an error that nobody caught": (replace(ONE, errors=["KeyError('x')"]), "stuck"),
    "an order that was accepted after a stop": (replace(ONE, witness=WATCHED), "late"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_broken_promise_is_seen(name: str) -> None:
    whole, kind = CASES[name]
    assert {violation.kind for violation in judge_desk(whole)} == {kind}


def test_a_witness_tells_accounts_apart() -> None:
    seen = Witness(now=lambda: 9.0)
    seen.departures = [
        Departure(client=name, endpoint="orders.submit", at_s=5.0, seq=1, epoch=1, account=name) for name in ("p", "q")
    ]
    assert [left.client for left in seen.of("q").departures] == ["q"]
    seen.stopped("p")
    assert (seen.halts("p"), seen.halts("q")) == (True, False)
    seen.reopening("p")
    seen.stopped()
    assert seen.halts("q")
    seen.end()
    assert [(halt.account, halt.covers(9.0, "p"), halt.covers(9.0, "q")) for halt in seen.stops] == [
        ("p", True, False),
        ("", True, True),
    ]
    assert not Halt(since_s=1.0, until_s=2.0).covers(2.5, "p")


def test_a_witness_counts_on_no_unwritten_stop_while_everything_is_being_opened() -> None:
    seen = Witness(now=lambda: 9.0)
    seen.stopped()
    seen.reopening()
    seen.stopped("p", is_written=False)
    assert not seen.halts("p")
    seen.stopped("q")
    assert seen.halts("q"), "this one is written"
    seen.opened()
    seen.stopped("p", is_written=False)
    assert seen.halts("p"), "nobody opens it any more"

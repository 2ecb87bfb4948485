"""The oracle sees each kind of broken promise, and nothing where there is none."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.facts import Source
from floorbroker.domain.fold import fold
from floorbroker.domain.orders import NewOrder, Order
from floorbroker.domain.ports import NoteEntry, Record
from floorbroker.domain.values import ClOrdId, ExecId, IntentId, OrderId, OrderType, Price, ProfileName, Quantity, Side
from floorbroker.oms.adjustments import ADJUSTMENT
from tests.simulation.claims import Claim, Truth
from tests.simulation.oracle import judge
from tests.simulation.plan import plan_of

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)
INTENT = IntentId("019cae00-0000-75f1-8000-000000000001")
STAMP = {"source": Source.REPLY, "at": AT}
VENUE: dict[str, Any] = {
    "order": "v1", "client": "c1", "symbol": "AAPL", "side": "buy", "status": "partially_filled",
    "quantity": "10", "filled": "4", "limit": "189.5",
}  # fmt: skip
FILL = {"exec": "x1", "order": "v1", "symbol": "AAPL", "side": "buy", "quantity": "4", "price": "189.5"}


def order(*facts: f.Fact, intent: str = INTENT, client: str = "c1", tag: str = "w1") -> Order:
    """The desk's order with these facts."""
    terms = NewOrder(
        symbol="AAPL",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(10)),
        price=Price(Decimal("189.5")),
        client_tag=tag,
    )
    prepared = f.Prepared(
        source=Source.OWN, at=AT, cl_ord_id=ClOrdId(client), profile=ProfileName("p"), order=terms, principal="people"
    )
    return fold(IntentId(intent), [prepared, *facts])


WORKING = f.Working(order_id=OrderId("v1"), **STAMP)
EXEC = f.Exec(
    exec_id=ExecId("x1"), order_id=OrderId("v1"), side=Side.BUY, last_qty=Quantity(Decimal(4)),
    last_px=Price(Decimal("189.5")), symbol="AAPL", **STAMP,
)  # fmt: skip
SENDING = f.Sending(source=Source.OWN, at=AT, deadline_s=5, arrival_bound_s=60)
TRUTH = Truth(orders=[VENUE], fills=[FILL], positions=[{"symbol": "AAPL", "quantity": "4"}])
HONEST = Claim(orders=[order(SENDING, WORKING, EXEC)], records=[], holdings={"AAPL": Decimal(4)})


def test_an_honest_desk_is_acquitted() -> None:
    assert judge(TRUTH, HONEST) == []


@pytest.mark.parametrize(("changed_to", "told"), [("3", []), ("4", ["wrong"]), (None, ["wrong"])])
def test_an_order_is_filled_here_and_canceled_there_only_where_it_was_cut_below_its_fills(
    changed_to: str | None, told: list[str]
) -> None:
    v1 = OrderId("v1")
    cut = [f.ReplaceDone(orig_order_id=v1, order_id=v1, order_qty=Quantity(Decimal(changed_to or 10)), **STAMP)]
    rest = replace(EXEC, exec_id=ExecId("x2"), last_qty=Quantity(Decimal(6)))
    traded = [EXEC] if changed_to else [EXEC, rest]
    filled = str(sum(fill.last_qty for fill in traded))
    fills = [{**FILL, "exec": fill.exec_id, "quantity": str(fill.last_qty)} for fill in traded]
    truth = Truth(
        orders=[{**VENUE, "status": "canceled", "quantity": changed_to or "10", "filled": filled}],
        fills=fills,
        positions=[{"symbol": "AAPL", "quantity": filled}],
    )
    desk = replace(HONEST, orders=[order(SENDING, WORKING, *cut, *traded)], holdings={"AAPL": Decimal(filled)})
    assert [violation.kind for violation in judge(truth, desk)] == told


def _claims(*orders: Order) -> Claim:
    return replace(HONEST, orders=orders)


ADJUSTED = Record(
    seq=1, epoch=1, at=AT,
    entry=NoteEntry(profile=ProfileName("p"), topic=ADJUSTMENT, data={"symbol": "AAPL", "qty": "4"}),
)  # fmt: skip

CASES: dict[str, tuple[Truth, Claim, str]] = {
    "the desk knows nothing of an order": (TRUTH, _claims(), "lost"),
    "the desk proved an order absent that is there": (
        TRUTH, _claims(order(f.NotSent(reason="no", source=Source.OWN, at=AT))), "lost",
    ),
    "the desk said not sent, and learned better": (
        TRUTH, _claims(order(WORKING, EXEC, f.NotSent(reason="no", source=Source.OWN, at=AT))), "lost",
    ),
    "the desk believes in an order that is not there": (
        replace(TRUTH, orders=[], fills=[], positions=[]), replace(HONEST, holdings={}), "lost",
    ),
    "the desk closed an order that works": (
        TRUTH, _claims(order(WORKING, EXEC, f.Cancelled(order_id=OrderId("v1"), **STAMP))), "lost",
    ),
    "a fill that was missed": (TRUTH, _claims(order(WORKING)), "wrong"),
    "a fill that counted twice": (
        TRUTH, _claims(order(WORKING, EXEC, replace(EXEC, exec_id=ExecId("x1 again")))), "wrong",
    ),
    "a position that is not the sum of fills": (TRUTH, replace(HONEST, holdings={"AAPL": Decimal(5)}), "wrong"),
    "a position that was explained away": (TRUTH, replace(HONEST, records=[ADJUSTED]), "wrong"),
    "a limit that differs": (replace(TRUTH, orders=[{**VENUE, "limit": "190"}]), HONEST, "wrong"),
    "an end that differs": (
        replace(TRUTH, orders=[{**VENUE, "status": "expired"}]),
        _claims(order(WORKING, EXEC, f.Cancelled(order_id=OrderId("v1"), **STAMP))),
        "wrong",
    ),
    "an order that was passed over": (TRUTH, replace(HONEST, swept={INTENT}), "wrong"),
    "an order in doubt": (TRUTH, _claims(order(SENDING)), "stuck"),
    "an end that was not heard of": (replace(TRUTH, orders=[{**VENUE, "status": "canceled"}]), HONEST, "stuck"),
    "a cancel without an answer": (
        TRUTH, _claims(order(WORKING, EXEC, f.CancelAsked(request_id="r", source=Source.OWN, at=AT))), "stuck",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_each_broken_promise_is_seen(name: str) -> None:
    truth, claim, kind = CASES[name]
    assert kind in {violation.kind for violation in judge(truth, claim)}


def test_a_plan_is_a_function_of_its_seed_and_prints_whole() -> None:
    assert plan_of(11) == plan_of(11)
    assert len({str(plan_of(seed)) for seed in range(20)}) == 20
    assert "submit #1" in str(plan_of(11))


def test_plans_hold_every_kind_of_trouble() -> None:
    plans = [plan_of(seed) for seed in range(400)]
    struck = {(fault.where, fault.what) for plan in plans for fault in plan.faults}
    acts = {type(act).__name__ for plan in plans for act in plan.acts}
    assert {"order", "read", "stream", "connect", "disk"} == {where for where, _ in struck}
    assert len(struck) == 65
    assert acts == {
        "Submit", "Cancel", "CancelAll", "Modify", "Move", "Force", "Bust", "Correct", "Reconcile", "Stop", "Reopen", "Crash",
    }  # fmt: skip
    assert 60 < sum(bool(plan.limits) for plan in plans) < 140
    assert 20 < sum(not plan.lists_fills for plan in plans) < 100
    assert sum(bool(plan.kills) for plan in plans) > 150

"""People and doubts: evidence is shown, acts are kept with their reason, and none of them sends an order (I3, I4, I9)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.capability import Can, IdentityClass
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, Conflict, InvalidRequest
from floorbroker.domain.orders import Order, OrderChanges, OrderRef, OrderState
from floorbroker.domain.ports import AuditEntry, Reports
from floorbroker.domain.records import ExecutionReport, Fetched
from floorbroker.domain.values import ClOrdId, IntentId, OrderId, OrdStatus, Price
from floorbroker.oms.inquest import Act, Inquest, Standing
from floorbroker.oms.questions import Asked
from tests.support.fake_broker import INFO, FakeBroker, Spelling, VenueOrder, buy, silence
from tests.support.house import CALLER, NOON, Desk, opened

pytestmark = pytest.mark.asyncio


def _allowed(found: Inquest) -> set[Act]:
    return {offer.act for offer in found.offers if offer.allowed}


def _why_not(found: Inquest, act: Act) -> str:
    return next(offer.detail for offer in found.offers if offer.act is act)


async def _lost(desk: Desk, script: str = "drop") -> Order:
    """An order whose answer never came."""
    desk.broker.next_submit.append(script)
    return await desk.place(buy())


async def _act(desk: Desk, order: Order, act: Act, **how: str) -> Inquest:
    acting = asyncio.ensure_future(
        desk.gateway.resolve(order.intent_id, act, caller=CALLER, **{"reason": "a test", **how})
    )
    await desk.until(acting.done)
    return await acting


async def test_an_order_that_is_known_offers_nothing_to_decide(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        found = desk.gateway.inquest(order.intent_id)
        assert (found.standing, _allowed(found), found.horizon) == (Standing.SETTLED, set(), None)
        with pytest.raises(Conflict, match="nothing is in doubt"):
            await _act(desk, order, Act.ASK)


async def test_every_question_is_shown_with_its_answer_and_a_broken_one_proves_nothing_i9(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _lost(desk)
        desk.broker.failing["get_order_history"] = silence()
        await desk.wait(60)
        found = desk.gateway.inquest(order.intent_id)
        broken = [one for one in found.questions if not one.complete]
        answered = {one.source for one in found.questions if one.complete}
        assert {one.source for one in broken} == {Asked.HISTORY}
        assert all(one.trouble for one in broken)
        assert answered == {Asked.BY_ID, Asked.OPEN}
        assert (found.standing, found.negatives) == (Standing.UNKNOWN, 0)


async def test_before_the_horizon_nobody_can_declare_an_order_not_placed_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _lost(desk)
        found = desk.gateway.inquest(order.intent_id)
        assert found.horizon is not None
        assert found.horizon > desk.clock.now()
        assert "it may still arrive" in _why_not(found, Act.DECLARE)
        with pytest.raises(Conflict, match="may still arrive"):
            await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert desk.now(order).state is OrderState.UNKNOWN


async def test_looking_at_an_order_brings_no_horizon_nearer_i3(tmp_path: Path) -> None:
    """Whoever looks before the doubt begins must not start its count."""
    async with opened(tmp_path) as desk:
        gate = desk.broker.gates["submit"] = asyncio.Event()
        desk.broker.next_submit.append("drop")
        placing = asyncio.ensure_future(desk.place(buy()))
        await desk.wait(1)
        desk.gateway.inquest(desk.only().intent_id)
        await desk.wait(3)
        gate.set()
        order = await placing
        await desk.wait()
        met_at = desk.clock.now()
        found = desk.gateway.inquest(order.intent_id)
        assert found.horizon is not None
        assert (found.horizon - met_at).total_seconds() >= desk.ctx.arrival_bound_s


async def _presumed(desk: Desk) -> Order:
    order = await _lost(desk)
    await desk.until(lambda: desk.now(order).presumed)
    return order


async def test_a_presumed_order_is_declared_not_placed_with_evidence_and_a_reason(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _presumed(desk)
        assert Act.DECLARE in _allowed(desk.gateway.inquest(order.intent_id))
        reads = desk.broker.reads.count("get_order_history")
        found = await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert desk.broker.reads.count("get_order_history") > reads, "the venue was not asked once more"
        assert (desk.now(order).state, found.standing) == (OrderState.NOT_PLACED, Standing.SETTLED)
        assert [(deed.act, deed.by, deed.outcome) for deed in found.deeds] == [
            ("declare_not_placed", "tester", "declared not placed")
        ]
        rows = [r.entry for r in desk.gateway.audit(limit=1000) if isinstance(r.entry, AuditEntry)]
        assert [(r.reason, r.object) for r in rows if r.action == "order.resolve.declare_not_placed"] == [
            ("a test", order.intent_id)
        ]


async def test_a_declaration_fails_where_a_source_does_not_answer_i9(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _presumed(desk)
        desk.broker.failing["get_fills"] = ApiError("later")
        with pytest.raises(Conflict, match="did not answer completely"):
            await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert desk.now(order).presumed
        assert [deed.outcome for deed in desk.gateway.inquest(order.intent_id).deeds] == ["not declared"]


async def test_a_list_of_today_does_not_prove_that_nothing_was_placed_yesterday_and_a_person_may_say_so_i3_i9(
    tmp_path: Path,
) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, info=replace(INFO, listed_day="Asia/Kolkata"))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
    await clock.advance(24 * 3600)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        await desk.wait(60)
        asked = len(broker.reads)
        await desk.wait(600)
        assert desk.now(order).state is OrderState.UNKNOWN
        assert len([one for one in broker.reads[asked:] if one == "get_order_status"]) <= 3  # it is asked for seldom
        found = await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert (desk.now(order).state, found.standing) == (OrderState.NOT_PLACED, Standing.SETTLED)


async def test_what_the_venue_has_of_an_earlier_day_is_found_and_folded_i3(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, info=replace(INFO, listed_day="Asia/Kolkata"))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk, "lose_and_hide")
    await clock.advance(24 * 3600)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        await desk.wait(600)
        assert desk.now(order).state is OrderState.UNKNOWN
        broker.hidden.clear()
        with pytest.raises(Conflict, match="not declared"):
            await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert desk.now(order).ord_status is OrdStatus.NEW


async def test_an_order_of_today_is_judged_by_the_list_of_today(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, info=replace(INFO, listed_day="Asia/Kolkata"))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        await desk.until(lambda: desk.now(order).state is OrderState.PRESUMED_NOT_PLACED)


async def test_an_order_that_the_declaration_finds_is_folded_instead(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.ctx.cancel_late = False
        order = await _lost(desk, "lose_and_hide")
        await desk.until(lambda: desk.now(order).presumed)
        desk.broker.hidden.clear()
        with pytest.raises(Conflict, match="knows the order"):
            await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert desk.now(order).ord_status is OrdStatus.NEW


async def test_an_order_declared_not_placed_that_appears_is_folded_and_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.ctx.cancel_late = False
        order = await _lost(desk, "lose_and_hide")
        await desk.until(lambda: desk.now(order).presumed)
        await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        desk.broker.hidden.clear()
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        now = desk.now(order)
        assert (now.cum_qty, bool(now.alerts)) == (4, True)
        assert desk.gateway.inquest(order.intent_id).standing is Standing.CONTRADICTED


@pytest.mark.parametrize(
    ("how", "pointer"), [({"reason": " "}, "/reason"), ({"confirm": ""}, "/confirm"), ({"confirm": "x"}, "/confirm")]
)
async def test_acts_need_a_reason_and_the_grave_ones_a_confirmation(
    tmp_path: Path, how: dict[str, str], pointer: str
) -> None:
    async with opened(tmp_path) as desk:
        order = await _presumed(desk)
        with pytest.raises(InvalidRequest) as wrong:
            await _act(desk, order, Act.DECLARE, **{"confirm": order.cl_ord_id, **how})
        assert wrong.value.fields[0].pointer == pointer
        assert desk.gateway.inquest(order.intent_id).deeds == ()


async def test_no_act_sends_anything_to_the_market_i4(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _lost(desk)
        sent = list(desk.broker.requests)
        for act in (Act.ASK, Act.WATCH):
            await _act(desk, order, act)
        await desk.until(lambda: desk.now(order).presumed)
        await _act(desk, order, Act.DECLARE, confirm=order.cl_ord_id)
        assert desk.broker.requests == sent


async def test_what_people_did_outlives_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await _presumed(desk)
        await _act(desk, order, Act.WATCH, reason="seen")
        broker, clock = desk.broker, desk.clock
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        found = desk.gateway.inquest(order.intent_id)
        assert [(deed.act, deed.reason) for deed in found.deeds] == [("watch", "seen")]
        assert found.standing is Standing.PRESUMED


# -- venues that do not name orders by an id of ours -----------------------------------------------------------------------


def _without_names(desk: Desk, order: Order, *, number: str) -> VenueOrder:
    """The venue has an order of these terms, under a label that says nothing."""
    stranger = VenueOrder(
        order_id=OrderId(number),
        cl_ord_id=ClOrdId(""),
        terms=order.terms,
        qty=Decimal(10),
        price=order.price,
        made_at=desk.clock.now(),
    )
    desk.broker.orders[stranger.order_id] = stranger
    return stranger


def _class_c() -> tuple[FakeBroker, ManualClock]:
    clock = ManualClock(NOON)
    info = replace(INFO, identity=IdentityClass.C, can=INFO.can - {Can.QUERY_BY_CLIENT_ID})
    return FakeBroker(clock, info=info), clock


async def test_orders_of_the_same_terms_are_candidates_and_not_adopted_while_the_doubt_lasts(tmp_path: Path) -> None:
    broker, clock = _class_c()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        first, second = _without_names(desk, order, number="X1"), _without_names(desk, order, number="X2")
        await _act(desk, order, Act.ASK)
        found = desk.gateway.inquest(order.intent_id)
        assert [one.order_id for one in found.candidates] == ["X1", "X2"]
        assert len(desk.gateway.orders()) == 1
        done = await _act(desk, order, Act.ATTRIBUTE, candidate="X2", confirm=order.cl_ord_id)
        now = desk.now(order)
        assert (now.order_id, now.ord_status, done.standing) == ("X2", OrdStatus.NEW, Standing.SETTLED)
        desk.broker.fill(second, "4")
        await desk.wait(40)
        assert desk.now(order).cum_qty == 4
        assert [o.order_id for o in desk.gateway.orders() if o.external] == [first.order_id]


async def test_a_candidate_without_an_id_stops_the_verdict_that_nothing_was_placed_i3(tmp_path: Path) -> None:
    """A label may be lost on its way: while an order of these terms stands there unclaimed, ours may be it."""
    broker, clock = _class_c()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        _without_names(desk, order, number="X1")
        await desk.wait(300)
        assert desk.now(order).state is OrderState.UNKNOWN
        found = desk.gateway.inquest(order.intent_id)
        assert ([one.order_id for one in found.candidates], found.negatives) == (["X1"], 0)


@pytest.mark.parametrize("is_told", [True, False], ids=["its time is told", "its time is not told"])
async def test_a_candidate_that_fills_later_still_stops_the_verdict_i3(tmp_path: Path, is_told: bool) -> None:
    """Its time is that of its making, whatever happened to it since; where that is not told, it is not after its last change."""
    broker, clock = _class_c()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        stranger = _without_names(desk, order, number="X1")
        stranger.made_at = stranger.made_at if is_told else None
        await desk.wait(30)
        desk.broker.fill(stranger, "4", "50")
        await desk.wait(600)
        assert desk.now(order).state is OrderState.UNKNOWN
        assert [one.order_id for one in desk.gateway.inquest(order.intent_id).candidates] == ["X1"]


async def test_a_label_that_nobody_can_read_stops_the_verdict_i3(tmp_path: Path) -> None:
    """It may be ours, mangled on its way."""
    broker, clock = _class_c()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        _without_names(desk, order, number="X1").cl_ord_id = ClOrdId(order.cl_ord_id.removeprefix("fb-"))
        await desk.wait(300)
        assert desk.now(order).state is OrderState.UNKNOWN


_ANOTHER = Spelling().encode(IntentId("0195570e-6a80-7abc-8def-0123456789ab"))


@pytest.mark.parametrize(
    "stranger",
    [
        {"cl_ord_id": _ANOTHER},
        {"price": Price(Decimal(51))},
        {"made_at": NOON - timedelta(days=3)},
        {"made_at": NOON + timedelta(hours=1)},
    ],
    ids=["another intent", "another price", "made before", "made long after"],
)
async def test_an_order_that_cannot_be_ours_stops_no_verdict(tmp_path: Path, stranger: dict[str, Any]) -> None:
    broker, clock = _class_c()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        there = _without_names(desk, order, number="X1")
        for name, value in stranger.items():
            setattr(there, name, value)
        await desk.until(lambda: desk.now(order).presumed)
        assert desk.now(order).state is OrderState.PRESUMED_NOT_PLACED


async def test_only_a_candidate_can_be_attributed(tmp_path: Path) -> None:
    broker, clock = _class_c()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        _without_names(desk, order, number="X1").price = Price(Decimal(51))
        await _act(desk, order, Act.ASK)
        with pytest.raises(Conflict, match="no order of the venue's has these terms"):
            await _act(desk, order, Act.ATTRIBUTE, candidate="X1", confirm=order.cl_ord_id)
        _without_names(desk, order, number="X2")
        await _act(desk, order, Act.ASK)
        with pytest.raises(InvalidRequest, match="one of the candidates"):
            await _act(desk, order, Act.ATTRIBUTE, candidate="X1", confirm=order.cl_ord_id)


async def test_where_ids_are_ours_nothing_can_be_attributed(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, info=replace(INFO, identity=IdentityClass.A))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await _lost(desk)
        _without_names(desk, order, number="X1")
        assert "by our own id" in _why_not(desk.gateway.inquest(order.intent_id), Act.ATTRIBUTE)


# -- a change that was not answered ------------------------------------------------------------------------------------------


class Lagging(FakeBroker):
    """A venue whose answers about an order, and whose lists, do not name its successor yet; asked for by name, it is there."""

    async def get_order_status(self, ref: OrderRef) -> Reports:
        return tuple(replace(report, replaced_by=None) for report in await FakeBroker.get_order_status(self, ref))

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        listed = await FakeBroker.get_order_history(self, since)
        return replace(
            listed, items=tuple(r for r in listed.items if not self.orders[r.order_id or OrderId("")].leader)
        )


async def test_the_successor_of_an_unanswered_change_is_found_by_its_own_id(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    async with opened(tmp_path, broker=Lagging(clock), clock=clock) as desk:
        order = await desk.place(buy())
        desk.broker.next_modify.append("lose")
        desk.broker.muted = True
        change = OrderChanges(price=Price(Decimal(99)))
        changing = asyncio.ensure_future(desk.gateway.modify(order.intent_id, change, caller=CALLER))
        await desk.until(lambda: desk.now(order).price == Decimal(99), longest_s=20)
        await changing
        assert not desk.now(order).pending_replace
        assert len(desk.gateway.orders()) == 1


async def _forget(desk: Desk) -> None:
    """The venue knows no order any more, and a sweep asks for them a minute later."""
    desk.broker.orders.clear()
    sweeping = asyncio.ensure_future(desk.service.reconciler.sweep())
    await desk.until(sweeping.done)
    assert {desk.gateway.inquest(order.intent_id).standing for order in desk.ctx.book.open_orders()} == {
        Standing.SETTLED
    }
    await desk.wait(60)
    sweeping = asyncio.ensure_future(desk.service.reconciler.sweep())
    await desk.until(sweeping.done)


async def test_an_order_that_its_venue_forgot_is_told_of_and_ends_by_a_persons_word_alone_i9(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await _forget(desk)
        found = desk.gateway.inquest(order.intent_id)
        assert (found.standing, found.order.is_open) == (Standing.FORGOTTEN, True)
        assert _allowed(found) == {Act.ASK, Act.WATCH, Act.CLOSE}
        reconciling = asyncio.ensure_future(desk.session.reconcile_now())
        await desk.until(reconciling.done)
        told = await reconciling
        assert told.differences == (f"AAPL: the venue does not know order {order.intent_id} any more",)
        assert (told.converged, told.counts["forgotten"]) == (True, 1)
        with pytest.raises(InvalidRequest, match="type the order's client id"):
            await _act(desk, order, Act.CLOSE)
        closed = await _act(desk, order, Act.CLOSE, confirm=order.cl_ord_id)
        assert (closed.order.ord_status, closed.standing) == (OrdStatus.CANCELED, Standing.SETTLED)
        assert [deed.outcome for deed in closed.deeds] == ["declared ended"]
        assert desk.ctx.exposure().worst_case("AAPL", order.terms.side) == 0


async def test_an_order_that_the_venue_knows_again_cannot_be_declared_ended(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        with pytest.raises(Conflict, match="and does not know any more"):
            await _act(desk, order, Act.CLOSE, confirm=order.cl_ord_id)
    async with opened(tmp_path / "again") as desk:
        order = await desk.place(buy())
        kept = dict(desk.broker.orders)
        await _forget(desk)
        desk.broker.failing["get_order_history"] = silence()
        with pytest.raises(Conflict, match="a source did not answer completely"):
            await _act(desk, order, Act.CLOSE, confirm=order.cl_ord_id)
        desk.broker.failing.clear()
        desk.broker.orders.update(kept)
        with pytest.raises(Conflict, match="it knows the order"):
            await _act(desk, order, Act.CLOSE, confirm=order.cl_ord_id)
        assert desk.gateway.inquest(order.intent_id).standing is Standing.SETTLED
        assert desk.now(order).is_open

"""Changes: one in flight an order, durable before they leave, settled by evidence (RELIABILITY 2)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.errors import (
    ApiError,
    Conflict,
    FloorbrokerError,
    InvalidRequest,
    JournalFault,
    KillSwitchOn,
    RiskLimitExceeded,
)
from floorbroker.domain.orders import Order, OrderChanges
from floorbroker.domain.ports import FactEntry
from floorbroker.domain.values import ExecType, OrdStatus, Price, Quantity, Side
from floorbroker.risk.limits import RiskLimits
from floorbroker.store import StaleEpoch
from tests.support.fake_broker import INFO, FakeBroker, buy
from tests.support.house import CALLER, Desk, make, opened

pytestmark = pytest.mark.asyncio


def _to(qty: str | None = None, price: str | None = None) -> OrderChanges:
    return OrderChanges(
        order_qty=None if qty is None else Quantity(Decimal(qty)),
        price=None if price is None else Price(Decimal(price)),
    )


async def _modify(desk: Desk, order: Order, changes: OrderChanges) -> Order:
    return await desk.gateway.modify(order.intent_id, changes, caller=CALLER)


async def test_a_change_is_durable_before_it_leaves_and_follows_the_new_id_i2(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        after = await _modify(desk, order, _to("15", "101"))
        assert (after.order_id, after.order_qty, after.price) == ("V2", 15, 101)
        assert not after.pending_replace


async def test_a_change_that_cannot_be_written_is_not_sent_i2(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.journal.fault_when = lambda entries: any(
            isinstance(e, FactEntry) and isinstance(e.fact, f.ReplaceAsked) for e in entries
        )
        with pytest.raises(JournalFault):
            await _modify(desk, order, _to("15"))
        assert (desk.sent("modify"), desk.ctx.gate.pending) == (0, {})


async def test_a_stale_owner_changes_nothing_i18(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.journal.fault = StaleEpoch("epoch 1 is stale")
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(FloorbrokerError):
            await _modify(desk, order, _to("15"))
        assert desk.sent("modify") == 0


async def test_two_changes_at_once_are_one_change_and_one_refusal(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        both = await asyncio.gather(
            _modify(desk, order, _to("15")), _modify(desk, order, _to("20")), return_exceptions=True
        )
        assert [type(found) for found in both if isinstance(found, Exception)] == [Conflict]
        assert desk.sent("modify") == 1


async def test_what_a_change_adds_counts_before_it_is_answered_i12(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_position_qty=Decimal(30))) as desk:
        order = await desk.place(buy("10"))
        desk.broker.next_modify.append("drop")
        change = asyncio.ensure_future(_modify(desk, order, _to("25")))
        other = asyncio.ensure_future(desk.place(buy("10")))
        found = await asyncio.gather(change, other, return_exceptions=True)
        assert isinstance(found[1], FloorbrokerError)
        assert desk.ctx.exposure().worst_case("AAPL", Side.BUY) == 25


async def test_a_lost_reply_to_a_change_is_settled_by_asking_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.next_modify.append("lose")
        await _modify(desk, order, _to("15"))
        await desk.until(lambda: not desk.now(order).pending_replace)
        assert (desk.now(order).order_qty, desk.now(order).order_id, desk.sent("modify")) == (15, "V2", 1)


async def test_a_change_that_never_arrived_is_over_after_the_horizon_only_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.next_modify.append("drop")
        await _modify(desk, order, _to("15"))
        await desk.wait(10)
        assert desk.now(order).pending_replace
        await desk.until(lambda: not desk.now(order).pending_replace)
        assert (desk.now(order).order_qty, desk.now(order).ord_status) == (10, OrdStatus.NEW)


async def test_a_kill_refuses_a_change_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        with pytest.raises(KillSwitchOn):
            await _modify(desk, order, _to("15"))
        assert desk.sent("modify") == 0


async def test_a_change_to_no_more_than_is_filled_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        with pytest.raises(InvalidRequest):
            await _modify(desk, order, _to("4"))


async def test_an_order_being_cancelled_is_not_changed(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_cancel.append("ignore")
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        with pytest.raises(Conflict):
            await _modify(desk, order, _to("15"))


async def test_an_adapter_that_breaks_leaves_the_change_in_doubt_i3(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.next_modify.append(RuntimeError("a bug in an adapter"))
        assert (await _modify(desk, order, _to("15"))).pending_replace


async def test_a_change_asked_for_while_the_last_one_is_being_settled_has_a_settling_of_its_own(tmp_path: Path) -> None:
    """The first is answered while somebody waits to ask about it again; then it must not be called refused for ever."""
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.muted = True
        desk.broker.next_modify += ["lose", "drop"]
        desk.broker.failing["get_order_status"] = ApiError("502 from the venue")
        await _modify(desk, order, _to("12"))
        await desk.wait(6)
        del desk.broker.failing["get_order_status"]
        await desk.session.reconcile_now()
        assert not desk.now(order).pending_replace
        await _modify(desk, order, _to("14"))
        await desk.until(lambda: not desk.now(order).pending_replace)
        facts = list(desk.ctx.book.facts(order.intent_id))
        refused = [fact.replace_id for fact in facts if isinstance(fact, f.ReplaceRefused)]
        asked = [fact.replace_id for fact in facts if isinstance(fact, f.ReplaceAsked)]
        assert (desk.now(order).order_qty, refused) == (12, asked[1:])


async def test_a_change_that_a_network_handed_over_twice_counts_until_it_is_known_to_be_ours_i5(tmp_path: Path) -> None:
    """The first is done, its answer lost; the second is refused, because the order is not open any more."""
    async with opened(tmp_path, limits=RiskLimits(max_position_qty=Decimal(20))) as desk:
        order = await desk.place(buy("10"))
        desk.broker.muted = True
        desk.broker.next_modify.append("replay")
        after = await _modify(desk, order, _to("15"))
        assert after.pending_replace
        with pytest.raises(RiskLimitExceeded, match="21 is above"):
            await desk.place(buy("6"))
        await desk.until(lambda: not desk.now(order).pending_replace)
        facts = desk.ctx.book.facts(order.intent_id)
        assert not any(isinstance(fact, f.ReplaceRefused) for fact in facts)
        assert (desk.now(order).order_id, desk.now(order).order_qty) == ("V2", 15)


# -- venues where an amended order keeps its ids ---------------------------------------------------------------------------

AMENDS = replace(INFO, amends_in_place=True)


def _amending(broker: FakeBroker, *scripts: str) -> None:
    broker.info = AMENDS
    broker.next_modify += scripts


async def test_an_amend_is_done_when_the_order_shows_its_new_terms(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        _amending(desk.broker, "amend")
        await _modify(desk, order, _to("15", "101"))
        await desk.wait()
        after = desk.now(order)
        assert (after.order_id, after.order_qty, after.price) == (order.order_id, 15, 101)
        assert not after.pending_replace


@pytest.mark.parametrize("script", ["amend_quietly", "amend_lose"])
async def test_an_amend_nobody_heard_of_is_found_by_asking_i3(tmp_path: Path, script: str) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.muted = True
        _amending(desk.broker, script)
        await _modify(desk, order, _to("15"))
        await desk.until(lambda: not desk.now(order).pending_replace)
        assert (desk.now(order).order_qty, desk.sent("modify")) == (15, 1)


async def test_an_amend_that_a_crash_cut_off_is_found_after_the_restart(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    order = await desk.place(buy("10"))
    desk.broker.muted = True
    _amending(desk.broker, "amend_quietly")
    await _modify(desk, order, _to("15"))
    await desk.crash()
    desk.broker.muted = False
    async with opened(tmp_path, broker=desk.broker, clock=desk.clock) as later:
        await later.until(lambda: not later.now(order).pending_replace)
        facts = list(later.ctx.book.facts(order.intent_id))
        assert later.now(order).order_qty == 15
        assert not any(isinstance(fact, f.ReplaceRefused) for fact in facts)


async def test_what_shows_other_terms_answers_no_amend(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.info = AMENDS
        desk.broker.next_modify.append("drop")
        await _modify(desk, order, _to("15", "101"))
        venue = desk.broker.of(order.cl_ord_id)
        for odd in (
            {"order_qty": Quantity(Decimal(15))},
            {"price": Price(Decimal(101))},
            {"unrecognised": "status odd"},
        ):
            report = desk.broker.report(venue, ExecType.ORDER_STATUS, f.Source.STREAM)
            desk.broker.tell(replace(report, **odd))
        await desk.wait()
        assert desk.now(order).pending_replace


async def test_where_a_changed_order_gets_a_new_id_old_terms_answer_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy("10"))
        desk.broker.next_modify.append("drop")
        await _modify(desk, order, _to("10", "100"))
        desk.broker.tell(desk.broker.report(desk.broker.of(order.cl_ord_id), ExecType.ORDER_STATUS, f.Source.STREAM))
        await desk.wait()
        assert desk.now(order).pending_replace

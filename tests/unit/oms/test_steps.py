"""The steps of order life are reached, each once and in its order; a failure at any of them loses and doubles nothing."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.values import OrdStatus, Quantity
from tests.support.fake_broker import buy
from tests.support.house import CALLER, opened
from tests.support.steps import Footprints

pytestmark = pytest.mark.asyncio

# S5 to S9 are the transport's, which the embedded venue of these tests has none of.
OURS = ["submit.S0", "submit.S1", "submit.S2", "submit.S3", "submit.S4", "submit.S10", "submit.S11", "submit.S12"]


async def test_a_submit_reaches_its_steps_in_order(tmp_path: Path) -> None:
    steps = Footprints()
    async with opened(tmp_path, steps=steps) as desk:
        await desk.place(buy(), key="k1", body_hash="h")
    assert steps.of("submit") == OURS


async def test_a_replayed_key_is_told_and_does_nothing_else(tmp_path: Path) -> None:
    steps = Footprints()
    async with opened(tmp_path, steps=steps) as desk:
        await desk.place(buy(), key="k1", body_hash="h")
        steps.reached.clear()
        await desk.place(buy(), key="k1", body_hash="h")
    assert steps.of("submit") == ["submit.S0", "submit.S12"]


async def test_an_event_reaches_its_steps_in_order(tmp_path: Path) -> None:
    steps = Footprints()
    async with opened(tmp_path, steps=steps) as desk:
        order = await desk.place(buy())
        await desk.wait()
        steps.reached.clear()
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "10")
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.FILLED)
    assert list(dict.fromkeys(steps.of("event"))) == ["event.E1", "event.E2", "event.E3", "event.E4", "event.E5"]


async def test_a_cancel_and_a_replace_reach_their_steps_in_order(tmp_path: Path) -> None:
    steps = Footprints()
    async with opened(tmp_path, steps=steps) as desk:
        order = await desk.place(buy())
        await desk.wait()
        await desk.gateway.modify(order.intent_id, OrderChanges(order_qty=Quantity(Decimal(7))), caller=CALLER)
        await desk.wait()
        other = await desk.place(buy("3"))
        await desk.gateway.cancel(other.intent_id, caller=CALLER)
    words = ["replace.accepted", "replace.decided", "replace.commit", "replace.committed", "replace.heard"]
    assert steps.of("replace") == [*words, "replace.folded", "replace.told"]
    assert steps.of("cancel") == [f"cancel.{w}" for w in ("accepted", "asked", "heard", "folded", "told")]


async def test_a_start_reaches_the_steps_of_reconciliation_in_order(tmp_path: Path) -> None:
    steps = Footprints()
    async with opened(tmp_path, steps=steps):
        pass
    words = ["interrupted", "settled", "begun", "open", "history", "fills", "fetched", "folded", "asked", "doubts"]
    assert steps.of("recon") == [f"recon.{w}" for w in (*words, "completed", "explained", "noted", "ready")]


async def test_the_kill_switch_reaches_its_steps_in_order(tmp_path: Path) -> None:
    steps = Footprints()
    async with opened(tmp_path, steps=steps) as desk:
        await desk.place(buy())
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait()
        await desk.until(lambda: not desk.gateway.kill_state().remaining)
        await desk.until(lambda: "kill.listed" in steps.reached)
        await desk.gateway.reset_kill(caller=CALLER, reason="done")
    words = ["asked", "memory", "permits", "journal", "round", "cancelled", "listed"]
    assert list(dict.fromkeys(steps.of("kill"))) == [
        *(f"kill.{w}" for w in words),
        *(f"kill.{w}" for w in ("reset", "reset_durable", "open", "permitted")),
    ]

"""The gate: check and reserve in one step, counted messages, and configuration that fails closed (I12, I13)."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, InsufficientFunds
from floorbroker.domain.ports import Profile
from floorbroker.domain.values import ClOrdId, Environment, IntentId, ProfileName
from floorbroker.risk.gate import RiskGate
from floorbroker.risk.limits import REQUIRED_IN_LIVE, limits_of
from floorbroker.risk.situation import Exposure
from floorbroker.risk.workload import Workload, part_of
from tests.unit.risk.test_controls import BUY, CALM

PROFILE = Profile(name=ProfileName("paper"), broker="PAPER", environment=Environment.PAPER)


def _gate() -> RiskGate:
    return RiskGate(PROFILE, ManualClock(datetime(2026, 3, 2, tzinfo=UTC)))


def test_an_approval_reserves_at_once_so_that_a_second_wish_sees_it() -> None:
    gate = _gate()
    approved = gate.approve(CALM, intent_id=IntentId("i1"), cl_ord_id=ClOrdId("c1"))
    assert approved.order is BUY
    work = Workload()
    for intent_id in gate.moved:
        work.put(intent_id, part_of(gate.pending[intent_id]))
    seen = Exposure(workload=work)
    assert seen.worst_case("AAPL", BUY.side) == Decimal(10)
    gate.settle(IntentId("i1"))
    assert not gate.pending


def test_a_refusal_reserves_nothing() -> None:
    gate = _gate()
    poor = replace(CALM, exposure=Exposure(reserved=Decimal(99_999)))
    with pytest.raises(InsufficientFunds):
        gate.approve(poor, intent_id=IntentId("i1"), cl_ord_id=ClOrdId("c1"))
    assert not gate.pending
    assert gate.message_counts() == (0, 0)


@pytest.mark.asyncio
async def test_message_counts_forget_after_a_second_and_a_minute() -> None:
    clock = ManualClock(datetime(2026, 3, 2, tzinfo=UTC))
    gate = RiskGate(PROFILE, clock)
    gate.count_message()
    await clock.advance(0.5)
    gate.count_message()
    assert gate.message_counts() == (2, 2)
    await clock.advance(0.6)
    assert gate.message_counts() == (1, 2)
    await clock.advance(59.5)
    assert gate.message_counts() == (0, 0)


def test_live_without_its_own_limits_is_refused_by_name() -> None:
    with pytest.raises(ConfigInvalid, match="max_order_qty"):
        limits_of({}, Environment.LIVE)


def test_live_with_every_required_limit_is_accepted() -> None:
    own: dict[str, object] = dict.fromkeys(REQUIRED_IN_LIVE, 10)
    assert limits_of(own, Environment.LIVE).max_order_qty == Decimal(10)


@pytest.mark.parametrize(
    ("config", "named"),
    [
        ({"max_ordr_qty": 5}, "max_ordr_qty"),
        ({"max_order_qty": -1}, "max_order_qty"),
        ({"max_order_qty": 1.5}, "max_order_qty"),
        ({"max_order_qty": "NaN"}, "max_order_qty"),
        ({"allow_sides": ["bye"]}, "allow_sides"),
        ({"buying_power_buffer_pct": 100}, "buying_power_buffer_pct"),
    ],
)
def test_unknown_keys_and_impossible_values_are_refused_by_name(config: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigInvalid, match=named):
        limits_of(config, Environment.PAPER)

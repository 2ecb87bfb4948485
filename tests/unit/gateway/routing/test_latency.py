"""What a submit is expected to take: measured, faded, and back to what is configured."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.gateway.routing.latency import HALF_LIFE_S, LatencyBook
from floorbroker.gateway.routing.policy import Policy, Rule, Strategy, VenueTerms
from tests.support.fake_broker import buy
from tests.support.fleet import CALLER, A, B, C, Fleet, opened
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio
CONFIGURED = Decimal(100)


async def test_the_figure_is_the_published_formula() -> None:
    clock = ManualClock(NOON)
    book = LatencyBook(clock)
    assert book.expected(A, CONFIGURED).latency_ms == CONFIGURED
    book.heard(A, 0.4)
    book.heard(A, 0.6)
    told = book.expected(A, CONFIGURED)
    assert (told.latency_ms, told.samples) == (Decimal("300.0"), Decimal("2.0"))  # (400 + 600 + 2 x 100) / 4
    await clock.advance(HALF_LIFE_S)
    faded = book.expected(A, CONFIGURED)
    assert (faded.latency_ms, faded.samples) == (Decimal("233.3"), Decimal("1.0"))  # (500 + 200) / 3
    await clock.advance(HALF_LIFE_S * 40)
    assert book.expected(A, CONFIGURED).latency_ms == CONFIGURED
    assert book.expected(B, CONFIGURED).samples == 0


async def test_a_venue_that_answers_slowly_is_passed_over_and_the_record_says_why(tmp_path: Path) -> None:
    rules = (Rule(name="best", uses=Strategy.BEST_EXECUTION, profiles=(A, B)),)
    policy = Policy(rules=rules, terms={A: VenueTerms(latency_ms=Decimal(50))}, latency_bps_s=Decimal(10))
    async with opened(tmp_path, policy) as fleet:
        for broker in fleet.brokers.values():
            broker.shown = Decimal(100)
        first = await fleet.place(buy(price="101"))
        await _slow_submit(fleet, seconds=2.0)
        second = await fleet.place(buy(price="101"))
        seen = {one.profile: one.arithmetic for one in fleet.route(second).seen}
        standing = {shown.profile: shown.latency for shown in fleet.gateway.routing().profiles}
    assert (first.profile, second.profile) == (A, B)
    assert Decimal(seen[A]["latency_ms"]) > 500
    assert seen[B]["latency_ms"] == "100"
    assert Decimal(seen[A]["latency_bps"]) == (Decimal(seen[A]["latency_ms"]) / 100).quantize(Decimal("0.001"))
    assert standing[A].samples > 1
    assert standing[C].samples == 0


async def test_what_never_left_says_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, Policy()) as fleet:
        fleet.brokers[A].next_submit.append("not_sent")
        await fleet.gateway.submit(buy(), profile=A, caller=CALLER)
        assert fleet.router.looks.latencies.expected(A, CONFIGURED).samples == 0
        fleet.brokers[A].next_submit.append("drop")
        await fleet.gateway.submit(buy(), profile=A, caller=CALLER)
        assert fleet.router.looks.latencies.expected(A, CONFIGURED).samples == 1


async def _slow_submit(fleet: Fleet, *, seconds: float) -> None:
    gate = fleet.brokers[A].gates["submit"] = asyncio.Event()
    placing = asyncio.ensure_future(fleet.gateway.submit(buy(), profile=A, caller=CALLER))
    await fleet.clock.advance(seconds)
    gate.set()
    await placing
    del fleet.brokers[A].gates["submit"]

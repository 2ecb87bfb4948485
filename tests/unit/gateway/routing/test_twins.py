"""The same wish twice at one moment: whatever changes in between, one of the two leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import RiskLimitExceeded
from floorbroker.domain.ports import AuditEntry, NoteEntry
from floorbroker.gateway.routing.policy import Moving, Policy, Rule, Strategy
from floorbroker.risk.limits import RiskLimits
from tests.support.fake_broker import buy
from tests.support.fleet import A, B, C, Fleet, opened, ruled

pytestmark = pytest.mark.asyncio
SPLIT = Policy(rules=(Rule(name="best", uses=Strategy.BEST_EXECUTION, split_most=3),))
WATCHFUL = {name: RiskLimits(duplicate_window_s=Decimal(600)) for name in (A, B, C)}


@pytest.mark.parametrize("uses", [*Strategy])
async def test_of_two_that_were_ranked_differently_one_leaves(tmp_path: Path, uses: Strategy) -> None:
    """The first waits for a venue's rules while that profile drops out, and the second goes elsewhere."""
    wish = replace(buy(), allow_duplicate=False)
    async with opened(tmp_path, ruled(uses, moving=Moving()), limits=WATCHFUL) as fleet:
        slow = fleet.brokers[A].gates["get_instrument"] = asyncio.Event()
        first = asyncio.ensure_future(fleet.place(wish))
        await fleet.clock.advance(0.1)
        fleet.brokers[A].stream(False)
        second = await fleet.place(wish)
        fleet.brokers[A].stream(True)
        await fleet.until(fleet.ready)
        assert not first.done()
        slow.set()
        with pytest.raises(RiskLimitExceeded, match=r"^the same order was placed \d\.\d s ago at beta; set"):
            await first
        assert (second.profile, fleet.sent(), _refusals(fleet)) == (B, [B], 1)


async def test_of_two_split_orders_at_one_moment_one_leaves(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT, limits=WATCHFUL) as fleet:
        _show(fleet)
        wish = replace(buy("10", "101"), allow_duplicate=False)
        found = await asyncio.gather(*(fleet.place(wish) for _ in range(2)), return_exceptions=True)
        assert [type(one) for one in found if isinstance(one, Exception)] == [RiskLimitExceeded]
        assert (sorted(fleet.sent()), _refusals(fleet)) == ([A, B], 1)


async def test_while_a_split_order_is_made_durable_the_same_one_does_not_go_whole(tmp_path: Path) -> None:
    async with opened(tmp_path, SPLIT, limits=WATCHFUL) as fleet:
        _show(fleet)
        hold = asyncio.Event()
        fleet.journal.hold_when = lambda entries: hold if any(_plans(entry) for entry in entries) else None
        wish = replace(buy("10", "101"), allow_duplicate=False)
        first = asyncio.ensure_future(fleet.place(wish))
        await fleet.clock.advance(0.1)
        fleet.brokers[A].shown = Decimal(100)
        await fleet.clock.advance(6.0)  # what was shown is too old by now, and asked for anew
        second = asyncio.ensure_future(fleet.place(wish))
        await fleet.clock.advance(0.1)
        hold.set()
        await first
        with pytest.raises(RiskLimitExceeded, match=r"^the same order was placed 6\.\d s ago at alpha"):
            await second
        assert sorted(fleet.sent()) == [A, B]


def _show(fleet: Fleet) -> None:
    for name, size in ((A, "6"), (B, "4"), (C, "3")):
        fleet.brokers[name].shown = Decimal(size)


def _plans(entry: object) -> bool:
    return isinstance(entry, NoteEntry) and entry.data.get("what") == "planned"


def _refusals(fleet: Fleet) -> int:
    rows = [record.entry for record in fleet.gateway.audit(limit=1000)]
    return sum(1 for row in rows if isinstance(row, AuditEntry) and row.outcome == "refused")

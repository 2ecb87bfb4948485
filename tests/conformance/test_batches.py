"""Several orders in one request: each is there, once, and has its own answer."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.domain.capability import Can
from floorbroker.domain.errors import FloorbrokerError
from tests.conformance.bench import open_bench
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED

BATCHES = {name: kind for name, kind in SIMULATED.items() if Can.BATCH in kind.info.can}


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", BATCHES.values(), ids=BATCHES)
async def test_each_of_several_orders_is_placed_once_and_a_share_nobody_knows_is_not(
    kind: Simulated, tmp_path: Path
) -> None:
    async with open_bench(kind, tmp_path) as bench:
        wishes = [bench.approved() for _ in range(3)]
        strange = bench.approved()
        strange = replace(strange, order=replace(strange.order, symbol=kind.goods.unknown))
        *told, unknown = await bench.broker.submit_orders([*wishes, strange])
        assert isinstance(unknown, FloorbrokerError)
        assert [reports[0].cl_ord_id for reports in told if isinstance(reports, tuple)] == [w.cl_ord_id for w in wishes]
        assert sorted(row["client"] for row in bench.simulator.orders()) == sorted(wish.cl_ord_id for wish in wishes)

"""Every simulated venue's session: what its failures come to, and how it comes back."""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec
import pytest

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import FloorbrokerError, NotReady
from floorbroker.domain.values import OrdStatus
from floorbroker_sim.faults import read_faults
from tests.conformance.desk import Desk, open_desk
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("kind", SIMULATED.values(), ids=SIMULATED)
async def test_a_venue_that_answers_503_three_times_in_a_row_gets_no_new_orders_until_it_is_well(
    tmp_path: Path, kind: Simulated
) -> None:
    async with kind.open() as venue:
        await venue.set_price(kind.goods.symbol, "199.90", "200.10")
        async with open_desk(venue, tmp_path) as desk:
            resting = await desk.place_resting()
            (session,) = desk.gateway.sessions.values()
            name = session.ctx.profile.name
            assert desk.gateway.health.score(name) > 90

            fault = {
                "where": "request",
                "what": "status",
                "args": {"status": 503},
                "match": {"method": "GET", "path": "*"},
            }
            plan = getattr(venue, "simulator").plan  # noqa: B009 - of the simulated venues alone
            plan.replace(read_faults(msgspec.json.encode({"faults": [fault]})))
            with pytest.raises(FloorbrokerError):
                await desk.gateway.quote(kind.goods.symbol)  # a read is repeated: more than three failures
            assert desk.gateway.health.failures_in_a_row(name) >= 3
            assert session.rests
            with pytest.raises(NotReady, match="resting after 3 API failures in a row"):
                await desk.place_resting()

            plan.replace(read_faults(b'{"faults":[]}'))
            assert (await desk.cancel(resting)).ord_status in (OrdStatus.CANCELED, OrdStatus.PENDING_CANCEL)
            await _ready(desk)
            assert not session.rests
            await desk.place_resting()


async def _ready(desk: Desk) -> None:
    async with asyncio.timeout(60):
        while any(status.state.value != "ready" for status in desk.gateway.profiles()):
            await SystemClock().sleep(0.1)

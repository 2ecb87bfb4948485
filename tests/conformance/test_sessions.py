"""Every simulated venue's session: what its failures come to, and how it comes back."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.domain.errors import FloorbrokerError, NotReady
from floorbroker.domain.values import OrdStatus
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import CALLER, VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

UNWELL = {"where": "request", "what": "status", "args": {"status": 503}, "match": {"method": "GET", "path": "*"}}

SILENT = {"where": "request", "what": "drop", "args": {"seconds": 600}, "match": {"path": "*"}}


@pytest.mark.parametrize("kind", SIMULATED.values(), ids=SIMULATED)
def test_a_venue_that_answers_nothing_is_a_venue_that_fails(tmp_path: Path, kind: Simulated) -> None:
    """It rests, or its order stream fell first."""

    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            (session,) = desk.gateway.sessions.values()
            name = session.ctx.profile.name
            await _plan(venue, SILENT)
            with pytest.raises(FloorbrokerError):
                await desk.gateway.quote(kind.goods.symbol)
            await desk.until(lambda: desk.gateway.health.failures_in_a_row(name) >= 3, within_s=120)
            assert desk.gateway.health.score(name) < 80
            with pytest.raises(NotReady):
                await desk.place()
            await _plan(venue)
            await desk.until(lambda: _is_ready(desk), within_s=120)
            await desk.place()

    played(work)


@pytest.mark.parametrize("kind", SIMULATED.values(), ids=SIMULATED)
def test_a_venue_that_answers_503_three_times_in_a_row_gets_no_new_orders_until_it_is_well(
    tmp_path: Path, kind: Simulated
) -> None:
    """On virtual time: the pauses between the tries are the desk's own, and nobody waits for them."""

    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(kind, loop)
        async with simulated_desk(kind, loop, tmp_path, venue=venue) as desk:
            resting = await desk.place()
            await desk.until(lambda: desk.now(resting).ord_status is OrdStatus.NEW, within_s=30)
            (session,) = desk.gateway.sessions.values()
            name = session.ctx.profile.name
            assert desk.gateway.health.score(name) > 90

            await _plan(venue, UNWELL)
            with pytest.raises(FloorbrokerError):
                await desk.gateway.quote(kind.goods.symbol)  # a read is repeated: more than three failures
            assert desk.gateway.health.failures_in_a_row(name) >= 3
            assert session.rests
            with pytest.raises(NotReady, match="resting after 3 API failures in a row"):
                await desk.place()

            await _plan(venue)
            canceled = await desk.gateway.cancel(resting.intent_id, caller=CALLER, reason="test")
            assert canceled.ord_status in (OrdStatus.CANCELED, OrdStatus.PENDING_CANCEL)
            await desk.until(lambda: _is_ready(desk), within_s=120)
            assert not session.rests
            await desk.place()

    played(work)


async def _plan(venue: Any, *faults: dict[str, Any]) -> None:
    """The faults the venue is to have from now on."""
    assert (await ask(venue.control_app, "POST", "/faults", msgspec.json.encode({"faults": faults}))).status < 300


def _is_ready(desk: VirtualDesk) -> bool:
    return all(status.state.value == "ready" for status in desk.gateway.profiles())

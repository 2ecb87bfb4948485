"""A desk over the simulated gateway on virtual time, at the pace that the venue holds it to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import msgspec
import pytest

from floorbroker.domain.values import OrdStatus
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

KIND = SIMULATED["IBKR_WEB"]
TEN_A_SECOND = 600
INFO = "/v1/api/iserver/secdef/info"


def play(root: Path, work: Callable[[VirtualDesk, Any], Coroutine[Any, Any, None]]) -> None:
    """Run work over a desk that keeps the venue's pace, and a venue that counts."""

    async def run(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop, rate=TEN_A_SECOND)
        async with simulated_desk(KIND, loop, root, venue=venue, options={"list_every_s": "5.5"}) as desk:
            await work(desk, venue)

    played(run)


async def told_whole(venue: Any, *, whole: bool) -> None:
    """Whether the venue answers for a month, by its control door."""
    body = msgspec.json.encode({"whole": whole})
    assert (await ask(venue.control_app, "POST", "/chains", body)).status == 204


@pytest.mark.parametrize(("whole", "questions"), [(True, 2), (False, 24)])
def test_chains_that_are_asked_for_together_keep_the_pace_and_are_whole(
    tmp_path: Path, whole: bool, questions: int
) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        await told_whole(venue, whole=whole)
        found = await asyncio.gather(desk.gateway.option_chain("AAPL"), desk.gateway.option_chain("MSFT"))
        assert [(chain.underlying, chain.left_out, len(chain.contracts)) for chain in found] == [
            ("AAPL", 0, 22),
            ("MSFT", 0, 22),
        ]
        assert sum(one.path == INFO for one in venue.app.seen) == 2 * questions
        assert {one.status for one in venue.app.seen} == {200, 101}  # nobody was put into the penalty box

    play(tmp_path, work)


def test_an_order_goes_between_the_questions_of_a_chain(tmp_path: Path) -> None:
    async def work(desk: VirtualDesk, venue: Any) -> None:
        await told_whole(venue, whole=False)
        asking = asyncio.ensure_future(desk.gateway.option_chain("MSFT"))
        await desk.until(lambda: any(one.path == INFO for one in venue.app.seen), within_s=30)
        order = await desk.place()
        assert order.ord_status in (OrdStatus.NEW, OrdStatus.PENDING_NEW)
        sent = next(one.n for one in venue.app.seen if one.method == "POST" and one.path.endswith("/orders"))
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.NEW, within_s=30)
        assert (await asking).left_out == 0
        assert sum(one.path == INFO and one.n > sent for one in venue.app.seen) > 10
        assert 429 not in {one.status for one in venue.app.seen}

    play(tmp_path, work)

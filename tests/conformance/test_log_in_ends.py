"""A venue whose token dies between two requests: nothing is lost, nothing doubled, and a new log-in mends it (I3, I9)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from floorbroker.domain.secret import LeasedSecret, Secret
from floorbroker.domain.values import OrdStatus
from floorbroker.gateway.desk import SessionState
from tests.conformance.simulated import Simulated
from tests.conformance.venues import SIMULATED
from tests.conformance.virtual import VirtualDesk, played, simulated_desk, simulator
from tests.simulation.asgi import ask
from tests.simulation.loop import SimulatedLoop

HELD: dict[str, str] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lent(Simulated):
    """A profile whose token is lent anew for each request, as a vault does."""

    def parted(self, credentials: dict[str, str]) -> tuple[dict[str, str], dict[str, Secret]]:
        plain, secrets = Simulated.parted(self, credentials)
        HELD["token"] = secrets["BROKER_PASSWORD"].reveal()
        return plain, secrets | {"BROKER_PASSWORD": LeasedSecret(lambda: Secret(HELD["token"]))}


BASE = SIMULATED["UPSTOX"]
KIND = Lent(word=BASE.word, code=BASE.code, goods=BASE.goods)


async def tell(venue: Any, path: str, body: object) -> Any:
    reply = await ask(venue.control_app, "POST", path, msgspec.json.encode(body))
    assert reply.status < 300, reply
    return msgspec.json.decode(reply.body or b"null")


def standing(desk: VirtualDesk) -> SessionState:
    (status,) = desk.gateway.profiles()
    return status.state


def test_a_token_that_dies_refuses_orders_loses_none_and_a_new_one_mends_it(tmp_path: Path) -> None:
    async def work(loop: SimulatedLoop) -> None:
        venue = simulator(KIND, loop)
        async with simulated_desk(KIND, loop, tmp_path, venue=venue) as desk:
            resting = await desk.place()
            await desk.until(lambda: desk.now(resting).ord_status is OrdStatus.NEW, within_s=10)
            fresh = await tell(venue, "/tokens", {"kind": "full"})
            HELD["token"] = "over"  # the night has passed
            refused = await desk.place(allow_duplicate=True)
            assert (refused.ord_status, desk.now(refused).is_open) == (OrdStatus.REJECTED, False)
            await desk.until(lambda: standing(desk) is not SessionState.READY, within_s=120)
            await loop.nap(60)
            assert desk.now(resting).ord_status is OrdStatus.NEW  # nobody told otherwise
            venue.force_fill(resting.cl_ord_id, Decimal(4), Decimal(50))

            HELD["token"] = fresh["token"]
            await desk.until(lambda: standing(desk) is SessionState.READY, within_s=300)
            await desk.until(lambda: desk.now(resting).cum_qty == 4, within_s=60)
            last = await desk.place(allow_duplicate=True)
            await desk.until(lambda: desk.now(last).ord_status is OrdStatus.NEW, within_s=10)
            assert sorted(row["client"] for row in venue.orders()) == sorted([resting.cl_ord_id, last.cl_ord_id])

    played(work)

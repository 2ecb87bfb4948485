"""A key whose order went to a profile that the desk has no more places no second one (I20)."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.binding import bind
from floorbroker.domain.errors import Conflict
from floorbroker.gateway.routing.policy import Policy
from tests.support.fake_broker import buy
from tests.support.fleet import CALLER, A, B, Fleet, make, opened

pytestmark = pytest.mark.asyncio
PLAIN = Policy()


async def _bound(fleet: Fleet) -> None:
    await bind(fleet.journal, [session.ctx.profile for session in fleet.gateway.sessions.values()], fleet.log)


async def test_a_key_of_the_only_profile_is_known_when_another_has_its_place_after_a_start(tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN, names=(A,)) as fleet:
        await _bound(fleet)
        await fleet.place(buy(), key="k")
    again = make(tmp_path, PLAIN, names=(B,), clock=fleet.clock)
    await _bound(again)
    await again.gateway.start()
    try:
        await again.until(again.ready)
        with pytest.raises(Conflict, match="on a profile that this desk does not have now"):
            await again.place(buy(), key="k")
        await again.place(buy(), key="another")
    finally:
        await again.stop()
    assert again.sent() == [B]


async def test_a_key_of_a_profile_that_left_is_known_to_those_that_stay(tmp_path: Path) -> None:
    async with opened(tmp_path, PLAIN, names=(A, B)) as fleet:
        await fleet.gateway.submit(buy(), profile=A, caller=CALLER, key="k")
        await fleet.gateway.dismiss(A, caller=CALLER, reason="test")
        with pytest.raises(Conflict, match="on a profile that this desk does not have now"):
            await fleet.place(buy(), key="k")
        assert fleet.sent() == [A]

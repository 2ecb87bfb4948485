"""Replies tell the time over there, those of caches aside."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.transport.layers.timed import Timed
from floorbroker.transport.offset import ClockOffset
from floorbroker.transport.types import Response
from tests.unit.transport.fakes import Scripted, read

pytestmark = pytest.mark.asyncio
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


async def _learned(headers: dict[str, str]) -> float | None:
    clock = ManualClock(NOON)
    offset = ClockOffset(clock)
    timed = Timed(Scripted([Response(status=503, headers=headers)]), offset=offset, clock=clock)
    assert (await timed.send(read())).status == 503
    return offset.seconds


async def test_every_reply_tells_the_time() -> None:
    assert await _learned({"date": "Mon, 02 Mar 2026 12:00:10 GMT"}) == pytest.approx(10.5)


async def test_a_reply_out_of_a_cache_tells_of_another_moment() -> None:
    assert await _learned({"date": "Mon, 02 Mar 2026 11:00:00 GMT", "age": "3600"}) is None


async def test_a_reply_without_a_date_tells_nothing() -> None:
    assert await _learned({}) is None

"""What is remembered of signals."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.hooks import rows as module
from floorbroker.hooks.records import Signal
from tests.support.real_floor import real_floor

pytestmark = pytest.mark.asyncio
NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def signal(hook_id: str, number: int, at: datetime) -> Signal:
    return Signal(id=f"s{number}", hook_id=hook_id, at=at, dedupe=f"body:{number}", key=f"k{number}")


async def test_a_signal_is_remembered_for_a_day_however_many_follow_and_old_ones_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "KEPT", 3)
    async with real_floor(tmp_path) as house:
        body = {"name": "busy", "direction": "in", "profile": "paper"}
        hook_id = (await house.http.post("/api/v1/paper/webhooks", json=body)).json()["id"]
        rows = house.hooks.rows
        for number in range(10):
            assert (await rows.begin_signal(signal(hook_id, number, NOON + timedelta(seconds=number))))[1]
        again = replace(signal(hook_id, 0, NOON + timedelta(hours=23)), id="again")
        found, is_new = await rows.begin_signal(again, like="body:0", since=NOON)
        assert (found.id, is_new) == ("s0", False)
        await rows.begin_signal(signal(hook_id, 99, NOON + timedelta(days=3)))
        assert [kept.id for kept in await rows.signals(hook_id)] == ["s99", "s9", "s8", "s7"]

"""A change of limits is a row of the audit, at the start that brings it into force."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.limits_in_force import changed
from floorbroker.domain.ports import AuditEntry
from tests.support.real_floor import real_floor

pytestmark = pytest.mark.asyncio


async def rows(folder: Path, *, notional: str = '"50000"') -> list[AuditEntry]:
    async with real_floor(folder, RISK__MAX_ORDER_NOTIONAL=notional) as house:
        entries = [record.entry for record in house.desk.audit(limit=1000)]
    return [entry for entry in entries if isinstance(entry, AuditEntry) and entry.action == "limits.set"]


async def test_a_start_records_its_limits_once_and_again_when_they_are_others(tmp_path: Path) -> None:
    (first,) = await rows(tmp_path)
    assert (first.reason, first.object, first.via) == ("first start", "paper", "configuration")
    assert "max_order_notional" in first.detail
    assert len(await rows(tmp_path)) == 1
    _, second = await rows(tmp_path, notional='"77"')
    assert list(second.detail) == ["max_order_notional"]
    assert second.detail["max_order_notional"].endswith('-> "77"')


async def test_a_limit_that_came_or_went_is_a_change() -> None:
    assert changed({"a": "1", "b": "2"}, {"b": "3", "c": "4"}) == {
        "a": "1 -> unset", "b": "2 -> 3", "c": "unset -> 4",
    }  # fmt: skip
    assert changed({"a": "1"}, {"a": "1"}) == {}

"""Ages by a clock that nobody moves."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.domain.clock import ManualClock
from floorbroker.oms.stood import Stood

AT = datetime(2026, 3, 2, 15, tzinfo=UTC)


def test_each_new_total_has_a_grace_of_its_own() -> None:
    clock = ManualClock(AT)
    stood = Stood(clock.monotonic)
    assert stood.for_s("v1", Decimal(4)) == 0
    clock.set(AT + timedelta(seconds=8))
    assert stood.for_s("v1", Decimal(4)) == 8
    assert stood.for_s("v1", Decimal(6)) == 0
    clock.set(AT + timedelta(seconds=12))
    assert stood.for_s("v1", Decimal(6)) == 4


def test_what_is_not_kept_begins_anew() -> None:
    clock = ManualClock(AT)
    stood = Stood(clock.monotonic)
    for name in ("v1", "v2"):
        stood.for_s(name, 1)
    clock.set(AT + timedelta(seconds=3))
    stood.keep(["v2", "v3"])
    assert (stood.for_s("v1", 1), stood.for_s("v2", 1)) == (0, 3)

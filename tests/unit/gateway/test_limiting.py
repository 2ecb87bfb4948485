"""Limits that change while a desk runs: lowering at once, raises by a person, versions, and what a start brings back (I13)."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.errors import Conflict, InvalidRequest, JournalFault, NotFound, RiskLimitExceeded
from floorbroker.domain.ports import AuditEntry, NoteEntry
from floorbroker.domain.values import Side
from floorbroker.gateway.desk import DeskEvent
from floorbroker.gateway.limiting import DESK, Wanted
from floorbroker.risk.changes import TOPIC, changed, loosens
from floorbroker.risk.limits import RiskLimits, SharedLimits
from tests.support.fake_broker import buy
from tests.support.house import CALLER, PROFILE, Desk, opened

OWN = f"profile:{PROFILE}"


def _wanted(name: str, value: object, *, scope: str = OWN, **more: Any) -> Wanted:
    return Wanted(scope=scope, name=name, value=value, **more)


async def _set(desk: Desk, name: str, value: object, **more: Any) -> None:
    await desk.gateway.guard.set_limit(_wanted(name, value, **more), caller=CALLER)


@pytest.mark.parametrize(
    ("name", "old", "new", "is_looser"),
    [
        ("max_order_qty", Decimal(5), Decimal(6), True),
        ("max_order_qty", Decimal(6), Decimal(5), False),
        ("max_order_qty", Decimal(5), None, True),
        ("max_order_qty", None, Decimal(5), False),
        ("duplicate_window_s", Decimal(2), Decimal(1), True),
        ("buying_power_buffer_pct", Decimal(2), Decimal(3), False),
        ("self_match", "refuse", "off", True),
        ("self_match", "off", "cancel_resting", False),
        ("trade_hours", "core", "any", True),
        ("allow_symbols", frozenset({"A"}), frozenset({"A", "B"}), True),
        ("allow_symbols", frozenset({"A", "B"}), frozenset({"A"}), False),
        ("allow_symbols", None, frozenset({"A"}), False),
        ("deny_symbols", frozenset({"A"}), frozenset[str](), True),
        ("deny_symbols", frozenset({"A"}), frozenset({"A", "B"}), False),
        ("blackouts", ("mon 10:00-11:00",), (), True),
        ("allow_short", False, True, True),
        ("allow_short", True, False, False),
        ("collar_window_s", 60, 30, True),
    ],
)
def test_what_lets_more_through_is_a_raise(name: str, old: object, new: object, *, is_looser: bool) -> None:
    assert loosens(name, old, new) is is_looser


@pytest.mark.parametrize(
    ("name", "raw", "value"),
    [
        ("max_order_qty", "5.5", Decimal("5.5")),
        ("max_order_qty", "off", None),
        ("max_open_orders", "7", 7),
        ("allow_short", "false", False),
        ("allow_symbols", "AAPL, MSFT", frozenset({"AAPL", "MSFT"})),
        ("allow_sides", ["buy"], frozenset({Side.BUY})),
        ("blackouts", "mon 10:00-11:00", ("mon 10:00-11:00",)),
        ("self_match", "off", "off"),
    ],
)
def test_a_value_from_outside_is_read_as_what_the_limit_is(name: str, raw: object, value: object) -> None:
    assert getattr(changed(RiskLimits(), name, raw), name) == value


def test_a_change_leaves_the_rest_what_it_was_stated_or_a_default() -> None:
    stated = changed(RiskLimits(max_open_orders=3), "max_order_qty", "5").model_fields_set
    assert stated == {"max_open_orders", "max_order_qty"}


@pytest.mark.parametrize(
    ("name", "raw", "pointer"),
    [
        ("max_ordr_qty", "5", "/name"),
        ("max_order_qty", "-5", "/value"),
        ("max_order_qty", 1.5, "/value"),
        ("max_order_qty", "NaN", "/value"),
        ("max_order_qty", "1e400", "/value"),
        ("max_order_qty", "9" * 5_000, "/value"),
        ("max_open_orders", "9" * 5_000, "/value"),
        ("max_open_orders", True, "/value"),
        ("max_open_orders", "1.5", "/value"),
        ("allow_sides", "bye", "/value"),
        ("intent_age_max_s", "9", "/name"),
    ],
)
def test_a_wrong_change_names_what_is_wrong(name: str, raw: object, pointer: str) -> None:
    with pytest.raises(InvalidRequest) as error:
        changed(RiskLimits(), name, raw)
    assert error.value.fields[0].pointer == pointer


def test_a_number_that_is_not_exact_is_told_how_to_be_written() -> None:
    with pytest.raises(
        InvalidRequest, match="max_order_qty: a decimal is written as text or a whole number, not float"
    ):
        changed(RiskLimits(), "max_order_qty", 1.5)


@pytest.mark.asyncio
async def test_lowering_holds_at_once_and_is_audited(tmp_path: Path) -> None:
    heard: list[DeskEvent] = []
    async with opened(tmp_path) as desk:
        publish = desk.gateway.bus.publish
        desk.gateway.bus.publish = lambda event: (heard.append(event), publish(event))[1]
        await _set(desk, "max_order_qty", "5")
        with pytest.raises(RiskLimitExceeded, match="max_order_qty"):
            await desk.place(buy("6"))
        await desk.place(buy("5"))
        rows = [entry for entries in desk.journal.commits for entry in entries if isinstance(entry, AuditEntry)]
        (row,) = [row for row in rows if row.action == "limits.set"]
        assert row.detail["max_order_qty"] == '"1000000" -> "5"'
        assert [event.data["event"] for event in heard if event.channel == "risk"] == ["limit_changed"]


@pytest.mark.asyncio
async def test_a_raise_wants_a_reason_and_the_limits_name(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_order_qty=Decimal(5))) as desk:
        with pytest.raises(InvalidRequest) as error:
            await _set(desk, "max_order_qty", "6")
        assert error.value.fields[0].pointer == "/reason"
        with pytest.raises(InvalidRequest) as error:
            await _set(desk, "max_order_qty", "6", reason="a fund came in")
        assert error.value.fields[0].pointer == "/confirm"
        assert desk.ctx.limits.max_order_qty == Decimal(5)
        await _set(desk, "max_order_qty", "6", reason="a fund came in", confirm="max_order_qty")
        await desk.place(buy("6"))


@pytest.mark.asyncio
async def test_a_raise_that_is_not_durable_does_not_hold_and_a_lowering_does(tmp_path: Path) -> None:
    async with opened(tmp_path, limits=RiskLimits(max_order_qty=Decimal(5))) as desk:
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await _set(desk, "max_order_qty", "6", reason="a fund came in", confirm="max_order_qty")
        assert desk.ctx.limits.max_order_qty == Decimal(5)
        with pytest.raises(JournalFault):
            await _set(desk, "max_order_qty", "4")
        assert desk.ctx.limits.max_order_qty == Decimal(4)


@pytest.mark.asyncio
async def test_a_change_of_another_version_is_refused(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await _set(desk, "max_order_qty", "5", version=0)
        with pytest.raises(Conflict, match="version 1"):
            await _set(desk, "max_order_qty", "4", version=0)
        with pytest.raises(NotFound):
            await _set(desk, "max_order_qty", "4", scope="profile:nobody")
        with pytest.raises(InvalidRequest, match="scope"):
            await _set(desk, "max_order_qty", "4", scope="planet:earth")


@pytest.mark.asyncio
async def test_changes_come_back_at_a_start_over_the_files_limits(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await _set(desk, "max_order_qty", "5")
        await _set(desk, "max_open_orders", 2, scope="strategy:m")
    async with opened(tmp_path, live_enabled=True) as desk:
        guard = desk.gateway.guard
        assert (desk.ctx.limits.max_order_qty, guard.limits.version) == (Decimal(5), 2)
        assert guard.risk.watches["strategy", "m"].limits == SharedLimits(max_open_orders=2)
        await _set(desk, "max_open_orders", None, scope="strategy:m", reason="over", confirm="max_open_orders")
        assert guard.risk.watches == {}


@pytest.mark.asyncio
async def test_a_change_that_cannot_be_read_blocks_orders_i13(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        words = {
            "version": "7",
            "scope": OWN,
            "name": "max_flux",
            "old": "null",
            "new": '"5"',
            "by": "x",
            "reason": "y",
        }
        await desk.journal.commit([NoteEntry(profile=DESK, topic=TOPIC, data=words)])
    async with opened(tmp_path, live_enabled=True) as desk:
        assert "max_flux" in desk.gateway.guard.limits.unreadable


@pytest.mark.asyncio
async def test_the_block_ends_when_the_limit_is_set_anew_also_after_a_start_i13(tmp_path: Path) -> None:
    words = {
        "version": "7",
        "scope": OWN,
        "name": "max_order_qty",
        "old": "null",
        "new": '"-5"',
        "by": "x",
        "reason": "y",
    }
    async with opened(tmp_path) as desk:
        await desk.journal.commit([NoteEntry(profile=DESK, topic=TOPIC, data=words)])
    async with opened(tmp_path, live_enabled=True) as desk:
        assert "max_order_qty" in desk.gateway.guard.limits.unreadable
        await _set(desk, "max_orders_day", "9")
        assert "max_order_qty" in desk.gateway.guard.limits.unreadable
        await _set(desk, "max_order_qty", "5")
        assert desk.gateway.guard.limits.unreadable == ""
    async with opened(tmp_path, live_enabled=True) as desk:
        limits = desk.gateway.guard.limits
        assert (limits.unreadable, limits.version, desk.ctx.limits.max_order_qty) == ("", 9, Decimal(5))


@pytest.mark.asyncio
async def test_a_limit_that_this_build_does_not_have_is_dropped_by_a_person_for_good(tmp_path: Path) -> None:
    """Until then it blocks: what it limited is limited no more (I13)."""
    async with opened(tmp_path, live_enabled=True) as desk:
        words = {"version": "7", "scope": OWN, "name": "max_flux", "old": "null", "new": "5", "by": "x", "reason": "y"}
        await desk.journal.commit([NoteEntry(profile=DESK, topic=TOPIC, data=words)])
    async with opened(tmp_path, live_enabled=True) as desk:
        limits = desk.gateway.guard.limits
        for more, pointer in (({}, "/reason"), ({"reason": "gone"}, "/confirm")):
            with pytest.raises(InvalidRequest) as refused:
                await _set(desk, "max_flux", "off", **more)
            assert refused.value.fields[0].pointer == pointer
        with pytest.raises(InvalidRequest, match="no limit 'max_flux' here"):
            await _set(desk, "max_flux", "6", reason="gone", confirm="max_flux")
        assert "max_flux" in limits.unreadable
        await _set(desk, "max_flux", "off", reason="gone", confirm="max_flux")
        assert (limits.unreadable, limits.version) == ("", 8)
    async with opened(tmp_path, live_enabled=True) as desk:
        assert (desk.gateway.guard.limits.unreadable, desk.gateway.guard.limits.version) == ("", 8)
        with pytest.raises(InvalidRequest, match="no limit 'max_flux' here"):
            await _set(desk, "max_flux", "off", reason="gone", confirm="max_flux")

"""A profile's calendar gates new orders to the second, lets cancels pass, and logs in anew after every session ended."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from floorbroker.app.listening import timetable_of
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, NotReady
from floorbroker.domain.ports import Profile
from floorbroker.domain.timetable import NO_TIMETABLE, Timetable, Window, read_windows
from floorbroker.domain.values import Environment, OrdStatus
from floorbroker.gateway.maintenance import Calendar
from tests.support.fake_broker import buy
from tests.support.house import CALLER, NOON, PROFILE, opened

SOON = Timetable(maintenance=read_windows("DAILY 15:10-15:20"))  # the clock of these tests begins at 15:00
RESET = Timetable(resets=(Window(begins=(NOON + timedelta(minutes=10)).time(), lasts=timedelta(0), why="daily reset"),))


@pytest.mark.asyncio
async def test_new_orders_are_gated_to_the_second_and_cancels_pass(tmp_path: Path) -> None:
    async with opened(tmp_path, timetable=SOON) as desk:
        order = await desk.place(buy())
        begins = (NOON + timedelta(minutes=10) - desk.clock.now()).total_seconds()
        await desk.wait(begins - 0.01)
        await desk.place(buy("2"))
        await desk.wait(0.01)
        with pytest.raises(NotReady, match="maintenance until Mon 15:20 UTC"):
            await desk.place(buy("3"))
        await desk.wait(60)
        assert desk.session.state.value == "maintenance"
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.now(order).ord_status is OrdStatus.CANCELED
        await desk.wait(9 * 60 - 1)
        assert desk.session.not_ready()
        await desk.until(lambda: desk.session.state.value == "ready", longest_s=5)
        await desk.place(buy("4"))


@pytest.mark.asyncio
async def test_a_wall_clock_that_is_moved_into_a_maintenance_gates_at_once(tmp_path: Path) -> None:
    async with opened(tmp_path, timetable=SOON) as desk:
        desk.clock.set(NOON + timedelta(minutes=12))
        with pytest.raises(NotReady, match="maintenance"):
            await desk.place(buy())


@pytest.mark.asyncio
async def test_a_start_within_a_maintenance_agrees_and_waits_for_its_end(tmp_path: Path) -> None:
    clock = ManualClock(NOON + timedelta(minutes=15))
    async with opened(tmp_path, clock=clock, timetable=SOON, ready=False) as desk:
        await desk.gateway.until_settled()
        assert desk.session.state.value == "maintenance"
        await desk.wait(4 * 60)
        assert desk.session.last_round is not None
        assert desk.session.state.value == "maintenance"
        await desk.until(lambda: desk.session.state.value == "ready")


@pytest.mark.asyncio
async def test_failures_within_a_maintenance_begin_no_rest_and_degrade_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path, timetable=SOON) as desk:
        await desk.wait(11 * 60)
        for n in range(9):
            desk.session.on_failures(n)
        desk.broker.stream(up=False)
        await desk.wait(60)
        assert desk.session.state.value == "maintenance"
        assert "session.resting" not in desk.log.events
        desk.broker.stream(up=True)
        await desk.wait(10 * 60)
        assert desk.session.state.value == "ready"


@pytest.mark.asyncio
async def test_when_every_session_ends_the_profile_logs_in_anew(tmp_path: Path) -> None:
    async with opened(tmp_path, timetable=RESET) as desk:
        logins = desk.broker.reads.count("connect")
        await desk.wait(9 * 60)
        assert desk.broker.reads.count("connect") == logins
        await desk.wait(2 * 60)
        assert desk.broker.reads.count("connect") == logins + 1
        assert desk.session.state.value == "ready"
        await desk.wait(10 * 60)
        assert desk.broker.reads.count("connect") == logins + 1


def test_a_dead_man_timer_is_off_around_a_maintenance_and_on_elsewhere() -> None:
    clock = ManualClock(NOON)
    calendar = Calendar(SOON, clock)
    near: list[bool] = []
    for minute in (0, 4, 5, 10, 19, 20, 24, 26):
        clock.set(NOON + timedelta(minutes=minute))
        near.append(calendar.is_near(before_s=300, after_s=300))
    assert near == [False, False, True, True, True, True, True, False]


def test_the_calendar_answers_again_when_the_clock_is_moved_back() -> None:
    late, early = ManualClock(NOON + timedelta(minutes=15)), ManualClock(NOON)
    calendar = Calendar(SOON, late)
    assert calendar.reason()
    calendar.clock = early
    assert not calendar.reason()


def test_people_add_windows_of_their_own_and_are_told_what_is_wrong_with_one() -> None:
    def profile(text: str) -> Profile:
        return Profile(name=PROFILE, broker="FAKE", environment=Environment.SIM, options={"maintenance": text})

    added = timetable_of(profile("SUN 06:00-07:00 UTC"), SOON)
    assert [window.begins.hour for window in added.maintenance] == [15, 6]
    assert timetable_of(Profile(name=PROFILE, broker="FAKE", environment=Environment.SIM), NO_TIMETABLE) == NO_TIMETABLE
    with pytest.raises(ConfigInvalid, match="profile fake: option maintenance: 'SUNDAY' is not like SUN 06:00-07:00"):
        timetable_of(profile("SUNDAY"), SOON)

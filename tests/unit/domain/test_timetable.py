"""Weekly times of a venue: in its own zone, across midnight and summer time, and as people write them."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.timetable import (
    DAILY,
    NO_TIMETABLE,
    Timetable,
    Window,
    next_reset,
    next_shut,
    read_windows,
    shut,
)

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
SUNDAY_6 = Timetable(maintenance=(Window(days=frozenset({6}), begins=time(6), lasts=timedelta(hours=1)),))
TOKEN = Timetable(resets=(Window(begins=time(3, 30), lasts=timedelta(0), zone="Asia/Kolkata", why="the token ends"),))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "is_shut"),
    [
        ("2026-03-08T05:59:59.999999", False),
        ("2026-03-08T06:00:00", True),
        ("2026-03-08T06:59:59.999999", True),
        ("2026-03-08T07:00:00", False),
        ("2026-03-07T06:30:00", False),
    ],
)
def test_a_window_holds_from_its_beginning_to_just_before_its_end(now: str, is_shut: bool) -> None:
    assert (shut(SUNDAY_6, at(now)) is not None) is is_shut


def test_the_next_window_is_told_up_to_a_week_before_and_never_the_one_that_is_on() -> None:
    first = next_shut(SUNDAY_6, MONDAY)
    assert first is not None
    assert (first.begins_at, first.ends_at) == (at("2026-03-08T06:00"), at("2026-03-08T07:00"))
    second = next_shut(SUNDAY_6, first.begins_at)
    assert second is not None
    assert second.begins_at == at("2026-03-15T06:00")


def test_a_window_goes_over_midnight() -> None:
    (window,) = read_windows("FRI 23:30-00:30")
    late = shut(Timetable(maintenance=(window,)), at("2026-03-07T00:10"))
    assert late is not None
    assert late.ends_at == at("2026-03-07T00:30")
    assert shut(Timetable(maintenance=(window,)), at("2026-03-08T00:10")) is None


def test_summer_time_of_the_venues_zone_moves_a_window() -> None:
    (window,) = read_windows("DAILY 22:00-22:15 America/New_York")
    table = Timetable(maintenance=(window,))
    assert shut(table, at("2026-03-07T03:05")) is not None  # winter: 22:00 is 03:00 UTC
    assert shut(table, at("2026-03-10T02:05")) is not None  # summer time began on the 8th
    assert shut(table, at("2026-03-10T03:05")) is None


def test_a_token_dies_at_half_past_three_in_india_whenever_it_was_made() -> None:
    for now, dies in (("2026-03-02T21:59", "2026-03-02T22:00"), ("2026-03-02T22:00", "2026-03-03T22:00")):
        found = next_reset(TOKEN, at(now))
        assert found is not None
        assert (found.begins_at, found.why) == (at(dies), "the token ends")


def test_of_windows_that_overlap_the_one_that_ends_last_counts() -> None:
    table = Timetable(maintenance=read_windows("DAILY 01:00-02:00; MON 01:30-03:00 UTC"))
    found = shut(table, at("2026-03-02T01:45"))
    assert found is not None
    assert found.ends_at == at("2026-03-02T03:00")


@pytest.mark.parametrize(
    ("text", "days"),
    [("DAILY 03:30-03:45", DAILY), ("sun 06:00-07:00 UTC", {6}), ("FRI-MON 06:00-07:00", {4, 5, 6, 0}), ("", None)],
)
def test_people_name_days_alone_in_ranges_or_all_of_them(text: str, days: set[int] | None) -> None:
    assert [set(window.days) for window in read_windows(text)] == ([] if days is None else [set(days)])


@pytest.mark.parametrize(
    "text",
    ["SUN", "SUN 6-7", "SOMEDAY 06:00-07:00", "FUN 06:00-07:00", "SUN 25:00-26:00", "SUN 06:00-07:00 Mars/Base",
     "SUN 06:00-06:00", "DAILY-SUN 06:00-07:00", "SUN 06:00-07:00 ../etc/passwd", "SUN 06:00-07:00 UTC UTC"],
)  # fmt: skip
def test_what_is_no_window_is_refused_with_its_text(text: str) -> None:
    with pytest.raises(ValueError, match=text[:3]):
        read_windows(text)


def test_nothing_is_ever_shut_without_a_window() -> None:
    assert shut(NO_TIMETABLE, MONDAY) is next_shut(NO_TIMETABLE, MONDAY) is next_reset(NO_TIMETABLE, MONDAY) is None
    assert not NO_TIMETABLE


@given(
    minute=st.integers(0, 7 * 1440 - 1),
    begins=st.integers(0, 1439),
    lasts=st.integers(1, 1439),
    days=st.frozensets(st.integers(0, 6), min_size=1),
)
def test_a_window_is_on_exactly_when_a_plain_count_of_minutes_says_so(
    minute: int, begins: int, lasts: int, days: frozenset[int]
) -> None:
    window = Window(days=days, begins=time(begins // 60, begins % 60), lasts=timedelta(minutes=lasts))
    starts = {day * 1440 + begins for day in days}
    expected = any((minute - start) % (7 * 1440) < lasts for start in starts)
    assert (shut(Timetable(maintenance=(window,)), MONDAY + timedelta(minutes=minute)) is not None) is expected

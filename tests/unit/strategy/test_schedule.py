"""Moments over market calendars: early closes, holidays, first and last sessions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from floorbroker.matching.calendar import ALWAYS_OPEN, XNYS
from floorbroker.strategy import AfterOpen, BeforeClose, Every, On, Once
from floorbroker.strategy.schedule import Rule

MINUTES_5 = timedelta(minutes=5)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


CASES: list[tuple[Rule, str, str]] = [
    (AfterOpen(by=MINUTES_5), "2024-07-03T00:00", "2024-07-03T13:35"),
    (BeforeClose(by=MINUTES_5), "2024-07-03T00:00", "2024-07-03T16:55"),  # closes at 13:00 in New York
    (BeforeClose(by=MINUTES_5), "2024-07-03T16:55", "2024-07-05T19:55"),  # and not at all on the fourth
    (AfterOpen(on=On.WEEK_START), "2024-05-24T20:00", "2024-05-28T13:30"),  # Monday was Memorial Day
    (BeforeClose(on=On.MONTH_END), "2024-03-01T00:00", "2024-03-28T20:00"),  # Good Friday was the 29th
    (AfterOpen(on=On.MONTH_START), "2024-01-01T00:00", "2024-01-02T14:30"),
    (Every(step=timedelta(hours=3)), "2024-07-05T13:00", "2024-07-05T13:30"),
    (Every(step=timedelta(hours=3)), "2024-07-05T13:30", "2024-07-05T16:30"),
    (Every(step=timedelta(hours=3)), "2024-07-05T19:30", "2024-07-08T13:30"),
]


@pytest.mark.parametrize(("rule", "after", "expected"), CASES)
def test_the_next_moment(rule: Rule, after: str, expected: str) -> None:
    assert rule.after(utc(after), XNYS) == utc(expected)


def test_a_market_that_never_closes_counts_from_midnight() -> None:
    assert Every(step=timedelta(hours=8)).after(utc("2024-07-06T09:00"), ALWAYS_OPEN) == utc("2024-07-06T16:00")


def test_a_moment_comes_once() -> None:
    once = Once(at=utc("2024-07-05T15:00"))
    assert once.after(utc("2024-07-05T14:00"), XNYS) == once.at
    assert once.after(once.at, XNYS) is None

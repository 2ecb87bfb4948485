"""Hours of the exchanges in India, held against the published lists."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from floorbroker.matching import XNSE, by_name
from floorbroker.matching.india import FIRST_LISTED, INDIA, LAST_LISTED, holidays


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=INDIA)


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of libraries under that package
def test_the_table_has_exactly_the_days_that_the_package_of_calendars_has() -> None:
    calendars = pytest.importorskip("exchange_calendars", reason="the extra `research` is not installed")
    kept = calendars.get_calendar("XBOM", start=f"{FIRST_LISTED}-01-01", end=f"{LAST_LISTED}-12-31")
    traded = set(kept.sessions.date)
    days = [date(FIRST_LISTED, 1, 1) + timedelta(n) for n in range((max(traded) - date(FIRST_LISTED, 1, 1)).days + 1)]
    assert {day for day in days if XNSE.session(day) is not None} == traded


def test_a_session_runs_from_a_quarter_past_nine_to_half_past_three_without_summer_time() -> None:
    for day in (date(2026, 1, 5), date(2026, 7, 6)):
        session = XNSE.session(day)
        assert session is not None
        assert session.open == datetime(day.year, day.month, day.day, 3, 45, tzinfo=UTC)
        assert session.close == datetime(day.year, day.month, day.day, 10, 0, tzinfo=UTC)
        assert session.pre < session.open < session.close < session.post


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2026-01-05T09:14:59", "2026-01-05T09:15"),
        ("2026-01-05T15:30", "2026-01-06T09:15"),
        ("2026-01-09T16:30", "2026-01-12T09:15"),  # over a weekend
        ("2026-01-23T15:30", "2026-01-27T09:15"),  # and Republic Day
    ],
)
def test_what_is_closed_opens_on_the_next_day_of_trading(moment: str, opens: str) -> None:
    assert not XNSE.is_open(at(moment))
    assert XNSE.next_open(at(moment)) == at(opens)


def test_an_order_for_the_day_ends_with_the_session_it_came_into() -> None:
    assert XNSE.is_open(at("2026-01-05T10:00"))
    assert XNSE.day_end(at("2026-01-05T10:00")) == at("2026-01-05T15:30") == XNSE.next_close(at("2026-01-05T10:00"))
    assert XNSE.day_end(at("2026-01-05T15:30")) == at("2026-01-06T15:30")


def test_years_behind_the_table_know_the_days_that_never_move() -> None:
    assert holidays(LAST_LISTED + 1) == {
        date(2027, 1, 26), date(2027, 3, 26), date(2027, 5, 1), date(2027, 8, 15), date(2027, 10, 2), date(2027, 12, 25),
    }  # fmt: skip


def test_both_exchanges_keep_one_calendar() -> None:
    assert by_name("XNSE") is by_name("XBOM") is XNSE

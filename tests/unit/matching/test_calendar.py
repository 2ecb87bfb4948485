"""Market hours by rule, held against days that were really recorded."""

from __future__ import annotations

import os
import zipfile
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.matching import by_name
from floorbroker.matching.calendar import ALWAYS_OPEN, FX_WEEK, XNYS, early_closes, easter, holidays

DATA = os.environ.get("FLOORBROKER_DATA")
needs_data = pytest.mark.skipif(not DATA, reason="FLOORBROKER_DATA names no folder of recorded data")


def rows(folder: str, symbol: str) -> list[str]:
    with zipfile.ZipFile(Path(DATA or "", "equities", folder, f"{symbol}.zip")) as archive:
        return archive.read(archive.namelist()[0]).decode().splitlines()


@needs_data
def test_new_york_traded_on_exactly_the_days_the_rules_say() -> None:
    recorded = {datetime.strptime(row[:8], "%Y%m%d").date() for row in rows("daily", "spy")}  # noqa: DTZ007 - a date
    day, last = min(recorded), max(recorded)
    ruled: set[date] = set()
    while day <= last:
        if XNYS.session(day) is not None:
            ruled.add(day)
        day += timedelta(days=1)
    assert ruled ^ recorded == set()


@needs_data
def test_the_afternoons_without_trading_are_the_early_closes() -> None:
    whole: Counter[str] = Counter()
    late: Counter[str] = Counter()
    for row in rows("hour", "spy"):
        day, hour, volume = row[:8], int(row[9:11]), int(row.rsplit(",", 1)[1])
        whole[day] += volume
        late[day] += volume if hour >= 14 else 0
    share = {day: late[day] / whole[day] for day in whole}
    ruled = {f"{day:%Y%m%d}" for year in range(1998, 2022) for day in early_closes(year)} & set(whole)
    assert {day for day in share if share[day] < 0.01} <= ruled
    assert {day for day in ruled if share[day] > 0.08} == set()  # what is left is the late session of some years


@pytest.mark.parametrize(
    ("year", "day"),
    [(1999, date(1999, 4, 4)), (2008, date(2008, 3, 23)), (2024, date(2024, 3, 31)), (2026, date(2026, 4, 5))],
)
def test_easter_falls_where_the_almanac_says(year: int, day: date) -> None:
    assert easter(year) == day


def test_the_holidays_of_2026_are_those_the_exchange_published() -> None:
    published = ["01-01", "01-19", "02-16", "04-03", "05-25", "06-19", "07-03", "09-07", "11-26", "12-25"]
    assert sorted(f"{day:%m-%d}" for day in holidays(2026)) == published
    assert sorted(f"{day:%m-%d}" for day in early_closes(2026)) == ["11-27", "12-24"]


def test_a_saturday_new_year_is_not_made_up_for() -> None:
    assert XNYS.session(date(2021, 12, 31)) is not None


def test_local_hours_follow_daylight_saving() -> None:
    winter, summer = XNYS.session(date(2026, 1, 5)), XNYS.session(date(2026, 7, 6))
    assert winter is not None
    assert summer is not None
    assert (winter.open.hour, summer.open.hour) == (14, 13)


def test_an_early_close_shortens_the_late_session_too() -> None:
    session = XNYS.session(date(2026, 11, 27))
    assert session is not None
    assert (session.close, session.post) == (
        datetime(2026, 11, 27, 18, tzinfo=UTC),
        datetime(2026, 11, 27, 22, tzinfo=UTC),
    )


def test_the_next_open_after_a_friday_close_is_monday() -> None:
    friday_night = datetime(2026, 3, 6, 23, 0, tzinfo=UTC)
    assert not XNYS.is_open(friday_night)
    assert XNYS.is_open(friday_night, extended=True)
    assert XNYS.next_open(friday_night) == datetime(2026, 3, 9, 13, 30, tzinfo=UTC)


def test_the_closing_bell_itself_is_closed() -> None:
    session = XNYS.session(date(2026, 3, 2))
    assert session is not None
    assert XNYS.is_open(session.open)
    assert not XNYS.is_open(session.close)
    assert XNYS.next_close(session.open) == session.close


def test_currencies_trade_from_sunday_to_friday_five_in_new_york() -> None:
    saturday = datetime(2026, 3, 7, 12, tzinfo=UTC)
    assert not FX_WEEK.is_open(saturday)
    assert FX_WEEK.next_open(saturday) == datetime(2026, 3, 8, 21, tzinfo=UTC)  # daylight saving began that night
    assert FX_WEEK.next_close(datetime(2026, 3, 3, 12, tzinfo=UTC)) == datetime(2026, 3, 6, 22, tzinfo=UTC)
    assert FX_WEEK.session(date(2026, 3, 8)) is None


def test_crypto_never_closes() -> None:
    moment = datetime(2026, 12, 25, 3, tzinfo=UTC)
    assert ALWAYS_OPEN.is_open(moment)
    assert ALWAYS_OPEN.next_open(moment) == moment
    assert ALWAYS_OPEN.next_close(moment) is None


def test_an_unknown_calendar_is_refused_by_name() -> None:
    with pytest.raises(KeyError, match="XLON"):
        by_name("XLON")

"""Which bars a backtest plays: those of sessions, whatever clock the exchange goes by."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.backtest import Span, recorded_feed
from floorbroker.backtest.feed import within
from floorbroker.domain.bars import BarSeries
from floorbroker.matching import by_name
from floorbroker.strategy.bars import Columns, moment_of
from floorbroker.tape import load

HOUR_S, DAY_S = 3_600, 86_400


def kept(calendar: str, start: datetime, count: int, *, span_s: int = HOUR_S) -> list[tuple[str, str]]:
    """Starts and ends of flat bars that are played."""
    bars = BarSeries("ANY", span_s=span_s, price_decimals=2, size_decimals=0)
    for place in range(count):
        bars.append_scaled(start + timedelta(seconds=place * span_s), (100, 100, 100, 100), 1)
    found = within(Columns.of(bars), by_name(calendar))
    return [
        (f"{moment_of(a):%d %H:%M}", f"{moment_of(b):%d %H:%M}")
        for a, b in zip(found.start_us, found.end_us, strict=True)
    ]


def test_coins_trade_at_every_hour() -> None:
    assert len(kept("24x7", datetime(2026, 3, 3, tzinfo=UTC), 48)) == 48
    assert kept("24x7", datetime(2026, 3, 3, tzinfo=UTC), 2, span_s=DAY_S) == [
        ("03 00:00", "04 00:00"),
        ("04 00:00", "05 00:00"),
    ]


def test_a_day_of_coins_is_a_day_of_utc(recorded_data: Path) -> None:
    tape = load(recorded_data)
    day = next(one for one in tape.days("BTC/USD") if tape.has("BTC/USD", one, "trade"))
    feed, _ = recorded_feed(tape, ("BTC/USD",), Span.MINUTE, since=day, until=day)
    assert len(feed.bars["BTC/USD"]) == len(tape.minutes("BTC/USD", day))


def test_currencies_trade_through_the_evenings_of_new_york_until_the_weekend() -> None:
    week = kept("FX", datetime(2026, 3, 2, tzinfo=UTC), 24 * 7)
    assert len(week) == 4 * 24 + 22 + 3  # Friday ends at 22:00, and Sunday begins at 21:00: New York moved its clocks
    assert ("03 22:00", "03 23:00") in week
    assert ("06 21:00", "06 22:00") in week
    assert ("06 22:00", "06 23:00") not in week


def test_a_day_of_currencies_ends_no_sooner_than_its_last_price() -> None:
    """Told at 17:00, a bar that lasts until midnight would tell of what comes after."""
    assert kept("FX", datetime(2026, 3, 3, 5, tzinfo=UTC), 1, span_s=DAY_S) == [("03 05:00", "04 05:00")]
    assert kept("FX", datetime(2026, 3, 6, 5, tzinfo=UTC), 1, span_s=DAY_S) == [("06 05:00", "06 22:00")]


@pytest.mark.parametrize(
    ("calendar", "first", "last"),
    [
        ("XNYS", ("04 14:30", "04 15:00"), ("04 20:00", "04 21:00")),
        ("XNSE", ("04 03:45", "04 04:00"), ("04 09:00", "04 10:00")),
    ],
)
def test_shares_trade_from_their_open_to_their_close(
    calendar: str, first: tuple[str, str], last: tuple[str, str]
) -> None:
    day = kept(calendar, datetime(2026, 3, 4, tzinfo=UTC), 24)
    assert (day[0], day[-1], len(day)) == (first, last, 7)
    whole = kept(calendar, datetime(2026, 3, 4, tzinfo=UTC), 1, span_s=DAY_S)
    assert whole == [(first[0], last[1])]

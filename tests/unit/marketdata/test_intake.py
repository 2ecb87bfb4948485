"""What is believed of a source's rows, and that everything else is named."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from floorbroker.marketdata.calendars import day_start, next_session, sessions
from floorbroker.marketdata.history import DAY_S, History, Row, Told
from floorbroker.marketdata.intake import examined

START, END = day_start("AAPL", date(2024, 1, 2)), day_start("AAPL", date(2024, 1, 9))
DAYS = [day_start("AAPL", date(2024, 1, day)) for day in (2, 3, 4, 5, 8)]


def row(at: datetime, close: str = "10", **numbers: str) -> Row:
    values = {"open": "10", "high": "12", "low": "9", "close": close, "volume": "100"} | numbers
    return Row(start=at, **{name: Decimal(text) for name, text in values.items()})


def seen(*rows: Row) -> History:
    return examined(Told(rows=rows), symbol="AAPL", source="test", span_s=DAY_S, start=START, end=END)


def kinds(history: History) -> list[tuple[str, int]]:
    return [(trouble.kind, trouble.rows) for trouble in history.troubles]


WHOLE = [row(at) for at in DAYS]


def test_a_whole_answer_has_no_trouble() -> None:
    history = seen(*WHOLE)
    assert (history.troubles, history.is_whole, len(history.bars)) == ((), True, 5)


@pytest.mark.parametrize(
    ("rows", "expected", "count"),
    [
        ([], [("hole", 5)], 0),
        (WHOLE[:1] + WHOLE[3:], [("hole", 2)], 3),
        (WHOLE[1:4], [("hole", 1), ("hole", 1)], 3),
        ([*WHOLE, WHOLE[2]], [("late", 1), ("duplicate", 1)], 5),
        ([*WHOLE[:3], row(DAYS[2], "11"), *WHOLE[3:]], [("conflict", 1), ("hole", 1)], 4),
        ([*WHOLE[:2], *WHOLE[3:], WHOLE[2]], [("late", 1)], 5),
        ([row(at - timedelta(hours=5)) for at in DAYS], [("outside", 1), ("wrong_zone", 4), ("hole", 5)], 0),
        ([*WHOLE[:4], row(DAYS[4], high="9.5")], [("impossible", 1), ("hole", 1)], 4),
        ([*WHOLE[:4], row(DAYS[4], low="-1")], [("impossible", 1), ("hole", 1)], 4),
        ([*WHOLE[:4], row(DAYS[4], "NaN")], [("impossible", 1), ("hole", 1)], 4),
        ([*WHOLE[:4], row(DAYS[4], volume="1e40")], [("impossible", 1), ("hole", 1)], 4),
        ([*WHOLE, row(END)], [("outside", 1)], 5),
        ([*WHOLE, row(day_start("AAPL", date(2024, 1, 6)))], [("wrong_zone", 1)], 5),
        ([*WHOLE[:4], row(DAYS[4], "10.1234567891")], [("rounded", 1)], 5),
    ],
)
def test_what_is_left_out_is_named(rows: list[Row], expected: list[tuple[str, int]], count: int) -> None:
    history = seen(*rows)
    assert (sorted(kinds(history)), len(history.bars)) == (sorted(expected), count)


def test_bars_stand_in_order_and_keep_their_digits() -> None:
    history = seen(*reversed([row(at, "10.12345678") for at in DAYS]))
    assert [bar.start for bar in history.bars] == DAYS
    assert history.bars[0].close == Decimal("10.12345678")
    assert history.bars.price_decimals == 8


def test_a_coin_has_a_bar_for_every_day_of_utc() -> None:
    start, end = datetime(2024, 1, 5, tzinfo=UTC), datetime(2024, 1, 9, tzinfo=UTC)
    rows = tuple(row(start + timedelta(days=n)) for n in (0, 1, 3))
    history = examined(Told(rows=rows), symbol="BTC/USD", source="test", span_s=DAY_S, start=start, end=end)
    assert kinds(history) == [("hole", 1)]


def test_days_on_which_the_exchange_stayed_shut_are_no_holes() -> None:
    start, end = day_start("SPY", date(2012, 10, 26)), day_start("SPY", date(2012, 11, 1))
    assert sessions("SPY", start, end) == [date(2012, 10, 26), date(2012, 10, 31)]
    assert next_session(date(2012, 10, 26)) == date(2012, 10, 31)

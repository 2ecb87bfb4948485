"""The curve of equity: a point a minute, of one profile or of several together."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.domain.values import ProfileName
from floorbroker.gateway.curve import POINTS_MAX, EquityCurve

A, B = ProfileName("a"), ProfileName("b")
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)


def noted(*told: tuple[ProfileName, int, str], currency: str = "USD") -> EquityCurve:
    curve = EquityCurve()
    for name, second, equity in told:
        curve.note(name, Decimal(equity), currency, START + timedelta(seconds=second))
    return curve


def shown(curve: EquityCurve, *names: ProfileName) -> list[tuple[int, str]]:
    return [(int((point.at - START).total_seconds()), str(point.equity)) for point in curve.of(names)]


def test_within_a_minute_the_newest_figure_counts() -> None:
    curve = noted((A, 0, "100"), (A, 20, "101"), (A, 50, "102"), (A, 70, "103"), (A, 100, "104"))
    assert shown(curve, A) == [(0, "100"), (50, "102"), (100, "104")]


def test_several_are_summed_from_when_all_are_known() -> None:
    curve = noted((A, 0, "100"), (B, 30, "50"), (A, 90, "110"), (B, 120, "40"))
    assert shown(curve, A, B) == [(30, "150"), (90, "160"), (120, "150")]
    assert shown(curve, B) == [(30, "50"), (120, "40")]
    assert shown(curve, ProfileName("nobody")) == []


def test_sums_need_one_currency_and_a_new_one_begins_anew() -> None:
    curve = noted((A, 0, "100"), (A, 90, "101"))
    curve.note(B, Decimal(7), "EUR", START)
    assert curve.currency_of([A, B]) is None
    assert shown(curve, A, B) == []
    curve.note(A, Decimal(90), "EUR", START + timedelta(seconds=200))
    assert shown(curve, A) == [(200, "90")]
    assert curve.currency_of([A, B]) == "EUR"


def test_it_forgets_what_is_older_than_a_day_and_a_half() -> None:
    curve = noted(*((A, 60 * minute, "1") for minute in range(POINTS_MAX + 10)))
    points = curve.of([A])
    assert (len(points), points[0].at) == (POINTS_MAX, START + timedelta(minutes=10))

"""Lines over time on one scale."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.backtest.statistics import Point, curve
from floorbroker.web.plots import Series, gains_of, plot_of

START = datetime(2024, 1, 2, tzinfo=UTC)


def series(name: str, *values: str) -> Series:
    return Series(name=name, points=[(START + timedelta(days=n), Decimal(value)) for n, value in enumerate(values)])


def test_lines_share_one_scale_of_time_and_value() -> None:
    plot = plot_of([series("a", "0", "10"), series("b", "5", "5", "20"), series("lone", "7")])
    assert plot is not None
    assert (plot.since, plot.until) == (START, START + timedelta(days=2))
    assert (plot.least, plot.most) == (0, 20)
    assert [line.points for line in plot.lines] == ["0.0,154.0 300.0,80.0", "0.0,117.0 300.0,117.0 600.0,6.0"]


def test_falls_hang_from_the_top_of_their_plot() -> None:
    plot = plot_of([series("a", "0", "-10", "-5")], top=Decimal(0))
    assert plot is not None
    assert plot.lines[0].points == "0.0,0.0 300.0,154.0 600.0,77.0"
    assert plot.lines[0].area == "0.0,0 0.0,0.0 300.0,154.0 600.0,77.0 600.0,0"


def test_what_never_moves_lies_in_the_middle_and_nothing_makes_no_plot() -> None:
    flat = plot_of([series("a", "3", "3")])
    assert flat is not None
    assert flat.lines[0].points == "0.0,80.0 600.0,80.0"
    assert plot_of([]) is None
    assert plot_of([series("a", "3")]) is None


def test_gains_are_percents_of_the_start() -> None:
    assert [value for _, value in gains_of(series("a", "100", "110"), Decimal(100)).points] == [0, 10]
    assert gains_of(series("a", "1", "2"), Decimal(0)).points == ()


def test_a_curve_keeps_the_deepest_fall_of_each_stretch_and_the_end() -> None:
    worths = ["100", "80", "100", "120", "90", "110", "130"]
    points = [Point(at=START + timedelta(days=n), equity=Decimal(worth)) for n, worth in enumerate(worths)]
    told = curve(points, Decimal(100), 3)
    assert [(at.day, str(worth), fall) for at, worth, fall in told] == [
        (4, "100", Decimal("-20.0000")),
        (7, "110", Decimal("-25.0000")),
        (8, "130", Decimal(0)),
    ]
    assert curve([], Decimal(100), 3) == []
    assert len(curve(points, Decimal(100), 500)) == 7

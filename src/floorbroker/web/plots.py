"""Lines over time as the page draws them: text for SVG, made on the server, several results on one scale."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO

WIDTH, HEIGHT = 600, 160  # in the plot's own units
EDGE = 6


@frozen
class Series:
    """One result's values over time (UTC), oldest first."""

    name: str
    points: Sequence[tuple[datetime, Decimal]]


@frozen
class Line:
    """A series as the points of a polyline over `WIDTH` times `HEIGHT`, and what it says in words."""

    name: str
    points: str
    first: Decimal
    last: Decimal
    least: Decimal
    most: Decimal

    @property
    def area(self) -> str:
        """The same as a polygon that hangs from the top: for falls, which are below zero."""
        begin, end = self.points.split(" ", 1)[0].split(",")[0], self.points.rsplit(" ", 1)[-1].split(",")[0]
        return f"{begin},0 {self.points} {end},0"


@frozen
class Plot:
    """Lines on one scale: from `since` to `until`, from `least` to `most`."""

    lines: tuple[Line, ...]
    since: datetime
    until: datetime
    least: Decimal
    most: Decimal


def plot_of(series: Sequence[Series], *, top: Decimal | None = None) -> Plot | None:
    """None where no series has two points to join.  With `top` the scale reaches to it at least."""
    drawn = [one for one in series if len(one.points) > 1]
    if not drawn:
        return None
    values = [value for one in drawn for _, value in one.points] + ([] if top is None else [top])
    since, until = min(one.points[0][0] for one in drawn), max(one.points[-1][0] for one in drawn)
    least, most = min(values), max(values)
    span_s, room = (until - since).total_seconds() or 1.0, most - least

    def placed(at: datetime, value: Decimal) -> str:
        up = (value - least) / room if room else Decimal("0.5")
        edge = 0 if top is not None else EDGE  # what hangs from the top begins there
        x = WIDTH * (at - since).total_seconds() / span_s
        return f"{x:.1f},{HEIGHT - EDGE - float(up) * (HEIGHT - EDGE - edge):.1f}"

    return Plot(
        lines=tuple(
            Line(
                name=one.name,
                points=" ".join(placed(at, value) for at, value in one.points),
                first=one.points[0][1],
                last=one.points[-1][1],
                least=min(value for _, value in one.points),
                most=max(value for _, value in one.points),
            )
            for one in drawn
        ),
        since=since,
        until=until,
        least=least,
        most=most,
    )


def gains_of(series: Series, start: Decimal) -> Series:
    """The same in percent of where it began, so that results of different size lie on one scale."""
    if start <= ZERO:
        return Series(name=series.name, points=())
    return Series(name=series.name, points=[(at, round((value / start - 1) * 100, 4)) for at, value in series.points])

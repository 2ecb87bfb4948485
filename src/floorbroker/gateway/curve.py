"""The curve of what accounts are worth, kept in memory since the desk's start: one point a minute, a day and a half of them.

The figures are those that venues tell when an account is looked at anyway; nobody is asked for the sake of the curve.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import WIDE, ProfileName

EVERY_S = 60
POINTS_MAX = 2_160


@frozen
class Point:
    """What accounts were worth at a moment (UTC), in their own currency."""

    at: datetime
    equity: Decimal


@dataclass(slots=True)
class EquityCurve:
    """The newest figure of each minute, by profile, in the profile's currency."""

    _points: dict[ProfileName, deque[Point]] = field(default_factory=dict[ProfileName, "deque[Point]"])
    _currencies: dict[ProfileName, str] = field(default_factory=dict[ProfileName, str])

    def note(self, profile: ProfileName, equity: Decimal, currency: str, at: datetime) -> None:
        """A figure was told.  Within a minute of the point before the last, it takes the place of the last.

        An account that is told in another currency than before begins its curve anew.
        """
        points = self._points.setdefault(profile, deque(maxlen=POINTS_MAX))
        if self._currencies.setdefault(profile, currency) != currency:
            self._currencies[profile] = currency
            points.clear()
        if len(points) >= 2 and (at - points[-2].at).total_seconds() < EVERY_S:
            points.pop()
        points.append(Point(at=at, equity=equity))

    def currency_of(self, profiles: Iterable[ProfileName]) -> str | None:
        """What their curve is in; None where nothing is known, or where they have several."""
        told = {self._currencies[name] for name in profiles if name in self._currencies}
        return next(iter(told)) if len(told) == 1 else None

    def of(self, profiles: Iterable[ProfileName]) -> list[Point]:
        """The sum over profiles, oldest first; it begins when the last of them is known, and needs one currency."""
        names = [name for name in profiles if self._points.get(name)]
        if self.currency_of(names) is None:
            return []
        news = sorted((point.at, name, point.equity) for name in names for point in self._points[name])
        known: dict[ProfileName, Decimal] = {}
        found: list[Point] = []
        for at, name, equity in news:
            known[name] = equity
            if len(known) == len(names):
                found.append(Point(at=at, equity=WIDE.create_decimal(sum(known.values()))))
        return found

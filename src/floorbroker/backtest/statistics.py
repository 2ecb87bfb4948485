"""Numbers that describe a run, made of its equity by the day and of its round trips.  Exact decimals; ratios are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from itertools import pairwise
from typing import Protocol

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO
from floorbroker.matching.calendar import NEW_YORK

TRADING_DAYS = 252
_YEAR_S = Decimal(31_557_600)
_DIGITS = 4
Figure = Decimal | int | None


@frozen
class Point:
    """Equity at a moment (UTC)."""

    at: datetime
    equity: Decimal


class Closed(Protocol):
    """A round trip, as far as statistics ask."""

    @property
    def profit(self) -> Decimal: ...

    @property
    def entered(self) -> datetime: ...

    @property
    def left(self) -> datetime: ...


def statistics_of(equity: Sequence[Point], *, trips: Sequence[Closed], start: Decimal) -> dict[str, Figure]:
    """By name, in the order in which people read them."""
    end = equity[-1].equity if equity else start
    days = by_day(equity)
    returns = [after / before - 1 for before, after in pairwise([start, *(point.equity for point in days)]) if before]
    fall, fall_days = drawdown(equity, start)
    won = [trip.profit for trip in trips if trip.profit > 0]
    lost = [-trip.profit for trip in trips if trip.profit < 0]
    return {
        "profit": end - start,
        "return_percent": _percent(end / start - 1) if start else None,
        "return_year_percent": _a_year(equity, start, end),
        "volatility_year_percent": _scaled(_spread(returns), 100),
        "sharpe": _ratio(returns, _spread(returns)),
        "sortino": _ratio(returns, _downside(returns)),
        "drawdown_percent": _percent(fall),
        "drawdown_days": fall_days,
        "trips": len(trips),
        "won_percent": _percent(Decimal(len(won)) / len(trips)) if trips else None,
        "profit_factor": round(sum(won, ZERO) / sum(lost, ZERO), _DIGITS) if lost else None,
        "best": max((trip.profit for trip in trips), default=None),
        "worst": min((trip.profit for trip in trips), default=None),
        "mean": round(sum((trip.profit for trip in trips), ZERO) / len(trips), _DIGITS) if trips else None,
    }


def by_day(equity: Sequence[Point]) -> list[Point]:
    """The last point of each day in New York."""
    return [*{point.at.astimezone(NEW_YORK).date(): point for point in equity}.values()]


def by_month(equity: Sequence[Point], start: Decimal) -> dict[tuple[int, int], Decimal]:
    """Return of each month in New York, as a part of one."""
    days = ((point.at.astimezone(NEW_YORK), point.equity) for point in by_day(equity))
    last = {(at.year, at.month): worth for at, worth in days}
    values = [start, *last.values()]
    return {month: after / before - 1 for month, (before, after) in zip(last, pairwise(values), strict=True) if before}


def curve(equity: Sequence[Point], start: Decimal, most: int) -> list[tuple[datetime, Decimal, Decimal]]:
    """At most so many points for a plot: when, the equity at the end of a stretch, and the deepest fall in it, in percent.

    A fall is below the highest point before it, so it is zero or less.  The last point is always among them.
    """
    stretch = -(-len(equity) // most) if most > 0 else 0
    high, deepest, found = start, ZERO, list[tuple[datetime, Decimal, Decimal]]()
    for place, point in enumerate(equity, start=1):
        high = max(high, point.equity)
        deepest = min(deepest, point.equity / high - 1 if high > 0 else ZERO)
        if place % stretch == 0 or place == len(equity):
            found.append((point.at, point.equity, _percent(deepest)))
            deepest = ZERO
    return found


def drawdown(equity: Sequence[Point], start: Decimal) -> tuple[Decimal, int]:
    """The deepest fall below an earlier high, as a part of it, and the most days that passed below one."""
    high, high_at, deepest, longest = start, equity[0].at if equity else None, ZERO, 0
    for point in equity:
        if point.equity >= high or high_at is None:
            high, high_at = point.equity, point.at
        elif high:
            deepest = max(deepest, 1 - point.equity / high)
            longest = max(longest, (point.at - high_at).days)
    return deepest, longest


def _percent(part: Decimal) -> Decimal:
    return round(part * 100, _DIGITS)


def _a_year(equity: Sequence[Point], start: Decimal, end: Decimal) -> Decimal | None:
    """The yearly return that compounds to the whole; None for less than a week."""
    if len(equity) < 2 or start <= 0 or end <= 0:
        return None
    seconds = Decimal((equity[-1].at - equity[0].at) // (datetime.resolution * 1_000_000))
    if seconds < 7 * 86_400:
        return None
    return _percent((end / start) ** (_YEAR_S / seconds) - 1)


def _spread(returns: Sequence[Decimal]) -> Decimal | None:
    """Standard deviation of daily returns, a year."""
    if len(returns) < 2:
        return None
    mean = sum(returns, ZERO) / len(returns)
    variance = sum(((one - mean) ** 2 for one in returns), ZERO) / (len(returns) - 1)
    return (variance * TRADING_DAYS).sqrt()


def _downside(returns: Sequence[Decimal]) -> Decimal | None:
    if len(returns) < 2:
        return None
    return (sum((min(one, ZERO) ** 2 for one in returns), ZERO) / len(returns) * TRADING_DAYS).sqrt()


def _ratio(returns: Sequence[Decimal], spread: Decimal | None) -> Decimal | None:
    if not spread:
        return None
    return round(sum(returns, ZERO) / len(returns) * TRADING_DAYS / spread, _DIGITS)


def _scaled(value: Decimal | None, by: int) -> Decimal | None:
    return None if value is None else round(value * by, _DIGITS)

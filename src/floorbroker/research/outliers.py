"""The symbols whose week was unlike their own past: gaps, ranges, volume and volatility, each in deviations, with reasons.

Every figure of the week is compared with the same figure of the weeks before it, at most a year of them.  A deviation counts
where it is above `FROM`; the score is the sum of what counts, each part capped so that one odd bar is not everything.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import msgspec

from floorbroker.domain.errors import NotFound
from floorbroker.research.numbers import YEAR, deviation, mean, text
from floorbroker.research.panel import Panel, Quality
from floorbroker.research.universe import Universe

SCHEMA = "floorbroker.outliers/1"
WEEK, WEEKS, LEAST_WEEKS = 5, 52, 12
LOOK_BACK = WEEK * (WEEKS + 1) + 21
FROM, CAP = 2.0, 6.0
_USUAL = 20  # sessions of usual volume


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of the week, its usual value and how many deviations it is away."""

    value: str
    usual: str
    deviations: str


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One symbol with the reasons that put it in its place."""

    rank: int
    symbol: str
    score: str
    gap: Figure | None
    range: Figure | None
    relative_volume: Figure | None
    volatility: Figure | None
    reasons: list[str]


class OutlierScan(msgspec.Struct, frozen=True, kw_only=True):
    """One weekly scan.  `skipped` says of whom nothing can be told, and why."""

    schema: str
    week_from: str
    as_of: str
    universe: str
    source: str
    basis: str
    inputs: str
    is_whole: bool
    candidates: list[Candidate]
    skipped: dict[str, str]
    quality: list[Quality]


def scan_outliers(panel: Panel, universe: Universe, *, as_of: date | None = None, most: int = 20) -> OutlierScan:
    """The week that ends at `as_of` (the last day where none is named).  Raises `NotFound` for a panel without days."""
    seen = panel if as_of is None else panel.until(as_of)
    if len(seen.days) < WEEK:
        raise NotFound(f"{seen.source} has no week of {universe.name} until {as_of}")
    found: list[tuple[float, str, dict[str, Figure | None], list[str]]] = []
    skipped: dict[str, str] = {}
    for symbol in universe.members:
        weeks = _weeks(seen, symbol)
        if isinstance(weeks, str):
            skipped[symbol] = weeks
            continue
        score, figures, reasons = _judged(weeks)
        if reasons:
            found.append((score, symbol, figures, reasons))
    found.sort(key=lambda one: (-one[0], one[1]))
    candidates = [
        Candidate(rank=rank, symbol=symbol, score=text(score) or "", reasons=reasons, **figures)
        for rank, (score, symbol, figures, reasons) in enumerate(found[:most], start=1)
    ]
    quality = seen.quality
    return OutlierScan(
        schema=SCHEMA, week_from=seen.days[-WEEK].isoformat(), as_of=seen.days[-1].isoformat(), universe=universe.name,
        source=seen.source, basis=seen.basis, inputs=seen.digest, is_whole=not quality and not skipped,
        candidates=candidates, skipped=skipped, quality=quality,
    )  # fmt: skip


Week = dict[str, tuple[float, str]]  # figure -> its size, and the day it was


def _weeks(panel: Panel, symbol: str) -> list[Week] | str:
    """Weeks counted back from the end, the newest first; or why there are none."""
    columns = {name: panel.numbers(symbol, name) for name in ("open", "high", "low", "close", "volume")}
    if any(columns["close"][at] is None for at in range(-WEEK, 0)):
        return "a day of the week is missing"
    found: list[Week] = []
    for back in range(WEEKS + 1):
        end = len(panel.days) - back * WEEK
        week = _week(columns, panel.days, end)
        if week is not None:
            found.append(week)
        elif back == 0:
            return "the days before the week are missing"
    return found if len(found) > LEAST_WEEKS else f"fewer than {LEAST_WEEKS} weeks of its past are known"


def _week(columns: dict[str, list[float | None]], days: Sequence[date], end: int) -> Week | None:
    """The figures of one week; None where a bar is missing in it."""
    start = end - WEEK
    if start - _USUAL < 1:
        return None
    gaps, ranges, steps, volumes = list[tuple[float, str]](), list[tuple[float, str]](), list[float](), list[float]()
    for at in range(start, end):
        before = columns["close"][at - 1]
        bar = [columns[name][at] for name in ("open", "high", "low", "close", "volume")]
        if before is None or not before or any(one is None for one in bar):
            return None
        opened, high, low, close, volume = (one or 0.0 for one in bar)
        gaps.append((opened / before - 1.0, days[at].isoformat()))
        ranges.append(((high - low) / before, days[at].isoformat()))
        steps.append(close / before - 1.0)
        volumes.append(volume)
    usual = [one for one in columns["volume"][start - _USUAL : start] if one is not None]
    normal = mean(usual)
    if len(usual) < _USUAL // 2 or not normal:
        return None
    return {
        "gap": max(gaps, key=lambda one: abs(one[0])),
        "range": max(ranges),
        "relative_volume": ((mean(volumes) or 0.0) / normal, ""),
        "volatility": ((deviation(steps) or 0.0) * YEAR**0.5, ""),
    }


_TOLD = {
    "gap": "opened {value:+.1%} from the close before on {day}",
    "range": "moved within {value:.1%} on {day}",
    "relative_volume": "traded {value:.1f} times its usual volume",
    "volatility": "volatility of {value:.0%} a year",
}


def _judged(weeks: Sequence[Week]) -> tuple[float, dict[str, Figure | None], list[str]]:
    newest, past = weeks[0], weeks[1:]
    total, figures, reasons = 0.0, dict[str, Figure | None](), list[str]()
    for name, told in _TOLD.items():
        value, day = newest[name]
        sizes = [abs(week[name][0]) for week in past]
        usual, width = mean(sizes), deviation(sizes)
        if usual is None or not width:
            figures[name] = None
            continue
        away = (abs(value) - usual) / width
        figures[name] = Figure(value=text(value) or "", usual=text(usual) or "", deviations=text(away) or "")
        if away >= FROM:
            total += min(away, CAP)
            reasons.append(f"{told.format(value=value, day=day)}, {away:.1f} deviations above its usual {usual:.3f}")
    return total, figures, reasons

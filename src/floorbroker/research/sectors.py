"""How sectors stand: strength against a benchmark, breadth, rotation, volatility, correlation.

A sector is its members with equal weights: its return of a day is the mean of those who have one, and its level the product of
these.  A figure that too few members can tell (`LEAST`) is unknown, never guessed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import msgspec

from floorbroker.domain.errors import NotFound
from floorbroker.research.numbers import YEAR, change, changes, correlation, deviation, mean, scores, share, text
from floorbroker.research.panel import Panel, Quality
from floorbroker.research.universe import Universe

SCHEMA = "floorbroker.sector_report/1"
STRENGTH = (1, 5, 21, 63, 126)  # sessions
_WEIGHTS = {21: 0.4, 63: 0.4, 126: 0.2}
BREADTH = (50, 200)
VOLATILITY = (21, 63)
LOOK_BACK = 280  # sessions that a report is made of
_RATIO, _MOMENTUM, _CORRELATED, _NEW_HIGH = 63, 10, 63, 20
LEAST = 0.5  # of the members, or of the days


class Strength(msgspec.Struct, frozen=True, kw_only=True):
    """Return over so many sessions, and what is left of it above the benchmark's."""

    sessions: int
    change: str | None
    excess: str | None


class Breadth(msgspec.Struct, frozen=True, kw_only=True):
    """Shares of the members: above their mean of fifty and two hundred days, at a high of twenty, risen today."""

    above_50: str | None
    above_200: str | None
    at_high_20: str | None
    advancing: str | None


class Rotation(msgspec.Struct, frozen=True, kw_only=True):
    """Relative strength against its own mean (1 is usual), and how that changed in ten sessions."""

    ratio: str | None
    momentum: str | None
    quadrant: str  # leading, weakening, lagging, improving, unknown


class Sector(msgspec.Struct, frozen=True, kw_only=True):
    """One sector; `rank` 1 is the strongest, None where its score is unknown."""

    name: str
    members: list[str]
    missing: list[str]
    coverage: str
    rank: int | None
    score: str | None
    strength: list[Strength]
    breadth: Breadth
    rotation: Rotation
    volatility: dict[str, str | None]
    beta_correlation: str | None
    inner_correlation: str | None


class SectorReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report.  No wall clock is in it: the same input gives the same bytes."""

    schema: str
    as_of: str
    universe: str
    benchmark: str
    source: str
    basis: str
    sessions: int
    inputs: str
    is_whole: bool
    benchmark_strength: list[Strength]
    sectors: list[Sector]
    correlation: dict[str, dict[str, str | None]]
    quality: list[Quality]


@dataclass(frozen=True, slots=True)
class SectorAnalyzer:
    """Reports of one universe."""

    universe: Universe

    def report(self, panel: Panel, *, as_of: date | None = None) -> SectorReport:
        """As of the evening of a day, the last one where none is named.  Raises `NotFound` for a panel without days."""
        seen = panel if as_of is None else panel.until(as_of)
        if not seen.days:
            raise NotFound(f"{seen.source} has no day for the universe {self.universe.name} until {as_of}")
        names = list(self.universe.sectors)
        returns = {name: sector_returns(seen, self.universe.sectors[name]) for name in names}
        base = changes(seen.numbers(self.universe.benchmark, "close"))
        raw = [self._score(returns[name], base) for name in names]
        ranks = _ranks(raw)
        found = [
            self._sector(seen, name, returns[name], base, place)
            for name, place in zip(names, zip(scores(raw), ranks, strict=True), strict=True)
        ]
        quality = seen.quality
        return SectorReport(
            schema=SCHEMA, as_of=seen.days[-1].isoformat(), universe=self.universe.name,
            benchmark=self.universe.benchmark, source=seen.source, basis=seen.basis, sessions=len(seen.days),
            inputs=seen.digest, is_whole=not quality and not any(one.missing for one in found),
            benchmark_strength=_strength(base, base), sectors=sorted(found, key=lambda one: (one.rank or 1e9, one.name)),
            correlation=_matrix(names, returns), quality=quality,
        )  # fmt: skip

    def _score(self, returns: Sequence[float | None], base: Sequence[float | None]) -> float | None:
        """Excess over one, three and six months, weighted; None where one is unknown."""
        parts: list[float] = []
        for sessions, weight in _WEIGHTS.items():
            own, market = compounded(returns, sessions), compounded(base, sessions)
            if own is None or market is None:
                return None
            parts.append(weight * (own - market))
        return sum(parts)

    def _sector(
        self,
        panel: Panel,
        name: str,
        returns: list[float | None],
        base: list[float | None],
        place: tuple[float | None, int | None],
    ) -> Sector:
        score, rank = place
        members = self.universe.sectors[name]
        missing = panel.missing(members, max(STRENGTH))
        have = [one for one in members if one not in missing]
        window = panel.days[-max(STRENGTH) :]
        bars = sum(row is not None for one in members for row in panel.rows.get(one, ())[-len(window) :])
        return Sector(
            name=name, members=list(members), missing=missing,
            coverage=text(bars / (len(members) * len(window))) or "0.000000", rank=rank, score=text(score),
            strength=_strength(returns, base), breadth=_breadth(panel, have), rotation=_rotation(returns, base),
            volatility={f"days_{count}": text(volatility(returns, count)) for count in VOLATILITY},
            beta_correlation=text(_correlated(returns, base)), inner_correlation=text(_inner(panel, have)),
        )  # fmt: skip


def sector_returns(panel: Panel, members: Sequence[str]) -> list[float | None]:
    """The mean return of the members for each day; unknown where fewer than half of them tell."""
    columns = [changes(panel.numbers(one, "close")) for one in members]
    found: list[float | None] = []
    for told in zip(*columns, strict=True):
        known = [one for one in told if one is not None]
        found.append(mean(known) if known and len(known) >= LEAST * len(members) else None)
    return found


def compounded(returns: Sequence[float | None], sessions: int) -> float | None:
    """The return over the last so many sessions; unknown where more than half of them are, or the last one is."""
    if len(returns) <= sessions or returns[-1] is None:
        return None
    told = [one for one in returns[-sessions:] if one is not None]
    if len(told) < LEAST * sessions:
        return None
    product = 1.0
    for one in told:
        product *= 1.0 + one
    return product - 1.0


def volatility(returns: Sequence[float | None], sessions: int) -> float | None:
    """Annualised deviation of the last so many daily returns."""
    told = [one for one in returns[-sessions:] if one is not None]
    width = deviation(told) if len(told) >= LEAST * sessions else None
    return None if width is None else width * YEAR**0.5


def _strength(returns: Sequence[float | None], base: Sequence[float | None]) -> list[Strength]:
    found: list[Strength] = []
    for sessions in STRENGTH:
        own, market = compounded(returns, sessions), compounded(base, sessions)
        excess = None if own is None or market is None else own - market
        found.append(Strength(sessions=sessions, change=text(own), excess=text(excess)))
    return found


def _breadth(panel: Panel, members: Sequence[str]) -> Breadth:
    above: dict[int, list[bool]] = {days: [] for days in BREADTH}
    high, rising = list[bool](), list[bool]()
    for one in members:
        closes = panel.numbers(one, "close")
        last = closes[-1]
        if last is None:
            continue
        for days in BREADTH:
            told = [value for value in closes[-days:] if value is not None]
            if len(closes) >= days and len(told) >= LEAST * days:
                above[days].append(last > (mean(told) or 0.0))
        recent = [value for value in closes[-_NEW_HIGH:] if value is not None]
        high.append(last >= max(recent))
        step = change(closes, 1)
        if step is not None:
            rising.append(step > 0)
    return Breadth(
        above_50=text(share(above[50])), above_200=text(share(above[200])), at_high_20=text(share(high)),
        advancing=text(share(rising)),
    )  # fmt: skip


def _rotation(returns: Sequence[float | None], base: Sequence[float | None]) -> Rotation:
    """Relative strength now and ten sessions ago, each against its mean of the quarter before."""
    now, before = _ratio(returns, base, 0), _ratio(returns, base, _MOMENTUM)
    momentum = None if now is None or before is None else now - before
    quadrant = "unknown"
    if now is not None and momentum is not None:
        strong, rising = now >= 1.0, momentum >= 0.0
        quadrant = ("leading" if rising else "weakening") if strong else ("improving" if rising else "lagging")
    return Rotation(ratio=text(now), momentum=text(momentum), quadrant=quadrant)


def _ratio(returns: Sequence[float | None], base: Sequence[float | None], back: int) -> float | None:
    end = len(returns) - back
    if end < _RATIO:
        return None
    level, levels = 1.0, list[float]()
    for own, market in zip(returns[end - _RATIO : end], base[end - _RATIO : end], strict=True):
        if own is not None and market is not None:
            level *= (1.0 + own) / (1.0 + market)
            levels.append(level)
    middle = mean(levels)
    return None if middle is None or len(levels) < LEAST * _RATIO else levels[-1] / middle


def _correlated(left: Sequence[float | None], right: Sequence[float | None]) -> float | None:
    return correlation(left[-_CORRELATED:], right[-_CORRELATED:], least=int(LEAST * _CORRELATED))


def _inner(panel: Panel, members: Sequence[str]) -> float | None:
    """The mean correlation of two members."""
    columns = [changes(panel.numbers(one, "close")) for one in members]
    found = [_correlated(a, b) for at, a in enumerate(columns) for b in columns[at + 1 :]]
    return mean([one for one in found if one is not None])


def _matrix(names: Sequence[str], returns: dict[str, list[float | None]]) -> dict[str, dict[str, str | None]]:
    return {a: {b: text(_correlated(returns[a], returns[b])) for b in names} for a in names}


def _ranks(values: Sequence[float | None]) -> list[int | None]:
    order = sorted((at for at, one in enumerate(values) if one is not None), key=lambda at: -(values[at] or 0.0))
    places = {at: rank for rank, at in enumerate(order, start=1)}
    return [places.get(at) for at in range(len(values))]

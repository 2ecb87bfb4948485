"""Sums that do not depend on the order of their parts, and numbers as reports write them."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal

DIGITS = 6
YEAR = 252
_STEP = Decimal(1).scaleb(-DIGITS)


def text(value: float | None) -> str | None:
    """Six decimals, no negative zero; None stays unknown."""
    if value is None or not math.isfinite(value):
        return None
    rounded = Decimal(repr(value)).quantize(_STEP, rounding=ROUND_HALF_EVEN)
    return f"{rounded + 0:f}"


def mean(values: Sequence[float]) -> float | None:
    return math.fsum(values) / len(values) if values else None


def deviation(values: Sequence[float]) -> float | None:
    """Of a sample; None for fewer than two."""
    middle = mean(values)
    if middle is None or len(values) < 2:
        return None
    return math.sqrt(math.fsum((one - middle) ** 2 for one in values) / (len(values) - 1))


def correlation(left: Sequence[float | None], right: Sequence[float | None], *, least: int) -> float | None:
    """Of the days on which both have a number; None for fewer than `least` of them, and where one never moved."""
    pairs = [(a, b) for a, b in zip(left, right, strict=True) if a is not None and b is not None]
    if len(pairs) < least:
        return None
    a, b = [one for one, _ in pairs], [one for _, one in pairs]
    mean_a, mean_b = mean(a) or 0.0, mean(b) or 0.0
    across = math.fsum((x - mean_a) * (y - mean_b) for x, y in pairs)
    own = math.fsum((x - mean_a) ** 2 for x in a) * math.fsum((y - mean_b) ** 2 for y in b)
    return across / math.sqrt(own) if own > 0 else None


def change(values: Sequence[float | None], back: int, at: int = -1) -> float | None:
    """By how much the value at a place is above the one `back` places before; None where one is missing."""
    place = at if at >= 0 else len(values) + at
    if place - back < 0 or place >= len(values):
        return None
    now, before = values[place], values[place - back]
    return None if now is None or before is None or before <= 0 else now / before - 1.0


def changes(values: Sequence[float | None]) -> list[float | None]:
    """Day by day; the first has none."""
    return [None, *(change(values, 1, at) for at in range(1, len(values)))][: len(values)]


def scores(values: Sequence[float | None]) -> list[float | None]:
    """Deviations from the mean of those that are known."""
    known = [one for one in values if one is not None]
    middle, width = mean(known), deviation(known)
    if middle is None or not width:
        return [None if one is None else 0.0 for one in values]
    return [None if one is None else (one - middle) / width for one in values]


def share(flags: Iterable[bool]) -> float | None:
    found = list(flags)
    return sum(found) / len(found) if found else None

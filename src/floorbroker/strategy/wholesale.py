"""Very many bars in one go, with numpy where it is installed: the same whole numbers as bar by bar, or none at all.

Each function returns None when there are few numbers, no numpy, or a number that 64 bits may not hold; then the caller goes on as
always.
"""

from __future__ import annotations

import importlib
from array import array
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

MANY = 20_000  # fewer are not worth an import
MOST = 1 << 62


@lru_cache(maxsize=1)
def _numpy() -> Any:
    """The module; None where it is not installed."""
    try:
        return importlib.import_module("numpy")
    except ImportError:
        return None


def windows(closes: array[int], period: int) -> array[int] | None:
    """The sum of each close and the `period` - 1 before it, or of as many as there are."""
    if len(closes) < max(MANY, period) or (np := _numpy()) is None:
        return None
    whole = np.frombuffer(closes, dtype=np.int64)
    if _largest(whole) * period >= MOST:
        return None
    sums = whole.cumsum()  # may pass 64 bits and come back: differences are exact all the same
    sums[period:] -= sums[:-period].copy()
    return _column(sums)


def flags(one: Sequence[int], times: int, other: Sequence[int], other_times: int) -> bytes | None:
    """For each place whether `one` times `times` is more than `other` times `other_times`: a byte, 1 or 0."""
    if not (isinstance(one, array) and isinstance(other, array)) or min(len(one), len(other)) < MANY:
        return None
    if (np := _numpy()) is None:
        return None
    size = min(len(one), len(other))
    mine, others = (np.frombuffer(column, dtype=np.int64)[:size] for column in (one, other))
    if max(_largest(mine) * times, _largest(others) * other_times) >= MOST:
        return None
    return (mine * times > others * other_times).tobytes()


def _largest(numbers: Any) -> int:
    return max(abs(int(numbers.max())), abs(int(numbers.min())))


def _column(numbers: Any) -> array[int]:
    made = array("q")
    made.frombytes(numbers.tobytes())
    return made

"""The market of the backtest figures: minute bars of a random walk in whole cents, the same for everybody.

Only the standard library: this file runs in every peer's own environment.
"""

from __future__ import annotations

import resource
from array import array
from random import Random

FAST, SLOW = 50, 200
START_US = 1_641_168_000_000_000  # 2022-01-03, midnight UTC
MINUTE_US = 60_000_000
FEE = "0.0001"  # a basis point of every trade's value


def columns(count: int) -> list[array[int]]:
    """Starts (microseconds since 1970), open, high, low, close (cents), volume (units)."""
    random = Random(7)  # noqa: S311 - the same walk every time
    found = [array("q") for _ in range(6)]
    price, gauss, draw = 10_000.0, random.gauss, random.random
    before = 10_000
    for number in range(count):
        price *= 1 + 0.0004 * gauss(0, 1)
        close = round(price)
        high, low = max(before, close) + int(3 * draw()), min(before, close) - int(3 * draw())
        row = (START_US + number * MINUTE_US, before, high, low, close, 100 + int(900 * draw()))
        for column, value in zip(found, row, strict=True):
            column.append(value)
        before = close
    return found


def peak_mb() -> float:
    """The most memory that this process ever had."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024

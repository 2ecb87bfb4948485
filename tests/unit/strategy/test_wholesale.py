"""Very many bars in one go give the numbers that they give one by one, or nothing."""

from __future__ import annotations

from array import array
from random import Random

import pytest

from floorbroker.strategy.bars import Columns, Track
from floorbroker.strategy.indicators import Average
from floorbroker.strategy.wholesale import MANY, flags, windows

pytest.importorskip("numpy", reason="the research extra is not installed")
RANDOM = Random(5)
CLOSES = array("q", [RANDOM.randint(-50_000, 50_000) for _ in range(MANY)])


def _track(closes: array[int]) -> Track:
    columns = Columns("SPY", price_decimals=2, size_decimals=0)
    columns.close = closes
    return Track(columns)


@pytest.mark.parametrize("period", [1, 7, 200, MANY - 1, MANY])
def test_sums_are_those_of_one_bar_after_the_other(period: int) -> None:
    few = Average(_track(CLOSES[: MANY - 1]), period)  # too few for the short way
    found = windows(CLOSES, period)
    assert found is not None
    assert found[:-1] == few.kept
    assert found[-1] == sum(CLOSES[-period:])
    assert Average(_track(CLOSES), period).kept == found


def test_flags_are_those_of_one_bar_after_the_other() -> None:
    fast, slow = (Average(_track(CLOSES), period) for period in (3, 11))
    found = flags(fast.kept, 11, slow.kept, 3)
    assert found is not None
    assert list(found) == [11 * one > 3 * other for one, other in zip(fast.kept, slow.kept, strict=True)]


def test_what_64_bits_may_not_hold_is_left_to_whole_numbers() -> None:
    large = array("q", [1 << 60] * MANY)
    assert windows(large, 4) is None
    assert flags(large, 4, large, 1) is None
    assert windows(CLOSES[: MANY - 1], 3) is None

"""Training and testing apart in time: walk-forward folds, purged and embargoed.

A label of a day looks `horizon` sessions ahead.  A training day whose label reaches into the test days has seen them, so it is
purged; `embargo` sessions more are left out between the two, since features of neighbouring days are nearly the same.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.domain.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Fold:
    """Places of days, ends left out: train on `train`, test on `test`."""

    train: tuple[int, int]
    test: tuple[int, int]


class Leaks(ValueError):
    """A fold trains on what it is tested on."""


def walk_forward(count: int, *, folds: int, horizon: int, embargo: int, least: int) -> list[Fold]:
    """Folds that go forward; each trains on everything before its gap, at least `least` days.

    Raises `InvalidRequest` where there are too few days for that.
    """
    gap = horizon + embargo
    usable = count - horizon  # the last days have no label yet
    room = usable - least - gap
    if folds < 1 or room < folds:
        raise InvalidRequest(
            f"{count} sessions are too few for {folds} folds with a horizon of {horizon}, an embargo of {embargo} and "
            f"{least} sessions to learn from: take an earlier start, or fewer folds"
        )
    size = room // folds
    found: list[Fold] = []
    for number in range(folds):
        start = usable - size * (folds - number)
        found.append(Fold(train=(0, start - gap), test=(start, start + size)))
    for fold in found:
        check(fold, horizon=horizon, embargo=embargo)
    return found


def check(fold: Fold, *, horizon: int, embargo: int) -> None:
    """Raises `Leaks` for a fold whose training labels or embargo touch its test days."""
    last_seen = fold.train[1] - 1 + horizon
    if fold.train[1] > fold.train[0] and last_seen + embargo >= fold.test[0]:
        raise Leaks(
            f"training ends at {fold.train[1] - 1}, its labels at {last_seen}, and testing begins at {fold.test[0]}: "
            f"an embargo of {embargo} is not kept"
        )

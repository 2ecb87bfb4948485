"""What is called for often is done at its pace, and the last call is not lost."""

from __future__ import annotations

import pytest

from floorbroker.oms.paced import Paced


@pytest.mark.parametrize(("every_s", "times"), [(0.0, 30), (10.0, 3)])
def test_what_is_called_for_each_second_is_done_at_its_pace(every_s: float, times: int) -> None:
    paced, done = Paced(), 0
    for second in range(30):
        paced.call_for()
        done += paced.is_due(float(second), every_s=every_s)
    assert done == times


def test_the_last_call_is_answered_too_and_only_once() -> None:
    paced = Paced()
    paced.call_for()
    assert paced.is_due(0.0, every_s=10.0)
    paced.call_for()
    assert [paced.is_due(float(second), every_s=10.0) for second in (1, 9, 10, 11, 30)] == [
        False,
        False,
        True,
        False,
        False,
    ]


def test_nothing_is_done_that_nobody_called_for() -> None:
    assert not Paced().is_due(5.0, every_s=0.0)


def test_what_was_done_long_ago_needs_no_call() -> None:
    paced = Paced()
    done = [second for second in range(100) if paced.is_due(float(second), every_s=10.0, longest_s=30.0)]
    assert done == [0, 30, 60, 90]


def test_what_was_done_need_not_be_done_before_its_longest_time_has_passed() -> None:
    paced = Paced()
    paced.did(10.0)
    assert not paced.is_due(39.0, every_s=5.0, longest_s=30.0)
    paced.call_for()
    assert paced.is_due(39.5, every_s=5.0, longest_s=30.0)
    assert not paced.is_due(60.0, every_s=5.0, longest_s=30.0)
    assert paced.is_due(70.0, every_s=5.0, longest_s=30.0)

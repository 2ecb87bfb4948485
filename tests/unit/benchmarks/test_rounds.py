"""The arithmetic of figures and the line they print."""

from __future__ import annotations

import json

import pytest
from benchmarks.rounds import Figure, Goal

MEMBERS = ["bench", "ours", "peer", "peer_name", "unit", "ratio", "spread", "goal", "holds"]


def figure(**changes: object) -> Figure:
    given: dict[str, object] = {
        "bench": "b", "ours": [1.0, 2.0, 9.0], "peer": [2.0, 2.0, 3.0], "peer_name": "p", "unit": "ms p50", "goal": Goal(1.0)
    }  # fmt: skip
    return Figure(**(given | changes))  # type: ignore[arg-type]


def test_a_line_has_its_members_in_order_and_extras_behind() -> None:
    line = json.loads(figure(extra={"loop": "uvloop"}).line())
    assert list(line)[: len(MEMBERS)] == MEMBERS
    assert list(line)[len(MEMBERS) :] == ["rounds", "loop"]
    assert line["ours"] == 2.0
    assert line["peer"] == 2.0
    assert line["goal"] == "<= 1"


def test_the_ratio_is_the_median_of_the_rounds_own_ratios_and_not_of_medians() -> None:
    line = json.loads(figure(ours=[1.0, 10.0, 30.0], peer=[10.0, 10.0, 10.0]).line())
    assert (line["ratio"], line["spread"]) == (1.0, [0.1, 3.0])
    line = json.loads(figure(ours=[1.0, 4.0, 9.0], peer=[4.0, 1.0, 18.0]).line())
    assert line["ratio"] == 0.5


@pytest.mark.parametrize(
    ("goal", "holds"),
    [
        (Goal(1.0), True),
        (Goal(0.99), False),
        (Goal(1.0, at_least=True), True),
        (Goal(1.01, at_least=True), False),
        (Goal(2.0, unit="ms"), True),
        (Goal(1.9, unit="ms"), False),
    ],
)
def test_a_goal_bounds_the_ratio_or_our_own_value_from_either_side(goal: Goal, holds: bool) -> None:
    assert figure(goal=goal).holds is holds
    assert json.loads(figure(goal=goal).line())["holds"] is holds


def test_a_wish_is_told_and_does_not_decide() -> None:
    wished = figure(goal=Goal(1.0), beyond=Goal(0.4))
    line = json.loads(wished.line())
    assert (wished.holds, line["beyond"], line["beyond_holds"]) == (True, "<= 0.4", False)


def test_what_is_not_judged_neither_holds_nor_fails() -> None:
    line = json.loads(figure(goal=None, peer=()).line())
    assert (line["goal"], line["holds"], line["ratio"], line["peer"]) == (None, None, None, None)
    assert line["spread"] == [1.0, 9.0]


def test_rounds_that_do_not_pair_up_are_an_error() -> None:
    with pytest.raises(ValueError, match="shorter"):
        figure(peer=[1.0]).line()

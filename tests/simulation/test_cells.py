"""The table of cells is whole, and says what is missing and what cannot be."""

from __future__ import annotations

from collections import Counter

import pytest

from floorbroker.domain.facts import FACTS
from floorbroker.domain.steps import STEPS
from tests.simulation.cells import (
    ABSENT_AT,
    MANY,
    MUST_AT,
    NEVER,
    ROWS,
    fate_of,
    misjudged,
    reachable,
    table,
    unvisited,
)
from tests.simulation.coverage import KINDS, STATES
from tests.simulation.footsteps import MEETS, NEVER_REACHED, unmet
from tests.simulation.visits import JUDGED, lacks, page, share
from tests.simulation.worlds import ALL

ALL_OF_IT = dict.fromkeys(reachable(), 1)
EVERYWHERE = {(venue, *cell): 1 for venue in JUDGED for cell in reachable(venue)}
REACHED = {step: 1 for step in STEPS if step not in NEVER_REACHED}
MET = {(kind, step): 1 for kind, steps in MEETS.items() for step in steps}


def test_every_kind_of_fact_has_its_row_and_every_cell_that_cannot_be_its_reason() -> None:
    assert set(ROWS) == set(FACTS)
    for kind, row in ROWS.items():
        named = [*row.must.split(), *row.may.split()]
        assert set(named) <= set(STATES), kind
        assert len(set(named)) == len(named), kind
    assert all(why for state in STATES for kind in KINDS for fate, why in [fate_of(state, kind)] if fate == NEVER)


def test_a_run_that_visits_all_of_it_lacks_nothing() -> None:
    assert lacks(EVERYWHERE, REACHED, MET, schedules={ALL: MANY}, orders=1) == []
    assert share(EVERYWHERE) == f"{len(EVERYWHERE)}/{len(EVERYWHERE)}"


@pytest.mark.parametrize("venue", sorted(MUST_AT))
def test_what_is_said_of_another_venue_is_whole(venue: str) -> None:
    assert set(MUST_AT[venue]) <= set(ROWS)
    assert not set(MUST_AT[venue]) & set(ABSENT_AT[venue])
    for kind, must in MUST_AT[venue].items():
        assert set(must.split()) <= {*ROWS[kind].must.split(), *ROWS[kind].may.split()}, kind
    assert all(fate_of(state, kind, venue)[1] for state in STATES for kind in ABSENT_AT[venue])
    (told,) = lacks({**EVERYWHERE, (venue, "working", "exec"): 0}, REACHED, MET, schedules={venue: MANY}, orders=1)
    assert venue in told


@pytest.mark.parametrize("cell", [("working", "done_for_day"), ("held", "expired"), ("working", "unrecognised")])
def test_a_cell_that_must_be_visited_and_was_not_is_told(cell: tuple[str, str]) -> None:
    (told,) = unvisited({**ALL_OF_IT, cell: 0})
    assert cell[0] in told
    assert cell[1] in told


def test_a_cell_that_cannot_be_visited_and_was_is_told_whatever_the_size_of_the_run() -> None:
    assert misjudged(ALL_OF_IT) == []
    (told,) = lacks({("alpaca", "not_sent", "exec"): 1}, {}, {}, schedules={ALL: 10}, orders=1)
    assert "what never left is never heard of" in told


def test_schedules_without_a_single_order_prove_nothing() -> None:
    assert lacks({}, {}, {}, schedules={"kraken": 10}, orders=0) == ["no order was placed at all"]


def test_a_step_that_nothing_struck_is_told() -> None:
    assert unmet(REACHED, {**MET, ("kill", "submit.S7"): 0}) == ["no kill struck at submit.S7"]
    assert unmet({**REACHED, "submit.S7": 0}, MET) == ["submit.S7 was never reached"]
    assert len(unmet({**REACHED, "recon.adjust": 1}, MET)) == 1


def test_the_page_shows_what_must_be_what_may_be_and_what_cannot_be() -> None:
    row = next(line for line in table({("sending", "reject"): 1200}).splitlines() if line.startswith("| `reject`"))
    assert row.split("|")[4:6] == [" **1,200** ", " 0 "]
    assert row.count("–") == len(STATES) - 2
    whole = page({}, Counter(), {}, {}, run="no schedules")
    assert "How often no schedules of the" in whole

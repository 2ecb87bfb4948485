"""What comes back does not depend on how many worker processes there are, and says where the orders have been."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from floorbroker.domain.steps import STEPS
from tests.simulation.cells import table
from tests.simulation.coverage import STATES, at_venue, visited
from tests.simulation.fleet import Played, play_all
from tests.simulation.footsteps import KILL, START, steps_table
from tests.simulation.plan import plan_of
from tests.simulation.run import run


def _bare(played: Played) -> Played:
    return replace(played, cpu_s=0.0)


def test_the_number_of_workers_changes_nothing() -> None:
    alone = [_bare(played) for played in play_all(range(1, 16), jobs=1, fingerprint=True)]
    together = [_bare(played) for played in play_all(range(1, 16), jobs=3, fingerprint=True)]
    assert alone == together
    assert [played.seed for played in together] == list(range(1, 16))
    assert all(played.digest for played in together)


def test_cells_are_counted_from_what_is_durable() -> None:
    plan = plan_of(7)
    cells = at_venue(run(plan).cells, plan.venue)
    assert cells["nothing", "prepared"] > 0
    assert cells["prepared", "sending"] == cells["nothing", "prepared"]
    assert {state for state, _ in cells} <= set(STATES)
    assert str(cells["prepared", "sending"]) in table(cells)
    assert visited([]) == Counter()


def test_where_a_desk_was_is_counted_when_something_strikes() -> None:
    met, reached = Counter[tuple[str, str]](), Counter[str]()
    for seed in range(1, 31):
        report = run(plan_of(seed))
        met.update(report.footsteps.met)
        reached.update(report.footsteps.reached)
        assert sum(n for (what, _), n in report.footsteps.met.items() if what == KILL) == report.kills
    assert {f"submit.S{number}" for number in range(13)} <= set(reached) <= set(STEPS)
    assert {what for what, _ in met} >= {KILL, "order", "read", "stream"}
    assert {step for _, step in met} <= {START, *STEPS}
    assert f"| `submit.S8` | {reached['submit.S8']} |" in steps_table(reached, met)

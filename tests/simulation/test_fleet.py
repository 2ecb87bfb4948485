"""What comes back does not depend on how many worker processes there are, and says where the orders have been."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from tests.simulation.coverage import STATES, table, visited
from tests.simulation.fleet import Played, play_all
from tests.simulation.plan import plan_of
from tests.simulation.run import run


def _bare(played: Played) -> Played:
    return replace(played, cpu_s=0.0)


def test_the_number_of_workers_changes_nothing() -> None:
    alone = [_bare(played) for played in play_all(range(1, 45), jobs=1, fingerprint=True)]
    together = [_bare(played) for played in play_all(range(1, 45), jobs=3, fingerprint=True)]
    assert alone == together
    assert [played.seed for played in together] == list(range(1, 45))
    assert all(played.digest for played in together)


def test_cells_are_counted_from_what_is_durable() -> None:
    report = run(plan_of(7))
    assert report.cells["nothing", "prepared"] > 0
    assert report.cells["prepared", "sending"] == report.cells["nothing", "prepared"]
    assert {state for state, _ in report.cells} <= set(STATES)
    assert str(report.cells["prepared", "sending"]) in table(report.cells)
    assert visited([]) == Counter()

"""The page of the docs that says what a run of schedules visited, and what it could not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.simulation import cells
from tests.simulation.coverage import Cell, faults_table
from tests.simulation.footsteps import NEVER_REACHED, steps_table, unmet

BANNER = "<!-- Written from a run. Write it anew: make sim SCHEDULES=6000 SEED=20001 PAGE=docs/reference/visited.md -->"


FEW = 5  # so many schedules place an order between them


def lacks(
    visited: Mapping[Cell, int],
    reached: Mapping[str, int],
    met: Mapping[tuple[str, str], int],
    *,
    schedules: int,
    played: int,
    orders: int,
) -> list[str]:
    """What is wrong with a run's coverage: of a small run only what cannot be, of a large one also what is missing.

    `schedules` are those whose cells are counted, out of all that were `played`.  Those in which nobody got an order
    through prove nothing, however clean they are.
    """
    found = cells.misjudged(visited)
    if played >= FEW and not orders:
        found = [*found, "no order was placed at all"]
    return found if schedules < cells.MANY else [*found, *cells.unvisited(visited), *unmet(reached, met)]


def page(
    visited: Mapping[Cell, int],
    struck: Counter[tuple[str, str]],
    reached: Mapping[str, int],
    met: Mapping[tuple[str, str], int],
    *,
    run: str,
) -> str:
    """The whole page."""
    lines = [
        BANNER,
        "",
        "# What the schedules visit",
        "",
        f"How often {run} of the [simulation](../contribute/simulation.md) visited each cell, struck with each fault, and",
        "reached each named step.",
        "",
        "## A state and a fact",
        "",
        "A row a kind of fact, a column the state an order was in when it learned it. **Bold** must be visited: a run of",
        f"{cells.MANY:,} schedules or more fails where it is 0. Plain may be. A dash cannot be: a run fails where it was.",
        "",
        cells.table(visited),
        "",
        "In some states an order learns nothing that a venue tells:",
        "",
        *cells.reasons(),
        "",
        "## Faults",
        "",
        "What each of them does stands in `tests/simulation/weather.py`.",
        "",
        faults_table(struck),
        "",
        "## A step and a fault",
        "",
        "How often a [named step](steps.md) was reached, and what struck right after it. A life of the desk must end at every",
        "one of them; of the others, `tests/simulation/footsteps.py` says what must meet where.",
        "",
        steps_table(reached, met),
        "",
        *(f"- `{step}` is never reached: {why}." for step, why in NEVER_REACHED.items()),
    ]
    return "\n".join([*lines, ""])

"""The page of the docs that says what a run of schedules visited, and what it could not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from tests.simulation import cells
from tests.simulation.coverage import at_venue, faults_table
from tests.simulation.footsteps import NEVER_REACHED, steps_table, unmet
from tests.simulation.worlds import ALL

BANNER = "<!-- Written from a run. Write it anew: make sim SCHEDULES=6000 SEED=20001 PAGE=docs/reference/visited.md -->"


JUDGED = (cells.ALPACA, *cells.MUST_AT)
FEW = 5  # so many schedules place an order between them


def lacks(
    visited: Mapping[tuple[str, str, str], int],
    reached: Mapping[str, int],
    met: Mapping[tuple[str, str], int],
    *,
    schedules: Mapping[str, int],
    orders: int,
) -> list[str]:
    """What is wrong with a run's coverage: of a small run only what cannot be, of a large one also what is missing.

    `schedules` counts those played at each venue, or at all of them.  Those in which nobody got an order through prove nothing,
    however clean they are.
    """
    found = [text for venue in JUDGED for text in cells.misjudged(at_venue(visited, venue), venue)]
    if sum(schedules.values()) >= FEW and not orders:
        found = [*found, "no order was placed at all"]
    for venue in JUDGED:
        if schedules.get(venue, 0) + schedules.get(ALL, 0) >= cells.MANY:
            found += cells.unvisited(at_venue(visited, venue), venue)
    if schedules.get(cells.ALPACA, 0) + schedules.get(ALL, 0) >= cells.MANY:
        found += unmet(reached, met)
    return found


def share(visited: Mapping[tuple[str, str, str], int]) -> str:
    """How many of the cells that must be visited were."""
    must = {(venue, *cell) for venue in JUDGED for cell in cells.reachable(venue)}
    return f"{sum(1 for cell in must if visited.get(cell))}/{len(must)}"


def page(
    visited: Mapping[tuple[str, str, str], int],
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
        f"{cells.MANY:,} schedules or more at a venue fails where it is 0. Plain may be. A dash cannot be: a run fails where it",
        "was.",
        "",
        *(
            line
            for venue in JUDGED
            for line in (f"### At {venue}", "", cells.table(at_venue(visited, venue), venue), "")
        ),
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

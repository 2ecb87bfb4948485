"""Every planted bug, layer by layer."""

from __future__ import annotations

from tests.simulation.teeth import (
    agreeing,
    bots,
    changing,
    desks,
    doubt,
    elsewhere,
    executions,
    journal,
    reading,
    stopping,
    submitting,
    transport,
    troubles,
)
from tests.simulation.teeth.bug import Bug

LAYERS = (
    transport,
    submitting,
    journal,
    doubt,
    executions,
    reading,
    agreeing,
    changing,
    stopping,
    troubles,
    desks,
    elsewhere,
    bots,
)
CATALOGUE: tuple[Bug, ...] = tuple(bug for layer in LAYERS for bug in layer.BUGS)
BY_NAME: dict[str, Bug] = {bug.name: bug for bug in CATALOGUE}
RARE: dict[str, Bug] = {  # those that kept plans alone show
    bug.name: bug for layer in (executions, submitting, changing, stopping, troubles, elsewhere) for bug in layer.RARE
}

"""What the schedules have visited: a cell is the state an order was in and the kind of fact that it then learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from floorbroker.domain.facts import FACTS
from floorbroker.domain.orders import OrderState
from floorbroker.oms.book import Change

Cell = tuple[str, str]
NOTHING = "nothing"  # the state before the founding fact
STATES = (NOTHING, *(state.value for state in OrderState))
KINDS = tuple(sorted(FACTS))


def cell_of(change: Change) -> Cell | None:
    """The cell that one committed record visits."""
    fact = getattr(change.record.entry, "fact", None)
    if fact is None:
        return None
    return (NOTHING if change.before is None else change.before.state.value, fact.kind)


def table(visited: Mapping[Cell, int]) -> str:
    """The counts as a Markdown table, a row a fact and a column a state; empty where nothing was seen."""
    head = "| fact | " + " | ".join(STATES) + " |\n|---|" + "--:|" * len(STATES)
    rows = [
        f"| `{kind}` | " + " | ".join(str(visited.get((state, kind), "")) for state in STATES) + " |" for kind in KINDS
    ]
    return "\n".join([head, *rows])


def faults_table(struck: Counter[tuple[str, str]]) -> str:
    """How often each fault struck, as a Markdown table."""
    rows = [f"| `{where}.{what}` | {count} |" for (where, what), count in sorted(struck.items())]
    return "\n".join(["| fault | struck |", "|---|--:|", *rows])

"""What the schedules have visited: a cell is the state an order was in and the kind of fact that it then learned."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping

from floorbroker.domain.facts import FACTS
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.orders import OrderState
from floorbroker.domain.ports import FactEntry, Record
from floorbroker.domain.values import IntentId

Cell = tuple[str, str]
NOTHING = "nothing"  # the state before the founding fact
STATES = (NOTHING, *(state.value for state in OrderState))
KINDS = tuple(sorted(FACTS))


def visited(records: Iterable[Record]) -> Counter[Cell]:
    """The cells that a journal's facts visit, each joined to what its order knew by then."""
    folds: dict[IntentId, OrderFold] = {}
    cells = Counter[Cell]()
    for record in records:
        entry = record.entry
        if isinstance(entry, FactEntry):
            fold = folds.setdefault(entry.intent_id, OrderFold(entry.intent_id))
            cells[fold.view().state.value if fold.is_founded else NOTHING, entry.fact.kind] += 1
            fold.add(entry.fact)
    return cells


def at_venue(cells: Mapping[tuple[str, str, str], int], venue: str) -> Counter[Cell]:
    """Those of one venue."""
    return Counter({(state, kind): count for (name, state, kind), count in cells.items() if name == venue})


def faults_table(struck: Counter[tuple[str, str]]) -> str:
    """How often each fault struck, as a Markdown table."""
    rows = [f"| `{where}.{what}` | {count} |" for (where, what), count in sorted(struck.items())]
    return "\n".join(["| fault | struck |", "|---|--:|", *rows])

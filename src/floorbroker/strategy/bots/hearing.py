"""Which units of an order a strategy was not told of yet.

Executions come in any order, and a reported total stands in for real ones until they are listed.  So what was told is kept by the
id of each execution, never as a number of them; units of a stand-in that gave way pay for the real ones that took its place.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from floorbroker.domain.orders import Execution
from floorbroker.domain.values import ZERO, Quantity
from floorbroker.strategy.bots.state import Heard, Told


def hear(heard: Heard, executions: Sequence[Execution]) -> tuple[Execution, Quantity] | None:
    """The next execution that is to be told, with its units that were not told yet; None when all were.

    It counts as told from here on.  An execution that was corrected or taken back later is not told again.
    """
    live: dict[str, Decimal] = {execution.exec_id: execution.last_qty for execution in executions}
    for execution in executions:
        if execution.exec_id in heard:
            continue
        fresh = execution.last_qty - _paid(heard, live, execution.last_qty)
        heard[execution.exec_id] = Told(execution.last_qty, execution.synthetic)
        if fresh > 0:
            return execution, Quantity(fresh)
    return None


def _paid(heard: Heard, live: dict[str, Decimal], units: Decimal) -> Decimal:
    """How many of these units were told when something stood in for them; nobody is paid twice."""
    paid = ZERO
    for exec_id, told in heard.items():
        if told.stands_in and (spare := told.qty - live.get(exec_id, ZERO)) > 0:
            took = min(spare, units - paid)
            told.qty -= took
            paid += took
    return paid

"""What happens without a request: triggers that prices set off, orders that start and expire, the dead man's switch."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from floorbroker_sim.kraken.rest import working

if TYPE_CHECKING:
    from floorbroker_sim.kraken.rest.state import State

DEAD_MAN = "Cancel all orders after timeout"


def watch(state: State, symbol: str) -> None:
    """Show the price of `symbol` to the orders that wait for it, oldest first."""
    for record in state.open_on(symbol):
        if record.status == "open" and record.waits:
            working.fire_if_due(state, record, state.clock.now())


def pass_time(state: State, at: datetime) -> None:
    """Everything that was due by `at`."""
    if state.dead_man is not None and state.dead_man <= at:
        state.dead_man = None
        for record in list(state.open.values()):
            if record.is_open:
                working.cancel(state, record, reason=DEAD_MAN, at=at)
    for record in list(state.open.values()):
        if record.is_open and record.wish.expire is not None and record.wish.expire <= at:
            working.cancel(state, record, reason=working.EXPIRED, at=at)
        elif record.status == "pending" and record.wish.start is not None and record.wish.start <= at:
            working.start(state, record, at)

"""The account's transactions as they are written, before the answer to whoever caused them.

https://developer.oanda.com/rest-live-v20/transaction-ep/
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from floorbroker_sim.oanda.rest.log import Entry
from floorbroker_sim.oanda.stream.lines import Lines

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


class TransactionStream(Lines):
    """One client of the transaction stream."""

    def __init__(self, state: State, *, unix: bool) -> None:
        log = state.log
        super().__init__(
            state, unix=unix, beat=lambda at: {"type": "HEARTBEAT", "lastTransactionID": log.last_id, "time": at}
        )
        self._log = log
        log.listeners.append(self._on_entry)

    def closed(self) -> None:
        """The client is gone."""
        if self._on_entry in self._log.listeners:
            self._log.listeners.remove(self._on_entry)

    def _on_entry(self, entry: Entry) -> None:
        self.say(entry)

"""The transactions of an account: every change of it, numbered without gaps.  State is their fold."""

from __future__ import annotations

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeVar

from floorbroker.domain.clock import Clock
from floorbroker_sim.oanda import wire
from floorbroker_sim.oanda.auth import Keys

Entry = wire.Transaction | wire.OrderTransaction
EntryT = TypeVar("EntryT", bound=Entry)
Listener = Callable[[Entry], None]


class Log:
    """Written in batches: what one request or one move of prices caused has one batch id, the id of its first transaction."""

    def __init__(self, keys: Keys, clock: Clock) -> None:
        self._keys = keys
        self._clock = clock
        self.entries: list[Entry] = []
        self._batch: list[str] | None = None
        self._request: str | None = None
        self.listeners: list[Listener] = []

    def clear(self) -> None:
        """Forget everything; who listens goes on listening."""
        self.entries.clear()

    @property
    def last_id(self) -> str:
        return str(len(self.entries))

    @property
    def next_id(self) -> str:
        """The id the next transaction will have."""
        return str(len(self.entries) + 1)

    @contextmanager
    def batch(self, request_id: str | None = None) -> Generator[list[str]]:
        """What is written inside belongs together; the list grows by each id.  A batch within a batch is the same one."""
        if self._batch is not None:
            yield self._batch
            return
        self._batch, self._request = [], request_id
        try:
            yield self._batch
        finally:
            self._batch = self._request = None

    def write(self, make: Callable[..., EntryT], **members: object) -> EntryT:
        """Add a transaction.  Outside a batch it is one of its own."""
        number = self.next_id
        entry = make(
            id=number, time=self._clock.now(), user_id=self._keys.user, account_id=self._keys.account,
            batch_id=self._batch[0] if self._batch else number, request_id=self._request, **members,
        )  # fmt: skip
        self.entries.append(entry)
        if self._batch is not None:
            self._batch.append(number)
        for listener in tuple(self.listeners):
            listener(entry)
        return entry

    def find(self, number: str) -> Entry | None:
        """A transaction by its id."""
        if not (number.isascii() and number.isdigit()) or len(number) > 18 or not 0 < int(number) <= len(self.entries):
            return None
        return self.entries[int(number) - 1]

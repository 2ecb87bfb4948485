"""Which intents took the place of which: an index over the links that the journal holds, few beside all orders."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from floorbroker.domain.ports import NoteEntry
from floorbroker.domain.values import IntentId


@dataclass(slots=True)
class Links:
    """Both ways between an intent that was proven dead and the new one that took its place."""

    _onward: dict[IntentId, IntentId] = field(default_factory=dict[IntentId, IntentId])
    _back: dict[IntentId, IntentId] = field(default_factory=dict[IntentId, IntentId])

    def take(self, note: NoteEntry) -> None:
        """One durable link."""
        self.put(IntentId(note.data["from"]), IntentId(note.data["to"]))

    def put(self, old: IntentId, new: IntentId) -> None:
        self._onward[old] = new
        self._back[new] = old

    def drop(self, old: IntentId, new: IntentId) -> None:
        """A link that never became durable."""
        if self._onward.get(old) == new:
            del self._onward[old], self._back[new]

    def moved_to(self, intent_id: IntentId) -> IntentId | None:
        """The intent that took its place."""
        return self._onward.get(intent_id)

    def moved_from(self, intent_id: IntentId) -> IntentId | None:
        """The intent whose place it took."""
        return self._back.get(intent_id)

    def last(self, intent_id: IntentId) -> IntentId:
        """Where a journey has ended so far."""
        while (onward := self._onward.get(intent_id)) is not None:
            intent_id = onward
        return intent_id

    def first(self, intent_id: IntentId) -> IntentId:
        """Where a journey began."""
        while (back := self._back.get(intent_id)) is not None:
            intent_id = back
        return intent_id

    def before(self, intent_id: IntentId) -> Iterator[IntentId]:
        """The intents that were tried before it, the newest first."""
        while (back := self._back.get(intent_id)) is not None:
            yield back
            intent_id = back

    def __bool__(self) -> bool:
        return bool(self._onward)

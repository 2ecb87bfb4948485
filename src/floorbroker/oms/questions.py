"""What was asked about each order in doubt, and how that was answered: the evidence that people look at.

Kept for this process alone, and bounded: the count of negatives that ends a doubt begins anew with each process too.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from datetime import datetime

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import IntentId, Word

KEPT = 40  # of one order
ORDERS_MAX = 1000


class Asked(Word):
    """One source of a venue that may know an order."""

    BY_ID = "order by our id"
    OPEN = "open orders"
    HISTORY = "order history"
    FILLS = "executions"


@frozen
class Question:
    """One question: when our wall clock asked it, whether the answer was complete, and whether it knew the order.

    `trouble` is why an answer was not complete; nothing follows from such a one (I9).
    """

    at: datetime
    source: Asked
    complete: bool
    found: bool = False
    trouble: str = ""


@dataclass(slots=True)
class Questions:
    """The latest questions about each order, oldest first."""

    _kept: dict[IntentId, deque[Question]] = field(default_factory=dict[IntentId, "deque[Question]"])

    def note(self, intent_id: IntentId, question: Question) -> None:
        kept = self._kept.setdefault(intent_id, deque(maxlen=KEPT))
        kept.append(question)
        if len(self._kept) > ORDERS_MAX:
            del self._kept[next(iter(self._kept))]

    def is_denied(self, intent_id: IntentId, *, after: datetime) -> bool:
        """Whether the venue, when it last answered for an order by name, did not know it; asked after a moment."""
        named = (one for one in reversed(self._kept.get(intent_id, ())) if one.source is Asked.BY_ID and one.complete)
        last = next(named, None)
        return last is not None and not last.found and last.at > after

    def about(self, intent_id: IntentId) -> tuple[Question, ...]:
        return tuple(self._kept.get(intent_id, ()))

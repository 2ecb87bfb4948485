"""What a try of a delivery came to, when the next one is due, and when it is given up.  Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from floorbroker.domain.frozen import frozen
from floorbroker.hooks.records import Delivery, State
from floorbroker.transport.backoff import Backoff

TRIES = 12
BACKOFF = Backoff(base_s=10.0, cap_s=3600.0)
LEAST_S = 2.0
GONE = 410  # the receiver says that it never wants to hear of this again
_TROUBLE_MAX = 200


@frozen
class Attempt:
    """One try: the status of the answer, or the trouble that stood in its place."""

    status: int | None = None
    trouble: str = ""
    after_s: float = 0.0  # as the receiver asked

    @property
    def is_taken(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def tried(delivery: Delivery, attempt: Attempt, *, now: datetime, random: Random) -> Delivery:
    """The delivery after one more try."""
    attempts, trouble = delivery.attempts + 1, attempt.trouble[:_TROUBLE_MAX]
    seen = replace(delivery, attempts=attempts, status=attempt.status, trouble=trouble)
    if attempt.is_taken:
        return replace(seen, state=State.DELIVERED, ended_at=now, trouble="")
    if attempts >= TRIES or attempt.status == GONE:
        return replace(seen, state=State.DEAD, ended_at=now)
    wait_s = max(LEAST_S, BACKOFF.delay_s(attempts - 1, random), min(attempt.after_s, BACKOFF.cap_s))
    return replace(seen, due_at=now + timedelta(seconds=wait_s))


def tried_together(batch: Sequence[Delivery], attempt: Attempt, *, now: datetime, random: Random) -> list[Delivery]:
    """The deliveries of one message after one more try; those that wait stay one message, and leave when the first may."""
    done = [tried(delivery, attempt, now=now, random=random) for delivery in batch]
    first = min((delivery.due_at for delivery in done if delivery.state is State.WAITING), default=now)
    return [replace(each, due_at=first) if each.state is State.WAITING else each for each in done]


def revived(delivery: Delivery, *, now: datetime) -> Delivery:
    """A dead letter that a person sends once more, with all its tries."""
    return replace(delivery, state=State.WAITING, attempts=0, due_at=now, ended_at=None)

"""Orders of ours that a restored journal does not know: sent after the copy it came from, and still at the venue.

A client id that carries our tag, of a time before the restoration, in no record: nothing of it can be on its way any more, since
this process has sent nothing yet that is older.  So the order is taken in under the id it was made with, and is ours.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from floorbroker.domain import facts as f
from floorbroker.domain.ids import made_at, tag_of
from floorbroker.domain.ports import Journal
from floorbroker.domain.values import IntentId

RESTORED = "journal.restored"
"""The topic of the note that a restoration leaves in the journal."""


def restored_at(journal: Journal) -> datetime | None:
    """When this journal was last put back from a copy (UTC); None where it never was."""
    return max((record.at for record in journal.notes(RESTORED, newest=True)), default=None)


def is_lost(intent_id: IntentId, *, tag: int, restored: datetime | None) -> bool:
    """Whether an id of ours that no record knows was made before the restoration."""
    made = made_at(intent_id)
    return restored is not None and made is not None and tag_of(intent_id) == tag and made < restored


def found_again(founding: f.Adopted) -> f.Adopted:
    """The founding fact of a lost order: ours, and said to be what it is."""
    return replace(
        founding, external=False, order=replace(founding.order, reason="found at the venue after a restoration")
    )

"""How many orders of a profile its journal holds open: for acts that no desk needs to run for."""

from __future__ import annotations

from floorbroker.app.home import Home
from floorbroker.domain.facts import Fact
from floorbroker.domain.fold import fold
from floorbroker.domain.ports import FactEntry, Profile
from floorbroker.domain.values import IntentId
from floorbroker.store import JournalReader

_FACTS = frozenset({"fact"})
_PAGE = 1000


def open_orders(home: Home, profile: Profile) -> int:
    """Those that are open or in doubt, by a whole reading of the journal.  Raises `JournalFault` when it cannot be read."""
    path = home.journal(profile.environment)
    if not path.exists():
        return 0
    reader, told = JournalReader(path), dict[IntentId, list[Fact]]()
    try:
        after = 0
        while page := reader.read(after=after, limit=_PAGE, kinds=_FACTS):
            for record in page:
                entry = record.entry
                if isinstance(entry, FactEntry) and entry.profile == profile.name:
                    told.setdefault(entry.intent_id, []).append(entry.fact)
            after = page[-1].seq
    finally:
        reader.close()
    return sum(fold(intent, facts).is_open for intent, facts in told.items())

"""The append-only journal, and the audit that leaves with it."""

from floorbroker.store.audit import audit_lines, audit_tail
from floorbroker.store.executors import CommitExecutor, InlineExecutor, ThreadExecutor
from floorbroker.store.export import digest, journal_lines
from floorbroker.store.reader import JournalReader
from floorbroker.store.reserve import Reserve
from floorbroker.store.sqlite import SqliteJournal
from floorbroker.store.unresolved import UnresolvedLog
from floorbroker.store.writer import StaleEpoch

__all__ = [
    "CommitExecutor",
    "InlineExecutor",
    "JournalReader",
    "Reserve",
    "SqliteJournal",
    "StaleEpoch",
    "ThreadExecutor",
    "UnresolvedLog",
    "audit_lines",
    "audit_tail",
    "digest",
    "journal_lines",
]

"""The append-only journal, its snapshots, and the audit that leaves with it."""

from floorbroker.store.executors import CommitExecutor, InlineExecutor, ThreadExecutor
from floorbroker.store.reader import JournalReader
from floorbroker.store.reserve import Reserve
from floorbroker.store.sqlite import SqliteJournal

__all__ = ["CommitExecutor", "InlineExecutor", "JournalReader", "Reserve", "SqliteJournal", "ThreadExecutor"]

"""What the database says, in our words."""

from __future__ import annotations

import sqlite3

from floorbroker.domain.errors import Conflict, FloorbrokerError, JournalFault

FULL = sqlite3.SQLITE_FULL
_FATAL = frozenset({sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_CLAIMS = {
    "records.intent_id": "this intent is already prepared",
    "client_ids.": "this client order id was already used",
    "keys.": "this idempotency key was already used",
}


def primary_code(error: sqlite3.Error) -> int:
    """The primary result code (the low byte of the extended one); 0 when the error did not come from the library."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF


def fault_of(error: sqlite3.Error) -> FloorbrokerError:
    """`Conflict` for a uniqueness rule, else a `JournalFault` that says whether the process must stop."""
    code = primary_code(error)
    if code == sqlite3.SQLITE_CONSTRAINT:
        return Conflict(_claim(str(error)))
    if code == FULL:
        return JournalFault("the journal's disk is full; new orders are refused until there is room")
    if code in _FATAL:
        return JournalFault(f"the journal's disk or file failed ({error}); the process must stop", fatal=True)
    return JournalFault(f"the journal cannot be used: {error}")


def _claim(text: str) -> str:
    return next((claim for table, claim in _CLAIMS.items() if f" {table}" in text), f"the journal refuses: {text}")

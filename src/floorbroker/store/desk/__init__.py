"""`desk.db`, the cold tables of a home: people, their sessions, tokens.  Nothing that trades waits for it.

What happened to orders is in the journal and never here; what is here may change and be deleted.  SQLAlchemy Core over
aiosqlite, one file for all environments, mode 0600, a millisecond a row: no hot path asks it.

A further table is one more migration, and three small steps:

1. Define it in `tables.py`, or in a file of its own beside it that is imported there, on `METADATA`, by `table(…)` with the
   columns of `columns.py` (times are `Moment`: aware datetimes in code, microseconds since 1970 in the file; every table is
   STRICT).  Name each constraint and index.
2. Write `migrations/versions/rNNNN_what.py` with `up` and `down` as plain SQL, its `down_revision` the newest there is, and set
   `HEAD` in `database.py` to its number.  A released migration is never edited.
3. `tests/unit/store/desk/test_desk_schema.py` says whether tables and migrations make the same database, up and down.

Then `async with desk.begin() as connection:` for changes, one transaction, and `async with desk.reading() as connection:`.
"""

from floorbroker.store.desk.columns import Moment
from floorbroker.store.desk.database import DeskDatabase
from floorbroker.store.desk.tables import METADATA, SESSIONS, TOKENS, USERS

__all__ = ["METADATA", "SESSIONS", "TOKENS", "USERS", "DeskDatabase", "Moment"]

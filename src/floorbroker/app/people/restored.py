"""People of a restored home: a copy lets nobody in whom the home it replaces had shut out."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path

from floorbroker.app.people.memory import Memory
from floorbroker.domain.errors import JournalFault
from floorbroker.store.copying import copy_database
from floorbroker.store.desk import DeskDatabase


async def settle(desk: Path, before: Path | None, *, now: datetime) -> int | None:
    """End every session of a restored `desk.db`; its users and tokens become what they were last in the one `before`.

    Who is gone there is disabled, and a token that is gone is revoked; what came after the copy does not come back.  How many
    that changed; None where there is nothing to compare with, or it cannot be read.  Raises `JournalFault` for the restored file.
    """
    store = DeskDatabase(desk)
    try:
        memory = Memory(store)
        await memory.load(now)
        await memory.drop_sessions([*memory.sessions.values()])
        last = None if before is None else await _last(before, now)
        return None if last is None else await _made_like(memory, last, now)
    finally:
        await store.close()


async def _last(before: Path, now: datetime) -> Memory | None:
    """Who belonged to the home before, read from a copy: what was set aside stays as it is."""
    with tempfile.TemporaryDirectory(prefix="floorbroker-") as scratch:
        store = DeskDatabase(Path(scratch) / before.name)
        try:
            copy_database(before, store.path)
            memory = Memory(store)
            await memory.load(now)
        except JournalFault:
            return None  # a broken home is what backups are for; the caller says that nobody could be compared
        else:
            return memory
        finally:
            await store.close()


async def _made_like(memory: Memory, last: Memory, now: datetime) -> int:
    users = [(user, last.users.get(user.id) or replace(user, disabled=True)) for user in memory.users.values()]
    for user, after in users:
        if after != user:
            await memory.put_user(after)
    tokens = [
        (token, last.tokens.get(token.digest) or replace(token, revoked_at=token.revoked_at or now))
        for token in memory.tokens.values()
    ]
    for token, after in tokens:
        if after != token:
            await memory.put_token(after)
    return sum(one != after for one, after in [*users, *tokens])

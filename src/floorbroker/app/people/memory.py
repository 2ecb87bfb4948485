"""All people of a home in memory: few, and asked at every request.  A change is durable before it is here."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from sqlalchemy import Table, delete, select, update
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.ext.asyncio import AsyncConnection

from floorbroker.app.people.rows import session_of, session_row, token_of, token_row, user_of, user_row
from floorbroker.people.records import Session, Token, User
from floorbroker.store.desk import SESSIONS, TOKENS, USERS, DeskDatabase


@dataclass(slots=True)
class Memory:
    """Users by id, sessions and tokens by digest.  `one` is held by whoever decides on what is here and then changes it."""

    store: DeskDatabase
    users: dict[str, User] = field(default_factory=dict[str, User])
    sessions: dict[str, Session] = field(default_factory=dict[str, Session])
    tokens: dict[str, Token] = field(default_factory=dict[str, Token])
    one: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self, now: datetime) -> None:
        """Read everything; sessions that are over are thrown away."""
        async with self.store.reading() as connection:
            users = (await connection.execute(select(USERS))).all()
            sessions = (await connection.execute(select(SESSIONS))).all()
            tokens = (await connection.execute(select(TOKENS))).all()
        self.users = {user.id: user for user in map(user_of, users)}
        self.sessions = {session.digest: session for session in map(session_of, sessions)}
        self.tokens = {token.digest: token for token in map(token_of, tokens)}
        await self.drop_sessions([session for session in self.sessions.values() if session.is_over(now)])

    def user_named(self, name: str) -> User | None:
        """By the name as it is typed."""
        wanted = name.strip().lower()
        return next((user for user in self.users.values() if user.name == wanted), None)

    def token_named(self, name: str) -> Token | None:
        """By name or id."""
        return next((token for token in self.tokens.values() if name in (token.id, token.name)), None)

    async def put_user(self, user: User) -> None:
        """Store a new user, or a changed one."""
        async with self.store.begin() as connection:
            await _put(connection, USERS, user_row(user))
        self.users[user.id] = user

    async def drop_user(self, user: User) -> None:
        """A user with all sessions and tokens."""
        async with self.store.begin() as connection:
            await connection.execute(delete(USERS).where(USERS.c.id == user.id))
        del self.users[user.id]
        self.sessions = {key: one for key, one in self.sessions.items() if one.user_id != user.id}
        self.tokens = {key: one for key, one in self.tokens.items() if one.user_id != user.id}

    async def put_session(self, session: Session) -> None:
        """Store a new session, or a changed one."""
        async with self.store.begin() as connection:
            await _put(connection, SESSIONS, session_row(session))
        self.sessions[session.digest] = session

    async def mark_session(self, session: Session, **marks: datetime) -> None:
        """Note when a session was used or proved.  One that ended meanwhile stays ended."""
        async with self.store.begin() as connection:
            await connection.execute(update(SESSIONS).where(SESSIONS.c.id == session.id).values(**marks))
        if (present := self.sessions.get(session.digest)) is not None:
            self.sessions[session.digest] = replace(present, **marks)

    async def mark_token(self, token: Token, used_at: datetime) -> None:
        """Note when a token was used.  One that was revoked meanwhile stays revoked."""
        async with self.store.begin() as connection:
            await connection.execute(update(TOKENS).where(TOKENS.c.id == token.id).values(used_at=used_at))
        if (present := self.tokens.get(token.digest)) is not None:
            self.tokens[token.digest] = replace(present, used_at=used_at)

    async def drop_sessions(self, sessions: Iterable[Session]) -> None:
        """End them."""
        gone = list(sessions)
        if not gone:
            return
        async with self.store.begin() as connection:
            await connection.execute(delete(SESSIONS).where(SESSIONS.c.id.in_([session.id for session in gone])))
        for session in gone:
            self.sessions.pop(session.digest, None)

    async def put_token(self, token: Token) -> None:
        """Store a new token, or a changed one."""
        async with self.store.begin() as connection:
            await _put(connection, TOKENS, token_row(token))
        self.tokens[token.digest] = token


async def _put(connection: AsyncConnection, table: Table, row: dict[str, Any]) -> None:
    changed = {name: value for name, value in row.items() if name != "id"}
    await connection.execute(insert(table).values(row).on_conflict_do_update(index_elements=["id"], set_=changed))

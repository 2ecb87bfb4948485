"""People for tests: a real `desk.db`, derivations that take no time, and an audit that is a list."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from floorbroker.app.acts import Acts
from floorbroker.app.home import Home
from floorbroker.app.people import NewUser, People, SignedIn
from floorbroker.app.trail import Trail
from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import AuditEntry, NoLog
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.people.identity import EVERYWHERE, Role
from floorbroker.people.passwords import Argon2
from floorbroker.people.records import User
from floorbroker.store.desk import DeskDatabase

WORDS = "vinegar lamp orbit moss"
FAST = Argon2(memory_kib=8, iterations=1)
OPERATOR = Caller(principal="operator", via="cli")
HERE = {"address": "192.0.2.7", "agent": "a test", "via": "page"}


@dataclass
class ListedJournal:
    """The part of a journal that audit rows go into."""

    rows: list[AuditEntry] = field(default_factory=list)

    async def commit(self, entries: Sequence[Any]) -> list[Any]:
        self.rows += [entry for entry in entries if isinstance(entry, AuditEntry)]
        return []

    def told(self) -> list[tuple[str, str, str, str]]:
        """Actor, action, object and outcome of each row."""
        return [(row.actor, row.action, row.object, row.outcome) for row in self.rows]


@dataclass
class Town:
    """People, and what was told of them."""

    people: People
    audit: ListedJournal

    async def add(self, name: str, role: Role = Role.ADMIN, environments: frozenset[Environment] = EVERYWHERE) -> User:
        """Somebody with the password `WORDS`."""
        new = NewUser(name=name, password=Secret(WORDS), role=role, environments=environments)
        return await self.people.members.add(new, caller=OPERATOR)

    async def sign_in(self, name: str, password: str = WORDS, code: str = "", **where: str) -> Any:
        """What comes of trying."""
        return await self.people.visits.sign_in(name, Secret(password), Secret(code), **(HERE | where))

    async def session(self, name: str, code: str = "") -> str:
        """The reference of a new session."""
        found = await self.sign_in(name, code=code)
        assert isinstance(found, SignedIn)
        return found.reference


@asynccontextmanager
async def town(folder: Path, clock: Clock) -> AsyncIterator[Town]:
    """People over a file in this folder; opened again, it remembers them."""
    audit = ListedJournal()
    journals: Any = {Environment.PAPER: audit}
    store = DeskDatabase(folder / "desk.db")
    trail = Trail(journals=journals, clock=clock, log=NoLog())
    acts = Acts(home=Home(folder), clock=clock, opened=journals)
    try:
        yield Town(await People.open(store, acts=acts, trail=trail, clock=clock, passwords=FAST), audit)
    finally:
        await store.close()

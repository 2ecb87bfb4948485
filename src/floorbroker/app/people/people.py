"""All that doors ask about people, wired together."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from floorbroker.app.acts import Acts
from floorbroker.app.people.members import Members
from floorbroker.app.people.memory import Memory
from floorbroker.app.people.passes import Passes
from floorbroker.app.people.visits import Visits
from floorbroker.app.trail import Trail
from floorbroker.domain.clock import Clock
from floorbroker.people.brake import Brake
from floorbroker.people.identity import Identity, Kind
from floorbroker.people.passwords import Argon2, Passwords
from floorbroker.people.records import User
from floorbroker.store.desk import DeskDatabase


@dataclass(slots=True)
class People:
    """Users, sessions and tokens of a home.  `open` reads them; before that there are none."""

    memory: Memory
    members: Members
    visits: Visits
    passes: Passes
    on_first: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])

    @classmethod
    async def open(
        cls, store: DeskDatabase, *, acts: Acts, trail: Trail, clock: Clock, passwords: Passwords | None = None
    ) -> People:
        """Raises `JournalFault` for a `desk.db` that cannot be read."""
        memory, told = Memory(store), list[Callable[[], None]]()

        def first() -> None:
            for tell in told:
                tell()

        members = Members(memory=memory, acts=acts, clock=clock, passwords=passwords or Argon2(), on_first=first)
        visits = Visits(members=members, trail=trail, brake=Brake(clock))
        await memory.load(clock.now())
        return cls(memory, members, visits, Passes(memory=memory, acts=acts, clock=clock), told)

    @property
    def has_users(self) -> bool:
        """Whether set-up is over."""
        return bool(self.memory.users)

    def user(self, identity: Identity) -> User | None:
        """The person behind somebody at the door."""
        return self.memory.users.get(identity.user_id)

    async def note_use(self, identity: Identity) -> None:
        """Somebody was here."""
        if identity.kind is Kind.PERSON:
            await self.visits.note_use(identity)
        elif identity.kind is Kind.TOKEN:
            await self.passes.note_use(identity)

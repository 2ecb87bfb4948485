"""Signing in and what comes of it: sessions of browsers, their ends, and proofs on the way."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from floorbroker.app.acts import row_of
from floorbroker.app.people.members import Members
from floorbroker.app.trail import Trail
from floorbroker.domain.errors import Conflict, NotFound
from floorbroker.domain.frozen import frozen
from floorbroker.domain.secret import Secret
from floorbroker.gateway.desk import Caller
from floorbroker.people.brake import Brake
from floorbroker.people.identity import Identity
from floorbroker.people.records import Session, User
from floorbroker.people.tokens import digest_of, new_id, new_reference

AGENT_MAX = 120
SESSIONS_MAX = 20  # of one person; the one that was used longest ago makes room
NOTED_EVERY = timedelta(minutes=1)  # how late the time of use may be written
KNOWN_MAX = 4096


@frozen
class SignedIn:
    """The reference for the cookie, and who it stands for."""

    reference: str
    identity: Identity


@frozen
class Refused:
    """Wrong, or too many tries: then `wait_s` says how long the next one takes."""

    wait_s: float = 0.0


@dataclass(slots=True, kw_only=True)
class Visits:
    """Sessions of people.  Their references are here by digest alone.

    An address that somebody has signed in from is waited for by itself: what others guess in their name elsewhere, or there in
    other names, keeps them from nothing.
    """

    members: Members
    trail: Trail
    brake: Brake
    _known: OrderedDict[tuple[str, str], None] = field(default_factory=OrderedDict[tuple[str, str], None])
    _noted: dict[str, Session] = field(default_factory=dict[str, Session])

    async def sign_in(
        self, name: str, password: Secret, code: Secret, *, address: str, agent: str, via: str
    ) -> SignedIn | Refused:
        """A fresh session, or a refusal that does not say what was wrong.

        The try is counted before the slow part, so many at once are no way around the wait.
        """
        user = self.members.memory.user_named(name)
        keys = self._keys(name, user, address)
        wait_s = self.brake.wait_s(*keys)
        if wait_s > 0:
            await self._turned_away("too many", user, via=via, address=address)
            return Refused(wait_s=wait_s)
        self.brake.failed(*keys)
        fits = await self.members.fits(user, password)
        if not fits or user is None or (user.totp_on and not await self.members.passes_code(user, code)):
            await self._turned_away("wrong password" if not fits else "wrong code", user, via=via, address=address)
            return Refused()
        # Within it nobody changes what was looked at: whoever does so afterwards ends this session with the others.
        async with self.members.memory.one:
            signed = await self._let_in(user, keys, address=address, agent=agent, via=via)
        if signed is None:  # the slow part was over, and somebody changed what it was about
            await self._turned_away("changed meanwhile", user, via=via, address=address)
            return Refused()
        await self.members.refresh(user, password)
        return signed

    async def _let_in(
        self, user: User, keys: tuple[str, ...], *, address: str, agent: str, via: str
    ) -> SignedIn | None:
        if not self._is_as_before(user):
            return None
        self.brake.passed(keys[0])
        self.brake.forgive(*keys[1:])
        await self.trail.came_in(user.name, via=via, action="door.login", address=address)
        return await self._open(user, address=address, agent=agent)

    def _keys(self, name: str, user: User | None, address: str) -> tuple[str, ...]:
        """What a try is counted by: the account first, then the address, unless the two belong together."""
        account = f"account:{name.strip().lower()[:64]}"
        if user is not None and self._is_known(user, address):
            return (f"{account}@{address}",)
        return account, f"address:{address}"

    def _is_known(self, user: User, address: str) -> bool:
        here = any(one.address == address for one in self.members.memory.sessions.values() if one.user_id == user.id)
        return here or (user.id, address) in self._known

    def _is_as_before(self, user: User) -> bool:
        """Whether somebody may still come in by what was looked at: password, second factor, and that they may at all."""
        now = self.members.memory.users.get(user.id)
        told = (user.disabled, user.password, user.totp_on)
        return now is not None and (now.disabled, now.password, now.totp_on) == told

    async def open_for(self, user: User, *, address: str, agent: str) -> SignedIn:
        """A session for somebody who has just shown another proof: the first user, by the token of set-up."""
        await self.trail.came_in(user.name, via="page", action="door.login", address=address)
        return await self._open(user, address=address, agent=agent)

    async def prove(self, identity: Identity, *, password: Secret, code: Secret, address: str) -> Identity | Refused:
        """Show again who somebody is: the code where a second factor is on, else the password."""
        user, session = self.members.memory.users.get(identity.user_id), self.of(identity)
        if user is None or session is None:
            raise Conflict("only a person who is signed in can do that")
        account = f"proof:{user.name}"  # a place of its own: guesses at the sign-in must not keep from a reset
        if (wait_s := self.brake.wait_s(account)) > 0:
            return Refused(wait_s=wait_s)
        self.brake.failed(account)
        fits = await (self.members.passes_code(user, code) if user.totp_on else self.members.fits(user, password))
        if not fits:
            await self._turned_away("wrong proof", user, via="page", address=address)
            return Refused()
        self.brake.passed(account)
        await self.trail.came_in(user.name, via="page", action="door.proof", address=address)
        now = self.members.clock.now()
        await self.members.memory.mark_session(session, proved_at=now, used_at=now)
        return replace(session, proved_at=now, used_at=now).identity(user, now)

    def by_reference(self, reference: str) -> Identity | None:
        """Whose session this is; None when it is unknown or over.  A use keeps it from ending."""
        found = self.standing(reference)
        if found is not None:
            memory, now = self.members.memory, self.members.clock.now()
            session = memory.sessions[digest_of(reference)]
            memory.sessions[session.digest] = replace(session, used_at=now)
        return found

    def standing(self, reference: str) -> Identity | None:
        """The same, without using it."""
        memory, now = self.members.memory, self.members.clock.now()
        session = memory.sessions.get(digest_of(reference))
        user = None if session is None else memory.users.get(session.user_id)
        if session is None or user is None or user.disabled or session.is_over(now):
            return None
        return session.identity(user, now)

    async def note_use(self, identity: Identity) -> None:
        """Write when a session was used, once a minute: a desk that starts again knows which are over."""
        session = self.of(identity)
        noted = self._noted.get(identity.session_id)
        if session is not None and (noted is None or session.used_at - noted.used_at >= NOTED_EVERY):
            self._noted[session.id] = session
            await self.members.memory.mark_session(session, used_at=session.used_at)

    def of(self, identity: Identity) -> Session | None:
        """The session somebody is here by."""
        found = self.members.memory.sessions.values()
        return next((session for session in found if session.id == identity.session_id), None)

    def open_sessions(self, user_id: str) -> list[Session]:
        """Of one person, the one used last first."""
        now, found = self.members.clock.now(), self.members.memory.sessions.values()
        theirs = [session for session in found if session.user_id == user_id and not session.is_over(now)]
        return sorted(theirs, key=lambda session: session.used_at, reverse=True)

    async def sign_out(self, identity: Identity, *, address: str) -> None:
        """End the session somebody is here by."""
        session = self.of(identity)
        if session is not None:
            await self._drop([session])
            await self.trail.came_in(identity.principal, via="page", action="door.logout", address=address)

    async def revoke(self, user: User, session_id: str, *, caller: Caller) -> None:
        """End one session of a person.  Raises `NotFound` for one that is not theirs."""
        theirs = [session for session in self.open_sessions(user.id) if session.id == session_id]
        if not theirs:
            raise NotFound("no such session")
        await self._recorded(theirs, user, caller=caller)

    async def revoke_others(self, user: User, *, keep: str, caller: Caller) -> int:
        """End every session of a person but one; how many there were."""
        theirs = [session for session in self.open_sessions(user.id) if session.id != keep]
        if theirs:
            await self._recorded(theirs, user, caller=caller)
        return len(theirs)

    async def _recorded(self, sessions: list[Session], user: User, *, caller: Caller) -> None:
        told = {"sessions": str(len(sessions))}
        await self.members.acts.record([row_of(caller, "session.revoke", user.name, "done", detail=told)])
        await self._drop(sessions)

    async def _open(self, user: User, *, address: str, agent: str) -> SignedIn:
        reference, now = new_reference(), self.members.clock.now()
        session = Session(
            id=new_id(),
            digest=digest_of(reference),
            user_id=user.id,
            opened_at=now,
            used_at=now,
            proved_at=now,
            address=address,
            agent="".join(sign for sign in agent[:AGENT_MAX] if sign.isprintable()),
        )
        self._known[user.id, address] = None
        self._known.move_to_end((user.id, address))
        if len(self._known) > KNOWN_MAX:
            self._known.popitem(last=False)
        await self._drop(self.open_sessions(user.id)[SESSIONS_MAX - 1 :])
        await self.members.memory.put_session(session)
        return SignedIn(reference=reference, identity=session.identity(user, now))

    async def _drop(self, sessions: Iterable[Session]) -> None:
        gone = list(sessions)
        for session in gone:
            self._noted.pop(session.id, None)
        await self.members.memory.drop_sessions(gone)

    async def _turned_away(self, outcome: str, user: User | None, *, via: str, address: str) -> None:
        named = "" if user is None else user.name  # what is no name here may be a password in the wrong field
        await self.trail.turned_away(via=via, action="door.login", outcome=outcome, address=address, account=named)

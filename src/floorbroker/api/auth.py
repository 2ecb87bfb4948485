"""Who may come in: the operator with the token in the home, people with a session, programs with a token of their own.

A token is 256 random bits, known here only by its SHA-256.  Sessions that the operator's token opens, before there are users,
are kept in memory: they end after 30 minutes of silence, after 12 hours, and with the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from starlette.responses import Response

from floorbroker.app.people import People
from floorbroker.app.people.passes import Refusal
from floorbroker.domain.clock import Clock
from floorbroker.people.brake import Brake
from floorbroker.people.identity import AT_THE_PAGE, OPERATOR, Identity, Kind

TokenCheck = Callable[[str], str | None]  # a token, to the principal it stands for, or None
IDLE_S = 30 * 60
ABSOLUTE_S = 12 * 60 * 60
SESSIONS_MAX = 64
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})  # addresses and host names of this machine
COOKIE = "floorbroker_session"
SECURE_COOKIE = "__Host-floorbroker_session"


def token_digest(token: str) -> str:
    """The only form in which a token is stored."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True, slots=True)
class HashedToken:
    """A `TokenCheck` for one token, from its SHA-256 in hex."""

    digest: str
    principal: str = "operator"

    def __call__(self, token: str) -> str | None:
        return self.principal if hmac.compare_digest(token_digest(token), self.digest.strip().lower()) else None


@dataclass(slots=True)
class _Session:
    principal: str
    opened_s: float
    used_s: float


@dataclass(slots=True)
class Sessions:
    """Browser sessions by the hash of their reference; times are `Clock.monotonic` seconds."""

    clock: Clock
    new_reference: Callable[[], str] = lambda: secrets.token_urlsafe(32)
    _open: dict[str, _Session] = field(default_factory=dict[str, _Session])

    def open(self, principal: str) -> str:
        """A fresh reference for the cookie; the oldest session goes when there are too many."""
        reference, now_s = self.new_reference(), self.clock.monotonic()
        if len(self._open) >= SESSIONS_MAX:
            del self._open[min(self._open, key=lambda known: self._open[known].used_s)]
        self._open[token_digest(reference)] = _Session(principal, now_s, now_s)
        return reference

    def principal(self, reference: str) -> str | None:
        """Whose session this is; None when it is unknown or over.  A use keeps it from ending."""
        found = self.peek(reference)
        if found is not None:
            self._open[token_digest(reference)].used_s = self.clock.monotonic()
        return found

    def peek(self, reference: str) -> str | None:
        """The same, without using it."""
        known = token_digest(reference)
        session, now_s = self._open.get(known), self.clock.monotonic()
        if session is None:
            return None
        if now_s - session.used_s > IDLE_S or now_s - session.opened_s > ABSOLUTE_S:
            del self._open[known]
            return None
        return session.principal

    def close(self, reference: str) -> None:
        """End a session; an unknown one is no error."""
        self._open.pop(token_digest(reference), None)


class Acts(Protocol):
    """Where comings and goings are recorded: the audit of every desk behind this door."""

    async def came_in(self, principal: str, *, via: str, action: str, address: str) -> None:
        """A login or a logout.  Raises `JournalFault` where it cannot be recorded: then it must not happen."""
        ...

    def is_new(self, principal: str, via: str, address: str) -> bool:
        """Whether this is the first use of a way in from an address."""
        ...

    async def first_use(self, principal: str, *, via: str, address: str) -> None: ...

    async def turned_away(self, *, via: str, action: str, outcome: str, address: str, account: str = "") -> None:
        """A wrong token or password, or one too many."""
        ...


class NoActs:
    """Records nothing: for a door that lives as long as one command, whose own acts are recorded by what they do."""

    async def came_in(self, principal: str, *, via: str, action: str, address: str) -> None:
        del principal, via, action, address

    def is_new(self, principal: str, via: str, address: str) -> bool:
        del principal, via, address
        return False

    async def first_use(self, principal: str, *, via: str, address: str) -> None:
        del principal, via, address

    async def turned_away(self, *, via: str, action: str, outcome: str, address: str, account: str = "") -> None:
        del via, action, outcome, address, account


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Every way in: `check` for the operator's token, `sessions` it opens before there are users, `people` for all others.

    Once there is a user, the operator's token opens no session any more, and counts only on the machine of the desk.
    """

    check: TokenCheck
    sessions: Sessions
    brake: Brake
    acts: Acts = field(default_factory=NoActs)
    people: People | None = None

    @classmethod
    def of(cls, check: TokenCheck, clock: Clock, acts: Acts | None = None, people: People | None = None) -> Doorkeeper:
        brake = Brake(clock) if people is None else people.visits.brake
        return cls(check=check, sessions=Sessions(clock), brake=brake, acts=acts or NoActs(), people=people)

    @property
    def is_set_up(self) -> bool:
        """Whether there are users."""
        return self.people is not None and self.people.has_users

    def by_token(self, token: str, *, address: str, host: str) -> Identity | Refusal | None:
        """Who comes with a bearer token; None for one that nobody made."""
        if self.check(token) is not None:
            is_here = address in LOOPBACK and host in LOOPBACK
            return OPERATOR if is_here or not self.is_set_up else Refusal(why="the operator's token from elsewhere")
        return None if self.people is None else self.people.passes.by_token(token, address)

    def by_cookie(self, reference: str) -> Identity | None:
        """Whose session a browser comes with."""
        if self.sessions.principal(reference) is not None:
            return None if self.is_set_up else AT_THE_PAGE
        return None if self.people is None else self.people.visits.by_reference(reference)

    def still_by_cookie(self, reference: str) -> Identity | None:
        """Whether a session still stands, without using it: who only listens is silent, and a silent session ends."""
        if self.sessions.peek(reference) is not None:
            return None if self.is_set_up else AT_THE_PAGE
        return None if self.people is None else self.people.visits.standing(reference)

    async def login(self, token: str, address: str) -> str | None:
        """A session for the operator's token while there are no users; None for a wrong one, which is remembered."""
        principal = None if self.is_set_up else self.check(token)
        if principal is None:
            self.brake.failed(_place(address))
            await self.acts.turned_away(via="page", action="door.login", outcome="wrong token", address=address)
            return None
        await self.acts.came_in(principal, via="page", action="door.login", address=address)
        return self.sessions.open(principal)

    async def refuse(self, address: str) -> None:
        """An address that must wait tried all the same."""
        await self.acts.turned_away(via="page", action="door.login", outcome="too many", address=address)

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try again."""
        return self.brake.wait_s(_place(address))

    async def logout(self, reference: str, address: str) -> None:
        """End a session."""
        identity = self.by_cookie(reference)
        self.sessions.close(reference)
        if identity is None:
            return
        if identity.kind is Kind.PERSON and self.people is not None:
            await self.people.visits.sign_out(identity, address=address)
        else:
            await self.acts.came_in(identity.principal, via="page", action="door.logout", address=address)

    @staticmethod
    def cookie_name(*, secure: bool) -> str:
        """The `__Host-` name needs TLS, which loopback does not have."""
        return SECURE_COOKIE if secure else COOKIE


def set_session(reply: Response, reference: str, *, secure: bool) -> None:
    """Hand a browser the reference of its session."""
    name = Doorkeeper.cookie_name(secure=secure)
    reply.set_cookie(name, reference, max_age=ABSOLUTE_S, path="/", secure=secure, httponly=True, samesite="strict")


def drop_session(reply: Response, *, secure: bool) -> None:
    """Take it away again."""
    reply.delete_cookie(
        Doorkeeper.cookie_name(secure=secure), path="/", secure=secure, httponly=True, samesite="strict"
    )


def _place(address: str) -> str:
    return f"address:{address}"

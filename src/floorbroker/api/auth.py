"""Who may come in: the token of the first run, and browser sessions opened with it.

A token is 256 random bits, known here only by its SHA-256.  A session is a random reference in a cookie, kept in memory: it
ends after 30 minutes of silence, after 12 hours, and with the process.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from floorbroker.domain.clock import Clock

TokenCheck = Callable[[str], str | None]  # a token, to the principal it stands for, or None
IDLE_S = 30 * 60
ABSOLUTE_S = 12 * 60 * 60
SESSIONS_MAX = 64
LOGINS_PER_MINUTE = 5
ADDRESSES_MAX = 1024
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
        """Whose session this is; None when it is unknown or over."""
        known = token_digest(reference)
        session, now_s = self._open.get(known), self.clock.monotonic()
        if session is None:
            return None
        if now_s - session.used_s > IDLE_S or now_s - session.opened_s > ABSOLUTE_S:
            del self._open[known]
            return None
        session.used_s = now_s
        return session.principal

    def close(self, reference: str) -> None:
        """End a session; an unknown one is no error."""
        self._open.pop(token_digest(reference), None)


@dataclass(slots=True)
class LoginBrake:
    """At most five failed logins a minute from one address."""

    clock: Clock
    _failed: dict[str, deque[float]] = field(default_factory=dict[str, "deque[float]"])

    def wait_s(self, address: str) -> float:
        """Seconds until the address may try again; zero when it may now."""
        failed, now_s = self._failed.get(address), self.clock.monotonic()
        while failed and now_s - failed[0] >= 60:
            failed.popleft()
        return 60 - (now_s - failed[0]) if failed and len(failed) >= LOGINS_PER_MINUTE else 0.0

    def failed(self, address: str) -> None:
        """Remember a failed login."""
        if address not in self._failed and len(self._failed) >= ADDRESSES_MAX:
            del self._failed[next(iter(self._failed))]
        self._failed.setdefault(address, deque(maxlen=LOGINS_PER_MINUTE)).append(self.clock.monotonic())


class Acts(Protocol):
    """Where comings and goings are recorded: the audit of every desk behind this door."""

    async def came_in(self, principal: str, *, via: str, action: str, address: str) -> None:
        """A login or a logout.  Raises `JournalFault` where it cannot be recorded: then it must not happen."""
        ...

    def is_new(self, principal: str, via: str, address: str) -> bool:
        """Whether this is the first use of a way in from an address."""
        ...

    async def first_use(self, principal: str, *, via: str, address: str) -> None: ...

    async def turned_away(self, *, via: str, action: str, outcome: str, address: str) -> None:
        """A wrong token, or one too many."""
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

    async def turned_away(self, *, via: str, action: str, outcome: str, address: str) -> None:
        del via, action, outcome, address


@dataclass(frozen=True, slots=True, kw_only=True)
class Doorkeeper:
    """Every way in: `check` for tokens, `sessions` for cookies, `brake` for guesses at the login form, `acts` for the audit."""

    check: TokenCheck
    sessions: Sessions
    brake: LoginBrake
    acts: Acts = field(default_factory=NoActs)

    @classmethod
    def of(cls, check: TokenCheck, clock: Clock, acts: Acts | None = None) -> Doorkeeper:
        return cls(check=check, sessions=Sessions(clock), brake=LoginBrake(clock), acts=acts or NoActs())

    async def login(self, token: str, address: str) -> str | None:
        """A session reference for a right token; None for a wrong one, which is remembered."""
        principal = self.check(token)
        if principal is None:
            self.brake.failed(address)
            await self.acts.turned_away(via="page", action="door.login", outcome="wrong token", address=address)
            return None
        await self.acts.came_in(principal, via="page", action="door.login", address=address)
        return self.sessions.open(principal)

    async def refuse(self, address: str) -> None:
        """An address that must wait tried all the same."""
        await self.acts.turned_away(via="page", action="door.login", outcome="too many", address=address)

    def wait_s(self, address: str) -> float:
        """Seconds until this address may try a token again."""
        return self.brake.wait_s(address)

    async def logout(self, reference: str, address: str) -> None:
        """End a session."""
        principal = self.sessions.principal(reference)
        self.sessions.close(reference)
        if principal is not None:
            await self.acts.came_in(principal, via="page", action="door.logout", address=address)

    @staticmethod
    def cookie_name(*, secure: bool) -> str:
        """The `__Host-` name needs TLS, which loopback does not have."""
        return SECURE_COOKIE if secure else COOKIE

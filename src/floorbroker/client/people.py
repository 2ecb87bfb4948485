"""People and programs: who asks, signing in, users, sessions and tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from floorbroker.client.door import Door, segment
from floorbroker.client.shapes import Shape
from floorbroker.client.verbs import API, given, items, one

AUTH, USERS, TOKENS = f"{API}/auth", f"{API}/users", f"{API}/tokens"


class Who(Shape, frozen=True):
    """Who asks; `proof_s` counts down while dangerous acts need no further proof."""

    principal: str
    kind: str
    scopes: tuple[str, ...]
    environments: tuple[str, ...]
    set_up: bool
    role: str | None = None
    second_factor: bool | None = None
    proof_s: int | None = None


class User(Shape, frozen=True):
    """Somebody who belongs to the desk."""

    name: str
    role: str
    scopes: tuple[str, ...]
    environments: tuple[str, ...]
    second_factor: bool
    disabled: bool
    sessions: int = 0
    recovery_codes: int = 0
    created_at: datetime | None = None
    password_at: datetime | None = None


class Session(Shape, frozen=True):
    """A browser or program that is signed in; `current` is the one that asks."""

    id: str
    current: bool
    opened_at: datetime | None = None
    used_at: datetime | None = None
    address: str = ""
    agent: str = ""


class Token(Shape, frozen=True):
    """A program's way in; `state` is active, expired or revoked."""

    id: str
    name: str
    environment: str
    scopes: tuple[str, ...]
    state: str
    user: str | None = None
    addresses: tuple[str, ...] = ()
    per_minute: int | None = None
    created_at: datetime | None = None
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None


class NewToken(Shape, frozen=True):
    """A token that was just made; `secret` is its text, told this once."""

    secret: str
    token: Token


class SecondFactor(Shape, frozen=True):
    """What an authenticator needs: the secret in base32, and the same as an `otpauth:` address."""

    secret: str
    uri: str


class Recovery(Shape, frozen=True):
    """Codes that stand in for the second factor, each once."""

    recovery_codes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Auth:
    """Who asks, and signing in as a person.

    A person who is signed in may do what tokens may not.  Open the client without a token for that; the session is kept in it.
    """

    door: Door

    async def who(self) -> Who:
        """Who the desk takes us for."""
        return one(await self.door.call("GET", AUTH), Who)

    async def log_in(self, name: str, password: str, *, code: str | None = None) -> Who:
        """Sign in.  `code` is that of the second factor, where one is on."""
        body = given(name=name, password=password, code=code)
        return one(await self.door.call("POST", f"{AUTH}/login", body=body), Who)

    async def log_out(self) -> None:
        """End the session."""
        await self.door.call("POST", f"{AUTH}/logout")

    async def prove(self, *, password: str | None = None, code: str | None = None) -> Who:
        """Prove again who one is: for five minutes dangerous acts need no more."""
        return one(await self.door.call("POST", f"{AUTH}/proof", body=given(password=password, code=code)), Who)

    async def sessions(self) -> list[Session]:
        """Where one is signed in."""
        return items(await self.door.call("GET", f"{AUTH}/sessions"), Session)

    async def revoke(self, id: str) -> None:
        """End one of one's sessions."""
        await self.door.call("DELETE", f"{AUTH}/sessions/{segment(id)}")

    async def revoke_others(self) -> None:
        """End all sessions but this one."""
        await self.door.call("DELETE", f"{AUTH}/sessions")


@dataclass(frozen=True, slots=True)
class Users:
    """Who belongs to the desk.  Changes want a person with a fresh proof, or the operator on the machine of the desk."""

    door: Door

    async def all(self) -> list[User]:
        """By name."""
        return items(await self.door.call("GET", USERS), User)

    async def one(self, name: str) -> User:
        """Oneself, or anybody for an admin."""
        return one(await self.door.call("GET", _user(name)), User)

    async def add(
        self, name: str, password: str, *, role: str | None = None, environments: Sequence[str] | None = None
    ) -> User:
        """Take somebody in: viewer in sim and paper unless told otherwise."""
        body = given(name=name, password=password, role=role, environments=environments)
        return one(await self.door.call("POST", USERS, body=body), User)

    async def edit(
        self,
        name: str,
        *,
        role: str | None = None,
        environments: Sequence[str] | None = None,
        disabled: bool | None = None,
    ) -> User:
        """Change what is given; sessions of that user end."""
        body = given(role=role, environments=environments, disabled=disabled)
        return one(await self.door.call("PATCH", _user(name), body=body), User)

    async def remove(self, name: str) -> None:
        """Take somebody out, with all sessions and tokens."""
        await self.door.call("DELETE", _user(name))

    async def set_password(self, name: str, password: str) -> User:
        """Another password; every other session of that user ends."""
        return one(await self.door.call("PUT", f"{_user(name)}/password", body={"password": password}), User)

    async def begin_second_factor(self, name: str) -> SecondFactor:
        """A secret for an authenticator; it counts once a first code was confirmed."""
        return one(await self.door.call("POST", f"{_user(name)}/2fa"), SecondFactor)

    async def confirm_second_factor(self, name: str, code: str) -> Recovery:
        """Show a first code: from then on signing in asks for one."""
        return one(await self.door.call("POST", f"{_user(name)}/2fa/confirm", body={"code": code}), Recovery)

    async def drop_second_factor(self, name: str) -> None:
        """Switch it off."""
        await self.door.call("DELETE", f"{_user(name)}/2fa")


@dataclass(frozen=True, slots=True)
class Tokens:
    """Programs' ways in: one's own, and everybody's for an admin."""

    door: Door

    async def all(self) -> list[Token]:
        """Newest first, revoked ones too."""
        return items(await self.door.call("GET", TOKENS), Token)

    async def one(self, name: str) -> Token:
        """By name or id; never its text."""
        return one(await self.door.call("GET", f"{TOKENS}/{segment(name)}"), Token)

    async def create(
        self,
        name: str,
        *,
        environment: str,
        scopes: Sequence[str],
        expires_at: datetime | None = None,
        addresses: Sequence[str] | None = None,
        per_minute: int | None = None,
    ) -> NewToken:
        """Make one; it may do no more than its owner."""
        body = given(
            name=name,
            environment=environment,
            scopes=scopes,
            expires_at=expires_at,
            addresses=addresses,
            per_minute=per_minute,
        )
        return one(await self.door.call("POST", TOKENS, body=body), NewToken)

    async def revoke(self, name: str) -> Token:
        """End it at once."""
        return one(await self.door.call("DELETE", f"{TOKENS}/{segment(name)}"), Token)


def _user(name: str) -> str:
    return f"{USERS}/{segment(name)}"

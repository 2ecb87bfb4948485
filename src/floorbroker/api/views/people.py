"""People, sessions and tokens as JSON: never a password, a reference or a token's text."""

from __future__ import annotations

import math

from floorbroker.api.views.shape import View, when
from floorbroker.app.people import People
from floorbroker.domain.values import Environment
from floorbroker.people.identity import ROLES, STEP_UP_S, Identity, Kind, Scope
from floorbroker.people.records import Session, Token, User


class AuthView(View, frozen=True):
    """Who asks.  `kind` is operator, person or token; `proof_s` counts down while dangerous acts need no further proof.

    `set_up` says whether the desk has users: before, the operator's token is the way in.
    """

    principal: str
    kind: str
    role: str | None
    scopes: tuple[str, ...]
    environments: tuple[str, ...]
    second_factor: bool | None
    proof_s: int | None
    set_up: bool


class UserView(View, frozen=True):
    """Somebody who belongs to the desk.  `recovery_codes` counts those that are left."""

    name: str
    role: str
    scopes: tuple[str, ...]
    environments: tuple[str, ...]
    second_factor: bool
    recovery_codes: int
    disabled: bool
    sessions: int
    created_at: str | None
    password_at: str | None


class SessionView(View, frozen=True):
    """A browser that is signed in; `current` is the one that asks."""

    id: str
    current: bool
    opened_at: str | None
    used_at: str | None
    address: str
    agent: str


class TokenView(View, frozen=True):
    """A program's way in; `user` is whose it is, null for the operator's.  `state` is active, expired or revoked."""

    id: str
    name: str
    user: str | None
    environment: str
    scopes: tuple[str, ...]
    addresses: tuple[str, ...]
    per_minute: int | None
    state: str
    created_at: str | None
    expires_at: str | None
    used_at: str | None
    revoked_at: str | None


class NewTokenView(View, frozen=True):
    """A token that was just made.  `secret` is shown this once."""

    secret: str
    token: TokenView


class SecondFactorView(View, frozen=True):
    """What an authenticator needs: the secret in base32, and the same as an `otpauth:` address for a picture."""

    secret: str
    uri: str


class RecoveryView(View, frozen=True):
    """Codes that stand in for the second factor, each once.  Shown this once."""

    recovery_codes: tuple[str, ...]


def auth_view(identity: Identity, people: People | None) -> AuthView:
    """Somebody at the door."""
    user = None if people is None else people.user(identity)
    is_person = identity.kind is Kind.PERSON and user is not None
    left_s = None if identity.proved_s is None else max(math.ceil(STEP_UP_S - identity.proved_s), 0)
    return AuthView(
        principal=identity.principal,
        kind=identity.kind.value,
        role=user.role.value if user is not None and is_person else None,
        scopes=_scopes(identity.scopes),
        environments=_environments(identity.environments),
        second_factor=user.totp_on if user is not None and is_person else None,
        proof_s=left_s,
        set_up=people is not None and people.has_users,
    )


def user_view(user: User, people: People) -> UserView:
    """A user."""
    return UserView(
        name=user.name,
        role=user.role.value,
        scopes=_scopes(ROLES[user.role]),
        environments=_environments(user.environments),
        second_factor=user.totp_on,
        recovery_codes=len(user.recovery),
        disabled=user.disabled,
        sessions=len(people.visits.open_sessions(user.id)),
        created_at=when(user.created_at),
        password_at=when(user.password_at),
    )


def session_view(session: Session, identity: Identity) -> SessionView:
    """A session."""
    return SessionView(
        id=session.id,
        current=session.id == identity.session_id,
        opened_at=when(session.opened_at),
        used_at=when(session.used_at),
        address=session.address,
        agent=session.agent,
    )


def token_view(token: Token, people: People) -> TokenView:
    """A token."""
    owner = people.memory.users.get(token.user_id)
    return TokenView(
        id=token.id,
        name=token.name,
        user=None if owner is None else owner.name,
        environment=token.environment.value,
        scopes=_scopes(token.scopes),
        addresses=token.addresses,
        per_minute=token.per_minute,
        state=people.passes.state(token),
        created_at=when(token.created_at),
        expires_at=when(token.expires_at),
        used_at=when(token.used_at),
        revoked_at=when(token.revoked_at),
    )


def _scopes(scopes: frozenset[Scope]) -> tuple[str, ...]:
    return tuple(scope.value for scope in Scope if scope in scopes)


def _environments(environments: frozenset[Environment]) -> tuple[str, ...]:
    return tuple(environment.value for environment in Environment if environment in environments)

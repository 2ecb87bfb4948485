"""Records of people as rows of `desk.db`, and back.  A word that this build does not know is an error that names it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from floorbroker.domain.errors import JournalFault
from floorbroker.domain.values import Environment, Word
from floorbroker.people.identity import Role, Scope
from floorbroker.people.records import Session, Token, User


def user_row(user: User) -> dict[str, Any]:
    """A user as it is stored."""
    return {
        "id": user.id,
        "name": user.name,
        "role": user.role.value,
        "environments": joined(user.environments),
        "password": user.password,
        "password_short": int(user.password_short),
        "password_at": user.password_at,
        "totp": user.totp,
        "totp_on": int(user.totp_on),
        "totp_step": user.totp_step,
        "recovery": " ".join(user.recovery),
        "disabled": int(user.disabled),
        "created_at": user.created_at,
    }


def user_of(row: Any) -> User:
    """Raises `JournalFault` for a role or environment nobody knows here."""
    try:
        return User(
            id=row.id,
            name=row.name,
            role=Role(row.role),
            environments=_environments(row.environments),
            created_at=row.created_at,
            password=row.password,
            password_short=bool(row.password_short),
            password_at=row.password_at,
            totp=row.totp,
            totp_on=bool(row.totp_on),
            totp_step=row.totp_step,
            recovery=tuple(row.recovery.split()),
            disabled=bool(row.disabled),
        )
    except ValueError as error:
        raise JournalFault(f"desk.db: user {row.name}: {error}") from error


def session_row(session: Session) -> dict[str, Any]:
    """A session as it is stored."""
    return {
        "id": session.id,
        "digest": session.digest,
        "user_id": session.user_id,
        "opened_at": session.opened_at,
        "used_at": session.used_at,
        "proved_at": session.proved_at,
        "address": session.address,
        "agent": session.agent,
    }


def session_of(row: Any) -> Session:
    """A session as it was stored."""
    return Session(
        id=row.id,
        digest=row.digest,
        user_id=row.user_id,
        opened_at=row.opened_at,
        used_at=row.used_at,
        proved_at=row.proved_at,
        address=row.address,
        agent=row.agent,
    )


def token_row(token: Token) -> dict[str, Any]:
    """A token as it is stored."""
    return {
        "id": token.id,
        "name": token.name,
        "digest": token.digest,
        "user_id": token.user_id or None,
        "scopes": joined(token.scopes),
        "environment": token.environment.value,
        "addresses": " ".join(token.addresses),
        "per_minute": token.per_minute,
        "created_at": token.created_at,
        "expires_at": token.expires_at,
        "used_at": token.used_at,
        "revoked_at": token.revoked_at,
    }


def token_of(row: Any) -> Token:
    """Raises `JournalFault` for a scope or environment nobody knows here."""
    try:
        return Token(
            id=row.id,
            name=row.name,
            digest=row.digest,
            user_id=row.user_id or "",
            scopes=frozenset(Scope(word) for word in row.scopes.split()),
            environment=Environment(row.environment),
            addresses=tuple(row.addresses.split()),
            per_minute=row.per_minute,
            created_at=row.created_at,
            expires_at=row.expires_at,
            used_at=row.used_at,
            revoked_at=row.revoked_at,
        )
    except ValueError as error:
        raise JournalFault(f"desk.db: token {row.name}: {error}") from error


def joined(found: Iterable[Word]) -> str:
    """Words in their own order, with a space between."""
    return " ".join(word.value for word in sorted(found, key=lambda word: list(type(word)).index(word)))


def _environments(text: str) -> frozenset[Environment]:
    return frozenset(Environment(word) for word in text.split())

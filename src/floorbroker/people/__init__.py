"""Who may come in and what they may do: decisions about people and tokens, pure; what waits and stores is in `app/people/`."""

from floorbroker.people.brake import Brake
from floorbroker.people.identity import OPERATOR, ROLES, Identity, Kind, Role, Scope
from floorbroker.people.passwords import Argon2, Passwords, why_weak
from floorbroker.people.records import Session, Token, User
from floorbroker.people.tokens import digest_of, new_token

__all__ = [
    "OPERATOR",
    "ROLES",
    "Argon2",
    "Brake",
    "Identity",
    "Kind",
    "Passwords",
    "Role",
    "Scope",
    "Session",
    "Token",
    "User",
    "digest_of",
    "new_token",
    "why_weak",
]

"""People, their sessions and tokens, as they are remembered; nothing here opens a door by itself."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import Environment
from floorbroker.people.identity import ROLES, Identity, Kind, Role, Scope

IDLE = timedelta(minutes=30)
ABSOLUTE = timedelta(hours=12)


@frozen
class User:
    """A person.  `password` is a PHC string and None until one is set; `recovery` are digests of the codes that are left."""

    id: str
    name: str
    role: Role
    environments: frozenset[Environment]
    created_at: datetime
    password: str | None = None
    password_short: bool = False
    password_at: datetime | None = None
    totp: str | None = None
    totp_on: bool = False
    totp_step: int = 0
    recovery: tuple[str, ...] = ()
    disabled: bool = False


@frozen
class Session:
    """A browser that somebody signed in with.  `digest` is that of the reference in its cookie."""

    id: str
    digest: str
    user_id: str
    opened_at: datetime
    used_at: datetime
    proved_at: datetime | None = None
    address: str = ""
    agent: str = ""

    def is_over(self, now: datetime) -> bool:
        """After half an hour of silence, and after half a day; a clock that was set back ends it too."""
        idle, age = now - self.used_at, now - self.opened_at
        return idle > IDLE or age > ABSOLUTE or age < -IDLE

    def identity(self, user: User, now: datetime) -> Identity:
        """Its person at the door."""
        return Identity(
            principal=user.name,
            kind=Kind.PERSON,
            scopes=ROLES[user.role],
            environments=user.environments,
            user_id=user.id,
            session_id=self.id,
            proved_s=None if self.proved_at is None else max((now - self.proved_at).total_seconds(), 0.0),
        )


@frozen
class Token:
    """A program's way in: one environment, some scopes, never more than its owner may.

    `user_id` is empty for one that the operator made.  `addresses` are networks it works from, all when there are none.
    """

    id: str
    name: str
    digest: str
    scopes: frozenset[Scope]
    environment: Environment
    created_at: datetime
    user_id: str = ""
    addresses: tuple[str, ...] = ()
    per_minute: int | None = None
    expires_at: datetime | None = None
    used_at: datetime | None = None
    revoked_at: datetime | None = None

    def why_not(self, now: datetime, address: str) -> str:
        """Why it opens nothing; empty when it does."""
        if self.revoked_at is not None:
            return "revoked"
        if self.expires_at is not None and now >= self.expires_at:
            return "expired"
        if self.addresses and not any(_is_in(address, network) for network in self.addresses):
            return "another address"
        return ""

    def identity(self, owner: User | None) -> Identity:
        """Its program at the door: what the token says, and the owner may too."""
        scopes, environments = self.scopes, frozenset({self.environment})
        if owner is not None:
            scopes, environments = scopes & ROLES[owner.role], environments & owner.environments
        return Identity(
            principal=self.name,
            kind=Kind.TOKEN,
            scopes=scopes,
            environments=environments,
            user_id=self.user_id,
            token_id=self.id,
            per_minute=self.per_minute,
        )


def network_of(text: str) -> str:
    """An address or a network as it is stored.  Raises `ValueError` for text that names none."""
    return str(ip_network(text.strip(), strict=False))


def _is_in(address: str, network: str) -> bool:
    try:
        found = ip_address(address)
    except ValueError:  # a socket without an address is in no network
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    return (mapped or found) in ip_network(network)

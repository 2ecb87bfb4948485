"""What is kept of hooks: who may send signals, who is told of events, and what became of each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.frozen import frozen
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, ProfileName, Word


class Auth(Word):
    """How a signal shows whose it is."""

    SECRET = "secret"  # noqa: S105 - the word for it: the secret stands in the body, for senders that cannot sign
    HMAC = "hmac"


class Kind(Word):
    """How a target is told."""

    WEBHOOK = "webhook"
    ALERT = "alert"


class State(Word):
    """Where a delivery stands."""

    WAITING = "waiting"
    DELIVERED = "delivered"
    DEAD = "dead"


REPLAY_MAX_S = 86_400  # no hook remembers a signal for longer


@frozen
class Hook:
    """An address for signals.  Each becomes an order of `profile` and `strategy`, made by `template`, within these limits.

    Of a secret that is shown in bodies only the SHA-256 (`digest`) is kept; a signing one (`secret`) must be kept itself.
    """

    id: str
    name: str
    environment: Environment
    profile: ProfileName
    strategy: str
    template: Mapping[str, str]
    digest: str
    created_at: datetime
    words: Mapping[str, str] = field(default_factory=dict[str, str])
    auth: Auth = Auth.SECRET
    secret: Secret | None = None
    symbols: tuple[str, ...] = ()  # none for any
    max_quantity: Decimal | None = None
    max_notional: Decimal | None = None
    per_minute: int = 30
    replay_s: int = 60
    enabled: bool = True
    version: int = 1

    @property
    def principal(self) -> str:
        """As whom it acts."""
        return f"hook:{self.name}"


@frozen
class Target:
    """Somebody who is told of events: a URL that is posted to, or people, by an Apprise URL.

    `environments` and `events` say of what; `quiet` (`22:00-07:00 Europe/Berlin`) keeps what is not urgent until the morning;
    what comes within `group_s` seconds becomes one message.
    """

    id: str
    name: str
    kind: Kind
    url: Secret
    events: tuple[str, ...]
    environments: tuple[Environment, ...]
    created_at: datetime
    secret: Secret | None = None
    quiet: str = ""
    group_s: int = 0
    enabled: bool = True
    version: int = 1


@frozen
class Signal:
    """A signal that showed the right secret, and what became of it."""

    id: str
    hook_id: str
    at: datetime
    dedupe: str
    key: str  # the idempotency key of its order
    outcome: str = "received"
    detail: str = ""
    intent_id: str = ""


@frozen
class Delivery:
    """One event on its way to one target.  `event_id` is the same for every try, and after a crash."""

    id: str
    target_id: str
    event_id: str
    event: str
    environment: Environment
    seq: int
    body: str
    made_at: datetime
    due_at: datetime
    state: State = State.WAITING
    attempts: int = 0
    ended_at: datetime | None = None
    status: int | None = None
    trouble: str = ""

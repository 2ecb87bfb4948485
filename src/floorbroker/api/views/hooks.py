"""Hooks, targets, and what became of signals and deliveries, as JSON.  No secret, and of a URL no more than whose it is."""

from __future__ import annotations

from typing import Literal
from urllib.parse import urlsplit

from floorbroker.api.views.shape import View, text, when
from floorbroker.domain.values import time_text
from floorbroker.hooks.records import Delivery, Hook, Kind, Signal, Target


class WebhookView(View, frozen=True):
    """Direction `in`: signals to `path` become orders of `profile`.  Direction `out`: `events` are posted to `url`, of which only
    the origin is shown.  `secret` is shown once, in the answer that made it.
    """

    id: str
    name: str
    direction: str
    environment: str
    enabled: bool
    version: int
    created_at: str
    path: str | None = None
    profile: str | None = None
    strategy: str | None = None
    auth: str | None = None
    template: dict[str, str] | None = None
    words: dict[str, str] | None = None
    symbols: tuple[str, ...] | None = None
    max_quantity: str | None = None
    max_notional: str | None = None
    per_minute: int | None = None
    replay_s: int | None = None
    url: str | None = None
    events: tuple[str, ...] | None = None
    secret: str | None = None


class NotificationView(View, frozen=True):
    """People who are told of `events`.  `service` is the kind of Apprise URL; the URL itself is a secret."""

    id: str
    name: str
    service: str
    environments: tuple[str, ...]
    events: tuple[str, ...]
    quiet: str
    group_s: int
    enabled: bool
    version: int
    created_at: str


class SignalView(View, frozen=True):
    """A signal that showed the right secret: `outcome` is `accepted`, or the code of what stood against it."""

    id: str
    at: str
    outcome: str
    detail: str
    order: str | None


class ReceivedView(View, frozen=True):
    """A signal was taken: `order` is the id of its order, `ord_status` where it stands, null while the venue has not answered."""

    signal: str
    order: str
    ord_status: str | None
    replayed: bool


class DeliveryView(View, frozen=True):
    """One event on its way: `state` is waiting, delivered or dead; `status` the last answer's."""

    id: str
    event_id: str
    event: str
    environment: str
    seq: int
    state: str
    attempts: int
    made_at: str
    due_at: str
    ended_at: str | None
    status: int | None
    trouble: str


class AttemptView(View, frozen=True):
    """What a test came to."""

    ok: bool
    status: int | None
    trouble: str


def hook_view(hook: Hook, secret: str | None = None) -> WebhookView:
    """An address for signals."""
    return WebhookView(
        id=hook.id,
        name=hook.name,
        direction="in",
        environment=hook.environment.value,
        enabled=hook.enabled,
        version=hook.version,
        created_at=time_text(hook.created_at),
        path=f"/api/v1/hooks/{hook.id}",
        profile=hook.profile,
        strategy=hook.strategy,
        auth=hook.auth.value,
        template=dict(hook.template),
        words=dict(hook.words),
        symbols=hook.symbols,
        max_quantity=text(hook.max_quantity),
        max_notional=text(hook.max_notional),
        per_minute=hook.per_minute,
        replay_s=hook.replay_s,
        secret=secret,
    )


def target_view(target: Target, secret: str | None = None) -> WebhookView:
    """A URL that is told of events."""
    return WebhookView(
        id=target.id,
        name=target.name,
        direction="out",
        environment=target.environments[0].value,
        enabled=target.enabled,
        version=target.version,
        created_at=time_text(target.created_at),
        url=_origin(target),
        events=target.events,
        secret=secret,
    )


def notification_view(target: Target) -> NotificationView:
    """People who are told."""
    return NotificationView(
        id=target.id,
        name=target.name,
        service=target.url.reveal().partition(":")[0],
        environments=tuple(environment.value for environment in target.environments),
        events=target.events,
        quiet=target.quiet,
        group_s=target.group_s,
        enabled=target.enabled,
        version=target.version,
        created_at=time_text(target.created_at),
    )


def signal_view(signal: Signal) -> SignalView:
    return SignalView(
        id=signal.id,
        at=time_text(signal.at),
        outcome=signal.outcome,
        detail=signal.detail,
        order=signal.intent_id or None,
    )


def delivery_view(delivery: Delivery) -> DeliveryView:
    return DeliveryView(
        id=delivery.id,
        event_id=delivery.event_id,
        event=delivery.event,
        environment=delivery.environment.value,
        seq=delivery.seq,
        state=delivery.state.value,
        attempts=delivery.attempts,
        made_at=time_text(delivery.made_at),
        due_at=time_text(delivery.due_at),
        ended_at=when(delivery.ended_at),
        status=delivery.status,
        trouble=delivery.trouble,
    )


def _origin(target: Target) -> str:
    """A path or a query may hold a token."""
    assert target.kind is Kind.WEBHOOK
    parts = urlsplit(target.url.reveal())
    return f"{parts.scheme}://{parts.hostname}" + (f":{parts.port}" if parts.port else "")


Direction = Literal["in", "out"]

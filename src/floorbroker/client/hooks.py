"""Webhooks and alerts: signals that come in, events that go out, people who are told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from floorbroker.client.door import Door, segment
from floorbroker.client.shapes import Shape, Validation
from floorbroker.client.verbs import API, Body, Verbs, given, items, matching, one

NOTIFICATIONS = f"{API}/notifications"


class Webhook(Shape, frozen=True):
    """Direction `in`: signals to `path` become orders of `profile`.  Direction `out`: `events` are posted to `url`.

    `secret` is told once, when it is made.
    """

    id: str
    name: str
    direction: str
    environment: str
    enabled: bool
    version: int
    created_at: datetime
    path: str | None = None
    profile: str | None = None
    strategy: str | None = None
    auth: str | None = None
    template: dict[str, str] | None = None
    words: dict[str, str] | None = None
    symbols: tuple[str, ...] | None = None
    max_quantity: Decimal | None = None
    max_notional: Decimal | None = None
    per_minute: int | None = None
    replay_s: int | None = None
    url: str | None = None
    events: tuple[str, ...] | None = None
    secret: str | None = None


class Notification(Shape, frozen=True):
    """Who is told of what, by which service."""

    id: str
    name: str
    service: str
    environments: tuple[str, ...]
    events: tuple[str, ...]
    quiet: str
    group_s: int
    enabled: bool
    version: int
    created_at: datetime


class Signal(Shape, frozen=True):
    """A signal that came in: `outcome` is accepted, or the code of what stood against it."""

    id: str
    at: datetime
    outcome: str
    detail: str = ""
    order: str | None = None


class Received(Shape, frozen=True):
    """A signal was taken: `order` is the id of its order."""

    signal: str
    order: str
    replayed: bool
    ord_status: str | None = None


class Delivery(Shape, frozen=True):
    """One event on its way: `state` is waiting, delivered or dead."""

    id: str
    event_id: str
    event: str
    environment: str
    seq: int
    state: str
    attempts: int
    made_at: datetime
    due_at: datetime
    ended_at: datetime | None = None
    status: int | None = None
    trouble: str = ""


class Attempt(Shape, frozen=True):
    """What came of one try."""

    ok: bool
    status: int | None = None
    trouble: str = ""


class WebhookTest(Attempt, frozen=True):
    """The same; for direction `in`, the order that the sample would become, and what would stand against it."""

    order: dict[str, Any] | None = None
    validation: Validation | None = None


class Webhooks(Verbs):
    """The verbs of webhooks, by id or name.  A change names the `version` that is meant."""

    __slots__ = ()

    async def all(self) -> list[Webhook]:
        """Of this environment, both directions."""
        return items(await self.door.call("GET", self.at("/webhooks")), Webhook)

    async def one(self, id: str) -> Webhook:
        """One of them."""
        return one(await self.door.call("GET", self._at(id)), Webhook)

    async def add(self, webhook: Body) -> Webhook:
        """Make one: `name`, `direction`, and the members of that direction; the secret is in the answer alone."""
        return one(await self.door.call("POST", self.at("/webhooks"), body=webhook), Webhook)

    async def switch(self, id: str, *, enabled: bool, version: int) -> Webhook:
        """On or off."""
        body = {"enabled": enabled}
        return one(await self.door.call("PATCH", self._at(id), body=body, headers=matching(version)), Webhook)

    async def remove(self, id: str) -> None:
        """Take it away."""
        await self.door.call("DELETE", self._at(id))

    async def test(self, id: str, *, body: str = "") -> WebhookTest:
        """Direction `in`: what a sample would become.  Direction `out`: an event named `test` is sent now."""
        return one(await self.door.call("POST", f"{self._at(id)}/test", body={"body": body}), WebhookTest)

    async def signals(self, id: str, *, limit: int = 100) -> list[Signal]:
        """What came in, newest first."""
        return items(await self.door.call("GET", f"{self._at(id)}/signals", params={"limit": limit}), Signal)

    async def deliveries(self, id: str, *, limit: int = 100) -> list[Delivery]:
        """What went out, newest first."""
        return items(await self.door.call("GET", f"{self._at(id)}/deliveries", params={"limit": limit}), Delivery)

    async def retry(self, id: str, delivery: str) -> Delivery:
        """Try a delivery again, a dead one too."""
        path = f"{self._at(id)}/deliveries/{segment(delivery)}/retry"
        return one(await self.door.call("POST", path), Delivery)

    async def signal(self, id: str, signal: Mapping[str, Any], *, signature: str | None = None) -> Received:
        """Send a signal as its sender would: with the hook's secret among its members, or signed over the exact body."""
        headers = None if signature is None else {"X-Floorbroker-Signature": signature}
        return one(await self.door.call("POST", f"{API}/hooks/{segment(id)}", body=signal, headers=headers), Received)

    def _at(self, id: str) -> str:
        return self.at(f"/webhooks/{segment(id)}")


@dataclass(frozen=True, slots=True)
class Notifications:
    """The verbs of alerts to people, by id or name."""

    door: Door

    async def all(self) -> list[Notification]:
        """Who is told."""
        return items(await self.door.call("GET", NOTIFICATIONS), Notification)

    async def add(
        self,
        name: str,
        url: str,
        *,
        environments: Sequence[str] | None = None,
        events: Sequence[str] | None = None,
        quiet: str | None = None,
        group_s: int | None = None,
    ) -> Notification:
        """Tell somebody, by a URL of Apprise, which is a secret."""
        body = given(name=name, url=url, environments=environments, events=events, quiet=quiet, group_s=group_s)
        return one(await self.door.call("POST", NOTIFICATIONS, body=body), Notification)

    async def switch(self, id: str, *, enabled: bool, version: int) -> Notification:
        """On or off."""
        path, body = _alert(id), {"enabled": enabled}
        return one(await self.door.call("PATCH", path, body=body, headers=matching(version)), Notification)

    async def remove(self, id: str) -> None:
        """Tell them no more."""
        await self.door.call("DELETE", _alert(id))

    async def test(self, id: str) -> Attempt:
        """Send a message now."""
        return one(await self.door.call("POST", f"{_alert(id)}/test"), Attempt)

    async def deliveries(self, id: str, *, limit: int = 100) -> list[Delivery]:
        """What was told, newest first."""
        return items(await self.door.call("GET", f"{_alert(id)}/deliveries", params={"limit": limit}), Delivery)


def _alert(id: str) -> str:
    return f"{NOTIFICATIONS}/{segment(id)}"

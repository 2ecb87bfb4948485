"""Webhooks and alerts: who may send signals, who is told of events, and what became of the last of both."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from floorbroker.domain.frozen import frozen
from floorbroker.hooks.records import Delivery, Hook, Kind, Signal, State, Target
from floorbroker.web.frame import Ask, Screen

NEWEST = 5


@frozen
class ShownHook:
    """An address for signals, with the newest of them."""

    hook: Hook
    signals: Sequence[Signal]


@frozen
class ShownTarget:
    """Somebody who is told: `place` is what of the URL is no secret."""

    target: Target
    place: str
    deliveries: Sequence[Delivery]

    @property
    def dead(self) -> int:
        """How many of the newest were given up."""
        return sum(1 for delivery in self.deliveries if delivery.state is State.DEAD)


async def build(ask: Ask) -> Mapping[str, Any]:
    """Everything that comes in and goes out beside the page."""
    if ask.hooks is None:
        return {"known": False, "inbound": [], "outbound": [], "alerts": [], "profiles": ask.names}
    hooks, environment = ask.hooks, ask.environment
    inbound = [ShownHook(hook=h, signals=await hooks.signals(h, NEWEST)) for h in await hooks.hooks(environment)]
    outbound = [await _shown(ask, target) for target in await hooks.targets(Kind.WEBHOOK, environment)]
    alerts = [await _shown(ask, t) for t in await hooks.targets(Kind.ALERT) if not ask.sees.isdisjoint(t.environments)]
    return {"known": True, "inbound": inbound, "outbound": outbound, "alerts": alerts, "profiles": ask.names}


async def _shown(ask: Ask, target: Target) -> ShownTarget:
    assert ask.hooks is not None
    found = [one for one in await ask.hooks.deliveries(target, NEWEST) if one.environment in ask.sees]
    return ShownTarget(target=target, place=place_of(target), deliveries=found)


def place_of(target: Target) -> str:
    """A webhook's host, and the service of an alert: the rest may hold a token."""
    url = target.url.reveal()
    return url.partition(":")[0] if target.kind is Kind.ALERT else urlsplit(url).hostname or ""


HOOKS = Screen(
    path="/webhooks",
    title="Webhooks and alerts",
    template="webhooks.html",
    build=build,
    live=("orders",),  # what signals become, and what most targets are told of
    scripts=("webhooks.js",),
)

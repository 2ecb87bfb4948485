"""The hooks of a floor, joined to how this door shows events."""

from __future__ import annotations

from ipaddress import ip_network

from floorbroker.api.outgoing import rendered
from floorbroker.app.floor import Floor, Outside
from floorbroker.app.hooks import Hooks, hooks_of
from floorbroker.hooks.reach import PublicOnly
from floorbroker.transport.reach import system_resolve


def hooks_at(floor: Floor, outside: Outside) -> Hooks:
    """Made, not started: a command that lives for a moment changes hooks and delivers nothing of what it does."""
    reach = PublicOnly(tuple(map(ip_network, floor.config.webhooks.allow)), outside.resolve or system_resolve)
    return hooks_of(
        cold=floor.cold,
        desks=floor.desks,
        reach=reach,
        render=rendered,
        clock=outside.clock,
        random=outside.random,
        log=outside.log,
        meter=outside.meter,
        redactor=outside.redactor,
    )

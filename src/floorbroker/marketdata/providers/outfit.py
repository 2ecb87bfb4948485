"""What a provider is built from, handed in by the composition root."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random
from urllib.parse import urlsplit

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import Log, Meter, Redactor
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.transport.layers.audit import Tap
from floorbroker.transport.reach import is_loopback
from floorbroker.transport.types import Connect, Http


@dataclass(frozen=True, slots=True, kw_only=True)
class Outfit:
    """One provider's collaborators.  `url` is where a simulator listens, `key` the secret where there is one."""

    environment: Environment
    http: Http
    connect: Connect
    clock: Clock
    random: Random
    log: Log
    meter: Meter
    redactor: Redactor
    tap: Tap
    url: str = ""
    key: Secret | None = None
    options: Mapping[str, str] = field(default_factory=dict[str, str])

    def secret(self, provider: str) -> Secret:
        """Raises `ConfigInvalid` when there is no key."""
        if self.key is None:
            raise ConfigInvalid(f"{provider} needs BROKER_API_KEY")
        return self.key


def simulator(url: str, *, usual: str) -> str:
    """The origin of a simulator, on this machine alone.  Raises `ConfigInvalid`."""
    origin = url.rstrip("/")
    if not origin:
        raise ConfigInvalid(f"environment sim needs BROKER_URL, the origin of a simulator, like {usual}")
    if origin.partition("://")[0] not in ("http", "https") or not is_loopback(_host(origin)):
        raise ConfigInvalid(f"environment sim reaches loopback only: BROKER_URL is like {usual}")
    return origin


def _host(origin: str) -> str:
    try:
        return urlsplit(origin).hostname or ""
    except ValueError:
        return ""

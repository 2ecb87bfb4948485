"""What a broker is built from: the same for every venue, handed in by the composition root."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.ports import NO_STEPS, NO_TRACER, Log, Meter, Profile, Redactor, Steps, Tracer
from floorbroker.domain.secret import Secret
from floorbroker.transport.feeds import Sinks
from floorbroker.transport.layers.audit import Tap
from floorbroker.transport.layers.gate import Check
from floorbroker.transport.layers.sign import MaySign
from floorbroker.transport.pins import pin_of, pinned
from floorbroker.transport.types import Connect, Http, OrderHttp


@dataclass(frozen=True, slots=True, kw_only=True)
class Shells:
    """The three cuts to the network; a simulation hands in its own.

    `trusting` makes the same three for a context that believes other certificates; None where there is no encryption to speak of.
    """

    http: Callable[[], Http]
    order_http: Callable[[Check], OrderHttp]
    connect: Connect
    trusting: Callable[[ssl.SSLContext], Shells] | None = None

    def pinned(self, certificate: str) -> Shells:
        """Shells that believe one certificate alone, by its path or its SHA-256.  Raises `ConfigInvalid`."""
        if self.trusting is None:
            raise ConfigInvalid("this network is handed in and knows no certificates: leave the pin out")
        return self.trusting(pinned(pin_of(certificate)))


def _never_shuts(within_s: float) -> bool:
    """Where nobody keeps a calendar."""
    del within_s
    return False


@dataclass(frozen=True, slots=True, kw_only=True)
class Wiring:
    """One profile's collaborators.  `plain` and `secrets` are the agnostic `BROKER_*` fields; `state` is the
    embedded venue's file.

    `may_send` raises an `OwnRefusal` for an order command that must not leave now (latch, READY); cancels are not
    asked.  `may_sign` raises one for any request that must not be signed now, because the vault is locked; None where the
    secrets do not come from a vault.  `sinks` takes raw book frames off market data connections, where it is given.
    `symbols` tells what the desk's own books are about, once they are read: for a venue that lists the past by symbol.
    `shuts_in_s` says whether planned maintenance is on, or begins within so many seconds: no time for a dead-man timer.
    """

    profile: Profile
    shells: Shells
    clock: Clock
    random: Random
    log: Log
    meter: Meter
    redactor: Redactor
    tap: Tap
    may_send: Check
    may_sign: MaySign | None = None
    state: Path
    plain: Mapping[str, str] = field(default_factory=dict[str, str])
    secrets: Mapping[str, Secret] = field(default_factory=dict[str, Secret])
    read_retries: int = 3
    intent_age_s: float = 5.0
    send_timeout_s: float = 5.0
    steps: Steps = NO_STEPS
    tracer: Tracer = NO_TRACER
    sinks: Sinks | None = None
    symbols: Callable[[], Collection[str]] = tuple
    shuts_in_s: Callable[[float], bool] = _never_shuts

    @property
    def account_number(self) -> str:
        """Which account trades: it is sealed as secrets are, though it is none.  Empty when nobody said."""
        kept = self.secrets.get("BROKER_ACCOUNT_NUMBER")
        return self.plain.get("BROKER_ACCOUNT_NUMBER", "") if kept is None else kept.reveal()

    def secret(self, name: str) -> Secret:
        """A secret field.  Raises `ConfigInvalid` when it is not given."""
        if name not in self.secrets:
            raise ConfigInvalid(f"profile {self.profile.name} needs {name}")
        return self.secrets[name]

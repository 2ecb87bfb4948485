"""The unlock session: how long an opened vault stays open, and what may still be signed when it no longer is.

A session ends when nobody used it for `idle_s`, when it is `absolute_s` old, or by hand.  Then the vault's key is wiped at once;
the secrets that profiles had leased live on for `cancel_grace_s`, and sign nothing but cancels and the looking-up of orders.
After that nothing is signed until somebody unlocks again.  Time is `Clock.monotonic`: setting the wall clock changes nothing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import ConfigInvalid, NotFound, VaultLocked
from floorbroker.domain.secret import LeasedSecret, Secret
from floorbroker.domain.values import Environment
from floorbroker.transport.types import Lane, Request
from floorbroker.vault.vault import Vault

UNLOCK = "floorbroker vault unlock"
_IN_GRACE = frozenset({Lane.CANCEL, Lane.RESOLVE, Lane.RECONCILE})
_COMMANDS = frozenset({Lane.CANCEL, Lane.REDUCE, Lane.NEW})


class Standing(Enum):
    """Where an unlock session stands."""

    UNLOCKED = "unlocked"
    GRACE = "grace"  # over, but cancels still pass
    LOCKED = "locked"


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionLimits:
    """Seconds.  0 means no such limit for `idle_s` and `absolute_s`, and no grace for `cancel_grace_s`."""

    idle_s: float = 43_200.0
    absolute_s: float = 604_800.0
    cancel_grace_s: float = 3_600.0


@dataclass(frozen=True, slots=True)
class Tenant:
    """Whose record a lease is for."""

    profile: str
    broker: str
    environment: Environment


@dataclass(slots=True)
class UnlockSession:
    """One process's unlock session.  `tenants` are the profiles whose secrets are leased while it lasts."""

    clock: Clock
    limits: SessionLimits = field(default_factory=SessionLimits)
    tenants: tuple[Tenant, ...] = ()
    ended_by: str = "nobody unlocked it yet"
    _vault: Vault | None = field(default=None, repr=False)
    _leases: dict[Tenant, Mapping[str, Secret]] = field(
        default_factory=dict[Tenant, "Mapping[str, Secret]"], repr=False
    )
    _opened_s: float = 0.0
    _used_s: float = 0.0
    _ended_s: float = 0.0
    _until_s: float = (
        -math.inf
    )  # while it is open: when it ends, so that asking on the way of an order is one comparison

    # -- beginning and ending ---------------------------------------------------------------------------------------------

    def begin(self, vault: Vault) -> None:
        """An opened vault is in hand: a session before this one is over."""
        if self._vault is not None and self._vault is not vault:
            self._vault.lock()
        self._vault, self.ended_by = vault, ""
        self._opened_s = self._used_s = self.clock.monotonic()
        self._until_s = self._deadline_s()
        self.renew()

    def renew(self) -> None:
        """Read the leased records again, after one of them changed."""
        vault = self.vault()
        self._leases = {tenant: lease for tenant in self.tenants if (lease := _lease(vault, tenant)) is not None}

    def use(self) -> None:
        """Somebody used it: a command was signed, or a person acted at a door."""
        self._use(self.clock.monotonic())

    def _use(self, now_s: float) -> None:
        self._used_s = now_s
        if self._vault is not None:
            self._until_s = self._deadline_s()

    def end(self, reason: str, *, at_once: bool = False) -> None:
        """Wipe the key; without grace, or with `at_once`, forget the leases too."""
        self._until_s = -math.inf
        if self._vault is not None:
            self._vault.lock()
            self._vault, self.ended_by, self._ended_s = None, reason, self.clock.monotonic()
        if at_once or self.limits.cancel_grace_s <= 0:
            self._leases = {}

    # -- where it stands --------------------------------------------------------------------------------------------------

    @property
    def standing(self) -> Standing:
        """As of now: what is over ends by being looked at, so no timer decides what may be signed."""
        self._expire()
        if self._vault is not None:
            return Standing.UNLOCKED
        return Standing.GRACE if self._leases else Standing.LOCKED

    def _expire(self) -> None:
        now_s = self.clock.monotonic()
        if self._vault is not None and now_s >= self._until_s:
            limit_s, word = min(
                ((self._idle_end_s(), "unused for too long"), (self._absolute_end_s(), "open for too long"))
            )
            self.end(word)
            self._ended_s = limit_s  # however late somebody looked
        if self._vault is None and self._leases and now_s >= self._ended_s + self.limits.cancel_grace_s:
            self._leases = {}

    def _idle_end_s(self) -> float:
        return self._used_s + self.limits.idle_s if self.limits.idle_s else math.inf

    def _absolute_end_s(self) -> float:
        return self._opened_s + self.limits.absolute_s if self.limits.absolute_s else math.inf

    def _deadline_s(self) -> float:
        return min(self._idle_end_s(), self._absolute_end_s())

    @property
    def changes_in_s(self) -> float | None:
        """Seconds until it stands elsewhere by itself; None when it never does."""
        match self.standing:
            case Standing.UNLOCKED:
                left_s = self._deadline_s() - self.clock.monotonic()
            case Standing.GRACE:
                left_s = self._ended_s + self.limits.cancel_grace_s - self.clock.monotonic()
            case _:
                left_s = math.inf
        return None if math.isinf(left_s) else max(left_s, 0.0)

    @property
    def reason(self) -> str:
        """Why nothing new may be signed; empty while it may."""
        if self.clock.monotonic() < self._until_s:
            return ""
        match self.standing:
            case Standing.UNLOCKED:
                return ""
            case Standing.GRACE:
                return f"the vault is locked ({self.ended_by}); cancels still work"
            case _:
                return f"the vault is locked ({self.ended_by})"

    @property
    def is_shut(self) -> bool:
        """Whether nothing at all may be signed."""
        return self.standing is Standing.LOCKED

    # -- what it gives ----------------------------------------------------------------------------------------------------

    def vault(self) -> Vault:
        """The opened vault.  Raises `VaultLocked`."""
        if self.standing is not Standing.UNLOCKED or self._vault is None:
            raise VaultLocked(f"{self.reason}: {UNLOCK}")
        return self._vault

    def may_sign(self, request: Request) -> None:
        """Raises `VaultLocked` for what must not be signed now.  A signed command is use."""
        now_s = self.clock.monotonic()
        if now_s < self._until_s:
            if request.lane in _COMMANDS:
                self._use(now_s)
            return
        standing = self.standing
        if standing is Standing.LOCKED or request.lane not in _IN_GRACE:
            raise VaultLocked(f"{self.reason}: {UNLOCK}")

    def leased(self, tenant: Tenant, name: str) -> Secret:
        """A field that is asked for anew each time it is used."""
        return LeasedSecret(lambda: self._lend(tenant, name))

    def values(self) -> list[Secret]:
        """Every leased value, for the filter that keeps them out of logs."""
        return [value for lease in self._leases.values() for value in lease.values()]

    def _lend(self, tenant: Tenant, name: str) -> Secret:
        if self.clock.monotonic() >= self._until_s and self.standing is Standing.LOCKED:
            raise VaultLocked(f"{self.reason}: {UNLOCK}")
        value = self._leases.get(tenant, {}).get(name)
        if value is None:
            where = f"profile {tenant.profile} ({tenant.broker}, {tenant.environment.value})"
            raise ConfigInvalid(f"the vault has no {name} for {where}: floorbroker broker edit {tenant.profile}")
        return value


def _lease(vault: Vault, tenant: Tenant) -> Mapping[str, Secret] | None:
    try:
        return vault.read(tenant.profile, broker=tenant.broker, environment=tenant.environment)
    except NotFound:
        return None

"""What trips the kill switch by itself: an audit that cannot be written, positions that do not agree with a venue's.

Both stop new orders at once, as long as they last.  When one lasts, something is wrong that a person should look at: then it is a
kill of level 1, which stays until one did.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller, RoundResult
from floorbroker.gateway.scopes import GLOBAL
from floorbroker.oms.unforeseen import ours

LOOK_S = 1.0
BY = Caller(principal="gateway", via="gateway")


class Watched(Protocol):
    """A session, as far as it is watched."""

    @property
    def last_round(self) -> RoundResult | None: ...


@dataclass(slots=True)
class Wire:
    """Breaks once something has been so for long enough, and once only until it has not been so; 0 seconds are for ever."""

    longest_s: float
    since_s: float | None = None
    is_broken: bool = False

    def breaks(self, *, now_s: float, wrong: bool) -> bool:
        """Whether this is the moment."""
        if not wrong:
            self.since_s, self.is_broken = None, False
            return False
        self.since_s = now_s if self.since_s is None else self.since_s
        if self.is_broken or not self.longest_s or now_s - self.since_s < self.longest_s:
            return False
        self.is_broken = True
        return True


def diverged(found: RoundResult | None) -> str:
    """What the last round that could be finished did not agree on; empty when it did, or could not be finished."""
    if found is None or found.converged or found.error:
        return ""
    return "; ".join(found.differences) or "positions do not agree"


@dataclass(slots=True, kw_only=True)
class Tripwires:
    """One wire for the audit, one for each profile.  `trip` kills at level 1: a scope and a reason."""

    sessions: Mapping[ProfileName, Watched]
    trouble: Callable[[], str]
    trip: Callable[[ProfileName, str], Awaitable[object]]
    clock: Clock
    log: Log
    audit_s: float = 0.0
    divergence_s: float = 0.0
    _audit: Wire = field(init=False)
    _wires: dict[ProfileName, Wire] = field(default_factory=dict[ProfileName, Wire])

    def __post_init__(self) -> None:
        self._audit = Wire(self.audit_s)

    async def run(self) -> None:
        """Look every second; ends by cancellation."""
        while True:
            await self.clock.sleep(LOOK_S)
            try:
                with ours(self.log, "tripwire.unforeseen"):
                    await self.look()
            except FloorbrokerError as error:
                self.log.error("tripwire.failed", detail=error.detail)

    async def look(self) -> None:
        """Trip what is due."""
        now_s = self.clock.monotonic()
        trouble = self.trouble()
        if self._audit.breaks(now_s=now_s, wrong=bool(trouble)):
            await self.trip(GLOBAL, f"{trouble}, for {self.audit_s:g} s")
        self._wires = {name: wire for name, wire in self._wires.items() if name in self.sessions}
        for name, session in tuple(self.sessions.items()):
            found = session.last_round
            if found is not None and found.error:  # it heals nothing, and nothing is known to last
                continue
            wrong = diverged(found)
            wire = self._wires.setdefault(name, Wire(self.divergence_s))
            if wire.breaks(now_s=now_s, wrong=bool(wrong)):
                await self.trip(
                    name, f"positions have not agreed with the venue's for {self.divergence_s:g} s: {wrong}"
                )

"""Which profiles are demoted: promotion and demotion with hysteresis, decided from looks at each profile, without waiting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.routing.policy import Moving


@frozen
class Look:
    """One profile now: why it cannot be used (empty when it can), and its health up to 100."""

    profile: ProfileName
    trouble: str
    health: int


@frozen
class Turn:
    """A profile that is demoted, or comes back, and why."""

    profile: ProfileName
    demoted: bool
    why: str


@dataclass(slots=True)
class Hysteresis:
    """How long each profile was bad, or good, without a break.  Seconds of the monotonic clock; a restart begins anew."""

    moving: Moving
    _bad_s: dict[ProfileName, float] = field(default_factory=dict[ProfileName, float])
    _good_s: dict[ProfileName, float] = field(default_factory=dict[ProfileName, float])

    def turns(self, looks: Sequence[Look], demoted: frozenset[ProfileName], now_s: float) -> list[Turn]:
        """What changes now.  The last profile that can be used is never demoted: somebody has to take the orders."""
        self._forget_but({look.profile for look in looks})
        for look in looks:
            _note(self._bad_s, look.profile, now_s, holds=bool(self._fault(look)))
            _note(self._good_s, look.profile, now_s, holds=self._is_good(look))
        found: list[Turn] = []
        out = set(demoted)
        for look in looks:
            if look.profile in out and self._lasted(self._good_s, look, now_s) >= self.moving.promote_after_s:
                found.append(Turn(profile=look.profile, demoted=False, why=self._recovery()))
                out.discard(look.profile)
        for look in looks:
            if look.profile in out or self._lasted(self._bad_s, look, now_s) < self.moving.demote_after_s:
                continue
            if any(other.profile not in out and other is not look and not self._fault(other) for other in looks):
                found.append(Turn(profile=look.profile, demoted=True, why=self._fault(look)))
                out.add(look.profile)
        return found

    def _forget_but(self, looked_at: set[ProfileName]) -> None:
        """Whom nobody looked at has a break in what held for it."""
        for since_s in (self._bad_s, self._good_s):
            for name in [name for name in since_s if name not in looked_at]:
                del since_s[name]

    def _fault(self, look: Look) -> str:
        if look.trouble:
            return look.trouble
        if look.health < self.moving.demote_below:
            return f"its health is {look.health}, below {self.moving.demote_below}"
        return ""

    def _is_good(self, look: Look) -> bool:
        return not look.trouble and look.health > self.moving.promote_above

    def _recovery(self) -> str:
        return f"it was usable, with a health above {self.moving.promote_above}, for {self.moving.promote_after_s:g} s"

    @staticmethod
    def _lasted(since_s: dict[ProfileName, float], look: Look, now_s: float) -> float:
        began = since_s.get(look.profile)
        return -1.0 if began is None else now_s - began


def _note(since_s: dict[ProfileName, float], profile: ProfileName, now_s: float, *, holds: bool) -> None:
    """Remember since when something holds without a break."""
    if holds:
        since_s.setdefault(profile, now_s)
    else:
        since_s.pop(profile, None)

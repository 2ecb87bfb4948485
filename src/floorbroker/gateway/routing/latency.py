"""How long a submit is expected to take at each profile: what was measured of late, by a published formula.

    expected = (sum of measured + CREDIT x configured) / (number measured + CREDIT)

Both sums halve every `HALF_LIFE_S` of steady time, so a slow hour is forgotten, and without orders the figure goes back to the
configured one.  Measured is from the act's own decision to send to the venue's answer, waits for the rate budget included; a
send that nobody answered counts with the time it was waited for, one that never left does not count.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.clock import Clock
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ProfileName

HALF_LIFE_S = 600.0
CREDIT = 2.0  # submits of the configured length that everybody is credited with: one slow one of one says little
_STEP = Decimal("0.1")
_SAME = 0.0499  # figures so near to a rounded one all round to it


@frozen
class Expected:
    """What is expected of one profile (ms), and on how many submits of late that stands (faded, so not whole)."""

    latency_ms: Decimal
    samples: Decimal


@dataclass(slots=True)
class _Sums:
    """As of `at_s` (monotonic): seconds measured, and how many times."""

    at_s: float
    total_s: float = 0.0
    count: float = 0.0
    _told: Decimal | None = None  # the last figure that was told
    _near: float = 0.0

    def fade(self, now_s: float) -> None:
        left = 0.5 ** (max(now_s - self.at_s, 0.0) / HALF_LIFE_S)
        self.total_s *= left
        self.count *= left
        self.at_s = now_s

    def told_ms(self, figure: float) -> Decimal:
        """A figure rounded; nearly always it rounds to what it did the last time."""
        if self._told is None or abs(figure - self._near) > _SAME:
            self._told = _told(figure)
            self._near = float(self._told)
        return self._told


@dataclass(slots=True)
class LatencyBook:
    """The measured submits of every profile, as two sums each.  A restart begins with the configured figures."""

    clock: Clock
    _sums: dict[ProfileName, _Sums] = field(default_factory=dict[ProfileName, _Sums])

    def heard(self, profile: ProfileName, elapsed_s: float) -> None:
        """A submit took so long, whatever the answer was."""
        now_s = self.clock.monotonic()
        sums = self._sums.setdefault(profile, _Sums(now_s))
        sums.fade(now_s)
        sums.total_s += elapsed_s
        sums.count += 1.0

    def expected(self, profile: ProfileName, configured_ms: Decimal) -> Expected:
        """By the formula, now."""
        latency_ms, sums = self.expected_ms(profile, configured_ms), self._sums.get(profile)
        return Expected(latency_ms=latency_ms, samples=Decimal(0) if sums is None else _told(sums.count))

    def expected_ms(self, profile: ProfileName, configured_ms: Decimal) -> Decimal:
        """Its latency alone, which each route asks for."""
        sums = self._sums.get(profile)
        if sums is None:
            return configured_ms
        sums.fade(self.clock.monotonic())
        return sums.told_ms((sums.total_s * 1000 + CREDIT * float(configured_ms)) / (sums.count + CREDIT))


def _told(figure: float) -> Decimal:
    return Decimal(repr(figure)).quantize(_STEP)

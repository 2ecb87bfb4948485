"""How long to wait before the next try: full jitter, so that many clients do not come back together."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True, kw_only=True)
class Backoff:
    """Exponential back-off with full jitter: uniform between 0 and `base_s` doubled per failure, at most `cap_s`."""

    base_s: float = 0.5
    cap_s: float = 60.0

    def ceiling_s(self, failures: int) -> float:
        """The longest wait after so many failures before this one (0 for the first)."""
        return min(self.cap_s, self.base_s * 2.0 ** min(failures, 62))

    def delay_s(self, failures: int, random: Random) -> float:
        """A wait drawn for this failure."""
        return random.uniform(0.0, self.ceiling_s(failures))

"""Pacing: ten requests a second in all, windows for some paths, and the penalty box for whoever asks faster."""

from __future__ import annotations

from collections import deque

from floorbroker.domain.clock import Clock
from floorbroker_sim.ibkr_web import info


class Pacing:
    """Counts requests that came.  `per_second` zero counts nothing; paths are without the base."""

    def __init__(self, clock: Clock, per_second: int) -> None:
        self._clock = clock
        self._per_second = per_second
        self.reset()

    def reset(self) -> None:
        """Forget what was counted, and let everybody out."""
        self._seen: dict[str, deque[float]] = {}
        self._until_s = 0.0

    def take(self, path: str) -> bool:
        """Whether a request may pass; one that may not puts its sender into the penalty box."""
        if not self._per_second:
            return True
        now_s = self._clock.monotonic()
        if now_s < self._until_s:
            return False
        windows = [("", self._per_second, 1.0)]
        if path in info.WINDOWS:
            windows.append((path, *info.WINDOWS[path]))
        fits = [self._fits(name, limit, span_s, now_s) for name, limit, span_s in windows]  # each of them counts it
        if all(fits):
            return True
        self._until_s = now_s + info.PENALTY_S
        return False

    def _fits(self, name: str, limit: int, span_s: float, now_s: float) -> bool:
        seen = self._seen.setdefault(name, deque())
        while seen and seen[0] <= now_s - span_s:
            seen.popleft()
        seen.append(now_s)
        return len(seen) <= limit

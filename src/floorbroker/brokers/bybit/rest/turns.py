"""When a cancel that came too often is asked again.

Its refusal proves that nothing was done, and a cancel may be repeated (I15).
"""

from __future__ import annotations

from floorbroker.domain.clock import Clock

PAUSE_S = 1.0  # the venue counts by the second
PATIENCE_S = 20.0


class Turns:
    """One after another, `per_s` in a second, so that many that were refused together do not come together again."""

    def __init__(self, clock: Clock, *, per_s: int) -> None:
        self._clock = clock
        self._gap_s = 1.0 / per_s
        self._next_s = 0.0

    async def next(self, *, until_s: float) -> bool:
        """Wait for a turn; False at once where none comes until then (monotonic seconds)."""
        now_s = self._clock.monotonic()
        turn_s = max(now_s + PAUSE_S, self._next_s)
        if turn_s > until_s:
            return False
        self._next_s = turn_s + self._gap_s
        await self._clock.sleep(turn_s - now_s)
        return True

"""How fast somebody may guess: five failures a minute for an account and for an address, then a wait that doubles.

It is kept in memory: whoever can restart the desk need not guess.  A wait ends by itself; who has signed in from an address
before is counted apart there (`app/people/visits.py`), so nobody can shut a person out by guessing in their name.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock

FREE = 5
WINDOW_S = 60.0
WAIT_MAX_S = 900.0
KEYS_MAX = 4096


@dataclass(slots=True)
class _Failures:
    count: int = 0
    last_s: float = 0.0


@dataclass(slots=True)
class Brake:
    """Failures by key (`account:ada`, `address:192.0.2.7`); times are `Clock.monotonic`."""

    clock: Clock
    _failed: OrderedDict[str, _Failures] = field(default_factory=OrderedDict[str, _Failures])

    def wait_s(self, *keys: str) -> float:
        """Seconds until all of these may try again; zero when they may now."""
        return max((self._wait_s(key) for key in keys), default=0.0)

    def failed(self, *keys: str) -> None:
        """One of their tries was wrong."""
        now_s = self.clock.monotonic()
        for key in keys:
            found = self._failed.pop(key, None)
            if found is None or now_s - found.last_s > WINDOW_S + _wait_after_s(found.count):
                found = _Failures()
            found.count += 1
            found.last_s = now_s
            self._failed[key] = found
            if len(self._failed) > KEYS_MAX:
                self._failed.popitem(last=False)

    def passed(self, *keys: str) -> None:
        """They came in: their failures are forgotten."""
        for key in keys:
            self._failed.pop(key, None)

    def forgive(self, *keys: str) -> None:
        """The last try was right after all, and those before it were not."""
        for key in keys:
            if (found := self._failed.get(key)) is not None:
                found.count -= 1

    def _wait_s(self, key: str) -> float:
        found = self._failed.get(key)
        if found is None:
            return 0.0
        return max(found.last_s + _wait_after_s(found.count) - self.clock.monotonic(), 0.0)


def _wait_after_s(count: int) -> float:
    """Nothing for the first failures, then a minute, two, four, at most a quarter of an hour."""
    return 0.0 if count < FREE else min(WINDOW_S * 2 ** (count - FREE), WAIT_MAX_S)

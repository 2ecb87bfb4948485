"""Requests a minute and the headers that tell: 200 for trading, counted in whole minutes."""

from __future__ import annotations

from dataclasses import dataclass, field

from floorbroker.domain.clock import Clock

_MINUTE_S = 60


@dataclass(slots=True)
class Counter:
    """A window of one minute for each door (`trading`, `data`).  `per_minute` zero counts nothing."""

    clock: Clock
    per_minute: int
    _windows: dict[str, tuple[int, int]] = field(default_factory=dict[str, tuple[int, int]])

    def take(self, door: str) -> tuple[bool, dict[str, str]]:
        """Whether the request may pass, and the `X-RateLimit-*` headers of its answer."""
        if self.per_minute == 0:
            return True, {}
        seconds = int(self.clock.now().timestamp())
        minute = seconds // _MINUTE_S
        window, used = self._windows.get(door, (minute, 0))
        used = used + 1 if window == minute else 1
        self._windows[door] = (minute, used)
        headers = {
            "X-RateLimit-Limit": str(self.per_minute),
            "X-RateLimit-Remaining": str(max(self.per_minute - used, 0)),
            "X-RateLimit-Reset": str((minute + 1) * _MINUTE_S),
        }
        return used <= self.per_minute, headers

    def reset(self) -> None:
        """Forget what was counted."""
        self._windows.clear()

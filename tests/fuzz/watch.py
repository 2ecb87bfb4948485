"""How long one input may take: counted in processor time of this process, so that a busy machine makes no finding."""

from __future__ import annotations

import signal
from collections.abc import Callable
from types import FrameType

HANG_S = 1.0  # processor time, user and system, of one input
WALL_S = 60  # behind it, for what no Python handler interrupts: a loop in C, a wait that never ends


class Hang(BaseException):
    """An input took too long.  No `except Exception` of the code under it may swallow that."""


class Watch:
    """Runs one input at a time under a limit; must be made and used in the main thread, where signals are handled."""

    def __init__(self, limit_s: float = HANG_S) -> None:
        self._limit_s = limit_s
        self._over = False
        signal.signal(signal.SIGPROF, self._ring)

    def run(self, work: Callable[[], object]) -> None:
        """Do `work`.  Raises `Hang` in its midst, and again at its end where it was swallowed on its way out."""
        self._over = False
        signal.setitimer(signal.ITIMER_PROF, self._limit_s)
        try:
            work()
        finally:
            signal.setitimer(signal.ITIMER_PROF, 0)
        if self._over:
            raise self._hang()

    def _ring(self, number: int, frame: FrameType | None) -> None:
        self._over = True
        raise self._hang()

    def _hang(self) -> Hang:
        return Hang(f"an input took more than {self._limit_s} s of processor time")

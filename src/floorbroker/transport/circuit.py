"""A circuit breaker as a state machine that cannot wait: closed, open, half-open."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from floorbroker.domain.errors import CircuitBreakerError, Hint, Outcome


class CircuitState(Enum):
    """Closed lets everything through, open nothing, half-open one probe at a time."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to try; results of an earlier `era` say nothing about this one."""

    era: int
    probe: bool


def _nobody() -> None:
    """Most circuits are looked at, and tell nobody."""


class Circuit:
    """Opens after `failure_threshold` failures in a row; after `recovery_s` one probe decides.  `now` is monotonic.

    `probed`: nothing but a `probe` of its owner closes it.  `admit` makes nobody the probe then, an answer to what passes
    `always` closes nothing, and after a good probe the first failure opens it again.

    `free_leave` is the leave that everybody has while it is closed, and None while it is not: with it in hand nothing needs
    to be asked, not even the time.  `failures` counts those in a row; a success has nothing to tell while it is 0.
    `on_change` is called when it opened, opened anew or closed, and must return at once.
    """

    __slots__ = (
        "_era",
        "_opened_at",
        "_probed",
        "_probing",
        "_recovery_s",
        "_threshold",
        "cause",
        "failures",
        "free_leave",
        "on_change",
    )

    def __init__(self, *, failure_threshold: int, recovery_s: float, probed: bool = False) -> None:
        if failure_threshold < 1:
            raise ValueError("failure_threshold must be at least 1")
        self._threshold = failure_threshold
        self._recovery_s = recovery_s
        self._probed = probed
        self.failures = 0
        self.cause = ""  # what the newest failure that counted was
        self._opened_at: float | None = None
        self._probing = False
        self._era = 0
        self.free_leave: Pass | None = Pass(0, probe=False)
        self.on_change: Callable[[], None] = _nobody

    def state(self, now: float) -> CircuitState:
        """Where it stands."""
        if self._opened_at is None:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if now - self._opened_at >= self._recovery_s else CircuitState.OPEN

    def admit(self, now: float, *, always: bool = False) -> Pass:
        """Leave to try, or `CircuitBreakerError` (NOT_SENT).  `always` passes an open circuit and is no probe."""
        if self.free_leave is not None:
            return self.free_leave
        if always:
            return Pass(self._era, probe=False)
        if self._probed or self._probing or self.state(now) is CircuitState.OPEN:
            opened_at = now if self._opened_at is None else self._opened_at
            left_s = max(0.0, opened_at + self._recovery_s - now)
            why = f" ({self.cause})" if self.cause else ""
            raise CircuitBreakerError(
                f"not sent: the requests before it failed{why}, and the circuit breaker is open",
                outcome=Outcome.NOT_SENT,
                hint=Hint(retry_after_s=left_s),
            )
        return self.probe()

    def probe(self) -> Pass:
        """Leave for the one try that decides whether it closes."""
        self._probing = True
        return Pass(self._era, probe=True)

    def succeeded(self, leave: Pass) -> None:
        """The other side works: close."""
        if leave is self.free_leave:
            self.failures = 0
            return
        self.returned(leave)
        if leave.era != self._era or (self._probed and not leave.probe):
            return
        self.failures = self._threshold - 1 if self._probed else 0
        if self._opened_at is not None:
            self._opened_at = None
            self._begin_era()

    def failed(self, leave: Pass, now: float, cause: str = "") -> None:
        """One more failure: open at the threshold, and again at once when it was the probe.  `cause` is told while it is open."""
        self.returned(leave)
        if leave.era != self._era or (self._opened_at is not None and not leave.probe):
            return
        self.failures += 1
        self.cause = cause
        if leave.probe or self.failures >= self._threshold:
            self._opened_at = now
            self._begin_era()

    def _begin_era(self) -> None:
        self._era += 1
        self.free_leave = Pass(self._era, probe=False) if self._opened_at is None else None
        self.on_change()

    def returned(self, leave: Pass) -> None:
        """The try said nothing about the other side (refused by us, or cancelled)."""
        if leave.probe:
            self._probing = False

"""What a stream session may ask of the shell around it; `E` is the event type the session emits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Generic, Protocol, TypeVar

E = TypeVar("E")
E_co = TypeVar("E_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Send:
    """Send this: `str` as text, `bytes` as binary."""

    data: bytes | str


@dataclass(frozen=True, slots=True)
class Emit(Generic[E_co]):
    """Hand this event on."""

    event: E_co


@dataclass(frozen=True, slots=True)
class Reconnect:
    """Drop the connection and open another; `reason` is one sentence without secrets."""

    reason: str


Action = Send | Emit[E] | Reconnect


class Session(Protocol[E_co]):
    """A stream's sans-I/O core (`brokers/<venue>/stream.py`): it decides and cannot wait.

    `at` is our wall time, UTC, and is for records alone; `now_s` is monotonic (`Clock.monotonic`), and every wait is counted
    by it: a wall clock that is moved neither ends one nor holds it up.  A session lives across connections: `on_open` is
    called for each new one and answers with the log-in and every subscription wanted.  A frame it cannot read is answered
    with `Reconnect` or an event, never an exception.
    """

    def on_open(self, now_s: float) -> Sequence[Action[E_co]]:
        """A connection was opened; whatever the old one had asked for is forgotten by the venue."""
        ...

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Sequence[Action[E_co]]:
        """A whole message; an empty one is a sign of life (an SSE comment)."""
        ...

    def on_tick(self, now_s: float) -> Sequence[Action[E_co]]:
        """Called about once a second: heartbeats, and `Reconnect` after too long a silence."""
        ...

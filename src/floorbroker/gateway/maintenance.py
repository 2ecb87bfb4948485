"""A profile's calendar: whether its venue is shut now, when it will be next, and when every session of it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from floorbroker.domain.clock import Clock
from floorbroker.domain.timetable import Span, Timetable, next_reset, next_shut, shut

LOOK_S = 30.0  # at most until the next look: somebody may move the wall clock
_EVER, _NEVER = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)


@dataclass(slots=True)
class Calendar:
    """Asked before every order, so that it looks at the week only when the answer may have changed."""

    table: Timetable
    clock: Clock
    _span: Span | None = None
    _holds: tuple[datetime, datetime] = field(default=(_NEVER, _EVER))  # between which times `_span` is the answer

    def reason(self) -> str:
        """Why the venue takes no orders now; empty while it does."""
        span = self.now() if self.table.maintenance else None
        return "" if span is None else f"{span.why} until {_clock_text(span.ends_at)}"

    def now(self) -> Span | None:
        """The maintenance that is on."""
        if not self.table.maintenance:
            return None
        now = self.clock.now()
        if not self._holds[0] <= now < self._holds[1]:
            self._look(now)
        return self._span

    def _look(self, now: datetime) -> None:
        self._span, after = shut(self.table, now), next_shut(self.table, now)
        ends = [span for span in (self._span and self._span.ends_at, after and after.begins_at) if span is not None]
        self._holds = (now, min(ends, default=_NEVER))

    def following(self) -> Span | None:
        """The next maintenance to begin."""
        return next_shut(self.table, self.clock.now()) if self.table.maintenance else None

    def reset_after(self, moment: datetime) -> Span | None:
        """The next end of every session after a moment."""
        return next_reset(self.table, moment) if self.table.resets else None

    def is_near(self, *, before_s: float, after_s: float) -> bool:
        """Whether a maintenance is on, begins within `before_s` or ended within `after_s`: no time for a dead-man timer."""
        now = self.clock.now()
        soon, late = now + timedelta(seconds=before_s), now - timedelta(seconds=after_s)
        return any(
            span.begins_at <= soon and span.ends_at > late
            for window in self.table.maintenance
            for span in window.spans(now)
        )

    def pause_s(self, reset: Span | None) -> float:
        """How long until the next look: to the edge of a maintenance, or to a reset."""
        now, span, after = self.clock.now(), self.now(), self.following()
        edges = [span and span.ends_at, after and after.begins_at, reset and reset.begins_at]
        waits = [(edge - now).total_seconds() for edge in edges if edge is not None]
        return min(max(min(waits, default=LOOK_S), 0.001), LOOK_S)


def _clock_text(moment: datetime) -> str:
    return f"{moment:%a %H:%M} UTC"

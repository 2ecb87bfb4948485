"""How an UNKNOWN order is settled by evidence (RELIABILITY 2.6): when to ask, and when a negative counts.  Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

FIRST_DELAY_S = 0.5
LAST_DELAY_S = 8.0
MARGIN_S = 2.0
NEGATIVES = 3
SPREAD_S = 10.0


@dataclass(slots=True, kw_only=True)
class Resolution:
    """One order in doubt.  `sent_at` is our wall time of SENDING; bounds are the venue's data, in seconds.

    A negative is a round in which every source answered completely and none knew the order.  It counts when the round was begun
    after the arrival horizon.  Three that count, over ten seconds or more, end the doubt.
    """

    sent_at: datetime
    arrival_bound_s: float
    visibility_lag_s: float
    clock_error_s: float = 1.0
    asked: int = 0
    first_negative: datetime | None = None
    last_negative: datetime | None = None
    negatives: int = 0

    @property
    def horizon(self) -> datetime:
        """After this, an order that left can no longer newly show up (as far as the venue's bounds go)."""
        wait_s = self.arrival_bound_s + self.visibility_lag_s + self.clock_error_s + MARGIN_S
        return self.sent_at + timedelta(seconds=wait_s)

    def next_delay_s(self) -> float:
        """How long to wait before asking again: doubling to eight seconds."""
        delay_s = min(FIRST_DELAY_S * 2.0**self.asked, LAST_DELAY_S)
        self.asked += 1
        return delay_s

    def on_negative(self, asked_at: datetime) -> bool:
        """Count a complete negative asked at `asked_at`; True when the doubt is over."""
        if asked_at < self.horizon:
            return False
        self.first_negative = self.first_negative or asked_at
        self.last_negative = asked_at
        self.negatives += 1
        return self.negatives >= NEGATIVES and asked_at - self.first_negative >= timedelta(seconds=SPREAD_S)

"""How far a venue's clock is ahead of ours: a running median of what its answers tell (RELIABILITY 11).

An adapter has one `ClockOffset` an account, and hands it on:

    offset = ClockOffset(clock)
    Fittings(..., offset=offset)                             the `Date` of every reply, good to a second
    offset.learn(told, asked_s=began, heard_s=now)           its own time endpoint, or a time in a reply, good to the trip
    ConnectionStatus(..., clock_offset_s=offset.at_least_s)  what the session blocks and warns by
    offset.venue_now()                                       what a signature carries where requests have a time

Samples are kept against monotonic time, which nobody moves.  So a step of our own wall clock shows at once and its repair
does as well, without another question; what the samples find out is whether the venue's clock moved, or ours stood still
while the machine slept.
"""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import NamedTuple

from floorbroker.domain.clock import Clock

KEPT = 9
FORGOTTEN_S = 900.0  # older samples go, but for the newest
DATE_EVERY_S = 5.0  # replies come by the hundred, and each says the same
DATE_STEP_S = 1.0  # a `Date` is cut to the second
SLACK_S = 0.25
EXACT_S = 0.01  # no sample counts as more exact than this


class Sample(NamedTuple):
    """The venue's time less monotonic time (seconds), how wrong that may be either way, and when it was heard."""

    ahead_s: float
    error_s: float
    heard_s: float

    def contradicts(self, other: Sample) -> bool:
        """Whether both cannot be right about one pair of clocks."""
        return abs(self.ahead_s - other.ahead_s) > self.error_s + other.error_s + SLACK_S


class ClockOffset:
    """The newest samples of one venue's clock, each weighed by how exact it is."""

    def __init__(self, clock: Clock, *, kept: int = KEPT) -> None:
        self._clock = clock
        self._samples: deque[Sample] = deque(maxlen=kept)
        self._agreed: tuple[float, float] | None = None  # what `_span` found, until the next sample
        self._dated_s: float | None = None

    def learn(self, told: datetime, *, asked_s: float, heard_s: float, within_s: float = 0.0) -> None:
        """The venue said `told` in an answer between two monotonic times; the time itself is right to `within_s`."""
        trip_s = max(heard_s - asked_s, 0.0)
        ahead_s = told.timestamp() - (asked_s + trip_s / 2)
        self._take(Sample(ahead_s, trip_s / 2 + within_s, heard_s))

    def learn_date(self, header: str | None, *, asked_s: float, heard_s: float) -> None:
        """The `Date` of a reply (RFC 9110), now and then.  What is no date teaches nothing."""
        if header is None or (self._dated_s is not None and heard_s - self._dated_s < DATE_EVERY_S):
            return
        try:
            told = parsedate_to_datetime(header)
        except (ValueError, OverflowError):
            return
        if told.tzinfo is None:
            return
        self._dated_s = heard_s
        half = DATE_STEP_S / 2
        self.learn(told + timedelta(seconds=half), asked_s=asked_s, heard_s=heard_s, within_s=half)

    @property
    def seconds(self) -> float | None:
        """How far the venue's clock is ahead of our wall clock now; None while nobody told.

        Zero where nothing speaks against it: our own clock is better than the middle of slow answers.
        """
        span = self._agreed
        if span is None:
            return None
        least, most = self._now(span)
        return 0.0 if least <= 0.0 <= most else round((least + most) / 2, 6)

    @property
    def at_least_s(self) -> float | None:
        """How far the venue's clock is ahead of ours for certain: what may stop orders, since a guess must not."""
        span = self._agreed
        if span is None:
            return None
        least, most = self._now(span)
        if least <= 0.0 <= most:
            return 0.0
        return round(least if least > 0.0 else most, 6)

    def _now(self, span: tuple[float, float]) -> tuple[float, float]:
        """Ends of a span of the venue's time less monotonic time, as how far it is ahead of our wall clock now."""
        drift_s = self._clock.monotonic() - self._clock.now().timestamp()
        return span[0] + drift_s, span[1] + drift_s

    @property
    def age_s(self) -> float | None:
        """How long ago the newest sample was heard."""
        return self._clock.monotonic() - self._samples[-1].heard_s if self._samples else None

    def venue_now(self) -> datetime:
        """The venue's time, as far as it is known; else our own."""
        return self._clock.now() + timedelta(seconds=self.seconds or 0.0)

    def _take(self, sample: Sample) -> None:
        """One odd answer is out-voted; two that agree against all before them are right: a clock was moved."""
        last = self._samples[-1] if self._samples else None
        kept = [old for old in self._samples if sample.heard_s - old.heard_s <= FORGOTTEN_S]
        if last is not None and not sample.contradicts(last):
            kept = [old for old in kept if not (old.contradicts(sample) and old.contradicts(last))]
        self._samples.clear()
        self._samples.extend([*kept, sample])
        self._agreed = self._span()

    def _span(self) -> tuple[float, float] | None:
        """Between which two values the venue's time less monotonic time lies: what all agree on who agree with the median."""
        middle = self._median()
        if middle is None:
            return None
        agreeing = [sample for sample in self._samples if not sample.contradicts(middle)]
        least = max(sample.ahead_s - sample.error_s for sample in agreeing)
        most = min(sample.ahead_s + sample.error_s for sample in agreeing)
        if least <= most:
            return least, most
        return middle.ahead_s - middle.error_s, middle.ahead_s + middle.error_s

    def _median(self) -> Sample | None:
        """Weighed by how exact each is: twice as exact counts for four."""
        ordered = sorted(self._samples)
        weights = [(sample.error_s + EXACT_S) ** -2 for sample in ordered]
        half, sum_so_far = sum(weights) / 2, 0.0
        for sample, weight in zip(ordered, weights, strict=True):
            sum_so_far += weight
            if sum_so_far >= half:
                return sample
        return None

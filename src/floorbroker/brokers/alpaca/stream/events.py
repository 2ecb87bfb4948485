"""Activity events over server-sent events: fills, and what the private stream does not tell: corrections and busts.

Every event has an id that sorts by time (a ULID); a connection resumes behind the last one seen.
Document: Trading API 2.0.1, subscribeToActivitiesSSE and ActivityEventV2.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime

from floorbroker.brokers.alpaca import wire
from floorbroker.brokers.alpaca.mapping.reports import Heard, activity_report, trade_details
from floorbroker.domain.errors import ApiError
from floorbroker.domain.facts import Source
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.values import time_text
from floorbroker.transport.actions import Action, Emit, Reconnect
from floorbroker.transport.private import OrderEvent, Up

Actions = Sequence[Action[OrderEvent]]
_ROOTS_MAX = 10_000
# How often the venue sends comments is not documented, and it cannot be asked: seldom enough to cost a quiet account nothing.
_SILENCE_S = 900.0


class Corrections:
    """Which execution a chain of corrections began with; bounded, oldest forgotten first."""

    def __init__(self) -> None:
        self._root: OrderedDict[str, str] = OrderedDict()

    def root_of(self, event: wire.ActivityEvent) -> str | None:
        """The first execution behind `event`, remembered for the next link; None for a plain fill."""
        if event.previous_id is None:
            return None
        root = self._root.get(event.previous_id, event.previous_id)
        self._root[event.ref_id] = root
        if len(self._root) > _ROOTS_MAX:
            self._root.popitem(last=False)
        return root


def read_event(data: bytes) -> wire.ActivityEvent:
    """One event's data.  Raises `ApiError`."""
    return wire.decode(data, wire.ActivityEvent, what="an activity event")


def event_report(event: wire.ActivityEvent, heard: Heard, corrections: Corrections) -> ExecutionReport | None:
    """The report an event makes; None when it is not about a trade.  Raises `ApiError`."""
    details = trade_details(event)
    if details is None:
        return None
    return activity_report(event, details, heard, root=corrections.root_of(event))


class ActivitySession:
    """`Session` of /v2beta1/events/activities: it only listens.  An empty frame is a comment, which is a sign of life."""

    def __init__(self, corrections: Corrections | None = None) -> None:
        self._corrections = Corrections() if corrections is None else corrections
        self._last_id: str | None = None
        self._heard_s = 0.0
        self._since: datetime | None = None

    def query(self, now: datetime) -> tuple[tuple[str, str], ...]:
        """Where the next connection begins: behind the last event, or at the first connection's time."""
        self._since = self._since or now
        if self._last_id is not None:
            return (("since_id", self._last_id),)
        return (("since", time_text(self._since)),)

    def on_open(self, now_s: float) -> Actions:
        self._heard_s = now_s
        return [Emit(Up())]

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Actions:
        self._heard_s = now_s
        if not frame.strip():
            return []
        try:
            event = read_event(frame)
            self._last_id = event.event_id  # also of one whose details cannot be read: to read it again would not help
            report = event_report(event, Heard(source=Source.STREAM, at=at), self._corrections)
        except ApiError as error:
            return [Reconnect(error.detail)]
        return [] if report is None else [Emit(report)]

    def on_tick(self, now_s: float) -> Actions:
        if now_s - self._heard_s <= _SILENCE_S:
            return []
        return [Reconnect(f"the event stream said nothing for {_SILENCE_S:g} s")]

"""When people are told: quiet hours, what passes them, and several events as one message.  Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.domain.frozen import frozen

URGENT = frozenset(
    {"kill_tripped", "order_unknown", "order_presumed_not_placed", "connection_lost", "strategy_off", "test"}
)
TITLE_MAX = 120
LINES_MAX = 20
_FORM = re.compile(r"(\d\d):(\d\d)-(\d\d):(\d\d)(?: ([A-Za-z_+\-/0-9]{1,64}))?")


@frozen
class Quiet:
    """From one time of day to another, in a zone; over midnight where the end is earlier."""

    begin: time
    end: time
    zone: ZoneInfo

    def until(self, now: datetime) -> datetime | None:
        """When the quiet that is now ends; None where it is not quiet."""
        local = now.astimezone(self.zone)
        at = local.time().replace(tzinfo=None)
        is_over_midnight = self.end <= self.begin
        is_quiet = (at >= self.begin or at < self.end) if is_over_midnight else self.begin <= at < self.end
        if not is_quiet:
            return None
        day = local.date() + timedelta(days=1 if is_over_midnight and at >= self.begin else 0)
        return datetime.combine(day, self.end, tzinfo=self.zone).astimezone(now.tzinfo)


def quiet_of(text: str) -> Quiet | None:
    """From `22:00-07:00 Europe/Berlin`; UTC without a zone, None without text.  Raises `InvalidRequest`."""
    if not text:
        return None
    form = _FORM.fullmatch(text) or _FORM.fullmatch("99:99-99:99")
    assert form is not None
    try:
        begin, end = time(int(form[1]), int(form[2])), time(int(form[3]), int(form[4]))
        return Quiet(begin=begin, end=end, zone=ZoneInfo(form[5] or "UTC"))
    except (ValueError, ZoneInfoNotFoundError, OSError):
        detail = "quiet hours are like 22:00-07:00 Europe/Berlin"
        raise InvalidRequest(detail, fields=(FieldError(pointer="/quiet", code="not_valid", detail=detail),)) from None


def due(event: str, *, now: datetime, quiet: Quiet | None, group_s: int) -> datetime:
    """When an alert should leave: at once when it is urgent, else after its group has gathered and the quiet is over."""
    if event in URGENT:
        return now
    at = now + timedelta(seconds=group_s)
    return (quiet.until(at) or at) if quiet is not None else at


def message_of(lines: Sequence[str]) -> tuple[str, str]:
    """Title and text of one message about several events."""
    title = lines[0] if len(lines) == 1 else f"{len(lines)} events; the first: {lines[0]}"
    shown = list(lines[:LINES_MAX]) + ([f"and {len(lines) - LINES_MAX} more"] if len(lines) > LINES_MAX else [])
    return f"Floorbroker: {title}"[:TITLE_MAX], "\n".join(shown)

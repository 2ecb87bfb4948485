"""Times as people write them: `2h`, `today`, `2026-11-20`, or RFC 3339."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from floorbroker.cli.failures import usage
from floorbroker.domain.values import time_text

_AGO = re.compile(r"(\d{1,6})(s|m|h|d)")
_UNIT_S = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


def moment_of(text: str | None, *, now: datetime, flag: str) -> str | None:
    """The moment as the REST door reads it, in UTC.  Raises a usage error naming the flag."""
    if text is None:
        return None
    try:
        return time_text(_read(text, now))
    except (ValueError, OverflowError):
        raise usage(f"{flag}: {text!r} is no time; write 2h, today, 2026-11-20 or 2026-11-20T14:30:00Z") from None


def _read(text: str, now: datetime) -> datetime:
    if found := _AGO.fullmatch(text):
        return now - timedelta(seconds=int(found[1]) * _UNIT_S[found[2]])
    if text == "today":
        return now.replace(hour=0, minute=0, second=0, microsecond=0)
    moment = datetime.fromisoformat(text)
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment


def length_of(text: str, *, flag: str) -> int:
    """Seconds from `90s`, `30m`, `8h` or `1d`.  Raises a usage error naming the flag."""
    found = _AGO.fullmatch(text)
    if found is None:
        raise usage(f"{flag}: {text!r} is no length of time; write 30m, 8h or 1d")
    return int(found[1]) * _UNIT_S[found[2]]


def span_of(text: str) -> int:
    """Seconds from `60`, `60s`, `5m`, `1h` or `1d`.  Raises a usage error."""
    if text.isdecimal() and len(text) < 7:
        return int(text)
    found = _AGO.fullmatch(text)
    if found is None:
        raise usage(f"--span: {text!r} is no span of time; write 1m, 5m, 1h or 1d")
    return int(found[1]) * _UNIT_S[found[2]]

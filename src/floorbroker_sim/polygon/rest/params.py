"""Parameters of requests, and pages: what a client may write, and what it is told of a wrong one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from datetime import date, datetime, timedelta

import msgspec

from floorbroker_sim.archive import midnight
from floorbroker_sim.http import Request
from floorbroker_sim.polygon import info
from floorbroker_sim.polygon.errors import bad_request
from floorbroker_sim.polygon.mapping import moment, nanos

_DAY = timedelta(days=1)
_LAST_MS = 4_102_444_800_000  # the year 2100
_NS_IN_MS = 1_000_000
FILTERS = ("gt", "gte", "lt", "lte")


def limit_of(query: Mapping[str, str], usual: int, most: int) -> int:
    text = query.get("limit", str(usual))
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= most:
        raise bad_request(f"the parameter 'limit' is invalid, use 1 to {most}")
    return int(text)


def flag(query: Mapping[str, str], name: str, *, default: bool) -> bool:
    text = query.get(name, str(default)).lower()
    if text not in {"true", "false"}:
        raise bad_request(f"the parameter '{name}' is invalid, use true or false")
    return text == "true"


def is_descending(query: Mapping[str, str], name: str, *, default: str) -> bool:
    text = query.get(name, default)
    if text not in {"asc", "desc"}:
        raise bad_request(f"the parameter '{name}' is invalid, use asc or desc")
    return text == "desc"


def day_of(text: str, name: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise bad_request(f"the parameter '{name}' is invalid, use YYYY-MM-DD") from error


def bound(text: str, name: str, *, is_end: bool) -> datetime:
    """A date (its whole day, in New York) or milliseconds."""
    if text.isascii() and text.isdigit() and len(text) > len("20260302"):
        if int(text) > _LAST_MS:
            raise bad_request(f"the parameter '{name}' is beyond the calendar")
        return moment(int(text))
    day = day_of(text, name)
    return midnight(day + _DAY) - timedelta(milliseconds=1) if is_end else midnight(day)


def stamp_range(query: Mapping[str, str], first: datetime, last: datetime) -> tuple[datetime, datetime]:
    """What `timestamp` and its suffixes leave of a range: dates (whole days), or nanoseconds."""
    low, high = first, last
    for name in ("timestamp", *(f"timestamp.{word}" for word in FILTERS)):
        if name not in query:
            continue
        begin, end = _stamps(query[name], name)
        word = name.partition(".")[2]
        if word in {"", "gte"}:
            low = max(low, begin)
        if word in {"", "lte"}:
            high = min(high, end)
        if word == "gt":
            low = max(low, end + timedelta(microseconds=1))
        if word == "lt":
            high = min(high, begin - timedelta(microseconds=1))
    return low, high


def _stamps(text: str, name: str) -> tuple[datetime, datetime]:
    if text.isascii() and text.isdigit():
        ns = int(text)
        if ns > _LAST_MS * _NS_IN_MS:
            raise bad_request(f"the parameter '{name}' is beyond the calendar")
        at = moment(ns // _NS_IN_MS) + timedelta(microseconds=ns % _NS_IN_MS // 1000)
        return at, at
    day = day_of(text, name)
    return midnight(day), midnight(day + _DAY) - timedelta(microseconds=1)


def matches_day(query: Mapping[str, str], name: str, day: date) -> bool:
    """Whether a record of `day` passes a parameter and its suffixes."""
    wanted = {word: day_of(query[f"{name}{word}"], name) for word in ("", ".gt", ".gte", ".lt", ".lte") if f"{name}{word}" in query}  # fmt: skip # noqa: E501
    tests = {"": day.__eq__, ".gt": day.__gt__, ".gte": day.__ge__, ".lt": day.__lt__, ".lte": day.__le__}
    return all(tests[word](value) for word, value in wanted.items())


def names(query: Mapping[str, str], name: str) -> list[str] | None:
    """A parameter, or its `any_of`; None when neither is there."""
    if name in query:
        return [query[name]]
    several = query.get(f"{name}.any_of")
    return None if several is None else [one for one in several.split(",") if one]


# --- Pages ------------------------------------------------------------------------------------------------------------


def cursor_of(request: Request) -> dict[str, str]:
    """What the page before left in its cursor; the whole query where there is none."""
    text = request.query.get("cursor")
    if text is None:
        return {name: value for name, value in request.query.items() if name != "apiKey"}
    try:
        return msgspec.json.decode(base64.urlsafe_b64decode(text.encode()), type=dict[str, str])
    except (msgspec.DecodeError, msgspec.ValidationError, binascii.Error, ValueError) as error:
        raise bad_request("the parameter 'cursor' is invalid") from error


def next_url(path: str, query: Mapping[str, str]) -> str:
    """Absolute, with a cursor and without a key."""
    text = base64.urlsafe_b64encode(msgspec.json.encode(dict(query))).decode()
    return f"{info.HOST}{path}?cursor={text}"


def nanos_text(at: datetime) -> str:
    return str(nanos(at))

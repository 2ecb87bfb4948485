"""Lists: pages with opaque cursors that stay right when new rows arrive, and CSV of the same rows.

A cursor holds the sort key of the last row seen, so a page begins strictly behind it whatever was inserted since.
"""

from __future__ import annotations

import base64
import binascii
import csv
import io
import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Generic, TypeVar, cast
from urllib.parse import urlencode

import msgspec
from fastapi import Request, Response

from floorbroker.domain.errors import FieldError, InvalidRequest
from floorbroker.gateway.desk import Page

LIMIT_MAX = 1000
TIME_TEXT = "%Y-%m-%dT%H:%M:%S.%fZ"  # as `time_text` writes it
T = TypeVar("T")
Key = tuple[str, str]  # (time text, id)


class Listing(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """One page; `next_cursor` is null on the last."""

    items: tuple[T, ...]
    next_cursor: str | None = None


def page_of(
    ask: Callable[[Page], list[T]],
    *,
    key: Callable[[T], Key],
    limit: int,
    cursor: str | None,
    newest_first: bool = True,
) -> tuple[list[T], str | None]:
    """The rows behind the cursor, and the cursor of the next page.  Raises `InvalidRequest` for a broken cursor."""
    after = None if cursor is None else _opened(cursor)
    rows = ask(Page(limit=limit + 1, after=after, newest_first=newest_first))  # one more tells whether there is more
    page = rows[:limit]
    return page, (_sealed(key(page[-1])) if len(rows) > limit else None)


def _sealed(key: Key) -> str:
    return base64.urlsafe_b64encode(json.dumps(key).encode()).decode().rstrip("=")


def _opened(cursor: str) -> tuple[datetime, str]:
    wrong = FieldError(
        pointer="/query/cursor", code="not_valid", detail="use next_cursor of the page before, as it came"
    )
    try:
        found: object = json.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
        parts = cast("list[object]", found) if isinstance(found, list) else []
        match parts:
            case [str() as at, str() as id]:
                id.encode()  # half a surrogate pair is in no id, and no database takes it
                return datetime.strptime(at, TIME_TEXT).replace(tzinfo=UTC), id
            case _:
                raise InvalidRequest(wrong.detail, fields=(wrong,))
    except (binascii.Error, ValueError, RecursionError) as error:
        raise InvalidRequest(wrong.detail, fields=(wrong,)) from error


def list_reply(
    request: Request, items: Sequence[msgspec.Struct], next_cursor: str | None, **beside: object
) -> Response:
    """JSON, or CSV when the caller prefers it, with the next page in `Link`; `beside` are more members of the JSON."""
    headers: dict[str, str] = {}
    if next_cursor is not None:
        query = [(n, v) for n, v in request.query_params.multi_items() if n != "cursor"]
        headers["Link"] = f'<{request.url.path}?{urlencode([*query, ("cursor", next_cursor)])}>; rel="next"'
    if "text/csv" in request.headers.get("accept", ""):
        return Response(csv_of(items), headers=headers, media_type="text/csv; charset=utf-8")
    body = {"items": items, "next_cursor": next_cursor, **beside}
    return Response(msgspec.json.encode(body), headers=headers, media_type="application/json")


def csv_of(items: Sequence[msgspec.Struct]) -> str:
    """Rows with a header line; nested members as JSON; text that a spreadsheet would run is made text with a quote."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    rows: list[Mapping[str, object]] = [msgspec.to_builtins(item) for item in items]
    if rows:
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
    return out.getvalue()


def _cell(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        number = value.removeprefix("-").replace(".", "", 1).isdecimal()
        return f"'{value}" if value.startswith(("=", "+", "-", "@", "\t", "\r")) and not number else value
    return json.dumps(value)

"""Request bodies: one strict reading of JSON, bounded in size, depth and time.

Numbers with a point stay floats here, NaN and infinities too: the schema refuses them by the name of their member, which a
parser could not.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request

from floorbroker.domain.errors import FieldError, InvalidRequest

BODY_MAX = 256 * 1024
DEPTH_MAX = 32
BODY_TIMEOUT_S = 10


async def read_json(request: Request) -> object:
    """The parsed body.  Raises `HTTPException` 415, 413 or 408, and `InvalidRequest` with status 400 for broken JSON."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise HTTPException(415, "send the body as application/json")
    try:
        async with asyncio.timeout(BODY_TIMEOUT_S):
            raw = await request.body()
    except TimeoutError as error:
        raise HTTPException(408, f"the body did not arrive within {BODY_TIMEOUT_S} s") from error
    return parse_json(raw)


def parse_json(raw: bytes) -> object:
    """JSON from bytes.  Raises `InvalidRequest` (400) for broken UTF-8, broken JSON, repeated names, or too much depth."""
    try:
        value = json.loads(raw.decode("utf-8"), object_pairs_hook=_once_each)
    except UnicodeDecodeError as error:
        raise _syntax(f"the body is not UTF-8 (byte {error.start})") from error
    except json.JSONDecodeError as error:
        raise _syntax(f"the body is not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise _syntax("the body is not JSON that can be read here") from error
    if _is_deeper(value, DEPTH_MAX):
        raise _syntax(f"the body is nested deeper than {DEPTH_MAX} levels")
    return value


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in members if names.count(name) > 1)
        raise _syntax(f"the body names a member twice: {twice[:64]!a}")
    return members


def _is_deeper(value: object, levels: int) -> bool:
    layer = [value]
    for _ in range(levels + 1):
        layer = [inner for outer in layer for inner in _children(outer)]
        if not layer:
            return False
    return True


def _children(value: object) -> list[object]:
    if isinstance(value, dict):
        return list(cast("dict[str, object]", value).values())
    return cast("list[object]", value) if isinstance(value, list) else []


def _syntax(detail: str) -> InvalidRequest:
    whole = FieldError(pointer="", code="not_json", detail=detail)  # RFC 6901: the empty pointer is the whole body
    return InvalidRequest(detail, fields=(whole,), status_hint=400)

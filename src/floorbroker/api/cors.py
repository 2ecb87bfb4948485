"""What pages of other origins may do: nothing, or what a token lets them, where their exact origin is in the configuration.

Cookies never count for them: they are not asked for, and a change by cookie wants a header that is not granted here.
"""

from __future__ import annotations

from collections.abc import Mapping

from starlette.datastructures import Headers
from starlette.responses import Response

METHODS = "GET, POST, PUT, PATCH, DELETE"
GRANTED = (
    "authorization, content-type, idempotency-key, if-match, if-none-match, last-event-id, traceparent, x-request-id"
)
SHOWN = (
    "etag, idempotency-replayed, link, location, ratelimit, ratelimit-policy, retry-after, traceparent, www-authenticate, "
    "x-request-id"
)
PATHS = ("/api/", "/healthz", "/readyz", "/metrics", "/openapi.json")
LASTS_S = 600


def origin_in(headers: Headers, path: str, origins: frozenset[str]) -> str:
    """The origin that asks, where it is one of those that may; empty otherwise."""
    origin = headers.get("origin", "").lower()
    return origin if origin in origins and path.startswith(PATHS) else ""


def is_preflight(method: str, headers: Headers) -> bool:
    """Whether a browser asks for leave first."""
    return method == "OPTIONS" and "access-control-request-method" in headers


def leave(origin: str) -> Response:
    """The answer to a browser that asks for leave."""
    told = {
        "Access-Control-Allow-Origin": origin,
        "Access-Control-Allow-Methods": METHODS,
        "Access-Control-Allow-Headers": GRANTED,
        "Access-Control-Max-Age": str(LASTS_S),
        "Vary": "Origin",
    }
    return Response(status_code=204, headers=told)


def shown_to(origin: str) -> Mapping[str, str]:
    """What every other reply carries for it."""
    return {"Access-Control-Allow-Origin": origin, "Access-Control-Expose-Headers": SHOWN, "Vary": "Origin"}

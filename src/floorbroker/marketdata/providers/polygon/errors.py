"""What the service's refusals mean.  Nothing is ordered here, so all that counts is whether, and when, to ask again.

401 is the key; 403 is the plan, in words about the age or the freshness of data; 429 is the minute.  Document: replies on record.
"""

from __future__ import annotations

from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FloorbrokerError,
    Forbidden,
    Hint,
    NotFound,
    RateLimitExceeded,
)
from floorbroker.marketdata.providers.polygon import wire
from floorbroker.transport.types import Response

_TEXT_MAX = 300
_MINUTE_S = 60.0


def error_of(response: Response, *, what: str) -> FloorbrokerError:
    """Our error for a reply that is not 200."""
    text = text_of(response)
    detail = f"{what}: Polygon answered {response.status}" + (f": {text}" if text else "")
    match response.status:
        case 401:
            return AuthenticationFailed(detail, broker=wire.BROKER, hint=Hint(notify=True))
        case 403:
            return Forbidden(detail, broker=wire.BROKER)
        case 404:
            return NotFound(detail, broker=wire.BROKER)
        case 429:
            return RateLimitExceeded(detail, broker=wire.BROKER, hint=Hint(retry_after_s=_MINUTE_S))
        case _:
            return ApiError(detail, broker=wire.BROKER)


def text_of(response: Response) -> str:
    """The service's own words, from whichever member holds them."""
    try:
        told = wire.decode(response.body, wire.Refusal, what="a refusal")
    except ApiError:
        return ""
    return (told.error or told.message)[:_TEXT_MAX]

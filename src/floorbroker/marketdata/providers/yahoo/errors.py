"""What the library raises, as our errors.  An empty answer is no error of the service and never means a price of zero."""

from __future__ import annotations

from typing import Any

from floorbroker.domain.errors import (
    ApiError,
    ConnectionFailed,
    FloorbrokerError,
    Hint,
    RateLimitExceeded,
    SymbolNotFound,
)

BROKER = "YAHOO"
_PATIENCE_S = 600.0  # it blocks addresses for a long time; minutes are the least
_TEXT_MAX = 200

# What reading an answer of another shape may raise inside the library.
UNFORESEEN = (AttributeError, KeyError, IndexError, TypeError, ValueError)


def error_of(error: BaseException, exceptions: Any, *, symbol: str) -> FloorbrokerError:
    """`exceptions` is the library's own module."""
    text = f"{type(error).__name__}: {error}"[:_TEXT_MAX]
    if isinstance(error, exceptions.YFRateLimitError):
        return RateLimitExceeded(
            f"the bars of {symbol}: Yahoo answered 429", broker=BROKER, hint=Hint(retry_after_s=_PATIENCE_S)
        )  # fmt: skip
    if isinstance(error, exceptions.YFTzMissingError):
        return SymbolNotFound(f"Yahoo does not know {symbol}", broker=BROKER)
    status = getattr(getattr(error, "response", None), "status_code", 0)
    if status == 404:
        return SymbolNotFound(f"Yahoo does not know {symbol}", broker=BROKER)
    if isinstance(error, OSError) and not status:
        return ConnectionFailed(f"the bars of {symbol}: Yahoo cannot be reached ({text})", broker=BROKER)
    return ApiError(f"the bars of {symbol}: Yahoo's answer cannot be read ({text})", broker=BROKER)

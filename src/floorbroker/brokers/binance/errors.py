"""What Binance's refusals mean, as a table, and what every other answer means: that we do not know.

A reply to a command is a definite refusal only when its status is in the four hundreds and its code stands in `REFUSALS`
(RELIABILITY 2.5).  5xx, whatever it says, is documented as an unknown outcome; so are -1006 and -1007.  Codes that do not say
whether the order was looked at (-1000, -1001, -1008, -1016) are left unknown as well.
Document: developers.binance.com/docs/binance-spot-api-docs/errors.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.brokers.binance import wire
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    DuplicateOrderId,
    FloorbrokerError,
    Hint,
    InsufficientFunds,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    VenueError,
)
from floorbroker.transport.types import Response

BROKER = "BINANCE"
UNSYNCHRONISED = -1021  # our timestamp is outside of what the venue takes
_TEXT_MAX = 500
_BODY_MAX = 64 * 1024  # an error body is small; the halves of a cancelReplace stand in it at most
_TOO_MANY = frozenset({418, 429})

REFUSALS: Mapping[int, type[VenueError]] = MappingProxyType(
    {
        -1002: AuthenticationFailed,
        -1003: RateLimitExceeded,
        -1013: OrderRejected,  # a filter
        -1014: OrderRejected,
        -1015: RateLimitExceeded,
        -1020: OrderRejected,
        -1021: AuthenticationFailed,
        -1022: AuthenticationFailed,
        -1034: RateLimitExceeded,
        **dict.fromkeys(
            range(-1108, -1099), OrderRejected
        ),  # characters, and parameters missing, unknown, empty, too large
        -1111: OrderRejected,
        -1112: OrderRejected,  # no orders on book
        **dict.fromkeys(range(-1120, -1113), OrderRejected),
        -1121: SymbolNotFound,
        -1122: OrderRejected,
        -1127: OrderRejected,
        -1128: OrderRejected,
        -1130: OrderRejected,
        -1131: OrderRejected,
        -1134: OrderRejected,
        -1135: OrderRejected,
        -1145: OrderRejected,
        -1151: OrderRejected,
        **dict.fromkeys((-1158, -1160, -1161, -1165, -1166, -1167, -1168, -1169, -1170, -1171, -1172), OrderRejected),
        -1194: OrderRejected,
        **dict.fromkeys(range(-1199, -1195), OrderRejected),
        **dict.fromkeys((-1210, -1211, -1220, -1222, -1223, -1224, -1225), OrderRejected),
        -2010: OrderRejected,  # its text tells more: `_NEW_ORDER`
        -2011: OrderRejected,  # a cancel
        -2013: OrderNotFound,
        -2014: AuthenticationFailed,
        -2015: AuthenticationFailed,
        -2016: MarketClosed,
        -2022: OrderRejected,  # a cancelReplace of which nothing was done
        -2026: OrderRejected,  # archived: it never filled and is over 90 days old
        -2038: OrderRejected,  # an amendment
        -2039: OrderRejected,
    }
)
"""Codes by which the venue says no: nothing was placed, cancelled or changed."""

# What the text of -2010 says beyond "no", by how it begins, in lower case.
_NEW_ORDER: tuple[tuple[str, type[VenueError]], ...] = (
    ("duplicate order sent", DuplicateOrderId),  # not a rejection: the first one arrived, the order exists
    ("account has insufficient balance", InsufficientFunds),
    ("market is closed", MarketClosed),
)
_UNKNOWN_ORDER = "unknown order sent"


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply other than success says about the order command `what`."""
    code, text = read_error_body(response)
    if response.status in _TOO_MANY:
        return RateLimitExceeded(
            f"{what}: the venue takes no more now ({response.status})",
            broker=BROKER,
            venue_text=text or None,
            outcome=Outcome.REFUSED,
            hint=_later(response),
        )
    if 400 <= response.status < 500 and code is not None and code in REFUSALS:
        return refusal(code, text, what=what)
    return unproven(text, what=what, status=response.status)


def refusal(code: int, text: str, *, what: str) -> FloorbrokerError:
    """The venue's no, by a code of `REFUSALS`."""
    kind = REFUSALS[code]
    lower = text.lower()
    if code == -2010:
        kind = next((found for prefix, found in _NEW_ORDER if lower.startswith(prefix)), kind)
    elif code == -2011 and lower.startswith(_UNKNOWN_ORDER):
        kind = OrderNotFound
    outcome = Outcome.UNKNOWN if kind is DuplicateOrderId else Outcome.REFUSED
    return kind(
        f"{what}: refused by the venue ({code})",
        broker=BROKER,
        venue_text=text or None,
        outcome=outcome,
        hint=Hint(notify=_is_key(kind, code)),
    )


def _is_key(kind: type[VenueError], code: int | None) -> bool:
    """Whether a person must look at the key; a clock that was apart is measured anew by itself, and a page knows no key."""
    return kind is AuthenticationFailed and code not in (None, UNSYNCHRONISED)


def unproven(text: str, *, what: str, status: int) -> ApiError:
    """Words that prove nothing."""
    return ApiError(
        f"{what}: the venue answered {status} in words that prove nothing",
        broker=BROKER,
        venue_text=text or None,
        outcome=Outcome.UNKNOWN,
    )


_READS: Mapping[int, type[VenueError]] = MappingProxyType(
    {
        -1002: AuthenticationFailed,
        -1003: RateLimitExceeded,
        -1015: RateLimitExceeded,
        -1022: AuthenticationFailed,
        -1034: RateLimitExceeded,
        -1121: SymbolNotFound,
        -2013: OrderNotFound,
        -2014: AuthenticationFailed,
        -2015: AuthenticationFailed,
    }
)


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says.  Only the documented "Order does not exist." is `OrderNotFound`."""
    code, text = read_error_body(response)
    kind = _READS.get(code or 0, ApiError)
    if response.status in _TOO_MANY:
        kind = RateLimitExceeded
    elif response.status == 401:
        kind = AuthenticationFailed
    elif response.status >= 500:
        kind = ApiError
    hint = _later(response) if kind is RateLimitExceeded else Hint(notify=_is_key(kind, code))
    named = f" ({code})" if code is not None else ""
    return kind(
        f"{what}: the venue answered {response.status}{named}", broker=BROKER, venue_text=text or None, hint=hint
    )


def read_error_body(response: Response) -> tuple[int | None, str]:
    """Code and message of an error body; (None, "") for pages, nulls and whatever else is no such body."""
    if not response.body or len(response.body) > _BODY_MAX:
        return None, ""
    try:
        body = wire.decode(response.body, wire.ErrorBody, what="an error body")
    except ApiError:
        return None, ""
    return body.code, body.msg[:_TEXT_MAX]


def is_unsynchronised(response: Response) -> bool:
    """Whether the venue turned a request away because of its timestamp: measure its clock anew."""
    return 400 <= response.status < 500 and read_error_body(response)[0] == UNSYNCHRONISED


def _later(response: Response) -> Hint:
    """`Retry-After` is a number of seconds here; the limiter obeys it by itself, this is for people."""
    told = response.headers.get("retry-after", "")
    return Hint(retry_after_s=float(retry_s)) if (retry_s := told.strip()).isdecimal() and len(retry_s) < 10 else Hint()

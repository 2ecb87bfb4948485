"""What Tradier's refusals mean, as a table, and what every other answer means: that we do not know.

A command's reply is a definite refusal only when it is the venue's own error body (`errors`) or one of the listed texts, with a
status that goes with it (RELIABILITY 2.5); all else, 5xx, unlisted 4xx, pages of a gateway, is `ApiError` with outcome UNKNOWN.
The gateway in front answers `fault` for a bad token before anything is passed on.
Documents: documentation.tradier.com/brokerage-api/overview/errors; docs.tradier.com/docs/error-responses; recorded replies.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.brokers.tradier import wire
from floorbroker.brokers.tradier.limits import is_quota_violation
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FloorbrokerError,
    Hint,
    InsufficientFunds,
    MarketClosed,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    VenueError,
)
from floorbroker.transport.types import Response

BROKER = "TRADIER"
FINALIZED = "order already in finalized state"
_TEXT_MAX = 500
_BODY_MAX = 16 * 1024
_REFUSING = frozenset({200, 400, 404, 422})  # statuses under which an `errors` body is the venue's no
_TOKEN = "keymanagement.service."  # noqa: S105 - the beginning of an error code
_PLAIN = ("invalid parameter", "order already in finalized state", "sorry, ")


@dataclass(frozen=True, slots=True)
class Meaning:
    """Texts that contain one of `words` (lower case) mean `error`; the first that fits counts."""

    words: tuple[str, ...]
    error: type[VenueError]


MEANINGS: tuple[Meaning, ...] = (
    Meaning(
        (
            "buying power",
            "daytradingbuyingpowerexceeded",
            "initialmargin",
            "maintenancemargin",
            "accountmarginruleviolation",
        ),
        InsufficientFunds,
    ),
    Meaning(("market no longer available", "market is closed", "session closed"), MarketClosed),
    Meaning(("securityundefined", "not a valid symbol", "invalid symbol", "symbol is invalid"), SymbolNotFound),
)


def meaning_of(text: str) -> type[VenueError]:
    """Our error for a refusal's words; `OrderRejected` for words that are in no row."""
    said = text.lower()
    return next((row.error for row in MEANINGS if any(word in said for word in row.words)), OrderRejected)


def refusal_in(response: Response) -> str | None:
    """The venue's own words of refusal in an answer, 200 included; None when it holds no such."""
    body = _read(response)
    if body is not None:
        texts = wire.inner(body.errors, "error", str, what="an error body")
        return "; ".join(texts)[:_TEXT_MAX] if texts else None
    plain = _plain(response)
    return plain if response.status == 400 and plain.lower().startswith(_PLAIN) else None


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply that is no success says about the order command `what`."""
    if response.status == 429 or is_quota_violation(response):
        return _refused(RateLimitExceeded, response, "", what)
    if (token := _token_fault(response)) is not None:
        return _refused(AuthenticationFailed, response, token, what)
    try:
        text = refusal_in(response)
    except ApiError:
        text = None
    if text is not None and response.status in _REFUSING:
        return _refused(meaning_of(text), response, text, what)
    return ApiError(
        f"{what}: the venue answered {response.status} in words that prove nothing",
        broker=BROKER,
        venue_text=_plain(response) or None,
        outcome=Outcome.UNKNOWN,
    )


def _refused(kind: type[VenueError], response: Response, text: str, what: str) -> FloorbrokerError:
    hint = Hint(notify=kind is AuthenticationFailed)
    detail = f"{what}: refused by the venue ({response.status})"
    return kind(detail, broker=BROKER, venue_text=text or None, outcome=Outcome.REFUSED, hint=hint)


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says.  No answer here is `OrderNotFound`: the body of a 404 is documented nowhere."""
    detail = f"{what}: the venue answered {response.status}"
    if response.status == 429 or is_quota_violation(response):
        return RateLimitExceeded(detail, broker=BROKER)
    if response.status in (401, 403) or _token_fault(response) is not None:
        return AuthenticationFailed(detail, broker=BROKER)
    return ApiError(detail, broker=BROKER, venue_text=_plain(response) or None)


def _token_fault(response: Response) -> str | None:
    """The gateway's word on a token it does not take; it comes with 401, or with 500 for an expired one."""
    body = _read(response) if response.status in (401, 500) else None
    if body is None:
        return None
    try:
        fault = wire.decode(body.fault, wire.Fault, what="a fault") if bytes(body.fault) != b"null" else wire.Fault()
    except ApiError:
        return None
    return fault.faultstring[:_TEXT_MAX] if fault.detail.errorcode.startswith(_TOKEN) else None


def _read(response: Response) -> wire.ErrorBody | None:
    if not response.body or len(response.body) > _BODY_MAX:
        return None
    try:
        return wire.decode(response.body, wire.ErrorBody, what="an error body")
    except ApiError:
        return None


def _plain(response: Response) -> str:
    """The text of a short answer, for people: bodies may be plain text whatever their type says."""
    if len(response.body) > _BODY_MAX:
        return ""
    return response.body.decode("utf-8", "replace").strip().strip('"')[:_TEXT_MAX]

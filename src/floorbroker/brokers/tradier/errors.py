"""What Tradier's refusals mean, as a table, and what every other answer means: that we do not know.

A command's reply is a definite refusal only in words that are listed here (`CODES`, `SENTENCES`), under a status that goes with
them, and only when it names no order (RELIABILITY 2.5).  All else, an `errors` body in other words, 5xx, unlisted 4xx, pages of a
gateway, is `ApiError` with outcome UNKNOWN.  The gateway in front answers `fault` for a bad token before anything is passed on.
Documents: documentation.tradier.com/brokerage-api/overview/errors; docs.tradier.com/docs/error-responses; recorded replies.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
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
_TEXT_MAX = 500
_BODY_MAX = 16 * 1024
_REFUSING = frozenset({200, 400, 404, 422})  # statuses under which listed words are the venue's no
_TOKEN = "keymanagement.service."  # noqa: S105 - the beginning of an error code
_PLAIN = ("invalid parameter", "order already in finalized state")

# The documented codes of checks that an order did not pass.  Not among them: OmsInternalError and OmsUnavailable, after which an
# order may be there, and ContingentOrderExecution, of which the document says nothing more.
_CODES = """
accountdisabled accountisnotapproved accountmarginruleviolation assettradingnotconfiguredforaccount
buystoporderstoppricelessask daytraderpatternrestriction daytradingbuyingpowerexceeded expirationdateundefined
incorrectorderquantity incorrecttimeinforce indexoptionsoneexparydate initialmargin invalidorderexpiration
limitpriceundefined longoptiontradingdeniedforaccount longpositioncrosszero maintenancemargin marketorderisgtc
ocoexpirationtypenotthesame ocoorderwithoppositelegs ocopricedifferenceislessthandelta optionlevelrestriction
optiontypeundefined ordercontingentchangenotallowed orderisnotallowedforaccount orderpriceisinvalid orderquantity
orderwithdifferentside otofirstlegismarketnotallowed otoocomarketnotallowed otoocotrailingnotallowed
quotepriceisinvalid securityundefined sellshortorderlastpricebelow5 sellstoporderstoppricegreaterbid
shortoptiontradingdeniedforaccount shortorderisgtc shortpositioncrosszero shortstocktradingdeniedforaccount
shorttradingdeniedforsecurity spreadtradingdeniedforaccount stoppriceundefined strikepriceundefined
toosmallequityfordaytrading totalinitialmargin tradenonstandardoptions tradingdeniedforaccount
tradingdeniedforsecurity unexpectedbuyorder unexpectedbuyorderoption unexpectedbuytocoverorder
unexpectedbuytocoverorderoption unexpectedsellorder unexpectedsellorderoption unexpectedsellshortorder
unexpectedsellshortorderoption userdisabled washtradeattempt
"""
CODES = frozenset(_CODES.split())
_CODE = re.compile(r"[^a-z0-9]")  # what ends a code
_IN_DOUBT = frozenset({"omsinternalerror", "omsunavailable"})
# What validation is known to say (lower case): a parameter is missing or wrong, or the order is turned down in so many words.
SENTENCES: tuple[re.Pattern[str], ...] = (
    re.compile(r"[a-z0-9_\[\] ]{1,60} (is|are) (invalid|required)\b.*", re.DOTALL),
    re.compile(r"invalid parameter\b.*", re.DOTALL),
    re.compile(r"backoffice rejected override of the order\b.*", re.DOTALL),
    re.compile(r"order already in finalized state\b.*", re.DOTALL),
    re.compile(r"you do not have enough buying power\b.*", re.DOTALL),
    re.compile(r".{1,60} is not a valid symbol\b.*", re.DOTALL),
)


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


def is_refusal(texts: Sequence[str]) -> bool:
    """Whether one of an answer's texts is a listed no, and none says that something broke inside."""
    said = [text.strip().lower() for text in texts]
    codes = {_CODE.split(text, maxsplit=1)[0] for text in said}
    if codes & _IN_DOUBT:
        return False
    return bool(codes & CODES) or any(sentence.fullmatch(text) for text in said for sentence in SENTENCES)


def texts_in(response: Response) -> tuple[str, ...] | None:
    """The texts of an `errors` body, or the plain text of a short 400; None when the answer has neither.

    Raises `ApiError` for an `errors` body that cannot be read.
    """
    body = _read(response)
    if body is not None:
        if wire.is_none(body.errors):
            return None
        return tuple(wire.inner(body.errors, "error", str, what="an error body"))
    plain = _plain(response)
    return (plain,) if response.status == 400 and plain.lower().startswith(_PLAIN) else None


def order_named(response: Response) -> wire.Placed | None:
    """The order that an answer to a command names, whatever else it says; None when it names none that can be read."""
    try:
        return wire.decode(response.body, wire.PlacedReply, what="the reply").order
    except ApiError:
        return None


def refusal_in(response: Response) -> str | None:
    """The venue's own words of refusal in the answer to a command; None when they are not listed, or an order is named."""
    if response.status not in _REFUSING or order_named(response) is not None:
        return None
    try:
        texts = texts_in(response)
    except ApiError:
        return None
    return "; ".join(texts)[:_TEXT_MAX] if texts and is_refusal(texts) else None


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply that is no success says about the order command `what`."""
    if order_named(response) is None:
        if response.status == 429 or is_quota_violation(response):
            return _refused(RateLimitExceeded, response, "", what)
        if (token := _token_fault(response)) is not None:
            return _refused(AuthenticationFailed, response, token, what)
        if (text := refusal_in(response)) is not None:
            return _refused(meaning_of(text), response, text, what)
    return ApiError(
        f"{what}: the venue answered {response.status} in words that prove nothing",
        broker=BROKER,
        venue_text=_plain(response) or None,
        outcome=Outcome.UNKNOWN,
    )


def preview_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a preview that did not pass says.  Nothing is placed by one, so any text of errors is an objection to the order."""
    try:
        texts = texts_in(response)
    except ApiError:
        texts = None
    if not texts or response.status not in _REFUSING or order_named(response) is not None:
        return command_error(response, what=what)
    text = "; ".join(texts)[:_TEXT_MAX]
    return _refused(meaning_of(text), response, text, what)


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

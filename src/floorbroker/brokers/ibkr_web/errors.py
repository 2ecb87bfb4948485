"""What the venue's refusals mean, as a table, and what every other answer means: that we do not know.

A command's reply is a definite refusal only when it stands here (RELIABILITY 2.5): by status and words of its text, or by words
in the documented error shape of a 200, which the venue gives for orders that it turns down.  A 200 that says the client id is
known is no rejection: the order exists.  An error beside an order is neither: one of the two is wrong.  All else, 5xx among it
(503: the backend took too long), is `ApiError` with outcome UNKNOWN.
Documents: IB REST API 2.20.0, orderSubmitError and the responses; interactivebrokers.com/campus/ibkr-api-page/cpapi-v1.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.brokers.ibkr_web import wire
from floorbroker.brokers.ibkr_web.mapping.values import BROKER
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
    SessionExpired,
    SymbolNotFound,
    VenueError,
)
from floorbroker.transport.message import parse_origin
from floorbroker.transport.types import Response

_TEXT_MAX = 500
_BODY_MAX = 16 * 1024
LOGIN = Hint(reauthenticate=True)

SOCKET_PORTS = {
    7496: "TWS, live",
    7497: "TWS, paper",
    4001: "IB Gateway, live",
    4002: "IB Gateway, paper",
}
"""Ports of the other door, which speaks the TWS socket protocol and never HTTP."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that proves the venue's no: its status, and words that its text contains (all lower case)."""

    status: int
    words: tuple[str, ...]
    error: type[VenueError]
    detail: str


REFUSALS: tuple[Refusal, ...] = (
    Refusal(400, ("no bridge",), SessionExpired, "there is no brokerage session"),
    Refusal(400, ("query /accounts first", "query /iserver/accounts first"), SessionExpired, "the session is new"),
    Refusal(401, ("",), AuthenticationFailed, "the gateway is not logged in: log in on its page"),
    Refusal(429, ("",), RateLimitExceeded, "too many requests: the venue's penalty box"),
)

_REGISTERED = "local order id"
"""A client id that the venue has seen: the order exists.  Told as `Order couldn't be submitted: Local order ID=... is already
registered`; the first words are common knowledge, the last ones are not."""

TEXTS: tuple[tuple[str, type[VenueError]], ...] = (
    ("insufficient", InsufficientFunds),
    ("available funds", InsufficientFunds),
    ("cash needed", InsufficientFunds),
    ("buying power", InsufficientFunds),
    ("equity with loan value", InsufficientFunds),
    ("market is closed", MarketClosed),
    ("exchange is closed", MarketClosed),
    ("outside of trading hours", MarketClosed),
    ("doesn't exist", OrderNotFound),
    ("does not exist", OrderNotFound),
    ("no security definition", SymbolNotFound),
    ("invalid contract", SymbolNotFound),
    ("not available for trading", SymbolNotFound),
    ("no longer available for trading", SymbolNotFound),
    ("cannot accept", OrderRejected),
    ("not accepted", OrderRejected),
    ("not confirmed", OrderRejected),
    ("order rejected", OrderRejected),
    ("been rejected", OrderRejected),
    ("minimum price variation", OrderRejected),
    ("does not conform", OrderRejected),
    ("trading permission", OrderRejected),
    ("not active", OrderRejected),
    ("cannot be changed", OrderRejected),
    ("cannot be modified", OrderRejected),
    ("missing required value", OrderRejected),
    ("invalid order", OrderRejected),
)
"""Words (lower case) by which the error text of a 200 is a refusal; a text with none of them proves nothing."""

_LOST = ("reply id not found", "timeout", "timed out", "unavailable", "internal", "try again", "no response")
"""Texts in a 200 that prove nothing about the order, whatever else they say: it may be on its way."""


def refusal_in(text: str, *, what: str) -> FloorbrokerError:
    """What the error text of a 200 to a command says; UNKNOWN unless its words are on the list."""
    lowered = text.lower()
    if _REGISTERED in lowered and "=" in lowered:
        return DuplicateOrderId(
            f"{what}: the venue has an order of that id",
            broker=BROKER,
            venue_text=text[:_TEXT_MAX],
            outcome=Outcome.UNKNOWN,
        )
    kind = next((error for words, error in TEXTS if words in lowered), None)
    if kind is None or any(words in lowered for words in _LOST):
        return _unknown(200, text, what)
    return kind(f"{what}: refused by the venue", broker=BROKER, venue_text=text[:_TEXT_MAX], outcome=Outcome.REFUSED)


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply other than 200 says about the order command `what`."""
    text = error_text(response)
    row = _row(response.status, text)
    if row is None:
        return _unknown(response.status, text, what)
    return row.error(
        f"{what}: {row.detail}", broker=BROKER, venue_text=text or None, outcome=Outcome.REFUSED, hint=_hint(row)
    )


def _unknown(status: int, text: str, what: str) -> ApiError:
    return ApiError(
        f"{what}: the venue answered {status} in words that prove nothing",
        broker=BROKER,
        venue_text=text[:_TEXT_MAX] or None,
        outcome=Outcome.UNKNOWN,
    )


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says; a 404 proves nothing, it is a wrong path."""
    text = error_text(response)
    row = _row(response.status, text)
    if row is None:
        return ApiError(f"{what}: the venue answered {response.status}", broker=BROKER, venue_text=text or None)
    return row.error(f"{what}: {row.detail}", broker=BROKER, venue_text=text or None, hint=_hint(row))


def _row(status: int, text: str) -> Refusal | None:
    lowered = text.lower()
    return next(
        (row for row in REFUSALS if row.status == status and any(words in lowered for words in row.words)), None
    )


def _hint(row: Refusal) -> Hint:
    return LOGIN if row.error in (SessionExpired, AuthenticationFailed) else Hint()


def error_text(response: Response) -> str:
    """The text of an error body; empty for pages and whatever else is no such body."""
    if not response.body or len(response.body) > _BODY_MAX:
        return ""
    try:
        return (wire.decode(response.body, wire.ErrorBody, what="an error body").error or "")[:_TEXT_MAX]
    except ApiError:
        return ""


def wrong_door(origin: str) -> str:
    """What is wrong with an address whose port belongs to the TWS socket; empty when nothing is known to be."""
    place = parse_origin(origin)
    if place.port not in SOCKET_PORTS:
        return ""
    return (
        f"port {place.port} is the TWS socket of {SOCKET_PORTS[place.port]}, which speaks no HTTP: the Client Portal gateway"
        f" listens on 5000 (BROKER_URL https://{place.host}:5000); for the socket use a profile of broker IBKR"
    )

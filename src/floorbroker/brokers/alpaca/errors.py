"""What Alpaca's refusals mean, as a table, and what every other answer means: that we do not know.

A command's reply is a definite refusal only when status, code and the beginning of the message stand in `REFUSALS`
(RELIABILITY 2.5); all else, 5xx, unlisted 4xx, pages of a gateway, is `ApiError` with outcome UNKNOWN.  One code covers many
causes (422 40010001, 403 40310000), hence the texts.
Documents: alpaca.markets/learn/how-to-fix-common-trading-api-errors-at-alpaca; Trading API 2.0.1, `Error`; recorded replies.
"""

from __future__ import annotations

from dataclasses import dataclass

from floorbroker.brokers.alpaca import wire
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

BROKER = "ALPACA"
_TEXT_MAX = 500
_BODY_MAX = 16 * 1024  # an error body is small; anything longer is not one


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reply that proves the venue's no: status, codes (None stands for an absent one), and how its message begins."""

    status: int
    codes: frozenset[int | None]
    prefixes: tuple[str, ...]
    error: type[VenueError]


def _row(status: int, codes: int | tuple[int, ...] | None, error: type[VenueError], *prefixes: str) -> Refusal:
    known: frozenset[int | None] = frozenset(codes) if isinstance(codes, tuple) else frozenset({codes})
    return Refusal(status, known, prefixes, error)


_PARAMETER = (40010001, 42210000)  # both are sent for wrong parameters; which one has changed over the years

REFUSALS: tuple[Refusal, ...] = (
    _row(401, None, AuthenticationFailed, "unauthorized"),
    # Not a rejection: the first one arrived, the order exists.
    _row(422, _PARAMETER, DuplicateOrderId, "client_order_id must be unique"),
    _row(429, 42910000, RateLimitExceeded, "rate limit exceeded"),
    _row(
        403,
        40310000,
        InsufficientFunds,
        "insufficient buying power",
        "insufficient qty available for order",
        "insufficient balance for",
        "insufficient underlying qty available",
    ),
    _row(403, 40310000, MarketClosed, "opg orders must be submitted", "cls orders must be submitted"),
    _row(
        403,
        40310000,
        OrderRejected,
        "potential wash trade detected",
        "account is not allowed to short",
        'asset "',
        "cost basis must be >=",
    ),
    _row(403, 40310100, OrderRejected, ""),  # day-trade protection: a code of its own, its text is not documented
    _row(404, 40410000, OrderNotFound, "order not found"),
    _row(404, 40410000, SymbolNotFound, "asset not found", "symbol not found"),
    _row(422, 42210000, SymbolNotFound, 'asset "'),
    _row(
        422,
        _PARAMETER,
        OrderRejected,
        "potential wash trade detected",
        "client_order_id must be no more than",
        "qty must be",
        "qty or notional is required",
        "only one of qty or notional is accepted",
        "limit orders require",
        "stop orders require",
        "stop limit orders require",
        "market orders require",
        "trailing stop orders must",
        "us_equity orders not allowed for account",
        "extended hours order must be",
        "fractional orders must be",
        "fractional orders cannot be",
        "notional must be >=",
        "position intent mismatch",
        "invalid limit_price",
        "invalid stop_price",
        "invalid crypto time_in_force",
        "invalid order type for crypto order",
        "symbol is not allowed for mleg order",
        "cannot replace order in",
        "unable to replace order",
        "order is already in",
    ),
    _row(422, 40010001, OrderRejected, "asset "),  # asset X is not active
)


def command_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a reply other than success says about the order command `what`."""
    code, message = _read(response)
    for row in REFUSALS:
        if response.status == row.status and code in row.codes and message.lower().startswith(row.prefixes):
            return _refused(row, response, message, what)
    return ApiError(
        f"{what}: the venue answered {response.status} in words that prove nothing",
        broker=BROKER,
        venue_text=message or None,
        outcome=Outcome.UNKNOWN,
    )


def _refused(row: Refusal, response: Response, message: str, what: str) -> FloorbrokerError:
    outcome = Outcome.UNKNOWN if row.error is DuplicateOrderId else Outcome.REFUSED
    hint = Hint(notify=row.error is AuthenticationFailed)
    detail = f"{what}: refused by the venue ({response.status})"
    return row.error(detail, broker=BROKER, venue_text=message, outcome=outcome, hint=hint)


_READ_STATUS: dict[int, type[VenueError]] = {
    401: AuthenticationFailed,
    403: AuthenticationFailed,
    429: RateLimitExceeded,
}


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says.  Only the documented `order not found` is `OrderNotFound`: a bare 404 proves nothing."""
    code, message = _read(response)
    text = message or None
    for row in REFUSALS:
        is_not_found = row.status == response.status == 404 and code in row.codes
        if is_not_found and message.lower().startswith(row.prefixes):
            return row.error(f"{what}: not found", broker=BROKER, venue_text=text)
    kind = _READ_STATUS.get(response.status, ApiError)
    if response.status == 403 and ("subscription" in message or not message):
        kind = ApiError  # the key is good, its market data plan is too small; or a gateway's page, which knows no key
    if response.status == 400 and message.startswith("invalid symbol"):
        kind = SymbolNotFound
    hint = Hint(notify=kind is AuthenticationFailed and text is not None)
    return kind(f"{what}: the venue answered {response.status}", broker=BROKER, venue_text=text, hint=hint)


def item_text(body: bytes) -> str:
    """The message inside one item of a 207 answer; empty when there is none."""
    return _read(Response(status=207, body=body))[1]


def _read(response: Response) -> tuple[int | None, str]:
    """Code and message of an error body; (None, "") for pages, nulls and whatever else is no such body."""
    if not response.body or len(response.body) > _BODY_MAX:
        return None, ""
    try:
        body = wire.decode(response.body, wire.ErrorBody, what="an error body")
    except ApiError:
        return None, ""
    code = body.code if isinstance(body.code, int) else None
    if isinstance(body.code, str) and body.code.isdecimal() and len(body.code) <= 8:
        code = int(body.code)
    return code, (body.message or "")[:_TEXT_MAX]

"""What OANDA's refusals mean, as a table of every `rejectReason`; what every other answer means: that we do not know.

A command is refused for certain when the answer carries the transaction that says so (`*RejectTransaction`: the refusal stands in
the log of the account), for a reason in this table, or when it is the documented 401.  All else, 5xx, pages of a gateway, a bare
400 or 404, is `ApiError` with outcome UNKNOWN, and the log tells (RELIABILITY 2.5).
Documents: github.com/oanda/v20-openapi, TransactionRejectReason (3.0.25) and the later pages of transaction-df.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from floorbroker.brokers.oanda import wire
from floorbroker.brokers.oanda.mapping.values import BROKER, word
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

_TEXT_MAX = 500
_BODY_MAX = 64 * 1024
_UNAUTHORIZED = "insufficient authorization to perform request"
DUPLICATE = "CLIENT_ORDER_ID_ALREADY_EXISTS"

_MONEY = "INSUFFICIENT_MARGIN INSUFFICIENT_FUNDS"
_CLOSED = (
    "INSTRUMENT_NOT_TRADEABLE INSTRUMENT_PRICE_UNKNOWN STOP_LOSS_ORDER_GUARANTEED_HALTED_CREATE_VIOLATION"
    " STOP_LOSS_ORDER_GUARANTEED_HALTED_TIGHTEN_VIOLATION"
)
_SYMBOL = "INSTRUMENT_MISSING INSTRUMENT_UNKNOWN"
_GONE = "ORDER_DOESNT_EXIST TRADE_DOESNT_EXIST CLOSEOUT_POSITION_DOESNT_EXIST"
_REJECTED = """
INTERNAL_SERVER_ERROR ACCOUNT_NOT_ACTIVE ACCOUNT_LOCKED ACCOUNT_ORDER_CREATION_LOCKED ACCOUNT_CONFIGURATION_LOCKED
ACCOUNT_DEPOSIT_LOCKED ACCOUNT_WITHDRAWAL_LOCKED ACCOUNT_ORDER_CANCEL_LOCKED PENDING_ORDERS_ALLOWED_EXCEEDED ORDER_ID_UNSPECIFIED
ORDER_IDENTIFIER_INCONSISTENCY TRADE_ID_UNSPECIFIED TRADE_IDENTIFIER_INCONSISTENCY UNITS_MISSING UNITS_INVALID
UNITS_PRECISION_EXCEEDED UNITS_LIMIT_EXCEEDED UNITS_MIMIMUM_NOT_MET PRICE_MISSING PRICE_INVALID PRICE_PRECISION_EXCEEDED
PRICE_DISTANCE_MISSING PRICE_DISTANCE_INVALID PRICE_DISTANCE_PRECISION_EXCEEDED PRICE_DISTANCE_MAXIMUM_EXCEEDED
PRICE_DISTANCE_MINIMUM_NOT_MET TIME_IN_FORCE_MISSING TIME_IN_FORCE_INVALID TIME_IN_FORCE_GTD_TIMESTAMP_MISSING
TIME_IN_FORCE_GTD_TIMESTAMP_IN_PAST PRICE_BOUND_INVALID PRICE_BOUND_PRECISION_EXCEEDED ORDERS_ON_FILL_DUPLICATE_CLIENT_ORDER_IDS
TRADE_ON_FILL_CLIENT_EXTENSIONS_NOT_SUPPORTED CLIENT_ORDER_ID_INVALID CLIENT_ORDER_TAG_INVALID CLIENT_ORDER_COMMENT_INVALID
CLIENT_TRADE_ID_INVALID CLIENT_TRADE_ID_ALREADY_EXISTS CLIENT_TRADE_TAG_INVALID CLIENT_TRADE_COMMENT_INVALID
ORDER_FILL_POSITION_ACTION_MISSING ORDER_FILL_POSITION_ACTION_INVALID TRIGGER_CONDITION_MISSING TRIGGER_CONDITION_INVALID
ORDER_PARTIAL_FILL_OPTION_MISSING ORDER_PARTIAL_FILL_OPTION_INVALID INVALID_REISSUE_IMMEDIATE_PARTIAL_FILL
TAKE_PROFIT_ORDER_ALREADY_EXISTS TAKE_PROFIT_ON_FILL_PRICE_MISSING TAKE_PROFIT_ON_FILL_PRICE_INVALID
TAKE_PROFIT_ON_FILL_PRICE_PRECISION_EXCEEDED TAKE_PROFIT_ON_FILL_TIME_IN_FORCE_MISSING TAKE_PROFIT_ON_FILL_TIME_IN_FORCE_INVALID
TAKE_PROFIT_ON_FILL_GTD_TIMESTAMP_MISSING TAKE_PROFIT_ON_FILL_GTD_TIMESTAMP_IN_PAST TAKE_PROFIT_ON_FILL_CLIENT_ORDER_ID_INVALID
TAKE_PROFIT_ON_FILL_CLIENT_ORDER_TAG_INVALID TAKE_PROFIT_ON_FILL_CLIENT_ORDER_COMMENT_INVALID
TAKE_PROFIT_ON_FILL_TRIGGER_CONDITION_MISSING TAKE_PROFIT_ON_FILL_TRIGGER_CONDITION_INVALID STOP_LOSS_ORDER_ALREADY_EXISTS
STOP_LOSS_ORDER_GUARANTEED_REQUIRED STOP_LOSS_ORDER_GUARANTEED_PRICE_WITHIN_SPREAD STOP_LOSS_ORDER_GUARANTEED_NOT_ALLOWED
STOP_LOSS_ORDER_GUARANTEED_HEDGING_NOT_ALLOWED STOP_LOSS_ORDER_GUARANTEED_MINIMUM_DISTANCE_NOT_MET STOP_LOSS_ORDER_NOT_CANCELABLE
STOP_LOSS_ORDER_NOT_REPLACEABLE STOP_LOSS_ORDER_GUARANTEED_LEVEL_RESTRICTION_EXCEEDED
STOP_LOSS_ORDER_PRICE_AND_DISTANCE_BOTH_SPECIFIED STOP_LOSS_ORDER_PRICE_AND_DISTANCE_BOTH_MISSING
STOP_LOSS_ON_FILL_REQUIRED_FOR_PENDING_ORDER STOP_LOSS_ON_FILL_GUARANTEED_NOT_ALLOWED STOP_LOSS_ON_FILL_GUARANTEED_REQUIRED
STOP_LOSS_ON_FILL_PRICE_MISSING STOP_LOSS_ON_FILL_PRICE_INVALID STOP_LOSS_ON_FILL_PRICE_PRECISION_EXCEEDED
STOP_LOSS_ON_FILL_GUARANTEED_MINIMUM_DISTANCE_NOT_MET STOP_LOSS_ON_FILL_GUARANTEED_LEVEL_RESTRICTION_EXCEEDED
STOP_LOSS_ON_FILL_DISTANCE_INVALID STOP_LOSS_ON_FILL_PRICE_DISTANCE_MAXIMUM_EXCEEDED STOP_LOSS_ON_FILL_DISTANCE_PRECISION_EXCEEDED
STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_SPECIFIED STOP_LOSS_ON_FILL_PRICE_AND_DISTANCE_BOTH_MISSING
STOP_LOSS_ON_FILL_TIME_IN_FORCE_MISSING STOP_LOSS_ON_FILL_TIME_IN_FORCE_INVALID STOP_LOSS_ON_FILL_GTD_TIMESTAMP_MISSING
STOP_LOSS_ON_FILL_GTD_TIMESTAMP_IN_PAST STOP_LOSS_ON_FILL_CLIENT_ORDER_ID_INVALID STOP_LOSS_ON_FILL_CLIENT_ORDER_TAG_INVALID
STOP_LOSS_ON_FILL_CLIENT_ORDER_COMMENT_INVALID STOP_LOSS_ON_FILL_TRIGGER_CONDITION_MISSING
STOP_LOSS_ON_FILL_TRIGGER_CONDITION_INVALID TRAILING_STOP_LOSS_ORDER_ALREADY_EXISTS
TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MISSING TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_INVALID
TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_PRECISION_EXCEEDED TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MAXIMUM_EXCEEDED
TRAILING_STOP_LOSS_ON_FILL_PRICE_DISTANCE_MINIMUM_NOT_MET TRAILING_STOP_LOSS_ON_FILL_TIME_IN_FORCE_MISSING
TRAILING_STOP_LOSS_ON_FILL_TIME_IN_FORCE_INVALID TRAILING_STOP_LOSS_ON_FILL_GTD_TIMESTAMP_MISSING
TRAILING_STOP_LOSS_ON_FILL_GTD_TIMESTAMP_IN_PAST TRAILING_STOP_LOSS_ON_FILL_CLIENT_ORDER_ID_INVALID
TRAILING_STOP_LOSS_ON_FILL_CLIENT_ORDER_TAG_INVALID TRAILING_STOP_LOSS_ON_FILL_CLIENT_ORDER_COMMENT_INVALID
TRAILING_STOP_LOSS_ORDERS_NOT_SUPPORTED TRAILING_STOP_LOSS_ON_FILL_TRIGGER_CONDITION_MISSING
TRAILING_STOP_LOSS_ON_FILL_TRIGGER_CONDITION_INVALID CLOSE_TRADE_TYPE_MISSING CLOSE_TRADE_PARTIAL_UNITS_MISSING
CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE CLOSEOUT_POSITION_INCOMPLETE_SPECIFICATION CLOSEOUT_POSITION_UNITS_EXCEED_POSITION_SIZE
CLOSEOUT_POSITION_REJECT CLOSEOUT_POSITION_PARTIAL_UNITS_MISSING MARKUP_GROUP_ID_INVALID POSITION_AGGREGATION_MODE_INVALID
ADMIN_CONFIGURE_DATA_MISSING MARGIN_RATE_INVALID MARGIN_RATE_WOULD_TRIGGER_CLOSEOUT ALIAS_INVALID CLIENT_CONFIGURE_DATA_MISSING
MARGIN_RATE_WOULD_TRIGGER_MARGIN_CALL AMOUNT_INVALID AMOUNT_MISSING FUNDING_REASON_MISSING CLIENT_EXTENSIONS_DATA_MISSING
REPLACING_ORDER_INVALID REPLACING_TRADE_ID_INVALID
"""


def _table() -> dict[str, type[VenueError]]:
    kinds: tuple[tuple[str, type[VenueError]], ...] = (
        (_REJECTED, OrderRejected),
        (_MONEY, InsufficientFunds),
        (_CLOSED, MarketClosed),
        (_SYMBOL, SymbolNotFound),
        (_GONE, OrderNotFound),
        (DUPLICATE, DuplicateOrderId),  # not a rejection: the first one arrived, the order exists
    )
    return {reason: kind for reasons, kind in kinds for reason in reasons.split()}


REJECT_REASONS: Mapping[str, type[VenueError]] = MappingProxyType(_table())


def command_error(response: Response, *, what: str, cl_ord_id: str | None = None) -> FloorbrokerError:
    """What a reply other than success says about the command `what`.

    A refusal that names another order's client id is about another order, and proves nothing of ours.
    """
    told = _read(response)
    text = word(told.error_code) or (told.error_message or "")[:_TEXT_MAX] or None
    refused = _refusal_in(told)
    if response.status in (400, 404) and refused is not None and _is_about(refused, cl_ord_id):
        reason = refused.reject_reason or ""
        if kind := REJECT_REASONS.get(reason):
            outcome = Outcome.UNKNOWN if kind is DuplicateOrderId else Outcome.REFUSED
            return kind(f"{what}: refused by the venue ({reason})", broker=BROKER, venue_text=reason, outcome=outcome)
    if _is_unauthorized(response, told):
        return AuthenticationFailed(
            f"{what}: the token is not accepted", broker=BROKER, venue_text=text, hint=Hint(notify=True)
        )
    return ApiError(
        f"{what}: the venue answered {response.status} in words that prove nothing",
        broker=BROKER,
        venue_text=text,
        outcome=Outcome.UNKNOWN,
    )


def _refusal_in(told: wire.CommandReply) -> wire.Transaction | None:
    found = (
        told.order_reject_transaction,
        told.order_cancel_reject_transaction,
        told.long_order_reject_transaction,
        told.short_order_reject_transaction,
    )
    return next((one for one in found if one is not None and one.type.endswith("_REJECT")), None)


def _is_about(refused: wire.Transaction, cl_ord_id: str | None) -> bool:
    named = refused.client_extensions.id if refused.client_extensions is not None else None
    return cl_ord_id is None or named is None or named == cl_ord_id


def _is_unauthorized(response: Response, told: wire.CommandReply) -> bool:
    return response.status == 401 and (told.error_message or "").lower().startswith(_UNAUTHORIZED)


_READ_STATUS: dict[int, type[VenueError]] = {
    401: AuthenticationFailed,
    403: AuthenticationFailed,
    429: RateLimitExceeded,
}
_NOT_FOUND = frozenset({"NO_SUCH_ORDER", "ORDER_DOESNT_EXIST"})


def read_error(response: Response, *, what: str) -> FloorbrokerError:
    """What a failed read says.  Only the venue's own word on an order is `OrderNotFound`: a bare 404 proves nothing."""
    told = _read(response)
    text = word(told.error_code) or (told.error_message or "")[:_TEXT_MAX] or None
    if response.status == 404 and told.error_code in _NOT_FOUND:
        return OrderNotFound(f"{what}: not found", broker=BROKER, venue_text=text)
    kind = _READ_STATUS.get(response.status, ApiError)
    if kind is AuthenticationFailed and text is None:
        kind = ApiError  # a gateway's page, which knows no token
    return kind(
        f"{what}: the venue answered {response.status}",
        broker=BROKER,
        venue_text=text,
        hint=Hint(notify=kind is AuthenticationFailed),
    )


def _read(response: Response) -> wire.CommandReply:
    """The body of a refusal; an empty one for pages, nulls and whatever else is no such body."""
    if not response.body or len(response.body) > _BODY_MAX:
        return wire.CommandReply()
    try:
        return wire.decode(response.body, wire.CommandReply, what="an error body")
    except ApiError:
        return wire.CommandReply()

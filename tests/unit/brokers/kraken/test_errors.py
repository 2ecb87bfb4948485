"""Every documented error string and what it proves about a command."""

from __future__ import annotations

import pytest

from floorbroker.brokers.kraken.errors import ROWS, command_error, envelope, read_error, row_of
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    DuplicateOrderId,
    InsufficientFunds,
    MarginCall,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SessionExpired,
    SymbolNotFound,
    VenueError,
)
from floorbroker.transport.types import Response

REFUSED, UNKNOWN = Outcome.REFUSED, Outcome.UNKNOWN

TABLE: list[tuple[str, type[VenueError], Outcome]] = [
    ("EAPI:Invalid key", AuthenticationFailed, REFUSED),
    ("EAPI:Invalid signature", AuthenticationFailed, REFUSED),
    ("EAPI:Invalid nonce", AuthenticationFailed, REFUSED),
    ("EAPI:Rate limit exceeded", RateLimitExceeded, REFUSED),
    ("EAPI:Bad request", OrderRejected, REFUSED),
    ("EAuth:Account temporary disabled", AuthenticationFailed, REFUSED),
    ("EAuth:Account unconfirmed", AuthenticationFailed, REFUSED),
    ("EAuth:Rate limit exceeded", RateLimitExceeded, REFUSED),
    ("EAuth:Too many requests", RateLimitExceeded, REFUSED),
    ("EAuth:Failed", AuthenticationFailed, REFUSED),
    ("EGeneral:Permission denied", AuthenticationFailed, REFUSED),
    ("EGeneral:Invalid arguments", OrderRejected, REFUSED),
    ("EGeneral:Invalid arguments:volume", OrderRejected, REFUSED),
    ("EGeneral:Invalid arguments:viqc", OrderRejected, REFUSED),
    ("EGeneral:Invalid arguments:Index unavailable", MarketClosed, REFUSED),
    ("EGeneral:Internal error", ApiError, UNKNOWN),
    ("EGeneral:Internal error:42", ApiError, UNKNOWN),
    ("EGeneral:Temporary lockout", AuthenticationFailed, REFUSED),
    ("EGeneral:Unknown method", OrderRejected, REFUSED),
    ("EGeneral:Too many requests", RateLimitExceeded, REFUSED),
    ("EOrder:Insufficient funds", InsufficientFunds, REFUSED),
    ("EOrder:Insufficient funds (insufficient user funds)", InsufficientFunds, REFUSED),
    ("EOrder:Order minimum not met", OrderRejected, REFUSED),
    ("EOrder:Cost minimum not met", OrderRejected, REFUSED),
    ("EOrder:Tick size check failed", OrderRejected, REFUSED),
    ("EOrder:Invalid price:Invalid price argument", OrderRejected, REFUSED),
    ("EOrder:Invalid order", OrderRejected, REFUSED),
    ("EOrder:Unknown order", OrderNotFound, REFUSED),
    ("EOrder:Unknown position", OrderRejected, REFUSED),
    ("EOrder:Rate limit exceeded", RateLimitExceeded, REFUSED),
    ("EOrder:Orders limit exceeded", OrderRejected, REFUSED),
    ("EOrder:Domain rate limit exceeded", RateLimitExceeded, REFUSED),
    ("EOrder:Scheduled orders limit exceeded", OrderRejected, REFUSED),
    ("EOrder:Positions limit exceeded", OrderRejected, REFUSED),
    ("EOrder:Cannot open position", OrderRejected, REFUSED),
    ("EOrder:Cannot open opposing position", OrderRejected, REFUSED),
    ("EOrder:Margin allowance exceeded", MarginCall, REFUSED),
    ("EOrder:Margin level too low", MarginCall, REFUSED),
    ("EOrder:Margin position size exceeded", OrderRejected, REFUSED),
    ("EOrder:Insufficient margin", InsufficientFunds, REFUSED),
    ("EOrder:Reduce only:No position exists", OrderRejected, REFUSED),
    ("EService:Unavailable", ApiError, UNKNOWN),
    ("EService:Busy", ApiError, UNKNOWN),
    ("EService:Deadline elapsed", OrderRejected, REFUSED),
    ("EService:Market in cancel_only mode", MarketClosed, REFUSED),
    ("EService:Market in post_only mode", MarketClosed, REFUSED),
    ("EService:Market in limit_only mode", MarketClosed, REFUSED),
    ("EService: Throttled: 1772463900", RateLimitExceeded, REFUSED),
    ("EService:Throttled: 1772463900", RateLimitExceeded, REFUSED),
    ("EQuery:Unknown asset", SymbolNotFound, REFUSED),
    ("EQuery:Unknown asset pair", SymbolNotFound, REFUSED),
    ("EQuery:Invalid asset pair", SymbolNotFound, REFUSED),
    ("ETrade:Invalid request", OrderRejected, REFUSED),
    ("ETrade:User Locked", AuthenticationFailed, REFUSED),
    ("EAccount:Invalid permissions", AuthenticationFailed, REFUSED),
    ("EBM:limit exceeded:CAL", OrderRejected, REFUSED),
    ("EFunding:Max fee exceeded", ApiError, UNKNOWN),
    ("ESession:Invalid session", SessionExpired, REFUSED),
]


@pytest.mark.parametrize(("text", "kind", "outcome"), TABLE, ids=[row[0] for row in TABLE])
def test_a_documented_string_proves_what_the_table_says(text: str, kind: type[VenueError], outcome: Outcome) -> None:
    error = command_error([text], what="the order")
    assert (type(error), error.outcome, error.venue_text, error.broker) == (kind, outcome, text, "KRAKEN")


def test_every_row_is_tried_by_a_string() -> None:
    tried = {row for text, _, _ in TABLE if (row := row_of(text)) is not None}
    assert [row.prefix for row in ROWS if row not in tried] == []


@pytest.mark.parametrize(
    "texts",
    [
        ["EOrder:Something new"],
        ["Unsupported field: 'price' for the given msg type: add order"],
        [""],
        [],
        ["EOrder:Insufficient funds", "EService:Busy"],
        ["EOrder:Insufficient funds", "EOrder:Something new"],
    ],
)
def test_one_string_that_proves_nothing_leaves_the_order_unknown(texts: list[str]) -> None:
    assert command_error(texts, what="the order").outcome is UNKNOWN


@pytest.mark.parametrize(
    "text",
    ["EOrder:Duplicate cl_ord_id", "EGeneral:Invalid arguments:cl_ord_id", "EOrder:cl_ord_id already in use"],
)
def test_whatever_the_venue_has_against_our_id_means_that_it_knows_it(text: str) -> None:
    error = command_error([text], what="the order")
    assert (type(error), error.outcome) == (DuplicateOrderId, UNKNOWN)


def test_an_invalid_nonce_says_what_to_do() -> None:
    assert "a key of its own" in command_error(["EAPI:Invalid nonce"], what="the order").detail


def test_a_lockout_says_how_long_and_asks_for_a_human() -> None:
    error = command_error(["EGeneral:Temporary lockout"], what="the order")
    assert (error.hint.retry_after_s, error.hint.notify) == (900.0, True)


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("EAPI:Invalid nonce", AuthenticationFailed),
        ("EOrder:Unknown order", OrderNotFound),
        ("EAPI:Rate limit exceeded", RateLimitExceeded),
        ("EQuery:Unknown asset pair", SymbolNotFound),
        ("EGeneral:Invalid arguments", ApiError),  # of a read, it is our mistake and no order's
        ("EService:Busy", ApiError),
        ("ESomething:New", ApiError),
    ],
)
def test_a_failed_read_is_told_in_the_venues_words(text: str, kind: type[VenueError]) -> None:
    error = read_error([text], what="the orders")
    assert (type(error), error.venue_text) == (kind, text)


@pytest.mark.parametrize(
    "response",
    [
        Response(status=520, body=b"<html>cloudflare</html>"),
        Response(status=502, body=b""),
        Response(status=200, body=b"<html>"),
        Response(status=200, body=b""),
        Response(status=429, body=b'{"error":["EOrder:Insufficient funds"]}'),
    ],
    ids=["520", "502", "page", "empty", "429"],
)
def test_what_is_no_envelope_proves_nothing(response: Response) -> None:
    with pytest.raises(ApiError) as caught:
        envelope(response, what="the order")
    assert caught.value.outcome is UNKNOWN


def test_warnings_are_no_errors_and_other_words_with_w_are() -> None:
    told = envelope(Response(status=200, body=b'{"error":["WGeneral:Danger","Wrong word"],"result":{}}'), what="x")
    assert told.errors == ["Wrong word"]

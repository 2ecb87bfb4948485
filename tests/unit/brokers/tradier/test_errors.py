"""Which answers prove the venue's no, and which prove nothing."""

from __future__ import annotations

import pytest

from floorbroker.brokers.tradier.errors import command_error, read_error
from floorbroker.brokers.tradier.rest.answers import placed
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FloorbrokerError,
    InsufficientFunds,
    MarketClosed,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
)
from floorbroker.transport.types import Response

FAULT = b'{"fault":{"faultstring":"%s","detail":{"errorcode":"%s"}}}'
INVALID = FAULT % (b"Invalid Access Token", b"keymanagement.service.invalid_access_token")
EXPIRED = FAULT % (b"Access Token expired", b"keymanagement.service.access_token_expired")
HICCUP = FAULT % (b"Datastore Error", b"steps.servicecallout.ExecutionFailed")


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b'{"errors":{"error":["type is invalid for class option"]}}', OrderRejected),
        (400, b'{"errors":{"error":"You do not have enough buying power for this trade."}}', InsufficientFunds),
        (200, b'{"errors":{"error":"Symbol is invalid"}}', SymbolNotFound),
        (400, b"Invalid parameter, duration: pre market no longer available", MarketClosed),
        (400, b'"order already in finalized state: filled"', OrderRejected),
        (401, INVALID, AuthenticationFailed),
        (500, EXPIRED, AuthenticationFailed),
        (400, b"Quota Violation", RateLimitExceeded),
        (429, b"", RateLimitExceeded),
    ],
)
def test_a_listed_answer_is_a_definite_no(status: int, body: bytes, kind: type[FloorbrokerError]) -> None:
    error = command_error(Response(status=status, body=body), what="the order")
    assert (type(error), error.outcome) == (kind, Outcome.REFUSED)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, HICCUP),
        (500, b'{"errors":{"error":"internal"}}'),
        (400, b"<html>Bad Request</html>"),
        (400, b""),
        (400, b'{"errors":{"error":[7]}}'),
        (404, b"nothing here"),
        (401, b"who are you"),
        (502, b"<html/>"),
        (403, b'{"fault":7}'),
        (400, b"x" * 20_000),
    ],
)
def test_any_other_answer_proves_nothing(status: int, body: bytes) -> None:
    error = command_error(Response(status=status, body=body), what="the order")
    assert (type(error), error.outcome) == (ApiError, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{}",
        b'{"order":{}}',
        b'{"order":{"id":7,"status":"maybe"}}',
        b'{"order":{"id":"x/y","status":"ok"}}',
        b"null",
    ],
)
def test_a_200_that_does_not_say_ok_to_a_number_leaves_the_order_in_doubt(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        placed(Response(status=200, body=body), what="the order")
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (401, INVALID, AuthenticationFailed),
        (500, EXPIRED, AuthenticationFailed),
        (500, HICCUP, ApiError),
        (404, b"", ApiError),
        (400, b"Quota Violation", RateLimitExceeded),
    ],
)
def test_a_failed_read_is_no_word_on_any_order(status: int, body: bytes, kind: type[FloorbrokerError]) -> None:
    assert type(read_error(Response(status=status, body=body), what="the orders")) is kind

"""Which answers prove the venue's no, and which prove nothing."""

from __future__ import annotations

import json

import pytest

from floorbroker.brokers.tradier.errors import command_error, read_error
from floorbroker.brokers.tradier.rest.answers import Taken, done, placed, previewed
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
from floorbroker.domain.values import OrderId
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
        (
            200,
            b'{"errors":{"error":["Backoffice rejected override of the order.","DayTradingBuyingPowerExceeded"]}}',
            InsufficientFunds,
        ),
        (400, b'{"errors":{"error":"UnexpectedSellOrder: there is no long position"}}', OrderRejected),
        (422, b'{"errors":{"error":"OtoFirstLegIsMarketNotAllowed"}}', OrderRejected),
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
        (400, b'{"errors":{"error":"OmsInternalError"}}'),
        (200, b'{"errors":{"error":["Backoffice rejected override of the order.","OmsUnavailable"]}}'),
        (400, b'{"errors":{"error":"something new"}}'),
        (400, b'{"errors":{}}'),
        (400, b"Sorry, we could not process your request"),
        (400, b'{"errors":{"error":"Sorry, please try again"}}'),
        (400, b'{"errors":{"error":"side is invalid"},"order":{"id":7,"status":"ok"}}'),
        (400, b'{"errors":{"error":"side is invalid"},"order":{"id":"x/y"}}'),
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
        b'{"order":{"id":"x/y","status":"ok"}}',
        b"null",
    ],
)
def test_a_200_that_names_no_order_leaves_it_in_doubt(body: bytes) -> None:
    with pytest.raises(ApiError) as caught:
        placed(Response(status=200, body=body), what="the order")
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("status", "body", "word"),
    [
        (200, b'{"order":{"id":7,"status":"ok"}}', "ok"),
        (200, b'{"order":{"id":"7","status":"maybe"}}', "maybe"),
        (200, b'{"order":{"id":7}}', "null"),
        (200, b'{"order":{"id":7,"status":["odd"]}}', '["odd"]'),
        (400, b'{"errors":{"error":"side is invalid"},"order":{"id":7,"status":"rejected"}}', "rejected"),
        (500, b'{"order":{"id":7,"status":"error"}}', "error"),
    ],
)
def test_an_answer_that_names_the_order_keeps_its_id_whatever_it_says_beside(
    status: int, body: bytes, word: str
) -> None:
    assert placed(Response(status=status, body=body), what="the order") == Taken(OrderId("7"), word)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (200, b'{"order":{"id":7,"status":"pending"}}'),
        (200, b'{"order":{"id":8,"status":"ok"}}'),
        (400, b'{"order":{"id":7,"status":"ok"}}'),
    ],
)
def test_a_command_about_a_known_order_is_done_by_an_ok_about_that_one_alone(status: int, body: bytes) -> None:
    done(Response(status=200, body=b'{"order":{"id":7,"status":"OK"}}'), "7", what="the cancel")
    with pytest.raises(ApiError) as caught:
        done(Response(status=status, body=body), "7", what="the cancel")
    assert caught.value.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("answer", "kind", "outcome"),
    [
        ({"status": "ok"}, ApiError, Outcome.UNKNOWN),
        ({"status": "ok", "result": True, "id": 7}, ApiError, Outcome.UNKNOWN),
        ({"status": "ok", "result": False}, OrderRejected, Outcome.REFUSED),
        ({"status": "buying power", "result": True}, InsufficientFunds, Outcome.REFUSED),
    ],
)
def test_a_preview_passes_with_result_true_alone_and_is_no_order(
    answer: dict[str, object], kind: type[FloorbrokerError], outcome: Outcome
) -> None:
    with pytest.raises(kind) as caught:
        previewed(Response(status=200, body=json.dumps({"order": answer}).encode()))
    assert caught.value.outcome is outcome


def test_a_preview_places_nothing_so_any_words_of_errors_are_an_objection() -> None:
    with pytest.raises(OrderRejected, match="refused"):
        previewed(Response(status=200, body=b'{"errors":{"error":"something new"}}'))


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

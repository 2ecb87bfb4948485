"""What a refusal proves, and that everything else proves nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.alpaca.errors import command_error, item_text, read_error
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    DuplicateOrderId,
    FloorbrokerError,
    InsufficientFunds,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
)
from floorbroker.transport.types import Response
from tests.unit.brokers.alpaca.fakes import reply


def refusal(status: int, code: int | None, message: str) -> Response:
    body = {"message": message} if code is None else {"code": code, "message": message}
    return reply(body, status=status)


@pytest.mark.parametrize(
    ("status", "code", "message", "expected"),
    [
        (401, None, "unauthorized.", AuthenticationFailed),
        (403, 40310000, "insufficient buying power", InsufficientFunds),
        (403, 40310000, "insufficient qty available for order (requested: 5, available: 0)", InsufficientFunds),
        (403, 40310000, "insufficient balance for BTC (requested: 1, available: 0)", InsufficientFunds),
        (403, 40310000, "insufficient underlying qty available for covered call (required: 200)", InsufficientFunds),
        (403, 40310000, "potential wash trade detected. use complex orders", OrderRejected),
        (422, 42210000, "potential wash trade detected. use complex orders", OrderRejected),
        (403, 40310000, "account is not allowed to short", OrderRejected),
        (403, 40310000, 'asset "XYZ" is not fractionable', OrderRejected),
        (403, 40310000, "opg orders must be submitted after 7:00pm and before 9:28am", MarketClosed),
        (403, 40310000, "cost basis must be >= minimal amount of order 10", OrderRejected),
        (403, 40310100, "trade denied due to pattern day trading protection", OrderRejected),
        (404, 40410000, "order not found for 1234", OrderNotFound),
        (404, 40410000, "asset not found for XYZ", SymbolNotFound),
        (422, 42210000, 'asset "XYZ" not found', SymbolNotFound),
        (422, 40010001, "asset XYZ is not active", OrderRejected),
        (422, 40010001, "qty must be > 0", OrderRejected),
        (422, 42210000, "fractional orders must be DAY orders", OrderRejected),
        (422, 42210000, "invalid limit_price 290.123. sub-penny increment does not fulfill", OrderRejected),
        (422, 42210000, 'order is already in "filled" state', OrderRejected),
        (422, 40010001, "cannot replace order in accepted status", OrderRejected),
        (422, 40010001, "invalid crypto time_in_force", OrderRejected),
        (429, 42910000, "rate limit exceeded", RateLimitExceeded),
    ],
)
def test_a_listed_refusal_is_definite(
    status: int, code: int | None, message: str, expected: type[FloorbrokerError]
) -> None:
    error = command_error(refusal(status, code, message), what="the order")
    assert (type(error), error.outcome, error.venue_text) == (expected, Outcome.REFUSED, message)


@pytest.mark.parametrize("code", [40010001, 42210000])
def test_a_duplicate_id_means_that_the_order_exists(code: int) -> None:
    error = command_error(refusal(422, code, "client_order_id must be unique"), what="the order")
    assert isinstance(error, DuplicateOrderId)
    assert error.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "response",
    [
        refusal(422, 40010001, "a text that no document knows"),
        refusal(422, 49999999, "qty must be > 0"),
        refusal(403, None, "forbidden."),
        refusal(400, 40010001, "request body format is invalid"),
        refusal(500, 50010000, "internal server error occurred"),
        refusal(504, 50410000, "insufficient buying power"),
        refusal(429, None, "too many requests."),
        reply(status=401, raw=b"<html>401 Authorization Required</html>"),
        reply(status=403, raw=b"<html><title>Access denied | edge</title></html>"),
        reply(status=422, raw=b""),
        reply(status=422, raw=b"null"),
        reply([], status=422),
        reply({"code": True, "message": "qty must be > 0"}, status=422),
        reply({"code": 42210000, "message": None}, status=422),
        reply({"code": 42210000, "message": ["qty must be > 0"]}, status=422),
        reply(status=422, raw=b'{"code":42210000,"message":"qty must be > 0","x":"' + b"x" * 20_000 + b'"}'),
        reply(status=422, raw=b'{"code":' + b"[" * 9_000),
    ],
    ids=str,
)
def test_anything_else_proves_nothing(response: Response) -> None:
    error = command_error(response, what="the order")
    assert (type(error), error.outcome) == (ApiError, Outcome.UNKNOWN)


@given(st.integers(300, 599), st.binary(max_size=200))
def test_no_body_can_turn_into_anything_but_our_errors(status: int, body: bytes) -> None:
    response = Response(status=status, body=body)
    assert isinstance(command_error(response, what="the order"), FloorbrokerError)
    assert isinstance(read_error(response, what="the order"), FloorbrokerError)


def test_an_order_is_not_found_only_by_the_documented_word() -> None:
    known = read_error(refusal(404, 40410000, "order not found for fb-1"), what="the order")
    assert isinstance(known, OrderNotFound)
    for response in (
        reply(status=404, raw=b"<html>404 Not Found</html>"),
        refusal(404, None, "order not found"),
        refusal(404, 40410000, "page not found"),
        refusal(500, 40410000, "order not found"),
    ):
        assert type(read_error(response, what="the order")) is ApiError


def test_a_small_data_plan_is_no_wrong_key() -> None:
    response = refusal(403, 42210000, "subscription does not permit querying recent SIP data")
    assert type(read_error(response, what="bars")) is ApiError
    assert type(read_error(refusal(403, None, "forbidden."), what="bars")) is AuthenticationFailed


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_turned_away_asks_for_a_person_in_a_read_as_in_an_order(status: int) -> None:
    assert read_error(refusal(status, None, "forbidden."), what="the account").hint.notify
    assert command_error(refusal(401, None, "unauthorized."), what="the order").hint.notify


def test_no_other_failed_read_asks_for_a_person() -> None:
    """Three such in a row are believed and trip the kill switch: a page of whatever stands before the venue is not that."""
    for response in (
        Response(status=401, body=b"<html>Unauthorized</html>"),
        Response(status=403, body=b"<html>Request blocked</html>"),
        Response(status=403, body=b""),
        refusal(403, 42210000, "subscription does not permit querying recent SIP data"),
        refusal(404, 40410000, "order not found for fb-1"),
        refusal(429, None, "too many requests."),
        refusal(500, None, "internal server error occurred"),
    ):
        assert not read_error(response, what="bars").hint.notify


def test_venue_texts_are_bounded() -> None:
    error = command_error(refusal(422, 42210000, "qty must be " + "x" * 5000), what="the order")
    assert error.venue_text is not None
    assert len(error.venue_text) == 500


def test_the_text_of_one_item_is_found() -> None:
    assert item_text(json.dumps({"code": 42210000, "message": "too late"}).encode()) == "too late"
    assert item_text(b"null") == ""

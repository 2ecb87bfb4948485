"""What a refusal proves, and that everything else proves nothing."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.binance.errors import REFUSALS, command_error, is_unsynchronised, read_error
from floorbroker.brokers.binance.rest import answers
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
from tests.unit.brokers.binance.fakes import CL_ORD_ID, NEXT, ok, parsed, refusal, reply

OLD = answers.OrderName("BTCUSDT", "28", CL_ORD_ID)


@pytest.mark.parametrize(
    ("code", "message", "expected"),
    [
        (-1013, "Filter failure: LOT_SIZE", OrderRejected),
        (-1021, "Timestamp for this request is outside of the recvWindow.", AuthenticationFailed),
        (-1022, "Signature for this request is not valid.", AuthenticationFailed),
        (-1100, "Illegal characters found in parameter 'price'.", OrderRejected),
        (-1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed.", OrderRejected),
        (-1104, "Not all sent parameters were read; read '1' parameter(s) but was sent '2'.", OrderRejected),
        (-1111, "Parameter 'quantity' has too much precision.", OrderRejected),
        (-1121, "Invalid symbol.", SymbolNotFound),
        (-1165, "Limit order in OCO must be above.", OrderRejected),
        (-2010, "Account has insufficient balance for requested action.", InsufficientFunds),
        (-2010, "Market is closed.", MarketClosed),
        (-2010, "Order would immediately match and take.", OrderRejected),
        (-2010, "Order would trigger immediately.", OrderRejected),
        (-2010, "Something nobody wrote down.", OrderRejected),
        (-2011, "Unknown order sent.", OrderNotFound),
        (-2011, "Order was not canceled due to cancel restrictions.", OrderRejected),
        (-2014, "API-key format invalid.", AuthenticationFailed),
        (-2015, "Invalid API-key, IP, or permissions for action.", AuthenticationFailed),
        (-2038, "Order amend (quantity increase) is not supported.", OrderRejected),
    ],
)
def test_a_listed_code_proves_the_venues_no(code: int, message: str, expected: type[FloorbrokerError]) -> None:
    error = command_error(refusal(code, message), what="the order")
    assert type(error) is expected
    assert (error.outcome, error.venue_text, error.broker) == (Outcome.REFUSED, message, "BINANCE")


def test_a_duplicate_means_that_the_order_exists() -> None:
    error = command_error(refusal(-2010, "Duplicate order sent."), what="the order")
    assert isinstance(error, DuplicateOrderId)
    assert error.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "response",
    [
        refusal(-1000, "An unknown error occurred while processing the request."),
        refusal(-1001, "Internal error; unable to process your request."),
        refusal(-1006, "An unexpected response was received. Execution status unknown."),
        refusal(-1007, "Timeout waiting for response. Send status unknown; execution status unknown."),
        refusal(-1008, "Server is currently overloaded with other requests."),
        refusal(-9999, "A code of tomorrow."),
        refusal(-1013, "Filter failure: LOT_SIZE", status=500),
        refusal(-2010, "Account has insufficient balance.", status=503),
        reply(status=403, raw=b"<html>WAF</html>"),
        reply(status=400, raw=b""),
        reply(status=400, raw=b"null"),
        reply({"code": "-2010", "msg": "text"}, status=400),
        reply({"msg": "no code"}, status=400),
        reply(status=302),
    ],
    ids=lambda response: f"{response.status} {response.body[:30]!r}",
)
def test_everything_else_proves_nothing(response: Response) -> None:
    error = command_error(response, what="the order")
    assert type(error) is ApiError
    assert error.outcome is Outcome.UNKNOWN


@pytest.mark.parametrize("status", [418, 429])
def test_too_many_is_a_refusal_by_its_status_alone(status: int) -> None:
    response = reply({"code": -1003, "msg": "Too much request weight used."}, status=status, retry_after="17")
    error = command_error(response, what="the order")
    assert isinstance(error, RateLimitExceeded)
    assert (error.outcome, error.hint.retry_after_s) == (Outcome.REFUSED, 17)
    assert isinstance(command_error(reply(status=status, raw=b"<html>"), what="x"), RateLimitExceeded)


@given(st.integers(), st.text(), st.integers(min_value=300, max_value=599))
def test_no_reply_is_taken_for_a_refusal_by_chance(code: int, text: str, status: int) -> None:
    error = command_error(reply({"code": code, "msg": text}, status=status), what="the order")
    proven = (400 <= status < 500 and code in REFUSALS) or status in (418, 429)
    is_duplicate = isinstance(error, DuplicateOrderId)
    assert (error.outcome is Outcome.REFUSED) == (proven and not is_duplicate)


@given(st.binary(max_size=200), st.integers(min_value=100, max_value=599))
def test_no_body_makes_reading_an_error_fail(body: bytes, status: int) -> None:
    response = Response(status=status, body=body)
    assert isinstance(command_error(response, what="x"), FloorbrokerError)
    assert isinstance(read_error(response, what="x"), FloorbrokerError)


@pytest.mark.parametrize(
    ("response", "expected"),
    [
        (refusal(-2013, "Order does not exist."), OrderNotFound),
        (refusal(-2026, "Order was canceled or expired with no executed qty over 90 days ago"), ApiError),
        (refusal(-1121, "Invalid symbol."), SymbolNotFound),
        (refusal(-2015, "Invalid API-key, IP, or permissions for action.", status=401), AuthenticationFailed),
        (refusal(-2014, "API-key format invalid."), AuthenticationFailed),
        (reply(status=401), AuthenticationFailed),
        (refusal(-1003, "Too much request weight used.", status=429), RateLimitExceeded),
        (refusal(-2013, "Order does not exist.", status=500), ApiError),
        (reply(status=404, raw=b"<html>"), ApiError),
    ],
)
def test_a_failed_read_says_what_it_can(response: Response, expected: type[FloorbrokerError]) -> None:
    error = read_error(response, what="the order")
    assert type(error) is expected
    is_said = bool(response.body)  # a page of whatever stands before the venue knows no key
    assert error.hint.notify == (expected is AuthenticationFailed and is_said)  # a person must look at the key


def test_a_clock_that_is_apart_asks_for_no_person() -> None:
    response = refusal(-1021, "Timestamp for this request is outside of the recvWindow.")
    assert not read_error(response, what="the account").hint.notify
    assert not command_error(response, what="the order").hint.notify


def test_a_timestamp_that_was_turned_away_is_recognised() -> None:
    assert is_unsynchronised(refusal(-1021, "Timestamp for this request was 1000ms ahead of the server's time."))
    assert not is_unsynchronised(refusal(-1022))
    assert not is_unsynchronised(reply({"serverTime": 1}))


# -- cancelReplace ------------------------------------------------------------------------------------------------------


def failed(name: str, *, status: int) -> Response:
    return reply(parsed(name), status=status)


def test_a_replace_that_succeeded_tells_both_orders() -> None:
    old, new = answers.replaced(ok("replaced"), OLD, NEXT)
    assert (old.order_id, old.status, new.order_id, new.client_order_id) == (28, "CANCELED", 29, NEXT)


def test_a_half_done_replace_says_that_the_old_order_is_gone_and_why_the_new_one_did_not_come() -> None:
    with pytest.raises(answers.HalfDone) as caught:
        answers.replaced(failed("replace_half_done", status=409), OLD, NEXT)
    assert isinstance(caught.value.error, InsufficientFunds)
    assert caught.value.cancelled_order is not None
    assert caught.value.cancelled_order.status == "CANCELED"


def test_a_replace_of_which_nothing_was_done_is_a_refusal() -> None:
    with pytest.raises(OrderNotFound) as caught:
        answers.replaced(failed("replace_not_done", status=400), OLD, NEXT)
    assert (caught.value.outcome, caught.value.venue_text) == (Outcome.REFUSED, "Unknown order sent.")


def edited(name: str, **data: object) -> object:
    body = parsed(name)
    return body | {"data": body["data"] | data}


@pytest.mark.parametrize(
    "response",
    [
        reply(edited("replace_half_done", newOrderResponse={"code": -1007, "msg": "Timeout"}), status=409),
        reply(edited("replace_not_done", cancelResponse={"code": -1006, "msg": "?"}), status=400),
        reply(edited("replace_not_done", newOrderResult="SUCCESS"), status=409),
        reply({"code": -2021, "msg": "half"}, status=409),
        reply({"code": -2022, "msg": "none", "data": None}, status=400),
        reply(parsed("replace_half_done"), status=500),
        reply(parsed("replaced") | {"newOrderResult": "FAILURE"}),
        reply(parsed("replaced") | {"newOrderResponse": parsed("placed_limit")}),
        reply({"cancelResult": "SUCCESS"}),
        reply(parsed("replaced") | {"cancelResponse": parsed("cancelled") | {"orderId": 27}}),
        reply(edited("replace_half_done", cancelResponse=parsed("cancelled") | {"orderId": 27}), status=409),
    ],
    ids=[
        "new unknown",
        "cancel unknown",
        "odd pair",
        "no halves",
        "null",
        "500",
        "odd 200",
        "another",
        "half a body",
        "another old one",
        "another old one, half done",
    ],
)
def test_a_replace_whose_answer_is_not_exact_is_in_doubt(response: Response) -> None:
    with pytest.raises((ApiError, answers.HalfDone)) as caught:
        answers.replaced(response, OLD, NEXT)
    error = caught.value.error if isinstance(caught.value, answers.HalfDone) else caught.value
    assert error.outcome is Outcome.UNKNOWN


@given(st.dictionaries(st.sampled_from(["code", "msg", "data", "cancelResult"]), st.integers() | st.text() | st.none()))
def test_no_answer_to_a_replace_breaks_its_reader(body: dict[str, object]) -> None:
    for status in (200, 400, 409):
        with pytest.raises((FloorbrokerError, answers.HalfDone)):
            answers.replaced(Response(status=status, body=json.dumps(body).encode()), OLD, NEXT)

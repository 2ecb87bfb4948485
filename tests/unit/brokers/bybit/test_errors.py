"""What a refusal proves, and that everything else proves nothing."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.brokers.bybit.errors import (
    CODES,
    NOT_MODIFIED,
    code_error,
    command_error,
    is_not_modified,
    is_wrong_time,
    read_error,
)
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
    Timeout,
)
from floorbroker.transport.types import Response
from tests.unit.brokers.bybit.fakes import no, reply

TABLE: list[tuple[type[FloorbrokerError], Outcome, str]] = [
    (Timeout, Outcome.UNKNOWN, "10000 170007 170146 170147 170310"),
    (ApiError, Outcome.UNKNOWN, "-1 10016 10019"),
    (DuplicateOrderId, Outcome.UNKNOWN, "10014 20006 110072 170141"),
    (AuthenticationFailed, Outcome.REFUSED, "10003 10004 10005 10007 10010 33004 -2015"),
    (RateLimitExceeded, Outcome.REFUSED, "429 10006 10018 10403 10429 170222"),
    (OrderNotFound, Outcome.REFUSED, "110001 170213"),
    (SymbolNotFound, Outcome.REFUSED, "10029 170121"),
    (MarketClosed, Outcome.REFUSED, "110074 170151 170157 170159"),
    (InsufficientFunds, Outcome.REFUSED, "110004 110006 110007 110012 110045 170131"),
    (
        OrderRejected,
        Outcome.REFUSED,
        (
            "10001 10002 10009 10017 10024 10027 10028 10404 20001 20003 34040 110003 110008 110009 110010 110017 110018 110019"
            " 110020 110021 110022 110023 110025 110026 110027 110032 110042 110043 110064 110079 110090 110092 110093 110094"
            " 110120 110121 170005 170115 170116 170117 170124 170130 170132 170133 170134 170136 170137 170139 170140 170142"
            " 170143 170148 170149 170150 170190 170191 170192 170193 170194 170201 170202 170203 170204 170210 170212 170217"
            " 170218 170311 170312 170313 170341 170371 170372 170381 170382 170810 110024 110028"
        ),
    ),
]
EXPECTED = {int(code): (kind, outcome) for kind, outcome, codes in TABLE for code in codes.split()}


@pytest.mark.parametrize("code", sorted(EXPECTED))
def test_each_code_of_the_document_says_what_it_proves(code: int) -> None:
    error = command_error(no(code, "in their words"), what="the order")
    assert (type(error), error.outcome) == EXPECTED[code]
    assert error.venue_text == f"{code} in their words"


def test_the_table_has_no_code_that_is_not_looked_at_here() -> None:
    assert set(CODES) == set(EXPECTED)


@pytest.mark.parametrize(
    ("response", "kind", "outcome"),
    [
        (no(999_999), ApiError, Outcome.UNKNOWN),
        (reply(raw=b"<html>maintenance</html>"), ApiError, Outcome.UNKNOWN),
        (reply(raw=b""), ApiError, Outcome.UNKNOWN),
        (reply({"retCode": "110007"}), ApiError, Outcome.UNKNOWN),
        (reply(raw=b'{"retCode":%s}' % (b"9" * 4000)), ApiError, Outcome.UNKNOWN),
        (reply({"retCode": 110007}, status=502), ApiError, Outcome.UNKNOWN),
        (reply(status=500, raw=b"oops"), ApiError, Outcome.UNKNOWN),
        (reply(status=404, raw=b"<html>"), ApiError, Outcome.UNKNOWN),
        (reply(status=403, raw=b"<html>403 access too frequent"), RateLimitExceeded, Outcome.REFUSED),
        (reply(status=403, raw=b"<html>not in your country"), ApiError, Outcome.UNKNOWN),
        (reply(status=403, raw=b"<html>403 Forbidden"), ApiError, Outcome.UNKNOWN),
        (reply(status=403, raw=b""), ApiError, Outcome.UNKNOWN),
        (reply(status=401, raw=b""), AuthenticationFailed, Outcome.REFUSED),
        (reply(status=429, raw=b"slow down"), RateLimitExceeded, Outcome.REFUSED),
        (reply({"retCode": 10004, "retMsg": "error sign!"}, status=401), AuthenticationFailed, Outcome.REFUSED),
    ],
    ids=str,
)
def test_answers_without_a_listed_code(response: Response, kind: type[FloorbrokerError], outcome: Outcome) -> None:
    error = command_error(response, what="the order")
    assert (type(error), error.outcome) == (kind, outcome)


@given(st.integers(min_value=200, max_value=599), st.binary(max_size=200))
def test_no_answer_crashes_and_none_that_is_unlisted_is_a_refusal(status: int, body: bytes) -> None:
    error = command_error(Response(status=status, body=body), what="the order")
    assert isinstance(error, FloorbrokerError)
    assert (
        error.outcome is Outcome.UNKNOWN or status in (401, 429) or (status == 403 and b"too frequent" in body.lower())
    )
    assert isinstance(read_error(Response(status=status, body=body), what="a list"), FloorbrokerError)


def test_a_question_never_says_that_an_order_does_not_exist() -> None:
    assert type(read_error(no(110001), what="the order")) is ApiError
    assert type(read_error(no(10005), what="the wallet")) is AuthenticationFailed
    assert type(read_error(no(10006), what="the wallet")) is RateLimitExceeded


def test_a_key_that_is_turned_away_asks_for_a_person_in_a_read_as_in_an_order() -> None:
    assert read_error(no(10003), what="the wallet").hint.notify
    assert command_error(no(10003), what="the order").hint.notify
    assert not read_error(no(10006), what="the wallet").hint.notify


def test_what_is_as_wanted_already_and_what_came_at_the_wrong_time_are_told_apart() -> None:
    for code in NOT_MODIFIED:
        assert is_not_modified(code_error(code, "not modified", what="the leverage"))
    wrong_time = code_error(10002, "invalid request, please check your server timestamp", what="the order")
    assert is_wrong_time(wrong_time)
    assert not is_not_modified(wrong_time)
    assert not is_wrong_time(code_error(10001, "x", what="the order"))
    assert not is_not_modified(ApiError("x"))

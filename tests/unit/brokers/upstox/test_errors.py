"""Which answers prove the venue's no, and which prove nothing."""

from __future__ import annotations

import json

import pytest

from floorbroker.brokers.upstox.errors import CODES, command_error, read_error
from floorbroker.brokers.upstox.rest.answers import answer, cancelled_all, done, orders_told, placed, token_in
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    FloorbrokerError,
    MarketClosed,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SessionExpired,
    SymbolNotFound,
)
from floorbroker.transport.types import Response
from floorbroker_sim.upstox.errors import CODES as SIMULATED
from tests.unit.brokers.upstox.fakes import VENUE_ID, payload, refused, reply, told

PLACED = {"order_ids": [VENUE_ID]}


# The codes of upstox.com/developer/api-documentation/error-codes and of the pages of the endpoints that have a meaning on record.
DOCUMENTED = (
    "10000 10005 100010 100011 100015 100016 100036 100038 100039 100040 100041 100049 100050 100057 100060 100067 100068 100073 "
    "100074 100500 1004 1007 1010 1023 1026 1043 1052 1055 1056 1066-1073 1095-1107 1118 1119 1154 1156 1158 1161 1179-1188"
)


def documented() -> set[str]:
    spans = (part.partition("-") for part in DOCUMENTED.split())
    return {f"UDAPI{code}" for first, _, last in spans for code in range(int(first), int(last or first) + 1)}


def test_every_documented_code_has_a_meaning_and_the_one_that_says_nothing_has_none() -> None:
    assert documented() - set(CODES) == {"UDAPI100500"}


def test_every_code_that_the_simulator_answers_has_a_meaning() -> None:
    assert set(SIMULATED) - set(CODES) == {"UDAPI100500"}
    for code, (status, _) in SIMULATED.items():
        assert (status in range(400, 500)) is (code in CODES), code


@pytest.mark.parametrize("code", CODES)
def test_every_listed_code_is_a_definite_no(code: str) -> None:
    error = command_error(refused(code), what="the order")
    assert (type(error), error.outcome) == (CODES[code], Outcome.REFUSED)
    assert code in (error.venue_text or "")


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        ("UDAPI1052", 400, OrderRejected),
        ("UDAPI100040", 400, OrderRejected),
        ("UDAPI100050", 401, SessionExpired),
        ("UDAPI1154", 403, AuthenticationFailed),
        ("UDAPI100010", 404, OrderNotFound),
        ("UDAPI100074", 423, MarketClosed),
        ("UDAPI10005", 429, RateLimitExceeded),
        ("UDAPI100011", 400, SymbolNotFound),
    ],
)
def test_a_code_has_one_meaning(code: str, status: int, kind: type[FloorbrokerError]) -> None:
    assert type(command_error(refused(code, status=status), what="the order")) is kind


@pytest.mark.parametrize(
    "response",
    [
        refused("UDAPI1052", status=500),
        refused("UDAPI1052", status=200),
        refused("UDAPI100500", status=400),
        refused("UDAPI9999"),
        refused("UDAPI1052", "UDAPI9999"),
        refused(),
        Response(status=400, body=b"<html>gateway</html>"),
        Response(status=502, body=b""),
        Response(status=429, body=b"slow down"),
        Response(status=400, body=json.dumps({**json.loads(payload("refusal")), "data": PLACED}).encode()),
        Response(status=400, body=b'{"status":"error","errors":7}'),
        Response(status=400, body=b'{"errors":[{"error_code":"UDAPI1052"}],"pad":"' + b"x" * 70_000 + b'"}'),
    ],
)
def test_all_else_proves_nothing_i3(response: Response) -> None:
    error = command_error(response, what="the order")
    assert (type(error), error.outcome) == (ApiError, Outcome.UNKNOWN)


def test_an_order_that_an_answer_names_is_there_whatever_stands_beside_it() -> None:
    assert placed(reply(PLACED), what="the order") == VENUE_ID
    odd = Response(status=207, body=json.dumps({"status": "partial_success", "data": PLACED}).encode())
    assert placed(odd, what="the order") == VENUE_ID


@pytest.mark.parametrize(
    "found", [{}, None, {"order_ids": []}, {"order_ids": ["a", "b"]}, {"order_ids": ["../.."]}, {"order_id": VENUE_ID}]
)
def test_a_success_that_names_no_one_order_is_a_doubt(found: object) -> None:
    with pytest.raises(ApiError) as caught:
        placed(reply(found), what="the order")
    assert caught.value.outcome is Outcome.UNKNOWN


def test_a_command_about_an_order_is_done_when_the_answer_names_it() -> None:
    done(reply({"order_id": VENUE_ID}), VENUE_ID, what="the cancel")
    with pytest.raises(OrderRejected):
        done(refused("UDAPI100040"), VENUE_ID, what="the cancel")
    for response in (
        reply({"order_id": "1"}),
        reply({"order_id": VENUE_ID}, status=202),
        Response(status=200, body=b"{}"),
    ):
        with pytest.raises(ApiError) as caught:
            done(response, VENUE_ID, what="the cancel")
        assert caught.value.outcome is Outcome.UNKNOWN


def test_a_cancel_of_all_names_what_it_was_passed_on_for() -> None:
    part = {"status": "partial_success", "data": PLACED, "errors": [{"error_code": "UDAPI100040"}]}
    assert cancelled_all(Response(status=200, body=json.dumps(part).encode()), what="it") == (VENUE_ID,)
    assert cancelled_all(reply({"order_ids": []}), what="it") == ()
    with pytest.raises(SessionExpired):
        cancelled_all(refused("UDAPI100050", status=401), what="it")
    for response in (Response(status=500, body=b""), reply({"ids": 1}), refused("UDAPI9999")):
        with pytest.raises(ApiError):
            cancelled_all(response, what="it")


@pytest.mark.parametrize(
    ("response", "kind"),
    [
        (refused("UDAPI100050", status=401), SessionExpired),
        (refused("UDAPI100067", status=403), AuthenticationFailed),
        (Response(status=401, body=b""), AuthenticationFailed),
        (refused("UDAPI10005", status=429), RateLimitExceeded),
        (Response(status=429, body=b""), RateLimitExceeded),
        (refused("UDAPI100010", status=404), OrderNotFound),
        (Response(status=404, body=b""), ApiError),  # no word of the venue's
        (refused("UDAPI100010", status=500), ApiError),
        (refused("UDAPI100500", status=500), ApiError),
    ],
)
def test_a_failed_read_says_what_it_can(response: Response, kind: type[FloorbrokerError]) -> None:
    assert type(read_error(response, what="the orders")) is kind


@pytest.mark.parametrize("body", [b"", b"[]", b"{}", b'{"status":"success"}', b'{"status":"error","data":[]}', b"<x/>"])
def test_a_list_that_is_not_there_is_an_error_and_never_an_empty_one_i9(body: bytes) -> None:
    with pytest.raises(ApiError):
        orders_told(Response(status=200, body=body), what="the orders")


def test_an_order_that_cannot_be_read_hides_no_other() -> None:
    found = orders_told(reply([7, *json.loads(payload("orders"))["data"]]), what="the orders")
    assert (found.orders[0].order_id, found.unreadable) == (VENUE_ID, [b"7"])


def test_the_log_in_answers_without_an_envelope() -> None:
    assert token_in(told("token")).user_id == "AB1234"
    with pytest.raises(AuthenticationFailed):
        token_in(refused("UDAPI100068", status=401))
    with pytest.raises(ApiError):
        answer(told("token"), dict, what="x")

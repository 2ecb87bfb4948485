"""What a refusal means, and that nothing else is one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from floorbroker.brokers.oanda.errors import REJECT_REASONS, command_error, read_error
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
from tests.unit.brokers.oanda.fakes import CL_ORD_ID, OTHER_ID, as_json, reply, told

NO_TOKEN = {"errorMessage": "Insufficient authorization to perform request."}


def refused(reason: str, *, status: int = 400, name: str | None = CL_ORD_ID) -> FloorbrokerError:
    body = as_json("refused")
    body["orderRejectTransaction"]["rejectReason"] = reason
    return command_error(reply(body, status=status), what="the order", cl_ord_id=name)


def test_every_reason_of_the_specification_has_a_meaning(contracts_dir: Path) -> None:
    document = json.loads((contracts_dir / "oanda" / "v20.openapi2.json").read_text("utf-8"))
    assert set(REJECT_REASONS) == set(document["definitions"]["TransactionRejectReason"]["enum"])


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("INSUFFICIENT_MARGIN", InsufficientFunds),
        ("INSTRUMENT_NOT_TRADEABLE", MarketClosed),
        ("INSTRUMENT_UNKNOWN", SymbolNotFound),
        ("TRADE_DOESNT_EXIST", OrderNotFound),
        ("UNITS_MIMIMUM_NOT_MET", OrderRejected),
        ("INTERNAL_SERVER_ERROR", OrderRejected),
    ],
)
def test_a_refusal_that_stands_in_the_log_is_definite(reason: str, kind: type[FloorbrokerError]) -> None:
    error = refused(reason)
    assert (type(error), error.outcome, error.venue_text) == (kind, Outcome.REFUSED, reason)


def test_an_id_that_is_taken_says_that_the_first_order_is_there() -> None:
    error = refused("CLIENT_ORDER_ID_ALREADY_EXISTS")
    assert (type(error), error.outcome) == (DuplicateOrderId, Outcome.UNKNOWN)


def test_a_cancel_that_comes_too_late_is_refused() -> None:
    error = command_error(told("cancel_refused", status=404), what="the cancel")
    assert (type(error), error.outcome) == (OrderNotFound, Outcome.REFUSED)


@pytest.mark.parametrize(
    "error",
    [
        refused("A_REASON_OF_TOMORROW"),
        refused("UNITS_INVALID", status=500),
        refused("UNITS_INVALID", name=OTHER_ID),
        command_error(reply({"errorMessage": "Invalid value specified for 'order'"}, status=400), what="the order"),
        command_error(reply({"errorMessage": "no such path"}, status=404), what="the order"),
        command_error(reply(raw=b"<html>", status=400), what="the order"),
        command_error(reply(raw=b"", status=503), what="the order"),
        command_error(reply({"errorMessage": "Too many requests"}, status=429), what="the order"),
        command_error(reply(raw=b"<html>", status=401), what="the order"),
        command_error(reply({"errorMessage": "Forbidden"}, status=403), what="the order"),
    ],
)
def test_every_other_answer_to_a_command_proves_nothing(error: FloorbrokerError) -> None:
    assert (type(error), error.outcome) == (ApiError, Outcome.UNKNOWN)


def test_a_wrong_token_is_refused_in_the_documented_words() -> None:
    error = command_error(reply(NO_TOKEN, status=401), what="the order")
    assert (type(error), error.outcome) == (AuthenticationFailed, Outcome.REFUSED)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (404, {"errorCode": "NO_SUCH_ORDER", "errorMessage": "The order ID specified does not exist"}, OrderNotFound),
        (404, {"errorMessage": "The order ID specified does not exist"}, ApiError),
        (401, NO_TOKEN, AuthenticationFailed),
        (403, {"errorMessage": "The token does not cover this account"}, AuthenticationFailed),
        (403, None, ApiError),
        (429, {"errorMessage": "Too many requests"}, RateLimitExceeded),
        (500, {}, ApiError),
    ],
)
def test_a_failed_read_says_what_the_venue_said(status: int, body: Any, kind: type[FloorbrokerError]) -> None:
    assert type(read_error(reply(body, status=status), what="the order")) is kind

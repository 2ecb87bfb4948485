"""Every error of the tree has its status, and says what is known."""

from __future__ import annotations

import json

import pytest
from starlette.requests import Request

from floorbroker.api.problems import STATUS, of_error, reply_with
from floorbroker.domain.errors import (
    AuthenticationFailed,
    FloorbrokerError,
    Hint,
    InsufficientFunds,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    Timeout,
    error_codes,
)


def request(method: str) -> Request:
    return Request(
        {"type": "http", "method": method, "path": "/x", "headers": [], "query_string": b"", "server": ("h", 1)}
    )


def test_every_code_of_the_tree_has_a_status_and_no_status_lacks_its_code() -> None:
    assert set(STATUS) == set(error_codes())


@pytest.mark.parametrize(
    ("method", "error", "status"),
    [
        ("POST", InsufficientFunds("no money", outcome=Outcome.NOT_SENT), 422),
        ("POST", InsufficientFunds("no money"), 422),
        ("POST", SymbolNotFound("XX"), 422),
        ("GET", SymbolNotFound("XX"), 404),
        ("GET", Timeout("silence"), 504),
        ("POST", RateLimitExceeded("slow down", hint=Hint(retry_after_s=1.2)), 429),
        ("GET", AuthenticationFailed("bad key", hint=Hint(reauthenticate=True)), 502),
    ],
)
def test_the_status_follows_what_happened(method: str, error: FloorbrokerError, status: int) -> None:
    assert of_error(request(method), error).status == status


def test_a_wait_is_told_in_the_header_too() -> None:
    found = of_error(request("GET"), RateLimitExceeded("slow down", hint=Hint(retry_after_s=1.2)))
    reply = reply_with(found)
    assert (found.retry_after_s, reply.headers["retry-after"]) == (2, "2")


def test_what_is_not_known_is_left_out() -> None:
    told = json.loads(bytes(reply_with(of_error(request("GET"), Timeout("silence", broker="ALPACA"))).body))
    assert told["broker"] == "ALPACA"
    assert told["outcome"] == "unknown"
    assert "control" not in told
    assert "errors" not in told

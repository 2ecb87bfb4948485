"""Codes of TWS and IB Gateway: each is what the fact sheet says, and what is not listed proves nothing."""

from __future__ import annotations

import pytest

from floorbroker.brokers.ibkr.errors import Nature, error_of, row_of
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    DuplicateOrderId,
    InsufficientFunds,
    OrderNotFound,
    OrderRejected,
    Outcome,
    RateLimitExceeded,
    SymbolNotFound,
    VenueError,
)

DOCUMENTED = (
    *range(100, 108), *range(109, 112), *range(133, 137), 161, 162, 165, *range(200, 204), 300, 309, 317, *range(320, 324),
    326, 329, 354, 366, 382, 383, 399, 404, 434, 435, 481, *range(501, 505), 507, 1100, 1101, 1102, 1300, *range(2100, 2111),
    2119, 2137, 2157, 2158, 10006, 10147, 10148, 10167, 10089, 10090, 10168, 10186, 10187, 10189, 10197, 10225,
    *range(10241, 10251), *range(10268, 10271),
)  # fmt: skip


@pytest.mark.parametrize("code", sorted(set(DOCUMENTED) - {108, 203}))
def test_every_documented_code_has_a_row(code: int) -> None:
    assert row_of(code) is not None


@pytest.mark.parametrize(
    ("code", "text", "kind", "outcome"),
    [
        (201, "Order rejected - reason:The price is not in the range", OrderRejected, Outcome.REFUSED),
        (
            201,
            "Order rejected - reason:We are unable: insufficient available funds",
            InsufficientFunds,
            Outcome.REFUSED,
        ),
        (
            321,
            "Error validating request:-'bH' : cause - The API interface is Read-Only",
            AuthenticationFailed,
            Outcome.REFUSED,
        ),
        (103, "Duplicate order id", DuplicateOrderId, Outcome.UNKNOWN),
        (110, "The price does not conform to the minimum price variation", OrderRejected, Outcome.REFUSED),
        (200, "No security definition has been found for the request", SymbolNotFound, Outcome.REFUSED),
        (10147, "OrderId 7 that needs to be cancelled is not found.", OrderNotFound, Outcome.REFUSED),
        (100, "Max rate of messages per second has been exceeded", RateLimitExceeded, Outcome.UNKNOWN),
        (133, "Submit new order failed", ApiError, Outcome.UNKNOWN),
        (322, "Error processing request", ApiError, Outcome.UNKNOWN),
        (10243, "Fractional-sized order cannot be placed via API", OrderRejected, Outcome.REFUSED),
    ],
)
def test_a_code_is_the_error_it_stands_for(code: int, text: str, kind: type[VenueError], outcome: Outcome) -> None:
    error = error_of(code, text, what="the order")
    assert (type(error), error.outcome, error.venue_text) == (kind, outcome, f"{code} {text}")


def test_a_code_that_is_not_listed_proves_nothing_and_is_kept() -> None:
    error = error_of(98765, "insufficient something new", what="the order")
    assert (type(error), error.outcome) == (ApiError, Outcome.UNKNOWN)
    assert error.venue_text == "98765 insufficient something new"


@pytest.mark.parametrize("code", [399, 404, 481, 2104, 2109, 2137, 2158, 10167])
def test_a_warning_never_refuses_an_order(code: int) -> None:
    row = row_of(code)
    assert row is not None
    assert (row.nature, row.outcome) == (Nature.WARNING, Outcome.UNKNOWN)


@pytest.mark.parametrize(
    ("code", "nature"),
    [
        (1100, Nature.LINK_LOST),
        (2110, Nature.LINK_LOST),
        (1101, Nature.LINK_BACK_BARE),
        (1102, Nature.LINK_BACK),
        (1300, Nature.HANG_UP),
        (326, Nature.HANG_UP),
        (507, Nature.HANG_UP),
        (202, Nature.CANCELED),
    ],
)
def test_the_link_and_the_cancel_have_natures_of_their_own(code: int, nature: Nature) -> None:
    row = row_of(code)
    assert row is not None
    assert row.nature is nature


def test_a_long_text_is_cut() -> None:
    assert len(error_of(201, "x" * 9999, what="the order").venue_text or "") == 500

"""What replies tell of the venue's own count."""

from __future__ import annotations

import pytest

from floorbroker.brokers.bybit.auth import epoch_ms
from floorbroker.brokers.bybit.limits import BAN_S, LIMITS, limits_for, read_limits
from floorbroker.domain.clock import ManualClock
from floorbroker.transport.bucket import LimitNews
from floorbroker.transport.types import Response
from tests.unit.brokers.bybit.fakes import NOW, no, ok

READ = read_limits(ManualClock(NOW))


def with_headers(response: Response, *, left: str, reset_in_ms: int = 0) -> Response:
    headers = {
        "x-bapi-limit": "10",
        "x-bapi-limit-status": left,
        "x-bapi-limit-reset-timestamp": str(epoch_ms(NOW) + reset_in_ms),
    }
    return Response(status=response.status, headers=headers, body=response.body)


def test_what_is_left_steers_the_budget() -> None:
    assert READ(with_headers(ok(), left="3")) == LimitNews(remaining=3.0)


def test_silence_says_nothing() -> None:
    assert READ(ok()) is None


def test_too_many_visits_pause_until_the_venue_counts_anew() -> None:
    assert READ(with_headers(no(10006), left="0", reset_in_ms=700)) == LimitNews(retry_after_s=0.7)
    assert READ(no(10006)) == LimitNews(retry_after_s=1.0)


@pytest.mark.parametrize("code", [429, 10006, 10018, 10429])
def test_each_code_of_too_many_pauses(code: int) -> None:
    assert READ(no(code)) == LimitNews(retry_after_s=1.0)


def test_over_the_limit_of_the_address_all_traffic_stops_for_ten_minutes() -> None:
    page = Response(status=403, body=b"<html><body>403 Forbidden: access too frequent</body></html>")
    assert READ(page) == LimitNews(ban_s=BAN_S)
    assert READ(Response(status=403)) == LimitNews(ban_s=BAN_S)


def test_a_page_about_the_country_is_no_ban() -> None:
    page = Response(status=403, body=b"The distribution is configured to block access from your country.")
    assert READ(page) is None


def test_every_order_endpoint_counts_by_itself_and_for_the_address() -> None:
    for endpoint in ("orders.submit", "orders.replace", "orders.cancel", "orders.cancel_all", "batches.submit"):
        assert LIMITS.routes[endpoint][-1] == "address"
        assert len(LIMITS.routes[endpoint]) == 2


def test_an_account_that_may_send_more_says_so_for_each_kind_of_command() -> None:
    before = {budget.name: budget.capacity for budget in LIMITS.budgets}
    after = {budget.name: budget.capacity for budget in limits_for(100).budgets}
    assert {name for name in after if after[name] != before[name]} == {"submit", "batch", "replace", "cancel"}
    assert (after["submit"], after["address"]) == (100, 600)
    assert limits_for(10) == LIMITS

"""What replies tell of the venue's own count."""

from __future__ import annotations

import pytest

from floorbroker.brokers.bybit import origins_for, wire
from floorbroker.brokers.bybit.auth import epoch_ms
from floorbroker.brokers.bybit.limits import BAN_S, LIMITS, limits_for, read_limits
from floorbroker.brokers.bybit.mapping.symbols import Place
from floorbroker.brokers.bybit.rest.calls import PARTS, Calls
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
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


def test_what_is_left_steers_the_budget_when_it_is_little() -> None:
    assert READ(with_headers(ok(), left="2")) == LimitNews(remaining=2.0)
    assert READ(with_headers(ok(), left="0")) == LimitNews(remaining=0.0)
    assert READ(with_headers(ok(), left="3")) is None  # of ten, where our own budget may be of fifty


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
    assert READ(Response(status=403, body=b"Access Too Frequent.")) == LimitNews(ban_s=BAN_S)


@pytest.mark.parametrize(
    "body", [b"", b"<html>403 Forbidden</html>", b"block access from your country.", b'{"retCode":10005}', b"\xff"]
)
def test_any_other_403_is_no_ban_and_stops_no_cancel(body: bytes) -> None:
    assert READ(Response(status=403, body=body)) is None


def test_the_words_of_a_ban_with_another_status_are_none() -> None:
    assert READ(Response(status=200, body=b'{"retMsg":"access too frequent"}')) is None


def test_every_order_endpoint_counts_by_itself_and_for_the_address() -> None:
    for endpoint in ("orders.submit", "orders.replace", "orders.cancel", "orders.cancel_all", "batches.submit"):
        assert LIMITS.routes[endpoint][-1] == "address"
        assert len(LIMITS.routes[endpoint]) == 2


def test_every_signed_call_has_a_count_of_its_own_so_that_what_is_left_of_it_is_not_taken_for_the_address() -> None:
    calls = Calls(origins=origins_for(Environment.PAPER))
    place, at = Place("linear", "BTCUSDT"), NOW
    signed = [
        calls.order(place, order_id="x", cl_ord_id="y"),
        calls.past_order(place, order_id="x", cl_ord_id="y"),
        calls.open_orders(PARTS[0], cursor=None),
        calls.order_history(PARTS[1], start=at, end=at, cursor=None),
        calls.executions(PARTS[1], start=at, end=at, cursor=None),
        calls.positions("USDT", cursor=None),
        calls.wallet(),
        calls.account_info(),
        calls.key(),
        calls.fee_rate(place),
        calls.leverage(wire.LeverageRequest(category="linear", symbol="X", buy_leverage="1", sell_leverage="1")),
        calls.mode(wire.ModeRequest(category="linear", mode=0, coin="USDT")),
        calls.trading_stop(wire.TradingStopRequest(category="linear", symbol="X", tpsl_mode="Full", position_idx=0)),
    ]
    for request in signed:
        names = LIMITS.routes[request.endpoint]
        assert (len(names), names[-1]) == (2, "address"), request.endpoint


def test_an_account_that_may_send_more_says_so_for_each_kind_of_command() -> None:
    before = {budget.name: budget.capacity for budget in LIMITS.budgets}
    after = {budget.name: budget.capacity for budget in limits_for(100).budgets}
    assert {name for name in after if after[name] != before[name]} == {"submit", "batch", "replace", "cancel"}
    assert (after["submit"], after["address"]) == (100, 600)
    assert limits_for(10) == LIMITS

"""Orders of every kind, from their request to their end."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sim.upstox.conftest import UpstoxAsker

RECEIVED = ["put order req received", "validation pending", "open pending"]


@pytest.mark.parametrize(
    ("fields", "states"),
    [
        ({"order_type": "MARKET", "price": 0}, ["open", "complete"]),
        ({}, ["open"]),
        ({"price": 1500}, ["open", "complete"]),
        ({"order_type": "SL", "price": 1450, "trigger_price": 1440}, ["trigger pending"]),
        ({"order_type": "SL-M", "price": 0, "trigger_price": 1440}, ["trigger pending"]),
        ({"validity": "IOC"}, ["open", "cancelled"]),
        ({"validity": "IOC", "price": 1500}, ["open", "complete"]),
        ({"transaction_type": "SELL", "product": "I", "price": 1500}, ["open"]),
    ],
)
def test_each_kind_of_order_goes_its_way(ask: UpstoxAsker, fields: dict[str, Any], states: list[str]) -> None:
    order_id = ask.place(**fields)
    assert ask.states(order_id) == [*RECEIVED, *states]
    assert ask.order(order_id)["status"] == states[-1]


def test_a_stop_is_elected_by_the_last_price_and_trades(ask: UpstoxAsker) -> None:
    order_id = ask.place(order_type="SL-M", price=0, trigger_price=1440)
    ask.price("1441.00", "1441.20")
    assert ask.states(order_id)[-3:] == ["trigger pending", "open", "complete"]
    assert ask.order(order_id)["average_price"] == Decimal("1441.2")


def test_an_elected_stop_is_a_limit_order_whatever_is_changed_of_it(ask: UpstoxAsker) -> None:
    order_id = ask.place(order_type="SL", price=1440, trigger_price=1440)
    ask.price("1440.90", "1441.00")
    assert ask.order(order_id)["status"] == "open"
    ask.price("1399.90", "1450.00")
    ask.modify(order_id, price=1445)
    assert ask.states(order_id)[-2:] == ["modified", "open"]
    ask.price("1399.90", "1444.00")
    assert ask.order(order_id)["status"] == "complete"


def test_a_partial_fill_stays_open_and_has_trades_of_its_own(ask: UpstoxAsker) -> None:
    order_id = ask.place()
    ask.fill(order_id, "4", "1200")
    order = ask.order(order_id)
    assert (order["status"], order["filled_quantity"], order["pending_quantity"]) == ("open", 4, 6)
    ask.fill(order_id, "6", "1199")
    order = ask.order(order_id)
    assert (order["status"], order["average_price"]) == ("complete", Decimal("1199.4"))
    trades = ask.data("GET", "/v2/order/trades", order_id=order_id)
    assert [(one["quantity"], one["average_price"]) for one in trades] == [(4, 1200), (6, 1199)]
    assert len({one["trade_id"] for one in trades}) == 2
    assert ask.data("GET", "/v2/order/trades/get-trades-for-day") == trades


def test_a_change_shows_its_steps_and_counts_the_requests(ask: UpstoxAsker) -> None:
    order_id = ask.place()
    ask.fill(order_id, "4", "1200")
    ask.modify(order_id, price=1201, quantity=12)
    assert ask.states(order_id)[-4:] == ["modify validation pending", "modify pending", "modified", "open"]
    order = ask.order(order_id)
    assert (order["price"], order["quantity"], order["pending_quantity"], order["order_request_id"]) == (
        1201,
        12,
        8,
        "2",
    )
    ask.modify(order_id, price=1500)
    assert ask.order(order_id)["status"] == "complete"


@pytest.mark.parametrize("fields", [{"quantity": 4}, {"price": 1200.01}, {"quantity": 200_000}])
def test_a_change_that_is_not_accepted_leaves_the_order_as_it_was(ask: UpstoxAsker, fields: dict[str, Any]) -> None:
    order_id = ask.place()
    ask.fill(order_id, "4", "1200")
    ask.modify(order_id, **fields)
    assert ask.states(order_id)[-2:] == ["not modified", "open"]
    order = ask.order(order_id)
    assert (order["price"], order["quantity"], order["pending_quantity"]) == (1200, 10, 6)


def test_a_limit_order_may_become_a_stop_and_back(ask: UpstoxAsker) -> None:
    order_id = ask.place()
    ask.modify(order_id, order_type="SL", price=1450, trigger_price=1440)
    assert ask.order(order_id)["status"] == "trigger pending"
    ask.modify(order_id, order_type="LIMIT", price=1210, trigger_price=0)
    assert ask.order(order_id)["status"] == "open"


def test_a_cancel_ends_an_order_once(ask: UpstoxAsker) -> None:
    order_id = ask.place()
    assert ask.cancel(order_id) == {"order_id": order_id}
    assert ask.states(order_id)[-2:] == ["cancel pending", "cancelled"]
    assert ask.refused("DELETE", "/v3/order/cancel", order_id=order_id) == (400, "UDAPI100040")
    body = {"order_id": order_id, "validity": "DAY", "price": 1, "order_type": "LIMIT", "trigger_price": 0}
    assert ask.refused("PUT", "/v3/order/modify", body) == (400, "UDAPI100041")


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"quantity": 100}, "Insufficient funds"),
        ({"price": 1200.03}, "tick size"),
        ({"quantity": 100_001, "product": "I", "price": 10}, "freeze quantity"),
        ({"transaction_type": "SELL"}, "not enough shares"),
        ({"instrument_token": "NSE_FO", "quantity": 751, "price": 1}, "lot size"),
        ({"instrument_token": "NSE_FO", "quantity": 750, "price": 1, "product": "MTF"}, "MTF"),
    ],
)
def test_what_the_risk_system_minds_shows_after_success(ask: UpstoxAsker, fields: dict[str, Any], text: str) -> None:
    if fields.get("instrument_token") == "NSE_FO":
        contracts = ask.data("GET", "/v2/option/contract", instrument_key="NSE_EQ|INE062A01020")
        fields = fields | {"instrument_token": contracts[0]["instrument_key"]}
    order = ask.order(ask.place(**fields))
    assert order["status"] == "rejected"
    assert text in order["status_message"]


def test_a_large_order_is_sliced_at_the_freeze_quantity(new_upstox: Callable[..., UpstoxAsker]) -> None:
    ask = new_upstox(cash=Decimal(10**9))
    body = ask.wish(quantity=250_000, slice=True)
    ids = ask.data("POST", "/v3/order/place", body)["order_ids"]
    assert [ask.order(one)["quantity"] for one in ids] == [100_000, 100_000, 50_000]
    assert ask.refused("POST", "/v3/order/place", body | {"quantity": 2_600_001}) == (400, "UDAPI1118")


def test_protection_bounds_what_a_market_order_pays(ask: UpstoxAsker) -> None:
    ask.price("1399.90", "1500")
    order_id = ask.market(market_protection=1)
    assert ask.order(order_id)["status"] == "open"
    assert ask.order(ask.market(quantity=1))["average_price"] == 1500


def test_the_tag_names_orders_and_is_not_unique(ask: UpstoxAsker) -> None:
    first, second = ask.place(tag="same"), ask.place(tag="same")
    ask.place(tag="other")
    rows = ask.data("GET", "/v2/order/history", tag="same")
    assert {row["order_id"] for row in rows} == {first, second}
    both = ask.data("GET", "/v2/order/history", tag="same", order_id=first)
    assert {row["order_id"] for row in both} == {first}
    assert ask.refused("GET", "/v2/order/history", tag="nobody") == (404, "UDAPI100010")
    assert ask.door("GET", "/orders")[1][0]["client"] == "same"


def test_the_older_paths_place_change_and_cancel(ask: UpstoxAsker) -> None:
    order_id = ask.data("POST", "/v2/order/place", ask.wish())["order_id"]
    body = {"order_id": order_id, "validity": "DAY", "price": 1210, "order_type": "LIMIT", "trigger_price": 0}
    assert ask.data("PUT", "/v2/order/modify", body) == {"order_id": order_id}
    assert ask.data("DELETE", "/v2/order/cancel", order_id=order_id) == {"order_id": order_id}
    assert ask.order(order_id)["status"] == "cancelled"


# --- Several at once ---------------------------------------------------------------------------------------------------


def test_several_orders_succeed_or_fail_one_by_one_and_buys_go_first(ask: UpstoxAsker) -> None:
    good = ask.wish(correlation_id="1", slice=False, order_type="MARKET", price=0, product="I", transaction_type="SELL")
    buy = ask.wish(correlation_id="2", slice=False)
    bad = ask.wish(correlation_id="3", slice=False, quantity=0)
    answer = ask("POST", "/v2/order/multi/place", [good, buy, bad])
    assert answer["status"] == "partial_success"
    assert [one["correlation_id"] for one in answer["data"]] == ["2", "1"]
    assert answer["errors"][0]["correlation_id"] == "3"
    assert answer["errors"][0]["error_code"] == "UDAPI1052"
    assert answer["summary"] == {"total": 3, "success": 2, "error": 1, "payload_error": 1}


def test_many_orders_are_canceled_by_tag_and_segment(ask: UpstoxAsker) -> None:
    first, second = ask.place(tag="a"), ask.place(tag="b")
    assert ask.data("DELETE", "/v2/order/multi/cancel", tag="a") == {"order_ids": [first]}
    assert ask.refused("DELETE", "/v2/order/multi/cancel", segment="BSE_EQ") == (400, "UDAPI1109")
    assert ask.refused("DELETE", "/v2/order/multi/cancel", segment="NYSE") == (400, "UDAPI1105")
    assert ask.data("DELETE", "/v2/order/multi/cancel") == {"order_ids": [second]}


def test_positions_are_closed_with_orders_at_the_market(ask: UpstoxAsker) -> None:
    ask.market(product="I")
    ask.market(product="I", transaction_type="SELL", instrument_token="NSE_EQ|INE062A01020", quantity=5)
    ids = ask.data("POST", "/v2/order/positions/exit")["order_ids"]
    assert [ask.order(one)["transaction_type"] for one in ids] == ["BUY", "SELL"]
    assert ask.door("GET", "/positions")[1] == []
    assert ask.refused("POST", "/v2/order/positions/exit") == (400, "UDAPI1111")


# --- The sandbox -------------------------------------------------------------------------------------------------------


def test_the_sandbox_looks_at_orders_and_trades_nothing(ask: UpstoxAsker) -> None:
    token = ask.door("POST", "/tokens", {"kind": "sandbox"})[1]["token"]
    ask.headers["authorization"] = f"Bearer {token}"
    order_id = ask.market()
    assert ask.refused("POST", "/v3/order/place", ask.wish(quantity=0)) == (400, "UDAPI1052")
    body = {"order_id": order_id, "validity": "DAY", "price": 1210, "order_type": "LIMIT", "trigger_price": 0}
    assert ask.data("PUT", "/v3/order/modify", body) == {"order_id": order_id}
    assert ask.cancel(order_id) == {"order_id": order_id}
    assert ask.refused("DELETE", "/v3/order/cancel", order_id=order_id) == (400, "UDAPI100040")
    assert ask.refused("GET", "/v2/order/retrieve-all") == (404, "UDAPI10000")
    assert ask.door("GET", "/orders")[1] == []

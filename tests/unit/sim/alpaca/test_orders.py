"""Order life at the simulated venue: what is taken, what is refused, what an order becomes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from tests.unit.sim.conftest import Asker


def status(ask: Asker, order: dict[str, Any]) -> str:
    return str(ask("GET", f"/v2/orders/{order['id']}")["status"])


def test_numbers_are_taken_as_text_and_as_numbers(ask: Asker) -> None:
    assert ask.order(qty=2.0, limit_price=150.5 - 100)["limit_price"] == "50.5"
    assert ask.order(qty="2", limit_price="50.50")["limit_price"] == "50.5"


def test_unknown_members_are_ignored(ask: Asker) -> None:
    assert ask.order(advanced_instructions={"algorithm": "DMA"}, nonsense=1)["status"] == "pending_new"


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b"\xff", b'{"qty": "many"}', b'{"side": "hold"}'])
def test_a_malformed_body_is_a_bad_request(ask: Asker, body: bytes) -> None:
    assert ask.raw("POST", "/v2/orders", body).status == 400


@pytest.mark.parametrize(
    ("fields", "status", "code", "message"),
    [
        ({"qty": None}, 422, 40010001, "qty or notional is required"),
        ({"notional": "10"}, 422, 40010001, "only one of qty or notional is accepted"),
        ({"qty": "NaN"}, 422, 40010001, "qty is not a valid number"),
        ({"qty": "1e400"}, 422, 40010001, "qty is not a valid number"),
        ({"qty": "-1"}, 422, 40010001, "qty must be > 0"),
        ({"qty": "0.0000000001"}, 422, 40010001, "qty must have no more than 9 decimal places"),
        ({"limit_price": None}, 422, 40010001, "limit orders require a limit price"),
        ({"type": "stop"}, 422, 40010001, "stop orders require a stop price"),
        ({"type": "stop_limit"}, 422, 40010001, "stop limit orders require both stop and limit price"),
        ({"type": "market"}, 422, 40010001, "market orders require no stop or limit price"),
        ({"type": "trailing_stop", "limit_price": None}, 422, 40010001, "trailing stop orders must specify one of"),
        ({"type": "trailing_stop", "limit_price": None, "trail_percent": "0.05"}, 422, 40010001, "trail_percent must be"),
        ({"symbol": None}, 422, 40010001, "symbol is required"),
        ({"side": None}, 422, 40010001, "side is required"),
        ({"time_in_force": None}, 422, 40010001, "time_in_force is required"),
        ({"notional": "0.5", "qty": None}, 422, 42210000, "notional must be >= 1.00"),
        ({"order_class": "bracket"}, 422, 40010001, "bracket orders require both take_profit and stop_loss"),
        ({"position_intent": "buy_to_close"}, 422, 42210000, "position intent mismatch, inferred: buy_to_open, specified:"),
        ({"order_class": "oco", "take_profit": {"limit_price": "90"}, "stop_loss": {"stop_price": "110"}}, 422, 42210000,
         "oco orders must be exit orders"),
        ({"symbol": "BTC/USD", "type": "stop", "stop_price": "1", "limit_price": None, "time_in_force": "gtc"}, 422, 42210000,
         "invalid order type for crypto order"),
        ({"symbol": "BTC/USD", "qty": "0.00001", "time_in_force": "gtc"}, 403, 40310000,
         "cost basis must be >= minimal amount of order 10"),
        ({"symbol": "AAPL260327P00150000", "qty": "1", "time_in_force": "gtc"}, 422, 42210000, "invalid options time_in_force"),
        ({"symbol": "AAPL260327P00150000", "qty": "0.5"}, 422, 42210000, "options orders must be whole contracts"),
        ({"symbol": "AAPL260227P00150000"}, 422, 40010001, "asset AAPL260227P00150000 is not active"),
        ({"symbol": "AAPL260327C00150000", "side": "sell", "limit_price": "3"}, 403, 40310000,
         "insufficient underlying qty available for covered call (required: 100, available: 0)"),
    ],
)  # fmt: skip
def test_what_contradicts_itself_is_refused(
    ask: Asker, fields: dict[str, Any], status: int, code: int, message: str
) -> None:
    wish = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "100"}
    body = {name: value for name, value in (wish | fields).items() if value is not None}
    found, answer = ask.refused("POST", "/v2/orders", body)
    assert (found, answer["code"]) == (status, code)
    assert answer["message"].startswith(message)
    assert ask.door("GET", "/orders")[1] == []


def test_buying_power_counts_open_orders(ask: Asker) -> None:
    ask.order(qty="1500", limit_price="100")
    assert ask("GET", "/v2/account")["buying_power"] == "50000"
    found, answer = ask.refused(
        "POST",
        "/v2/orders",
        {"symbol": "AAPL", "qty": "501", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "100"},
    )
    assert (found, answer["buying_power"], answer["cost_basis"]) == (403, "50000", "50100")
    ask("DELETE", "/v2/orders")
    assert ask("GET", "/v2/account")["buying_power"] == "200000"


def test_an_exit_cannot_sell_what_another_exit_holds(ask: Asker) -> None:
    ask.market(qty="5")
    ask.order(side="sell", qty="4", limit_price="170")
    body = {"symbol": "AAPL", "qty": "2", "side": "sell", "type": "market", "time_in_force": "day"}
    found, answer = ask.refused("POST", "/v2/orders", body)
    assert found == 403
    assert (answer["available"], answer["existing_qty"], answer["held_for_orders"]) == ("1", "5", "4")
    (position,) = ask("GET", "/v2/positions")
    assert (position["qty"], position["qty_available"]) == ("5", "1")


def test_a_short_sale_reserves_and_its_position_is_negative(ask: Asker) -> None:
    ask.market(side="sell", qty="10")
    (position,) = ask("GET", "/v2/positions")
    assert (position["side"], position["qty"], position["qty_available"]) == ("short", "-10", "-10")
    account = ask("GET", "/v2/account")
    assert (account["cash"], account["short_market_value"]) == ("101499.9", "-1500")
    ask("PATCH", "/v2/account/configurations", {"no_shorting": True})
    body = {"symbol": "AAPL", "qty": "1", "side": "sell", "type": "market", "time_in_force": "day"}
    assert ask.refused("POST", "/v2/orders", body)[1]["message"] == "account is not allowed to short"


def test_crypto_pays_its_fee_in_coins(ask: Asker) -> None:
    ask.price("60000", "60000", symbol="BTC/USD")
    order = ask.market(symbol="BTC/USD", qty="0.5", time_in_force="gtc")
    assert ask("GET", f"/v2/orders/{order['id']}")["filled_qty"] == "0.5"
    position = ask("GET", "/v2/positions/BTCUSD")
    assert (position["symbol"], position["qty"]) == ("BTCUSD", "0.49875")
    fee = ask("GET", "/v2/account/activities/CFEE")[0]
    assert (fee["qty"], fee["symbol"]) == ("-0.00125", "BTC/USD")


def test_a_replace_after_a_partial_fill_keeps_the_total(ask: Asker) -> None:
    old = ask.order(qty="10")
    ask.door("POST", "/fill", {"order": old["id"], "qty": "4", "price": "100"})
    fresh = ask("PATCH", f"/v2/orders/{old['id']}", {"limit_price": "101"})
    assert (fresh["qty"], fresh["filled_qty"], fresh["replaces"]) == ("10", "0", old["id"])
    ask.price("100.5", "100.6")
    found = ask("GET", f"/v2/orders/{fresh['id']}")
    assert (found["status"], found["filled_qty"]) == ("filled", "6")
    assert ask("GET", "/v2/positions/AAPL")["qty"] == "10"


def test_a_venue_of_whole_successors_begins_anew_after_a_partial_fill(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(whole_successors=True)
    ask.price("149.99", "150.01", "150")
    old = ask.order(qty="10")
    ask.door("POST", "/fill", {"order": old["id"], "qty": "4", "price": "100"})
    second = ask("PATCH", f"/v2/orders/{old['id']}", {"qty": "12"})
    ask.door("POST", "/fill", {"order": second["id"], "qty": "5", "price": "100"})
    third = ask("PATCH", f"/v2/orders/{second['id']}", {"limit_price": "101"})
    assert (third["qty"], third["filled_qty"]) == ("12", "0")
    ask.price("100.5", "100.6")
    assert ask("GET", "/v2/positions/AAPL")["qty"] == "21"


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "at least one field to replace is required"),
        ({"qty": "1.5"}, "qty must be integer"),
        ({"limit_price": "100.001"}, "invalid limit_price 100.001. sub-penny increment"),
        ({"qty": "100000"}, "insufficient buying power"),
        ({"stop_price": "90"}, "the order has no stop price to change"),
    ],
)
def test_a_replace_is_checked_like_an_order(ask: Asker, changes: dict[str, str], message: str) -> None:
    order = ask.order(qty="2")
    assert ask.refused("PATCH", f"/v2/orders/{order['id']}", changes)[1]["message"].startswith(message)
    assert status(ask, order) == "new"


def test_notional_orders_are_not_replaced(ask: Asker) -> None:
    order = ask.order(notional="50", qty=None)
    _, answer = ask.refused("PATCH", f"/v2/orders/{order['id']}", {"limit_price": "99"})
    assert answer["message"] == "unable to replace notional orders"


def test_immediate_orders_do_not_rest(ask: Asker) -> None:
    assert status(ask, ask.order(time_in_force="ioc")) == "canceled"
    assert status(ask, ask.order(time_in_force="fok")) == "canceled"
    assert status(ask, ask.order(time_in_force="ioc", limit_price="151")) == "filled"


def test_a_bracket_exit_may_be_patched_and_cancel_takes_the_family(ask: Asker) -> None:
    exits: dict[str, Any] = {"take_profit": {"limit_price": "160"}, "stop_loss": {"stop_price": "140"}}
    entry = ask.market(qty="2", order_class="bracket", **exits)
    profit, loss = ask("GET", f"/v2/orders/{entry['id']}", nested="true")["legs"]
    moved = ask("PATCH", f"/v2/orders/{profit['id']}", {"limit_price": "165"})
    assert [leg["limit_price"] for leg in ask("GET", f"/v2/orders/{entry['id']}", nested="true")["legs"]] == [
        "165",
        None,
    ]
    ask("DELETE", f"/v2/orders/{moved['id']}")
    assert status(ask, loss) == "canceled"


def test_an_exit_works_for_what_a_replaced_entry_filled(ask: Asker) -> None:
    exits = {"take_profit": {"limit_price": "160"}, "stop_loss": {"stop_price": "90"}}
    entry = ask.order(qty="4", order_class="bracket", **exits)
    fresh = ask("PATCH", f"/v2/orders/{entry['id']}", {"qty": "6", "limit_price": "151"})
    legs = ask("GET", f"/v2/orders/{fresh['id']}", nested="true")["legs"]
    assert [(leg["status"], leg["qty"]) for leg in legs] == [("new", "6"), ("new", "6")]


def test_nested_lists_hide_children(ask: Asker) -> None:
    exits = {"take_profit": {"limit_price": "160"}, "stop_loss": {"stop_price": "90"}}
    ask.order(qty="2", order_class="bracket", **exits)
    assert len(ask("GET", "/v2/orders")) == 3
    (head,) = ask("GET", "/v2/orders", nested="True")
    assert [leg["status"] for leg in head["legs"]] == ["held", "held"]


@pytest.mark.parametrize(
    ("exits", "message"),
    [
        ({"take_profit": {"limit_price": "90"}, "stop_loss": {"stop_price": "95"}}, "take_profit price must be >"),
        (
            {"take_profit": {"limit_price": "120"}, "stop_loss": {"stop_price": "100"}},
            "stop_loss.stop_price must be <=",
        ),
    ],
)
def test_exits_stand_on_their_own_sides(ask: Asker, exits: dict[str, Any], message: str) -> None:
    body = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "100"}
    found, answer = ask.refused("POST", "/v2/orders", body | {"order_class": "bracket"} | exits)
    assert found == 422
    assert answer["message"].startswith(message)


def test_a_credit_spread_reserves_its_worst_loss_and_a_naked_one_is_refused(ask: Asker) -> None:
    legs = [
        {"symbol": "AAPL260327P00150000", "ratio_qty": "1", "side": "sell"},
        {"symbol": "AAPL260327P00145000", "ratio_qty": "1", "side": "buy"},
    ]
    body = {
        "qty": "2",
        "type": "limit",
        "time_in_force": "day",
        "order_class": "mleg",
        "limit_price": "-4.9",
        "legs": legs,
    }
    order = ask("POST", "/v2/orders", body)
    assert (order["symbol"], order["legs"][0]["type"]) == ("", "")
    assert ask("GET", "/v2/account")["options_buying_power"] == "99980"  # (5.00 - 4.90) x 100 x 2
    naked = [
        {"symbol": "AAPL260327C00150000", "ratio_qty": "2", "side": "sell"},
        {"symbol": "AAPL260327C00155000", "ratio_qty": "1", "side": "buy"},
    ]
    assert ask.refused("POST", "/v2/orders", body | {"legs": naked})[0] == 403


def test_outside_hours_orders_wait_accepted(new_venue: Callable[..., Asker], clock: ManualClock) -> None:
    ask = new_venue(calendar=True)
    ask.door("POST", "/clock", {"now": "2026-03-02T22:30:00Z"})  # half past five in New York
    order = ask.market()
    assert order["status"] == "accepted"
    assert ask("GET", "/v2/clock")["is_open"] is False
    assert ask.refused("PATCH", f"/v2/orders/{order['id']}", {"qty": "2"})[1]["message"] == (
        "cannot replace order in accepted status"
    )
    late = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "market", "time_in_force": "cls"}
    assert ask.refused("POST", "/v2/orders", late)[1]["message"].startswith("cls orders must be submitted")
    ask.door("POST", "/clock", {"now": "2026-03-03T14:35:00Z"})
    assert status(ask, order) == "filled"


def test_a_day_order_expires_at_the_close(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(calendar=True)
    order = ask.order()
    assert order["expires_at"] == "2026-03-02T21:00:00.000000Z"
    ask.door("POST", "/clock", {"now": "2026-03-02T21:00:01Z"})
    found = ask("GET", f"/v2/orders/{order['id']}")
    assert (found["status"], found["expired_at"]) == ("expired", "2026-03-02T21:00:00.000000Z")


def test_requests_are_counted_and_the_next_minute_is_free(new_venue: Callable[..., Asker], clock: ManualClock) -> None:
    ask = new_venue(rate=2)
    replies = [ask.raw("GET", "/v2/clock") for _ in range(3)]
    assert [reply.status for reply in replies] == [200, 200, 429]
    assert [reply.headers["X-RateLimit-Remaining"] for reply in replies] == ["1", "0", "0"]
    assert replies[2].body == b'{"code":42910000,"message":"rate limit exceeded"}'
    clock.set(clock.now().replace(minute=1))
    assert ask.raw("GET", "/v2/clock").status == 200


def test_wrong_keys_see_nothing_but_coins(ask: Asker) -> None:
    ask.headers = {"apca-api-key-id": "PKNOBODY", "apca-api-secret-key": "x"}
    assert ask.refused("GET", "/v2/account") == (401, {"message": "unauthorized."})
    assert ask("GET", "/v1beta3/crypto/us/latest/quotes", symbols="BTC/USD")["quotes"]["BTC/USD"]["ap"] > 0


def test_an_unknown_path_is_not_found_and_a_wrong_method_not_allowed(ask: Asker) -> None:
    assert ask.refused("GET", "/v2/nothing")[0] == 404
    assert ask.refused("PUT", "/v2/account")[0] == 405

"""Order lists, cancel-replace, amendments, self-trade prevention: what stands with what."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.sim.binance.conftest import Asker
from tests.unit.sim.binance.test_orders import steps

SELL_OCO = {
    "symbol": "BTCUSDT", "side": "SELL", "quantity": "0.01", "aboveType": "LIMIT_MAKER", "abovePrice": "62000",
    "belowType": "STOP_LOSS_LIMIT", "belowStopPrice": "58000", "belowPrice": "57900", "belowTimeInForce": "GTC",
}  # fmt: skip
OTO = {
    "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "59000",
    "workingQuantity": "0.01", "workingTimeInForce": "GTC", "pendingType": "LIMIT", "pendingSide": "SELL",
    "pendingQuantity": "0.01", "pendingPrice": "61000", "pendingTimeInForce": "GTC",
}  # fmt: skip
OTOCO = {
    "symbol": "BTCUSDT", "workingType": "LIMIT", "workingSide": "BUY", "workingPrice": "59000",
    "workingQuantity": "0.01", "workingTimeInForce": "GTC", "pendingSide": "SELL", "pendingQuantity": "0.01",
    "pendingAboveType": "LIMIT_MAKER", "pendingAbovePrice": "62000", "pendingBelowType": "STOP_LOSS",
    "pendingBelowStopPrice": "57000",
}  # fmt: skip


def oco(ask: Asker, **fields: Any) -> Any:
    return ask("POST", "/api/v3/orderList/oco", **(SELL_OCO | fields))


def ends(ask: Asker) -> dict[str, str]:
    return {o["type"]: o["status"] for o in ask("GET", "/api/v3/allOrders", symbol="BTCUSDT")}


def test_an_oco_locks_once_and_one_cancels_the_other(ask: Asker) -> None:
    user = ask.account()
    made = oco(ask, listClientOrderId="pair-1")
    assert (made["contingencyType"], made["listStatusType"], made["listClientOrderId"]) == (
        "OCO",
        "EXEC_STARTED",
        "pair-1",
    )
    assert [r["workingTime"] == -1 for r in made["orderReports"]] == [True, False]
    assert ask.balance("BTC") == ("1.99000000", "0.01000000")
    ask.price("61999", "62001", "62000")
    ask.price("62000", "62002", "62001")
    assert ends(ask) == {"STOP_LOSS_LIMIT": "EXPIRED", "LIMIT_MAKER": "FILLED"}
    events = user.events()
    assert steps(events) == [("NEW", "NEW"), ("NEW", "NEW"), ("TRADE", "FILLED"), ("EXPIRED", "EXPIRED")]
    assert [(e["l"], e["L"]) for e in events if e["e"] == "listStatus"] == [
        ("EXEC_STARTED", "EXECUTING"), ("ALL_DONE", "ALL_DONE"),
    ]  # fmt: skip
    (expired,) = [e for e in events if e.get("x") == "EXPIRED"]
    assert expired["eR"] == "OCO_TRIGGER"


def test_the_stop_of_an_oco_ends_the_limit_when_it_is_set_off(ask: Asker) -> None:
    user = ask.account()
    oco(ask)
    ask.price("57999", "58001", "58000")
    assert ends(ask) == {"STOP_LOSS_LIMIT": "FILLED", "LIMIT_MAKER": "EXPIRED"}
    assert steps(user.events()) == [
        ("NEW", "NEW"), ("NEW", "NEW"), ("EXPIRED", "EXPIRED"), ("NEW", "NEW"), ("TRADE", "FILLED"),
    ]  # fmt: skip


def test_a_partial_fill_of_the_limit_ends_the_stop(ask: Asker) -> None:
    made = oco(ask)
    maker = next(r for r in made["orderReports"] if r["type"] == "LIMIT_MAKER")
    ask.door("POST", "/fill", {"order": str(maker["orderId"]), "qty": "0.004", "price": "62000"})
    assert ends(ask) == {"STOP_LOSS_LIMIT": "EXPIRED", "LIMIT_MAKER": "PARTIALLY_FILLED"}
    assert ask.balance("BTC") == ("1.99000000", "0.00600000")


def test_canceling_one_cancels_the_list(ask: Asker) -> None:
    made = oco(ask)
    gone = ask("DELETE", "/api/v3/order", symbol="BTCUSDT", orderId=made["orders"][0]["orderId"])
    assert (gone["listOrderStatus"], len(gone["orderReports"])) == ("ALL_DONE", 2)
    assert set(ends(ask).values()) == {"CANCELED"}
    assert ask("GET", "/api/v3/openOrderList") == []
    assert ask("GET", "/api/v3/orderList", orderListId=made["orderListId"])["listOrderStatus"] == "ALL_DONE"
    again = ask.refused("DELETE", "/api/v3/orderList", symbol="BTCUSDT", orderListId=made["orderListId"])
    assert again == (400, -2011, "Unknown order sent.")


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"abovePrice": "59000"}, -2010, "The relationship of the prices for the orders is not correct."),
        ({"belowStopPrice": "61000"}, -2010, "The relationship of the prices for the orders is not correct."),
        ({"side": "BUY"}, -1165, "A limit order in a buy OCO must be below."),
        ({"aboveType": "LIMIT"}, -1158, "Order type not supported in OCO."),
        ({"belowType": "LIMIT_MAKER", "belowStopPrice": None, "belowTimeInForce": None}, -1168,
         "At least one OCO order must be contingent."),
        ({"aboveType": "STOP_LOSS", "aboveStopPrice": "62000", "abovePrice": None}, -1158,
         "Order type not supported in OCO."),
        ({"aboveType": None}, -1102, "Mandatory parameter 'aboveType' was not sent, was empty/null, or malformed."),
        ({"belowTimeInForce": None}, -1102,
         "Mandatory parameter 'belowTimeInForce' was not sent, was empty/null, or malformed."),
        ({"quantity": "3"}, -2010, "Account has insufficient balance for requested action."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_pair(ask: Asker, fields: dict[str, Any], code: int, text: str) -> None:
    wish = {name: value for name, value in (SELL_OCO | fields).items() if value is not None}
    assert ask.refused("POST", "/api/v3/orderList/oco", **wish) == (400, code, text)
    assert ask("GET", "/api/v3/openOrders") == []


def test_the_older_words_for_a_pair(ask: Asker) -> None:
    made = ask(
        "POST", "/api/v3/order/oco", symbol="BTCUSDT", side="BUY", quantity="0.01", price="58000", stopPrice="62000",
        stopLimitPrice="62100", stopLimitTimeInForce="GTC", limitClientOrderId="low", stopClientOrderId="high",
    )  # fmt: skip
    assert {r["clientOrderId"]: r["type"] for r in made["orderReports"]} == {
        "low": "LIMIT_MAKER", "high": "STOP_LOSS_LIMIT",
    }  # fmt: skip
    assert ask.balance("USDT") == ("99379.00000000", "621.00000000")


def test_a_pending_order_lives_when_its_working_order_is_filled(ask: Asker) -> None:
    user = ask.account()
    made = ask("POST", "/api/v3/orderList/oto", **OTO)
    assert [r["status"] for r in made["orderReports"]] == ["NEW", "PENDING_NEW"]
    assert (made["contingencyType"], ask.balance("BTC")[1]) == ("OTO", "0.00000000")
    working, pending = made["orders"]
    ask.door("POST", "/fill", {"order": str(working["orderId"]), "qty": "0.004", "price": "59000"})
    assert ask.seen(pending)["status"] == "PENDING_NEW"
    ask.door("POST", "/fill", {"order": str(working["orderId"]), "qty": "0.006", "price": "59000"})
    assert (ask.seen(pending)["status"], ask.balance("BTC")[1]) == ("NEW", "0.01000000")
    assert steps(user.events()) == [
        ("NEW", "NEW"), ("NEW", "PENDING_NEW"), ("TRADE", "PARTIALLY_FILLED"), ("TRADE", "FILLED"), ("NEW", "NEW"),
    ]  # fmt: skip


def test_the_answer_shows_pending_orders_as_pending_even_when_all_is_filled_at_once(ask: Asker) -> None:
    made = ask("POST", "/api/v3/orderList/oto", **(OTO | {"workingPrice": "60001", "pendingPrice": "59999"}))
    assert [r["status"] for r in made["orderReports"]] == ["FILLED", "PENDING_NEW"]
    assert [ask.seen(order)["status"] for order in made["orders"]] == ["FILLED", "FILLED"]
    assert ask("GET", "/api/v3/openOrderList") == []


def test_a_working_order_that_expires_takes_the_pending_ones_along(ask: Asker) -> None:
    made = ask("POST", "/api/v3/orderList/oto", **(OTO | {"workingTimeInForce": "IOC"}))
    found = [ask.seen(order) for order in made["orders"]]
    assert [(o["status"], o["expiryReason"]) for o in found] == [
        ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED"), ("EXPIRED", "OTO_PHASE_ONE_EXPIRED"),
    ]  # fmt: skip


def test_a_pending_order_nobody_can_pay_for_is_rejected(ask: Asker) -> None:
    made = ask("POST", "/api/v3/orderList/oto", **(OTO | {"pendingQuantity": "5"}))
    ask.price("58999", "59000", "59000")
    found = ask.seen(made["orders"][1])
    assert (found["status"], found["expiryReason"]) == ("EXPIRED", "REJECTED")


def test_a_bracket_of_three(ask: Asker) -> None:
    made = ask("POST", "/api/v3/orderList/otoco", **OTOCO)
    assert [(r["type"], r["status"]) for r in made["orderReports"]] == [
        ("LIMIT", "NEW"), ("LIMIT_MAKER", "PENDING_NEW"), ("STOP_LOSS", "PENDING_NEW"),
    ]  # fmt: skip
    ask.price("58999", "59000", "59000")
    assert ends(ask) == {"LIMIT": "FILLED", "LIMIT_MAKER": "NEW", "STOP_LOSS": "NEW"}
    assert ask.balance("BTC")[1] == "0.01000000"
    ask.price("56999", "57001", "57000")
    assert ends(ask) == {"LIMIT": "FILLED", "LIMIT_MAKER": "EXPIRED", "STOP_LOSS": "FILLED"}
    assert ask("GET", "/api/v3/orderList", orderListId=made["orderListId"])["listOrderStatus"] == "ALL_DONE"


def test_canceling_the_working_order_cancels_the_pending_ones(ask: Asker) -> None:
    made = ask("POST", "/api/v3/orderList/otoco", **OTOCO, listClientOrderId="bracket-1")
    assert (
        ask.refused("POST", "/api/v3/orderList/otoco", **OTOCO, listClientOrderId="bracket-1")[2]
        == "Duplicate order sent."
    )
    ask("DELETE", "/api/v3/orderList", symbol="BTCUSDT", listClientOrderId="bracket-1")
    assert [ask.seen(order)["status"] for order in made["orders"]] == ["CANCELED"] * 3
    (line,) = ask("GET", "/api/v3/allOrderList")
    assert (line["listClientOrderId"], line["listStatusType"]) == ("bracket-1", "ALL_DONE")


def test_cancel_all_shows_lists_as_lists(ask: Asker) -> None:
    ask.order()
    oco(ask)
    gone = ask("DELETE", "/api/v3/openOrders", symbol="BTCUSDT")
    assert ["orderReports" in line for line in gone] == [False, True]
    assert ask.refused("DELETE", "/api/v3/openOrders", symbol="BTCUSDT") == (400, -2011, "Unknown order sent.")


# --- Cancel and replace ------------------------------------------------------------------------------------------------


def replaced(ask: Asker, mode: str, **fields: Any) -> tuple[int, Any]:
    wish = ask.order_of(cancelReplaceMode=mode, price="51000", **fields)
    reply = ask.asked("POST", "/api/v3/order/cancelReplace", **wish)
    return reply.status, json.loads(reply.body)


def test_both_halves_succeed(ask: Asker) -> None:
    old = ask.order(newClientOrderId="old")
    status, answer = replaced(ask, "STOP_ON_FAILURE", cancelOrderId=old["orderId"], cancelNewClientOrderId="the-cancel")
    assert (status, answer["cancelResult"], answer["newOrderResult"]) == (200, "SUCCESS", "SUCCESS")
    assert (answer["cancelResponse"]["origClientOrderId"], answer["cancelResponse"]["clientOrderId"]) == (
        "old",
        "the-cancel",
    )
    assert answer["newOrderResponse"]["price"] == "51000.00000000"


@pytest.mark.parametrize(
    ("mode", "known", "new", "status", "code", "results"),
    [
        ("STOP_ON_FAILURE", False, {}, 400, -2022, ("FAILURE", "NOT_ATTEMPTED")),
        ("STOP_ON_FAILURE", True, {"quantity": "2"}, 409, -2021, ("SUCCESS", "FAILURE")),
        ("ALLOW_FAILURE", False, {}, 409, -2021, ("FAILURE", "SUCCESS")),
        ("ALLOW_FAILURE", False, {"quantity": "2"}, 400, -2022, ("FAILURE", "FAILURE")),
        ("ALLOW_FAILURE", True, {"quantity": "2"}, 409, -2021, ("SUCCESS", "FAILURE")),
    ],
)
def test_a_half_that_fails(  # noqa: PLR0917 - one column of the table each
    ask: Asker, mode: str, known: bool, new: dict[str, str], status: int, code: int, results: tuple[str, str]
) -> None:
    old = ask.order()
    found, answer = replaced(ask, mode, cancelOrderId=old["orderId"] if known else 1, **new)
    assert (found, answer["code"]) == (status, code)
    assert (answer["data"]["cancelResult"], answer["data"]["newOrderResult"]) == results
    if results[1] == "NOT_ATTEMPTED":
        assert answer["data"]["newOrderResponse"] is None
    if results[0] == "FAILURE":
        assert answer["data"]["cancelResponse"] == {"code": -2011, "msg": "Unknown order sent."}


def test_a_replacement_the_engine_does_not_take_is_told_on_the_stream(ask: Asker) -> None:
    user = ask.account()
    old = ask.order(newClientOrderId="old")
    replaced(ask, "STOP_ON_FAILURE", cancelOrderId=old["orderId"], quantity="2", newClientOrderId="new")
    events = user.events()
    assert steps(events) == [("NEW", "NEW"), ("CANCELED", "CANCELED"), ("REJECTED", "REJECTED")]
    rejected = next(e for e in events if e.get("x") == "REJECTED")
    assert (rejected["c"], rejected["r"], rejected["w"]) == ("new", "INSUFFICIENT_BALANCES", False)
    assert ask.refused("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="new")[1] == -2013


def test_cancels_may_be_restricted(ask: Asker) -> None:
    old = ask.order()
    wish = {"symbol": "BTCUSDT", "orderId": old["orderId"]}
    assert ask.refused("DELETE", "/api/v3/order", **wish, cancelRestrictions="ONLY_PARTIALLY_FILLED") == (
        400, -2011, "Order was not canceled due to cancel restrictions.",
    )  # fmt: skip
    assert ask.refused("DELETE", "/api/v3/order", **wish, cancelRestrictions="NEVER")[1] == -1145
    assert ask("DELETE", "/api/v3/order", **wish, cancelRestrictions="ONLY_NEW")["status"] == "CANCELED"
    assert ask.refused("DELETE", "/api/v3/order", **wish) == (400, -2011, "Unknown order sent.")


def test_both_ids_must_fit_where_both_are_given(ask: Asker) -> None:
    old = ask.order(newClientOrderId="mine")
    wish = {"symbol": "BTCUSDT", "orderId": old["orderId"]}
    assert ask.refused("GET", "/api/v3/order", **wish, origClientOrderId="other")[1] == -2013
    assert ask("GET", "/api/v3/order", **wish, origClientOrderId="mine")["orderId"] == old["orderId"]
    assert ask.refused("GET", "/api/v3/order", symbol="ETHUSDT", orderId=old["orderId"])[1] == -2013
    assert ask.refused("GET", "/api/v3/order", symbol="BTCUSDT")[1] == -1102


# --- Amend -------------------------------------------------------------------------------------------------------------


def amend(ask: Asker, order: Any, qty: str, **fields: Any) -> Any:
    return ask(
        "PUT", "/api/v3/order/amend/keepPriority", symbol="BTCUSDT", orderId=order["orderId"], newQty=qty, **fields
    )


def test_a_smaller_quantity_keeps_the_number_and_changes_the_name(ask: Asker) -> None:
    user = ask.account()
    old = ask.order(newClientOrderId="mine", quantity="0.02")
    answer = amend(ask, old, "0.015")["amendedOrder"]
    assert (answer["orderId"], answer["qty"], answer["origClientOrderId"]) == (old["orderId"], "0.01500000", "mine")
    assert answer["clientOrderId"] != "mine"
    assert ask.balance("USDT")[1] == "750.00000000"
    kept = amend(ask, old, "0.01", newClientOrderId=answer["clientOrderId"])["amendedOrder"]
    assert kept["clientOrderId"] == answer["clientOrderId"]
    reports = [e for e in user.events() if e["e"] == "executionReport"]
    assert [(r["x"], r["q"], r["C"]) for r in reports[1:]] == [
        ("REPLACED", "0.01500000", "mine"), ("REPLACED", "0.01000000", answer["clientOrderId"]),
    ]  # fmt: skip
    lines = ask("GET", "/api/v3/order/amendments", symbol="BTCUSDT", orderId=old["orderId"])
    assert [(line["origQty"], line["newQty"]) for line in lines] == [
        ("0.02000000", "0.01500000"), ("0.01500000", "0.01000000"),
    ]  # fmt: skip
    ask.price("49999", "50000", "50000")
    assert ask.seen(old)["executedQty"] == "0.01000000"


@pytest.mark.parametrize(
    ("qty", "text"),
    [
        ("0.03", "Order amend (quantity increase) is not supported."),
        ("0.02", "The requested action would change no state; rejecting."),
    ],
)
def test_an_amendment_that_is_none(ask: Asker, qty: str, text: str) -> None:
    old = ask.order(quantity="0.02")
    wish = {"symbol": "BTCUSDT", "orderId": old["orderId"], "newQty": qty}
    assert ask.refused("PUT", "/api/v3/order/amend/keepPriority", **wish) == (400, -2038, text)


def test_amending_one_of_a_pair_amends_both(ask: Asker) -> None:
    user = ask.account()
    made = oco(ask, quantity="0.02")
    answer = amend(ask, made["orders"][0], "0.01")
    assert answer["listStatus"]["orderListId"] == made["orderListId"]
    assert [ask.seen(order)["origQty"] for order in made["orders"]] == ["0.01000000"] * 2
    assert ask.balance("BTC")[1] == "0.01000000"
    assert [e["l"] for e in user.events() if e["e"] == "listStatus"] == ["EXEC_STARTED", "UPDATED"]


def test_only_so_many_amendments(ask: Asker) -> None:
    old = ask.order(quantity="0.1")
    for number in range(10):
        amend(ask, old, f"0.0{90 - number}")
    wish = {"symbol": "BTCUSDT", "orderId": old["orderId"], "newQty": "0.05"}
    assert ask.refused("PUT", "/api/v3/order/amend/keepPriority", **wish) == (
        400, -2038, "Filter failure: MAX_NUM_ORDER_AMENDS",
    )  # fmt: skip


# --- Self-trade prevention -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mode", "qty", "maker", "taker"),
    [
        ("EXPIRE_MAKER", "0.02", ("EXPIRED_IN_MATCH", "0.01000000"), ("NEW", None)),
        ("EXPIRE_TAKER", "0.02", ("NEW", None), ("EXPIRED_IN_MATCH", "0.02000000")),
        ("EXPIRE_BOTH", "0.02", ("EXPIRED_IN_MATCH", "0.01000000"), ("EXPIRED_IN_MATCH", "0.02000000")),
        ("DECREMENT", "0.02", ("EXPIRED_IN_MATCH", "0.01000000"), ("NEW", "0.01000000")),
        ("DECREMENT", "0.004", ("NEW", "0.00400000"), ("EXPIRED_IN_MATCH", "0.00400000")),
    ],
)
def test_own_orders_do_not_meet(
    ask: Asker, mode: str, qty: str, maker: tuple[str, str | None], taker: tuple[str, str | None]
) -> None:
    user = ask.account()
    first = ask.order(price="60000")
    second = ask.order(price="60000", side="SELL", quantity=qty, selfTradePreventionMode=mode)
    found = [ask.seen(order) for order in (first, second)]
    assert [(o["status"], o.get("preventedQuantity")) for o in found] == [maker, taker]
    prevented = [e for e in user.events() if e.get("x") == "TRADE_PREVENTION"]
    assert len(prevented) == sum(amount is not None for _, amount in (maker, taker))
    assert all(e["U"] in {first["orderId"], second["orderId"]} and e["pL"] == "60000.00000000" for e in prevented)
    (match,) = ask("GET", "/api/v3/myPreventedMatches", symbol="BTCUSDT", orderId=first["orderId"])
    assert (match["selfTradePreventionMode"], match["price"]) == (mode, "60000.00000000")
    assert ask("GET", "/api/v3/myTrades", symbol="BTCUSDT") == []


def test_without_prevention_own_orders_trade(ask: Asker) -> None:
    first = ask.order(price="60000")
    second = ask.order(price="60000", side="SELL", selfTradePreventionMode="NONE")
    assert (second["status"], ask.seen(first)["status"]) == ("FILLED", "FILLED")
    trades = ask("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert sorted(t["isMaker"] for t in trades) == [False, True]
    assert {t["price"] for t in trades} == {"60000.00000000"}


def test_only_orders_that_come_first_are_met(ask: Asker) -> None:
    ask.order(price="59000")
    ask.market("SELL")
    assert ask("GET", "/api/v3/openOrders")[0]["status"] == "NEW"


def test_an_amendment_below_what_is_filled_ends_the_order(ask: Asker) -> None:
    old = ask.order(newClientOrderId="mine", quantity="0.02")
    ask.door("POST", "/fill", {"order": "mine", "qty": "0.01", "price": "50000"})
    assert amend(ask, old, "0.01")["amendedOrder"]["status"] == "EXPIRED"
    assert ask.balance("USDT")[1] == "0.00000000"

"""Orders of every kind: what they answer, when they fill, how they end."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sim.oanda.conftest import OandaAsker

LATER = "2026-03-03T15:00:00.000000000Z"


def test_a_market_order_fills_in_its_answer_and_makes_the_orders_that_come_with_it(ask: OandaAsker) -> None:
    answer = ask.place(
        clientExtensions={"id": "my-1"}, tradeClientExtensions={"id": "t-1", "tag": "x"},
        takeProfitOnFill={"price": "1.12000"}, stopLossOnFill={"distance": "0.01000"},
        trailingStopLossOnFill={"distance": "0.00500"},
    )  # fmt: skip
    made, fill = answer["orderCreateTransaction"], answer["orderFillTransaction"]
    assert (made["type"], made["reason"], made["timeInForce"]) == ("MARKET_ORDER", "CLIENT_ORDER", "FOK")
    assert (fill["orderID"], fill["clientOrderID"], fill["reason"]) == (made["id"], "my-1", "MARKET_ORDER")
    assert (fill["price"], fill["units"], fill["halfSpreadCost"]) == ("1.10010", "100", "0.0050")
    assert answer["relatedTransactionIDs"] == ["3", "4", "5", "6", "7"]
    assert {one["batchID"] for one in ask.log()[2:]} == {"3"}
    trade = ask.trade("@t-1")
    assert trade["id"] == fill["id"]
    assert trade["takeProfitOrder"]["price"] == "1.12000"
    assert trade["stopLossOrder"]["price"] == "1.09010"  # a distance counts from the fill
    assert trade["trailingStopLossOrder"]["trailingStopValue"] == "1.09500"
    order = ask.order("@my-1")
    assert (order["state"], order["fillingTransactionID"], order["tradeOpenedID"]) == (
        "FILLED",
        fill["id"],
        trade["id"],
    )


@pytest.mark.parametrize(
    ("terms", "bid", "ask_", "price"),
    [
        ({"type": "LIMIT", "units": "10", "price": "1.09500"}, "1.09480", "1.09490", "1.09490"),
        ({"type": "LIMIT", "units": "-10", "price": "1.10500"}, "1.10500", "1.10510", "1.10500"),
        ({"type": "STOP", "units": "10", "price": "1.10500"}, "1.10510", "1.10520", "1.10520"),
        ({"type": "STOP", "units": "-10", "price": "1.09500"}, "1.09490", "1.09500", "1.09490"),
        ({"type": "MARKET_IF_TOUCHED", "units": "10", "price": "1.09500"}, "1.09480", "1.09490", "1.09490"),
        ({"type": "MARKET_IF_TOUCHED", "units": "10", "price": "1.10500"}, "1.10510", "1.10520", "1.10520"),
        ({"type": "LIMIT", "units": "10", "price": "1.09500", "triggerCondition": "BID"}, "1.09500", "1.09520", "1.09520"),
        ({"type": "STOP", "units": "10", "price": "1.10500", "triggerCondition": "INVERSE"}, "1.10500", "1.10510", "1.10510"),
        ({"type": "STOP", "units": "-10", "price": "1.09500", "triggerCondition": "MID"}, "1.09490", "1.09510", "1.09490"),
    ],
)  # fmt: skip
def test_a_waiting_order_fills_when_its_side_of_the_price_gets_there(
    ask: OandaAsker, terms: dict[str, str], bid: str, ask_: str, price: str
) -> None:
    answer = ask.place(**terms)
    order_id = answer["orderCreateTransaction"]["id"]
    assert "orderFillTransaction" not in answer
    ask.price("1.10001", "1.10009")
    assert ask.order(order_id)["state"] == "PENDING"
    ask.price(bid, ask_)
    assert ask.order(order_id)["state"] == "FILLED"
    fill = ask.log()[-1]
    assert (fill["type"], fill["reason"]) == ("ORDER_FILL", f"{terms['type']}_ORDER")
    assert (fill["price"], fill["units"]) == (price, terms["units"])


def test_a_limit_order_at_the_market_fills_in_its_answer_at_the_better_price(ask: OandaAsker) -> None:
    assert ask.place(type="LIMIT", price="1.11000")["orderFillTransaction"]["price"] == "1.10010"


@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        ({"type": "LIMIT", "price": "1.09000", "timeInForce": "FOK"}, "TIME_IN_FORCE_EXPIRED"),
        ({"type": "STOP", "price": "1.12000", "timeInForce": "IOC"}, "TIME_IN_FORCE_EXPIRED"),
        ({"priceBound": "1.10000"}, "BOUNDS_VIOLATION"),
        ({"units": "9000000"}, "INSUFFICIENT_MARGIN"),
        ({"units": "20000000"}, "INSUFFICIENT_LIQUIDITY"),
        ({"stopLossOnFill": {"price": "1.10000"}}, "STOP_LOSS_ON_FILL_LOSS"),
        ({"takeProfitOnFill": {"price": "1.10000"}}, "TAKE_PROFIT_ON_FILL_LOSS"),
        ({"positionFill": "REDUCE_ONLY"}, "POSITION_CLOSEOUT_FAILED"),
    ],
)
def test_an_order_that_cannot_be_is_made_and_canceled_in_one_answer(
    ask: OandaAsker, terms: dict[str, Any], reason: str
) -> None:
    answer = ask.place(**terms)
    made, canceled = answer["orderCreateTransaction"], answer["orderCancelTransaction"]
    assert (canceled["orderID"], canceled["reason"]) == (made["id"], reason)
    assert "orderFillTransaction" not in answer
    order = ask.order(made["id"])
    assert (order["state"], order["cancellingTransactionID"]) == ("CANCELLED", canceled["id"])
    assert ask.summary()["balance"] == "100000.0000"


def test_a_halted_market_cancels_what_cannot_wait_and_keeps_what_can(ask: OandaAsker) -> None:
    ask.hand("/halts", instrument="EUR_USD", halted=True)
    assert ask.place()["orderCancelTransaction"]["reason"] == "MARKET_HALTED"
    fok = ask.place(type="LIMIT", price="1.20000", timeInForce="FOK")
    assert fok["orderCancelTransaction"]["reason"] == "MARKET_HALTED"
    waiting = ask.place(type="LIMIT", price="1.20000")["orderCreateTransaction"]["id"]
    shown = ask("GET", "./pricing", instruments="EUR_USD")["prices"][0]
    assert (shown["status"], shown["tradeable"]) == ("non-tradeable", False)
    ask.hand("/halts", instrument="EUR_USD", halted=False)
    ask.price("1.10000", "1.10010")
    assert ask.order(waiting)["state"] == "FILLED"


def test_the_weekend_is_a_halt_when_markets_keep_hours(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda(calendar=True)
    ask.hand("/clock", now="2026-03-07T12:00:00Z")
    assert ask.place()["orderCancelTransaction"]["reason"] == "MARKET_HALTED"
    ask.hand("/clock", now="2026-03-08T21:05:00Z")  # summer time has begun: five in the afternoon in New York
    assert "orderFillTransaction" in ask.place()


def test_too_little_liquidity_gives_a_part_of_an_ioc_order_and_cancels_its_rest(ask: OandaAsker) -> None:
    ask.hand("/liquidity", instrument="EUR_USD", units="40")
    answer = ask.place(timeInForce="IOC")
    assert answer["orderFillTransaction"]["units"] == "40"
    assert answer["orderCancelTransaction"]["reason"] == "INSUFFICIENT_LIQUIDITY"
    order = ask.order(answer["orderCreateTransaction"]["id"])
    assert order["fillingTransactionID"] == answer["orderFillTransaction"]["id"]
    assert order["state"] == "CANCELLED"


def test_too_little_liquidity_issues_the_rest_of_a_limit_order_anew(ask: OandaAsker) -> None:
    ask.hand("/liquidity", instrument="EUR_USD", units="40")
    answer = ask.place(type="LIMIT", price="1.10010", clientExtensions={"id": "mine"})
    assert answer["orderFillTransaction"]["units"] == "40"
    anew = answer["orderReissueTransaction"]
    assert (anew["units"], anew["price"], anew["clientExtensions"]["id"]) == ("60", "1.10010", "mine")
    assert ask.order("@mine")["id"] == anew["id"]
    ask.hand("/liquidity", instrument="EUR_USD", units=None)
    ask.price("1.09990", "1.10000")
    assert ask.order(anew["id"])["state"] == "FILLED"
    assert ask.positions() == {"EUR/USD": 100}


def test_orders_with_a_date_and_orders_of_a_day_end_in_time(ask: OandaAsker) -> None:
    dated = ask.place(type="LIMIT", price="1.05000", timeInForce="GTD", gtdTime="2026-03-02T16:00:00Z")
    today = ask.place(type="LIMIT", price="1.05000", timeInForce="GFD")
    forever = ask.place(type="LIMIT", price="1.05000")
    ids = [one["orderCreateTransaction"]["id"] for one in (dated, today, forever)]
    ask.wait(3_601)
    assert [ask.order(one)["state"] for one in ids] == ["CANCELLED", "PENDING", "PENDING"]
    ask.hand("/clock", now="2026-03-02T22:00:01Z")  # past five in New York
    assert [ask.order(one)["state"] for one in ids] == ["CANCELLED", "CANCELLED", "PENDING"]
    assert ask.log()[-1]["reason"] == "TIME_IN_FORCE_EXPIRED"


def test_a_replaced_order_ends_and_another_takes_its_place(ask: OandaAsker) -> None:
    old = ask.place(type="LIMIT", price="1.05000", clientExtensions={"id": "a"})["orderCreateTransaction"]["id"]
    order = {
        "type": "LIMIT",
        "instrument": "EUR_USD",
        "units": "50",
        "price": "1.06000",
        "clientExtensions": {"id": "a"},
    }
    reply = ask.raw("PUT", f"./orders/{old}", {"order": order})
    assert reply.status == 201
    answer = ask("PUT", "./orders/@a", {"order": order | {"price": "1.12000"}})
    ended, made = answer["orderCancelTransaction"], answer["orderCreateTransaction"]
    assert (ended["reason"], ended["replacedByOrderID"]) == ("CLIENT_REQUEST_REPLACED", made["id"])
    assert (made["reason"], made["replacesOrderID"]) == ("REPLACEMENT", ended["orderID"])
    assert made["cancellingTransactionID"] == ended["id"]
    assert answer["orderFillTransaction"]["orderID"] == made["id"]
    assert ask.order(ended["orderID"])["replacedByOrderID"] == made["id"]


def test_a_refused_successor_leaves_the_old_order_and_a_lost_one_is_refused(ask: OandaAsker) -> None:
    old = ask.place(type="LIMIT", price="1.05000")["orderCreateTransaction"]["id"]
    order = {"type": "LIMIT", "instrument": "EUR_USD", "units": "50"}
    status, body = ask.refused("PUT", f"./orders/{old}", {"order": order | {"price": "1.050001"}})
    reject = body["orderRejectTransaction"]
    assert (status, reject["rejectReason"], reject["intendedReplacesOrderID"]) == (400, "PRICE_PRECISION_EXCEEDED", old)
    assert ask.order(old)["state"] == "PENDING"
    stop = order | {"type": "STOP", "price": "1.20000"}
    assert ask.refused("PUT", f"./orders/{old}", {"order": stop})[1]["errorCode"] == "REPLACING_ORDER_INVALID"
    status, body = ask.refused("PUT", "./orders/9999", {"order": order | {"price": "1.05000"}})
    assert (status, body["errorCode"]) == (404, "ORDER_DOESNT_EXIST")
    assert body["orderCancelRejectTransaction"]["type"] == "ORDER_CANCEL_REJECT"


def test_a_canceled_order_is_over_and_a_second_cancel_costs_a_transaction(ask: OandaAsker) -> None:
    order_id = ask.place(type="LIMIT", price="1.05000", clientExtensions={"id": "7"})["orderCreateTransaction"]["id"]
    ended = ask("PUT", "./orders/@7/cancel")["orderCancelTransaction"]
    assert (ended["orderID"], ended["clientOrderID"], ended["reason"]) == (order_id, "7", "CLIENT_REQUEST")
    status, body = ask.refused("PUT", f"./orders/{order_id}/cancel")
    assert (status, body["errorCode"], body["lastTransactionID"]) == (404, "ORDER_DOESNT_EXIST", "5")
    assert body["orderCancelRejectTransaction"]["orderID"] == order_id


def test_words_of_an_order_change_and_a_clash_of_ids_is_refused(ask: OandaAsker) -> None:
    first = ask.place(type="LIMIT", price="1.05000", clientExtensions={"id": "a", "tag": "old"})
    ask.place(type="LIMIT", price="1.05000", clientExtensions={"id": "b"})
    order_id = first["orderCreateTransaction"]["id"]
    path = f"./orders/{order_id}/clientExtensions"
    changed = ask("PUT", path, {"clientExtensions": {"tag": "new"}, "tradeClientExtensions": {"id": "t"}})
    assert changed["orderClientExtensionsModifyTransaction"]["clientExtensionsModify"] == {"tag": "new"}
    assert ask.order(order_id)["clientExtensions"] == {"id": "a", "tag": "new"}
    for words, code in (
        ({"id": "b"}, "CLIENT_ORDER_ID_ALREADY_EXISTS"),
        ({"tag": "x" * 129}, "CLIENT_ORDER_TAG_INVALID"),
    ):
        status, body = ask.refused("PUT", path, {"clientExtensions": words})
        assert (status, body["errorCode"]) == (400, code)
    assert ask.refused("PUT", path, {})[1]["errorCode"] == "CLIENT_EXTENSIONS_DATA_MISSING"
    assert ask.refused("PUT", "./orders/@none/clientExtensions", {"clientExtensions": {}})[0] == 404


def test_orders_are_listed_newest_first_and_page_backwards(ask: OandaAsker) -> None:
    ids = [ask.place(type="LIMIT", price="1.05000")["orderCreateTransaction"]["id"] for _ in range(5)]
    ask("PUT", f"./orders/{ids[0]}/cancel")
    reply = ask.raw("GET", "./orders", count=2)
    assert 'rel="next"' in reply.headers["Link"]
    assert [one["id"] for one in ask("GET", "./orders", count=2)["orders"]] == [ids[4], ids[3]]
    assert [one["id"] for one in ask("GET", "./orders", count=2, beforeID=ids[3])["orders"]] == [ids[2], ids[1]]
    assert [one["id"] for one in ask("GET", "./orders", state="CANCELLED")["orders"]] == [ids[0]]
    assert len(ask("GET", "./orders", state="ALL", instrument="EUR_USD")["orders"]) == 5
    assert ask("GET", "./orders", instrument="USD_JPY")["orders"] == []
    assert [one["id"] for one in ask("GET", "./orders", ids=f"{ids[0]},{ids[2]}")["orders"]] == [ids[2], ids[0]]
    assert len(ask("GET", "./pendingOrders")["orders"]) == 4
    assert ask.refused("GET", "./orders", count=501)[0] == 400
    assert ask.refused("GET", "./orders/@nobody")[0] == 404
    assert ask.refused("GET", "./orders", state="SOME")[0] == 400


def test_the_control_door_fills_a_part_and_the_rest_is_another_order(ask: OandaAsker) -> None:
    order_id = ask.place(type="LIMIT", price="1.05000", clientExtensions={"id": "c"})["orderCreateTransaction"]["id"]
    assert ask.door("POST", "/fill", {"order": order_id, "qty": "101", "price": "1.05"})[0] == 422
    ask.hand("/fill", order=order_id, qty="30", price="1.04990")
    lines = {line["order"]: line for line in ask.door("GET", "/orders")[1]}
    assert (lines[order_id]["status"], lines[order_id]["filled"], lines[order_id]["avg_px"]) == (
        "filled",
        "30",
        "1.0499",
    )
    rest = ask.order("@c")
    assert (rest["state"], rest["units"]) == ("PENDING", "70")
    (fill,) = ask.door("GET", "/fills")[1]
    assert (fill["order"], fill["client"], fill["quantity"]) == (order_id, "c", "30")
    assert ask.door("POST", "/fill", {"order": order_id, "qty": "1", "price": "1.05"})[0] == 409
    assert ask.door("POST", "/fill", {"order": "77", "qty": "1", "price": "1.05"})[0] == 404
    assert ask.door("POST", "/busts", {"exec": fill["exec"]})[0] == 409


def test_the_control_door_tells_how_an_order_ended(ask: OandaAsker) -> None:
    turned_away = ask.place(units="90000000")["orderCreateTransaction"]["id"]
    ran_out = ask.place(type="LIMIT", price="1.00000", timeInForce="IOC")["orderCreateTransaction"]["id"]
    changed = ask.place(type="LIMIT", price="1.00000", timeInForce="GTC")["orderCreateTransaction"]["id"]
    new = {"type": "LIMIT", "instrument": "EUR_USD", "units": "100", "price": "1.01000", "timeInForce": "GTC"}
    after = ask("PUT", f"./orders/{changed}", {"order": new})["orderCreateTransaction"]["id"]
    ask("PUT", f"./orders/{after}/cancel")
    told = {row["order"]: row["status"] for row in ask.venue.orders()}
    assert [told[number] for number in (turned_away, ran_out, changed, after)] == [
        "rejected",
        "expired",
        "replaced",
        "canceled",
    ]

"""Orders that wait for a price, exits, trails, modes."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.unit.sim.bybit.conftest import PAIR, Asker

NAME = {"category": "linear", "symbol": "BTCUSDT"}


def waiting(ask: Asker, category: str = "linear") -> dict[str, Any]:
    """Open orders that wait, by the kind of stop."""
    found = ask.get("/v5/order/realtime", category=category, symbol="BTCUSDT")["list"]
    return {line["stopOrderType"]: line for line in found}


@pytest.mark.parametrize(
    ("by", "symbol", "level"),
    [("LastPrice", "BTC/USDT:USDT", "60110"), ("MarkPrice", "BTC/USDT:USDT", "60110"), ("IndexPrice", PAIR, "60110")],
)
def test_triggers_watch_the_price_they_name(ask: Asker, by: str, symbol: str, level: str) -> None:
    order_id = ask.market(triggerPrice="60105", triggerDirection=1, triggerBy=by)
    ask.price("60100", "60100.2", "60100", symbol=symbol)
    assert ask.shown(order_id)["orderStatus"] == "Untriggered"
    ask.price(level, "60110.2", "60110", symbol=symbol)
    assert ask.shown(order_id)["orderStatus"] == "Filled"


def test_a_triggered_limit_order_rests(ask: Asker) -> None:
    order_id = ask.order(price="59500", triggerPrice="59800", triggerDirection=2)
    ask.price("59790", "59790.1", "59790")
    shown = ask.shown(order_id)
    assert (shown["orderStatus"], shown["triggerPrice"]) == ("New", "59800")
    ask.price("59499", "59499.5", "59499")
    assert ask.shown(order_id)["orderStatus"] == "Filled"


def test_money_that_is_gone_at_the_trigger_is_told_on_the_stream(ask: Asker) -> None:
    order_id = ask.order("spot", qty="1", price="60700", triggerPrice="60500", orderFilter="StopOrder")
    assert ask.coin()["locked"] == "0"
    ask.market("spot", qty="90000")
    wire = ask.private("order")
    ask.price("60500", "60500.1", "60500", symbol=PAIR)
    assert [line["orderStatus"] for line in wire.topic("order")] == ["Triggered", "Rejected"]
    assert ask.shown(order_id, "spot")["rejectReason"] == "EC_Others"


def test_spot_exits_hold_their_coins_at_once_and_stop_orders_do_not(ask: Asker) -> None:
    ask.order("spot", side="Sell", qty="0.4", price="58000", triggerPrice="59000", orderFilter="tpslOrder")
    ask.order("spot", side="Sell", qty="0.5", price="58000", triggerPrice="59000", orderFilter="StopOrder")
    assert ask.coin("BTC")["locked"] == "0.4"
    assert set(waiting(ask, "spot")) == {"tpslOrder", "Stop"}


def test_a_pair_of_spot_exits_holds_the_coins_once(ask: Asker) -> None:
    ask.order("spot", price="60000.1", qty="0.1", takeProfit="61000", stopLoss="59000")
    assert ask.coin("BTC")["locked"] == "0.0999"
    ask.price("58990", "58990.1", "58990", symbol=PAIR)
    coin = ask.coin("BTC")
    assert (coin["locked"], coin["walletBalance"]) == ("0", "1")


def test_exits_of_a_position_follow_its_size_and_end_with_it(ask: Asker) -> None:
    ask.market(qty="0.1", takeProfit="61000", stopLoss="59000")
    ask.market(qty="0.1")
    assert {line["qty"] for line in waiting(ask).values()} == {"0.200"}
    ask.market(side="Sell", qty="0.2")
    assert waiting(ask) == {}
    assert (ask.position()["takeProfit"], ask.position()["stopLoss"]) == ("", "")
    ended = ask.get("/v5/order/history", category="linear", orderStatus="Deactivated")["list"]
    assert {line["cancelType"] for line in ended} == {"CancelByTpSlTsClear"}


def test_a_take_profit_closes_the_whole_position(ask: Asker) -> None:
    ask.market(side="Sell", qty="0.1", takeProfit="59000", stopLoss="61000")
    ask.price("58999.9", "59000", "59000")
    assert (ask.position()["size"], waiting(ask)) == ("0.000", {})
    done = ask.get("/v5/order/history", category="linear", orderStatus="Filled")["list"][0]
    assert (done["createType"], done["stopOrderType"], done["closeOnTrigger"]) == (
        "CreateByTakeProfit",
        "TakeProfit",
        True,
    )


def test_canceling_an_exit_takes_it_from_the_position(ask: Asker) -> None:
    ask.market(qty="0.1", takeProfit="61000")
    ask.post("/v5/order/cancel", **NAME, orderId=waiting(ask)["TakeProfit"]["orderId"])
    assert ask.position()["takeProfit"] == ""


def test_partial_exits_of_an_entry_come_with_each_fill(ask: Asker) -> None:
    exits = {"takeProfit": "61000", "stopLoss": "58000", "tpslMode": "Partial"}
    exits |= {"tpOrderType": "Limit", "tpLimitPrice": "60990"}
    order_id = ask.order(qty="0.03", **exits)
    for qty in ("0.01", "0.02"):
        ask.door("POST", "/fill", {"order": order_id, "qty": qty, "price": "59000"})
    found = ask.get("/v5/order/realtime", **NAME)["list"]
    assert sorted((line["stopOrderType"], line["qty"]) for line in found) == [
        ("PartialStopLoss", "0.010"), ("PartialStopLoss", "0.020"),
        ("PartialTakeProfit", "0.010"), ("PartialTakeProfit", "0.020"),
    ]  # fmt: skip
    ask.price("61000", "61000.1", "61000")
    assert (ask.position()["size"], waiting(ask)) == ("0.000", {})


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"takeProfit": "50000"}, 10001),
        ({"takeProfit": "61000.05"}, 10001),
        ({"tpslMode": "Nothing", "takeProfit": "61000"}, 10001),
        ({"tpslMode": "Partial", "takeProfit": "61000"}, 10001),
        ({"tpslMode": "Partial", "takeProfit": "61000", "tpSize": "1"}, 10001),
        ({"takeProfit": "61000", "tpOrderType": "Limit", "tpLimitPrice": "61000"}, 10001),
        ({"trailingStop": "0.05"}, 10001),
        ({"positionIdx": 1, "takeProfit": "61000"}, 10001),
        ({}, 34040),
        ({"takeProfit": "0"}, 34040),
    ],
)
def test_exits_that_cannot_be_are_refused(ask: Asker, fields: dict[str, Any], expected: int) -> None:
    ask.market(qty="0.1")
    assert ask.refused("/v5/position/trading-stop", **NAME, **fields)[0] == expected


def test_exits_need_a_position(ask: Asker) -> None:
    assert ask.refused("/v5/position/trading-stop", **NAME, takeProfit="61000")[0] == 10001


def test_a_trail_waits_for_its_price_then_follows(ask: Asker) -> None:
    ask.market(side="Sell", qty="0.1")
    ask.post("/v5/position/trading-stop", **NAME, tpslMode="Full", trailingStop="100", activePrice="59800")
    assert ask.position()["trailingStop"] == "100"
    ask.price("60200", "60200.1", "60200")
    assert ask.position()["size"] == "0.100"
    for last in ("59800", "59700", "59750"):
        ask.price(last, f"{last}.1", last)
        assert ask.position()["size"] == "0.100"
    ask.price("59800", "59800.1", "59800")
    assert (ask.position()["size"], ask.position()["trailingStop"]) == ("0.000", "0")


def test_a_conditional_close_takes_the_size_of_its_moment(ask: Asker) -> None:
    ask.market(qty="0.1")
    close = ask.market(
        side="Sell", qty="0", triggerPrice="59000", triggerDirection=2, reduceOnly=True, closeOnTrigger=True
    )  # fmt: skip
    ask.market(qty="0.2")
    ask.price("58990", "58990.1", "58990")
    assert (ask.shown(close)["cumExecQty"], ask.position()["size"]) == ("0.300", "0.000")


def test_a_conditional_close_without_a_position_ends(ask: Asker) -> None:
    close = ask.market(side="Sell", triggerPrice="59000", triggerDirection=2, reduceOnly=True)
    ask.price("58990", "58990.1", "58990")
    done = ask.shown(close)
    assert (done["orderStatus"], done["cancelType"]) == ("Cancelled", "CancelByReduceOnly")


def test_modes_and_leverage(ask: Asker) -> None:
    switch = "/v5/position/switch-mode"
    assert ask.refused(switch, category="linear", mode=1, symbol="BTCUSDT")[0] == 10001
    assert ask.refused(switch, category="linear", mode=0, coin="USDT")[0] == 110025
    order_id = ask.order()
    assert ask.refused(switch, category="linear", mode=3, symbol="BTCUSDT")[0] == 110028
    ask.post("/v5/order/cancel", **NAME, orderId=order_id)
    ask.market()
    assert ask.refused(switch, category="linear", mode=3, coin="USDT")[0] == 110024
    ask.market(side="Sell", reduceOnly=True)
    ask.post(switch, category="linear", mode=3, coin="USDT")
    ask.market(positionIdx=1)
    ask.market(side="Sell", positionIdx=2, qty="0.02")
    assert ask.refused("/v5/order/create", **ask.wish(positionIdx=1, reduceOnly=True))[0] == 110017
    assert (ask.position(1)["size"], ask.position(2)["size"]) == ("0.010", "0.020")
    for buy, sell, code in (("5", "6", 10001), ("101", "101", 110013), ("0.5", "0.5", 110013), ("10", "10", 110043)):
        found = ask.refused("/v5/position/set-leverage", **NAME, buyLeverage=buy, sellLeverage=sell)
        assert found[0] == code


def test_one_side_of_a_hedge_never_becomes_the_other(ask: Asker) -> None:
    ask.post("/v5/position/switch-mode", category="linear", mode=3, symbol="BTCUSDT")
    ask.market(positionIdx=1, qty="0.1")
    sold = ask.market(side="Sell", positionIdx=1, qty="0.5")
    assert (ask.shown(sold)["qty"], ask.shown(sold)["reduceOnly"], ask.position(1)["size"]) == ("0.100", True, "0.000")
    assert ask.refused("/v5/order/create", **ask.wish(side="Sell", price="61000", positionIdx=1))[0] == 110017


def test_an_exit_of_a_whole_position_keeps_its_size(ask: Asker) -> None:
    ask.market(qty="0.1", takeProfit="61000")
    exit_id = waiting(ask)["TakeProfit"]["orderId"]
    assert ask.refused("/v5/order/amend", **NAME, orderId=exit_id, qty="0.05")[0] == 10001
    ask.post("/v5/order/amend", **NAME, orderId=exit_id, triggerPrice="61500")
    assert waiting(ask)["TakeProfit"]["triggerPrice"] == "61500"
    assert ask.position()["takeProfit"] == "61500"


def test_a_closing_order_grows_no_further_than_its_position(ask: Asker) -> None:
    ask.market(qty="0.1")
    order_id = ask.order(side="Sell", price="61000", qty="0.05", reduceOnly=True)
    ask.post("/v5/order/amend", **NAME, orderId=order_id, qty="0.5")
    assert ask.shown(order_id)["qty"] == "0.100"


def test_leverage_that_the_margin_does_not_bear_is_refused(ask: Asker) -> None:
    ask.market(qty="10")
    assert ask.refused("/v5/position/set-leverage", **NAME, buyLeverage="1", sellLeverage="1")[0] == 110007
    assert ask.position()["leverage"] == "10"


def test_exits_are_changed_with_their_order(ask: Asker) -> None:
    order_id = ask.order(takeProfit="61000")
    ask.post("/v5/order/amend", **NAME, orderId=order_id, takeProfit="0", stopLoss="58000")
    assert (ask.shown(order_id)["takeProfit"], ask.shown(order_id)["stopLoss"]) == ("", "58000")
    ask.door("POST", "/fill", {"order": order_id, "qty": "0.01", "price": "59000"})
    assert set(waiting(ask)) == {"StopLoss"}


def test_positions_are_asked_for_by_name(ask: Asker) -> None:
    path = "/v5/position/list"
    for query, code in (({"category": "spot"}, 10001), ({"category": "linear"}, 10001), ({"category": "inverse"}, 0)):
        assert json.loads(ask.raw("GET", path, query=query).body)["retCode"] == code
    ask.market(qty="0.1")
    ask.market(symbol="ETHUSDT", qty="1")
    first = ask.get(path, category="linear", settleCoin="USDT", limit="1")
    rest = ask.get(path, category="linear", settleCoin="USDT", limit="1", cursor=first["nextPageCursor"])
    assert [line["symbol"] for line in (*first["list"], *rest["list"])] == ["BTCUSDT", "ETHUSDT"]
    assert ask.get(path, category="linear", settleCoin="USDC")["list"] == []
    assert ask.get(path, category="linear", symbol="SOLUSDT")["list"][0]["side"] == ""

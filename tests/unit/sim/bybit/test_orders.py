"""Orders from entry to end: what is refused at once, what is told later, and what becomes of the money."""

from __future__ import annotations

import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.sim.bybit.conftest import CONTRACT, PAIR, Asker

D = Decimal


def test_an_answer_says_received_and_no_more(ask: Asker) -> None:
    body = json.dumps(ask.wish(timeInForce="FOK", orderLinkId="mine")).encode()
    answer = json.loads(ask.raw("POST", "/v5/order/create", body).body)
    assert set(answer) == {"retCode", "retMsg", "result", "retExtInfo", "time"}
    assert set(answer["result"]) == {"orderId", "orderLinkId"}
    assert ask.shown(answer["result"]["orderId"])["orderStatus"] == "Cancelled"


def test_ids_are_numbers_for_pairs_and_uuids_for_contracts(ask: Asker) -> None:
    assert len(ask.order("spot")) == 19
    assert len(ask.order()) == 36


def test_the_same_seed_gives_the_same_ids_whoever_listens(new_venue: Callable[..., Asker]) -> None:
    first, second, third = new_venue(seed=7), new_venue(seed=7), new_venue(seed=8)
    second.private("order", "execution", "position", "wallet")
    found = [(ask.order(), ask.market(), ask.order("spot")) for ask in (first, second, third)]
    assert found[0] == found[1] != found[2]
    assert first.door("GET", "/fills") == second.door("GET", "/fills")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"category": "nothing"}, 10001),
        ({"category": "inverse"}, 10001),
        ({"symbol": ""}, 10001),
        ({"side": None}, 10001),
        ({"side": "buy"}, 10001),
        ({"orderType": "Stop"}, 10001),
        ({"qty": 0.01}, 10001),
        ({"qty": "x"}, 10001),
        ({"qty": "-1"}, 10001),
        ({"qty": "0"}, 10001),
        ({"qty": "1e3000"}, 10001),
        ({"price": None}, 10001),
        ({"price": "0"}, 10001),
        ({"timeInForce": "DAY"}, 10001),
        ({"orderLinkId": "a b"}, 10001),
        ({"orderLinkId": "é"}, 10001),
        ({"smpType": "All"}, 10001),
        ({"positionIdx": 2}, 10001),
        ({"triggerPrice": "61000"}, 10001),
        ({"triggerPrice": "61000", "triggerDirection": 2}, 110093),
        ({"triggerPrice": "59000", "triggerDirection": 1}, 110092),
        ({"triggerPrice": "61000", "triggerDirection": 1, "triggerBy": "Nothing"}, 10001),
        ({"takeProfit": "58000"}, 10001),
        ({"stopLoss": "61000"}, 10001),
        ({"takeProfit": "61000", "reduceOnly": True}, 10001),
        ({"takeProfit": "61000", "tpOrderType": "Limit", "tpLimitPrice": "61000"}, 10001),
        ({"reduceOnly": True}, 110017),
        ({"qty": "2000"}, 10001),
        ({"qty": "200"}, 110007),
    ],
)
def test_contracts_are_refused(ask: Asker, changes: dict[str, Any], expected: int) -> None:
    before = ask.door("GET", "/orders")[1]
    assert ask.refused("/v5/order/create", **ask.wish(**changes))[0] == expected
    assert ask.door("GET", "/orders")[1] == before


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"symbol": "NOPE"}, 170121),
        ({"qty": "0.0000001"}, 170137),
        ({"qty": "100"}, 170124),
        ({"qty": "1.7"}, 170131),
        ({"price": "0.05"}, 170134),
        ({"price": "2000000.1"}, 170132),
        ({"price": "61000"}, 170193),
        ({"side": "Sell", "price": "59000"}, 170194),
        ({"orderFilter": "Else"}, 10001),
        ({"orderFilter": "StopOrder"}, 10001),
        ({"orderType": "Market", "marketUnit": "BTC"}, 10001),
        ({"orderType": "Market", "qty": "4"}, 170140),
        ({"orderType": "Market", "qty": "9000000"}, 170124),
        ({"orderType": "Market", "qty": "100001"}, 170131),
        ({"orderType": "Market", "qty": "100", "takeProfit": "70000"}, 10001),
    ],
)
def test_pairs_are_refused(ask: Asker, changes: dict[str, Any], expected: int) -> None:
    assert ask.refused("/v5/order/create", **ask.wish("spot", **changes))[0] == expected


def test_small_numbers_may_come_as_text(ask: Asker) -> None:
    order_id = ask.order(positionIdx="0", reduceOnly="false", triggerPrice="61000", triggerDirection="1")
    assert ask.shown(order_id)["orderStatus"] == "Untriggered"


def test_a_resting_order_makes_at_its_own_price(ask: Asker) -> None:
    order_id = ask.order(price="60000")
    ask.price("59990", "59995", "59995")
    done = ask.shown(order_id)
    assert (done["orderStatus"], done["avgPrice"]) == ("Filled", "60000")
    (fill,) = ask.get("/v5/execution/list", category="linear", orderId=order_id)["list"]
    assert (fill["isMaker"], fill["feeRate"], fill["execFee"]) == (True, "0.0002", "0.12")


def test_a_part_fill_and_a_cancel_differ_between_pairs_and_contracts(ask: Asker) -> None:
    for category, status in (("spot", "PartiallyFilledCanceled"), ("linear", "Cancelled")):
        order_id = ask.order(category)
        assert ask.door("POST", "/fill", {"order": order_id, "qty": "0.004", "price": "59000"})[0] == 204
        assert ask.shown(order_id, category)["orderStatus"] == "PartiallyFilled"
        ask.post("/v5/order/cancel", category=category, symbol="BTCUSDT", orderId=order_id)
        done = ask.shown(order_id, category)
        assert (done["orderStatus"], done["cancelType"]) == (status, "CancelByUser")
        assert (D(done["cumExecQty"]), D(done["leavesQty"])) == (D("0.004"), 0)


def test_a_market_buy_that_cannot_spend_the_rest_is_filled_in_part(ask: Asker) -> None:
    order_id = ask.market("spot", qty="6000.04")
    ask.price("60000", "60000.1", "60000", symbol=PAIR)
    done = ask.shown(order_id, "spot")
    assert (done["orderStatus"], done["cumExecQty"]) == ("Filled", "0.100000")


def test_amending_changes_in_place(ask: Asker) -> None:
    order_id = ask.order(orderLinkId="mine")
    ask.door("POST", "/fill", {"order": "mine", "qty": "0.004", "price": "59000"})
    name = {"category": "linear", "symbol": "BTCUSDT", "orderId": order_id}
    assert ask.refused("/v5/order/amend", **name, qty="0.004")[0] == 110064
    assert ask.refused("/v5/order/amend", **name, qty="0.01", price="59000")[0] == 10001
    ask.post("/v5/order/amend", **name, qty="0.02", price="58000")
    shown = ask.shown(order_id)
    assert (shown["qty"], shown["price"], shown["leavesQty"]) == ("0.020", "58000", "0.016")
    assert shown["orderStatus"] == "PartiallyFilled"
    ask.post("/v5/order/amend", **name, price="60010.1")
    assert ask.shown(order_id)["orderStatus"] == "Filled"


def test_amending_into_the_market_ends_a_post_only_order(ask: Asker) -> None:
    order_id = ask.order(timeInForce="PostOnly")
    ask.post("/v5/order/amend", category="linear", symbol="BTCUSDT", orderId=order_id, price="60010.1")
    done = ask.shown(order_id)
    assert (done["orderStatus"], done["rejectReason"]) == ("Cancelled", "EC_PostOnlyWillTakeLiquidity")


def test_the_spot_code_for_less_than_filled_is_another(ask: Asker) -> None:
    order_id = ask.order("spot")
    ask.door("POST", "/fill", {"order": order_id, "qty": "0.004", "price": "59000"})
    found = ask.refused("/v5/order/amend", category="spot", symbol="BTCUSDT", orderId=order_id, qty="0.004")
    assert found[0] == 170313


def test_amending_upwards_needs_the_money(ask: Asker) -> None:
    order_id = ask.order("spot", qty="1")
    name = {"category": "spot", "symbol": "BTCUSDT", "orderId": order_id}
    assert ask.refused("/v5/order/amend", **name, qty="1.7")[0] == 170131
    ask.post("/v5/order/amend", **name, qty="1.5")
    assert ask.coin()["locked"] == "88500"


def test_closing_orders_never_turn_a_position(ask: Asker) -> None:
    ask.market(qty="0.1")
    sold = ask.market(side="Sell", qty="0.5", reduceOnly=True)
    assert (ask.shown(sold)["qty"], ask.position()["size"]) == ("0.100", "0.000")


def test_closing_orders_shrink_and_end_with_their_position(ask: Asker) -> None:
    ask.market(qty="0.1")
    rests = ask.order(side="Sell", price="61000", qty="0.1", reduceOnly=True)
    ask.market(side="Sell", qty="0.04")
    assert ask.shown(rests)["qty"] == "0.060"
    ask.market(side="Sell", qty="0.06")
    done = ask.shown(rests)
    assert (done["orderStatus"], done["cancelType"]) == ("Cancelled", "CancelByReduceOnly")


@pytest.mark.parametrize("plain", [True, False])
def test_closing_orders_that_are_met_at_once_never_close_twice(ask: Asker, plain: bool) -> None:
    ask.market(qty="0.1")
    first = ask.order(side="Sell", price="60100", qty="0.07", reduceOnly=not plain)
    second = ask.order(side="Sell", price="60200", qty="0.1", reduceOnly=True)
    third = ask.order(side="Sell", price="60300", qty="0.1", reduceOnly=True)
    ask.price("61000", "61000.1", "61000")
    assert ask.shown(first)["orderStatus"] == "Filled"
    cut, late = ask.shown(second), ask.shown(third)
    assert (cut["orderStatus"], cut["cumExecQty"], cut["cancelType"]) == ("Cancelled", "0.030", "CancelByReduceOnly")
    assert (late["orderStatus"], late["cumExecQty"], late["cancelType"]) == ("Cancelled", "0.000", "CancelByReduceOnly")
    assert ask.position()["size"] == "0.000"
    assert D(ask.coin()["walletBalance"]) == 100_000 + sum(
        (D(line["change"]) for line in ask.get("/v5/account/transaction-log")["list"]), D(0)
    )


def test_one_way_positions_turn_with_exact_profit(ask: Asker) -> None:
    ask.market(qty="0.3")
    ask.price("60100", "60100.1", "60100")
    ask.market(side="Sell", qty="0.1")
    ask.price("59900", "59900.1", "59900")
    ask.market(side="Sell", qty="0.4")
    held = ask.position()
    assert (held["side"], held["size"], held["avgPrice"]) == ("Sell", "0.200", "59900")
    pnl = (D("60100") - D("60010.1")) * D("0.1") + (D("59900") - D("60010.1")) * D("0.2")
    fees = D("0.00055") * (D("0.3") * D("60010.1") + D("0.1") * 60100 + D("0.4") * 59900)
    assert D(ask.coin()["walletBalance"]) == 100_000 + pnl - fees
    closed = ask.get("/v5/position/closed-pnl", category="linear")["list"]
    assert [line["closedSize"] for line in closed] == ["0.200", "0.100"]


def test_margins_follow_positions_and_orders(ask: Asker) -> None:
    ask.order(qty="1", price="50000")
    account = ask.get("/v5/account/wallet-balance", accountType="UNIFIED")["list"][0]
    assert account["totalInitialMargin"] == "5000"
    ask.market(qty="1")
    coin = ask.coin()
    assert (coin["totalOrderIM"], coin["totalPositionIM"]) == ("5000", "6001.01")
    ask.order(side="Sell", qty="1", price="61000")
    assert ask.coin()["totalOrderIM"] == "5000"


def test_what_backs_contracts_cannot_be_spent_on_coins(ask: Asker) -> None:
    ask.market(qty="10")
    assert ask.refused("/v5/order/create", **ask.wish("spot", qty="1"))[0] == 170131
    ask.order("spot", qty="0.6")


def test_pre_check_looks_and_does_nothing(ask: Asker) -> None:
    found = ask.post("/v5/order/pre-check", **ask.wish(orderLinkId="look"))
    assert (found["orderLinkId"], "preImrE4" in found) == ("look", True)
    assert ask.refused("/v5/order/pre-check", **ask.wish(qty="200"))[0] == 110007
    assert ask.door("GET", "/orders")[1] == []


def test_cancel_all_takes_what_is_meant(ask: Asker) -> None:
    ask.order()
    ask.order(symbol="ETHUSDT", price="3000", qty="0.1")
    ask.order(triggerPrice="61000", triggerDirection=1)
    spot = ask.order("spot")
    waits = ask.order("spot", side="Sell", price="70000", triggerPrice="69000", orderFilter="tpslOrder")
    assert ask.refused("/v5/order/cancel-all", category="linear")[0] == 10001
    assert len(ask.post("/v5/order/cancel-all", category="linear", baseCoin="ETH")["list"]) == 1
    assert (
        len(ask.post("/v5/order/cancel-all", category="linear", symbol="BTCUSDT", orderFilter="StopOrder")["list"]) == 1
    )
    assert len(ask.post("/v5/order/cancel-all", category="linear", settleCoin="USDT")["list"]) == 1
    assert [line["orderId"] for line in ask.post("/v5/order/cancel-all", category="spot")["list"]] == [spot]
    assert ask.shown(waits, "spot")["orderStatus"] == "Untriggered"


def test_orders_that_ended_empty_are_forgotten_after_a_day(ask: Asker) -> None:
    gone, filled = ask.order(), ask.market()
    ask.post("/v5/order/cancel", category="linear", symbol="BTCUSDT", orderId=gone)
    assert len(ask.get("/v5/order/history", category="linear")["list"]) == 2
    ask.later(24 * 3600 + 1)
    assert [line["orderId"] for line in ask.get("/v5/order/history", category="linear")["list"]] == [filled]
    ask.later(7 * 24 * 3600)
    assert ask.get("/v5/order/history", category="linear")["list"] == []


def test_open_orders_need_a_name_and_come_newest_first(ask: Asker) -> None:
    ids = [ask.order(price=str(59000 + n)) for n in range(3)]
    body = json.loads(ask.raw("GET", "/v5/order/realtime", query={"category": "linear"}).body)
    assert body["retCode"] == 10001
    page = ask.get("/v5/order/realtime", category="linear", settleCoin="USDT", limit="2")
    assert [line["orderId"] for line in page["list"]] == ids[:0:-1]
    rest = ask.get("/v5/order/realtime", category="linear", settleCoin="USDT", limit="2", cursor=page["nextPageCursor"])
    assert [line["orderId"] for line in rest["list"]] == ids[:1]
    assert ask.get("/v5/order/realtime", category="linear", settleCoin="USDC")["list"] == []
    assert ask.get("/v5/order/realtime", category="linear", orderLinkId="x", symbol="BTCUSDT")["list"] == []


def test_times_asked_for_are_seven_days_at_most(ask: Asker) -> None:
    day = 86_400_000
    end = int(ask.clock.now().timestamp() * 1000)
    query = {"category": "linear", "startTime": str(end - 8 * day), "endTime": str(end)}
    assert json.loads(ask.raw("GET", "/v5/execution/list", query=query).body)["retCode"] == 10001
    assert (
        ask.get("/v5/execution/list", category="linear", startTime=str(end - 7 * day), endTime=str(end))["list"] == []
    )


def test_the_door_shows_our_words(ask: Asker) -> None:
    ask.order("spot", orderLinkId="mine")
    ask.order(triggerPrice="61000", triggerDirection=1, orderType="Market", price=None)
    ask.market(side="Sell")
    spot, waiting, sold = ask.door("GET", "/orders")[1]
    assert (spot["client"], spot["symbol"], spot["status"], spot["limit"]) == ("mine", PAIR, "new", "59000")
    assert (waiting["status"], waiting["type"], waiting["stop"], waiting["limit"]) == (
        "held",
        "stop_market",
        "61000",
        None,
    )
    assert (sold["symbol"], sold["side"], sold["status"], sold["avg_px"]) == (CONTRACT, "sell", "filled", "60010")
    held = ask.door("GET", "/positions")[1]
    assert held[0] == {"symbol": CONTRACT, "quantity": "-0.01", "avg_px": "60010"}
    assert held[1] == {"symbol": PAIR, "quantity": "1", "avg_px": None}
    ask.market("spot", qty="600.001")
    lines = {line["symbol"]: line for line in ask.door("GET", "/positions")[1]}
    assert lines[PAIR]["quantity"] == "1.00999"
    assert ask.door("GET", "/fills")[1][-1]["fee_currency"] == "BTC"


def test_a_venue_may_be_free_and_begin_with_money_alone(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(free=True, balances={"USDT": D(1000)})
    ask.price("60000", "60000.1", "60000", symbol=PAIR)
    ask.market("spot", qty="600.001")
    ask.market(symbol="ETHUSDT", qty="0.1")
    assert ask.door("GET", "/positions")[1][1:] == [{"symbol": PAIR, "quantity": "0.01", "avg_px": None}]
    assert {fill["fee"] for fill in ask.door("GET", "/fills")[1]} == {"0"}
    assert ask.get("/v5/account/fee-rate", category="linear")["list"][0]["takerFeeRate"] == "0"


def test_hands_that_cannot_be_played_are_refused(ask: Asker) -> None:
    waiting = ask.order(triggerPrice="61000", triggerDirection=1)
    for path, body, status, field in (
        ("/fill", {"order": waiting, "qty": "0.01", "price": "1"}, 409, "order"),
        ("/fill", {"order": "nobody", "qty": "1", "price": "1"}, 404, "order"),
        ("/fill", {"order": ask.order(), "qty": "1", "price": "1"}, 422, "qty"),
        ("/price", {"symbol": "BTC/EUR", "bid": "1", "ask": "2"}, 422, "symbol"),
        ("/busts", {"exec": "x"}, 409, "exec"),
        ("/corrections", {"exec": "x", "qty": "1", "price": "1"}, 409, "exec"),
        ("/book", {"symbol": CONTRACT, "what": "burn"}, 422, "what"),
        ("/book", {"symbol": "BTC/EUR", "what": "gap"}, 422, "symbol"),
        ("/cross", {"order": waiting, "price": "1"}, 409, "order"),
    ):
        found, problem = ask.door("POST", path, body)
        assert (found, problem["field"]) == (status, field), path


def test_reset_is_the_first_day_again(ask: Asker) -> None:
    before = ask.order()
    ask.market()
    assert ask.door("POST", "/reset", {})[0] == 204
    assert ask.door("GET", "/orders")[1] == []
    assert ask.coin()["walletBalance"] == "100000"
    assert ask.order() == before


# --- Where sizes count -----------------------------------------------------------------------------------------------


@pytest.fixture
def deep(new_venue: Callable[..., Asker]) -> Asker:
    """Ten coins at the touch, and the seeded levels behind them."""
    ask = new_venue(displayed=True, balances={"USDT": D(10_000_000), "BTC": D(100)})
    ask.price("60000", "60000.1", "60000", symbol=PAIR)
    ask.price("60010", "60010.1", "60010")
    return ask


@pytest.mark.parametrize("category", ["spot", "linear"])
def test_a_large_order_walks_the_book_in_one_message(deep: Asker, category: str) -> None:
    levels = deep.get("/v5/market/orderbook", category=category, symbol="BTCUSDT", limit="200")["a"]
    wire = deep.private("order", "execution")
    order_id = deep.market(category, qty="12", marketUnit="baseCoin")
    frames = wire.heard()
    fills = [line for frame in frames if frame["topic"] == "execution" for line in frame["data"]]
    assert [D(fill["execPrice"]) for fill in fills] == [D(price) for price, _ in levels[: len(fills)]]
    assert D(fills[0]["execQty"]) == D(levels[0][1]) == 10
    assert len(fills) > 2
    done = deep.shown(order_id, category)
    assert (done["orderStatus"], D(done["cumExecQty"])) == ("Filled", 12)
    worth = sum(D(fill["execPrice"]) * D(fill["execQty"]) for fill in fills)
    assert D(done["cumExecValue"]) == worth
    states = [line["orderStatus"] for frame in frames if frame["topic"] == "order" for line in frame["data"]]
    assert states == ["PartiallyFilled"] * (len(fills) - 1) + ["Filled"]


@pytest.mark.parametrize(("category", "status"), [("spot", "PartiallyFilledCanceled"), ("linear", "Cancelled")])
def test_what_the_band_does_not_hold_is_canceled(deep: Asker, category: str, status: str) -> None:
    order_id = deep.order(category, qty="12", price="60011", timeInForce="IOC")
    done = deep.shown(order_id, category)
    assert (done["orderStatus"], done["rejectReason"]) == (status, "EC_NoImmediateQtyToFill")
    assert 10 <= D(done["cumExecQty"]) < 12
    all_or_nothing = deep.shown(deep.order(category, qty="12", price="60011", timeInForce="FOK"), category)
    assert (all_or_nothing["rejectReason"], D(all_or_nothing["cumExecQty"])) == ("EC_NoEnoughQtyToFill", 0)


def test_a_resting_order_is_filled_as_far_as_the_market_shows(deep: Asker) -> None:
    order_id = deep.order(qty="15", price="60000")
    deep.price("59990", "60000", "60000")
    assert (deep.shown(order_id)["orderStatus"], deep.shown(order_id)["cumExecQty"]) == ("PartiallyFilled", "10.000")
    deep.price("59990", "59995", "59995")
    assert (deep.shown(order_id)["orderStatus"], deep.shown(order_id)["avgPrice"]) == ("Filled", "60000")

"""Orders of every type: what is answered, what is told, what the balances do."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.sim.binance.conftest import Asker

CLIENT_ID = "^[a-zA-Z0-9-_]{1,36}$"
DECIMAL = r"^([0-9]{1,20})(\.[0-9]{1,20})?$"


def steps(events: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """Execution type and status of every report."""
    return [(e["x"], e["X"]) for e in events if e["e"] == "executionReport"]


def test_a_market_order_is_filled_in_its_answer(ask: Asker) -> None:
    user = ask.account()
    placed = ask.market(quantity="0.01")
    assert (placed["status"], placed["executedQty"], placed["cummulativeQuoteQty"], placed["price"]) == (
        "FILLED", "0.01000000", "600.01000000", "0.00000000",
    )  # fmt: skip
    (fill,) = placed["fills"]
    assert (fill["price"], fill["commission"], fill["commissionAsset"]) == ("60001.00000000", "0.00001000", "BTC")
    events = user.events()
    assert steps(events) == [("NEW", "NEW"), ("TRADE", "FILLED")]
    trade = events[1]
    assert (trade["l"], trade["L"], trade["Y"], trade["n"], trade["N"], trade["t"], trade["m"]) == (
        "0.01000000", "60001.00000000", "600.01000000", "0.00001000", "BTC", fill["tradeId"], False,
    )  # fmt: skip
    assert events[-1]["e"] == "outboundAccountPosition"
    assert events[-1]["B"] == [
        {"a": "BTC", "f": "2.00999000", "l": "0.00000000"},
        {"a": "USDT", "f": "99399.99000000", "l": "0.00000000"},
    ]


def test_a_seller_pays_of_the_money(ask: Asker) -> None:
    (fill,) = ask.market("SELL")["fills"]
    assert (fill["commission"], fill["commissionAsset"]) == ("0.59999000", "USDT")
    assert ask.balance("USDT")[0] == "100599.39001000"
    assert ask.balance("BTC")[0] == "1.99000000"


def test_a_market_order_by_money_spends_as_much_as_fits(ask: Asker) -> None:
    placed = ask.market(quantity=None, quoteOrderQty="1000")
    assert (placed["status"], placed["executedQty"], placed["origQty"], placed["origQuoteOrderQty"]) == (
        "FILLED", "0.01666000", "0.01666000", "1000.00000000",
    )  # fmt: skip
    assert placed["cummulativeQuoteQty"] == "999.61666000"


def test_a_limit_order_rests_locks_and_fills_as_maker(ask: Asker) -> None:
    user = ask.account()
    placed = ask.order(newClientOrderId="mine-1")
    assert (placed["status"], placed["clientOrderId"], placed["fills"]) == ("NEW", "mine-1", [])
    assert ask.balance("USDT") == ("99500.00000000", "500.00000000")
    ask.price("49990", "50000", "50000")
    seen = ask.seen(placed)
    assert (seen["status"], seen["isWorking"]) == ("FILLED", True)
    assert ask.balance("USDT") == ("99500.00000000", "0.00000000")
    (trade,) = ask("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert (trade["isMaker"], trade["isBuyer"], trade["price"], trade["orderId"]) == (
        True, True, "50000.00000000", placed["orderId"],
    )  # fmt: skip
    assert steps(user.events()) == [("NEW", "NEW"), ("TRADE", "FILLED")]


def test_an_immediate_order_ends_where_the_market_ends(ask: Asker) -> None:
    user = ask.account()
    gone = ask.order(timeInForce="IOC")
    assert (gone["status"], gone["expiryReason"]) == ("EXPIRED", "UNFILLED_IOC_QUANTITY_EXPIRED")
    assert ask.order(timeInForce="FOK")["expiryReason"] == "UNFILLED_FOK_ORDER_EXPIRED"
    assert ask.order(timeInForce="FOK", price="60001")["status"] == "FILLED"
    events = user.events()
    assert steps(events)[:2] == [("NEW", "NEW"), ("EXPIRED", "EXPIRED")]
    assert events[1]["eR"] == "UNFILLED_IOC_QUANTITY_EXPIRED"


def test_a_thin_book_fills_in_part(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(displayed=True, balances={"USDT": Decimal(10_000_000)})
    ask.price("59999", "60001", "60000")
    placed = ask.order(timeInForce="IOC", price="60001", quantity="12")  # ten are shown by hand
    assert (placed["status"], placed["executedQty"]) == ("EXPIRED", "10.00000000")
    rest = ask.order(price="60001", quantity="12")
    assert rest["status"] in {"NEW", "PARTIALLY_FILLED"}


def test_a_maker_order_never_takes(ask: Asker) -> None:
    assert ask.no_order(type="LIMIT_MAKER", timeInForce=None, price="60001") == (
        400, -2010, "Order would immediately match and take.",
    )  # fmt: skip
    placed = ask.order(type="LIMIT_MAKER", timeInForce=None, price="60000", newOrderRespType="RESULT")
    assert (placed["status"], placed["type"]) == ("NEW", "LIMIT_MAKER")


@pytest.mark.parametrize(
    ("terms", "before", "then", "fills"),
    [
        (("STOP_LOSS", "SELL", "58000", None), "58500", "57900", "57899.00000000"),
        (("STOP_LOSS", "BUY", "62000", None), "61500", "62100", "62101.00000000"),
        (("STOP_LOSS_LIMIT", "SELL", "58000", "57000"), "58500", "57900", "57899.00000000"),
        (("STOP_LOSS_LIMIT", "BUY", "62000", "63000"), "61500", "62100", "62101.00000000"),
        (("TAKE_PROFIT", "SELL", "62000", None), "61500", "62100", "62099.00000000"),
        (("TAKE_PROFIT", "BUY", "58000", None), "58500", "57900", "57901.00000000"),
        (("TAKE_PROFIT_LIMIT", "SELL", "62000", "61000"), "61500", "62100", "62099.00000000"),
        (("TAKE_PROFIT_LIMIT", "BUY", "58000", "59000"), "58500", "57900", "57901.00000000"),
    ],
)
def test_a_waiting_order_is_set_off_by_the_last_trade(
    ask: Asker, terms: tuple[str, str, str, str | None], before: str, then: str, fills: str
) -> None:
    kind, side, stop, price = terms
    user = ask.account()
    placed = ask.waiting(kind, side, stop, **({} if price is None else {"price": price}))
    assert (placed["status"], placed["workingTime"], placed["stopPrice"]) == ("NEW", -1, f"{stop}.00000000")
    ask.price(str(int(before) - 1), str(int(before) + 1), before)
    assert ask.seen(placed)["isWorking"] is False
    ask.price(str(int(then) - 1), str(int(then) + 1), then)
    assert ask.seen(placed)["status"] == "FILLED"
    (trade,) = ask("GET", "/api/v3/myTrades", symbol="BTCUSDT")
    assert trade["price"] == fills
    events = [e for e in user.events() if e["e"] == "executionReport"]
    assert [(e["x"], e["X"], e["w"]) for e in events] == [
        ("NEW", "NEW", False), ("NEW", "NEW", True), ("TRADE", "FILLED", False),
    ]  # fmt: skip
    assert "W" not in events[0]
    assert "W" in events[1]


@pytest.mark.parametrize(
    ("kind", "side", "stop"),
    [("STOP_LOSS", "SELL", "60000"), ("STOP_LOSS", "BUY", "60000"), ("TAKE_PROFIT", "SELL", "59000"),
     ("TAKE_PROFIT", "BUY", "61000")],
)  # fmt: skip
def test_a_trigger_on_the_wrong_side_is_refused(ask: Asker, kind: str, side: str, stop: str) -> None:
    assert ask.no_order(type=kind, side=side, stopPrice=stop, price=None, timeInForce=None) == (
        400, -2010, "Order would trigger immediately.",
    )  # fmt: skip


def test_a_trailing_stop_follows_the_highest_trade(ask: Asker) -> None:
    placed = ask.waiting("STOP_LOSS", "SELL", None, trailingDelta="100")
    assert (placed["trailingDelta"], placed["trailingTime"]) == (100, -1)
    ask.price("60999", "61001", "61000")
    assert ask.seen(placed)["trailingTime"] > 0
    ask.price("60400", "60402", "60401")
    assert ask.seen(placed)["status"] == "NEW"
    ask.price("60388", "60390", "60390")
    assert ask.seen(placed)["status"] == "FILLED"


def test_a_trailing_order_with_a_stop_price_trails_from_there(ask: Asker) -> None:
    placed = ask.waiting("TAKE_PROFIT", "BUY", "58000", trailingDelta="100")
    ask.price("58999", "59001", "59000")
    assert ask.seen(placed)["trailingTime"] == -1
    ask.price("57899", "57901", "57900")
    assert ask.seen(placed)["trailingTime"] > 0
    ask.price("58478", "58480", "58479")
    assert ask.seen(placed)["status"] == "FILLED"


def test_an_iceberg_is_taken_and_told(ask: Asker) -> None:
    assert ask.order(quantity="1", icebergQty="0.1")["icebergQty"] == "0.10000000"
    assert ask.no_order(quantity="1", icebergQty="0.001") == (400, -1013, "Filter failure: ICEBERG_PARTS")
    assert ask.no_order(quantity="1", icebergQty="2")[2] == "IcebergQty exceeds QTY."
    assert ask.no_order(quantity="1", icebergQty="0.1", timeInForce="IOC")[1] == -1014


@pytest.mark.parametrize(
    ("fields", "code", "text"),
    [
        ({"symbol": "NOPE"}, -1121, "Invalid symbol."),
        ({"symbol": "btcusdt"}, -1100, "Illegal characters found in parameter 'symbol'; legal range is '^[A-Z0-9-_.]{1,20}$'."),
        ({"symbol": None}, -1102, "Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."),
        ({"side": "HOLD"}, -1117, "Invalid side."),
        ({"type": "GUESS"}, -1116, "Invalid orderType."),
        ({"timeInForce": "DAY"}, -1115, "Invalid timeInForce."),
        ({"timeInForce": None}, -1102, "Mandatory parameter 'timeInForce' was not sent, was empty/null, or malformed."),
        ({"price": None}, -1102, "Mandatory parameter 'price' was not sent, was empty/null, or malformed."),
        ({"quantity": None}, -1102, "Mandatory parameter 'quantity' was not sent, was empty/null, or malformed."),
        ({"quantity": ""}, -1105, "Parameter 'quantity' was empty."),
        ({"quantity": "-1"}, -1100, "Illegal characters found in parameter 'quantity'; legal range is '"
         + DECIMAL + "'."),
        ({"quantity": "0"}, -1013, "Invalid quantity."),
        ({"price": "50000.000000001"}, -1111, "Parameter 'price' has too much precision."),
        ({"stopPrice": "1"}, -1106, "Parameter 'stopPrice' sent when not required."),
        ({"quoteOrderQty": "1"}, -1106, "Parameter 'quoteOrderQty' sent when not required."),
        ({"nonsense": "1"}, -1104, "Not all sent parameters were read; read '8' parameter(s) but was sent '9'."),
        ({"newClientOrderId": "a b"}, -1100, "Illegal characters found in parameter 'newClientOrderId'; legal range is '"
         + CLIENT_ID + "'."),
        ({"strategyType": "1"}, -1134, "`strategyType` was less than 1000000."),
        ({"selfTradePreventionMode": "TRANSFER"}, -1013, "This symbol does not allow the specified self-trade prevention mode."),
        ({"pegPriceType": "PRIMARY_PEG"}, -2010, "Pegged orders are not supported for this symbol."),
        ({"quantity": "0.000001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"quantity": "9001"}, -1013, "Filter failure: LOT_SIZE"),
        ({"price": "50000.001"}, -1013, "Filter failure: PRICE_FILTER"),
        ({"price": "1"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"price": "400000", "side": "SELL"}, -1013, "Filter failure: PERCENT_PRICE_BY_SIDE"),
        ({"quantity": "0.00001"}, -1013, "Filter failure: NOTIONAL"),
        ({"quantity": "3"}, -2010, "Account has insufficient balance for requested action."),
        ({"quantity": "3", "side": "SELL", "price": "70000"}, -2010, "Account has insufficient balance for requested action."),
    ],
)  # fmt: skip
def test_what_is_wrong_with_an_order_is_told_in_the_venues_words(
    ask: Asker, fields: dict[str, Any], code: int, text: str
) -> None:
    assert ask.no_order(**fields) == (400, code, text)
    assert ask("GET", "/api/v3/openOrders") == []


def test_a_market_order_needs_one_of_two_quantities(ask: Asker) -> None:
    wish = {"type": "MARKET", "timeInForce": None, "price": None}
    assert ask.no_order(**wish, quantity=None)[1:] == (
        -1102, "Param 'quantity' or 'quoteOrderQty' must be sent, but both were empty/null!",
    )  # fmt: skip
    assert ask.no_order(**wish, quoteOrderQty="10")[1] == -1106
    assert ask.no_order(type="MARKET", timeInForce=None)[1:] == (-1106, "Parameter 'price' sent when not required.")
    assert ask.no_order(**wish, quantity="901")[2] == "Filter failure: MARKET_LOT_SIZE"


def test_only_so_many_waiting_orders(ask: Asker) -> None:
    for number in range(5):
        ask.waiting("STOP_LOSS", "SELL", str(58_000 - number), quantity="0.001")
    assert ask.no_order(type="STOP_LOSS", side="SELL", stopPrice="57000", price=None, timeInForce=None) == (
        400, -1013, "Filter failure: MAX_NUM_ALGO_ORDERS",
    )  # fmt: skip


def test_a_client_id_is_unique_among_open_orders_and_free_after(ask: Asker) -> None:
    first = ask.order(newClientOrderId="mine")
    assert ask.no_order(newClientOrderId="mine") == (400, -2010, "Duplicate order sent.")
    ask("DELETE", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")
    second = ask.order(newClientOrderId="mine")
    assert ask("GET", "/api/v3/order", symbol="BTCUSDT", origClientOrderId="mine")["orderId"] == second["orderId"]
    assert ask.seen(first)["status"] == "CANCELED"


def test_answers_are_as_long_as_asked_for(ask: Asker) -> None:
    ack = {"symbol", "orderId", "orderListId", "clientOrderId", "transactTime"}
    assert set(ask.order(newOrderRespType="ACK")) == ack
    assert "fills" not in ask.order(newOrderRespType="RESULT")
    assert "fills" in ask.order()
    placed = ask.order(type="LIMIT_MAKER", timeInForce=None)
    assert set(placed) == ack


def test_a_test_order_places_nothing(ask: Asker) -> None:
    assert ask("POST", "/api/v3/order/test", **ask.order_of()) == {}
    rates = ask("POST", "/api/v3/order/test", **ask.order_of(), computeCommissionRates="true")
    assert rates["standardCommissionForOrder"] == {"maker": "0.00100000", "taker": "0.00100000"}
    assert ask.refused("POST", "/api/v3/order/test", **ask.order_of(price="1"))[1] == -1013
    assert ask("GET", "/api/v3/openOrders") == []


def test_a_fill_by_hand_is_a_fill(ask: Asker) -> None:
    placed = ask.order(newClientOrderId="mine")
    assert ask.door("POST", "/fill", {"order": "mine", "qty": "0.004", "price": "49000"})[0] == 204
    assert ask.seen(placed)["status"] == "PARTIALLY_FILLED"
    assert ask.balance("USDT") == ("99504.00000000", "300.00000000")
    assert ask.door("POST", "/fill", {"order": str(placed["orderId"]), "qty": "0.006", "price": "50000"})[0] == 204
    assert ask.seen(placed)["status"] == "FILLED"
    assert ask.door("POST", "/fill", {"order": "mine", "qty": "1", "price": "1"})[0] == 409
    assert [f["quantity"] for f in ask.door("GET", "/fills")[1]] == ["0.004", "0.006"]


def test_an_order_that_no_longer_fits_the_purse_when_it_is_set_off_expires(ask: Asker) -> None:
    user = ask.account()
    placed = ask.waiting("STOP_LOSS", "BUY", "62000", quantity="1.6")
    ask.price("62999", "63001", "63000")
    assert (ask.seen(placed)["status"], ask.seen(placed)["expiryReason"]) == ("EXPIRED", "REJECTED")
    assert user.events()[-2]["r"] == "INSUFFICIENT_BALANCES"

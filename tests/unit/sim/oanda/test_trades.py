"""Trades and positions: netted and hedged, first in first out, closed in every way, to the cent of the account."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.unit.sim.oanda.conftest import OandaAsker


def test_a_sale_reduces_the_oldest_trades_first_and_opens_the_rest(ask: OandaAsker) -> None:
    first, second = ask.open("100"), ask.open("50")
    ask.price("1.10510", "1.10520")
    fill = ask.place(units="-120")["orderFillTransaction"]
    (closed,), reduced = fill["tradesClosed"], fill["tradeReduced"]
    assert (closed["tradeID"], closed["units"], closed["realizedPL"]) == (first, "-100", "0.5000")
    assert (reduced["tradeID"], reduced["units"], reduced["realizedPL"]) == (second, "-20", "0.1000")
    assert (fill["pl"], fill["accountBalance"]) == ("0.6000", "100000.6000")
    over = ask.place(units="-50")["orderFillTransaction"]
    assert over["tradesClosed"][0]["tradeID"] == second
    assert over["tradeOpened"]["units"] == "-20"
    assert ask.positions() == {"EUR/USD": -20}
    trade = ask.trade(first)
    assert (trade["state"], trade["averageClosePrice"], trade["closingTransactionIDs"]) == (
        "CLOSED",
        "1.10510",
        [fill["id"]],
    )


def test_a_hedging_account_holds_both_sides(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda(hedging=True)
    ask.open("100")
    ask.open("-40")
    position = ask("GET", "./positions/EUR_USD")["position"]
    assert (position["long"]["units"], position["short"]["units"]) == ("100", "-40")
    assert Decimal(position["marginUsed"]) == Decimal("2.2001")  # the larger side
    assert ask.summary()["hedgingEnabled"] is True
    reduced = ask.place(units="-30", positionFill="REDUCE_FIRST")["orderFillTransaction"]
    assert reduced["tradeReduced"]["units"] == "-30"
    answer = ask("PUT", "./positions/EUR_USD/close", {"longUnits": "ALL", "shortUnits": "10"})
    assert answer["longOrderFillTransaction"]["units"] == "-70"
    assert answer["shortOrderFillTransaction"]["units"] == "10"
    assert answer["longOrderCreateTransaction"]["longPositionCloseout"] == {"instrument": "EUR_USD", "units": "ALL"}
    assert answer["longOrderFillTransaction"]["reason"] == "MARKET_ORDER_POSITION_CLOSEOUT"
    assert ask.positions() == {"EUR/USD": -30}


def test_netting_accounts_refuse_to_open_against_what_they_hold(ask: OandaAsker) -> None:
    ask.open("100")
    assert ask.place(units="-10", positionFill="OPEN_ONLY")["orderCancelTransaction"]["reason"] == "FIFO_VIOLATION"
    ask.hand("/account", fifo=True)
    newer = ask.open("10")
    answer = ask("PUT", f"./trades/{newer}/close")
    assert answer["orderCancelTransaction"]["reason"] == "FIFO_VIOLATION"
    assert ask.door("POST", "/account", {"hedging": True})[0] == 409


def test_a_trade_is_closed_in_parts_and_as_a_whole_with_its_orders(ask: OandaAsker) -> None:
    trade = ask.open(
        stopLossOnFill={"price": "1.05000"}, takeProfitOnFill={"price": "1.20000"}, tradeClientExtensions={"id": "t"}
    )
    part = ask("PUT", "./trades/@t/close", {"units": "40"})
    assert part["orderCreateTransaction"]["tradeClose"] == {"tradeID": trade, "clientTradeID": "t", "units": "40"}
    assert part["orderFillTransaction"]["reason"] == "MARKET_ORDER_TRADE_CLOSE"
    assert ask.trade(trade)["currentUnits"] == "60"
    for units, code in (
        ("61", "CLOSE_TRADE_UNITS_EXCEED_TRADE_SIZE"), ("0", "UNITS_INVALID"), ("0.5", "UNITS_PRECISION_EXCEEDED"),
        (None, "CLOSE_TRADE_PARTIAL_UNITS_MISSING"),
    ):  # fmt: skip
        status, body = ask.refused("PUT", f"./trades/{trade}/close", {"units": units})
        assert (status, body["errorCode"], body["orderRejectTransaction"]["reason"]) == (400, code, "TRADE_CLOSE")
    whole = ask("PUT", f"./trades/{trade}/close", {"units": "ALL"})
    canceled = ask.log()[-2:]
    assert {one["reason"] for one in canceled} == {"LINKED_TRADE_CLOSED"}
    assert set(whole["relatedTransactionIDs"]) > {one["id"] for one in canceled}
    status, body = ask.refused("PUT", f"./trades/{trade}/close", {"units": "ALL"})
    assert (status, body["errorCode"]) == (404, "TRADE_DOESNT_EXIST")
    assert ask("GET", "./openTrades")["trades"] == []
    assert [one["id"] for one in ask("GET", "./trades", state="CLOSED")["trades"]] == [trade]
    assert ask("GET", "./trades", instrument="EUR_USD")["trades"] == []


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"shortUnits": "ALL"}, 404, "CLOSEOUT_POSITION_DOESNT_EXIST"),
        ({"longUnits": "101"}, 400, "CLOSEOUT_POSITION_UNITS_EXCEED_POSITION_SIZE"),
        ({"longUnits": "0"}, 400, "UNITS_INVALID"),
        ({"longUnits": "1.5"}, 400, "UNITS_PRECISION_EXCEEDED"),
        ({"longUnits": "NONE"}, 400, "CLOSEOUT_POSITION_INCOMPLETE_SPECIFICATION"),
    ],
)
def test_a_position_that_cannot_be_closed_is_refused(ask: OandaAsker, body: Any, status: int, code: str) -> None:
    ask.open("100")
    found, answer = ask.refused("PUT", "./positions/EUR_USD/close", body)
    assert (found, answer["errorCode"]) == (status, code)
    reject = answer["shortOrderRejectTransaction" if "shortUnits" in body else "longOrderRejectTransaction"]
    assert (reject["rejectReason"], reject["reason"]) == (code, "POSITION_CLOSEOUT")


def test_dependent_orders_are_set_replaced_and_taken_away(ask: OandaAsker) -> None:
    trade = ask.open()
    path = f"./trades/{trade}/orders"
    three = {
        "takeProfit": {"price": "1.12000"},
        "stopLoss": {"price": "1.08000"},
        "trailingStopLoss": {"distance": "0.02"},
    }
    made = ask("PUT", path, three)
    assert {name for name in made if name.endswith("Transaction")} == {
        "takeProfitOrderTransaction", "stopLossOrderTransaction", "trailingStopLossOrderTransaction"
    }  # fmt: skip
    moved = ask("PUT", path, {"stopLoss": {"price": "1.09000"}, "takeProfit": None})
    assert moved["stopLossOrderCancelTransaction"]["reason"] == "CLIENT_REQUEST_REPLACED"
    assert moved["stopLossOrderTransaction"]["replacesOrderID"] == made["stopLossOrderTransaction"]["id"]
    assert moved["takeProfitOrderCancelTransaction"]["reason"] == "CLIENT_REQUEST"
    shown = ask.trade(trade)
    assert shown["stopLossOrder"]["price"] == "1.09000"
    assert "takeProfitOrder" not in shown
    assert "trailingStopLossOrder" in shown
    status, body = ask.refused("PUT", path, {"stopLoss": {"price": "1.0900001"}})
    assert (status, body["stopLossOrderRejectTransaction"]["rejectReason"]) == (400, "PRICE_PRECISION_EXCEEDED")
    assert ask.refused("PUT", path, {"takeProfit": None})[1]["errorCode"] == "ORDER_DOESNT_EXIST"
    assert ask.refused("PUT", "./trades/77/orders", {})[0] == 404
    at_once = ask("PUT", path, {"takeProfit": {"price": "1.05000"}})  # it would close the trade with a loss
    assert at_once["takeProfitOrderCreatedCancelTransaction"]["reason"] == "LOSING_TAKE_PROFIT"


@pytest.mark.parametrize(
    ("kind", "terms", "bid", "ask_"),
    [
        ("TAKE_PROFIT", {"price": "1.10500"}, "1.10520", "1.10530"),
        ("STOP_LOSS", {"price": "1.09500"}, "1.09480", "1.09490"),
        ("STOP_LOSS", {"distance": "0.00500"}, "1.09500", "1.09510"),
        ("TRAILING_STOP_LOSS", {"distance": "0.00500"}, "1.09490", "1.09500"),
    ],
)
def test_an_order_of_a_trade_closes_it(ask: OandaAsker, kind: str, terms: dict[str, str], bid: str, ask_: str) -> None:
    trade = ask.open("100")
    order_id = ask.place(type=kind, instrument=None, units=None, tradeID=trade, **terms)["orderCreateTransaction"]["id"]
    ask.price(bid, ask_)
    fill = next(one for one in ask.log() if one["type"] == "ORDER_FILL" and one["orderID"] == order_id)
    assert (fill["reason"], fill["price"], fill["units"]) == (f"{kind}_ORDER", bid, "-100")
    assert ask.trade(trade)["state"] == "CLOSED"
    assert ask.order(order_id)["tradeClosedIDs"] == [trade]


def test_a_trailing_stop_follows_and_never_goes_back(ask: OandaAsker) -> None:
    trade = ask.open("-100", trailingStopLossOnFill={"distance": "0.00500"})
    (order,) = ask("GET", "./pendingOrders")["orders"]
    assert order["trailingStopValue"] == "1.10510"
    ask.price("1.09500", "1.09510")
    ask.price("1.09700", "1.09710")
    assert ask.order(order["id"])["trailingStopValue"] == "1.10010"
    (now,) = ask("GET", "./changes", sinceTransactionID=2)["state"]["orders"]
    assert (now["trailingStopValue"], now["triggerDistance"]) == ("1.10010", "0.00300")
    ask.price("1.10010", "1.10020")
    assert ask.trade(trade)["state"] == "CLOSED"


@pytest.mark.parametrize("kind", ["STOP_LOSS", "GUARANTEED_STOP_LOSS"])
def test_a_guaranteed_stop_closes_at_its_price_and_costs_a_premium(ask: OandaAsker, kind: str) -> None:
    ask.hand("/account", guaranteed="ALLOWED")
    trade = ask.open("10000")
    own = {
        "type": kind,
        "instrument": None,
        "units": None,
        "tradeID": trade,
        "guaranteed": True if kind == "STOP_LOSS" else None,
    }
    assert ask.no(**own, price="1.09990") == "STOP_LOSS_ORDER_GUARANTEED_MINIMUM_DISTANCE_NOT_MET"
    assert ask.no(**own, price="1.10005") == "STOP_LOSS_ORDER_GUARANTEED_PRICE_WITHIN_SPREAD"
    ask.place(**own, price="1.09000")
    ask.price("1.05000", "1.05010")  # a gap
    fill = ask.log()[-1]
    assert (fill["price"], fill["pl"], fill["guaranteedExecutionFee"]) == ("1.09000", "-101.0000", "0.5000")
    assert ask.summary()["balance"] == "99898.5000"
    ask.hand("/account", guaranteed="REQUIRED")
    assert ask.no(stopLossOnFill={"price": "1.00000"}) == "STOP_LOSS_ON_FILL_GUARANTEED_REQUIRED"


def test_words_of_a_trade_change(ask: OandaAsker) -> None:
    trade = ask.open()
    answer = ask("PUT", f"./trades/{trade}/clientExtensions", {"clientExtensions": {"id": "t", "comment": "hello"}})
    assert answer["tradeClientExtensionsModifyTransaction"]["tradeID"] == trade
    assert ask.trade("@t")["clientExtensions"] == {"id": "t", "comment": "hello"}
    status, body = ask.refused("PUT", "./trades/99/clientExtensions", {"clientExtensions": {"id": "t"}})
    assert (status, body["tradeClientExtensionsModifyRejectTransaction"]["rejectReason"]) == (404, "TRADE_DOESNT_EXIST")
    assert ask.refused("PUT", f"./trades/{trade}/clientExtensions", {})[0] == 400


# --- Money ------------------------------------------------------------------------------------------------------------


def test_profit_in_yen_becomes_dollars_at_the_side_that_is_worse(ask: OandaAsker) -> None:
    ask.open("10000", "USD_JPY")
    ask.price("151.010", "151.020", "USD/JPY")
    shown = ask("GET", "./openPositions")["positions"][0]
    gain = (Decimal("1.000") * 10_000 * (1 / Decimal("151.020")).quantize(Decimal("1e-10"))).quantize(Decimal("0.0001"))
    assert shown["long"]["unrealizedPL"] == str(gain)
    fill = ask("PUT", "./positions/USD_JPY/close", {"longUnits": "ALL"})["longOrderFillTransaction"]
    assert (fill["pl"], fill["gainQuoteHomeConversionFactor"]) == (str(gain), "0.0066216395")
    ask.open("10000", "USD_JPY")
    ask.price("150.020", "150.030", "USD/JPY")
    loss = ask("PUT", "./positions/USD_JPY/close", {"longUnits": "ALL"})["longOrderFillTransaction"]
    factor = (1 / Decimal("150.020")).quantize(Decimal("1e-10"))
    assert Decimal(loss["pl"]) == (Decimal("-1.000") * 10_000 * factor).quantize(Decimal("0.0001"))


def test_a_home_currency_without_a_pair_goes_by_way_of_the_dollar(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda(currency="CHF")
    ask.price("0.86000", "0.86010", "EUR/GBP")
    ask.price("1.27000", "1.27010", "GBP/USD")
    ask.price("0.88000", "0.88010", "USD/CHF")
    price = ask("GET", "./pricing", instruments="EUR_GBP", includeHomeConversions="true")
    factors = price["prices"][0]["quoteHomeConversionFactors"]
    assert factors == {"positiveUnits": "1.1176000000", "negativeUnits": "1.1178150100"}
    assert {one["currency"] for one in price["homeConversions"]} == {"EUR", "GBP"}


def test_the_balance_is_the_fold_of_the_transactions(ask: OandaAsker) -> None:
    ask.open("1000", "EUR_JPY")
    trade = ask.open("1000")
    ask.hand("/financing", trade=trade, amount="-0.0321")
    ask.hand("/transfers", amount="-500")
    ask.price("1.09000", "1.09020")
    ask.place(units="-400")
    ask("PUT", "./positions/EUR_JPY/close", {"longUnits": "ALL"})
    balance = Decimal(0)
    for entry in ask.log():
        balance += Decimal(entry.get("amount", "0")) + Decimal(entry.get("pl", "0"))
        balance += Decimal(entry["financing"]) if entry["type"] == "DAILY_FINANCING" else Decimal(0)
        if "accountBalance" in entry:
            assert Decimal(entry["accountBalance"]) == balance
    account = ask.summary()
    assert Decimal(account["balance"]) == balance
    assert Decimal(account["NAV"]) == balance + Decimal(account["unrealizedPL"])
    assert Decimal(account["marginAvailable"]) == Decimal(account["NAV"]) - Decimal(account["marginUsed"])
    assert (account["financing"], ask.trade(trade)["financing"]) == ("-0.0321", "-0.0321")


def test_half_of_the_margin_gone_closes_the_account_out(new_oanda: Callable[..., OandaAsker]) -> None:
    ask = new_oanda(cash=Decimal(2_300))
    ask.open("100000")
    ask.price("1.09900", "1.09910")
    assert ask.log()[-1]["type"] == "MARGIN_CALL_ENTER"
    assert "marginCallEnterTime" in ask.summary()
    ask.price("1.10000", "1.10010")
    assert ask.log()[-1]["type"] == "MARGIN_CALL_EXIT"
    ask.price("1.08700", "1.08710")
    made = next(one for one in ask.log() if one.get("reason") == "MARGIN_CLOSEOUT")
    assert made["marginCloseout"] == {"reason": "MARGIN_CHECK_VIOLATION"}
    assert ask.log()[-1]["reason"] == "MARKET_ORDER_MARGIN_CLOSEOUT"
    assert ask.summary()["openTradeCount"] == 0


def test_the_order_that_closes_a_side_bears_the_clients_words(ask: OandaAsker) -> None:
    ask.place(units="100")
    words = {"id": "out-1", "tag": "exit"}
    done = ask("PUT", "./positions/EUR_USD/close", {"longUnits": "40", "longClientExtensions": words})
    assert done["longOrderCreateTransaction"]["clientExtensions"] == words
    assert done["longOrderFillTransaction"]["clientOrderID"] == "out-1"
    status, body = ask.refused(
        "PUT", "./positions/EUR_USD/close", {"longUnits": "40", "longClientExtensions": {"id": " "}}
    )
    assert (status, body["errorCode"]) == (400, "CLIENT_ORDER_ID_INVALID")

"""Orders of a simulated Tradier: every class, the risk system's late word, changes, cancels and lists."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.sim.tradier.conftest import TradierAsker

CALL, HIGHER, PUT = "AAPL260320C00150000", "AAPL260320C00160000", "AAPL260320P00150000"
NEXT_DAY = datetime(2026, 3, 3, 15, 0, tzinfo=UTC)


def test_a_market_order_fills_at_the_touch_and_becomes_a_position(ask: TradierAsker) -> None:
    order = ask.order(ask.market())
    assert (order["status"], order["avg_fill_price"], order["exec_quantity"]) == ("filled", Decimal("150.01"), 10)
    position = ask("GET", "./positions")["positions"]["position"]
    assert (position["symbol"], position["quantity"], position["cost_basis"]) == ("AAPL", 10, Decimal("1500.10"))


def test_a_limit_order_is_open_then_partially_filled_then_filled(ask: TradierAsker) -> None:
    order_id = ask.place()
    assert ask.order(order_id)["status"] == "open"
    ask.fill(order_id, "4", "99.5")
    order = ask.order(order_id)
    assert (order["status"], order["exec_quantity"], order["remaining_quantity"]) == ("partially_filled", 4, 6)
    ask.fill(order_id, "6", "99")
    order = ask.order(order_id)
    assert (order["status"], order["avg_fill_price"], order["last_fill_price"]) == ("filled", Decimal("99.2"), 99)


def test_parameters_of_the_query_count_like_those_of_the_form(ask: TradierAsker) -> None:
    query = {"class": "equity", "symbol": "AAPL", "side": "buy", "quantity": "1", "duration": "day"}
    answer = ask("POST", "./orders", {"type": "limit", "price": "100"}, **query)
    assert ask.order(answer["order"]["id"])["type"] == "limit"


@pytest.mark.parametrize(
    ("fields", "text"),
    [
        ({"side": ""}, "side is required"),
        ({"side": "buy_to_open"}, "side is invalid for class equity"),
        ({"quantity": "1.5"}, "quantity is invalid"),
        ({"quantity": "NaN"}, "quantity is invalid"),
        ({"quantity": "1e400"}, "quantity is invalid"),
        ({"price": ""}, "price is required"),
        ({"price": "100.001"}, "too many decimals"),
        ({"type": "trailing"}, "type is invalid for class equity"),
        ({"type": "stop"}, "price is invalid for type stop"),
        ({"duration": "ioc"}, "duration is invalid"),
        ({"symbol": "NOBODY"}, "symbol is invalid"),
        ({"tag": "with space"}, "tag is invalid"),
        ({"kind": "spread"}, "class is invalid"),
        ({"kind": "option", "option_symbol": CALL, "side": "buy"}, "side is invalid for class option"),
        ({"kind": "option", "option_symbol": CALL, "symbol": "IBM", "side": "buy_to_open"}, "does not belong"),
    ],
)
def test_what_is_wrong_with_a_form_is_named(ask: TradierAsker, fields: dict[str, str], text: str) -> None:
    with pytest.raises(AssertionError, match=text):
        ask.place(**fields)
    assert ask("GET", "./orders")["orders"] == "null"


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"quantity": "5000"}, "You do not have enough buying power for this trade."),
        ({"side": "sell"}, "UnexpectedSellOrder:"),
        ({"side": "buy_to_cover"}, "UnexpectedBuyToCoverOrder:"),
        ({"type": "market", "price": "", "duration": "gtc"}, "MarketOrderIsGtc:"),
        ({"side": "sell_short", "duration": "gtc"}, "ShortOrderIsGtc:"),
        ({"type": "stop", "price": "", "stop": "140"}, "BuyStopOrderStopPriceLessAsk:"),
        ({"kind": "option", "option_symbol": PUT, "side": "sell_to_close"}, "UnexpectedSellOrderOption:"),
        ({"kind": "option", "option_symbol": "AAPL260220C00150000", "side": "buy_to_open"}, "SecurityUndefined:"),
    ],
)
def test_the_risk_system_rejects_what_was_taken(ask: TradierAsker, fields: dict[str, str], reason: str) -> None:
    order = ask.order(ask.place(**fields))
    assert order["status"] == "rejected"
    assert order["reason_description"].startswith(reason)


def test_a_position_is_never_crossed_in_one_order(ask: TradierAsker) -> None:
    ask.market()
    assert "LongPositionCrossZero" in ask.order(ask.place(side="sell", quantity="11"))["reason_description"]
    assert "UnexpectedSellShort" in ask.order(ask.market(side="sell_short"))["reason_description"]
    ask.place(side="sell", quantity="6", price="200")
    assert ask.order(ask.place(side="sell", quantity="5", price="200"))["status"] == "rejected"
    assert ask.order(ask.place(side="sell", quantity="4", price="200"))["status"] == "open"


def test_a_stop_waits_for_the_market(ask: TradierAsker) -> None:
    ask.market()
    order_id = ask.place(side="sell", type="stop_limit", stop="145", price="144")
    assert ask.order(order_id)["stop_price"] == 145
    ask.price("144.50", "144.60")
    assert ask.order(order_id)["status"] == "filled"


def test_tags_are_shown_on_request_alone(ask: TradierAsker) -> None:
    order_id = ask.place(tag="fb-1")
    assert "tag" not in ask.order(order_id)
    assert ask.order(order_id, includeTags="True")["tag"] == "fb-1"
    assert ask("GET", "./orders", includeTags="true")["orders"]["order"]["tag"] == "fb-1"


def test_a_change_keeps_the_id_and_what_was_filled(ask: TradierAsker) -> None:
    order_id = ask.place()
    ask.fill(order_id, "4", "100")
    assert ask("PUT", f"./orders/{order_id}", {"price": "101", "duration": "gtc"})["order"]["id"] == order_id
    order = ask.order(order_id)
    assert (order["status"], order["price"], order["duration"]) == ("partially_filled", 101, "gtc")
    ask("PUT", f"./orders/{order_id}", {"price": "150.01"})
    assert ask.order(order_id)["avg_fill_price"] == Decimal("130.006")
    assert ask.positions()["AAPL"] == 10


def test_a_change_of_type_is_taken_and_one_of_quantity_is_not(ask: TradierAsker) -> None:
    order_id = ask.place()
    status, text = ask.refused("PUT", f"./orders/{order_id}", {"quantity": "5"})
    assert (status, "quantity can not be changed" in text) == (400, True)
    ask("PUT", f"./orders/{order_id}", {"type": "stop", "stop": "155"})
    order = ask.order(order_id)
    assert (order["type"], order["stop_price"], "price" in order) == ("stop", 155, False)


def test_a_cancel_asks_and_the_order_says_when_it_is_over(ask: TradierAsker) -> None:
    order_id = ask.place()
    ask.fill(order_id, "4", "100")
    assert ask("DELETE", f"./orders/{order_id}")["order"] == {"id": order_id, "status": "ok"}
    order = ask.order(order_id)
    assert (order["status"], order["exec_quantity"], order["remaining_quantity"]) == ("canceled", 4, 0)
    assert ask.refused("DELETE", f"./orders/{order_id}") == (400, "order already in finalized state: canceled")
    assert ask.refused("PUT", f"./orders/{order_id}", {"price": "1"})[0] == 400
    assert ask.refused("DELETE", "./orders/1")[0] == 404


def test_the_list_holds_todays_orders_and_looks_back_on_request(ask: TradierAsker) -> None:
    first = ask.place(duration="gtc")
    ask.door("POST", "/clock", {"now": NEXT_DAY.isoformat()})
    second = ask.place()
    assert ask("GET", "./orders")["orders"]["order"]["id"] == second
    assert [one["id"] for one in ask("GET", "./orders", filter="all")["orders"]["order"]] == [first, second]
    assert ask("GET", "./orders", date="2026-03-02")["orders"]["order"]["id"] == first
    assert ask.order(first)["status"] == "open"


def test_lists_come_in_pages_of_twenty_five(ask: TradierAsker) -> None:
    ids = [ask.place(quantity="1") for _ in range(27)]
    assert [one["id"] for one in ask("GET", "./orders")["orders"]["order"]] == ids[:25]
    assert [one["id"] for one in ask("GET", "./orders", page="2")["orders"]["order"]] == ids[25:]
    assert ask("GET", "./orders", page="3")["orders"] == "null"


def test_a_spread_fills_as_a_whole_at_its_net_price(ask: TradierAsker) -> None:
    ask.price("5.00", "5.10", CALL)
    ask.price("1.90", "2.00", HIGHER)
    legs = (
        {"option_symbol": CALL, "side": "buy_to_open", "quantity": "2"},
        {"option_symbol": HIGHER, "side": "sell_to_open", "quantity": "2"},
    )
    order_id = ask.legs("multileg", *legs, symbol="AAPL", type="debit", price="3.00")
    order = ask.order(order_id)
    assert (order["status"], order["strategy"], order["num_legs"], order["quantity"]) == ("open", "spread", 2, 2)
    ask("PUT", f"./orders/{order_id}", {"price": "3.20"})
    order = ask.order(order_id)
    assert (order["status"], order["avg_fill_price"]) == ("filled", Decimal("3.2"))
    assert [leg["avg_fill_price"] for leg in order["leg"]] == [Decimal("5.1"), Decimal("1.9")]
    assert set(ask.positions().values()) == {2, -2}


def test_a_covered_call_is_priced_a_share(ask: TradierAsker) -> None:
    ask.price("5.00", "5.10", CALL)
    legs = (
        {"side": "buy", "quantity": "100"},
        {"option_symbol": CALL, "side": "sell_to_open", "quantity": "1"},
    )
    order_id = ask.legs("combo", *legs, symbol="AAPL", type="debit", price="144.00")
    assert (ask.order(order_id)["status"], ask.order(order_id)["strategy"]) == ("open", "covered_call")
    ask.price("148.90", "149.00")
    assert (ask.order(order_id)["status"], ask.order(order_id)["avg_fill_price"]) == ("filled", 144)
    assert ask.positions() == {"AAPL": 100, "AAPL  260320C00150000": -1}


def _bracket(ask: TradierAsker, **common: str) -> int:
    return ask.legs(
        "otoco",
        {"symbol": "AAPL", "side": "buy", "quantity": "10", "type": "limit", "price": "150"},
        {"symbol": "AAPL", "side": "sell", "quantity": "10", "type": "limit", "price": "160"},
        {"symbol": "AAPL", "side": "sell", "quantity": "10", "type": "stop", "stop": "145"},
        **common,
    )


def _words(ask: TradierAsker, order_id: int) -> list[str]:
    order = ask.order(order_id)
    return [order["status"], *(leg["status"] for leg in order["leg"])]


def test_the_exits_of_an_otoco_wait_for_the_entry_and_one_ends_the_other(ask: TradierAsker) -> None:
    order_id = _bracket(ask)
    assert _words(ask, order_id) == ["open", "open", "held", "held"]
    ask.price("149.90", "150.00")
    assert _words(ask, order_id) == ["open", "filled", "open", "open"]
    ask.price("160.10", "160.20")
    assert _words(ask, order_id) == ["filled", "filled", "filled", "canceled"]
    assert ask.positions() == {}


def test_a_partial_exit_leaves_the_other_half_of_the_pair_so_much_less(ask: TradierAsker) -> None:
    order_id = _bracket(ask)
    ask.price("149.90", "150.00")
    legs = ask.order(order_id)["leg"]
    ask.fill(legs[1]["id"], "4", "160")
    assert ask.order(legs[2]["id"])["remaining_quantity"] == 6
    ask.price("144.00", "144.10")
    assert ask.positions() == {}


def test_canceling_the_parent_cancels_all_of_it(ask: TradierAsker) -> None:
    order_id = _bracket(ask)
    ask("DELETE", f"./orders/{order_id}")
    assert _words(ask, order_id) == ["canceled"] * 4


def test_an_oto_triggers_a_market_order_and_an_oco_needs_two_types(ask: TradierAsker) -> None:
    entry = {"symbol": "AAPL", "side": "buy", "quantity": "10", "type": "limit", "price": "150.01"}
    order_id = ask.legs("oto", entry, {"symbol": "MSFT", "side": "buy", "quantity": "1", "type": "market"})
    assert _words(ask, order_id) == ["filled", "filled", "filled"]
    twice = {"class": "oco", "duration": "day"}
    for n in (0, 1):
        twice |= {
            f"symbol[{n}]": "AAPL",
            f"side[{n}]": "sell",
            f"quantity[{n}]": "1",
            f"type[{n}]": "limit",
            f"price[{n}]": "9",
        }
    assert "different types" in ask.refused("POST", "./orders", twice)[1]
    market_first = {"class": "oto", "duration": "day", "symbol[0]": "AAPL", "side[0]": "buy", "quantity[0]": "1"}
    market_first |= {
        "type[0]": "market",
        "symbol[1]": "AAPL",
        "side[1]": "sell",
        "quantity[1]": "1",
        "type[1]": "market",
    }
    assert "OtoFirstLegIsMarketNotAllowed" in ask.refused("POST", "./orders", market_first)[1]


def test_a_preview_costs_nothing_and_leaves_no_order(ask: TradierAsker) -> None:
    form = {"class": "equity", "symbol": "AAPL", "side": "buy", "quantity": "10", "type": "limit", "duration": "day"}
    preview = ask("POST", "./orders", form | {"price": "150", "preview": "true"})["order"]
    assert (preview["order_cost"], preview["margin_change"], preview["result"]) == (1500, 750, True)
    too_much = ask("POST", "./orders", form | {"price": "150", "preview": "true", "quantity": "9999"})
    assert too_much["errors"]["error"] == "You do not have enough buying power for this trade."
    assert ask("GET", "./orders")["orders"] == "null"


def test_an_option_in_the_money_is_exercised_and_one_out_of_it_is_worth_nothing(ask: TradierAsker) -> None:
    ask.price("5.00", "5.10", CALL)
    ask.price("1.00", "1.10", "AAPL260320P00140000")
    ask.option(CALL, "buy_to_open")
    ask.option("AAPL260320P00140000", "buy_to_open")
    ask.price("159.99", "160.01")
    ask.door("POST", "/clock", {"now": "2026-03-20T19:59:00Z"})
    assert len(ask.positions()) == 2
    ask.door("POST", "/clock", {"now": "2026-03-20T20:01:00Z"})
    assert ask.positions() == {"AAPL": 100}
    assert ask("GET", "./positions")["positions"]["position"]["cost_basis"] == 15_000
    words = [one["option"]["option_type"] for one in ask("GET", "./history", type="option")["history"]["event"]]
    assert sorted(words) == ["exercise", "expiration"]
    assert ask("GET", "./balances")["balances"]["total_cash"] == 100_000 - 510 - 110 - 15_000


def test_a_short_put_in_the_money_is_assigned(ask: TradierAsker) -> None:
    ask.price("5.00", "5.10", PUT)
    ask.option(PUT, "sell_to_open")
    ask.price("139.99", "140.01")
    ask.door("POST", "/clock", {"now": "2026-03-20T20:01:00Z"})
    assert ask.positions() == {"AAPL": 100}
    assert ask("GET", "./history", type="option")["history"]["event"]["option"]["option_type"] == "assignment"


def test_with_a_calendar_orders_wait_for_the_opening_and_expire(
    new_tradier: Callable[..., TradierAsker], clock: object
) -> None:
    ask = new_tradier(calendar=True)
    day_order = ask.place()
    ask.door("POST", "/clock", {"advance_s": int(timedelta(hours=8).total_seconds())})
    assert ask.order(day_order)["status"] == "expired"
    waiting = ask.market()
    assert ask.order(waiting)["status"] == "pending"
    status, text = ask.refused(
        "POST", "./orders", {"class": "equity", "symbol": "AAPL", "side": "buy", "quantity": "1", "type": "limit",
        "price": "150", "duration": "pre"},
    )  # fmt: skip
    assert (status, text) == (400, "Invalid parameter, duration: pre market no longer available")
    ask.door("POST", "/clock", {"now": "2026-03-03T14:31:00Z"})
    ask.price("149.99", "150.01")
    assert ask.order(waiting)["status"] == "filled"

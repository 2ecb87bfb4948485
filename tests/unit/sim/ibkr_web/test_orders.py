"""Orders from their first question to their last fill."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from floorbroker_sim.http import Request
from tests.unit.sim.ibkr_web.conftest import AAPL, Asker


def ids(answer: Any) -> list[str]:
    return answer[0]["messageIds"]


def posted(path: str, body: bytes = b"") -> Request:
    return Request(method="POST", path=path, segments=tuple(path.strip("/").split("/")), body=body)


# --- Questions -------------------------------------------------------------------------------------------------------


def test_a_market_order_is_placed_once_its_question_is_confirmed(ask: Asker) -> None:
    answer = ask.send(ask.ticket(orderType="MKT", price=None, tif="DAY", cOID="m-1"))
    assert (ids(answer), answer[0]["isSuppressed"]) == (["o10151"], False)
    assert ask.door("GET", "/orders")[1] == []
    placed = ask("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
    assert placed[0]["order_status"] == "Filled"
    (fill,) = ask.door("GET", "/fills")[1]
    assert (fill["client"], fill["price"], fill["quantity"]) == ("m-1", "150.01", "10")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": 160}, ["o163"]),
        ({"price": 145}, []),
        ({"quantity": 501, "price": 100}, ["o383"]),
        ({"quantity": 700}, ["o383", "o451"]),
        ({"orderType": "STP", "price": 160}, ["o10331"]),
        ({"orderType": "STP", "price": 149}, ["o10331", "o403"]),
        ({"orderType": "MKT", "price": None, "quantity": None, "cashQty": 500, "tif": "DAY"}, ["o10151", "o10223"]),
        ({"quantity": 1.5, "outsideRTH": True}, ["o2165"]),
    ],
)
def test_each_order_is_asked_about_what_is_odd_in_it(ask: Asker, changes: dict[str, Any], expected: list[str]) -> None:
    answer = ask.send(ask.ticket(**changes))
    seen: list[str] = []
    while "messageIds" in answer[0]:
        seen += ids(answer)
        answer = ask("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
    assert seen == expected
    assert answer[0]["order_id"]


def test_a_no_drops_the_order_and_its_id_is_free(ask: Asker) -> None:
    wish = ask.ticket(price=160, cOID="x")
    answer = ask.send(wish)
    assert ask("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": False}) == {"error": "Order not confirmed "}
    assert ask.door("GET", "/orders")[1] == []
    assert ask.place(wish)


def test_another_order_makes_the_question_of_the_first_void(ask: Asker) -> None:
    first = ask.send(ask.ticket(price=160, cOID="first"))
    ask.order(cOID="second")
    assert ask.refused("POST", f"/iserver/reply/{first[0]['id']}", {"confirmed": True})[0] == 503
    assert [order["client"] for order in ask.door("GET", "/orders")[1]] == ["second"]


def test_an_answer_to_nothing_says_so(ask: Asker) -> None:
    assert ask("POST", "/iserver/reply/none", {"confirmed": True}) == {"error": "reply id not found: 'none'"}


def test_an_answer_that_comes_too_late_is_not_taken(ask: Asker) -> None:
    answer = ask.send(ask.ticket(price=160))
    ask.later(61)
    assert ask.refused("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})[0] == 503
    assert ask.door("GET", "/orders")[1] == []


def test_suppressed_questions_are_not_asked_in_this_session(ask: Asker) -> None:
    assert ask("POST", "/iserver/questions/suppress", {"messageIds": ["o163"]}) == {"status": "submitted"}
    assert "order_id" in ask.send(ask.ticket(price=160, quantity=1))[0]
    ask("POST", "/iserver/questions/suppress/reset")
    assert ids(ask.send(ask.ticket(price=160, quantity=1))) == ["o163"]


def test_questions_can_be_scripted(ask: Asker) -> None:
    assert ask.door("POST", "/questions", {"ids": ["o354", "o382", "o451"], "orders": 1})[0] == 204
    answer = ask.send(ask.ticket())
    for expected in ("o354", "o382", "o451"):
        assert ids(answer) == [expected]
        answer = ask("POST", f"/iserver/reply/{answer[0]['id']}", {"confirmed": True})
    assert "order_id" in answer[0]
    assert ask.door("POST", "/questions", {"ids": "o354"})[0] == 422


def test_a_prompt_is_answered_by_a_notification(ask: Asker) -> None:
    ask.door("POST", "/questions", {"ids": ["p12"]})
    prompt = ask.send(ask.ticket(cOID="p"))
    assert (prompt["messageId"], prompt["prompt"]) == ("p12", True)
    wrong = {"orderId": prompt["orderId"], "reqId": "0", "text": "Yes"}
    assert ask.refused("POST", "/iserver/notification", wrong)[0] == 500
    answer = {"orderId": prompt["orderId"], "reqId": prompt["reqId"], "text": "Use on this order"}
    ask("POST", "/iserver/notification", answer)
    (order,) = ask.door("GET", "/orders")[1]
    assert (order["order"], order["client"]) == (str(prompt["orderId"]), "p")


def test_the_request_log_names_the_client_of_an_order_and_of_its_answer(ask: Asker) -> None:
    answer = ask.send(ask.ticket(price=160, cOID="named"))
    body = json.dumps({"orders": [ask.ticket(cOID="named")]}).encode()
    assert ask.venue.client_id(posted(f"/v1/api/iserver/account/{ask.account}/orders", body)) == "named"
    assert ask.venue.client_id(posted(f"/v1/api/iserver/reply/{answer[0]['id']}")) == "named"


# --- Identity --------------------------------------------------------------------------------------------------------


def test_a_client_id_is_taken_for_a_day_by_finished_orders_too(ask: Asker) -> None:
    ask.cancel(ask.order(cOID="once"))
    refused = ask.send(ask.ticket(cOID="once"))
    assert refused["error"].startswith("Order couldn't be submitted: Local order ID=once is already registered")
    ask.later(24 * 3600)
    ask("POST", "/iserver/auth/ssodh/init", {"publish": True, "compete": True})
    ask("GET", "/iserver/accounts")
    assert ask.place(ask.ticket(cOID="once"))


def test_the_bare_array_of_the_specification_is_taken_as_well(ask: Asker) -> None:
    answer = ask("POST", f"/iserver/account/{ask.account}/orders", [ask.ticket(cOID="bare")])
    assert answer[0]["order_status"] == "Submitted"


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "word"),
    [
        ({"orderType": "MIDPRICE"}, "order type"),
        ({"tif": "FOK"}, "time in force"),
        ({"price": None}, "price"),
        ({"price": 145.005}, "minimum price variation"),
        ({"price": 0}, "positive"),
        ({"quantity": -1}, "positive"),
        ({"cashQty": 100}, "exactly one"),
        ({"orderType": "TRAIL", "price": None, "trailingAmt": 1}, "trailingType"),
        ({"acctId": "U1"}, "account"),
        ({"parentId": "nobody"}, "parent"),
        ({"allOrNone": True}, "All or none"),
        ({"quantity": 1400, "price": 145}, "INITIAL MARGIN"),
    ],
)
def test_a_refused_order_comes_with_status_200_and_an_error(ask: Asker, changes: dict[str, Any], word: str) -> None:
    answer = ask.confirm(ask.send(ask.ticket(**changes)))
    assert word in answer["error"]
    assert ask.door("GET", "/orders")[1] == []


@pytest.mark.parametrize(
    "changes",
    [
        {"conid": 7},
        {"conid": None},
        {"side": "SHORT"},
        {"conidex": "265598@NASDAQ"},
        {"price": 1e300},
        {"quantity": "ten"},
    ],
)
def test_content_nobody_understands_is_an_error_of_the_server(ask: Asker, changes: dict[str, Any]) -> None:
    path = f"/iserver/account/{ask.account}/orders"
    assert ask.refused("POST", path, {"orders": [ask.ticket(**changes)]})[0] == 500


def test_a_conidex_names_contract_and_route(ask: Asker) -> None:
    placed = ask.order(conid=None, conidex=f"{AAPL}@NASDAQ")
    assert (ask.rows()[placed]["exchange"], ask.rows()[placed]["conid"]) == ("NASDAQ", AAPL)


# --- Life ------------------------------------------------------------------------------------------------------------


def test_the_first_list_is_empty_and_a_forced_one_again(ask: Asker) -> None:
    placed = ask.order()
    assert ask("GET", "/iserver/account/orders") == {"orders": [], "snapshot": False}
    assert list(ask.rows()) == [placed]
    assert ask("GET", "/iserver/account/orders", force="true")["snapshot"] is False
    assert list(ask.rows()) == [placed]


def test_lists_filter_by_status_in_both_spellings(ask: Asker) -> None:
    working, filled = ask.order(), ask.market()
    assert list(ask.rows(filters="filled")) == [filled]
    assert list(ask.rows(filters="Submitted,PreSubmitted")) == [working]
    assert list(ask.rows(filters="pre_submitted,submitted,sort_by_time")) == [working]
    assert ask.refused("GET", "/iserver/account/orders", filters="gone")[0] == 400


def test_a_partial_fill_keeps_the_order_submitted(ask: Asker) -> None:
    placed = ask.order(cOID="part")
    assert ask.door("POST", "/fill", {"order": "part", "qty": "4", "price": "145"})[0] == 204
    row = ask.rows()[placed]
    assert (row["status"], row["filledQuantity"], row["remainingQuantity"]) == ("Submitted", 4, 6)
    assert (row["sizeAndFills"], row["avgPrice"], row["order_ref"]) == ("4/10", "145.00", "part")
    status = ask("GET", f"/iserver/account/order/status/{placed}")
    assert (status["size"], status["cum_fill"], status["order_ccp_status"]) == ("6.0", "4.0", "1")
    ask.price("144.98", "145.00")
    assert ask.status(placed) == "Filled"
    assert [trade["size"] for trade in ask.trades()] == [6, 4]


def test_a_trade_has_text_for_money_and_numbers_for_sizes(ask: Asker) -> None:
    ask.market(cOID="t", quantity=300)
    (trade,) = ask.trades()
    assert (trade["price"], trade["commission"], trade["size"], trade["net_amount"]) == ("150.01", "1.5", 300, 45003)
    assert (trade["side"], trade["order_ref"], trade["conid"]) == ("B", "t", AAPL)
    assert ask.cash() == 100_000 - 45_003 - 1.5


def test_cancelling_is_asked_for_and_then_done(ask: Asker) -> None:
    wire = ask.wire()
    wire.send("sor+{}")
    placed = ask.order()
    answer = ask.cancel(placed)
    assert answer == {
        "msg": "Request was submitted", "order_id": int(placed), "conid": AAPL, "account": ask.account,
    }  # fmt: skip
    told = [args[0]["status"] for args in wire.topic("sor")]
    assert told == ["Submitted", "PendingCancel", "Cancelled"]
    assert "error" in ask.cancel(placed)
    assert ask.cancel("123456") == {"error": "OrderID 123456 doesn't exist"}


def test_minus_one_cancels_all(ask: Asker) -> None:
    placed = [ask.order(), ask.order(price=140), ask.order(orderType="STP", price=170)]
    answer = ask.cancel("-1")
    assert (answer["order_id"], answer["conid"], answer["account"]) == (-1, -1, None)
    assert [ask.status(one) for one in placed] == ["Cancelled"] * 3


def test_a_modify_changes_price_and_quantity_under_the_same_number(ask: Asker) -> None:
    placed = ask.order(cOID="m")
    assert ask.modify(placed, price=146, quantity=12, cOID="m")[0]["order_id"] == placed
    row = ask.rows()[placed]
    assert (row["price"], row["totalSize"], row["status"]) == ("146.00", 12, "Submitted")
    assert ask.modify(placed, price=151, quantity=12)[0]["order_status"] == "Filled"


@pytest.mark.parametrize(
    ("changes", "word"),
    [({"side": "SELL"}, "Side"), ({"orderType": "MKT", "price": None}, "Side and type"), ({"conid": 8314}, "contract"),
     ({"cOID": "other"}, "local order ID"), ({"quantity": 3000}, "INITIAL MARGIN")],
)  # fmt: skip
def test_a_modify_cannot_make_another_order_of_it(ask: Asker, changes: dict[str, Any], word: str) -> None:
    ask.price("99.99", "100.01", symbol="IBM")
    placed = ask.order(cOID="m")
    answer = ask.confirm(ask("POST", f"/iserver/account/{ask.account}/order/{placed}", ask.ticket(**changes)))
    assert word in answer["error"]
    assert ask.rows()[placed]["totalSize"] == 10


def test_a_modify_of_a_filled_order_is_refused(ask: Asker) -> None:
    placed = ask.market()
    answer = ask("POST", f"/iserver/account/{ask.account}/order/{placed}", ask.ticket())
    assert "not active" in answer["error"]
    answer = ask("POST", f"/iserver/account/{ask.account}/order/99", ask.ticket())
    assert answer == {"error": "OrderID 99 doesn't exist"}


def test_a_stop_waits_pre_submitted_until_it_is_elected(ask: Asker) -> None:
    placed = ask.order(orderType="STOP_LIMIT", price=161, auxPrice=160)
    assert ask.status(placed) == "PreSubmitted"
    ask.price("159.98", "160.02", "160")
    assert ask.status(placed) == "Filled"


@pytest.mark.parametrize("trail", [{"trailingAmt": 2, "trailingType": "amt"}, {"trailingAmt": 2, "trailingType": "%"}])
def test_a_trailing_stop_follows_the_market(ask: Asker, trail: dict[str, Any]) -> None:
    ask.market()
    placed = ask.order(orderType="TRAIL", side="SELL", price=None, **trail)
    ask.price("199.99", "200.01", "200")
    assert ask.status(placed) == "PreSubmitted"
    assert float(ask.rows()[placed]["price"]) > 190
    ask.price("195.00", "195.02", "195")
    assert ask.status(placed) == "Filled"


def test_an_order_that_finds_nothing_at_once_is_cancelled(ask: Asker) -> None:
    assert ask.status(ask.order(tif="IOC")) == "Cancelled"


def test_money_can_be_ordered_instead_of_units(ask: Asker) -> None:
    placed = ask.market(quantity=None, cashQty=1000)
    assert ask.status(placed) in {"Filled", "Cancelled"}
    assert 990 < 100_000 - ask.cash() < 1002
    assert ask.rows()[placed]["totalCashSize"] == 1000


# --- Families --------------------------------------------------------------------------------------------------------


def bracket(ask: Asker, **changes: Any) -> list[str]:
    return ask.place(
        ask.ticket(cOID="b", **changes),
        ask.ticket(parentId="b", side="SELL", price=160),
        ask.ticket(parentId="b", side="SELL", orderType="STP", price=140),
    )


def test_children_wait_for_their_parent_and_stand_against_each_other(ask: Asker) -> None:
    entry, gain, loss = bracket(ask)
    assert [ask.status(one) for one in (entry, gain, loss)] == ["Submitted", "PreSubmitted", "PreSubmitted"]
    assert ask.rows()[gain]["parentId"] == int(entry)
    ask.price("144.98", "145.00")
    assert [ask.status(one) for one in (entry, gain, loss)] == ["Filled", "Submitted", "PreSubmitted"]
    ask.price("160.00", "160.02")
    assert [ask.status(one) for one in (entry, gain, loss)] == ["Filled", "Filled", "Cancelled"]
    assert ask.positions() == {}


def test_a_part_of_one_exit_leaves_the_rest_to_the_other(ask: Asker) -> None:
    entry, gain, loss = bracket(ask)
    ask.price("144.98", "145.00")
    ask.door("POST", "/fill", {"order": gain, "qty": "4", "price": "160"})
    assert (ask.rows()[loss]["totalSize"], ask.rows()[gain]["remainingQuantity"]) == (6, 6)
    ask.price("139.98", "140.00", "140")
    assert [ask.status(one) for one in (entry, gain, loss)] == ["Filled", "Cancelled", "Filled"]
    assert ask.positions() == {}


def test_a_parent_that_is_cancelled_takes_its_children_along(ask: Asker) -> None:
    orders = bracket(ask)
    ask.cancel(orders[0])
    assert [ask.status(one) for one in orders] == ["Cancelled"] * 3


def test_a_child_that_waits_is_modified_and_cancelled_alone(ask: Asker) -> None:
    entry, gain, loss = bracket(ask)
    assert ask.modify(gain, side="SELL", price=170)[0]["order_status"] == "PreSubmitted"
    ask.cancel(loss)
    assert [ask.status(one) for one in (entry, gain, loss)] == ["Submitted", "PreSubmitted", "Cancelled"]
    ask.price("144.98", "145.00")
    assert (ask.status(gain), ask.rows()[gain]["price"]) == ("Submitted", "170.00")


def test_a_child_can_be_placed_later_by_the_parents_number(ask: Asker) -> None:
    entry = ask.order()
    child = ask.order(parentId=entry, side="SELL", price=160)
    assert ask.status(child) == "PreSubmitted"
    ask.price("144.98", "145.00")
    assert ask.status(child) == "Submitted"


def test_one_of_a_group_cancels_the_others(ask: Asker) -> None:
    ask.price("99.99", "100.01", symbol="IBM")
    first, second = ask.place(ask.ticket(isSingleGroup=True), ask.ticket(isSingleGroup=True, conid=8314, price=95))
    ask.price("94.98", "95.00", symbol="IBM")
    assert [ask.status(one) for one in (first, second)] == ["Cancelled", "Filled"]


def test_several_orders_that_do_not_belong_together_are_refused(ask: Asker) -> None:
    answer = ask.send(ask.ticket(cOID="1"), ask.ticket(cOID="2"))
    assert "bracket or a group" in answer["error"]


# --- Options and combinations ----------------------------------------------------------------------------------------


def test_a_long_put_is_bought_and_sold(ask: Asker) -> None:
    put = ask.option(right="P", strike="150")
    symbol = "AAPL  260320P00150000"
    ask.price("4.90", "5.00", symbol=symbol)
    ask.market(conid=put, quantity=2)
    (position,) = ask.positions().values()
    assert (position["conid"], position["position"], position["avgPrice"], position["avgCost"]) == (put, 2, 5, 500)
    assert (position["putOrCall"], position["strike"], position["expiry"]) == ("P", "150", "20260320")
    ask.price("6.00", "6.10", symbol=symbol)
    ask.market(conid=put, quantity=2, side="SELL")
    assert ask.positions() == {}
    assert ask.cash() == 100_000 - 1000 + 1200 - 2 * 1.30


def test_a_put_costs_no_more_than_the_account_has(ask: Asker) -> None:
    put = ask.option(right="P", strike="150")
    ask.price("4.90", "5.00", symbol="AAPL  260320P00150000")
    answer = ask.confirm(ask.send(ask.ticket(conid=put, quantity=201, price=5, tif="DAY")))
    assert "INITIAL MARGIN" in answer["error"]


def test_a_combination_trades_all_its_legs(ask: Asker) -> None:
    near, far = ask.option(right="C", strike="150"), ask.option(right="C", strike="160")
    ask.price("4.90", "5.00", symbol="AAPL  260320C00150000")
    ask.price("1.00", "1.10", symbol="AAPL  260320C00160000")
    conidex = f"28812380;;;{near}/1,{far}/-1"
    placed = ask.order(conid=None, conidex=conidex, quantity=3, price=4.05, tif="DAY")
    row = ask.rows()[placed]
    assert (row["status"], row["secType"], row["conidex"], row["avgPrice"]) == ("Filled", "BAG", conidex, "4.00")
    assert {p["conid"]: p["position"] for p in ask.positions().values()} == {near: 3, far: -3}
    sold = ask.order(conid=None, conidex=conidex, quantity=3, side="SELL", price=3.75, tif="DAY")
    assert ask.rows()[sold]["avgPrice"] == "3.80"
    assert ask.positions() == {}


# --- Corrections -----------------------------------------------------------------------------------------------------


def test_a_correction_raises_the_last_part_of_the_execution_id(ask: Asker) -> None:
    ask.market()
    (fill,) = ask.door("GET", "/fills")[1]
    assert fill["exec"].endswith(".01.01")
    assert ask.door("POST", "/corrections", {"exec": fill["exec"], "qty": "8", "price": "149"})[0] == 204
    (trade,) = ask.trades()
    assert (trade["execution_id"], trade["size"], trade["price"]) == (fill["exec"][:-1] + "2", 8, "149.00")
    assert ask.positions()["AAPL"]["position"] == 8


def test_a_bust_leaves_no_units(ask: Asker) -> None:
    ask.market()
    (fill,) = ask.door("GET", "/fills")[1]
    assert ask.door("POST", "/busts", {"exec": fill["exec"]})[0] == 204
    (trade,) = ask.trades()
    assert (trade["execution_id"][-2:], trade["size"]) == ("02", 0)
    assert (ask.positions(), ask.cash()) == ({}, 100_000)


def test_what_if_answers_in_words_and_places_nothing(ask: Asker) -> None:
    path = f"/iserver/account/{ask.account}/orders/whatif"
    answer = ask("POST", path, {"orders": [ask.ticket()]})
    assert answer["amount"] == {"amount": "1,450.00 USD (10 Shares)", "commission": "1 USD", "total": "1,451.00 USD"}
    assert (answer["initial"]["change"], answer["error"]) == ("725.00", None)
    assert answer["warn"].startswith("21/")
    ask("GET", "/iserver/marketdata/snapshot", conids=str(AAPL), fields="31")
    assert ask("POST", path, {"orders": [ask.ticket()]})["warn"] == ""
    assert "INITIAL MARGIN" in ask("POST", path, {"orders": [ask.ticket(quantity=9000)]})["error"]
    assert ask.door("GET", "/orders")[1] == []


def test_with_a_calendar_a_day_order_ends_with_its_day(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(calendar=True)
    ask("GET", "/iserver/accounts")
    placed, kept = ask.order(price=100, tif="DAY"), ask.order(price=100)
    ask.door("POST", "/clock", {"advance_s": 7 * 3600})
    assert (ask.status(placed), ask.status(kept)) == ("Cancelled", "PreSubmitted")

"""Orders over REST: every type and option, what is refused and why, and what happens to money."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.sim.kraken.conftest import Desk, rows


def test_a_limit_order_waits_and_fills_at_its_price(desk: Desk) -> None:
    answer = desk("AddOrder", desk.wish(volume="1.25", price="50000"))
    assert answer["descr"] == {"order": "buy 1.25000000 XBTUSD @ limit 50000.0"}
    txid = answer["txid"][0]
    assert desk.look(txid)["status"] == "open"
    desk.price("49990", "49999.9")
    order = desk.look(txid, trades="true")
    assert (order["status"], order["vol_exec"], order["price"]) == ("closed", "1.25000000", "50000.00000")
    assert (order["cost"], order["fee"]) == ("62500.00000", "100.00000")  # a maker pays 0.16 %
    assert len(order["trades"]) == 1


def test_a_market_order_pays_the_ask_and_the_takers_fee(desk: Desk) -> None:
    order = desk.look(desk.market(volume="0.5"))
    assert (order["status"], order["price"], order["cost"]) == ("closed", "60000.10000", "30000.05000")
    assert order["fee"] == "78.00010"
    assert desk("Balance")["ZUSD"] == "69921.9499"
    assert desk("Balance")["XXBT"] == "2.5000000000"


def test_a_market_buy_can_name_what_it_spends(desk: Desk) -> None:
    order = desk.look(desk.market(volume="6000", oflags="viqc"))
    assert order["oflags"] == "fciq,viqc"
    assert (order["status"], order["vol"], order["vol_exec"]) == ("closed", "6000.00000000", "0.09999983")


@pytest.mark.parametrize("side", ["buy", "sell"])
def test_an_ioc_order_that_finds_nothing_is_canceled(desk: Desk, side: str) -> None:
    order = desk.look(desk.order(type=side, price="50000" if side == "buy" else "70000", timeinforce="IOC"))
    assert (order["status"], order["vol_exec"]) == ("canceled", "0.00000000")
    assert order["reason"]


def test_a_good_till_date_order_expires(desk: Desk) -> None:
    txid = desk.order(timeinforce="GTD", expiretm="+60")
    desk.wait(59)
    assert desk.look(txid)["status"] == "open"
    desk.wait(2)
    order = desk.look(txid)
    assert (order["status"], order["reason"]) == ("expired", "Order expired")
    assert desk("BalanceEx")["ZUSD"]["hold_trade"] == "0.0000"


def test_an_order_can_start_later(desk: Desk) -> None:
    txid = desk.order(starttm="+30", price="60000.1")
    assert desk.look(txid)["status"] == "pending"
    desk.wait(31)
    assert desk.look(txid)["status"] == "closed"


def test_a_post_only_order_that_would_take_is_canceled(desk: Desk) -> None:
    order = desk.look(desk.order(price="60000.1", oflags="post"))
    assert (order["status"], order["reason"], order["vol_exec"]) == ("canceled", "Post only order", "0.00000000")
    assert desk.look(desk.order(price="60000.0", oflags="post"))["status"] == "open"


def test_an_iceberg_shows_a_part_and_fills_in_whole(desk: Desk) -> None:
    txid = desk.order(ordertype="iceberg", volume="1.5", displayvol="0.1")
    assert desk.look(txid)["displayvol"] == "0.10000000"
    desk.price("49990", "49999")
    assert desk.look(txid)["vol_exec"] == "1.50000000"


# --- Triggers --------------------------------------------------------------------------------------------------------

TRIGGERED: list[tuple[dict[str, Any], tuple[str, str, str], tuple[str, str, str]]] = [
    ({"ordertype": "stop-loss", "type": "sell", "price": "59000"}, ("58999", "59001", "59000.1"), ("58998", "58999", "59000")),
    ({"ordertype": "stop-loss", "type": "buy", "price": "61000"}, ("60998", "60999", "60999.9"), ("61000", "61001", "61000")),
    ({"ordertype": "take-profit", "type": "sell", "price": "61000"}, ("60998", "61002", "60999"), ("61000", "61001", "61000")),
    ({"ordertype": "take-profit", "type": "buy", "price": "59000"}, ("59001", "59002", "59001"), ("58999", "59001", "59000")),
]  # fmt: skip


@pytest.mark.parametrize(("fields", "before", "after"), TRIGGERED)
def test_a_trigger_waits_for_its_price_and_becomes_a_market_order(
    desk: Desk, fields: dict[str, Any], before: tuple[str, str, str], after: tuple[str, str, str]
) -> None:
    txid = desk.order(volume="0.1", **fields)
    desk.price(*before)
    assert desk.look(txid)["status"] == "open"
    desk.price(*after)
    order = desk.look(txid)
    side = 1 if fields["type"] == "buy" else 0
    assert order["status"] == "closed"
    assert Decimal(order["price"]) == Decimal(after[side])
    assert order["misc"] == ("stopped" if "stop" in fields["ordertype"] else "touched")
    assert order["trigger"] == "last"


def test_a_stop_limit_becomes_a_limit_order(desk: Desk) -> None:
    txid = desk.order(ordertype="stop-loss-limit", type="sell", volume="0.1", price="59000", price2="58990")
    assert desk.look(txid)["descr"]["order"] == "sell 0.10000000 XBTUSD @ stop loss 59000.0 -> limit 58990.0"
    desk.price("58900", "58901", "58900")
    order = desk.look(txid)
    assert (order["status"], order["misc"], order["limitprice"]) == ("open", "stopped", "58990.0")
    desk.price("58990", "58991")
    assert desk.look(txid)["status"] == "closed"


def test_a_take_profit_limit_waits_for_its_limit(desk: Desk) -> None:
    txid = desk.order(ordertype="take-profit-limit", type="sell", volume="0.1", price="61000", price2="61010")
    desk.price("61000", "61001", "61000")
    assert desk.look(txid)["misc"] == "touched"
    desk.price("61010", "61011", "61010")
    assert desk.look(txid)["price"] == "61010.00000"


def test_a_trailing_stop_follows_the_market_up_and_sells_on_the_way_back(desk: Desk) -> None:
    txid = desk.order(ordertype="trailing-stop", type="sell", volume="0.1", price="+100")
    assert desk.look(txid)["stopprice"] == "59900.0"
    desk.price("60499", "60501", "60500")
    assert desk.look(txid)["stopprice"] == "60400.0"
    desk.price("60449", "60451", "60450")
    assert (desk.look(txid)["stopprice"], desk.look(txid)["status"]) == ("60400.0", "open")
    desk.price("60399", "60401", "60400")
    assert (desk.look(txid)["status"], desk.look(txid)["price"]) == ("closed", "60399.00000")


def test_a_trailing_stop_of_a_percent_buys_on_the_way_up(desk: Desk) -> None:
    txid = desk.order(ordertype="trailing-stop", volume="0.1", price="+1%")
    assert desk.look(txid)["stopprice"] == "60600.0"
    desk.price("49999", "50001", "50000")
    assert desk.look(txid)["stopprice"] == "50500.0"
    desk.price("50500", "50501", "50500")
    assert desk.look(txid)["status"] == "closed"


def test_a_trailing_stop_limit_sets_its_limit_when_it_fires(desk: Desk) -> None:
    txid = desk.order(ordertype="trailing-stop-limit", type="sell", volume="0.1", price="+100", price2="-10")
    desk.price("59800", "59801", "59899")
    order = desk.look(txid)
    assert (order["status"], order["limitprice"]) == ("open", "59890.0")
    desk.price("59890", "59891")
    assert desk.look(txid)["status"] == "closed"


def test_a_trigger_that_is_past_fires_at_once(desk: Desk) -> None:
    assert desk.look(desk.order(ordertype="stop-loss", type="sell", volume="0.1", price="60500"))["status"] == "closed"


def test_the_index_can_be_watched(desk: Desk) -> None:
    txid = desk.order(ordertype="stop-loss", type="sell", volume="0.1", price="59000", trigger="index")
    desk.price("59999", "60001", "58000")  # the last trade is below, the middle of the book is not
    assert desk.look(txid)["status"] == "open"
    desk.price("58999", "59001", "60000")
    assert desk.look(txid)["status"] == "closed"


@pytest.mark.parametrize(
    ("fields", "limit"),
    [
        ({"type": "buy", "price": "-100"}, "59900.0"),
        ({"type": "buy", "price": "-1%"}, "59400.0"),
        ({"type": "buy", "price": "#1%"}, "59400.0"),
        ({"type": "sell", "price": "+100.04"}, "60100.0"),
        ({"type": "sell", "price": "#250"}, "60250.0"),
    ],
)
def test_a_price_can_be_an_offset_from_the_last_trade(desk: Desk, fields: dict[str, str], limit: str) -> None:
    assert desk.look(desk.order(volume="0.1", **fields))["descr"]["price"] == limit


@pytest.mark.parametrize(
    ("fields", "stop", "limit"),
    [
        ({"ordertype": "stop-loss-limit", "type": "sell", "price": "#500", "price2": "#10"}, "59500.0", "59490.0"),
        ({"ordertype": "stop-loss-limit", "type": "buy", "price": "#500", "price2": "+0.5%"}, "60500.0", "60802.5"),
        ({"ordertype": "take-profit-limit", "type": "sell", "price": "#500", "price2": "-10"}, "60500.0", "60490.0"),
        ({"ordertype": "take-profit-limit", "type": "buy", "price": "#500", "price2": "59400"}, "59500.0", "59400.0"),
    ],
)
def test_triggers_and_their_limits_can_be_offsets(desk: Desk, fields: dict[str, str], stop: str, limit: str) -> None:
    descr = desk.look(desk.order(volume="0.1", **fields))["descr"]
    assert (descr["price"], descr["price2"]) == (stop, limit)


# --- What comes with an order ----------------------------------------------------------------------------------------


def test_a_conditional_close_comes_with_each_fill(desk: Desk) -> None:
    answer = desk("AddOrder", desk.wish(volume="1", close_ordertype="limit", close_price="65000"))
    assert answer["descr"]["close"] == "close position @ limit 65000.0"
    txid = answer["txid"][0]
    desk.fill(txid, "0.25", "50000")
    desk.fill(txid, "0.75", "50000")
    closes = desk("OpenOrders")["open"].values()
    assert sorted(order["vol"] for order in closes) == ["0.25000000", "0.75000000"]
    assert {(o["refid"], o["descr"]["type"], o["descr"]["price"]) for o in closes} == {(txid, "sell", "65000.0")}


def test_a_conditional_close_can_be_a_stop_with_a_limit(desk: Desk) -> None:
    desk.market(volume="0.1", close_ordertype="stop-loss-limit", close_price="#5%", close_price2="#10")
    [order] = desk("OpenOrders")["open"].values()
    assert (order["descr"]["ordertype"], order["descr"]["price"]) == ("stop-loss-limit", "57000.0")


def test_a_close_that_nobody_can_pay_for_is_canceled(desk: Desk) -> None:
    desk.order(volume="1.9", price="50000")  # holds nearly all the money
    desk.market("sell", "0.1", close_ordertype="limit", close_price="200000")
    [order] = [o for o in desk("ClosedOrders")["closed"].values() if o["refid"]]
    assert (order["status"], order["reason"]) == ("canceled", "Insufficient funds")


@pytest.mark.parametrize(
    ("stp", "resting", "incoming"),
    [
        ("cancel-newest", "open", "canceled"),
        ("cancel-oldest", "canceled", "closed"),
        ("cancel-both", "canceled", "canceled"),
    ],
)
def test_own_orders_do_not_trade_with_each_other(desk: Desk, stp: str, resting: str, incoming: str) -> None:
    own = desk.order(type="sell", volume="0.1", price="60000.1", oflags="post")
    new = desk.market(volume="0.1", stptype=stp)
    assert (desk.look(own)["status"], desk.look(new)["status"]) == (resting, incoming)


def test_an_own_order_behind_the_market_is_not_in_the_way(desk: Desk) -> None:
    own = desk.order(type="sell", volume="0.1", price="60000.2")
    assert desk.look(desk.market(volume="0.1"))["status"] == "closed"
    assert desk.look(own)["status"] == "open"


def test_the_fee_can_be_taken_in_coins(desk: Desk) -> None:
    desk.market(volume="1", oflags="fcib")
    assert desk("Balance")["ZUSD"] == "39999.9000"
    assert desk("Balance")["XXBT"] == "2.9974000000"


def test_validate_checks_and_places_nothing(desk: Desk) -> None:
    answer = desk("AddOrder", desk.wish(validate="True"))
    assert answer == {"descr": {"order": "buy 1.00000000 XBTUSD @ limit 50000.0"}}
    assert desk("OpenOrders") == {"open": {}}
    assert desk.refused("AddOrder", desk.wish(volume="5", validate="true")) == "EOrder:Insufficient funds"


def test_false_in_any_spelling_is_false(desk: Desk) -> None:
    for text in ("False", "false", "0"):
        assert "txid" in desk("AddOrder", desk.wish(volume="0.1", validate=text, reduce_only=text, starttm="0"))


# --- Refusals --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"pair": "FOOBAR"}, "EQuery:Unknown asset pair"),
        ({"pair": None}, "EGeneral:Invalid arguments:pair"),
        ({"type": "hold"}, "EGeneral:Invalid arguments:type"),
        ({"ordertype": "fill-or-kill"}, "EGeneral:Invalid arguments:ordertype"),
        ({"ordertype": "settle-position", "price": None, "volume": "0"}, "EOrder:Unknown position"),
        ({"volume": None}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "-1"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "1e400"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "NaN"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.123456789"}, "EGeneral:Invalid arguments:volume"),
        ({"volume": "0.00004"}, "EOrder:Order minimum not met"),
        ({"volume": "0.00005", "price": "100"}, "EOrder:Cost minimum not met"),
        ({"price": None}, "EGeneral:Invalid arguments:price"),
        ({"price": "0"}, "EOrder:Invalid price"),
        ({"price": "-60001"}, "EOrder:Invalid price"),
        ({"price": "50000.05"}, "EOrder:Tick size check failed"),
        ({"price": "5%"}, "EGeneral:Invalid arguments:price"),
        ({"price": "fair"}, "EGeneral:Invalid arguments:price"),
        ({"volume": "2"}, "EOrder:Insufficient funds"),
        ({"type": "sell", "volume": "2.1"}, "EOrder:Insufficient funds"),
        ({"timeinforce": "FOK"}, "EGeneral:Invalid arguments:timeinforce"),
        ({"timeinforce": "GTD"}, "EGeneral:Invalid arguments:expiretm"),
        ({"expiretm": "1000"}, "EGeneral:Invalid arguments:expiretm"),
        ({"oflags": "post,magic"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "fcib,fciq"}, "EGeneral:Invalid arguments:oflags"),
        ({"oflags": "viqc"}, "EGeneral:Invalid arguments:viqc"),
        ({"oflags": "post", "timeinforce": "IOC"}, "EGeneral:Invalid arguments:post"),
        ({"ordertype": "market", "oflags": "post"}, "EGeneral:Invalid arguments:post"),
        ({"displayvol": "0.1"}, "EGeneral:Invalid arguments:displayvol"),
        ({"ordertype": "iceberg"}, "EGeneral:Invalid arguments:displayvol"),
        ({"ordertype": "iceberg", "displayvol": "0.06"}, "EGeneral:Invalid arguments:displayvol"),
        ({"userref": "2147483648"}, "EGeneral:Invalid arguments:userref"),
        ({"userref": "1", "cl_ord_id": "a"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "nineteen-characters"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"cl_ord_id": "ünïcode"}, "EGeneral:Invalid arguments:cl_ord_id"),
        ({"leverage": "5"}, "EOrder:Cannot open position"),
        ({"reduce_only": "true"}, "EOrder:Reduce only:No position exists"),
        ({"stptype": "cancel-none"}, "EGeneral:Invalid arguments:stptype"),
        ({"ordertype": "stop-loss", "price": None}, "EGeneral:Invalid arguments:price"),
        ({"ordertype": "stop-loss-limit"}, "EGeneral:Invalid arguments:price2"),
        ({"ordertype": "stop-loss", "price2": "1"}, "EGeneral:Invalid arguments:price2"),
        ({"ordertype": "trailing-stop", "price": "100"}, "EGeneral:Invalid arguments:price"),
        ({"ordertype": "stop-loss", "trigger": "mark"}, "EGeneral:Invalid arguments:trigger"),
        ({"pair": "ETHXBT", "ordertype": "stop-loss", "price": "0.05", "trigger": "index"},
         "EGeneral:Invalid arguments:Index unavailable"),
        ({"close_ordertype": "market", "close_price": "1"}, "EGeneral:Invalid arguments:close[ordertype]"),
        ({"close_ordertype": "limit"}, "EGeneral:Invalid arguments:close[price]"),
        ({"validate": "perhaps"}, "EGeneral:Invalid arguments:validate"),
    ],
)  # fmt: skip
def test_a_bad_order_is_refused_in_the_venues_words(desk: Desk, fields: dict[str, Any], error: str) -> None:
    assert desk.refused("AddOrder", desk.wish(**fields)) == error
    assert desk("OpenOrders") == {"open": {}}
    assert desk("ClosedOrders")["count"] == 0


def test_a_client_id_is_taken_among_open_orders_and_free_again(desk: Desk) -> None:
    name = "6d1b345e-2821-40e2-ad83-4ecb18a06876"
    first = desk.order(volume="0.1", cl_ord_id=name)
    assert desk.look(first)["cl_ord_id"] == name
    assert desk.refused("AddOrder", desk.wish(cl_ord_id=name)) == "EGeneral:Invalid arguments:cl_ord_id"
    desk("CancelOrder", {"cl_ord_id": name})
    second = desk.order(volume="0.1", cl_ord_id=name)
    assert second != first
    assert set(desk("ClosedOrders", {"cl_ord_id": name})["closed"]) == {first}
    assert set(desk("OpenOrders", {"cl_ord_id": name})["open"]) == {second}


@pytest.mark.parametrize(
    ("ahead_s", "error"), [(-0.001, "EService:Deadline elapsed"), (61, "EGeneral:Invalid arguments:deadline")]
)
def test_a_deadline_is_kept(desk: Desk, ahead_s: float, error: str) -> None:
    wish = desk.wish(deadline=desk.after(ahead_s).isoformat().replace("+00:00", "Z"))
    assert desk.refused("AddOrder", wish) == error
    assert desk("AddOrder", desk.wish(deadline=desk.after(5).isoformat()))["txid"]
    assert desk.refused("AddOrder", desk.wish(deadline="soon")) == "EGeneral:Invalid arguments:deadline"


# --- Batches ---------------------------------------------------------------------------------------------------------


def batch(*orders: dict[str, Any], **fields: Any) -> dict[str, Any]:
    base = {"ordertype": "limit", "type": "buy", "volume": "0.1", "price": "50000"}
    return {"pair": "XBTUSD", "orders": [base | order for order in orders], **fields}


def test_a_batch_places_what_there_is_money_for(desk: Desk) -> None:
    answer = desk("AddOrderBatch", batch({}, {"volume": "100"}, {"price": "40000"}), as_json=True)["orders"]
    assert [set(row) for row in answer] == [{"txid", "descr"}, {"error"}, {"txid", "descr"}]
    assert answer[1]["error"] == "EOrder:Insufficient funds"
    assert set(desk("OpenOrders")["open"]) == {answer[0]["txid"], answer[2]["txid"]}


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        (batch({}), "EGeneral:Invalid arguments:orders"),
        (batch(*[{}] * 16), "EGeneral:Invalid arguments:orders"),
        (batch({}, {"price": "1.23"}), "EOrder:Tick size check failed"),
        (batch({"cl_ord_id": "a"}, {"cl_ord_id": "a"}), "EGeneral:Invalid arguments:cl_ord_id"),
        ({"pair": "XBTUSD", "orders": "none"}, "EGeneral:Invalid arguments:orders"),
        ({"pair": "XBTUSD", "orders": [1, 2]}, "EAPI:Bad request"),
    ],
)
def test_one_bad_order_rejects_the_whole_batch(desk: Desk, fields: dict[str, Any], error: str) -> None:
    assert desk.refused("AddOrderBatch", fields, as_json=True) == error
    assert desk("OpenOrders") == {"open": {}}


def test_a_batch_can_be_validated(desk: Desk) -> None:
    answer = desk("AddOrderBatch", batch({}, {}, validate=True), as_json=True)["orders"]
    assert [set(row) for row in answer] == [{"descr"}, {"descr"}]
    assert desk("OpenOrders") == {"open": {}}


def test_numbers_of_json_bodies_keep_their_digits(desk: Desk) -> None:
    desk.nonce = 7777
    body = b'{"nonce": 7777, "pair": "XBTUSD", "type": "buy", "ordertype": "limit", "volume": 0.10000001, "price": 5e4}'
    txid = desk.result(desk.send("/0/private/AddOrder", body, "7777", as_json=True))["txid"][0]
    assert desk.look(txid)["vol"] == "0.10000001"


# --- The account -----------------------------------------------------------------------------------------------------


def test_open_orders_hold_money_and_coins(desk: Desk) -> None:
    buy = desk.order(volume="1", price="50000")
    desk.order(type="sell", volume="0.5", price="70000")
    held = desk("BalanceEx")
    assert held["ZUSD"]["hold_trade"] == "50130.0000"  # with the taker's fee
    assert held["XXBT"]["hold_trade"] == "0.5000000000"
    desk("CancelOrder", {"txid": buy})
    assert desk("BalanceEx")["ZUSD"]["hold_trade"] == "0.0000"


def test_a_triggered_order_whose_money_is_gone_is_canceled(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(balances={"USD": Decimal(10_000)})
    desk.price("59999.9", "60000.1", "60000")
    txid = desk.order(ordertype="stop-loss", volume="0.15", price="61000")
    desk.price("69999", "70000", "70000")  # far beyond the trigger: it would cost more than there is
    order = desk.look(txid)
    assert (order["status"], order["reason"]) == ("canceled", "Insufficient funds")


def test_everything_is_listed_by_all_its_names(desk: Desk) -> None:
    for name in ("XXBTZUSD", "XBTUSD", "XBT/USD", "BTC/USD", "BTCUSD", "xbtusd"):
        assert desk.look(desk.order(pair=name, volume="0.01"))["descr"]["pair"] == "XBTUSD"


# --- Where sizes count -----------------------------------------------------------------------------------------------


@pytest.fixture
def shallow(new_desk: Callable[..., Desk]) -> Desk:
    """A venue whose orders walk the book; ten bitcoins stand at the top."""
    made = new_desk(displayed=True, balances={"USD": Decimal(10_000_000), "BTC": Decimal(100)})
    made.price("59999.9", "60000.1", "60000")
    return made


def test_a_market_order_walks_the_book(shallow: Desk) -> None:
    order = shallow.look(shallow.market(volume="12"), trades="true")
    assert (order["status"], order["vol_exec"]) == ("closed", "12.00000000")
    assert len(order["trades"]) > 1
    assert Decimal(order["price"]) > Decimal("60000.1")


def test_an_ioc_order_takes_what_is_shown_and_no_more(shallow: Desk) -> None:
    line = shallow.socket()
    line.private("executions")
    order = shallow.look(shallow.order(volume="12", price="60000.1", timeinforce="IOC"))
    assert (order["status"], order["vol_exec"], order["misc"]) == ("canceled", "10.00000000", "partial")
    told = rows(line.heard(), "executions")
    assert [row["exec_type"] for row in told] == ["pending_new", "new", "trade", "canceled"]


def test_a_market_order_larger_than_the_book_is_canceled_for_the_rest(shallow: Desk) -> None:
    order = shallow.look(shallow.market("sell", "99"))
    assert order["status"] == "canceled"
    assert 10 < Decimal(order["vol_exec"]) < 99
    assert all(Decimal(balance["hold_trade"]) == 0 for balance in shallow("BalanceEx").values())


def test_a_resting_order_fills_bit_by_bit(shallow: Desk) -> None:
    txid = shallow.order(volume="25", price="60000.1")
    assert shallow.look(txid)["vol_exec"] == "10.00000000"
    shallow.price("59999.8", "60000.1", "60000")
    assert shallow.look(txid)["vol_exec"] == "20.00000000"
    shallow.price("59999.7", "60000.1", "60000")
    assert (shallow.look(txid)["status"], len(shallow.look(txid, trades="true")["trades"])) == ("closed", 3)

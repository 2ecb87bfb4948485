"""Amends, edits, cancels and the dead man's switch."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.sim.kraken.conftest import Desk, rows

# --- Amend -----------------------------------------------------------------------------------------------------------


def test_an_amend_keeps_the_id_and_what_is_filled(desk: Desk) -> None:
    txid = desk.order(cl_ord_id="mine")
    desk.fill(txid, "0.4", "50000")
    step = desk("AmendOrder", {"cl_ord_id": "mine", "order_qty": "1.5", "limit_price": "51000"})["amend_id"]
    order = desk.look(txid)
    assert (order["status"], order["vol"], order["vol_exec"]) == ("open", "1.50000000", "0.40000000")
    assert (order["descr"]["price"], order["misc"]) == ("51000.0", "amended")
    history = desk("OrderAmends", {"order_id": txid})
    assert history["count"] == 2
    assert [row["amend_type"] for row in history["amends"]] == ["original", "user"]
    assert history["amends"][1]["amend_id"] == step
    assert history["amends"][1]["remaining_qty"] == "1.10000000"


def test_an_amended_price_can_trade_at_once(desk: Desk) -> None:
    txid = desk.order(volume="0.1")
    desk("AmendOrder", {"txid": txid, "limit_price": "60000.1"})
    assert desk.look(txid)["status"] == "closed"


def test_an_amend_below_what_is_filled_cancels_the_rest(desk: Desk) -> None:
    txid = desk.order()
    desk.fill(txid, "0.4", "50000")
    desk("AmendOrder", {"txid": txid, "order_qty": "0.3"})
    order = desk.look(txid)
    assert (order["status"], order["vol"], order["vol_exec"]) == ("canceled", "0.40000000", "0.40000000")
    assert order["misc"] == "partial,amended"


def test_a_trigger_can_be_amended_while_it_waits(desk: Desk) -> None:
    txid = desk.order(ordertype="stop-loss", type="sell", volume="0.1", price="59000")
    desk("AmendOrder", {"txid": txid, "trigger_price": "59500"})
    assert desk.look(txid)["stopprice"] == "59500.0"
    desk.price("59400", "59401", "59400")
    assert desk.look(txid)["status"] == "closed"


def test_a_trailing_order_is_amended_by_offsets(desk: Desk) -> None:
    txid = desk.order(ordertype="trailing-stop-limit", type="sell", volume="0.1", price="+500", price2="-10")
    desk.price("60999", "61001", "61000")
    assert desk.look(txid)["stopprice"] == "60500.0"
    desk("AmendOrder", {"txid": txid, "trigger_price": "+1%", "limit_price": "-20"})
    assert desk.look(txid)["stopprice"] == "60390.0"  # a percent below the mark, which stays
    assert desk.refused("AmendOrder", {"txid": txid, "trigger_price": "60000"}) == (
        "EGeneral:Invalid arguments:trigger_price"
    )
    desk.price("60300", "60301", "60390")
    assert desk.look(txid)["limitprice"] == "60370.0"


def test_times_of_amends_are_nanoseconds(desk: Desk) -> None:
    txid = desk.order()
    assert desk("OrderAmends", {"order_id": txid})["amends"][0]["timestamp"] == 1_772_463_600_000_000_000


def test_an_icebergs_tip_can_be_amended(desk: Desk) -> None:
    txid = desk.order(ordertype="iceberg", volume="1.5", displayvol="0.1")
    desk("AmendOrder", {"txid": txid, "display_qty": "0.5"})
    assert desk.look(txid)["displayvol"] == "0.50000000"


def test_a_post_only_amend_that_would_take_changes_nothing(desk: Desk) -> None:
    txid = desk.order(volume="0.1")
    assert desk.refused("AmendOrder", {"txid": txid, "limit_price": "60000.1", "post_only": "true"}) == (
        "EOrder:Post only order"
    )
    assert desk.look(txid)["descr"]["price"] == "50000.0"
    assert desk.look(txid)["oflags"] == "fciq"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({}, "EGeneral:Invalid arguments"),
        ({"order_qty": "0"}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": "-1"}, "EGeneral:Invalid arguments:order_qty"),
        ({"order_qty": "0.00001"}, "EOrder:Order minimum not met"),
        ({"order_qty": "5"}, "EOrder:Insufficient funds"),
        ({"limit_price": "1.23"}, "EOrder:Tick size check failed"),
        ({"trigger_price": "1"}, "EGeneral:Invalid arguments:trigger_price"),
        ({"display_qty": "0.5"}, "EGeneral:Invalid arguments:display_qty"),
    ],
)
def test_a_bad_amend_is_refused_and_changes_nothing(desk: Desk, fields: dict[str, str], error: str) -> None:
    txid = desk.order()
    before = desk.look(txid)
    assert desk.refused("AmendOrder", {"txid": txid, **fields}) == error
    assert desk.look(txid) == before
    assert desk("BalanceEx")["ZUSD"]["hold_trade"] == "50130.0000"


def test_nobody_amends_what_is_not_open(desk: Desk) -> None:
    txid = desk.market(volume="0.1")
    for fields in ({"txid": txid}, {"txid": "ONONE0-00000-000000"}, {"cl_ord_id": "none"}):
        assert desk.refused("AmendOrder", {**fields, "order_qty": "1"}) == "EOrder:Unknown order"
    assert desk.refused("AmendOrder", {"order_qty": "1"}) == "EGeneral:Invalid arguments:txid"


def test_amending_the_quantity_down_keeps_the_place_and_up_loses_it(desk: Desk) -> None:
    first, second = desk.order(volume="0.3"), desk.order(volume="0.3")
    desk("AmendOrder", {"txid": first, "order_qty": "0.2"})
    assert [o.order_id for o in sorted(desk.venue.state.engine.open_orders(), key=lambda o: o.seq)] == [first, second]
    desk("AmendOrder", {"txid": first, "order_qty": "0.25"})
    assert [o.order_id for o in sorted(desk.venue.state.engine.open_orders(), key=lambda o: o.seq)] == [second, first]


# --- Edit ------------------------------------------------------------------------------------------------------------


def test_an_edit_makes_a_new_order_and_cancels_the_old(desk: Desk) -> None:
    old = desk.order(userref="7")
    answer = desk("EditOrder", {"txid": old, "pair": "XBTUSD", "price": "49000", "volume": "0.5"})
    new = answer["txid"]
    assert new != old
    assert (answer["status"], answer["originaltxid"], answer["orders_cancelled"]) == ("ok", old, 1)
    assert answer["descr"] == {"order": "buy 0.50000000 XBTUSD @ limit 49000.0"}
    assert (desk.look(old)["status"], desk.look(old)["reason"]) == ("canceled", "Order replaced")
    assert (desk.look(new)["status"], desk.look(new)["userref"]) == ("open", 7)


def test_an_edit_leaves_executions_with_the_old_order(desk: Desk) -> None:
    old = desk.order()
    desk.fill(old, "0.4", "50000")
    assert (
        desk.refused("EditOrder", {"txid": old, "pair": "XBTUSD", "volume": "0.4"})
        == "EGeneral:Invalid arguments:volume"
    )
    new = desk("EditOrder", {"txid": old, "pair": "XBTUSD", "volume": "0.9"})["txid"]
    assert (desk.look(new)["vol"], desk.look(new)["vol_exec"]) == ("0.50000000", "0.00000000")
    assert desk.look(old)["vol_exec"] == "0.40000000"


def test_a_stop_can_be_edited_until_it_fires(desk: Desk) -> None:
    old = desk.order(ordertype="stop-loss-limit", type="sell", volume="0.1", price="59000", price2="58990")
    new = desk("EditOrder", {"txid": old, "pair": "XBTUSD", "price": "59500"})["txid"]
    assert (desk.look(new)["descr"]["price"], desk.look(new)["descr"]["price2"]) == ("59500.0", "58990.0")
    desk.price("58000", "58001", "59500")
    assert desk.look(new)["misc"] == "stopped"
    assert desk.refused("EditOrder", {"txid": new, "pair": "XBTUSD", "price": "59400"}) == "EOrder:Invalid order"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"pair": "ETHUSD"}, "EGeneral:Invalid arguments:pair"),
        ({"price": "1.23"}, "EOrder:Tick size check failed"),
        ({"volume": "50"}, "EOrder:Insufficient funds"),
        ({"txid": "ONONE0-00000-000000"}, "EOrder:Unknown order"),
    ],
)
def test_a_bad_edit_leaves_the_order_alone(desk: Desk, fields: dict[str, str], error: str) -> None:
    txid = desk.order()
    assert desk.refused("EditOrder", {"txid": txid, "pair": "XBTUSD", **fields}) == error
    assert desk.look(txid)["status"] == "open"


def test_an_order_with_a_conditional_close_is_not_edited(desk: Desk) -> None:
    txid = desk.order(close_ordertype="limit", close_price="65000")
    assert desk.refused("EditOrder", {"txid": txid, "pair": "XBTUSD", "price": "49000"}) == "EOrder:Invalid order"


def test_an_edit_can_be_validated(desk: Desk) -> None:
    txid = desk.order()
    answer = desk("EditOrder", {"txid": txid, "pair": "XBTUSD", "price": "49000", "validate": "true"})
    assert "txid" not in answer
    assert desk.look(txid)["status"] == "open"


# --- Cancel ----------------------------------------------------------------------------------------------------------


def test_orders_are_canceled_by_any_of_their_names(desk: Desk) -> None:
    first = desk.order(volume="0.1", userref="5")
    second = desk.order(volume="0.1", userref="5")
    third = desk.order(volume="0.1", cl_ord_id="mine")
    assert desk("CancelOrder", {"txid": "5"}) == {"count": 2}
    assert desk("CancelOrder", {"cl_ord_id": "mine"}) == {"count": 1}
    for txid in (first, second, third):
        assert (desk.look(txid)["status"], desk.look(txid)["reason"]) == ("canceled", "User requested")


def test_what_is_not_open_cannot_be_canceled(desk: Desk) -> None:
    txid = desk.market(volume="0.1")
    assert desk.refused("CancelOrder", {"txid": txid}) == "EOrder:Unknown order"
    assert desk.refused("CancelOrder", {"txid": "ONONE0-00000-000000"}) == "EOrder:Unknown order"
    assert desk.refused("CancelOrder") == "EGeneral:Invalid arguments:txid"


def test_a_batch_of_cancels_passes_over_what_is_closed(desk: Desk) -> None:
    first, second = desk.order(volume="0.1"), desk.order(volume="0.1", userref="9")
    third = desk.order(volume="0.1", cl_ord_id="mine")
    desk("CancelOrder", {"txid": first})
    fields: dict[str, Any] = {"orders": [first, 9], "cl_ord_ids": ["mine"]}
    assert desk("CancelOrderBatch", fields, as_json=True) == {"count": 2}
    assert {desk.look(txid)["status"] for txid in (second, third)} == {"canceled"}
    assert desk.refused("CancelOrderBatch", {"orders": [first]}, as_json=True) == "EOrder:Unknown order"
    assert desk.refused("CancelOrderBatch", {"orders": ["x"] * 51}, as_json=True) == "EGeneral:Invalid arguments:orders"
    assert desk.refused("CancelOrderBatch", {"orders": []}, as_json=True) == "EGeneral:Invalid arguments:orders"


def test_all_orders_go_at_once(desk: Desk) -> None:
    desk.order(volume="0.1")
    desk.order(pair="ETHUSD", volume="0.1", price="1000")
    desk.order(ordertype="stop-loss", type="sell", volume="0.1", price="1000")
    assert desk("CancelAll") == {"count": 3}
    assert desk("CancelAll") == {"count": 0}
    assert desk("OpenOrders") == {"open": {}}


# --- The dead man's switch -------------------------------------------------------------------------------------------


def test_the_dead_mans_switch_cancels_everything_once(desk: Desk) -> None:
    txid = desk.order(volume="0.1")
    answer = desk("CancelAllOrdersAfter", {"timeout": "60"})
    assert answer == {"currentTime": "2026-03-02T15:00:00Z", "triggerTime": "2026-03-02T15:01:00Z"}
    desk.wait(40)
    desk("CancelAllOrdersAfter", {"timeout": "60"})
    desk.wait(40)
    assert desk.look(txid)["status"] == "open"
    desk.wait(25)
    assert desk.look(txid)["status"] == "canceled"
    second = desk.order(volume="0.1")
    desk.wait(120)
    assert desk.look(second)["status"] == "open"


def test_the_switch_can_be_turned_off(desk: Desk) -> None:
    txid = desk.order(volume="0.1")
    desk("CancelAllOrdersAfter", {"timeout": "60"})
    assert desk("CancelAllOrdersAfter", {"timeout": "0"})["triggerTime"] == "0"
    desk.wait(100)
    assert desk.look(txid)["status"] == "open"
    for timeout in ("86400", "-1", "soon"):
        assert desk.refused("CancelAllOrdersAfter", {"timeout": timeout}) == "EGeneral:Invalid arguments:timeout"


def test_a_fill_that_was_due_comes_before_a_cancel(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions")
    txid = desk.order(volume="0.1", price="59999")
    desk.price("59990", "59995", "59995")
    assert desk.refused("CancelOrder", {"txid": txid}) == "EOrder:Unknown order"
    assert [row["exec_type"] for row in rows(line.heard(), "executions")] == ["pending_new", "new", "trade", "filled"]

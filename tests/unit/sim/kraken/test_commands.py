"""Orders over the socket: the same rules as REST in other words, and faults that meet them."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest

from floorbroker_sim.faults import Args, Fault
from tests.unit.sim.kraken.conftest import Desk, Line


def add(line: Line, **fields: Any) -> Any:
    """The answer to a limit buy of one bitcoin at 50000, changed by `fields`; None drops a member."""
    wish = {
        "order_type": "limit",
        "side": "buy",
        "symbol": "BTC/USD",
        "order_qty": 1.0,
        "limit_price": 50000.0,
    } | fields
    return line.command("add_order", **{name: value for name, value in wish.items() if value is not None})[-1]


def test_an_order_is_answered_with_its_names(desk: Desk) -> None:
    line = desk.socket()
    answer = add(line, cl_ord_id="mine")
    assert (answer["method"], answer["req_id"], answer["success"]) == ("add_order", 1, True)
    txid = answer["result"]["order_id"]
    assert answer["result"] == {"order_id": txid, "cl_ord_id": "mine"}
    assert desk.look(txid)["descr"]["order"] == "buy 1.00000000 XBTUSD @ limit 50000.0"
    assert add(line, order_qty=0.1, order_userref=7)["result"]["order_userref"] == 7


@pytest.mark.parametrize(
    ("fields", "descr", "status"),
    [
        ({"order_type": "market", "limit_price": None}, "@ market", "closed"),
        ({"order_type": "market", "limit_price": None, "order_qty": None, "cash_order_qty": 600}, "@ market", "closed"),
        ({"order_type": "iceberg", "display_qty": 0.5}, "@ iceberg 50000.0", "open"),
        ({"order_type": "stop-loss", "limit_price": None, "triggers": {"price": 61000}}, "@ stop loss 61000.0", "open"),
        ({"order_type": "take-profit", "limit_price": None, "triggers": {"price": -1, "price_type": "pct"}},
         "@ take profit 59400.0", "open"),
        ({"order_type": "stop-loss-limit", "limit_price": 61010, "triggers": {"price": 61000, "reference": "index"}},
         "@ stop loss 61000.0 -> limit 61010.0", "open"),
        ({"order_type": "take-profit-limit", "limit_price": 10, "limit_price_type": "quote", "triggers": {"price": 59000}},
         "@ take profit 59000.0 -> limit 59010.0", "open"),
        ({"order_type": "trailing-stop", "limit_price": None, "triggers": {"price": 1, "price_type": "pct"}},
         "@ trailing stop +1%", "open"),
        ({"order_type": "trailing-stop-limit", "limit_price": 0, "limit_price_type": "quote",
          "triggers": {"price": 100, "price_type": "quote"}}, "@ trailing stop +100 -> limit +0", "open"),
        ({"limit_price": -2, "limit_price_type": "pct"}, "@ limit 58800.0", "open"),
        ({"limit_price": 60000.0, "post_only": True}, "@ limit 60000.0", "open"),
        ({"time_in_force": "ioc"}, "@ limit 50000.0", "canceled"),
        ({"time_in_force": "gtd", "expire_time": "2026-03-02T15:01:00Z"}, "@ limit 50000.0", "open"),
        ({"effective_time": "2026-03-02T15:01:00.5Z"}, "@ limit 50000.0", "pending"),
        ({"no_mpp": True, "order_type": "market", "limit_price": None}, "@ market", "closed"),
    ],
)  # fmt: skip
def test_every_kind_of_order(desk: Desk, fields: dict[str, Any], descr: str, status: str) -> None:
    answer = add(desk.socket(), **({"order_qty": 0.5} | fields))
    assert answer["success"], answer
    order = desk.look(answer["result"]["order_id"])
    assert order["descr"]["order"].endswith(descr)
    assert order["status"] == status


def test_a_conditional_order_comes_with_the_fill(desk: Desk) -> None:
    add(desk.socket(), order_type="market", limit_price=None, order_qty=0.1,
        conditional={"order_type": "stop-loss-limit", "trigger_price": 59000, "limit_price": 58990})  # fmt: skip
    [order] = desk("OpenOrders")["open"].values()
    assert order["descr"]["order"] == "sell 0.10000000 XBTUSD @ stop loss 59000.0 -> limit 58990.0"


@pytest.mark.parametrize(
    ("fields", "error"),
    [
        ({"price": 5}, "Unsupported field: 'price' for the given msg type: add order"),
        ({"order_qty": 10}, "EOrder:Insufficient funds"),
        ({"order_qty": "much"}, "EGeneral:Invalid arguments:order_qty"),
        ({"symbol": "FOO/BAR"}, "EQuery:Unknown asset pair"),
        ({"order_type": "magic"}, "EGeneral:Invalid arguments:order_type"),
        ({"side": None}, "EGeneral:Invalid arguments:side"),
        ({"limit_price": 50000.05}, "EOrder:Tick size check failed"),
        ({"limit_price": None}, "EGeneral:Invalid arguments:price"),
        ({"time_in_force": "fok"}, "EGeneral:Invalid arguments:time_in_force"),
        ({"cash_order_qty": 100}, "EGeneral:Invalid arguments:cash_order_qty"),
        ({"margin": True}, "EOrder:Cannot open position"),
        ({"reduce_only": True}, "EOrder:Reduce only:No position exists"),
        ({"stp_type": "whatever"}, "EGeneral:Invalid arguments:stptype"),
        ({"deadline": "2026-03-02T14:59:59Z"}, "EService:Deadline elapsed"),
        ({"limit_price_type": "miles"}, "EGeneral:Invalid arguments:limit_price_type"),
        (
            {"order_type": "trailing-stop", "limit_price": None, "triggers": {"price": 1}},
            "EGeneral:Invalid arguments:price",
        ),
        ({"triggers": 7}, "EGeneral:Invalid arguments:triggers"),
        ({"expire_time": "tomorrow"}, "EGeneral:Invalid arguments:expire_time"),
        ({"conditional": {"order_type": "market"}}, "EGeneral:Invalid arguments:close[ordertype]"),
    ],
)
def test_a_bad_order_is_refused(desk: Desk, fields: dict[str, Any], error: str) -> None:
    answer = add(desk.socket(), **fields)
    assert (answer["method"], answer["req_id"], answer["success"], answer["error"]) == ("add_order", 1, False, error)
    assert "result" not in answer
    assert desk("OpenOrders") == {"open": {}}


def test_validate_places_nothing(desk: Desk) -> None:
    answer = add(desk.socket(), validate=True, cl_ord_id="mine")
    assert (answer["success"], answer["result"]) == (True, {"cl_ord_id": "mine"})
    assert desk("OpenOrders") == {"open": {}}


def test_amend_and_edit_by_the_socket(desk: Desk) -> None:
    line = desk.socket()
    txid = add(line, cl_ord_id="mine")["result"]["order_id"]
    amended = line.command("amend_order", cl_ord_id="mine", limit_price=51000.0, order_qty=0.5)[-1]
    assert set(amended["result"]) == {"amend_id", "order_id", "cl_ord_id"}
    assert desk.look(txid)["descr"]["price"] == "51000.0"
    edited = line.command("edit_order", order_id=txid, symbol="BTC/USD", limit_price=52000.0)[-1]
    assert edited["result"]["original_order_id"] == txid
    fresh = desk.look(edited["result"]["order_id"])
    assert (fresh["vol"], fresh["descr"]["price"]) == ("0.50000000", "52000.0")
    assert "cl_ord_id" not in fresh
    assert line.command("amend_order", order_id=txid, order_qty=1)[-1]["error"] == "EOrder:Unknown order"
    assert line.command("edit_order", order_id=txid, symbol="BTC/USD")[-1]["error"] == "EOrder:Unknown order"


def test_every_canceled_order_is_answered_by_itself(desk: Desk) -> None:
    line = desk.socket()
    first = add(line, order_qty=0.1)["result"]["order_id"]
    second = add(line, order_qty=0.1, cl_ord_id="mine")["result"]["order_id"]
    add(line, order_qty=0.1, order_userref=5)
    answers = line.command(
        "cancel_order", 44, order_id=[first, "ONONE0-00000-000000"], cl_ord_id=["mine"], order_userref=[5]
    )
    assert {answer["req_id"] for answer in answers} == {44}
    assert [answer["success"] for answer in answers] == [True, False, True, True]
    assert answers[0]["result"] == {"order_id": first}
    assert answers[1]["error"] == "EOrder:Unknown order"
    assert answers[2]["result"] == {"order_id": second, "cl_ord_id": "mine"}
    assert answers[3]["result"]["order_userref"] == 5
    for params in ({}, {"order_id": []}, {"cl_ord_id": ""}):
        assert line.command("cancel_order", 1, **params)[-1]["error"] == "EGeneral:Invalid arguments:order_id"


def test_batches(desk: Desk) -> None:
    line = desk.socket()
    order = {"order_type": "limit", "side": "buy", "order_qty": 0.1, "limit_price": 50000}
    answer = line.command(
        "batch_add", symbol="BTC/USD", orders=[order | {"cl_ord_id": "a"}, order | {"order_qty": 100}]
    )[-1]
    good, bad = answer["result"]
    assert (good["cl_ord_id"], bad["error"]) == ("a", "EOrder:Insufficient funds")
    wrong = line.command("batch_add", symbol="BTC/USD", orders=[order, order | {"limit_price": 1.23}])[-1]
    assert wrong["error"] == "EOrder:Tick size check failed"
    assert (
        line.command("batch_add", symbol="BTC/USD", orders=[order])[-1]["error"] == "EGeneral:Invalid arguments:orders"
    )
    strange = line.command("batch_add", symbol="BTC/USD", orders=[order, order | {"symbol": "X"}])[-1]
    assert strange["error"].startswith("Unsupported field: 'symbol'")
    second = add(line, order_qty=0.1)["result"]["order_id"]
    assert line.command("batch_cancel", orders=[second], cl_ord_id=["a"])[-1]["result"] == {"count": 2}
    alone = add(line, order_qty=0.1)["result"]["order_id"]
    assert line.command("batch_cancel", orders=[alone])[-1]["error"] == "EGeneral:Invalid arguments:orders"
    checked = line.command("batch_add", symbol="BTC/USD", orders=[order, order], validate=True)[-1]
    assert checked["result"] == [{}, {}]


def test_all_at_once_and_the_dead_mans_switch(desk: Desk) -> None:
    line = desk.socket()
    add(line, order_qty=0.1)
    add(line, order_qty=0.1)
    assert line.command("cancel_all")[-1]["result"] == {"count": 2}
    answer = line.command("cancel_all_orders_after", timeout=60)[-1]
    assert answer["result"]["triggerTime"] == "2026-03-02T15:01:00Z"


def test_prices_keep_the_digits_they_were_sent_with(desk: Desk) -> None:
    line = desk.socket()
    line.token = desk.token()
    raw = (
        '{"method":"add_order","params":{"order_type":"limit","side":"buy","symbol":"DOGE/USD","order_qty":13.00000001,'
        f'"limit_price":0.1000001,"token":"{line.token}"}}}}'
    )
    txid = line.raw(raw)[-1]["result"]["order_id"]
    order = desk.look(txid)
    assert (Decimal(order["vol"]), Decimal(order["descr"]["price"])) == (Decimal("13.00000001"), Decimal("0.1000001"))


# --- For the gate ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ({"method": "add_order", "params": {"cl_ord_id": "mine"}}, ("/add_order", "mine")),
        ({"method": "amend_order", "params": {}}, ("/amend_order", None)),
        ({"method": "cancel_order", "params": {"cl_ord_id": ["mine", "other"]}}, ("/cancel_order", "mine")),
        ({"method": "cancel_all"}, ("/cancel_all", None)),
        ({"method": "subscribe", "params": {"channel": "book"}}, None),
        ({"method": "ping"}, None),
    ],
)
def test_the_gate_is_told_which_frames_are_commands(desk: Desk, message: Any, expected: Any) -> None:
    assert desk.socket().session.command(json.dumps(message)) == expected


@pytest.mark.parametrize("frame", ["", "{", "[]", b"\xff", '{"method":7}', '{"method":"add_order","params":3}'])
def test_the_gate_sees_no_command_in_nonsense(desk: Desk, frame: str | bytes) -> None:
    assert desk.socket().session.command(frame) is None


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(where="request", what="throttle"), "Exceeded msg rate"),
        (Fault(where="request", what="throttle", args=Args(seconds=3)), "EService: Throttled: "),
        (Fault(where="request", what="ban"), "EGeneral:Temporary lockout"),
        (Fault(where="request", what="maintenance"), "EService:Unavailable"),
        (Fault(where="request", what="status"), "EGeneral:Internal error"),
        (Fault(where="request", what="token_expiry"), "ESession:Invalid session"),
    ],
)
def test_a_refused_command_is_answered_in_the_venues_words(desk: Desk, fault: Fault, error: str) -> None:
    line = desk.socket()
    line.heard()
    line.session.refuse(fault, json.dumps({"method": "add_order", "params": {}, "req_id": 5}))
    [answer] = line.heard()
    assert (answer["method"], answer["req_id"], answer["success"]) == ("add_order", 5, False)
    assert answer["error"].startswith(error)


def test_an_expired_token_stays_expired(desk: Desk) -> None:
    line = desk.socket()
    line.private("executions")
    line.session.refuse(Fault(where="request", what="token_expiry"), '{"method":"cancel_all"}')
    line.heard()
    assert line.command("cancel_all")[-1]["error"] == "ESession:Invalid session"

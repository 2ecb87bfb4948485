"""Who may ask, how often, and in which words the venue says no."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from floorbroker_sim.faults import Args, Fault
from floorbroker_sim.http import Request
from floorbroker_sim.kraken.auth import TRADER, signature
from floorbroker_sim.kraken.limits import call_cost
from floorbroker_sim.kraken.rest.routes import NEEDS, PRIVATE
from tests.unit.sim.kraken.conftest import START, Desk

DOCUMENT_SECRET = "kQH5HW/8p1uGOVjbgWA7FunAmGO8lsSUXNsu3eow76sz84Q18fWxnyRzBHCd3pd5nE9qa99HAZtuZuj6F1huXg=="


def test_the_published_signature_comes_out() -> None:
    body = b"nonce=1616492376594&ordertype=limit&pair=XBTUSD&price=37500&type=buy&volume=1.25"
    assert signature(DOCUMENT_SECRET, "/0/private/AddOrder", "1616492376594", body) == (
        "4/dpxb3iT4tp/ZCVEwSnEsLxx0bqyhLpdfOpc6fn7OR8+UClSV5n9E6aSS8MPtnRfp32bAb0nmbRn6H8ndwLUQ=="
    )


def test_every_signature_of_the_vectors_comes_out(contracts_dir: Path) -> None:
    document = json.loads((contracts_dir / "kraken" / "vectors.json").read_text("utf-8"))
    vectors = [vector for vector in document["vectors"] if vector["kind"] == "kraken-api-sign"]
    assert len(vectors) >= 5
    for vector in vectors:
        secret = vector.get("secret", document["secret"])
        assert signature(secret, vector["path"], vector["nonce"], vector["body"].encode()) == vector["expected"]


# --- Signatures ------------------------------------------------------------------------------------------------------


def test_a_wrong_key_is_told_before_anything_else(desk: Desk) -> None:
    assert desk.error(desk.post("NoSuchMethod", api_key="wrong")) == "EAPI:Invalid key"


@pytest.mark.parametrize("sign", ["", "AAAA", "not base64!", "é"])
def test_a_wrong_signature_is_refused(desk: Desk, sign: str) -> None:
    assert desk.error(desk.post("Balance", api_sign=sign)) == "EAPI:Invalid signature"


def test_a_body_that_was_changed_on_its_way_is_refused(desk: Desk) -> None:
    reply = desk.post("Balance")
    assert desk.result(reply)
    sign = signature(desk.venue.keys.secret, "/0/private/AddOrder", "99999", b"nonce=99999&volume=1")
    reply = desk.send("/0/private/AddOrder", b"nonce=99999&volume=9", "99999", api_sign=sign)
    assert desk.error(reply) == "EAPI:Invalid signature"


def test_a_nonce_only_grows(desk: Desk) -> None:
    desk("Balance", {"nonce": "5000"})
    for nonce in ("5000", "4999", "0", "-1", "", "x", str(1 << 64), "\uff19" * 5):
        assert desk.refused("Balance", {"nonce": nonce}) == "EAPI:Invalid nonce"
    desk("Balance", {"nonce": "5001"})
    desk("Balance", {"nonce": str((1 << 64) - 1)})


def test_a_refused_signature_uses_up_no_nonce(desk: Desk) -> None:
    desk.post("Balance", {"nonce": "7000"}, api_sign="AAAA")
    desk("Balance", {"nonce": "7000"})


def test_json_bodies_are_signed_as_they_are(desk: Desk) -> None:
    assert desk("Balance", as_json=True)["ZUSD"] == "100000.0000"


# --- Permissions -----------------------------------------------------------------------------------------------------


def test_a_key_without_a_permission_is_refused(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(permissions=frozenset())
    allowed = (
        {method for method in PRIVATE if desk.error(desk.post(method)) != "EGeneral:Permission denied"}
        if NEEDS
        else set()
    )
    assert allowed == set()
    assert desk("GetApiKeyInfo")["permissions"] == []


def test_the_key_tells_what_it_may_do(new_desk: Callable[..., Desk]) -> None:
    info = new_desk()("GetApiKeyInfo")
    assert set(info["permissions"]) == TRADER
    assert info["nonceWindow"] == 0
    assert "withdraw-funds" in new_desk(can_withdraw=True)("GetApiKeyInfo")["permissions"]


def test_a_reader_reads_and_does_not_trade(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(permissions=frozenset({"query-funds", "query-open-trades", "access-websockets"}))
    assert desk("Balance")
    assert desk("OpenOrders") == {"open": {}}
    assert desk.refused("AddOrder", desk.wish()) == "EGeneral:Permission denied"
    line = desk.socket()
    answer = line.command("add_order", order_type="market", side="buy", symbol="BTC/USD", order_qty=1)[-1]
    assert (answer["success"], answer["error"]) == (False, "EGeneral:Permission denied")


def test_an_edit_needs_the_right_to_cancel_too(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(permissions=frozenset({"modify-trades"}))
    txid = desk.order(volume="0.1")
    fields = {"txid": txid, "pair": "XBTUSD", "price": "49000"}
    assert desk.refused("EditOrder", fields) == "EGeneral:Permission denied"
    assert desk("AmendOrder", {"txid": txid, "limit_price": "49000"})["amend_id"]


# --- Limits ----------------------------------------------------------------------------------------------------------


def test_the_call_counter_fills_and_forgets(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None, tier="starter")
    for _ in range(15):
        desk("Balance")
    assert desk.refused("Balance") == "EAPI:Rate limit exceeded"
    desk.wait(4)  # 0.33 a second
    desk("Balance")
    assert desk.refused("Balance") == "EAPI:Rate limit exceeded"


def test_histories_cost_two_and_orders_nothing(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None, tier="starter")
    for _ in range(7):
        desk("TradesHistory")
    assert desk.refused("Ledgers") == "EAPI:Rate limit exceeded"
    desk.order(volume="0.1")
    desk("Balance")


@pytest.mark.parametrize(
    ("method", "cost"), [("TradesHistory", 2), ("Ledgers", 2), ("ClosedOrders", 1), ("Balance", 1), ("CancelOrder", 0)]
)
def test_what_a_call_costs(method: str, cost: int) -> None:
    assert call_cost(method) == cost


def test_a_chosen_rate_is_forgotten_by_the_minute(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=60, tier="starter")
    for _ in range(15):
        desk("Balance")
    desk.wait(1)
    desk("Balance")
    assert desk.refused("Balance") == "EAPI:Rate limit exceeded"


def test_orders_fill_the_counter_of_their_pair_alone(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None, tier="pro")
    for _ in range(180):
        desk.refused("AddOrder", desk.wish(volume="0"))  # counted even though it is refused
    assert desk.refused("AddOrder", desk.wish(volume="0")) == "EOrder:Rate limit exceeded"
    assert desk.refused("AddOrder", desk.wish(pair="ETHUSD", volume="0")) == "EGeneral:Invalid arguments:volume"


def test_a_young_cancel_is_dear_and_an_old_one_is_free(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None, tier="starter")
    limits, now = desk.venue.state.limits, desk.venue.now
    txid = desk.order(volume="0.01")
    assert limits.engine_count("BTC/USD", now()) == 1
    desk("CancelOrder", {"txid": txid})
    assert 8 < limits.engine_count("BTC/USD", now()) <= 9
    desk.wait(30)
    txid = desk.order(volume="0.01")
    desk.wait(400)
    desk("CancelOrder", {"txid": txid})
    assert limits.engine_count("BTC/USD", now()) == 0


def test_an_amend_makes_an_order_young_again(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None)
    txid = desk.order(volume="0.01")
    desk.wait(400)
    desk("AmendOrder", {"txid": txid, "limit_price": "50001"})
    desk("CancelOrder", {"txid": txid})
    assert desk.venue.state.limits.engine_count("BTC/USD", desk.venue.now()) > 8


def test_there_is_room_for_so_many_orders_of_a_pair(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None, tier="starter")
    for n in range(60):
        desk.order(volume="0.001", price=str(40_000 + n))
        desk.wait(2)
    assert desk.refused("AddOrder", desk.wish(volume="0.001")) == "EOrder:Orders limit exceeded"
    desk.order(pair="ETHUSD", volume="0.01", price="1000")


def test_many_wrong_keys_lock_the_account(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(rate=None)
    for _ in range(10):
        assert desk.error(desk.post("Balance", api_key="wrong")) == "EAPI:Invalid key"
    assert desk.refused("Balance") == "EGeneral:Temporary lockout"
    desk.wait(899)
    assert desk.refused("Balance") == "EGeneral:Temporary lockout"
    desk.wait(2)
    desk("Balance")


# --- Everything else that is no order --------------------------------------------------------------------------------


def test_unknown_methods_and_paths(desk: Desk) -> None:
    assert desk.refused("Withdraw") == "EGeneral:Unknown method"
    assert desk.error(desk.get("Nothing")) == "EGeneral:Unknown method"
    assert desk.venue.handle(Request(method="GET", path="/v2/orders", segments=("v2", "orders"))).status == 404


@pytest.mark.parametrize(
    ("system", "error"),
    [
        ("cancel_only", "EService:Market in cancel_only mode"),
        ("post_only", "EService:Market in post_only mode"),
        ("maintenance", "EService:Unavailable"),
    ],
)
def test_a_venue_in_another_mode_takes_no_orders(new_desk: Callable[..., Desk], system: str, error: str) -> None:
    desk = new_desk(system=system)
    assert desk.public("SystemStatus")["status"] == system
    assert desk.refused("AddOrder", desk.wish()) == error
    assert desk.socket().heard()[0]["data"][0]["system"] == system


def test_post_only_orders_pass_in_post_only_mode(new_desk: Callable[..., Desk]) -> None:
    desk = new_desk(system="post_only")
    assert desk.look(desk.order(oflags="post", volume="0.1"))["status"] == "open"


@pytest.mark.parametrize(
    ("fault", "status", "text"),
    [
        (Fault(where="reply", what="throttle"), 200, "EAPI:Rate limit exceeded"),
        (Fault(where="reply", what="throttle", args=Args(seconds=5)), 200, "EService: Throttled: "),
        (Fault(where="reply", what="ban"), 200, "EGeneral:Temporary lockout"),
        (Fault(where="reply", what="token_expiry"), 200, "EAPI:Invalid key"),
        (Fault(where="reply", what="maintenance"), 200, "EService:Unavailable"),
        (Fault(where="reply", what="status"), 520, "<html>"),
        (Fault(where="reply", what="status", args=Args(status=502)), 502, "<html>"),
    ],
)
def test_faults_wear_the_venues_face(desk: Desk, fault: Fault, status: int, text: str) -> None:
    reply = desk.venue.refusal(fault, Request(method="POST", path="/0/private/AddOrder"))
    assert reply.status == status
    assert text in reply.body.decode()
    if text.endswith("Throttled: "):
        assert str(int(START.timestamp()) + 5) in reply.body.decode()


def test_the_request_log_knows_the_clients_name_for_an_order(desk: Desk) -> None:
    body = b"nonce=1&cl_ord_id=mine&pair=XBTUSD"
    named: Any = desk.venue.client_id
    assert (
        named(Request(method="POST", path="/0/private/AddOrder", segments=("0", "private", "AddOrder"), body=body))
        == "mine"
    )
    assert (
        named(Request(method="POST", path="/0/private/Balance", segments=("0", "private", "Balance"), body=body))
        is None
    )

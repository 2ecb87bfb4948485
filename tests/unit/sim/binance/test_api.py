"""The WebSocket API: requests and answers, log-on, subscriptions, limits, and faults of order commands."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from floorbroker_sim.http import Command, Request
from tests.unit.sim.binance.conftest import Asker, Listener
from tests.unit.sim.binance.test_auth import pem_of


@pytest.fixture
def api(ask: Asker) -> Listener:
    return ask.listen("/ws-api/v3")


def test_answers_repeat_the_id_and_show_limits(ask: Asker, api: Listener) -> None:
    answer = api.call("time")
    assert (answer["id"], answer["status"], answer["result"]["serverTime"]) == ("1", 200, ask.now_ms())
    (limit,) = answer["rateLimits"]
    assert (limit["rateLimitType"], limit["interval"], limit["limit"]) == ("REQUEST_WEIGHT", "MINUTE", 6000)
    assert "rateLimits" not in api.call("ping", returnRateLimits=False)
    assert api.call("v3/ping")["result"] == {}
    quiet = ask.listen("/ws-api/v3", "returnRateLimits=false")
    assert "rateLimits" not in quiet.call("ping")


def test_orders_travel_as_over_rest(ask: Asker, api: Listener) -> None:
    placed = api.signed("order.place", **ask.order_of(newClientOrderId="ws-1"))
    assert (placed["status"], placed["result"]["status"]) == (200, "NEW")
    assert [limit["rateLimitType"] for limit in placed["rateLimits"]] == ["ORDERS", "ORDERS", "REQUEST_WEIGHT"]
    number = placed["result"]["orderId"]
    assert api.signed("order.status", symbol="BTCUSDT", orderId=number)["result"]["clientOrderId"] == "ws-1"
    assert len(api.signed("openOrders.status")["result"]) == 1
    assert api.signed("order.cancel", symbol="BTCUSDT", orderId=number)["result"]["status"] == "CANCELED"
    assert [o["status"] for o in api.signed("allOrders", symbol="BTCUSDT")["result"]] == ["CANCELED"]
    refused = api.signed("order.place", **ask.order_of(quantity="3"))
    assert (refused["status"], refused["error"]["code"]) == (400, -2010)


def test_numbers_are_signed_as_they_are_written(ask: Asker, api: Listener) -> None:
    fields = {"apiKey": ask.key.name, "symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.010"}
    given = {**fields, "timestamp": str(ask.now_ms())}
    signature = ask.sign("&".join(f"{k}={given[k]}" for k in sorted(given)))
    params = ", ".join(f'"{k}": "{v}"' for k, v in fields.items() if k != "quantity")
    api.say(
        '{"id": 7, "method": "order.place", "params": {'
        f'{params}, "quantity": 0.010, "timestamp": {given["timestamp"]}, "signature": "{signature}"' + "}}"
    )
    (answer,) = api.heard()
    assert answer["result"]["executedQty"] == "0.01000000"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("nonsense", -1135), ('{"id": 1}', -1135), ('{"method": 1}', -1135), ('{"id": 1, "method": "no.such"}', -1000),
        ('{"id": 1, "method": "order.place"}', -2014), ('{"id": 1, "method": "account.status", "params": {}}', -2014),
        ('{"id": 1, "method": "depth", "params": {"symbol": null}}', -1102), ('{"id": [], "method": "ping"}', -1135),
    ],
)  # fmt: skip
def test_what_is_no_request_is_told_so(api: Listener, frame: str, code: int) -> None:
    api.say(frame)
    (answer,) = api.heard()
    assert (answer["error"]["code"], answer["status"] >= 400) == (code, True)


def test_an_empty_frame_is_a_pong(api: Listener) -> None:
    api.say("")
    api.say(b"")
    assert api.heard() == []


# --- User data ---------------------------------------------------------------------------------------------------------


def test_one_subscription_per_connection(ask: Asker, api: Listener) -> None:
    assert api.signed("userDataStream.subscribe.signature")["result"] == {"subscriptionId": 0}
    again = api.signed("userDataStream.subscribe.signature")
    assert again["error"] == {"code": -2035, "msg": "User Data Stream subscription already active."}
    assert api.call("session.subscriptions")["result"] == [{"subscriptionId": 0}]
    assert api.call("session.status")["result"]["userDataStream"] is False  # none of a log-on
    assert api.call("userDataStream.unsubscribe")["result"] == {}
    assert [event["e"] for event in api.kept] == ["eventStreamTerminated"]
    ask.market()
    assert api.heard() == []
    assert api.signed("userDataStream.subscribe.signature")["result"] == {"subscriptionId": 1}


def test_only_a_session_that_is_logged_on_subscribes_without_a_signature(api: Listener) -> None:
    assert api.call("userDataStream.subscribe")["status"] == 401


def signed_on(ask: Asker) -> tuple[str, Callable[[dict[str, Any]], dict[str, Any]]]:
    """A registered Ed25519 key, and a function that signs with it."""
    private = ed25519.Ed25519PrivateKey.generate()
    name = ask.door("POST", "/keys", {"public_key": pem_of(private)})[1]["key"]

    def sign(params: dict[str, Any]) -> dict[str, Any]:
        given = {"apiKey": name, "timestamp": ask.now_ms(), **params}
        payload = "&".join(f"{k}={given[k]}" for k in sorted(given))
        return given | {"signature": base64.b64encode(private.sign(payload.encode())).decode()}

    return name, sign


def test_a_log_on_spares_key_and_signature(ask: Asker, api: Listener) -> None:
    assert api.signed("session.logon")["error"]["code"] == -2015  # an HMAC key does not log on
    name, sign = signed_on(ask)
    answer = api.call("session.logon", **sign({}))["result"]
    assert (answer["apiKey"], answer["userDataStream"]) == (name, False)
    assert api.call("account.status", timestamp=ask.now_ms())["status"] == 200
    assert api.call("account.status")["error"]["code"] == -1102  # the time is still needed
    assert api.call("userDataStream.subscribe")["result"] == {"subscriptionId": 0}
    assert api.call("order.place", timestamp=ask.now_ms(), **ask.order_of())["result"]["status"] == "NEW"
    assert [e["e"] for e in api.kept] == ["executionReport", "outboundAccountPosition"]
    out = api.call("session.logout")
    assert (out["result"]["apiKey"], [e["e"] for e in api.kept]) == (None, ["eventStreamTerminated"])
    assert api.call("account.status", timestamp=ask.now_ms())["error"]["code"] == -2014


def test_a_key_that_is_withdrawn_ends_its_session(ask: Asker, api: Listener) -> None:
    name, sign = signed_on(ask)
    api.call("session.logon", **sign({}))
    ask.door("POST", "/keys", {"key": name, "remove": True})
    api.say({"id": 9, "method": "time"})
    first, second = api.heard()
    assert (first["id"], first["status"], first["error"]["code"], second["status"]) == (None, 401, -2015, 200)


def test_money_from_outside_is_told(ask: Asker) -> None:
    user = ask.account()
    assert ask.door("POST", "/deposit", {"asset": "BTC", "amount": "1.5"})[0] == 204
    events = user.events()
    assert [(e["e"], e.get("d")) for e in events] == [
        ("balanceUpdate", "1.50000000"),
        ("outboundAccountPosition", None),
    ]
    assert ask.balance("BTC")[0] == "3.50000000"
    assert ask.door("POST", "/deposit", {"asset": "BTC", "amount": "-100"})[0] == 409


# --- Limits ------------------------------------------------------------------------------------------------------------


def test_weight_is_counted_and_told(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=100)
    ask.price("59999", "60001", "60000")
    reply = ask.raw("GET", "/api/v3/exchangeInfo")
    assert reply.headers["X-MBX-USED-WEIGHT-1M"] == "20"
    placed = ask.asked("POST", "/api/v3/order", **ask.order_of())
    assert (placed.headers["X-MBX-USED-WEIGHT-1M"], placed.headers["X-MBX-ORDER-COUNT-10S"]) == ("20", "1")
    failed = ask.asked("POST", "/api/v3/order", **ask.order_of(quantity="3"))
    assert (failed.headers["X-MBX-USED-WEIGHT-1M"], "X-MBX-ORDER-COUNT-10S" in failed.headers) == ("21", False)
    for _ in range(3):
        assert ask.raw("GET", "/api/v3/exchangeInfo").status == 200
    late = ask.raw("GET", "/api/v3/exchangeInfo")
    assert (late.status, late.headers["Retry-After"]) == (429, "60")
    assert json.loads(late.body)["code"] == -1003
    ask.clock.set(ask.clock.now().replace(minute=1))
    assert ask.raw("GET", "/api/v3/exchangeInfo").status == 200


@pytest.mark.parametrize(
    ("path", "query", "weight"),
    [
        ("ping", "", 1), ("depth", "symbol=BTCUSDT", 5), ("depth", "symbol=BTCUSDT&limit=500", 25),
        ("depth", "symbol=BTCUSDT&limit=5000", 250), ("ticker/24hr", "", 80), ("ticker/24hr", "symbol=BTCUSDT", 2),
        ("ticker", 'symbols=["BTCUSDT","ETHUSDT"]', 8), ("ticker/price", "", 4), ("klines", "symbol=BTCUSDT&interval=1m", 2),
    ],
)  # fmt: skip
def test_what_questions_weigh(ask: Asker, path: str, query: str, weight: int) -> None:
    assert ask.raw("GET", f"/api/v3/{path}", query).headers["X-MBX-USED-WEIGHT-1M"] == str(weight)


def test_who_does_not_listen_is_banned(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=10)
    found = [ask.raw("GET", "/api/v3/exchangeInfo") for _ in range(12)]
    assert [reply.status for reply in found] == [429] * 10 + [418] * 2
    assert found[-1].headers["Retry-After"] == "120"
    api = ask.listen("/ws-api/v3")
    (told,) = api.heard()
    assert (told["status"], told["error"]["code"]) == (418, -1003)
    assert told["error"]["data"]["retryAfter"] > told["error"]["data"]["serverTime"]
    assert api.session.outbox.close_code == 1008


def test_a_fill_gives_the_count_of_its_order_back(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=6000)
    ask.price("59999", "60001", "60000")
    ask.order()
    ask.market()
    assert [line["count"] for line in ask("GET", "/api/v3/rateLimit/order")] == [1, 1]


def test_too_many_orders_are_refused(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=6000)
    ask.price("59999", "60001", "60000")
    for _ in range(100):
        ask.order(quantity="0.001", newOrderRespType="ACK")
    assert ask.no_order(quantity="0.001")[:2] == (429, -1015)
    status, code, _ = ask.refused("POST", "/api/v3/order/cancelReplace", **ask.order_of(
        cancelReplaceMode="STOP_ON_FAILURE", cancelOrderId=1))  # fmt: skip
    assert (status, code) == (429, -1015)


# --- Faults ------------------------------------------------------------------------------------------------------------


def test_order_commands_are_known_by_name_and_client_id(ask: Asker, api: Listener) -> None:
    session: Any = api.session
    frame = json.dumps({"id": 1, "method": "order.place", "params": {"newClientOrderId": "mine"}})
    assert session.command(frame) == Command("/order.place", "mine")
    cancel = json.dumps({"id": 1, "method": "v3/order.cancel", "params": {"newClientOrderId": "not-an-order"}})
    assert session.command(cancel) == Command("/order.cancel", None)
    for other in ('{"id": 1, "method": "time"}', "nonsense", '{"id": 1, "method": "no.such"}'):
        assert session.command(other) is None
    throttle = {"where": "request", "what": "throttle", "args": {"seconds": 5}}
    assert ask.door("POST", "/faults", {"faults": [throttle]})[0] == 200
    session.refuse(ask.venue.plan.faults[0], frame)
    (answer,) = api.heard()
    assert (answer["id"], answer["status"], answer["error"]["code"]) == (1, 429, -1003)


@pytest.mark.parametrize(
    ("what", "status", "code"),
    [("throttle", 429, -1003), ("ban", 418, -1003), ("token_expiry", 401, -2015), ("status", 503, -1007)],
)
def test_faults_wear_the_venues_face(ask: Asker, what: str, status: int, code: int) -> None:
    ask.door("POST", "/faults", {"faults": [{"where": "request", "what": what}]})
    reply = ask.venue.refusal(ask.venue.plan.faults[0], Request(method="GET", path="/api/v3/time"))
    assert (reply.status, json.loads(reply.body)["code"]) == (status, code)

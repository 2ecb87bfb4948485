"""Who may speak, how often, and what the venue says to the others."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from floorbroker_sim.bybit import auth
from floorbroker_sim.bybit.auth import Keys
from floorbroker_sim.bybit.errors import Refused
from floorbroker_sim.http import Reply, Request
from tests.unit.sim.bybit.conftest import Asker

BALANCE = "/v5/account/wallet-balance"


def code(ask: Asker, headers: dict[str, str]) -> int:
    reply = ask.raw("GET", BALANCE, headers=headers, query={"accountType": "UNIFIED"})
    return json.loads(reply.body)["retCode"]


def test_the_vectors_are_what_this_venue_reckons(contracts_dir: Path) -> None:
    vectors = json.loads((contracts_dir / "bybit" / "vectors.json").read_text("utf-8"))
    checked = [v for v in vectors["vectors"] if v["verified"] and v["kind"] == "hmac-sha256-hex"]
    assert len(checked) >= 5
    for vector in checked:
        assert auth.signature(vector.get("secret", vectors["secret"]), vector["payload"]) == vector["expected"]


def test_a_query_is_signed_as_it_was_sent(ask: Asker) -> None:
    keys, now = ask.venue.keys, int(ask.clock.now().timestamp() * 1000)
    raw = "cursor=a%3A1&category=linear&settleCoin=USDT"
    headers = {
        "x-bapi-api-key": keys.key, "x-bapi-timestamp": str(now), "x-bapi-recv-window": "5000",
        "x-bapi-sign": auth.signature(keys.secret, f"{now}{keys.key}5000{raw}"),
    }  # fmt: skip
    request = Request(method="GET", path="/v5/order/realtime", raw_query=raw, headers=headers)
    auth.check_request(request, keys, now_ms=now)
    sorted_query = Request(method="GET", path="/", raw_query="category=linear&cursor=a%3A1", headers=headers)
    with pytest.raises(Refused) as caught:
        auth.check_request(sorted_query, keys, now_ms=now)
    assert caught.value.code == 10004


def test_strangers_are_told_what_is_wrong(ask: Asker) -> None:
    good = ask.headers("accountType=UNIFIED")
    assert code(ask, good) == 0
    assert code(ask, good | {"x-bapi-api-key": "someone"}) == 10003
    assert code(ask, good | {"x-bapi-sign": "0" * 64}) == 10004
    assert ask.raw("GET", BALANCE, headers={}, query={"accountType": "UNIFIED"}).status == 401
    odd = ask.raw("POST", "/v5/order/create", b"\xff\xfe", headers=good)
    assert json.loads(odd.body)["retCode"] == 10004


@pytest.mark.parametrize(
    ("offset_ms", "window", "expected"),
    [
        (-5000, "5000", 0),
        (-5001, "5000", 10002),
        (999, "5000", 0),
        (1000, "5000", 10002),
        (-9000, "10000", 0),
        (0, "x", 10001),
    ],
)
def test_the_time_of_a_request_lies_in_its_window(ask: Asker, offset_ms: int, window: str, expected: int) -> None:
    keys, sent = ask.venue.keys, int(ask.clock.now().timestamp() * 1000) + offset_ms
    payload = f"{sent}{keys.key}{window}accountType=UNIFIED"
    headers = {
        "x-bapi-api-key": keys.key, "x-bapi-timestamp": str(sent), "x-bapi-recv-window": window,
        "x-bapi-sign": auth.signature(keys.secret, payload),
    }  # fmt: skip
    assert code(ask, headers) == expected


def test_a_key_that_only_reads_may_not_trade(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(read_only=True)
    assert ask.get("/v5/user/query-api")["readOnly"] == 1
    assert ask.refused("/v5/order/create", **ask.wish())[0] == 10005
    wire = ask.wire("/v5/trade")
    assert wire.sign_in()["retCode"] == 0
    header = {"X-BAPI-TIMESTAMP": int(ask.clock.now().timestamp() * 1000)}
    (answer,) = wire.send(op="order.create", header=header, args=[ask.wish()])
    assert answer["retCode"] == 10005


def test_a_key_that_may_withdraw_says_so(new_venue: Callable[..., Asker]) -> None:
    assert "Withdraw" in new_venue(can_withdraw=True).get("/v5/user/query-api")["permissions"]["Wallet"]
    assert new_venue().get("/v5/user/query-api")["permissions"]["Wallet"] == []


def test_keys_come_from_the_seed() -> None:
    assert auth.make_keys(Random("a")) == auth.make_keys(Random("a")) != auth.make_keys(Random("b"))
    assert isinstance(auth.make_keys(Random("a")), Keys)


# --- Limits ----------------------------------------------------------------------------------------------------------


def limits(ask: Asker, path: str = "/v5/account/info") -> tuple[int, dict[str, Any]]:
    reply = ask.raw("GET", path, query={} if path.endswith("info") else {"category": "linear"})
    return json.loads(reply.body)["retCode"], dict(reply.headers)


def test_the_limit_is_told_and_kept_for_each_endpoint(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=None)
    for number in range(5):
        found, headers = limits(ask, "/v5/account/fee-rate")
        assert (found, headers["X-Bapi-Limit"], headers["X-Bapi-Limit-Status"]) == (0, "5", str(4 - number))
    found, headers = limits(ask, "/v5/account/fee-rate")
    assert (found, headers["X-Bapi-Limit-Status"]) == (10006, "0")
    assert int(headers["X-Bapi-Limit-Reset-Timestamp"]) == int(ask.clock.now().timestamp() * 1000) + 1000
    assert limits(ask)[0] == 0
    ask.later(1.0)
    assert limits(ask, "/v5/account/fee-rate")[0] == 0


def test_spot_may_create_twice_as_often_as_contracts(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=None)
    for category, most in (("spot", 20), ("linear", 10)):
        codes = [
            json.loads(ask.raw("POST", "/v5/order/create", json.dumps({"category": category}).encode()).body)["retCode"]
            for _ in range(most + 1)
        ]
        assert codes.index(10006) == most


def test_the_part_of_a_batch_beyond_the_limit_fails_order_by_order(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=None)
    body = {"category": "linear", "request": [{**ask.wish(price="50000"), "orderLinkId": f"o{n}"} for n in range(12)]}
    answer = json.loads(ask.raw("POST", "/v5/order/create-batch", json.dumps(body).encode()).body)
    assert answer["retCode"] == 0
    assert [line["code"] for line in answer["retExtInfo"]["list"]] == [0] * 10 + [10006] * 2


def test_a_flood_from_one_address_is_banned_for_ten_minutes(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=None)
    statuses = [ask.raw("GET", "/v5/market/time").status for _ in range(601)]
    assert statuses == [200] * 600 + [403]
    ask.later(599)
    assert ask.raw("GET", "/v5/market/time").status == 403
    ask.later(2)
    assert ask.raw("GET", "/v5/market/time").status == 200


def test_sockets_are_counted_as_well(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=None)
    for _ in range(500):
        ask.wire("/v5/private").session.closed()
    refused = ask.venue.socket(Request(method="GET", path="/v5/private"))
    assert isinstance(refused, Reply)
    assert refused.status == 403
    ask.later(300)
    ask.wire("/v5/private")


def test_another_rate_is_requests_a_minute(new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(rate=2)
    assert [limits(ask)[0] for _ in range(3)] == [0, 0, 10006]
    ask.later(30)
    assert limits(ask)[0] == 10006
    ask.later(31)
    assert limits(ask)[0] == 0


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("GET", "/v5/nothing", b"", 404),
        ("POST", "/v5/order/realtime", b"{}", 400),
        ("GET", "/v5/order/create", b"", 400),
        ("GET", "/v5/order/realtime", b"{}", 403),
        ("DELETE", "/v5/order/create", b"", 400),
    ],
)
def test_what_is_no_request_of_this_venue_gets_a_status(
    ask: Asker, method: str, path: str, body: bytes, status: int
) -> None:
    assert ask.raw(method, path, body).status == status

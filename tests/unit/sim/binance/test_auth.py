"""Who may speak: signatures of all kinds, times, keys; against the published vectors too."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from floorbroker_sim.binance.auth import Key, KeyRing, public_key, rest_payload, socket_payload
from tests.unit.sim.binance.conftest import Asker

LATE = (400, -1021, "Timestamp for this request is outside of the recvWindow.")
EARLY = (400, -1021, "Timestamp for this request was 1000ms ahead of the server's time.")
FALSE = (400, -1022, "Signature for this request is not valid.")


def pem_of(private: ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey) -> str:
    spki = serialization.PublicFormat.SubjectPublicKeyInfo
    return private.public_key().public_bytes(serialization.Encoding.PEM, spki).decode()


def test_published_hmac_vectors_verify(contracts_dir: Path) -> None:
    found = json.loads((contracts_dir / "binance" / "vectors.json").read_text("utf-8"))
    checked = 0
    for vector in found["vectors"]:
        if vector["kind"] != "hmac-sha256-hex":
            continue
        key = Key(name="K", kind="HMAC", secret=vector.get("secret_key", found["secret_key"]))
        assert key.fits(vector["payload"].encode(), vector["expected"]), vector["name"]
        assert key.fits(vector["payload"].encode(), vector["expected"].upper())
        assert not key.fits(vector["payload"].encode() + b"1", vector["expected"])
        checked += 1
    assert checked >= 8


def test_ed25519_vectors_verify(contracts_dir: Path) -> None:
    found = json.loads((contracts_dir / "binance" / "vectors.json").read_text("utf-8"))
    vectors = [v for v in found["vectors"] if v["kind"] == "ed25519-base64" and "payload" in v]
    assert len(vectors) >= 3
    pem = next(v["public_key_pem"] for v in found["vectors"] if "public_key_pem" in v)
    for vector in vectors:
        key = public_key("K", pem)
        assert key.fits(vector["payload"].encode(), vector["expected"]), vector["name"]
        assert not key.fits(vector["payload"].encode(), vector["expected"].lower())


def test_the_signature_may_stand_anywhere_and_query_and_body_join_without_a_mark() -> None:
    assert rest_payload("a=1&signature=x&b=2", b"c=3&d=4") == b"a=1&b=2c=3&d=4"
    assert socket_payload({"b": "é", "a": "1", "signature": "x"}) == "a=1&b=é".encode()


def test_parameters_may_come_by_query_and_body_and_the_query_wins(ask: Asker) -> None:
    query = urlencode({"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "price": "40000"})
    body = urlencode({"price": "1", "timeInForce": "GTC", "quantity": "0.01", "timestamp": ask.now_ms()})
    signature = ask.sign(query + body)
    reply = ask.raw(
        "POST", "/api/v3/order", query, f"{body}&signature={signature}".encode(), {"x-mbx-apikey": ask.key.name}
    )
    assert reply.status == 200, reply.body
    assert json.loads(reply.body)["price"] == "40000.00000000"


@pytest.mark.parametrize("kind", ["ED25519", "RSA"])
def test_public_keys_sign_rest_requests(ask: Asker, kind: str) -> None:
    private: Any = ed25519.Ed25519PrivateKey.generate() if kind == "ED25519" else rsa.generate_private_key(65537, 2048)
    status, made = ask.door("POST", "/keys", {"public_key": pem_of(private)})
    assert (status, made["kind"]) == (200, kind)
    payload = f"timestamp={ask.now_ms()}"
    raw = (
        private.sign(payload.encode())
        if kind == "ED25519"
        else private.sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())
    )
    signature = quote(base64.b64encode(raw).decode(), safe="")
    asked = {"x-mbx-apikey": made["key"]}
    assert ask.raw("GET", "/api/v3/account", f"{payload}&signature={signature}", headers=asked).status == 200
    assert ask.raw("GET", "/api/v3/account", f"{payload}&signature=AAAA", headers=asked).status == 400


@pytest.mark.parametrize(
    ("away_ms", "window", "expected"),
    [
        (0, None, None), (999, None, None), (1000, None, EARLY), (-5000, None, None), (-5001, None, LATE),
        (-5001, "6000", None), (-60000, "60000", None), (-60001, "60000", LATE), (-11, "10.5", LATE), (-10, "10.5", None),
    ],
)  # fmt: skip
def test_the_time_of_a_request(ask: Asker, away_ms: int, window: str | None, expected: object) -> None:
    asked = {"timestamp": ask.now_ms() + away_ms} | ({} if window is None else {"recvWindow": window})
    if expected is None:
        ask("GET", "/api/v3/account", **asked)
    else:
        assert ask.refused("GET", "/api/v3/account", **asked) == expected


def test_times_may_be_microseconds(ask: Asker) -> None:
    ask("GET", "/api/v3/account", timestamp=ask.now_ms() * 1000 + 999_000)
    assert ask.refused("GET", "/api/v3/account", timestamp=ask.now_ms() * 1000 + 1_000_000) == EARLY


def test_what_is_missing_or_wrong_is_named(ask: Asker) -> None:
    def code(query: str, key: str | None) -> tuple[int, int, str]:
        reply = ask.raw("GET", "/api/v3/account", query, headers={} if key is None else {"x-mbx-apikey": key})
        body = json.loads(reply.body)
        return reply.status, body["code"], body["msg"]

    stamped = f"timestamp={ask.now_ms()}"
    assert code(stamped, None) == (401, -2014, "API-key format invalid.")
    assert code(stamped, "not a key!") == (401, -2014, "API-key format invalid.")
    assert code(stamped, "A" * 64) == (401, -2015, "Invalid API-key, IP, or permissions for action.")
    assert code("", ask.key.name)[1:] == (
        -1102,
        "Mandatory parameter 'timestamp' was not sent, was empty/null, or malformed.",
    )
    assert "'signature'" in code(stamped, ask.key.name)[2]
    assert code(f"{stamped}&signature=00", ask.key.name) == FALSE
    assert ask.refused("GET", "/api/v3/account", recvWindow="60001")[1] == -1131
    assert ask.refused("GET", "/api/v3/account", recvWindow="1.2345x")[1] == -1100


def test_keys_are_drawn_from_the_seed(new_venue: Callable[..., Asker]) -> None:
    assert new_venue(seed=1).key.name == new_venue(seed=1).key.name != new_venue(seed=2).key.name
    mine = KeyRing()
    mine.add(Key(name="MINE", kind="HMAC", secret="S"))
    assert new_venue(keys=mine).venue.credentials["BROKER_API_KEY"] == "MINE"


def test_what_a_key_may_do_is_told_and_changed_by_hand(ask: Asker) -> None:
    assert ask("GET", "/sapi/v1/account/apiRestrictions")["enableWithdrawals"] is False
    assert ask.door("POST", "/keys", {"withdrawals": True})[0] == 200
    found = ask("GET", "/sapi/v1/account/apiRestrictions")
    assert (found["enableWithdrawals"], found["enableSpotAndMarginTrading"]) == (True, True)
    assert ask.door("POST", "/keys", {"withdrawals": "yes"})[0] == 422
    assert ask.door("POST", "/keys", {"public_key": "no key"})[0] == 422


def test_a_key_that_may_not_trade_may_look(ask: Asker) -> None:
    ask.door("POST", "/keys", {"trading": False})
    assert ask.no_order() == (401, -2015, "Invalid API-key, IP, or permissions for action.")
    assert ask.refused("POST", "/api/v3/order/test", **ask.order_of())[1] == -2015
    assert ask("GET", "/api/v3/openOrders") == []
    assert ask("GET", "/sapi/v1/account/apiRestrictions")["enableSpotAndMarginTrading"] is False

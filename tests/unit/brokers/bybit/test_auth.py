"""Signatures against the published vectors, and the venue's time."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from floorbroker.brokers.bybit.auth import (
    EARLY_MS,
    KEY_HEADER,
    LOGIN_MS,
    SIGN_HEADER,
    TIME_HEADER,
    WINDOW_HEADER,
    Credentials,
    epoch_ms,
    login,
    sign,
    signature,
)
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import from_epoch
from floorbroker.transport.types import Request
from tests.unit.brokers.bybit.fakes import CREDENTIALS, NOW


@pytest.fixture(scope="module")
def vectors(contracts_dir: Path) -> list[dict[str, Any]]:
    found = json.loads((contracts_dir / "bybit" / "vectors.json").read_text(encoding="utf-8"))
    return [{"secret": found["secret"], **vector} for vector in found["vectors"]]


def test_every_verified_vector_passes(vectors: list[dict[str, Any]]) -> None:
    verified = [vector for vector in vectors if vector["verified"]]
    assert len(verified) >= 5
    for vector in verified:
        assert signature(vector["payload"], Secret(vector["secret"])) == vector["expected"], vector["name"]


def test_a_request_is_signed_as_the_vector_says(vectors: list[dict[str, Any]]) -> None:
    (expected,) = [vector["expected"] for vector in vectors if vector["name"] == "rest-get-computed"]
    query = (("category", "option"), ("symbol", "BTC-29JUL22-25000-C"))
    request = Request(method="GET", origin="https://x.example", path="/v5/order/realtime", endpoint="x", query=query)
    at = from_epoch(ms=1_658_384_314_791 + EARLY_MS)
    assert sign(request, CREDENTIALS, at, recv_window_ms=5000).headers[SIGN_HEADER] == expected


def test_a_post_signs_its_exact_body_and_a_get_its_query_as_sent() -> None:
    key, secret = CREDENTIALS.key.reveal(), CREDENTIALS.secret
    post = Request(method="POST", origin="https://x.example", path="/p", endpoint="x", body=b'{"a": 1}')
    get = Request(method="GET", origin="https://x.example", path="/p", endpoint="x", query=(("cursor", "a:b/1"),))
    for request, text in ((post, '{"a": 1}'), (get, "cursor=a%3Ab%2F1")):
        signed = sign(request, CREDENTIALS, NOW, recv_window_ms=4000)
        stamp = str(epoch_ms(NOW) - EARLY_MS)
        assert signed.headers[SIGN_HEADER] == signature(f"{stamp}{key}4000{text}", secret)
        assert (signed.headers[TIME_HEADER], signed.headers[WINDOW_HEADER]) == (stamp, "4000")
        assert {KEY_HEADER, SIGN_HEADER} <= signed.secret_headers


def test_the_log_in_of_a_socket_expires_later_than_now() -> None:
    message = json.loads(login(CREDENTIALS, NOW))
    key, expires, signed = message["args"]
    assert (message["op"], key, expires) == ("auth", CREDENTIALS.key.reveal(), epoch_ms(NOW) + LOGIN_MS)
    assert signed == signature(f"GET/realtime{expires}", CREDENTIALS.secret)


def test_an_rsa_key_signs_in_base64_also_when_its_line_ends_are_spelled_out() -> None:
    made = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    pem = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    for text in (pem, pem.strip().replace("\n", "\\n")):
        signed = base64.b64decode(signature("payload", Secret(text)))
        made.public_key().verify(signed, b"payload", padding.PKCS1v15(), hashes.SHA256())


def test_a_private_key_that_cannot_sign_here_is_refused() -> None:
    curve = ec.generate_private_key(ec.SECP256R1()).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for text in ("-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----", curve.decode()):
        with pytest.raises(ConfigInvalid):
            signature("payload", Secret(text))


def test_credentials_do_not_print() -> None:
    assert "TEST" not in repr(Credentials(key=Secret("TESTKEY"), secret=Secret("TESTSECRET")))

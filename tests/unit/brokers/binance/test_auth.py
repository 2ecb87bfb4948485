"""Signatures against the venue's published vectors, what is signed, and the venue's clock."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from pathlib import Path
from urllib.parse import unquote

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_curve_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from floorbroker.brokers.binance.auth import (
    Credentials,
    check_secret,
    form_text,
    is_private_key,
    sign,
    sign_params,
    signature,
    sorted_payload,
    stamp_ms,
)
from floorbroker.brokers.binance.info import INFO
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.transport.message import wire_target
from floorbroker.transport.types import Request
from tests.unit.brokers.binance.fakes import NOW

# The key of the venue's own documents, and vectors made with it (rest-api/request-security, web-socket-api).
PUBLISHED = Secret("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j")
KEY = Secret("vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A")
REST = "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559"
CREDENTIALS = Credentials(key=KEY, secret=PUBLISHED)
EDWARDS = (
    "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIIJEYWtGBrhACmb9Dvy+qa8WEf0lQOl1s4CLIAB9m89u\n"
    "-----END PRIVATE KEY-----\n"
)
LOGON = "A\x01EXAMPLE\x01SPOT\x011\x0120240627-11:17:25.223"


def get(**query: str) -> Request:
    return Request(
        method="GET",
        origin="https://api.binance.com",
        path="/api/v3/order",
        endpoint="orders.get",
        query=tuple(query.items()),
    )


def post(text: str) -> Request:
    return Request(
        method="POST",
        origin="https://api.binance.com",
        path="/api/v3/order",
        endpoint="orders.submit",
        body=text.encode(),
    )


def test_the_published_example_of_a_secret_key() -> None:
    assert signature(PUBLISHED, REST) == "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"


def test_the_published_example_of_a_private_key() -> None:
    expected = "4MHXelVVcpkdwuLbl6n73HQUXUf1dse2PCgT1DYqW9w8AVZ1RACFGM+5UdlGPrQHrgtS3CvsRURC1oj73j8gCA=="
    assert signature(Secret(EDWARDS), LOGON) == expected


def test_the_published_example_of_the_socket_api() -> None:
    params: dict[str, str | int] = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "LIMIT",
        "timeInForce": "GTC",
        "quantity": "0.01000000",
        "price": "52000.00",
        "recvWindow": 100,
        "timestamp": 1645423376532,
        "apiKey": KEY.reveal(),
    }
    expected = "aa1b5712c094bc4e57c05a1a5c1fd8d88dcd628338ea863fec7b88e59fe2db24"
    assert signature(PUBLISHED, sorted_payload(params)) == expected


def test_every_vector_on_record(contracts_dir: Path) -> None:
    document = json.loads((contracts_dir / "binance" / "vectors.json").read_text("utf-8"))
    checked = 0
    for vector in document["vectors"]:
        if vector["kind"] == "unverifiable":
            continue
        payload = vector.get("payload") or vector["joiner"].join(vector["payload_fields"])
        secret = vector.get("private_key_pem") or vector.get("secret_key") or document["secret_key"]
        assert signature(Secret(secret), payload) == vector["expected"], vector["name"]
        checked += 1
    assert checked >= 12


RSA_KEY = generate_private_key(public_exponent=65537, key_size=2048)
RSA_PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
OLD_RSA_PEM = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()


@pytest.mark.parametrize("pem", [RSA_PEM, OLD_RSA_PEM], ids=["PKCS#8", "PKCS#1"])
def test_an_rsa_key_signs_so_that_its_public_half_agrees(pem: str) -> None:
    made = base64.b64decode(signature(Secret(pem), REST))
    RSA_KEY.public_key().verify(made, REST.encode(), PKCS1v15(), hashes.SHA256())  # raises when it does not


@pytest.mark.parametrize(
    "written",
    [EDWARDS, EDWARDS.strip(), EDWARDS.replace("\n", "\\n"), EDWARDS.replace("\n", "\r\n"), EDWARDS.replace("\n", " ")],
    ids=["as it is", "stripped", "escaped", "other line ends", "in one line"],
)
def test_a_private_key_is_read_however_its_lines_are_written(written: str) -> None:
    key = load_pem_private_key(EDWARDS.encode(), password=None)
    assert isinstance(key, Ed25519PrivateKey)
    assert signature(Secret(written), "x") == base64.b64encode(key.sign(b"x")).decode()
    field = next(asked for asked in INFO.fields if asked.name == "BROKER_SECRET_KEY")
    assert field.wrong(written, Environment.LIVE) == ""


LOCKED = RSA_KEY.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"x")).decode()
CURVE = generate_curve_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("pem", "told"),
    [
        (EDWARDS.replace("END", "EDN"), "does not end like one"),
        (EDWARDS.replace("MC4C", "MC4D"), "cannot be read"),
        (LOCKED, "has a passphrase"),
        (CURVE, "neither Ed25519 nor RSA"),
    ],
)
def test_a_private_key_that_is_of_no_use_is_refused_without_repeating_it(pem: str, told: str) -> None:
    with pytest.raises(ConfigInvalid, match=told) as caught:
        check_secret(Secret(pem))
    assert "MC4" not in str(caught.value)


def test_a_secret_that_is_no_private_key_needs_no_check() -> None:
    check_secret(PUBLISHED)
    assert not is_private_key(PUBLISHED.reveal())


# -- requests -----------------------------------------------------------------------------------------------------------


def test_a_read_is_signed_over_its_query_as_it_is_sent() -> None:
    signed = sign(get(symbol="\uff11\uff12\uff13", origClientOrderId="a@b"), CREDENTIALS, NOW, recv_window_ms=5000)
    asked, _, mark = wire_target(signed).partition("?")[2].rpartition("&signature=")
    assert asked.startswith("symbol=%EF%BC%91%EF%BC%92%EF%BC%93&origClientOrderId=a%40b&recvWindow=5000&timestamp=")
    assert mark == hmac.new(PUBLISHED.reveal().encode(), asked.encode(), hashlib.sha256).hexdigest()


def test_a_command_is_signed_over_its_form_as_it_is_sent() -> None:
    signed = sign(post(form_text((("symbol", "\uff11"), ("side", "BUY")))), CREDENTIALS, NOW, recv_window_ms=700)
    asked, _, mark = signed.body.decode().rpartition("&signature=")
    assert asked == f"symbol=%EF%BC%91&side=BUY&recvWindow=700&timestamp={stamp_ms(NOW)}"
    assert signature(PUBLISHED, asked) == mark
    assert signed.query == ()
    assert signed.headers["Content-Type"] == "application/x-www-form-urlencoded"


def test_a_signature_in_base_64_is_encoded_on_its_way() -> None:
    edwards = Credentials(key=KEY, secret=Secret(EDWARDS))
    asked, _, mark = sign(post("a=1"), edwards, NOW, recv_window_ms=700).body.decode().rpartition("&signature=")
    assert "=" not in mark
    assert "+" not in mark
    assert unquote(mark) == signature(edwards.secret, asked)


def test_the_key_stands_in_one_secret_header() -> None:
    signed = sign(get(symbol="BTCUSDT"), CREDENTIALS, NOW, recv_window_ms=5000)
    assert signed.headers["X-MBX-APIKEY"] == KEY.reveal()
    assert signed.secret_headers == {"X-MBX-APIKEY"}


def test_what_anybody_may_ask_carries_neither_key_nor_signature() -> None:
    request = Request(method="GET", origin="https://api.binance.com", path="/api/v3/time", endpoint="market.time")
    assert sign(request, CREDENTIALS, NOW, recv_window_ms=5000) is request


def test_a_stamp_is_a_little_early() -> None:
    assert stamp_ms(NOW) == int(NOW.timestamp() * 1000) - 100


def test_the_parameters_of_a_socket_request_are_signed_with_the_key_among_them() -> None:
    signed = sign_params({}, CREDENTIALS, NOW)
    unsigned = {name: value for name, value in signed.items() if name != "signature"}
    assert unsigned == {"apiKey": KEY.reveal(), "timestamp": stamp_ms(NOW)}
    assert signed["signature"] == signature(PUBLISHED, f"apiKey={KEY.reveal()}&timestamp={stamp_ms(NOW)}")

"""Signatures of three kinds of key, made last, and stamped by the venue's clock.

REST signs the query string and the form as they are sent, one behind the other; the WebSocket API signs its parameters sorted by
name, not encoded.  HMAC-SHA256 is written in hex, RSA (PKCS#1 v1.5, SHA-256) and Ed25519 in base64.
Document: developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from urllib.parse import quote

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from floorbroker.brokers.binance.mapping.orders import Params
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.secret import Secret
from floorbroker.transport.message import wire_target
from floorbroker.transport.types import Request

KEY_HEADER = "X-MBX-APIKEY"
PUBLIC = "market"
"""The first word of endpoints that are asked without a key."""
FORM = "application/x-www-form-urlencoded"
_EARLY = timedelta(milliseconds=100)  # a stamp from the future is refused sooner than one from the past
_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
_PEM_LINE = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key and its secret: an HMAC secret, or a private key in PEM."""

    key: Secret
    secret: Secret


def signature(secret: Secret, payload: str) -> str:
    """The signature of a payload by whatever kind of secret it is.  Raises `ConfigInvalid` for a PEM that is no such key."""
    revealed = secret.reveal()
    if not is_private_key(revealed):
        return hmac.new(revealed.encode(), payload.encode(), hashlib.sha256).hexdigest()
    key = _private_key(revealed)
    if isinstance(key, Ed25519PrivateKey):
        return base64.b64encode(key.sign(payload.encode())).decode()
    return base64.b64encode(key.sign(payload.encode(), PKCS1v15(), hashes.SHA256())).decode()


def is_private_key(text: str) -> bool:
    """Whether a secret is a private key by its shape; every other one is an HMAC secret."""
    return text.lstrip().startswith("-----BEGIN")


def check_secret(secret: Secret) -> None:
    """Raises `ConfigInvalid` for a private key that cannot be used, in words that quote nothing of it."""
    revealed = secret.reveal()
    if is_private_key(revealed):
        _private_key(revealed)


def _private_key(text: str) -> Ed25519PrivateKey | RSAPrivateKey:
    """Lines may be written as `\\n` or run together, as forms and environment files have them."""
    found = _PEM.search(text.replace("\\n", "\n").replace("\\r", ""))
    if found is None:
        raise ConfigInvalid("BROKER_SECRET_KEY begins like a private key in PEM and does not end like one")
    if "ENCRYPTED" in found[1]:
        raise ConfigInvalid(
            "the private key in BROKER_SECRET_KEY has a passphrase: give it without; the vault seals it"
        )
    body = "".join(found[2].split())
    lines = [body[at : at + _PEM_LINE] for at in range(0, len(body), _PEM_LINE)]
    pem = "\n".join((f"-----BEGIN {found[1]}-----", *lines, f"-----END {found[1]}-----", ""))
    try:
        key = load_pem_private_key(pem.encode(), password=None, unsafe_skip_rsa_key_validation=True)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigInvalid("the private key in BROKER_SECRET_KEY cannot be read") from None
    if not isinstance(key, Ed25519PrivateKey | RSAPrivateKey):
        raise ConfigInvalid("the private key in BROKER_SECRET_KEY is neither Ed25519 nor RSA")
    return key


# -- REST ---------------------------------------------------------------------------------------------------------------


def sign(request: Request, credentials: Credentials, now: datetime, *, recv_window_ms: int) -> Request:
    """The request as it is sent; `now` is the venue's time.  What is signed are the very bytes that are sent."""
    if request.endpoint.partition(".")[0] == PUBLIC:
        return request
    stamped: Params = (("recvWindow", str(recv_window_ms)), ("timestamp", str(stamp_ms(now))))
    if request.method in ("POST", "PUT"):
        form = "&".join(part for part in (request.body.decode(), form_text(stamped)) if part)
        body = f"{form}&signature={quote(signature(credentials.secret, form), safe='')}"
        signed = replace(request, body=body.encode(), headers={**request.headers, "Content-Type": FORM})
    else:
        asked = replace(request, query=request.query + stamped)
        payload = wire_target(asked).partition("?")[2]
        signed = replace(asked, query=(*asked.query, ("signature", signature(credentials.secret, payload))))
    return signed.with_secrets({KEY_HEADER: credentials.key.reveal()})


def form_text(params: Params) -> str:
    """Parameters as a form; both sides of each are percent-encoded as a query string's are."""
    return "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in params)


def stamp_ms(now: datetime) -> int:
    """Slightly early, in epoch milliseconds."""
    return int((now - _EARLY).timestamp() * 1000)


# -- WebSocket API ------------------------------------------------------------------------------------------------------


def sign_params(
    params: Mapping[str, str | int], credentials: Credentials, now: datetime, *, recv_window_ms: int | None = None
) -> dict[str, str | int]:
    """The parameters of a signed WebSocket request, with key, timestamp and signature."""
    stamped: dict[str, str | int] = {**params, "apiKey": credentials.key.reveal(), "timestamp": stamp_ms(now)}
    if recv_window_ms is not None:
        stamped["recvWindow"] = recv_window_ms
    return {**stamped, "signature": signature(credentials.secret, sorted_payload(stamped))}


def sorted_payload(params: Mapping[str, str | int]) -> str:
    """What the WebSocket API signs: by name, and not encoded."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params))

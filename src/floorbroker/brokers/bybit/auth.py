"""Four headers on each private request, and the log-in of private sockets.

What is signed is `timestamp + key + recv_window + payload`: of a GET the query exactly as sent, of a POST the exact body.  A
system-made key signs by HMAC-SHA256 (hex), a self-made one by RSA PKCS#1 v1.5 with SHA-256 (base64).  The venue accepts
`server - recv_window <= timestamp < server + 1000 ms`, so what is signed is the venue's time, slightly early.
Document: bybit-exchange.github.io/docs/v5/guide#authentication.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from urllib.parse import urlsplit

import msgspec
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.secret import Secret
from floorbroker.transport.message import wire_target
from floorbroker.transport.types import Request

KEY_HEADER = "X-BAPI-API-KEY"
TIME_HEADER = "X-BAPI-TIMESTAMP"
SIGN_HEADER = "X-BAPI-SIGN"
WINDOW_HEADER = "X-BAPI-RECV-WINDOW"
EARLY_MS = 50  # the venue refuses what is signed a second late, and takes what is early for the whole window
LOGIN_MS = 10_000  # how long a log-in may be on its way
_PEM = "-----BEGIN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """A key of one account in one world; `secret` is its secret, or an RSA private key in PEM."""

    key: Secret
    secret: Secret


def signature(payload: str, secret: Secret) -> str:
    """Hex HMAC, or base64 RSA when the secret is a private key.  Raises `ConfigInvalid` for a key that is none."""
    text = secret.reveal()
    if _PEM in text:
        signed = _rsa(text).sign(payload.encode(), padding.PKCS1v15(), hashes.SHA256())
        return base64.b64encode(signed).decode()
    return hmac.new(text.encode(), payload.encode(), hashlib.sha256).hexdigest()


@lru_cache(maxsize=4)
def _rsa(text: str) -> rsa.RSAPrivateKey:
    pem = text.replace("\\n", "\n").encode()
    try:
        key = serialization.load_pem_private_key(pem, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise ConfigInvalid("BROKER_SECRET_KEY begins like a private key, and is none that can be read") from None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise ConfigInvalid("BROKER_SECRET_KEY is a private key, and not an RSA one")
    return key


def epoch_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970."""
    return int(moment.timestamp() * 1000)


def sign(request: Request, credentials: Credentials, venue_now: datetime, *, recv_window_ms: int) -> Request:
    """The request with its headers; `venue_now` is the venue's time as far as we know it."""
    stamp, window, key = str(epoch_ms(venue_now) - EARLY_MS), str(recv_window_ms), credentials.key.reveal()
    payload = request.body.decode() if request.method == "POST" else wire_target(request).partition("?")[2]
    return request.with_secrets(
        {
            KEY_HEADER: key,
            TIME_HEADER: stamp,
            WINDOW_HEADER: window,
            SIGN_HEADER: signature(f"{stamp}{key}{window}{payload}", credentials.secret),
        }
    )


def login(credentials: Credentials, venue_now: datetime) -> str:
    """The first message on a private socket."""
    expires = epoch_ms(venue_now) + LOGIN_MS
    signed = signature(f"GET/realtime{expires}", credentials.secret)
    return msgspec.json.encode({"op": "auth", "args": [credentials.key.reveal(), expires, signed]}).decode()


def socket_origin(url: str) -> str:
    """The origin of a WebSocket URL in its http form, for the host table."""
    parts = urlsplit(url)
    return f"{'https' if parts.scheme == 'wss' else 'http'}://{parts.netloc}"

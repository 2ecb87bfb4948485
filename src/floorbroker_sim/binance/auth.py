"""Who may speak: a key with its secret or public key, a signature over the parameters, and a time that is not old.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/request-security
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Literal

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ed25519, padding, rsa

from floorbroker_sim.binance import errors, info

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_LENGTH = 64
Kind = Literal["HMAC", "ED25519", "RSA"]
_AHEAD = timedelta(milliseconds=info.AHEAD_MS)


@dataclass(slots=True, kw_only=True)
class Key:
    """One API key: a shared secret, or the public half of a pair."""

    name: str
    kind: Kind
    secret: str = ""
    public: ed25519.Ed25519PublicKey | rsa.RSAPublicKey | None = None
    may_withdraw: bool = False
    may_trade: bool = True

    def fits(self, payload: bytes, signature: str) -> bool:
        """Whether the signature is this key's over the payload."""
        if self.kind == "HMAC":
            expected = hmac.new(self.secret.encode(), payload, hashlib.sha256).hexdigest()
            return hmac.compare_digest(expected.encode(), signature.lower().encode())
        try:
            raw = base64.b64decode(signature, validate=True)
            self._verify(raw, payload)
        except (binascii.Error, ValueError, InvalidSignature):
            return False
        return True

    def _verify(self, raw: bytes, payload: bytes) -> None:
        if isinstance(self.public, ed25519.Ed25519PublicKey):
            self.public.verify(raw, payload)
        elif self.public is not None:
            self.public.verify(raw, payload, padding.PKCS1v15(), hashes.SHA256())


@dataclass(slots=True)
class KeyRing:
    """Every key of the account; the first is the one the start-up line hands out."""

    keys: dict[str, Key] = field(default_factory=dict[str, Key])

    def add(self, key: Key) -> Key:
        self.keys[key.name] = key
        return key

    @property
    def first(self) -> Key:
        return next(iter(self.keys.values()))

    def known(self, name: str | None) -> Key:
        """The key of a request.  Raises `Refused` for none, and for one nobody made."""
        if not name or not name.isascii() or not name.isalnum():
            raise errors.bad_key_format()
        key = self.keys.get(name)
        if key is None:
            raise errors.unknown_key()
        return key


def made_keys(random: Random) -> KeyRing:
    """The account's first key, HMAC, drawn from the seed."""
    name, secret = ("".join(random.choice(_LETTERS) for _ in range(_LENGTH)) for _ in range(2))
    ring = KeyRing()
    ring.add(Key(name=name, kind="HMAC", secret=secret))
    return ring


def public_key(name: str, pem: str) -> Key:
    """A key that its owner generated: Ed25519 or RSA, the public half as PEM.  Raises `ValueError` for anything else."""
    try:
        public = serialization.load_pem_public_key(pem.encode())
    except UnsupportedAlgorithm as error:
        raise ValueError("the key is of no kind known here") from error
    if isinstance(public, ed25519.Ed25519PublicKey):
        return Key(name=name, kind="ED25519", public=public)
    if isinstance(public, rsa.RSAPublicKey):
        return Key(name=name, kind="RSA", public=public)
    raise ValueError("keys are Ed25519 or RSA")


def key_name(random: Random) -> str:
    """A name for one more key."""
    return "".join(random.choice(_LETTERS) for _ in range(_LENGTH))


def rest_payload(query: str, body: bytes) -> bytes:
    """What a REST request signs: query and body as they were sent, joined by nothing, without the signature itself."""
    return _unsigned(query).encode("latin-1") + _unsigned(body.decode("latin-1")).encode("latin-1")


def _unsigned(text: str) -> str:
    return "&".join(part for part in text.split("&") if not part.startswith("signature="))


def socket_payload(params: Mapping[str, str]) -> bytes:
    """What a WebSocket request signs: all parameters but the signature, by name, without any encoding."""
    return "&".join(f"{name}={params[name]}" for name in sorted(params) if name != "signature").encode()


def check_window(sent: datetime, window_ms: Decimal, now: datetime) -> None:
    """Raises `Refused` for a request from the future, and for one that is too old."""
    if sent >= now + _AHEAD:
        raise errors.too_early()
    if now - sent > timedelta(microseconds=int(window_ms * 1000)):
        raise errors.too_late()

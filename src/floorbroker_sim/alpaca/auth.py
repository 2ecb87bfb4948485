"""Who may speak: a key and its secret, in headers, as Basic, as Bearer, or in a stream's first message."""

from __future__ import annotations

import base64
import binascii
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"


@dataclass(frozen=True, slots=True)
class Keys:
    """One pair of API keys of the paper environment."""

    key: str
    secret: str

    def fit(self, key: str, secret: str) -> bool:
        """Whether these are the ones, in constant time."""
        return hmac.compare_digest(key.encode(), self.key.encode()) and hmac.compare_digest(
            secret.encode(), self.secret.encode()
        )


def make_keys(random: Random) -> Keys:
    """Paper keys begin with PK; the secret has forty letters."""
    key = "PK" + "".join(random.choice(_LETTERS) for _ in range(18))
    return Keys(key, "".join(random.choice(_LETTERS + _LETTERS.lower()) for _ in range(40)))


def is_authorized(headers: Mapping[str, str], keys: Keys) -> bool:
    """Headers of a request (lower-case names): APCA-API-KEY-ID and -SECRET-KEY, or Basic."""
    key, secret = headers.get("apca-api-key-id", ""), headers.get("apca-api-secret-key", "")
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            key, _, secret = base64.b64decode(token, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return False
    return keys.fit(key, secret)

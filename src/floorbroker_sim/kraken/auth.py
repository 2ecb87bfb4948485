"""Who asks: the signature of a request, nonces that only grow, permissions of a key, and tokens for the private socket.

https://docs.kraken.com/api/docs/guides/spot-rest-auth, https://docs.kraken.com/exchange/guides/rest/api-keys
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from floorbroker_sim.kraken import errors, info
from floorbroker_sim.kraken.errors import Refused

QUERY_FUNDS = "query-funds"
WITHDRAW_FUNDS = "withdraw-funds"
QUERY_OPEN = "query-open-trades"
QUERY_CLOSED = "query-closed-trades"
MODIFY = "modify-trades"
CANCEL = "close-trades"
QUERY_LEDGERS = "query-ledger"
SOCKETS = "access-websockets"
TRADER = frozenset({QUERY_FUNDS, QUERY_OPEN, QUERY_CLOSED, MODIFY, CANCEL, QUERY_LEDGERS, SOCKETS})

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_LIFETIME = timedelta(seconds=info.TOKEN_S)


@dataclass(frozen=True, slots=True)
class Keys:
    """One key pair: `secret` is base64, `permissions` what the key may do."""

    key: str
    secret: str = field(repr=False)
    permissions: frozenset[str] = TRADER


def make_keys(random: Random, *, can_withdraw: bool = False) -> Keys:
    """A pair in the venue's form: 56 letters, and 64 bytes in base64."""
    key = "".join(random.choice(_LETTERS) for _ in range(56))
    secret = base64.b64encode(random.randbytes(64)).decode()
    return Keys(key, secret, TRADER | {WITHDRAW_FUNDS} if can_withdraw else TRADER)


def signature(secret: str, path: str, nonce: str, body: bytes) -> str:
    """`API-Sign`: HMAC-SHA512 over the path and SHA256(nonce + body), keyed with the decoded secret."""
    message = path.encode() + hashlib.sha256(nonce.encode() + body).digest()
    return base64.b64encode(hmac.new(base64.b64decode(secret), message, hashlib.sha512).digest()).decode()


def fits(given: str, expected: str) -> bool:
    """Compare signatures without telling how far they agree."""
    try:
        return hmac.compare_digest(base64.b64decode(given, validate=True), base64.b64decode(expected))
    except (binascii.Error, ValueError):
        return False


@dataclass(slots=True)
class Nonces:
    """The last nonce of each key; the next must be larger, with no window."""

    last: dict[str, int] = field(default_factory=dict[str, int])

    def take(self, key: str, text: str) -> None:
        """Raises `Refused` for a nonce that is no 64-bit number or not above the last."""
        if not text.isascii() or not text.isdigit() or len(text) > 20:
            raise Refused(errors.INVALID_NONCE)
        nonce = int(text)
        if nonce > info.MAX_NONCE or nonce <= self.last.get(key, -1):
            raise Refused(errors.INVALID_NONCE)
        self.last[key] = nonce


@dataclass(slots=True)
class Tokens:
    """Tokens of the private socket.  One lives 15 minutes, and on while a subscription made with it stands."""

    random: Random
    _until: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _used: dict[str, int] = field(default_factory=dict[str, int])

    def issue(self, at: datetime) -> str:
        token = base64.b64encode(self.random.randbytes(32)).decode().rstrip("=").replace("/", "W").replace("+", "p")
        self._until[token] = at + _LIFETIME
        return token

    def is_good(self, token: object, at: datetime) -> bool:
        if not isinstance(token, str) or token not in self._until:
            return False
        return self._used.get(token, 0) > 0 or at < self._until[token]

    def hold(self, token: str) -> None:
        """A private subscription was made with it."""
        self._used[token] = self._used.get(token, 0) + 1

    def release(self, token: str) -> None:
        """That subscription is over."""
        self._used[token] = max(0, self._used.get(token, 0) - 1)

    def expire(self) -> None:
        """Every token is worthless from now on."""
        self._until.clear()
        self._used.clear()

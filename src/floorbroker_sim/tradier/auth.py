"""Who may speak: a bearer token.  https://documentation.tradier.com/brokerage-api/overview/authentication"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Keys:
    """The access token of one account, and the account's number."""

    token: str = field(repr=False)
    account: str


def make_keys(random: Random) -> Keys:
    """A token has 28 letters; account numbers of the sandbox begin with VA."""
    token = "".join(random.choice(_LETTERS) for _ in range(28))
    return Keys(token, f"VA{random.randrange(10**8):08d}")


def is_authorized(headers: Mapping[str, str], keys: Keys) -> bool:
    """Whether `Authorization: Bearer …` (lower-case name) holds the token, in constant time."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), keys.token.encode())

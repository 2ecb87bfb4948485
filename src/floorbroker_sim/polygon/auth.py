"""Who may read: a key in the query (`apiKey`), or as a bearer.  https://massive.com/docs/rest/quickstart"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_"


@dataclass(frozen=True, slots=True)
class Keys:
    """The one key that is good here."""

    key: str = field(repr=False)

    def is_right(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self.key.encode())


def make_keys(random: Random) -> Keys:
    """Keys have 32 characters."""
    return Keys("".join(random.choice(_LETTERS) for _ in range(32)))


def is_authorized(query: Mapping[str, str], headers: Mapping[str, str], keys: Keys) -> bool:
    """Whether the query or the header (lower-case name) holds the key, in constant time."""
    if "apiKey" in query:
        return keys.is_right(query["apiKey"])
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and keys.is_right(token.strip())

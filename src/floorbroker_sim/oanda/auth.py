"""Who may speak: a bearer token.  https://developer.oanda.com/rest-live-v20/introduction/"""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from random import Random

_ACCOUNT = re.compile(r"[0-9]{3}-[0-9]{3}-[0-9]{1,10}-[0-9]{3}")
_HEX = "0123456789abcdef"


@dataclass(frozen=True, slots=True)
class Keys:
    """The personal access token, and the account it covers (site-division-user-number)."""

    token: str = field(repr=False)
    account: str

    @property
    def user(self) -> int:
        """The user's number, the third part of the account's id."""
        return int(self.account.split("-")[2])


def make_keys(random: Random) -> Keys:
    """A token is two words of 32 hexadecimal letters."""
    token = "-".join("".join(random.choice(_HEX) for _ in range(32)) for _ in range(2))
    return Keys(token, f"101-004-{random.randrange(1_000_000, 9_999_999)}-001")


def is_authorized(headers: Mapping[str, str], keys: Keys) -> bool:
    """Whether `Authorization: Bearer …` (lower-case name) holds the token, in constant time."""
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return scheme.lower() == "bearer" and hmac.compare_digest(token.strip().encode(), keys.token.encode())


def is_account_id(text: str) -> bool:
    """Whether a text has the form of a v20 account's id."""
    return _ACCOUNT.fullmatch(text) is not None

"""Who may speak: the login dialog's code, and the bearer tokens that come of it.

A token ends at half past three in the morning, Indian time, whenever it was issued.
https://upstox.com/developer/api-documentation/get-token
"""

from __future__ import annotations

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from random import Random

from floorbroker_sim.upstox.info import IST

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
_ENDS_AT = time(3, 30)
_CODE_LIVES = timedelta(minutes=10)
_EXTENDED_LIVES = timedelta(days=365)
_MAX_TOKENS = 1000


@dataclass(frozen=True, slots=True)
class Keys:
    """The application's id and secret, the user, and the access token the first day begins with."""

    client_id: str
    client_secret: str = field(repr=False)
    user_id: str
    token: str = field(repr=False)


def make_keys(random: Random) -> Keys:
    """An id is a UUID, a user two letters and four digits."""
    parts = [_text(random, n, "0123456789abcdef") for n in (8, 4, 4, 4, 12)]
    user = _text(random, 2, _LETTERS[:26]) + _text(random, 4, _LETTERS[-10:])
    return Keys("-".join(parts), _text(random, 10, _LETTERS[26:]), user, new_token(random))


def new_token(random: Random) -> str:
    """It looks like the token it stands for: three parts, the first begins with `eyJ`."""
    return f"eyJ{_text(random, 33, _LETTERS)}.{_text(random, 80, _LETTERS)}.{_text(random, 43, _LETTERS)}"


def _text(random: Random, length: int, letters: str) -> str:
    return "".join(random.choice(letters) for _ in range(length))


def next_end(at: datetime) -> datetime:
    """The next half past three in India after `at`."""
    local = at.astimezone(IST)
    end = datetime.combine(local.date(), _ENDS_AT, IST)
    return end if end > local else end + timedelta(days=1)


@dataclass(slots=True)
class Token:
    """What a token may do: `kind` is `full`, `extended` (it reads) or `sandbox` (it places orders that do not trade)."""

    text: str = field(repr=False)
    kind: str
    ends: datetime


@dataclass(slots=True)
class Code:
    """What the dialog hands to the redirect; it works once."""

    redirect_uri: str
    ends: datetime


class Tokens:
    """Every token and code that was issued."""

    def __init__(self, keys: Keys, random: Random, now: datetime, *, ends: bool = True) -> None:
        self._random = random
        self._tokens: dict[str, Token] = {}
        self._codes: dict[str, Code] = {}
        self.add(keys.token, "full", next_end(now) if ends else datetime.max.replace(tzinfo=IST))

    def add(self, text: str, kind: str, ends: datetime) -> str:
        """Remember a token; the oldest of very many is forgotten."""
        self._tokens[text] = Token(text, kind, ends)
        if len(self._tokens) > _MAX_TOKENS:
            del self._tokens[next(iter(self._tokens))]
        return text

    def issue(self, kind: str, now: datetime) -> str:
        """A fresh token."""
        ends = next_end(now) if kind == "full" else now + _EXTENDED_LIVES
        return self.add(new_token(self._random), kind, ends)

    def new_code(self, redirect_uri: str, now: datetime) -> str:
        """A code for one exchange."""
        code = _text(self._random, 6, _LETTERS)
        self._codes[code] = Code(redirect_uri, now + _CODE_LIVES)
        if len(self._codes) > _MAX_TOKENS:
            del self._codes[next(iter(self._codes))]
        return code

    def redeem(self, code: str, redirect_uri: str, now: datetime) -> bool:
        """Whether a code is good; it never is again."""
        found = self._codes.pop(code, None)
        return found is not None and found.ends > now and found.redirect_uri == redirect_uri

    def find(self, headers: Mapping[str, str], now: datetime) -> Token | None:
        """The token that `Authorization: Bearer …` (lower-case name) holds, while it lives."""
        scheme, _, text = headers.get("authorization", "").partition(" ")
        wanted = text.strip().encode()
        for token in self._tokens.values():
            if hmac.compare_digest(token.text.encode(), wanted):
                return token if scheme.lower() == "bearer" and token.ends > now else None
        return None

    def revoke(self, text: str | None = None) -> None:
        """End one token, or all of them."""
        if text is None:
            self._tokens.clear()
        else:
            self._tokens.pop(text, None)


def same(given: str, wanted: str) -> bool:
    """Whether two secrets are equal, in constant time."""
    return hmac.compare_digest(given.encode(), wanted.encode())

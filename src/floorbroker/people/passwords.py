"""Passwords: which are good enough, and how they are kept (RELIABILITY 8, 12).

Length decides: any signs, spaces too, 15 of them, or 8 beside a second factor.  Refused are those that everybody tries first: the
common ones, runs and repetitions, and the name of the account or of the desk.
"""

from __future__ import annotations

import os
import re
import unicodedata
from dataclasses import dataclass
from typing import Protocol

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from floorbroker.people.common import COMMON, ROWS

LEAST = 15
LEAST_WITH_SECOND_FACTOR = 8
MOST = 1024
_BESIDE = re.compile(r"[\s!-/:-@\[-`{-~]+")
_PHC = re.compile(r"\$argon2id\$v=19\$m=(\d+),t=(\d+),p=(\d+)\$")


def why_weak(password: str, *, name: str, second_factor: bool) -> str:
    """Why a password is not taken; empty when it is."""
    least = LEAST_WITH_SECOND_FACTOR if second_factor else LEAST
    text = _whole(password)
    if len(text) < least:
        beside = "" if second_factor else f", or {LEAST_WITH_SECOND_FACTOR} once a second factor is on"
        return f"a password has at least {least} signs{beside}"
    if len(text) > MOST:
        return f"a password has at most {MOST} signs"
    if _is_common(text.casefold(), name):
        return (
            "that is one of the first passwords anybody would try; several words that do not belong together are better"
        )
    return ""


def is_short(password: str) -> bool:
    """Whether it is good enough beside a second factor alone."""
    return len(_whole(password)) < LEAST


def _is_common(text: str, name: str) -> bool:
    """Whether little is left of it without what everybody knows."""
    bare = _bare(text) or text
    if text in COMMON or bare in COMMON or _period(bare) <= 4 or _is_run(bare):
        return True
    left = bare
    for known in sorted({_bare(name), "floorbroker"} | COMMON, key=len, reverse=True):
        if len(known) >= 3:
            left = left.replace(known, "")
    return left != bare and len(re.sub(r"\d", "", left)) < 3


def _bare(text: str) -> str:
    """Without spaces and the signs beside letters on a keyboard."""
    return _BESIDE.sub("", text)


def _period(text: str) -> int:
    """The length of what is repeated: 1 for `aaaa`, 2 for `abab`."""
    return next((n for n in range(1, len(text)) if text == (text[:n] * len(text))[: len(text)]), len(text))


def _is_run(text: str) -> bool:
    """Whether it walks along a row of keys or the alphabet, either way, round and round."""
    return any(text in row * (len(text) // len(row) + 2) for way in ROWS for row in (way, way[::-1]))


def _whole(password: str) -> str:
    """The same signs, however a keyboard made them."""
    return unicodedata.normalize("NFKC", password)


class Passwords(Protocol):
    """Keeps and compares passwords; both take a while, on a thread that may wait."""

    def keep(self, password: str) -> str:
        """What is stored: a PHC string."""
        ...

    def fits(self, password: str, kept: str) -> bool: ...

    def is_outdated(self, kept: str) -> bool:
        """Whether it is kept with less care than would be taken now."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Argon2:
    """Argon2id at OWASP's floor.  Tests hand in smaller numbers."""

    memory_kib: int = 19 * 1024
    iterations: int = 2
    lanes: int = 1

    def keep(self, password: str) -> str:
        made = Argon2id(
            salt=os.urandom(16), length=32, iterations=self.iterations, lanes=self.lanes, memory_cost=self.memory_kib
        )
        return made.derive_phc_encoded(_bytes(password))

    def fits(self, password: str, kept: str) -> bool:
        try:
            Argon2id.verify_phc_encoded(_bytes(password), kept)
        except (InvalidKey, ValueError):
            return False
        return True

    def is_outdated(self, kept: str) -> bool:
        found = _PHC.match(kept)
        return found is None or tuple(map(int, found.groups())) != (self.memory_kib, self.iterations, self.lanes)


def _bytes(password: str) -> bytes:
    return _whole(password).encode("utf-8", "surrogatepass")

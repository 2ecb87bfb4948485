"""A cookie, and a crumb for it.  Charts are given to anybody; a crumb that is said and wrong is refused."""

from __future__ import annotations

import hmac
from dataclasses import dataclass, field
from random import Random

_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


@dataclass(frozen=True, slots=True)
class Keys:
    """The cookie A3 and the crumb of one visitor."""

    cookie: str = field(repr=False)
    crumb: str = field(repr=False)

    def is_right(self, crumb: str) -> bool:
        return hmac.compare_digest(crumb.encode(), self.crumb.encode())


def make_keys(random: Random) -> Keys:
    """Crumbs have eleven characters."""
    cookie, crumb = ("".join(random.choice(_LETTERS) for _ in range(count)) for count in (40, 11))
    return Keys(f"d={cookie}", crumb)

"""Places for connections that stand: nobody takes more than they leave to all others, and strangers have a few of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from floorbroker.people.identity import Identity

PLACES = 4_000
STRANGERS = 2_000
NO_PLACE = "you hold as many connections as are left for all others: close some"
STRANGERS_AT_AN_ADDRESS = 1_000


@dataclass(slots=True)
class Places:
    """Who holds how many, and how many strangers wait, by address.  One person and all their tokens are one."""

    most: int = PLACES
    strangers: int = STRANGERS
    at_an_address: int = STRANGERS_AT_AN_ADDRESS
    held: Counter[str] = field(default_factory=Counter[str])
    waiting: Counter[str] = field(default_factory=Counter[str])

    def take(self, identity: Identity) -> str:
        """A place, by the key under which it is given back; empty where there is none for them."""
        key = identity.user_id or identity.principal
        if self.held[key] >= self.most - self.held.total():
            return ""
        self.held[key] += 1
        return key

    def give_back(self, key: str) -> None:
        """A connection is over."""
        _less(self.held, key)

    def wait(self, address: str) -> bool:
        """A stranger comes in, who has still to say who they are; whether there is room to wait."""
        if self.waiting.total() >= self.strangers or self.waiting[address] >= self.at_an_address:
            return False
        self.waiting[address] += 1
        return True

    def waited(self, address: str) -> None:
        """A stranger is known by now, or gone."""
        _less(self.waiting, address)


def _less(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]

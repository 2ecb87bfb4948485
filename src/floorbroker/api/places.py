"""Places for connections that stand: nobody takes more than they leave to all others, a token and an address have bounds besides,
and strangers have a few places of their own."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from floorbroker.api.addresses import counted_as
from floorbroker.api.crowd import AT_AN_ADDRESS, CONNECTIONS
from floorbroker.domain.errors import RateLimitExceeded
from floorbroker.domain.frozen import frozen
from floorbroker.domain.ports import Meter, NoMeter
from floorbroker.people.identity import Identity

UNBOUNDED = 1_000_000
STRANGERS = 2_000
STRANGERS_AT_AN_ADDRESS = 1_000
AT_A_TOKEN = 1_000


@frozen
class Place:
    """One place that is held: what it counts for."""

    keys: tuple[str, ...]


@dataclass(slots=True)
class Places:
    """Who holds how many, and how many strangers wait, by address.  One person and all their tokens are one.

    `at_an_address` is for callers who are known: behind a declared proxy it is the address that the proxy names.
    """

    most: int = CONNECTIONS
    at_a_token: int = AT_A_TOKEN
    at_an_address: int = AT_AN_ADDRESS
    strangers: int = STRANGERS
    strangers_at_an_address: int = STRANGERS_AT_AN_ADDRESS
    meter: Meter = field(default_factory=NoMeter)
    open: int = 0
    held: Counter[str] = field(default_factory=Counter[str])
    waiting: Counter[str] = field(default_factory=Counter[str])

    def take(self, identity: Identity, address: str = "") -> Place:
        """A place, to be given back.  Raises `RateLimitExceeded` where there is none for them; what it says is for them."""
        who, token = f"who {identity.user_id or identity.principal}", f"token {identity.token_id}"
        place = f"address {counted_as(address)}"
        if self.held[who] >= self.most - self.open:
            self._refuse("all", "you hold as many connections as are left for all others: close some")
        if identity.token_id and self.held[token] >= self.at_a_token:
            self._refuse("token", f"this token follows {self.at_a_token} streams, as many as one may: close some")
        if address and self.held[place] >= self.at_an_address:
            self._refuse("address", f"{self.at_an_address} streams go to your address, as many as may: close some")
        keys = [who, *([token] if identity.token_id else []), *([place] if address else [])]
        self.held.update(keys)
        self._count(1)
        return Place(keys=tuple(keys))

    def give_back(self, place: Place) -> None:
        """A connection is over."""
        for key in place.keys:
            _less(self.held, key)
        self._count(-1)

    def wait(self, address: str) -> bool:
        """A stranger comes in, who has still to say who they are; whether there is room to wait."""
        key = counted_as(address)
        if self.waiting.total() >= self.strangers or self.waiting[key] >= self.strangers_at_an_address:
            return False
        self.waiting[key] += 1
        return True

    def waited(self, address: str) -> None:
        """A stranger is known by now, or gone."""
        _less(self.waiting, counted_as(address))

    def _count(self, more: int) -> None:
        self.open += more
        self.meter.gauge("streams", self.open)

    def _refuse(self, why: str, detail: str) -> None:
        self.meter.count("streams_refused", why=why)
        raise RateLimitExceeded(detail)


def _less(counter: Counter[str], key: str) -> None:
    counter[key] -= 1
    if counter[key] <= 0:
        del counter[key]

"""How many connections are open, in all and from each address; who is one too many is told so.

A proxy that the configuration declares speaks for many: its connections count in all, and not as those of one address.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from floorbroker.api.addresses import Network, counted_as, is_within
from floorbroker.domain.ports import Meter, NoMeter
from floorbroker.domain.values import Word

CONNECTIONS = 2_048
AT_AN_ADDRESS = 1_024  # a thousand readers of streams on one machine, and the page beside them
PARTING = 64  # so many that were refused are heard out at a time; others are cut


class Full(Word):
    """What there are enough of."""

    ALL = "all"
    ADDRESS = "address"


@dataclass(slots=True)
class Crowd:
    """The connections of one server.  `most` and `at_an_address`: 0 is no limit."""

    most: int = CONNECTIONS
    at_an_address: int = AT_AN_ADDRESS
    proxies: tuple[Network, ...] = ()
    meter: Meter = field(default_factory=NoMeter)
    open: int = 0
    parting: int = 0
    _at: Counter[str] = field(default_factory=Counter[str])

    def enter(self, address: str) -> Full | None:
        """One more from an address (empty where a connection has none), or why not."""
        place = self._place(address)
        if self.most and self.open >= self.most:
            return self._refused(Full.ALL)
        if place and self.at_an_address and self._at[place] >= self.at_an_address:
            return self._refused(Full.ADDRESS)
        self._at[place] += 1
        self._count(1)
        return None

    def leave(self, address: str) -> None:
        """One that came in is gone."""
        place = self._place(address)
        self._at[place] -= 1
        if self._at[place] <= 0:
            del self._at[place]
        self._count(-1)

    def part(self) -> bool:
        """Whether there is time to tell somebody why they are refused; `parted` when that is over."""
        if self.parting >= PARTING:
            return False
        self.parting += 1
        return True

    def parted(self) -> None:
        self.parting -= 1

    def _count(self, more: int) -> None:
        self.open += more
        self.meter.gauge("connections", self.open)

    def _refused(self, why: Full) -> Full:
        self.meter.count("connections_refused", why=why.value)
        return why

    def _place(self, address: str) -> str:
        return "" if is_within(address, self.proxies) else counted_as(address)

"""Who is whose leg, and who replaced whom: messages name neither, the ids do.

A leg's client id tells its head's client id; the head's venue id is learned from any message about it.  An order that
replaced another carries the number of that one in `strategyId`, marked by our `strategyType`: both come back with every
message about it, so the link is known after a restart as well.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from floorbroker.brokers.binance.mapping.identity import BinanceIdentity, Part, class_of_leg, owner_of
from floorbroker.brokers.binance.mapping.values import order_id_of
from floorbroker.domain.values import OrderClass, OrderId

REPLACES = 4_310_005  # our strategyType: `strategyId` is the number of the order this one replaced
KEPT_MAX = 50_000


@dataclass(frozen=True, slots=True)
class Seen:
    """One order as any message names it."""

    symbol: str
    number: int
    client_id: str


class Families:
    """Heads by client id; oldest forgotten first."""

    def __init__(self) -> None:
        self._identity = BinanceIdentity()
        self._heads: dict[str, OrderId] = {}
        self._given_up: dict[str, None] = {}

    def learn(self, seen: Iterable[Seen]) -> None:
        """Orders whose client id is an intent's: what their legs belong to."""
        for one in seen:
            if self._identity.decode(one.client_id) is not None:
                self._heads[one.client_id] = order_id_of(one.symbol, one.number)
        _trim(self._heads)

    def learn_list(self, members: Iterable[Seen]) -> None:
        """The members of one list: its head may have been renamed since, but it is the one that is no leg."""
        found = list(members)
        self.learn(found)
        head = next((one for one in found if self._identity.decode(one.client_id) is not None), None)
        if head is None:
            return
        for one in found:
            if (owned := owner_of(one.client_id)) is not None:
                self._heads.setdefault(owned[0], order_id_of(head.symbol, head.number))

    def head_of(self, client_id: str) -> OrderId | None:
        """The venue id of the head that a leg belongs to, where known; None for orders that are no leg."""
        if class_of_leg(client_id) is OrderClass.SIMPLE:
            return None
        owned = owner_of(client_id)
        return None if owned is None else self._heads.get(owned[0])

    def venue_id(self, client_id: str) -> OrderId | None:
        """The venue id of an order by the client id of its intent, where it was seen."""
        return self._heads.get(client_id)

    def is_stray(self, client_id: str) -> bool:
        """A leg of ours whose head we have not met, and may ask for."""
        is_leg = class_of_leg(client_id) is not OrderClass.SIMPLE
        return is_leg and self.head_of(client_id) is None and client_id not in self._given_up

    def give_up(self, client_id: str) -> None:
        """Nobody knows its head: do not ask again."""
        self._given_up[client_id] = None
        _trim(self._given_up)


def replaced_by_cancel(client_id: str) -> str | None:
    """The client id of the new order of a cancelReplace, by the id of the cancel inside it."""
    owned = owner_of(client_id)
    return owned[0] if owned is not None and owned[1] is Part.CANCEL else None


def replaces_of(symbol: str, strategy_id: int | None, strategy_type: int | None) -> OrderId | None:
    """The order that this one replaced, by our mark."""
    is_ours = strategy_type == REPLACES and strategy_id is not None and strategy_id > 0
    return order_id_of(symbol, strategy_id) if is_ours and strategy_id is not None else None


def _trim(kept: dict[str, OrderId] | dict[str, None]) -> None:
    while len(kept) > KEPT_MAX:
        del kept[next(iter(kept))]

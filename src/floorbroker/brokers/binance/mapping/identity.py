"""Our intent ids as Binance's client ids, and back, and the ids of what belongs to an order.

The venue takes 36 characters, exactly the canonical text of a UUID.  An id is unique among open orders alone (class B).
Legs, lists and cancels have ids of their own made from their order's: its 32 hex digits, a hyphen and a letter; so whose they
are can be told from the id alone, also after a restart, and none of them reads as an intent's id.
"""

from __future__ import annotations

import re
import uuid
from enum import Enum

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId, OrderClass

_LENGTH = 36


class Part(Enum):
    """What an id made from an order's names."""

    STOP = "s"  # the stop of an OCO, whose head is the profit exit
    PENDING = "p"  # the exit of an OTO
    ABOVE = "a"  # the exits of an OTOCO
    BELOW = "b"
    LIST = "l"
    CANCEL = "x"  # the cancel inside a cancelReplace, made from the id of the new order


_CLASSES = {
    Part.STOP: OrderClass.OCO,
    Part.PENDING: OrderClass.OTO,
    Part.ABOVE: OrderClass.BRACKET,
    Part.BELOW: OrderClass.BRACKET,
}
_MADE = re.compile(r"([0-9a-f]{32})-([spablx])")


class BinanceIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(str(uuid.UUID(intent_id)))

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a client id; None for ids that we never made, and for those of legs, lists and cancels."""
        if len(cl_ord_id) != _LENGTH or tag_of(cl_ord_id) is None:
            return None
        return IntentId(cl_ord_id) if cl_ord_id == str(uuid.UUID(cl_ord_id)) else None


def part_id(cl_ord_id: ClOrdId, part: Part) -> ClOrdId:
    """The id of a part of the order `cl_ord_id`."""
    return ClOrdId(f"{uuid.UUID(cl_ord_id).hex}-{part.value}")


def owner_of(client_id: str) -> tuple[ClOrdId, Part] | None:
    """Whose part an id names, and which; None for every other id."""
    found = _MADE.fullmatch(client_id)
    if found is None or tag_of(found[1]) is None:
        return None
    return ClOrdId(str(uuid.UUID(found[1]))), Part(found[2])


def class_of_leg(client_id: str) -> OrderClass:
    """The group that an id puts its order in; SIMPLE for orders that are no leg of ours."""
    owned = owner_of(client_id)
    return OrderClass.SIMPLE if owned is None else _CLASSES.get(owned[1], OrderClass.SIMPLE)

"""Our intent ids as `orderRef`, and back: the canonical text of a UUID.

The reference is a label: the venue takes any text, shows it in open orders, completed orders and executions, and never
refuses one it has seen (RELIABILITY 2, class C).
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-ref (Order, OrderRef).
"""

from __future__ import annotations

import uuid
from functools import lru_cache

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId

_LENGTH = 36  # of a UUID as text


class IbkrIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(str(uuid.UUID(intent_id)))

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a reference; None for references that we never made."""
        return _decoded(cl_ord_id) if len(cl_ord_id) == _LENGTH else None


@lru_cache(maxsize=4096)
def _decoded(text: str) -> IntentId | None:
    """Every message about an order asks this of the same reference, several times over."""
    return None if tag_of(text) is None or text != str(uuid.UUID(text)) else IntentId(text)

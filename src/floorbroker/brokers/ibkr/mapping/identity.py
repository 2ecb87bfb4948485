"""Our intent ids as `orderRef`, and back: the canonical text of a UUID.

The reference is a label: the venue takes any text, shows it in open orders, completed orders and executions, and never
refuses one it has seen (RELIABILITY 2, class C).
Document: interactivebrokers.com/campus/ibkr-api-page/twsapi-ref (Order, OrderRef).
"""

from __future__ import annotations

import uuid

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId


class IbkrIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(str(uuid.UUID(intent_id)))

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a reference; None for references that we never made."""
        if tag_of(cl_ord_id) is None or cl_ord_id != str(uuid.UUID(cl_ord_id)):
            return None
        return IntentId(cl_ord_id)

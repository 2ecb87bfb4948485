"""Our intent ids as Bybit's orderLinkId, and back: the UUIDv7 text itself, 36 characters, which is all the venue allows."""

from __future__ import annotations

import uuid
from datetime import datetime

from floorbroker.domain.ids import tag_of
from floorbroker.domain.orders import OrderRef
from floorbroker.domain.values import ClOrdId, IntentId, from_epoch

_LENGTH = 36


class BybitIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(str(uuid.UUID(intent_id)))

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a client id; None for ids that we never made."""
        if len(cl_ord_id) != _LENGTH or tag_of(cl_ord_id) is None:
            return None
        return IntentId(cl_ord_id) if cl_ord_id == str(uuid.UUID(cl_ord_id)) else None


def created_at(ref: OrderRef) -> datetime | None:
    """When an order of ours was made, by our clock then: a UUIDv7 begins with it.  None for an order from elsewhere."""
    if ref.cl_ord_id != ref.intent_id or tag_of(ref.cl_ord_id) is None:
        return None
    return from_epoch(ms=uuid.UUID(ref.cl_ord_id).int >> 80)

"""Our intent ids as Bybit's orderLinkId, and back: the UUIDv7 text itself, 36 characters, which is all the venue allows."""

from __future__ import annotations

import uuid

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId

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

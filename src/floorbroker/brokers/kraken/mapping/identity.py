"""Our intent ids as Kraken's `cl_ord_id`, and back: the canonical text of a UUID, one of the three forms it takes.

Document: docs.kraken.com/api-reference/trading/add-order.
"""

from __future__ import annotations

import uuid

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId


class KrakenIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(str(uuid.UUID(intent_id)))

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a client id; None for ids that we never made."""
        if tag_of(cl_ord_id) is None or cl_ord_id != str(uuid.UUID(cl_ord_id)):
            return None
        return IntentId(cl_ord_id)

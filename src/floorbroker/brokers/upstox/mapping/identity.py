"""Our intent ids as Upstox's tags, and back: `fb-` and the UUIDv7 text, 39 of the 40 characters that a tag may have.

A tag is a label: it may stand on any number of orders, and a second order with it is taken like the first.
"""

from __future__ import annotations

import uuid

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId

_PREFIX = "fb-"
_LENGTH = len(_PREFIX) + 36


class UpstoxIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(f"{_PREFIX}{uuid.UUID(intent_id)}")

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a tag; None for tags that we never made."""
        text = cl_ord_id.removeprefix(_PREFIX)
        if len(cl_ord_id) != _LENGTH or len(text) == len(cl_ord_id) or tag_of(text) is None:
            return None
        return IntentId(text) if text == str(uuid.UUID(text)) else None

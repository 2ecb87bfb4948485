"""Our intent ids as Alpaca's client order ids, and back.

`fb-` and the UUIDv7 text: 39 characters (48 are allowed by the older documents, 128 by the current ones), unique for good.
"""

from __future__ import annotations

import uuid
from functools import lru_cache

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId

_PREFIX = "fb-"
_LENGTH = len(_PREFIX) + 36


class AlpacaIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(f"{_PREFIX}{uuid.UUID(intent_id)}")

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a client id; None for ids that we never made."""
        return _decoded(cl_ord_id) if len(cl_ord_id) == _LENGTH else None


@lru_cache(maxsize=4096)
def _decoded(cl_ord_id: str) -> IntentId | None:
    """Every listing names the same orders again."""
    text = cl_ord_id.removeprefix(_PREFIX)
    if len(text) == len(cl_ord_id) or tag_of(text) is None:
        return None
    canonical = str(uuid.UUID(text))
    return IntentId(text) if text == canonical else None

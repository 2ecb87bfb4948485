"""Our intent ids as client extensions ids, and back: `fb-` and the UUIDv7 text (39 characters).

Such an id is unique among orders that wait; once one is done it may be given again.  The intent's own time is inside, which
tells from when on the log has to be read for it.
Document: developer.oanda.com/rest-live-v20/transaction-df, ClientID and CLIENT_ORDER_ID_ALREADY_EXISTS.
"""

from __future__ import annotations

import uuid
from datetime import datetime

from floorbroker.domain.ids import tag_of
from floorbroker.domain.values import ClOrdId, IntentId, from_epoch

_PREFIX = "fb-"
_LENGTH = len(_PREFIX) + 36


class OandaIdentity:
    """The `Identity` of this venue."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        """Raises `ValueError` for what is no UUID: such an id could not be decoded again."""
        return ClOrdId(f"{_PREFIX}{uuid.UUID(intent_id)}")

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a client id; None for ids that we never made."""
        text = cl_ord_id.removeprefix(_PREFIX)
        if len(cl_ord_id) != _LENGTH or len(text) == len(cl_ord_id) or tag_of(text) is None:
            return None
        return IntentId(text) if text == str(uuid.UUID(text)) else None

    def decided_at(self, cl_ord_id: str) -> datetime | None:
        """When the intent behind a client id was decided, by our clock (UTC); None for ids that we never made."""
        intent_id = self.decode(cl_ord_id)
        return None if intent_id is None else from_epoch(ms=uuid.UUID(intent_id).int >> 80)

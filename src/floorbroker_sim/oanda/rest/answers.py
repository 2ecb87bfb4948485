"""What a handler answers: a body with the last transaction's id, a status, and headers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from floorbroker_sim.oanda import wire

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State


@dataclass(frozen=True, slots=True)
class Answer:
    """The body is rendered where it is known how the request wants its times."""

    body: Mapping[str, object]
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict[str, str])


def ended(state: State, members: Mapping[str, object], ids: list[str] | None = None) -> dict[str, object]:
    """The members, the ids of what was written for them, and the last id of the account."""
    body = dict(members)
    if ids is not None:
        body["relatedTransactionIDs"] = list(ids)
    body["lastTransactionID"] = state.log.last_id
    return body


def extended(old: wire.ClientExtensions | None, new: wire.ClientExtensions | None) -> wire.ClientExtensions | None:
    """The client's words after a change; members that are not named stay."""
    if old is None or new is None:
        return new or old
    return wire.ClientExtensions(id=new.id or old.id, tag=new.tag or old.tag, comment=new.comment or old.comment)

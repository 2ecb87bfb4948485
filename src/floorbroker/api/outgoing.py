"""An event as it is told to others: the envelope of a delivery, whose `data` is the order as the REST door shows it."""

from __future__ import annotations

from typing import Any

import msgspec

from floorbroker.api.views.orders import execution_view, order_view
from floorbroker.api.views.shape import View
from floorbroker.domain.values import Environment, time_text
from floorbroker.gateway.happenings import Announced, Fill, Happening, OrderHappening, SessionHappening
from floorbroker.hooks.outbox import event_name


class OutgoingView(View, frozen=True):
    """`id` is the same for every try of the same event; `seq` the journal's number."""

    v: int
    id: str
    event: str
    environment: str
    profile: str
    seq: int
    at: str
    data: Any


def rendered(environment: Environment, event_id: str, happening: Happening) -> str:
    """The body of a delivery."""
    view = OutgoingView(
        v=1,
        id=event_id,
        event=event_name(happening),
        environment=environment.value,
        profile=happening.profile,
        seq=happening.seq,
        at=time_text(happening.at),
        data=_data(happening),
    )
    return msgspec.json.encode(view).decode()


def _data(happening: Happening) -> object:
    match happening:
        case Fill():
            return {"order": order_view(happening.order), "execution": execution_view(happening.execution)}
        case OrderHappening():
            return {"order": order_view(happening.order)}
        case SessionHappening():
            return {"state": happening.state, "was": happening.was, "reason": happening.reason}
        case Announced():
            return {"key": happening.key, **happening.data}
        case _:
            return {}

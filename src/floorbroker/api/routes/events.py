"""Facts as they become durable, as server-sent events.

The id of an event is its journal sequence, so a client that comes back with `Last-Event-ID` misses nothing.  A client too
slow for its queue is told `bye` and comes back the same way.  The framework sends a comment line every 15 quiet seconds.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from typing import Annotated, Any

import msgspec
from fastapi import APIRouter, Depends, Header, Query, Request
from fastapi.sse import EventSourceResponse, ServerSentEvent

from floorbroker.api.access import READ, why_not
from floorbroker.api.door import DeskDep, DoorDep, IdentityDep, door_of
from floorbroker.api.openapi import problems, streams
from floorbroker.api.params import EventsQuery
from floorbroker.api.perimeter import address_of, look_again
from floorbroker.api.views.orders import execution_view, order_view
from floorbroker.api.views.shape import View
from floorbroker.domain.errors import Conflict, FieldError, InvalidRequest
from floorbroker.domain.values import Environment, time_text
from floorbroker.gateway.desk import DeskEvent

router = APIRouter(prefix="/{env}/events", tags=["Events"])
RETRY_MS = 2000


class EventView(View, frozen=True):
    """One event: `channel` is orders, fills, positions, health or risk; `key` the id of what changed."""

    v: int
    type: str
    channel: str
    seq: int
    ts: str
    key: str
    profile: str
    data: Any


def event_view(event: DeskEvent) -> EventView:
    """The envelope; `data` is the order after the change, with the execution for fills, or plain members."""
    data: dict[str, Any] = dict(event.data)
    if event.execution is not None:
        data = {"execution": execution_view(event.execution), "order": event.order and order_view(event.order)}
    elif event.order is not None:
        return _envelope(event, order_view(event.order))
    return _envelope(event, data)


def _envelope(event: DeskEvent, data: object) -> EventView:
    return EventView(
        v=1,
        type="event",
        channel=event.channel,
        seq=event.seq,
        ts=time_text(event.at),
        key=event.key,
        profile=event.profile,
        data=data,
    )


async def resume_after(
    query: Annotated[EventsQuery, Query()],
    last_event_id: Annotated[
        str | None, Header(description="The id of the last event seen.", json_schema_extra={"pattern": "^[0-9]{0,15}$"})
    ] = None,
) -> int | None:
    """The sequence to resume behind: the browser's own header wins.  None begins with what happens next."""
    if last_event_id is None or not last_event_id:
        return query.after
    if not last_event_id.isascii() or not last_event_id.isdecimal() or len(last_event_id) > 15:
        wrong = FieldError(
            pointer="/headers/Last-Event-ID", code="not_valid", detail="send the id of an event, as it came"
        )
        raise InvalidRequest(wrong.detail, fields=(wrong,))
    return int(last_event_id)


async def place_of(request: Request, door: DoorDep, identity: IdentityDep) -> AsyncGenerator[None]:
    """Hold a place while the events last.  Raises `RateLimitExceeded` where there is none left for whoever asks."""
    place = door.places.take(identity, address_of(request))
    try:
        yield
    finally:
        door.places.give_back(place)


@router.get(
    "",
    operation_id="stream_events",
    dependencies=[Depends(place_of)],
    response_class=EventSourceResponse,
    responses=streams("Events until the client leaves.") | problems(),
)
async def stream_events(
    request: Request,
    door: DoorDep,
    desk: DeskDep,
    query: Annotated[EventsQuery, Query()],
    after: Annotated[int | None, Depends(resume_after)],
) -> AsyncIterator[ServerSentEvent]:
    """Follow what becomes durable.  Facts only: prices do not travel here.  A token or session that ends takes it along."""
    yield ServerSentEvent(comment="floorbroker events", retry=RETRY_MS)
    with door.farewell.reading():
        try:
            async for event in door.farewell.until(desk.events(after=after, channels=query.channels)):
                if wrong := _why_over(request):
                    yield _bye(wrong)
                    return
                raw, after = msgspec.json.encode(event_view(event)).decode(), event.seq
                yield ServerSentEvent(raw_data=raw, event=event.channel, id=str(event.seq))
        except Conflict as slow:
            yield _bye(slow.detail)
        if door.farewell.is_said:
            yield _bye("the desk stops" if after is None else f"the desk stops: come back after {after}")


def _bye(detail: str) -> ServerSentEvent:
    return ServerSentEvent(raw_data=msgspec.json.encode({"detail": detail}).decode(), event="bye")


def _why_over(request: Request) -> str:
    """Why whoever listens may hear no more; empty while they may."""
    keeper = door_of(request).keeper
    identity = None if keeper is None else look_again(request, keeper)
    if identity is None:
        return "the token or session is over"
    return why_not(READ, identity, (Environment(request.path_params["env"]),))

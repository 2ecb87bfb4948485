"""Server-sent events: `/v2beta1/events/activities`.  History first where asked for, then what happens, until the client leaves.

https://docs.alpaca.markets/reference/subscribe-to-activities-sse
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import msgspec

from floorbroker.domain.values import text_of, time_text
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.alpaca.errors import bad_parameter
from floorbroker_sim.alpaca.mapping import asset_id, outside
from floorbroker_sim.alpaca.rest.reading import moment
from floorbroker_sim.alpaca.rest.records import Activity, ActivityEvent
from floorbroker_sim.alpaca.rest.state import State
from floorbroker_sim.http import Outbox, Reply, Request

_SETTLES = timedelta(days=1)


def activity_events(state: State, request: Request) -> Reply:
    """The stream.  Without `since` there is no history; with `until` the stream ends."""
    query = request.query
    by_time, by_id = (
        bool(query.get("since") or query.get("until")),
        bool(query.get("since_id") or query.get("until_id")),
    )
    if by_time and by_id:
        raise bad_parameter("since and until can not be used with since_id and until_id")
    if (query.get("until") and not query.get("since")) or (query.get("until_id") and not query.get("since_id")):
        raise bad_parameter("until requires since")
    since, until = moment(query, "since"), moment(query, "until")
    past = [event for event in state.events if _after(event, since, query.get("since_id"))] if by_time or by_id else []
    if until is not None:
        past = [event for event in past if event.activity.at <= until]
    if query.get("until_id"):
        past = [event for event in past if event.id <= query["until_id"]]
    ends = until is not None or bool(query.get("until_id"))
    return Reply(status=200, content_type="text/event-stream", stream=_frames(state, past, ends=ends))


def _after(event: ActivityEvent, since: datetime | None, since_id: str | None) -> bool:
    return (since is None or event.activity.at >= since) and (not since_id or event.id > since_id)


async def _frames(state: State, past: list[ActivityEvent], *, ends: bool) -> AsyncIterator[bytes]:
    outbox = Outbox()

    def listen(event: ActivityEvent) -> None:
        if not outbox.put(frame(event)):
            outbox.close()

    if not ends:
        state.listeners.events.append(listen)
    try:
        yield b": welcome\n\n"
        for event in past:
            yield frame(event)
        while not ends and (out := await outbox.get()) is not None:
            yield out if isinstance(out, bytes) else out.encode()
    finally:
        if not ends:
            state.listeners.events.remove(listen)


def frame(event: ActivityEvent) -> bytes:
    """One event of the stream."""
    return b"id: " + event.id.encode() + b"\ndata: " + msgspec.json.encode(event_object(event)) + b"\n\n"


def event_object(event: ActivityEvent) -> dict[str, object]:
    """ActivityEventV2: common members, and details by kind."""
    activity = event.activity
    local = activity.at.astimezone(NEW_YORK).date()
    sign = -1 if activity.side is not None and activity.side.value == "buy" else 1
    answer: dict[str, object] = {
        "at": time_text(activity.at), "event_id": event.id, "activity_type": "TRD" if activity.is_fill else activity.type,
        "activity_subtype": "", "executed_at": time_text(activity.at), "status": "executed",
        "settle_date": (local + _SETTLES).isoformat(), "currency": "USD", "ref_id": activity.ref or activity.exec_id,
        "net_amount": text_of(sign * activity.qty * activity.price) if activity.is_fill else "0",
        "price": text_of(activity.price), "qty": text_of(activity.qty),
    }  # fmt: skip
    if activity.busted:
        answer |= {"previous_id": activity.exec_id, "status": "canceled"}
    elif activity.corrects:
        answer |= {"previous_id": activity.corrects, "status": "correct"}
    return answer | {"details": _details(activity)}


def _details(activity: Activity) -> dict[str, object]:
    symbol = outside(activity.symbol)
    if not activity.is_fill or activity.side is None:
        return {"symbol": symbol, "asset_id": asset_id(symbol), "description": activity.type}
    kind = "trade_bust" if activity.busted else "trade_correct" if activity.corrects else "fill"
    return {
        "order_id": activity.order_id, "client_order_id": activity.client_order_id, "side": activity.side.value,
        "symbol": symbol, "asset_id": asset_id(symbol), "leaves_qty": text_of(activity.leaves_qty),
        "cum_qty": text_of(activity.cum_qty), "execution_type": kind, "commission": text_of(activity.fee),
        "order_status": "filled" if activity.is_last else "partially_filled",
    }  # fmt: skip

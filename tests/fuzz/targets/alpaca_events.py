"""Alpaca's server-sent events: bytes cut anywhere, through the decoder and the session, to the orders of the book."""

from __future__ import annotations

from floorbroker.brokers.alpaca.stream.events import ActivitySession
from floorbroker.domain.records import ExecutionReport
from floorbroker.transport.actions import Emit
from floorbroker.transport.sse import SseDecoder, SseTooLong
from tests.fuzz.ledger import NOW
from tests.fuzz.target import Target
from tests.fuzz.targets.alpaca_updates import ledger

DECLARED = (SseTooLong,)
MAX_EVENT, CUTS_MAX = 4 * 1024, 100


def one_input(data: bytes) -> object:
    """The orders after these bytes; the first line's length is where the bytes are cut."""
    step = max(data.find(b"\n") + 1 or len(data), len(data) // CUTS_MAX, 1)
    cut = [data[at : at + step] for at in range(0, len(data), step)]
    decoder, whole = SseDecoder(max_event=MAX_EVENT), SseDecoder(max_event=MAX_EVENT)
    events = [event for chunk in cut for event in decoder.feed(chunk)]
    assert events == whole.feed(data), "events depend on how their bytes are cut"
    session, book = ActivitySession(), ledger()
    for event in events:
        for action in session.on_frame(event.data, NOW, 0):
            if isinstance(action, Emit) and isinstance(action.event, ExecutionReport):
                book.take([action.event])
    session.query(NOW)
    return book.orders()


TARGET = Target(name="alpaca_events", one_input=one_input, declared=DECLARED)

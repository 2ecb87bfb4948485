"""Frames of a venue's streams: one a line, some seconds apart, from bytes to market events or to the orders of the book.

The sessions are the adapters' own.  Nothing may be raised: a session outlives every frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

from floorbroker.domain.records import ExecutionReport
from floorbroker.transport.actions import Emit, Session
from floorbroker.transport.feeds import FeedEvent, FeedSession, Pair
from floorbroker.transport.order_socket import Answer, Dialect
from floorbroker.transport.private import OrderEvent
from tests.fuzz.ledger import NOW, Ledger
from tests.fuzz.target import Target


def market_target(
    name: str,
    session: Callable[[], FeedSession],
    *,
    wanted: Iterable[Pair],
    greeting: Iterable[bytes] = (),
    apart_s: int = 5,
) -> Target:
    """The events in frames of market data, each with numbers that are numbers."""
    pairs, first = tuple(wanted), tuple(greeting)

    def one_input(data: bytes) -> object:
        opened = session()
        opened.want(pairs)
        opened.on_open(0)
        events: list[FeedEvent] = []
        for number, frame in enumerate((*first, *data.split(b"\n")), start=1):
            now_s = apart_s * number
            actions = (*opened.on_frame(frame, NOW + timedelta(seconds=now_s), now_s), *opened.on_tick(now_s))
            events += [action.event for action in actions if isinstance(action, Emit)]
        for event in events:
            for member in fields(event):
                value = getattr(event, member.name)
                assert not isinstance(value, Decimal) or value.is_finite(), f"{member.name} is no number"
        return events

    return Target(name=name, one_input=one_input, declared=())


def private_target(
    name: str,
    session: Callable[[], Session[OrderEvent]],
    *,
    ledger: Callable[[], Ledger],
    greeting: Iterable[bytes] = (),
) -> Target:
    """The orders after frames of a private stream, a second apart."""
    first = tuple(greeting)

    def one_input(data: bytes) -> object:
        opened, book = session(), ledger()
        opened.on_open(0)
        for now_s, frame in enumerate((*first, *data.split(b"\n")), start=1):
            at = NOW + timedelta(seconds=now_s)
            for action in (*opened.on_frame(frame, at, now_s), *opened.on_tick(now_s)):
                if isinstance(action, Emit) and isinstance(action.event, ExecutionReport):
                    book.take([action.event])
        return book.orders()

    return Target(name=name, one_input=one_input, declared=())


def dialect_target(name: str, dialect: Callable[[], Dialect]) -> Target:
    """What the frames of an order socket tell, one a line: an answer has the status of a reply, whatever came."""

    def one_input(data: bytes) -> object:
        spoken = dialect()
        told = [each for frame in data.split(b"\n") for each in spoken.on_frame(frame)]
        for each in told:
            if isinstance(each, Answer):
                assert 100 <= each.response.status <= 599, f"status {each.response.status}"
        return told

    return Target(name=name, one_input=one_input, declared=())

"""Frames of Alpaca's market data streams: one a line, five seconds apart, from bytes to market events."""

from __future__ import annotations

from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

from floorbroker.brokers.alpaca.stream.data import DataSession
from floorbroker.domain.records import DataKind
from floorbroker.transport.actions import Emit
from tests.fuzz.ledger import NOW
from tests.fuzz.target import Target
from tests.fuzz.targets.alpaca_updates import CREDENTIALS

DECLARED = ()  # a session answers with actions, whatever it hears
GREETING = (b'[{"T":"success","msg":"connected"}]', b'[{"T":"success","msg":"authenticated"}]')


def one_input(data: bytes) -> object:
    """The events in these frames, each with numbers that are numbers."""
    session = DataSession(CREDENTIALS, source="alpaca iex")
    session.want([(DataKind.QUOTES, "AAPL"), (DataKind.BOOK, "BTC/USD")])
    session.on_open(0)
    events: list[object] = []
    for number, frame in enumerate((*GREETING, *data.split(b"\n")), start=1):
        now_s = 5 * number
        actions = (*session.on_frame(frame, NOW + timedelta(seconds=now_s), now_s), *session.on_tick(now_s))
        events += [action.event for action in actions if isinstance(action, Emit)]
    for event in events:
        for member in fields(event):  # type: ignore[arg-type] - every event is a dataclass
            value = getattr(event, member.name)
            assert not isinstance(value, Decimal) or value.is_finite(), f"{member.name} is no number"
    return events


TARGET = Target(name="alpaca_data", one_input=one_input, declared=DECLARED)

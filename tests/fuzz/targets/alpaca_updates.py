"""Frames of Alpaca's private stream: one a line, a second apart, from bytes to the orders of the book."""

from __future__ import annotations

from datetime import timedelta

from floorbroker.brokers.alpaca import Credentials
from floorbroker.brokers.alpaca.mapping.families import Families
from floorbroker.brokers.alpaca.stream.trading import TradingSession
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.secret import Secret
from floorbroker.transport.actions import Emit
from tests.fuzz.ledger import NOW, Ledger
from tests.fuzz.target import Target

CREDENTIALS = Credentials(key=Secret("PKTESTKEY"), secret=Secret("canary-secret"))
DECLARED = ()  # a session answers with actions, whatever it hears
GREETING = (
    b'{"stream":"authorization","data":{"status":"authorized","action":"authenticate"}}',
    b'{"stream":"listening","data":{"streams":["trade_updates"]}}',
)


def one_input(data: bytes) -> object:
    """The orders after these frames.  Nothing may be raised: the session outlives every frame."""
    session, ledger = TradingSession(CREDENTIALS, Families()), Ledger()
    session.on_open(0)
    for now_s, frame in enumerate((*GREETING, *data.split(b"\n")), start=1):
        at = NOW + timedelta(seconds=now_s)
        for action in (*session.on_frame(frame, at, now_s), *session.on_tick(now_s)):
            if isinstance(action, Emit) and isinstance(action.event, ExecutionReport):
                ledger.take([action.event])
    return ledger.orders()


TARGET = Target(name="alpaca_updates", one_input=one_input, declared=DECLARED)

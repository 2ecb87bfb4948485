"""What TWS or IB Gateway sends: bytes cut into payloads, and payloads that become orders, quotes and answers.

An input of `ibkr_frames` is the server's version and then one payload a line; `|` stands for the NUL that ends a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import VERSION_MAX, VERSION_MIN, BadFrame, Splitter
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.mapping.identity import IbkrIdentity
from floorbroker.brokers.ibkr.rest.collect import Answered, CancelHeard, Listed
from floorbroker.brokers.ibkr.stream.orders import OrdersSession
from floorbroker.brokers.ibkr.stream.quotes import QuoteSession
from floorbroker.brokers.ibkr.stream.session import ApiSession, Heard, Step
from floorbroker.domain.records import DataKind, ExecutionReport, Quote
from floorbroker.transport.actions import Emit
from tests.fuzz.ledger import NOW, SHARES, Ledger
from tests.fuzz.target import Target

CLIENT, ACCOUNT, ORDER, REQUEST = 17, "DU1234567", 5, 9001
PIECES = (1, 3, 64)


def _payloads(data: bytes) -> tuple[int, list[bytes]]:
    """The version and the payloads of an input."""
    first, _, rest = data.partition(b"\n")
    digits = first[:3]
    version = int(digits) if digits.isdigit() else VERSION_MAX
    spoken = VERSION_MIN + (version - VERSION_MIN) % (VERSION_MAX - VERSION_MIN + 1)
    return spoken, [line.replace(b"|", b"\0") for line in rest.split(b"\n")]


class Listeners:
    """Everybody who hears a message of the program: the order stream, quotes, a list and two commands under way."""

    def __init__(self, version: int) -> None:
        placed = wire.Placed(
            order_id=ORDER,
            contract=wire.Contract(symbol="AAPL"),
            order=wire.Order(action="BUY", total_quantity=Decimal(3), order_type="LMT"),
        )
        self.orders = OrdersSession(Families(CLIENT), version=lambda: version, account=lambda: ACCOUNT)
        self.quotes = QuoteSession(
            version=lambda: version,
            contract=lambda symbol: wire.Contract(symbol=symbol),
            number=lambda: REQUEST,
            kind=1,
        )
        self.quotes.want([(DataKind.QUOTES, "AAPL")])
        self.quotes.on_open(0)
        self.collectors = (
            Answered(CLIENT, [placed]),
            CancelHeard(CLIENT, ORDER),
            Listed((wire.OpenOrder,), wire.OpenOrderEnd, what="the open orders"),
        )

    def hear(self, payload: bytes, message: wire.Wire, now_s: int) -> list[object]:
        """The events of one message."""
        at = NOW + timedelta(seconds=now_s)
        for collector in self.collectors:
            collector.take(message)
        actions = (*self.orders.on_frame(payload, at, now_s), *self.quotes.on_frame(payload, at, now_s))
        return [action.event for action in actions if isinstance(action, Emit)]


def _frames(data: bytes) -> object:
    """The orders and quotes after the payloads; every number in them is one, and what a command was told can be kept."""
    version, payloads = _payloads(data)
    session, listeners, ledger = ApiSession(CLIENT), Listeners(version), Ledger(IbkrIdentity(), SHARES)
    session.on_open(0)
    session.on_payload(b"%d\0now\0" % version, 0)
    found: list[object] = []
    for now_s, payload in enumerate(payloads, start=1):
        steps: Sequence[Step] = session.on_payload(payload, now_s)
        for step in steps:
            if isinstance(step, Heard):
                found += listeners.hear(step.payload, step.message, now_s)
    for event in found:
        if isinstance(event, ExecutionReport):
            ledger.take([event])
        elif isinstance(event, Quote):
            for member in fields(event):
                value = getattr(event, member.name)
                assert not isinstance(value, Decimal) or value.is_finite(), f"{member.name} is no number"
    answered = listeners.collectors[0]
    assert isinstance(answered, Answered)
    told = msgspec.json.decode(msgspec.json.encode(answered.told), type=wire.Told)
    assert told == answered.told, "what a command was told changes on its way through the stack"
    return ledger.orders()


def _split(data: bytes) -> object:
    """The payloads of a stream are the same in whatever pieces it comes."""
    whole = Splitter()
    found = whole.feed(data)
    for size in PIECES:
        splitter = Splitter()
        pieces = [splitter.feed(data[at : at + size]) for at in range(0, len(data), size)]
        assert [payload for each in pieces for payload in each] == found, f"pieces of {size} bytes say something else"
    return found


TARGETS = (
    Target(name="ibkr_frames", one_input=_frames, declared=()),
    Target(name="ibkr_bytes", one_input=_split, declared=(BadFrame,), max_len=1024),
)

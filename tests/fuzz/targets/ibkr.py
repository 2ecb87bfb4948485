"""What TWS or IB Gateway sends: bytes cut into payloads, and payloads that become orders, quotes and answers.

An input of `ibkr_frames` is the server's version and then one payload a line; `|` stands for the NUL that ends a field.
"""

from __future__ import annotations

from collections.abc import Sequence
from copy import copy
from dataclasses import fields
from datetime import timedelta
from decimal import Decimal
from functools import cache, cached_property

import msgspec

from floorbroker.brokers.ibkr import wire
from floorbroker.brokers.ibkr.codec import VERSION_MAX, VERSION_MIN, BadFrame, Splitter
from floorbroker.brokers.ibkr.mapping.families import Families
from floorbroker.brokers.ibkr.mapping.identity import IbkrIdentity
from floorbroker.brokers.ibkr.rest.collect import Answered, CancelHeard, Listed
from floorbroker.brokers.ibkr.rest.program import DATA_MESSAGES, ORDER_MESSAGES
from floorbroker.brokers.ibkr.stream.orders import OrdersSession
from floorbroker.brokers.ibkr.stream.quotes import QuoteSession
from floorbroker.brokers.ibkr.stream.session import ApiSession, Heard, Step
from floorbroker.domain.records import DataKind, ExecutionReport, Quote
from floorbroker.transport.actions import Emit
from tests.fuzz.ledger import NOW, SHARES, Ledger
from tests.fuzz.target import Target

CLIENT, ACCOUNT, ORDER, REQUEST = 17, "DU1234567", 5, 9001
PIECES = (1, 3, 64)
PLACED = wire.Placed(
    order_id=ORDER,
    contract=wire.Contract(symbol="AAPL"),
    order=wire.Order(action="BUY", total_quantity=Decimal(3), order_type="LMT"),
)


def _payloads(data: bytes) -> tuple[int, list[bytes]]:
    """The version and the payloads of an input."""
    first, _, rest = data.partition(b"\n")
    digits = first[:3]
    version = int(digits) if digits.isdigit() else VERSION_MAX
    spoken = VERSION_MIN + (version - VERSION_MIN) % (VERSION_MAX - VERSION_MIN + 1)
    return spoken, [line.replace(b"|", b"\0") for line in rest.split(b"\n")]


class Listeners:
    """Everybody who hears a message of the program: the order stream, quotes, a list and two commands under way.

    What most inputs have nothing to say to is made by the first message for it.
    """

    def __init__(self, version: int) -> None:
        self._version = version
        self.orders = OrdersSession(Families(CLIENT), version=lambda: version, account=lambda: ACCOUNT)
        self.collectors = (
            Answered(CLIENT, [PLACED]),
            CancelHeard(CLIENT, ORDER),
            Listed((wire.OpenOrder,), wire.OpenOrderEnd, what="the open orders"),
        )

    @cached_property
    def quotes(self) -> QuoteSession:
        """One symbol, asked for."""
        quotes = QuoteSession(
            version=lambda: self._version,
            contract=lambda symbol: wire.Contract(symbol=symbol),
            number=lambda: REQUEST,
            kind=1,
        )
        quotes.want([(DataKind.QUOTES, "AAPL")])
        quotes.on_open(0)
        return quotes

    def hear(self, payload: bytes, message: wire.Wire, now_s: int) -> list[object]:
        """The events of one message, told to those whose line carries its kind."""
        at = NOW + timedelta(seconds=now_s)
        for collector in self.collectors:
            collector.take(message)
        found: list[object] = []
        if isinstance(message, ORDER_MESSAGES):
            found += [a.event for a in self.orders.on_frame(payload, at, now_s) if isinstance(a, Emit)]
        if isinstance(message, DATA_MESSAGES):
            found += [a.event for a in self.quotes.on_frame(payload, at, now_s) if isinstance(a, Emit)]
        return found


def _frames(data: bytes) -> object:
    """The orders and quotes after the payloads; every number in them is one, and what a command was told can be kept."""
    version, payloads = _payloads(data)
    session, listeners = copy(_greeted(version)), Listeners(version)
    found: list[object] = []
    for now_s, payload in enumerate(payloads, start=1):
        steps: Sequence[Step] = session.on_payload(payload, now_s)
        for step in steps:
            if isinstance(step, Heard):
                found += listeners.hear(step.payload, step.message, now_s)
    _check_quotes([event for event in found if isinstance(event, Quote)])
    answered = listeners.collectors[0]
    assert isinstance(answered, Answered)
    told = msgspec.json.decode(msgspec.json.encode(answered.told), type=wire.Told)
    assert told == answered.told, "what a command was told changes on its way through the stack"
    reports = [event for event in found if isinstance(event, ExecutionReport)]
    if not reports:
        return found
    ledger = Ledger(IbkrIdentity(), SHARES)
    ledger.take(reports)
    return ledger.orders()


@cache
def _greeted(version: int) -> ApiSession:
    """A session that has heard the server's version; whoever goes on with it takes a copy."""
    session = ApiSession(CLIENT)
    session.on_open(0)
    session.on_payload(b"%d\0now\0" % version, 0)
    return session


def _check_quotes(quotes: Sequence[Quote]) -> None:
    for quote in quotes:
        for member in fields(quote):
            value = getattr(quote, member.name)
            assert not isinstance(value, Decimal) or value.is_finite(), f"{member.name} is no number"


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
    Target(name="ibkr_frames", one_input=_frames, declared=(), max_len=3 * 1024),
    Target(name="ibkr_bytes", one_input=_split, declared=(BadFrame,), max_len=1024),
)

"""What Upstox sends: replies of its REST door, updates of the portfolio stream, trades, the protobuf feed, and files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from random import Random

from floorbroker.brokers.upstox import UpstoxBroker, origins_for
from floorbroker.brokers.upstox.mapping.identity import UpstoxIdentity
from floorbroker.brokers.upstox.mapping.symbols import Symbols
from floorbroker.brokers.upstox.rest.instruments import pieces
from floorbroker.brokers.upstox.stream.fills import FillSession, Held
from floorbroker.brokers.upstox.stream.market import MarketSession
from floorbroker.brokers.upstox.stream.orders import OrderSession
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError
from floorbroker.domain.orders import OrderChanges, OrderRef
from floorbroker.domain.ports import Broker, NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Environment, OrderId, Price, time_text
from floorbroker.transport.actions import Action, Emit
from floorbroker.transport.private import OrderEvent
from tests.fuzz.ledger import INTENT, NOW, SHARES, Ledger
from tests.fuzz.replies import SINCE, Call, Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import private_target
from tests.fuzz.target import Target, payload

RELIANCE = replace(SHARES, symbol="RELIANCE.NSE", price=Price(Decimal("1410.5")))
ORDER_ID = "260302000000001"
FILES = "/market-quote/instruments/exchange"
STANDING = {f"{FILES}/NSE.json.gz": payload("upstox/instruments.json"), f"{FILES}/BSE.json.gz": b"[]"}


def ledger() -> Ledger:
    """Three shares on their way."""
    return Ledger(UpstoxIdentity(), RELIANCE)


@cache
def symbols() -> Symbols:
    """Read once: sessions only look into them."""
    known = Symbols()
    for rows in pieces(payload("upstox/instruments.json")):
        known.learn(rows)
    return known


def broker(transport: Replies) -> UpstoxBroker:
    return UpstoxBroker(
        origins=origins_for(Environment.LIVE),
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )


REF = OrderRef(intent_id=INTENT, cl_ord_id=ledger().cl_ord_id, symbol=RELIANCE.symbol, order_id=OrderId(ORDER_ID))
WAITS = replace(REF, order_id=OrderId("GTT-C26030200000001"))
DEARER = OrderChanges(price=Price(Decimal("1411.5")))
CALLS: dict[str, Call[Broker]] = {
    **common_calls(RELIANCE, ledger, order_id=ORDER_ID),
    "change": lambda broker: broker.modify_order(REF, DEARER, cl_ord_id=REF.cl_ord_id, decided_at=1.0),
    "gtt": lambda broker: broker.get_order_status(WAITS),
    "gtt_cancel": lambda broker: broker.cancel_order(WAITS),
    "named": lambda broker: broker.get_order_status(REF),
    "days": lambda broker: broker.get_bars(RELIANCE.symbol, span_s=86_400, start=SINCE, end=NOW),
    "hours": lambda broker: broker.get_market_hours("XNSE", date(2026, 3, 2)),
}


def one_frame(data: bytes) -> object:
    """A frame of the feed, which came twice: every number in its events is one."""
    known = symbols()
    session = MarketSession(key_of=known.key_of)
    session.want(
        [(kind, symbol) for kind in (DataKind.QUOTES, DataKind.TRADES) for symbol in ("RELIANCE.NSE", "NHPC.NSE")]
    )
    session.on_open(0)
    actions = [action for second in (1, 2) for action in session.on_frame(data, NOW, second)]
    events = [action.event for action in actions if isinstance(action, Emit)]
    for event in events:
        for member in fields(event):
            value = getattr(event, member.name)
            assert not isinstance(value, Decimal) or value.is_finite(), f"{member.name} is no number"
    return events


def one_file(data: bytes) -> object:
    """A file of instruments, options among them: what is listed has a name, and numbers to trade by."""
    known, keys = Symbols(with_options=True), set[str]()
    for rows in pieces(data):
        known.learn(rows)
        keys.update(row.instrument_key for row in rows)
    for symbol in {known.named(key, exchange="", trading="?") for key in keys} - {"?"}:
        listed = known.of(symbol)
        assert listed.tick > 0, "a price step of nothing"
        assert listed.lot > 0, "a lot of nothing"
    return len(known)


def unheld() -> Held:
    return Held(lambda: None)


class Polled:
    """`FillSession` under bodies alone: an input's lines cannot have the line break that a stamp ends with."""

    def __init__(self) -> None:
        self._inner = FillSession(symbols(), unheld())
        self.on_open, self.on_tick = self._inner.on_open, self._inner.on_tick

    def on_frame(self, frame: bytes, at: datetime, now_s: float) -> Sequence[Action[OrderEvent]]:
        return self._inner.on_frame(time_text(at).encode() + b"\n" + frame, at, now_s)


TARGETS = (
    replies_target("upstox_replies", broker, CALLS, ledger=ledger, standing=STANDING),
    private_target("upstox_orders", lambda: OrderSession(symbols(), unheld()), ledger=ledger),
    private_target("upstox_trades", Polled, ledger=ledger),
    Target(name="upstox_feed", one_input=one_frame, declared=()),
    Target(name="upstox_files", one_input=one_file, declared=(ApiError,)),
)

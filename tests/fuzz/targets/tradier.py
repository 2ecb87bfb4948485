"""What Tradier sends: replies of its REST door, in every shape it has for lists, and its market data stream."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from decimal import Decimal
from random import Random

from floorbroker.brokers.tradier import TradierBroker, origins_for
from floorbroker.brokers.tradier.mapping.identity import TradierIdentity
from floorbroker.brokers.tradier.stream.data import DataSession
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import OrderChanges, OrderRef
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Environment, OrderId, Price
from tests.fuzz.ledger import INTENT, NOW, SHARES, Ledger
from tests.fuzz.replies import Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import market_target

FRIDAY = date(2026, 3, 20)


def ledger() -> Ledger:
    """Three shares on their way."""
    return Ledger(TradierIdentity(), SHARES)


def broker(transport: Replies) -> TradierBroker:
    return TradierBroker(
        environment=Environment.PAPER,
        origins=origins_for(Environment.PAPER),
        account=lambda: "VA12345678",
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )


REF = OrderRef(
    intent_id=INTENT,
    cl_ord_id=ledger().cl_ord_id,
    symbol=SHARES.symbol,
    order_id=OrderId("700500"),
    extended_hours=False,
)
DEARER = OrderChanges(price=Price(Decimal(151)))  # it changes no quantities
UNASKED = ("permissions", "cancel_all", "fills")  # answered without a question
CALLS: dict[str, Callable[[TradierBroker], Awaitable[object]]] = {
    **{name: call for name, call in common_calls(SHARES, ledger, order_id="700500").items() if name not in UNASKED},
    "modify": lambda broker: broker.modify_order(REF, DEARER, cl_ord_id=REF.cl_ord_id, decided_at=1.0),
    "option": lambda broker: broker.get_instrument("AAPL  260320C00150000"),
    "hours": lambda broker: broker.get_market_hours("XNYS", date(2026, 3, 2)),
    "expirations": lambda broker: broker.get_expirations("AAPL"),
    "strikes": lambda broker: broker.get_strikes("AAPL", FRIDAY),
    "chain": lambda broker: broker.get_option_chain("AAPL", FRIDAY),
}

TARGETS = (
    replies_target("tradier_replies", broker, CALLS, ledger=ledger),
    market_target(
        "tradier_market",
        lambda: DataSession(sessionid=lambda: "sid"),
        wanted=[(kind, "AAPL") for kind in (DataKind.QUOTES, DataKind.TRADES)],
    ),
)

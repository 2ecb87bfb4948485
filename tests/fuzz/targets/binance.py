"""What Binance sends: replies of its REST door, user data, market streams, and answers of the order socket."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from random import Random

from floorbroker.brokers.binance import BinanceBroker, Credentials, origins_for, wire
from floorbroker.brokers.binance.mapping.families import Families
from floorbroker.brokers.binance.mapping.identity import BinanceIdentity
from floorbroker.brokers.binance.mapping.reports import Reader
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.stream.commands import BinanceDialect
from floorbroker.brokers.binance.stream.data import DataSession
from floorbroker.brokers.binance.stream.orders import UserSession
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.orders import OrderChanges, OrderRef
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment, OrderId, Quantity
from floorbroker.transport.offset import ClockOffset
from tests.fuzz.ledger import COINS, INTENT, NOW, Ledger
from tests.fuzz.replies import Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import dialect_target, market_target, private_target
from tests.fuzz.target import payload

CREDENTIALS = Credentials(key=Secret("test-key"), secret=Secret("canary-secret"))


def ledger() -> Ledger:
    """Half a bitcoin on its way."""
    return Ledger(BinanceIdentity(), COINS)


def broker(transport: Replies) -> BinanceBroker:
    return BinanceBroker(
        environment=Environment.PAPER,
        origins=origins_for(Environment.PAPER, None),
        credentials=CREDENTIALS,
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )


def symbols() -> Symbols:
    found = Symbols()
    found.learn(wire.decode(payload("binance/exchange_info.json"), wire.ExchangeInfo, what="symbols").symbols)
    return found


def user_session() -> UserSession:
    return UserSession(
        CREDENTIALS,
        Reader(symbols(), Families()),
        offset=ClockOffset(ManualClock(NOW)),
        traded=Traded(),
        recv_window_ms=5000,
        on_unsynchronised=lambda: None,
    )


REF = OrderRef(
    intent_id=INTENT,
    cl_ord_id=ledger().cl_ord_id,
    symbol=COINS.symbol,
    order_id=OrderId("BTCUSDT:28"),
    extended_hours=False,
)
LESS = OrderChanges(order_qty=Quantity(Decimal("0.015")))
CALLS: dict[str, Callable[[BinanceBroker], Awaitable[object]]] = {
    **common_calls(COINS, ledger, order_id="BTCUSDT:28"),
    "amend": lambda broker: broker.modify_order(REF, LESS, cl_ord_id=REF.cl_ord_id, decided_at=1.0),
}

TARGETS = (
    replies_target(
        "binance_replies",
        broker,
        CALLS,
        ledger=ledger,
        standing={
            "/api/v3/exchangeInfo": payload("binance/exchange_info.json"),
            "/api/v3/time": b'{"serverTime":1772463850000}',
        },
    ),
    private_target("binance_user", user_session, ledger=ledger, greeting=[payload("binance/subscribed.json")]),
    market_target(
        "binance_market",
        lambda: DataSession(symbols(), on_chain=lambda symbol, first: None),
        wanted=[(kind, "BTC/USDT") for kind in DataKind],
    ),
    dialect_target("binance_orders", lambda: BinanceDialect(lambda: NOW)),
)

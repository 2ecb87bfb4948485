"""What Kraken sends: replies of its REST door, executions and balances, market channels, and answers to order methods."""

from __future__ import annotations

from dataclasses import replace
from random import Random

from floorbroker.brokers.kraken import KrakenBroker, Options, origins_for
from floorbroker.brokers.kraken.mapping.identity import KrakenIdentity
from floorbroker.brokers.kraken.rest.calls import Calls
from floorbroker.brokers.kraken.rest.reads import Reads
from floorbroker.brokers.kraken.stream.entry import OrderDialect
from floorbroker.brokers.kraken.stream.market import MarketSession
from floorbroker.brokers.kraken.stream.orders import OrderSession
from floorbroker.brokers.kraken.stream.tokens import Tokens
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import Broker, NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Environment
from floorbroker.transport.offset import ClockOffset
from tests.fuzz.ledger import COINS, NOW, Ledger
from tests.fuzz.replies import Call, Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import dialect_target, market_target, private_target
from tests.fuzz.target import payload

DOLLARS = replace(COINS, symbol="BTC/USD")


def ledger() -> Ledger:
    """Half a bitcoin on its way."""
    return Ledger(KrakenIdentity(), DOLLARS)


def broker(transport: Replies) -> KrakenBroker:
    origins, clock = origins_for(Environment.LIVE), ManualClock(NOW)
    calls = Calls(origins=origins)
    reads = Reads(transport, calls)
    return KrakenBroker(
        environment=Environment.LIVE,
        origins=origins,
        reads=reads,
        calls=calls,
        commands=transport,
        tokens=Tokens(reads, calls, learn=lambda _: None),
        connect=no_stream,
        clock=clock,
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
        options=Options(),
        offset=ClockOffset(clock),
        order_socket=None,
    )


UNASKED = ("margin",)  # answered without a question: a limit has its price
CALLS: dict[str, Call[Broker]] = {
    name: call
    for name, call in common_calls(DOLLARS, ledger, order_id="OQCLML-BW3P3-BUCMWZ").items()
    if name not in UNASKED
}

TARGETS = (
    replies_target(
        "kraken_replies",
        broker,
        CALLS,
        ledger=ledger,
        standing={"/0/public/AssetPairs": payload("kraken/pairs.json")},
    ),
    private_target("kraken_private", lambda: OrderSession(log=NoLog()), ledger=ledger),
    market_target(
        "kraken_market",
        lambda: MarketSession(depth=10),
        wanted=[(kind, "BTC/USD") for kind in DataKind],
        greeting=[payload("kraken/instruments.json")],
    ),
    dialect_target("kraken_orders", OrderDialect),
)

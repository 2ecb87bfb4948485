"""What Bybit sends: replies of its REST door, private and public topics, and answers of the trade socket."""

from __future__ import annotations

from random import Random

from floorbroker.brokers.bybit import BybitBroker, Credentials, origins_for
from floorbroker.brokers.bybit.mapping.identity import BybitIdentity
from floorbroker.brokers.bybit.mapping.memory import Memory
from floorbroker.brokers.bybit.mapping.reports import Reader
from floorbroker.brokers.bybit.mapping.symbols import Symbols
from floorbroker.brokers.bybit.stream.private import PrivateSession
from floorbroker.brokers.bybit.stream.public import PublicSession
from floorbroker.brokers.bybit.stream.trade import TradeDialect
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from tests.fuzz.ledger import COINS, NOW, Ledger
from tests.fuzz.replies import Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import dialect_target, market_target, private_target

CREDENTIALS = Credentials(key=Secret("TESTKEYTESTKEY0001"), secret=Secret("canary-secret"))


def ledger() -> Ledger:
    """Half a bitcoin on its way."""
    return Ledger(BybitIdentity(), COINS)


def broker(transport: Replies) -> BybitBroker:
    return BybitBroker(
        environment=Environment.PAPER,
        origins=origins_for(Environment.PAPER, None),
        credentials=CREDENTIALS,
        reads=transport,
        commands=transport,
        entry=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )


TARGETS = (
    replies_target("bybit_replies", broker, common_calls(COINS, ledger, order_id="1900000000000000001"), ledger=ledger),
    private_target(
        "bybit_private",
        lambda: PrivateSession(Reader(Symbols(), Memory()), login=lambda: "{}"),
        ledger=ledger,
        greeting=[
            b'{"success":true,"ret_msg":"","op":"auth","conn_id":"c1"}',
            b'{"success":true,"ret_msg":"","op":"subscribe","conn_id":"c1"}',
        ],
    ),
    market_target(
        "bybit_public",
        lambda: PublicSession("linear", Symbols(), depth=50),
        wanted=[(kind, "BTC/USDT:USDT") for kind in DataKind],
    ),
    dialect_target("bybit_orders", lambda: TradeDialect(login=lambda: "{}")),
)

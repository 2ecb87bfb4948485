"""Frames of Binance's private stream."""

from __future__ import annotations

from floorbroker.brokers.binance import Credentials
from floorbroker.brokers.binance.mapping.families import Families
from floorbroker.brokers.binance.mapping.identity import BinanceIdentity
from floorbroker.brokers.binance.mapping.reports import Reader
from floorbroker.brokers.binance.mapping.symbols import Symbols
from floorbroker.brokers.binance.mapping.traded import Traded
from floorbroker.brokers.binance.stream.orders import UserSession
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.secret import Secret
from floorbroker.transport.offset import ClockOffset
from tests.fuzz.ledger import COINS, INTENT, NOW, Ledger
from tests.fuzz.streams import private_target

CREDENTIALS = Credentials(key=Secret("test-key"), secret=Secret("canary-secret"))
CL_ORD_ID = BinanceIdentity().encode(INTENT)


def ledger() -> Ledger:
    """Half a coin on its way."""
    return Ledger(BinanceIdentity(), COINS)


def session() -> UserSession:
    return UserSession(
        CREDENTIALS,
        Reader(Symbols(), Families()),
        offset=ClockOffset(ManualClock(NOW)),
        traded=Traded(),
        recv_window_ms=5000,
        on_unsynchronised=lambda: None,
    )


TARGET = private_target(
    "binance_events",
    session,
    ledger=ledger,
    greeting=(b'{"id":"subscribe","status":200,"result":{"subscriptionId":0}}',),
)

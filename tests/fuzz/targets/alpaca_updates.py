"""Frames of Alpaca's private stream."""

from __future__ import annotations

from floorbroker.brokers.alpaca import Credentials
from floorbroker.brokers.alpaca.mapping.families import Families
from floorbroker.brokers.alpaca.mapping.identity import AlpacaIdentity
from floorbroker.brokers.alpaca.stream.trading import TradingSession
from floorbroker.domain.secret import Secret
from tests.fuzz.ledger import INTENT, SHARES, Ledger
from tests.fuzz.streams import private_target

CREDENTIALS = Credentials(key=Secret("PKTESTKEY"), secret=Secret("canary-secret"))
CL_ORD_ID = AlpacaIdentity().encode(INTENT)


def ledger() -> Ledger:
    """Three shares of AAPL on their way."""
    return Ledger(AlpacaIdentity(), SHARES)


TARGET = private_target(
    "alpaca_updates",
    lambda: TradingSession(CREDENTIALS, Families()),
    ledger=ledger,
    greeting=(
        b'{"stream":"authorization","data":{"status":"authorized","action":"authenticate"}}',
        b'{"stream":"listening","data":{"streams":["trade_updates"]}}',
    ),
)

"""What OANDA sends: replies of its REST door, the log among them, and the lines of both streams."""

from __future__ import annotations

from datetime import date
from random import Random

from floorbroker.brokers.oanda import OandaBroker, origins_for
from floorbroker.brokers.oanda.mapping.identity import OandaIdentity
from floorbroker.brokers.oanda.mapping.ledger import Ledger as Told
from floorbroker.brokers.oanda.mapping.reports import Reader
from floorbroker.brokers.oanda.stream.prices import PriceSession
from floorbroker.brokers.oanda.stream.transactions import TransactionSession
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import Broker, NoLog, NoMeter
from floorbroker.domain.records import DataKind
from floorbroker.domain.values import Environment
from tests.fuzz.ledger import CURRENCIES, NOW, Ledger
from tests.fuzz.replies import Call, Replies, common_calls, no_stream, replies_target
from tests.fuzz.streams import market_target, private_target

ACCOUNT = "101-004-1234567-001"


def ledger() -> Ledger:
    """Three euros on their way."""
    return Ledger(OandaIdentity(), CURRENCIES)


def broker(transport: Replies) -> OandaBroker:
    return OandaBroker(
        origins=origins_for(Environment.PAPER),
        account=lambda: ACCOUNT,
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )


UNASKED = ("permissions", "cancel_all")  # answered without a question
CALLS: dict[str, Call[Broker]] = {
    **{name: call for name, call in common_calls(CURRENCIES, ledger, order_id="11").items() if name not in UNASKED},
    "hours": lambda broker: broker.get_market_hours("FX", NOW.date()),
    "sunday": lambda broker: broker.get_market_hours("FX", date(2026, 3, 1)),
}

TARGETS = (
    replies_target("oanda_replies", broker, CALLS, ledger=ledger),
    private_target("oanda_transactions", lambda: TransactionSession(Reader(Told())), ledger=ledger),
    market_target("oanda_prices", PriceSession, wanted=[(DataKind.QUOTES, "EUR/USD")]),
)

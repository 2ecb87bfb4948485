"""Replies of Alpaca's REST door."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date
from random import Random

from floorbroker.brokers.alpaca import AlpacaBroker, origins_for
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.values import Environment
from tests.fuzz.ledger import NOW, SHARES
from tests.fuzz.replies import SINCE, Replies, common_calls, no_stream, replies_target
from tests.fuzz.targets.alpaca_updates import CREDENTIALS, ledger

CALLS: dict[str, Callable[[AlpacaBroker], Awaitable[object]]] = {
    **common_calls(SHARES, ledger, order_id="5b2f9a0e-0c6e-4a55-9f43-0d3a6f1b7c11"),
    "coin": lambda broker: broker.get_instrument("BTC/USD"),
    "option": lambda broker: broker.get_instrument("AAPL  260320C00150000"),
    "snapshot": lambda broker: broker.get_snapshot("AAPL"),
    "coin_snapshot": lambda broker: broker.get_snapshot("BTC/USD"),
    "quotes": lambda broker: broker.get_quotes("AAPL", start=SINCE, end=NOW),
    "trades": lambda broker: broker.get_trades("AAPL", start=SINCE, end=NOW),
    "hours": lambda broker: broker.get_market_hours("XNYS", date(2026, 3, 2)),
}


def broker(transport: Replies) -> AlpacaBroker:
    return AlpacaBroker(
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


TARGET = replies_target("alpaca_replies", broker, CALLS, ledger=ledger)

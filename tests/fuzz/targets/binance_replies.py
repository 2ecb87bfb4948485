"""Replies of Binance's REST door."""

from __future__ import annotations

from datetime import date
from random import Random

from floorbroker.brokers.binance import BinanceBroker, origins_for
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NoLog, NoMeter
from floorbroker.domain.values import Environment
from tests.fuzz.ledger import COINS, NOW
from tests.fuzz.replies import Call, Replies, common_calls, no_stream, replies_target
from tests.fuzz.targets.binance_events import CREDENTIALS, ledger

CALLS: dict[str, Call[BinanceBroker]] = {
    **common_calls(COINS, ledger, order_id="BTCUSDT:28"),
    "snapshot": lambda broker: broker.get_snapshot("BTC/USDT"),
    "trades": lambda broker: broker.get_trades("BTC/USDT"),
    "hours": lambda broker: broker.get_market_hours("24/7", date(2026, 3, 2)),
}


def broker(transport: Replies) -> BinanceBroker:
    return BinanceBroker(
        environment=Environment.LIVE,
        origins=origins_for(Environment.LIVE, None),
        credentials=CREDENTIALS,
        reads=transport,
        commands=transport,
        connect=no_stream,
        clock=ManualClock(NOW),
        log=NoLog(),
        meter=NoMeter(),
        random=Random(1),
    )


TARGET = replies_target("binance_replies", broker, CALLS, ledger=ledger)

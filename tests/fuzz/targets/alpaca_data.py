"""Frames of Alpaca's market data streams."""

from __future__ import annotations

from floorbroker.brokers.alpaca.stream.data import DataSession
from floorbroker.domain.records import DataKind
from tests.fuzz.streams import market_target
from tests.fuzz.targets.alpaca_updates import CREDENTIALS

TARGET = market_target(
    "alpaca_data",
    lambda: DataSession(CREDENTIALS, source="alpaca iex"),
    wanted=[(DataKind.QUOTES, "AAPL"), (DataKind.BOOK, "BTC/USD")],
    greeting=(b'[{"T":"success","msg":"connected"}]', b'[{"T":"success","msg":"authenticated"}]'),
)

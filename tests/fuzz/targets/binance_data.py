"""Frames of Binance's market data streams."""

from __future__ import annotations

from floorbroker.brokers.binance import replay_session
from floorbroker.domain.records import DataKind
from tests.fuzz.streams import market_target

TARGET = market_target(
    "binance_data", replay_session, wanted=[(DataKind.QUOTES, "BTC/USDT"), (DataKind.BOOK, "BTC/USDT")]
)

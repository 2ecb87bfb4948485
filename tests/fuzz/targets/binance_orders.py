"""Answers of Binance's order socket."""

from __future__ import annotations

from floorbroker.brokers.binance.stream.commands import BinanceDialect
from tests.fuzz.ledger import NOW
from tests.fuzz.streams import dialect_target

TARGET = dialect_target("binance_orders", lambda: BinanceDialect(lambda: NOW))

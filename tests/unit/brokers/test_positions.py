"""Which venues tell a coin whole, in one of its pairs, and which tell each pair apart."""

from __future__ import annotations

import pytest

from floorbroker.brokers.registry import BROKERS

WHOLE = {
    "ALPACA": False,
    "PAPER": False,
    "BINANCE": True,
    "BYBIT": True,
    "KRAKEN": True,
    "IBKR": False,
    "IBKR_WEB": False,
    "OANDA": False,
    "TRADIER": False,
    "UPSTOX": False,
}


@pytest.mark.parametrize("code", BROKERS)
def test_whether_a_coin_is_told_whole_is_said(code: str) -> None:
    assert BROKERS[code].whole_coins is WHOLE[code]

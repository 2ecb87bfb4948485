"""A book from a venue's wire to the command line: simulator, adapter, keeper, REST door, `floorbroker book`."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.unit.cli.running import document, run

pytestmark = pytest.mark.slow


@contextmanager
def simulated(venue: str) -> Iterator[dict[str, Any]]:
    """A simulator in a process of its own, and what it says when it is ready."""
    command = [sys.executable, "-m", "floorbroker_sim", venue, "--port", "0"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stdout.close()


@pytest.mark.parametrize(("venue", "symbol"), [("binance", "BTC/USDT"), ("bybit", "BTC/USDT"), ("kraken", "BTC/USD")])
def test_a_proven_book_reaches_the_command_line(
    venue: str, symbol: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with simulated(venue) as told:
        for name, value in told["credentials"].items():
            monkeypatch.setenv(name, str(value))
        book = document(run(tmp_path, "book", symbol, "--env", "sim", "--depth", "3", "--json"))
    assert (book["symbol"], book["state"]) == (symbol, "fresh")
    bids, asks = ([Decimal(level["price"]) for level in book[side]] for side in ("bids", "asks"))
    assert len(bids) == len(asks) == 3
    assert bids == sorted(bids, reverse=True)
    assert asks == sorted(asks)
    assert Decimal(book["spread"]) == asks[0] - bids[0] > 0

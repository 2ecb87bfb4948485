"""The dashboard and the report of a backtest as somebody sees them, in a real browser.

The pictures are left in build/dashboard; those of the docs are copies.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.backtest import Backtest, Feed, html_of
from floorbroker.cli.dashboard import command_for
from floorbroker.strategy.bots import Logbook
from floorbroker.strategy.shelf import Crossover
from floorbroker.web.dashboard import FILE
from tests.support.browser import Tab, browser_tab, chromium
from tests.unit.api.test_strategies import LINE
from tests.unit.backtest.market import flat, series

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(chromium() is None, reason="there is no Chromium on this machine"),
]
PICTURES = Path(__file__).resolve().parents[2] / "build" / "dashboard"
STARTS_WITHIN_S = 90
WAITS_MAX = 6
STORY = (  # bot, side, quantity, symbol, what became of it, why
    ("trend", "buy", "20", "SPY", "filled", "5-day average above 20-day"),
    ("hedge", "buy", "2", "SPY260320P00560000", "filled", "drawdown 3.1 % of the peak"),
    ("trend", "buy", "20", "AAPL", "working", "5-day average above 20-day"),
    ("revert", "sell", "15", "IBM", "rejected", "2.3 deviations above its mean"),
    ("trend", "sell", "20", "SPY", "filled", "5-day average below 20-day"),
    ("revert", "buy", "15", "BAC", "filled", "2.1 deviations below its mean"),
)


async def _picture(tab: Tab, name: str) -> Path:
    PICTURES.mkdir(parents=True, exist_ok=True)
    path = PICTURES / name
    await tab.picture(path)
    return path


@asynccontextmanager
async def _dashboard(decisions: Path) -> AsyncIterator[str]:
    """Streamlit on a port of its own; its address."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = await asyncio.create_subprocess_exec(
        *command_for("127.0.0.1", port),
        env={**os.environ, FILE: str(decisions)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        assert process.stdout is not None
        async with asyncio.timeout(STARTS_WITHIN_S):
            async for line in process.stdout:
                if str(port).encode() in line:
                    break
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        await process.communicate()


async def _shows(tab: Tab, words: str) -> None:
    """Streamlit fetches parts of itself when they are needed first: on a busy machine that is longer than one wait."""
    for _ in range(WAITS_MAX):
        with suppress(TimeoutError):
            await tab.until(f"document.body.innerText.includes({json.dumps(words)})")
            return
    raise AssertionError(f"the page never showed {words!r}")


@pytest.mark.asyncio
async def test_a_decision_appears_while_somebody_looks(tmp_path: Path) -> None:
    pytest.importorskip("streamlit", reason="the extra `dashboard` is not installed")
    book = Logbook(tmp_path / "decisions.jsonl")
    book.open()
    for number, (bot, side, quantity, symbol, status, why) in enumerate(STORY * 2):
        order = {"symbol": symbol, "side": side, "quantity": quantity, "type": "market", "time_in_force": "day"}
        at = f"2026-03-02T15:{number:02}:00.000000Z"
        told = {"time": at, "bot": bot, "order": order, "ord_status": status, "agent_reasoning": why}
        book.append({**LINE, **told, "key": str(number)})
    async with _dashboard(book.path) as url, browser_tab() as tab:
        await tab.size(1280, 1000)
        await tab.open(url)
        await _shows(tab, "The newest, with what it looked at")
        await _shows(tab, "2.1 deviations below its mean")
        book.append({**LINE, "key": "last", "agent_reasoning": "made while somebody looked"})
        await _shows(tab, "made while somebody looked")
        await _shows(tab, "13")
        picture = await _picture(tab, "dashboard.png")
        assert picture.stat().st_size > 10_000
        assert not [address for address in tab.asked if address.startswith("http") and "127.0.0.1" not in address]
    book.close()


@pytest.mark.asyncio
async def test_a_report_draws_its_plots_without_asking_anybody(tmp_path: Path) -> None:
    pytest.importorskip("plotly", reason="the research extra is not installed")
    closes = [10_000 + 900 * ((n // 25) % 2) + (n * 37) % 230 for n in range(500)]
    test = Backtest(
        Crossover(symbols=("SPY",), fast=5, slow=20, size=10),
        Feed.of_bars(series(flat(*closes), span_s=86_400)),
        cash=Decimal(10_000),
    )
    page = tmp_path / "report.html"
    page.write_text(html_of(test.run()), encoding="utf-8")
    async with browser_tab() as tab:
        await tab.size(1280, 1400)
        await tab.open(page.as_uri())
        await tab.until("document.querySelectorAll('.js-plotly-plot .main-svg').length >= 3")
        assert await tab.run("document.querySelectorAll('.js-plotly-plot path').length") > 50
        picture = await _picture(tab, "backtest-report.png")
        assert picture.stat().st_size > 20_000
        assert tab.errors == []
        assert not [address for address in tab.asked if not address.startswith(("file:", "data:", "blob:"))]

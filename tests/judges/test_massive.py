"""massive and polygon-api-client, unmodified, against our simulator of Polygon over TCP."""

# Both type their answers as unions with a raw response.
# pyright: reportAttributeAccessIssue=false, reportArgumentType=false, reportGeneralTypeIssues=false, reportMissingImports=false
# pyright: reportIndexIssue=false, reportCallIssue=false, reportMissingModuleSource=false

from __future__ import annotations

import asyncio
import importlib
import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import date
from http.client import HTTPConnection
from typing import Any

import pytest
from urllib3.exceptions import MaxRetryError

pytest.importorskip("massive", reason="massive is not installed")
pytestmark = pytest.mark.judge
CLIENTS = ["massive", "polygon"]  # the same library, before and after the service's new name
SPLIT_DAY = "2024-06-10"


class Sim:
    """One simulator process."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "polygon"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())
        self.key = self.line["credentials"]["BROKER_API_KEY"]

    def control(self, path: str, body: dict[str, Any]) -> None:
        door = HTTPConnection(self.line["control"].removeprefix("http://"), timeout=10)
        try:
            door.request("POST", path, json.dumps(body))
            assert door.getresponse().status < 300
        finally:
            door.close()

    def close(self) -> None:
        self.process.terminate()
        self.process.wait(timeout=10)
        if self.process.stdout is not None:
            self.process.stdout.close()


@pytest.fixture(scope="module")
def server() -> Iterator[Sim]:
    sim = Sim()
    yield sim
    sim.close()


@pytest.fixture
def sim(server: Sim) -> Sim:
    server.control("/reset", {})
    server.control("/price", {"symbol": "AAPL", "bid": "149.99", "ask": "150.01", "last": "150"})
    return server


@pytest.fixture(params=CLIENTS)
def library(request: pytest.FixtureRequest) -> Any:
    return pytest.importorskip(request.param, reason=f"{request.param} is not installed")


@pytest.fixture
def client(sim: Sim, library: Any) -> Any:
    return library.RESTClient(api_key=sim.key, base=sim.line["rest"], retries=0)


def test_it_reads_days_and_pages_through_them(client: Any) -> None:
    whole = client.get_aggs("AAPL", 1, "day", "2026-01-05", "2026-01-16")
    assert len(whole) == 10
    paged = list(client.list_aggs("AAPL", 1, "day", date(2026, 1, 5), date(2026, 1, 16), limit=3))
    assert paged == whole
    assert all(one.low <= one.open <= one.high for one in whole)
    back = list(client.list_aggs("AAPL", 1, "day", "2026-01-05", "2026-01-16", sort="desc", limit=4))
    assert back == whole[::-1]


def test_it_reads_minutes_weeks_and_nothing(client: Any) -> None:
    five = list(client.list_aggs("AAPL", 5, "minute", "2026-01-05", "2026-01-05", limit=100))
    assert len(five) == 78
    assert len({one.timestamp for one in five}) == 78
    assert len(client.get_aggs("AAPL", 1, "week", "2026-01-04", "2026-01-17")) == 2
    assert client.get_aggs("NOBODY", 1, "day", "2026-01-05", "2026-01-16") == []


def test_raw_prices_are_those_of_old_shares(client: Any) -> None:
    before = "2024-06-07"
    adjusted = client.get_aggs("NVDA", 1, "day", before, before)[0]
    raw = client.get_aggs("NVDA", 1, "day", before, before, adjusted=False)[0]
    assert raw.close == pytest.approx(adjusted.close * 10)
    assert raw.volume == pytest.approx(adjusted.volume / 10)


def test_it_reads_grouped_days_the_day_before_and_one_day(client: Any) -> None:
    assert {"AAPL", "SPY"} <= {one.ticker for one in client.get_grouped_daily_aggs("2026-01-05")}
    assert client.get_previous_close_agg("AAPL")[0].ticker == "AAPL"
    assert client.get_daily_open_close_agg("AAPL", "2026-01-05").symbol == "AAPL"


def test_it_reads_trades_and_quotes_by_pages(client: Any) -> None:
    window = {"timestamp_gte": "2026-01-05", "timestamp_lte": "2026-01-05"}
    trades = [one for _, one in zip(range(25), client.list_trades("AAPL", limit=10, **window), strict=False)]
    stamps = [one.sip_timestamp for one in trades]
    assert stamps == sorted(set(stamps), reverse=True)
    quotes = client.list_quotes("AAPL", limit=10, order="asc", **window)
    first = next(iter(quotes))
    assert first.bid_price < first.ask_price


def test_it_reads_the_last_of_each(client: Any) -> None:
    assert client.get_last_trade("AAPL").price == 150
    nbbo = client.get_last_quote("AAPL")
    assert (nbbo.bid_price, nbbo.ask_price) == (149.99, 150.01)
    assert client.get_last_crypto_trade("BTC", "USD").price > 0


def test_it_reads_snapshots(client: Any) -> None:
    one = client.get_snapshot_ticker("stocks", "AAPL")
    assert (one.last_trade.price, one.last_quote.ask_price) == (150, 150.01)
    assert {"AAPL", "IBM"} == {one.ticker for one in client.get_snapshot_all("stocks", tickers=["AAPL", "IBM"])}
    changes = [one.todays_change_percent for one in client.get_snapshot_direction("stocks", "gainers")]
    assert changes == sorted(changes, reverse=True)
    found = {one.ticker: one for one in client.list_universal_snapshots(ticker_any_of=["AAPL", "NOBODY"])}
    assert found["NOBODY"].error == "NOT_FOUND"


def test_it_reads_reference_data(client: Any) -> None:
    assert {"AAPL", "MSFT"} <= {one.ticker for one in client.list_tickers(market="stocks", limit=5)}
    assert client.get_ticker_details("AAPL").name.startswith("Apple")
    split = next(iter(client.list_splits(ticker="NVDA")))
    assert (split.execution_date, split.split_from, split.split_to) == (SPLIT_DAY, 1, 10)
    paid = list(client.list_dividends(ticker="AAPL", ex_dividend_date_gte="2025-01-01", limit=2))
    assert {one.cash_amount for one in paid} == {0.25}
    assert client.get_market_status().market in {"open", "closed", "extended-hours"}
    assert client.get_market_holidays()
    assert {one.mic for one in client.get_exchanges()} >= {"XNAS", "XNYS"}


def test_it_tells_a_wrong_key_a_missing_day_and_a_full_minute(sim: Sim, client: Any, library: Any) -> None:
    wrong = library.RESTClient(api_key="wrong", base=sim.line["rest"], retries=0)
    with pytest.raises(library.exceptions.BadResponse, match="Unknown API Key"):
        wrong.get_last_trade("AAPL")
    with pytest.raises(library.exceptions.BadResponse, match="NOT_FOUND"):
        client.get_daily_open_close_agg("AAPL", "2026-01-04")
    sim.control("/faults", {"faults": [{"where": "request", "what": "throttle"}]})
    with pytest.raises(MaxRetryError):
        client.get_last_trade("AAPL")


def test_it_hears_trades_quotes_and_a_wrong_key(sim: Sim, library: Any) -> None:
    socket: Any = importlib.import_module(f"{library.__name__}.websocket")
    feed = sim.line["ws"].removeprefix("ws://")

    def stream(key: str, topics: list[str]) -> Any:
        return socket.WebSocketClient(api_key=key, feed=feed, market="stocks", secure=False, subscriptions=topics)

    async def heard() -> list[Any]:
        client = stream(sim.key, ["T.AAPL", "Q.AAPL"])
        found: list[Any] = []

        async def note(messages: list[Any]) -> None:
            found.extend(one for one in messages if one is not None)
            if {"T", "Q"} <= {one.event_type for one in found}:
                await client.close()

        async def push() -> None:
            while not found:
                await asyncio.to_thread(sim.control, "/price", {"symbol": "AAPL", "bid": "1.50", "ask": "1.52"})
                await asyncio.sleep(0.05)

        await asyncio.wait_for(asyncio.gather(client.connect(note), push()), 20)
        return found

    found = {one.event_type: one for one in asyncio.run(heard())}
    assert (found["T"].symbol, found["T"].price, found["Q"].bid_price) == ("AAPL", 1.51, 1.5)
    with pytest.raises(library.exceptions.AuthError):
        asyncio.run(asyncio.wait_for(stream("wrong", []).connect(lambda _: asyncio.sleep(0)), 20))

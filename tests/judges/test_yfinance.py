"""yfinance, unmodified, against our simulator of Yahoo: a session of its own kind sends every request to the simulator."""

# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportArgumentType=false, reportMissingImports=false
# pyright: reportOptionalMemberAccess=false, reportAttributeAccessIssue=false, reportGeneralTypeIssues=false
# pyright: reportOptionalSubscript=false

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

pytest.importorskip("yfinance", reason="yfinance is not installed")

import yfinance
from curl_cffi import requests as curl
from yfinance.data import YfData
from yfinance.exceptions import YFRateLimitError

pytestmark = [pytest.mark.judge, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Redirected(curl.Session):
    """A session of curl_cffi that knows one address."""

    origin = ""

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        parts = urlsplit(url)
        where = f"{self.origin}{parts.path}{'?' + parts.query if parts.query else ''}"
        return super().request(method, where, *args, **options)


class Sim:
    """One simulator process with recorded days."""

    def __init__(self, data: Path) -> None:
        command = [sys.executable, "-m", "floorbroker_sim", "yahoo", "--data", str(data)]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert self.process.stdout is not None
        self.line: dict[str, Any] = json.loads(self.process.stdout.readline())

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
def sim(recorded_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sim]:
    sim = Sim(recorded_data)
    Redirected.origin = sim.line["rest"]
    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("yfinance")))
    yield sim
    sim.close()


@pytest.fixture
def session(sim: Sim) -> Any:
    sim.control("/reset", {})
    YfData.cache_get.cache_clear()
    return Redirected()


def test_it_reads_days_with_their_events(session: Any) -> None:
    frame = yfinance.Ticker("AAPL", session=session).history(
        start="2014-06-02", end="2014-06-14", auto_adjust=False, actions=True
    )
    assert len(frame) == 10
    assert frame.loc["2014-06-09", "Stock Splits"] == 7
    before, after = frame.loc["2014-06-06", "Close"], frame.loc["2014-06-09", "Close"]
    assert before == pytest.approx(645.57 / 28, abs=1e-4)  # in shares of 2021: seven for one, then four for one
    assert after == pytest.approx(93.7 / 4, abs=0.05)
    paid = yfinance.Ticker("AAPL", session=session).history(
        start="2014-05-01", end="2014-08-30", auto_adjust=False, actions=True
    )
    assert paid["Dividends"].sum() == pytest.approx(3.29 / 28 + 0.47 / 4, abs=1e-3)
    assert (paid["Adj Close"] < paid["Close"]).all()


def test_it_downloads_several_symbols_and_weeks(session: Any) -> None:
    frame = yfinance.download(
        ["IBM", "SPY"], start="2013-10-07", end="2013-10-12", session=session, threads=False, progress=False,
        auto_adjust=False,
    )  # fmt: skip
    assert set(frame["Close"].columns) == {"IBM", "SPY"}
    assert len(frame) == 5
    weeks = yfinance.Ticker("IBM", session=session).history(start="2013-09-30", end="2013-10-14", interval="1wk")
    assert len(weeks) == 2


def test_it_reads_minutes(session: Any) -> None:
    frame = yfinance.Ticker("IBM", session=session).history(start="2013-10-07", end="2013-10-08", interval="5m")
    assert len(frame) == 78
    assert str(frame.index[0]) == "2013-10-07 09:30:00-04:00"


def test_an_unknown_symbol_is_empty_and_a_throttle_is_told(sim: Sim, session: Any) -> None:
    assert yfinance.Ticker("NOBODY", session=session).history(start="2013-10-07", end="2013-10-08").empty
    sim.control("/faults", {"faults": [{"where": "request", "what": "throttle", "match": {"path": "/v8/*"}}]})
    with pytest.raises(YFRateLimitError):
        yfinance.Ticker("IBM", session=session).history(start="2014-01-06", end="2014-01-08")

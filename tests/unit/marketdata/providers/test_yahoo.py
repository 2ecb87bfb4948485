"""The provider Yahoo: the real library over the simulator, inside the process."""

# pyright: reportMissingTypeStubs=false, reportMissingImports=false, reportArgumentType=false
# pyright: reportIncompatibleMethodOverride=false

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest
import pytest_asyncio

pytest.importorskip("yfinance", reason="yfinance is not installed")

import yfinance
from curl_cffi import requests as curl
from yfinance.data import YfData

from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ApiError, ConfigInvalid, NotSupported, RateLimitExceeded, SymbolNotFound
from floorbroker.domain.values import Environment
from floorbroker.marketdata.calendars import day_start
from floorbroker.marketdata.history import DAY_S
from floorbroker.marketdata.intake import examined
from floorbroker.marketdata.providers.yahoo import build
from floorbroker.marketdata.providers.yahoo.adapter import Yahoo
from floorbroker.marketdata.providers.yahoo.info import origin_for
from floorbroker_sim.faults import Fault, Match
from floorbroker_sim.http import Request
from floorbroker_sim.yahoo.venue import YahooVenue, create_venue
from tests.unit.marketdata.providers.conftest import MONDAY, InProcess, outfit

pytestmark = [pytest.mark.asyncio, pytest.mark.filterwarnings("ignore::DeprecationWarning")]


class Inside(curl.Session):
    """A session of curl_cffi whose network is a function call."""

    venue: YahooVenue

    def request(self, method: Any, url: str, *args: Any, **options: Any) -> Any:
        parts = urlsplit(url)
        query = dict(parse_qsl(parts.query)) | {k: str(v) for k, v in (options.get("params") or {}).items()}
        request = Request(method=method, path=parts.path, segments=tuple(parts.path.strip("/").split("/")), query=query)
        faults = self.venue.plan.decide("request", method, parts.path, MONDAY)
        reply = self.venue.refusal(faults[0], request) if faults else self.venue.handle(request)
        response = curl.Response()
        response.status_code, response.content, response.url = reply.status, reply.body, url
        response.ok = reply.status < 400
        return response


@pytest.fixture(scope="module")
def venue(recorded_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[YahooVenue]:
    yfinance.set_tz_cache_location(str(tmp_path_factory.mktemp("zones")))
    hidden = yfinance.config.debug.hide_exceptions
    yfinance.config.debug.hide_exceptions = False
    yield create_venue(clock=ManualClock(MONDAY), data=recorded_data)
    yfinance.config.debug.hide_exceptions = hidden


@pytest_asyncio.fixture
async def yahoo(venue: YahooVenue) -> AsyncIterator[Yahoo]:
    venue.plan.replace([])
    YfData.cache_get.cache_clear()
    Inside.venue = venue
    clock = ManualClock(MONDAY)
    clock.sleep = _at_once
    yield Yahoo(yfinance, clock=clock, session=Inside())


async def _at_once(delay_s: float) -> None:
    """Nobody waits."""
    del delay_s


async def test_days_come_back_in_the_money_of_their_day(yahoo: Yahoo) -> None:
    start, end = day_start("AAPL", date(2014, 6, 2)), day_start("AAPL", date(2014, 6, 14))
    told = await yahoo.bars("AAPL", span_s=DAY_S, start=start, end=end)
    history = examined(told, symbol="AAPL", source="yahoo", span_s=DAY_S, start=start, end=end)
    assert history.troubles == ()
    assert [bar.close for bar in history.bars][4:6] == [Decimal("645.57"), Decimal("93.7")]


async def test_actions_are_those_of_their_day(yahoo: Yahoo) -> None:
    found = await yahoo.actions("AAPL", start=datetime(2014, 5, 1, tzinfo=UTC), end=datetime(2014, 6, 30, tzinfo=UTC))
    paid, split = found
    assert isinstance(paid, Dividend)
    assert abs(paid.amount - Decimal("3.29")) < Decimal("0.001")
    assert isinstance(split, Split)
    assert (split.ratio, split.day) == (7, date(2014, 6, 9))


async def test_no_bar_no_symbol_and_no_answer_are_three_things(yahoo: Yahoo, venue: YahooVenue) -> None:
    empty = day_start("GOOG", date(1999, 1, 4))
    assert (await yahoo.bars("GOOG", span_s=DAY_S, start=empty, end=empty + timedelta(days=2))).rows == ()
    with pytest.raises(SymbolNotFound, match="NOBODY"):
        await yahoo.bars("NOBODY", span_s=DAY_S, start=empty, end=MONDAY)
    with pytest.raises(NotSupported):
        await yahoo.bars("AAPL", span_s=7, start=empty, end=MONDAY)
    for what, error in (("throttle", RateLimitExceeded), ("maintenance", ApiError)):
        YfData.cache_get.cache_clear()
        venue.plan.replace([Fault(where="request", what=what, match=Match(path="/v8/*"))])
        with pytest.raises(error):
            await yahoo.bars("IBM", span_s=DAY_S, start=day_start("IBM", date(2014, 1, 6)), end=MONDAY)


async def test_an_address_belongs_to_a_simulator_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigInvalid, match="BROKER_URL"):
        origin_for(Environment.SIM, "")
    with pytest.raises(ConfigInvalid, match="live, without"):
        origin_for(Environment.LIVE, "http://127.0.0.1:1")
    assert build(outfit(InProcess(None), ManualClock(MONDAY)), folder=tmp_path / "yahoo").name == "yahoo"

"""The simulated Yahoo without a server: charts, events, crumbs, throttles and flaws."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Reply, Request
from floorbroker_sim.yahoo.venue import YahooVenue, create_venue

MONDAY = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
WEEK = {"period1": "1770008400", "period2": "1770440400", "interval": "1d", "events": "div,splits"}  # 2 to 6 February


def raw(venue: YahooVenue, path: str, **query: str) -> Reply:
    return venue.handle(Request(method="GET", path=path, segments=tuple(path.strip("/").split("/")), query=query))


def chart(venue: YahooVenue, symbol: str, **query: str) -> Any:
    reply = raw(venue, f"/v8/finance/chart/{symbol}", **query)
    assert reply.status == 200, reply.body
    return json.loads(reply.body, parse_float=Decimal)["chart"]["result"][0]


@pytest.fixture
def venue() -> YahooVenue:
    return create_venue(seed=7, clock=ManualClock(MONDAY))


def test_days_are_stamped_at_the_opening(venue: YahooVenue) -> None:
    found = chart(venue, "AAPL", **WEEK)
    assert found["timestamp"][0] == 1770042600  # half past nine in New York
    assert len(found["timestamp"]) == len(found["indicators"]["adjclose"][0]["adjclose"]) == 5
    assert "volume" in found["indicators"]["quote"][0]


def test_coins_and_share_classes_have_names_of_their_own(venue: YahooVenue) -> None:
    assert chart(venue, "BTC-USD", **WEEK)["meta"]["exchangeTimezoneName"] == "UTC"
    assert raw(venue, "/v8/finance/chart/BRK-B").status == 404


def test_a_recorded_dividend_is_an_event_in_todays_shares(recorded_data: Path) -> None:
    venue = create_venue(clock=ManualClock(MONDAY), data=recorded_data)
    found = chart(venue, "AAPL", period1="1399000000", period2="1404000000", interval="1d", events="div,splits")
    ((_, paid),) = found["events"]["dividends"].items()
    assert abs(paid["amount"] - Decimal("3.29") / 28) < Decimal("0.0001")
    ((_, split),) = found["events"]["splits"].items()
    assert split["splitRatio"] == "7:1"


@pytest.mark.parametrize(
    "query",
    [
        {"interval": "1eon", "range": "5d"},
        {"range": "forever"},
        {"period1": "x", "period2": "1"},
        {"period1": "5", "period2": "1"},
        {},
    ],
)
def test_a_wrong_range_is_unprocessable(venue: YahooVenue, query: dict[str, str]) -> None:
    assert raw(venue, "/v8/finance/chart/AAPL", **query).status == 422


def test_a_crumb_that_is_said_must_be_right(venue: YahooVenue) -> None:
    crumb = raw(venue, "/v1/test/getcrumb").body.decode()
    assert raw(venue, "/v8/finance/chart/AAPL", crumb=crumb, **WEEK).status == 200
    assert raw(venue, "/v8/finance/chart/AAPL", crumb="wrong", **WEEK).status == 401


def test_a_rate_ends_in_plain_words() -> None:
    venue = create_venue(clock=ManualClock(MONDAY), rate=1)
    assert raw(venue, "/").status == 200
    reply = raw(venue, "/")
    assert (reply.status, reply.body) == (429, b"Too Many Requests")


def test_flaws_reach_the_chart(venue: YahooVenue) -> None:
    body = json.dumps({"holes": ["2026-02-03"], "zone": "utc"}).encode()
    assert venue.control_app.handle(Request(method="POST", path="/flaws", body=body)).status == 204
    stamps = chart(venue, "AAPL", **WEEK)["timestamp"]
    assert [one % 86_400 for one in stamps] == [0] * 4

"""Market data: ranges, pages, intervals and zones; and recorded days in place of the seeded market."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from floorbroker_sim.binance import info
from tests.unit.sim.binance.conftest import MONDAY, Asker

ETH = "ETHUSDT"


def ms(at: datetime) -> int:
    return int(at.timestamp() * 1000)


@pytest.fixture
def free(new_venue: Callable[..., Asker]) -> Asker:
    return new_venue()


def refused(ask: Asker, path: str, **query: Any) -> int:
    reply = ask.raw("GET", path, urlencode(query))
    assert reply.status == 400, reply.body
    code: int = json.loads(reply.body)["code"]
    return code


@pytest.mark.parametrize("interval", sorted(info.INTERVALS))
def test_klines_of_every_length_follow_each_other(free: Asker, interval: str) -> None:
    lines = free.public("/api/v3/klines", symbol=ETH, interval=interval, limit=5)
    assert len(lines) == 5
    for line, following in pairwise(lines):
        assert line[6] + 1 == following[0]
    for line in lines:
        opened, high, low, closed = (Decimal(text) for text in line[1:5])
        assert low <= min(opened, closed) <= max(opened, closed) <= high
        assert Decimal(line[7]) >= 0
    assert lines[-1][0] <= ms(MONDAY) <= lines[-1][6]


def test_klines_begin_where_the_zone_says(free: Asker) -> None:
    for zone, hour in (("0", 0), ("8", 16), ("-5:30", 5), ("+14:00", 10)):
        line = free.public("/api/v3/klines", symbol=ETH, interval="1d", limit=1, timeZone=zone)[0]
        opened = datetime.fromtimestamp(line[0] / 1000, UTC)
        assert (opened.hour, opened.minute) == (hour, 30 if ":30" in zone else 0)
    for zone in ("15:00", "-12:01", "x", "1:60"):
        assert refused(free, "/api/v3/klines", symbol=ETH, interval="1d", timeZone=zone) == -1130


def test_weeks_begin_on_monday_and_months_on_the_first(free: Asker) -> None:
    week, month = (
        datetime.fromtimestamp(free.public("/api/v3/klines", symbol=ETH, interval=i, limit=1)[0][0] / 1000, UTC)
        for i in ("1w", "1M")
    )
    assert (week.weekday(), week.hour, month.day, month.hour) == (0, 0, 1, 0)


def test_ranges_of_klines(free: Asker) -> None:
    start = MONDAY - timedelta(hours=2)
    oldest = free.public("/api/v3/klines", symbol=ETH, interval="1m", startTime=ms(start), limit=3)
    assert [line[0] for line in oldest] == [ms(start + timedelta(minutes=n)) for n in range(3)]
    newest = free.public("/api/v3/klines", symbol=ETH, interval="1m", endTime=ms(start), limit=3)
    assert newest[-1][0] == ms(start)
    both = free.public(
        "/api/v3/klines", symbol=ETH, interval="1m", startTime=ms(start), endTime=ms(start + timedelta(minutes=4))
    )
    assert len(both) == 5
    assert refused(free, "/api/v3/klines", symbol=ETH, interval="2m") == -1120
    assert refused(free, "/api/v3/klines", symbol=ETH) == -1102
    assert refused(free, "/api/v3/klines", symbol=ETH, interval="1m", startTime=2, endTime=1) == -1130


def test_the_past_does_not_change(free: Asker) -> None:
    at = ms(MONDAY - timedelta(minutes=30))
    before = free.public("/api/v3/klines", symbol=ETH, interval="1m", startTime=at, limit=5)
    trades = free.public("/api/v3/aggTrades", symbol=ETH, startTime=at, limit=5)
    free.step(300)
    assert free.public("/api/v3/klines", symbol=ETH, interval="1m", startTime=at, limit=5) == before
    assert free.public("/api/v3/aggTrades", symbol=ETH, startTime=at, limit=5) == trades


def test_trades_are_numbered_without_a_gap_across_the_start(free: Asker) -> None:
    first = free.public("/api/v3/trades", symbol=ETH, limit=1)[0]["id"]
    free.listen("/ws/ethusdt@trade")
    for _ in range(5):
        free.step(1)
    lines = free.public("/api/v3/historicalTrades", symbol=ETH, fromId=first - 4, limit=10)
    assert [line["id"] for line in lines] == list(range(first - 4, first + 6))
    assert [line["time"] for line in lines] == sorted(line["time"] for line in lines)
    assert refused(free, "/api/v3/aggTrades", symbol=ETH, fromId=first, startTime=1) == -1128


def test_symbols_are_chosen_by_one_by_many_or_all(free: Asker) -> None:
    assert free.public("/api/v3/ticker/price", symbol=ETH)["symbol"] == ETH
    many = free.public("/api/v3/ticker/price", symbols='["ETHUSDT","BTCUSDT"]')
    assert [line["symbol"] for line in many] == ["ETHUSDT", "BTCUSDT"]
    assert len(free.public("/api/v3/ticker/price")) == 7
    assert refused(free, "/api/v3/ticker/price", symbol=ETH, symbols='["ETHUSDT"]') == -1128
    assert refused(free, "/api/v3/ticker/price", symbols='["ETHUSDT","ETHUSDT"]') == -1151
    assert refused(free, "/api/v3/ticker") == -1102
    assert refused(free, "/api/v3/ticker", symbol=ETH, windowSize="60m") == -1130
    assert set(free.public("/api/v3/ticker", symbol=ETH, type="MINI")) < set(free.public("/api/v3/ticker", symbol=ETH))


def test_rules_of_some_symbols(free: Asker) -> None:
    (line,) = free.public("/api/v3/exchangeInfo", symbol="ETHBTC")["symbols"]
    assert (line["baseAsset"], line["quoteAsset"], line["status"]) == ("ETH", "BTC", "TRADING")
    assert len(free.public("/api/v3/exchangeInfo", permissions="SPOT")["symbols"]) == 7
    assert free.public("/api/v3/exchangeInfo", permissions='["MARGIN"]')["symbols"] == []
    assert free.public("/api/v3/exchangeInfo", symbolStatus="HALT")["symbols"] == []
    assert free.public("/api/v3/exchangeInfo", showPermissionSets="false")["symbols"][0]["permissionSets"] == []
    assert refused(free, "/api/v3/exchangeInfo", symbol="NOPE") == -1121
    assert refused(free, "/api/v3/exchangeInfo", symbolStatus="GONE") == -1122


def test_sizes_of_the_book(free: Asker) -> None:
    for limit in (1, 5, 100):
        book = free.public("/api/v3/depth", symbol=ETH, limit=limit)
        assert len(book["bids"]) == len(book["asks"]) == min(limit, 60)
        assert Decimal(book["bids"][0][0]) < Decimal(book["asks"][0][0])
    assert refused(free, "/api/v3/depth", symbol=ETH, limit="0") == -1130


def test_times_in_microseconds(free: Asker) -> None:
    reply = free.raw("GET", "/api/v3/time", headers={"x-mbx-time-unit": "MICROSECOND"})
    assert json.loads(reply.body) == {"serverTime": ms(MONDAY) * 1000}


def test_recorded_days_play_forward(recorded_data: Path, new_venue: Callable[..., Asker]) -> None:
    ask = new_venue(data=recorded_data)
    assert set(ask.venue.state.symbols) == {"BTCUSD", "ETHUSD"}
    assert ask.balance("USD") == ("100000.00000000", "0.00000000")
    assert ask.door("POST", "/clock", {"now": "2018-04-04T12:00:00Z"})[0] == 200
    placed = ask.market(symbol="BTCUSD")
    assert placed["status"] == "FILLED"
    book = ask.public("/api/v3/depth", symbol="BTCUSD", limit=1)
    assert placed["fills"][0]["price"] == book["asks"][0][0]
    lines = ask.public("/api/v3/klines", symbol="BTCUSD", interval="5m", limit=3)
    assert Decimal(lines[0][5]) > 0
    resting = ask.order(symbol="BTCUSD", price="6800")
    ask.door("POST", "/clock", {"now": "2018-04-05T12:00:00Z"})
    assert ask.seen(resting)["status"] in {"NEW", "FILLED"}
    assert ask.public("/api/v3/ticker/price", symbol="BTCUSD")["price"] != lines[-1][4]

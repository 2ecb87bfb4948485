"""The provider Polygon on its simulator: bars, actions, ticks, refusals; and its stream, frame by frame."""

# pyright: reportArgumentType=false

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from floorbroker.domain.actions import Split
from floorbroker.domain.bars import Bar
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConfigInvalid,
    Forbidden,
    NotSupported,
    RateLimitExceeded,
    SymbolNotFound,
)
from floorbroker.domain.records import DataKind, Quote, Trade
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.marketdata.calendars import day_start
from floorbroker.marketdata.history import DAY_S
from floorbroker.marketdata.intake import examined
from floorbroker.marketdata.providers.polygon import mapping, wire
from floorbroker.marketdata.providers.polygon.adapter import Polygon, build
from floorbroker.marketdata.providers.polygon.info import hosts_for, origins_for
from floorbroker.marketdata.providers.polygon.rest.calls import Calls
from floorbroker.marketdata.providers.polygon.stream import MarketSession, StreamPlan
from floorbroker.transport.actions import Emit, Reconnect, Send
from floorbroker.transport.feeds import FeedError, FeedUp
from floorbroker_sim.faults import Fault, Match
from floorbroker_sim.polygon.venue import PolygonVenue, create_venue
from tests.unit.marketdata.providers.conftest import MONDAY, InProcess, outfit

START, END = day_start("AAPL", date(2026, 2, 2)), day_start("AAPL", date(2026, 2, 14))
AT = datetime(2026, 3, 2, 15, 4, 6, 100_000, UTC)
pytestmark = pytest.mark.asyncio


class House:
    def __init__(self, *, key: str = "") -> None:
        self.clock = ManualClock(MONDAY)
        self.venue: PolygonVenue = create_venue(seed=7, clock=self.clock)
        self.http = InProcess(self.venue.app)
        self.polygon: Polygon = build(outfit(self.http, self.clock, key=key or self.venue.keys.key, plan="paid"))

    def fail(self, what: Any, path: str = "*") -> None:
        self.venue.plan.replace([Fault(where="request", what=what, match=Match(path=path))])


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    made = House()
    yield made
    await made.polygon.close()


async def test_days_are_raw_and_whole_and_the_key_is_in_no_url(house: House) -> None:
    told = await house.polygon.bars("NVDA", span_s=DAY_S, start=START, end=END)
    history = examined(told, symbol="NVDA", source="polygon", span_s=DAY_S, start=START, end=END)
    assert (len(history.bars), history.troubles) == (10, ())
    assert all(house.venue.keys.key not in f"{one.path}{one.query}" for one in house.http.asked)
    before = day_start("NVDA", date(2024, 6, 7))
    (raw,) = (await house.polygon.bars("NVDA", span_s=DAY_S, start=before, end=before + timedelta(days=1))).rows
    assert raw.close > 1000


async def test_pages_are_followed_to_the_end(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("floorbroker.marketdata.providers.polygon.rest.calls._MOST_AGGS", "3")
    told = await house.polygon.bars("AAPL", span_s=DAY_S, start=START, end=END)
    assert len(told.rows) == 10
    assert len(house.http.asked) == 4


async def test_actions_and_a_day_of_the_whole_market(house: House) -> None:
    since = datetime(2024, 1, 1, tzinfo=UTC)
    (split,) = await house.polygon.actions("NVDA", start=since, end=MONDAY)
    assert isinstance(split, Split)
    assert (split.ratio, split.day) == (Fraction(10), date(2024, 6, 10))
    assert len(await house.polygon.actions("KO", start=since, end=MONDAY)) == 9
    assert await house.polygon.actions("BTC/USD", start=since, end=MONDAY) == ()
    market = await house.polygon.grouped(date(2026, 2, 3))
    assert market["AAPL"].start == day_start("AAPL", date(2026, 2, 3))


async def test_ticks_snapshots_and_reference(house: House) -> None:
    opens = datetime(2026, 2, 3, 14, 30, tzinfo=UTC)
    trades = await house.polygon.trades("AAPL", start=opens, end=opens + timedelta(minutes=1))
    quotes = await house.polygon.quotes("AAPL", start=opens, end=opens + timedelta(minutes=1))
    assert (len(trades), len(quotes)) == (12, 12)
    assert trades[0].time < trades[-1].time
    quote = await house.polygon.last_quote("AAPL")
    assert quote.bid is not None
    assert quote.ask is not None
    assert quote.bid < quote.ask
    assert set(await house.polygon.snapshots(["AAPL", "NOBODY"])) == {"AAPL"}
    assert "BTC/USD" in await house.polygon.snapshots(["BTC/USD"], coins=True)
    assert len(await house.polygon.tickers()) > 20


async def test_refusals_have_our_names(house: House) -> None:
    with pytest.raises(SymbolNotFound, match="NOBODY"):
        await house.polygon.bars("NOBODY", span_s=DAY_S, start=START, end=END)
    with pytest.raises(NotSupported):
        await house.polygon.bars("EUR/USD", span_s=DAY_S, start=START, end=END)
    house.fail("ban")
    with pytest.raises(Forbidden, match="not entitled"):
        await house.polygon.bars("AAPL", span_s=DAY_S, start=START, end=END)
    house.fail("token_expiry")
    with pytest.raises(AuthenticationFailed):
        await house.polygon.bars("AAPL", span_s=DAY_S, start=START, end=END)


@pytest.mark.parametrize(("what", "error"), [("throttle", RateLimitExceeded), ("maintenance", ApiError)])
async def test_what_goes_on_too_long_is_an_error_and_no_part_of_an_answer(house: House, what: str, error: type) -> None:
    house.fail(what)
    task = asyncio.create_task(house.polygon.bars("AAPL", span_s=DAY_S, start=START, end=END))
    for _ in range(60):
        if task.done():
            break
        await house.clock.advance(10)
    with pytest.raises(error):
        await task


async def test_a_key_and_an_address_are_needed() -> None:
    clock = ManualClock(MONDAY)
    with pytest.raises(ConfigInvalid, match="BROKER_API_KEY"):
        build(outfit(InProcess(None), clock))
    with pytest.raises(ConfigInvalid, match="plan"):
        build(outfit(InProcess(None), clock, key="k", plan="cheap"))
    with pytest.raises(ConfigInvalid, match="loopback"):
        origins_for(Environment.SIM, url="http://api.massive.com")
    with pytest.raises(ConfigInvalid, match=r"api\.massive\.com"):
        origins_for(Environment.LIVE, url="http://elsewhere.example")
    assert origins_for(Environment.LIVE, feed="delayed").stream == "wss://delayed.massive.com"
    assert set(hosts_for(Environment.LIVE)) == {"api.massive.com", "socket.massive.com", "delayed.massive.com"}


async def test_a_page_of_another_endpoint_is_not_asked_for() -> None:
    calls = Calls(origin="http://127.0.0.1:1")
    aggs = calls.aggs("AAPL", span_s=DAY_S, start=START, end=END)
    onwards = calls.next(aggs, "https://elsewhere.example/v2/aggs/ticker/AAPL/x?cursor=abc&apiKey=k")
    assert (onwards.origin, onwards.query) == ("http://127.0.0.1:1", (("cursor", "abc"),))
    with pytest.raises(ApiError, match="another endpoint"):
        calls.next(aggs, "https://api.massive.com/v3/trades/AAPL?cursor=abc")


# --- The stream -------------------------------------------------------------------------------------------------------


def frame(*events: dict[str, Any]) -> bytes:
    return json.dumps(events).encode()


def status(word: str) -> bytes:
    return frame({"ev": "status", "status": word, "message": "words"})


async def test_the_stream_logs_in_and_then_subscribes_once() -> None:
    session = MarketSession(Secret("key-1"))
    assert session.want([(DataKind.TRADES, "AAPL")]) == []
    assert session.on_open(0) == []
    assert session.on_frame(status("connected"), MONDAY, 0) == [Send('{"action":"auth","params":"key-1"}')]
    assert session.on_frame(status("auth_success"), MONDAY, 0) == [
        Emit(FeedUp()),
        Send('{"action":"subscribe","params":"T.AAPL"}'),
    ]
    assert session.want([(DataKind.TRADES, "AAPL"), (DataKind.QUOTES, "AAPL")]) == [
        Send('{"action":"subscribe","params":"Q.AAPL"}')
    ]
    assert session.unwant([(DataKind.QUOTES, "AAPL")]) == [Send('{"action":"unsubscribe","params":"Q.AAPL"}')]
    assert "key-1" not in repr(session)


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (
            {"ev": "T", "sym": "AAPL", "p": 150.5, "s": 100, "t": 1_772_463_846_100, "c": [37], "i": "480177"},
            Trade(symbol="AAPL", price=Decimal("150.5"), size=Decimal(100), time=AT),
        ),
        (
            {"ev": "Q", "sym": "AAPL", "bp": 1.5, "bs": 2, "ap": 0, "as": 9, "t": 1_772_463_846_100},
            Quote(symbol="AAPL", bid=Decimal("1.5"), ask=None, bid_size=Decimal(2), time=AT, source="polygon"),
        ),
        (
            {"ev": "XA", "pair": "BTC-USD", "o": 1, "h": 3, "l": 1, "c": 2, "v": 0.25, "s": 1_772_463_780_000, "e": 1},
            Bar(
                symbol="BTC/USD", start=datetime(2026, 3, 2, 15, 3, tzinfo=UTC), open=Decimal(1), high=Decimal(3),
                low=Decimal(1), close=Decimal(2), volume=Decimal("0.25"),
            ),
        ),
    ],
)  # fmt: skip
async def test_messages_become_records(message: dict[str, Any], expected: object) -> None:
    session = MarketSession(Secret("k"))
    assert session.on_frame(frame(message), MONDAY, 1) == [Emit(expected)]


async def test_a_stream_that_is_refused_cut_or_silent_says_so() -> None:
    session = MarketSession(Secret("k"))
    (told,) = session.on_frame(status("auth_failed"), MONDAY, 0)
    assert isinstance(told, Emit)
    assert isinstance(told.event, FeedError)
    assert (told.event.fatal, told.event.denied) == (True, True)
    assert isinstance(session.on_frame(status("slow_consumer"), MONDAY, 0)[-1], Reconnect)
    assert isinstance(session.on_frame(b"{", MONDAY, 0)[0], Reconnect)
    assert isinstance(session.on_frame(frame({"ev": "T", "sym": "AAPL"}), MONDAY, 0)[0], Reconnect)
    session.on_open(0)
    assert isinstance(session.on_tick(11)[0], Reconnect)


async def test_a_line_carries_one_market() -> None:
    plan = StreamPlan(origin="ws://127.0.0.1:1", key=Secret("k"))
    assert plan.line_of((DataKind.TRADES, "AAPL")) == "stocks"
    assert plan.line_of((DataKind.QUOTES, "BTC/USD")) == "crypto"
    assert (await plan.target("stocks")()).url == "ws://127.0.0.1:1/stocks"
    with pytest.raises(NotSupported):
        plan.line_of((DataKind.BOOK, "AAPL"))


# --- What the service itself published --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("mock", "kind", "count"),
    [
        ("v2__aggs__ticker__AAPL__range__1__day__2005-04-01__2005-04-04", wire.Agg, 2),
        ("v2__aggs__grouped__locale__us__market__stocks__2005-04-04_adjusted_true", wire.Agg, 1),
        ("v3__trades__AAPL_limit_2", wire.Trade, 2),
        ("v3__quotes__AAPL", wire.Quote, 1),
        ("v3__reference__splits", wire.Split, 1),
        ("v3__reference__dividends", wire.Dividend, 1),
        ("v3__reference__tickers", wire.Ticker, 1),
    ],
)
async def test_published_lists_are_read(contracts_dir: Path, mock: str, kind: type, count: int) -> None:
    raw = (contracts_dir / "polygon" / "mocks" / f"{mock}.json").read_bytes()
    page = wire.decode(raw, wire.Page, what="a page")
    found: list[Any] = wire.decode(page.results, list[kind], what="the results")
    assert len(found) >= count
    if kind is wire.Agg:
        (row, *_) = mapping.rows_of(found)
        assert row.low <= row.close <= row.high


async def test_published_snapshots_and_quotes_are_read(contracts_dir: Path) -> None:
    mocks = contracts_dir / "polygon" / "mocks"
    raw = (mocks / "v2__snapshot__locale__us__markets__stocks__tickers__index.json").read_bytes()
    assert wire.decode(raw, wire.Snapshots, what="snapshots").tickers
    page = wire.decode((mocks / "v2__last__nbbo__AAPL.json").read_bytes(), wire.Page, what="a page")
    quote = mapping.nbbo_of("AAPL", wire.decode(page.results, wire.Nbbo, what="a quote"))
    assert (quote.bid, quote.ask) == (Decimal("155.65"), Decimal("155.66"))
    assert quote.time.year == 2022

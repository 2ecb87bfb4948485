"""Prices of the past and the present: seeded and recorded, paged and sorted."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from tests.unit.sim.conftest import MONDAY, Asker

SPAN = {"start": "2026-02-27T15:00:00Z", "end": "2026-02-27T15:05:00Z"}


def test_pages_join_to_the_whole(ask: Asker) -> None:
    whole = ask("GET", "/v2/stocks/quotes", symbols="MSFT,AAPL", **SPAN)
    assert whole["next_page_token"] is None
    joined: dict[str, list[Any]] = {}
    token: str | None = None
    pages = 0
    while pages == 0 or token:
        page = ask(
            "GET",
            "/v2/stocks/quotes",
            symbols="MSFT,AAPL",
            limit="50",
            **SPAN,
            **({"page_token": token} if token else {}),
        )
        for symbol, rows in page["quotes"].items():
            joined.setdefault(symbol, []).extend(rows)
        assert sum(map(len, page["quotes"].values())) <= 50
        token, pages = page["next_page_token"], pages + 1
    assert joined == whole["quotes"]
    assert pages == 3


def test_newest_first_is_the_same_rows_backwards(ask: Asker) -> None:
    up = ask("GET", "/v2/stocks/trades", symbols="AAPL", **SPAN)["trades"]["AAPL"]
    down = ask("GET", "/v2/stocks/trades", symbols="AAPL", sort="desc", **SPAN)["trades"]["AAPL"]
    assert down == up[::-1]
    first = ask("GET", "/v2/stocks/trades", symbols="AAPL", sort="desc", limit="10", **SPAN)
    second = ask(
        "GET", "/v2/stocks/trades", symbols="AAPL", sort="desc", limit="10", page_token=first["next_page_token"], **SPAN
    )
    assert first["trades"]["AAPL"] + second["trades"]["AAPL"] == down[:20]


def test_nothing_of_the_future_is_told(ask: Asker) -> None:
    bars = ask(
        "GET", "/v2/stocks/bars", symbols="AAPL", timeframe="1Min", start="2026-03-02T14:55:00Z", end="2026-03-03"
    )
    assert [bar["t"][11:16] for bar in bars["bars"]["AAPL"]] == ["14:55", "14:56", "14:57", "14:58", "14:59"]
    days = ask("GET", "/v2/stocks/bars", symbols="AAPL", timeframe="1Day", start="2026-02-26", end="2026-03-05")
    assert [bar["t"][:10] for bar in days["bars"]["AAPL"]] == ["2026-02-26", "2026-02-27", "2026-03-02"]


@pytest.mark.parametrize(
    ("timeframe", "starts"),
    [
        ("30T", ["14:30", "15:00", "15:30"]),
        ("1Hour", ["14:00", "15:00"]),
        ("4H", ["12:00"]),
    ],
)
def test_bars_begin_on_whole_spans(ask: Asker, timeframe: str, starts: list[str]) -> None:
    query = {"symbols": "AAPL", "timeframe": timeframe, "start": "2026-02-27T12:00:00Z", "end": "2026-02-27T15:59:00Z"}
    assert [bar["t"][11:16] for bar in ask("GET", "/v2/stocks/bars", **query)["bars"]["AAPL"]] == starts


def test_weeks_and_months_are_built_from_days(ask: Asker) -> None:
    query = {"symbols": "AAPL", "start": "2026-01-01", "end": "2026-02-28"}
    weeks = ask("GET", "/v2/stocks/bars", timeframe="1Week", **query)["bars"]["AAPL"]
    assert [bar["t"][:10] for bar in weeks[:2]] == ["2026-01-05", "2026-01-12"]
    days = ask("GET", "/v2/stocks/bars", timeframe="1Day", **query)["bars"]["AAPL"]
    months = ask("GET", "/v2/stocks/bars", timeframe="1Month", **query)["bars"]["AAPL"]
    assert len(months) == 2
    assert months[1]["h"] == max(bar["h"] for bar in days if bar["t"] >= "2026-02-01")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ({}, "symbols parameter is required"),
        ({"symbols": "AAPL", "timeframe": "7Weeks"}, "invalid timeframe: 7Weeks"),
        ({"symbols": "AAPL", "timeframe": "1Day", "limit": "10001"}, "larger than the allowed maximum of 10000"),
        ({"symbols": "AAPL", "timeframe": "1Day", "limit": "0"}, "invalid limit: 0"),
        ({"symbols": "AAPL", "timeframe": "1Day", "start": "soon"}, "invalid start: soon"),
        (
            {"symbols": "AAPL", "timeframe": "1Day", "start": "2026-02-02", "end": "2026-02-01"},
            "end should not be before",
        ),
        ({"symbols": "AAPL", "timeframe": "1Day", "page_token": "????"}, "invalid page_token"),
        ({"symbols": "not a symbol", "timeframe": "1Day"}, "invalid symbol"),
    ],
)
def test_bad_questions_are_refused(ask: Asker, query: dict[str, str], message: str) -> None:
    status, answer = ask.refused("GET", "/v2/stocks/bars", **query)
    assert status == 400
    assert message in answer["message"]


def test_crypto_symbols_have_a_slash(ask: Asker) -> None:
    status, answer = ask.refused("GET", "/v1beta3/crypto/us/latest/trades", symbols="BTCUSD")
    assert (status, answer["message"]) == (400, "invalid symbol: BTCUSD does not match ^[A-Z]+x?/[A-Z]+$")


def test_symbols_without_data_are_left_out(ask: Asker) -> None:
    assert set(ask("GET", "/v2/stocks/quotes/latest", symbols="AAPL,ZZZZ")["quotes"]) == {"AAPL"}


@given(seed=st.integers(0, 50), minutes=st.integers(0, 300))
def test_the_past_agrees_with_what_was_quoted_live(seed: int, minutes: int) -> None:
    from floorbroker_sim.alpaca.venue import create_venue

    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, seed=seed, rate=0), clock)
    ask.door("POST", "/clock", {"advance_s": minutes * 60})
    live = ask("GET", "/v2/stocks/MSFT/quotes/latest")["quote"]
    past = ask("GET", "/v2/stocks/MSFT/quotes", start=live["t"], end=live["t"])["quotes"]
    assert past == [live]


# --- Recorded days ---------------------------------------------------------------------------------------------------


@pytest.fixture
def recorded(new_venue: Callable[..., Asker], recorded_data: Path) -> Asker:
    return new_venue(data=recorded_data)


def test_the_clock_stands_before_the_first_recorded_day(recorded: Asker) -> None:
    assert recorded("GET", "/v2/clock")["timestamp"] == "2013-10-04T00:00:00-04:00"
    recorded.clock.set(recorded.clock.now().replace(hour=23))
    assert recorded("GET", "/v2/clock")["timestamp"] == "2013-10-04T00:00:00-04:00"
    assert recorded("GET", "/v2/stocks/quotes/latest", symbols="SPY") == {"quotes": {}}


def test_recorded_quotes_fill_orders_at_their_minute(recorded: Asker) -> None:
    recorded.door("POST", "/clock", {"now": "2013-10-07T13:31:00Z"})
    quote = recorded("GET", "/v2/stocks/SPY/quotes/latest")["quote"]
    assert (quote["bp"], quote["ap"], quote["t"]) == (167.44, 167.45, "2013-10-07T13:31:00Z")
    recorded.market("SPY", qty="10")
    recorded.order(symbol="SPY", side="sell", qty="10", type="stop", stop_price="166", limit_price=None)
    recorded.door("POST", "/clock", {"now": "2013-10-11T20:00:00Z"})
    bought, sold = recorded.door("GET", "/fills")[1]
    assert (bought["price"], bought["time"]) == ("167.45", "2013-10-07T13:31:00.000000Z")
    assert (sold["price"], sold["time"]) == ("165.99", "2013-10-08T16:26:00.000000Z")
    assert recorded("GET", "/v2/account")["cash"] == "99985.4"


def test_recorded_history_ends_now_and_begins_with_the_tape(recorded: Asker) -> None:
    recorded.door("POST", "/clock", {"now": "2013-10-08T14:00:00Z"})
    query = {"symbols": "SPY", "start": "2013-10-04", "end": "2013-10-12"}
    days = recorded("GET", "/v2/stocks/bars", timeframe="1Day", **query)["bars"]["SPY"]
    assert [(bar["t"][:10], bar["o"]) for bar in days[:2]] == [("2013-10-04", 167.74), ("2013-10-07", 167.43)]
    minutes = recorded("GET", "/v2/stocks/bars", timeframe="1Min", limit="10000", **query)["bars"]["SPY"]
    today = [bar for bar in minutes if bar["t"] >= "2013-10-08"]
    assert (days[2]["o"], days[2]["c"], days[2]["h"]) == (today[0]["o"], today[-1]["c"], max(bar["h"] for bar in today))
    assert minutes[-1]["t"] == "2013-10-08T13:59:00Z"


def test_the_same_days_twice_give_the_same_fills(new_venue: Callable[..., Asker], recorded_data: Path) -> None:
    def run() -> Any:
        ask = new_venue(data=recorded_data, seed=3)
        for hour in range(14, 20):
            ask.door("POST", "/clock", {"now": f"2013-10-07T{hour}:00:00Z"})
            ask.market("IBM", qty=str(hour))
        return ask.door("GET", "/fills")[1]

    assert run() == run()


def test_reset_plays_the_tape_from_the_start(recorded: Asker) -> None:
    recorded.door("POST", "/clock", {"now": "2013-10-07T13:31:00Z"})
    first = recorded("GET", "/v2/stocks/SPY/quotes/latest")["quote"]
    recorded.door("POST", "/reset", {})
    assert recorded("GET", "/v2/stocks/quotes/latest", symbols="SPY") == {"quotes": {}}
    recorded.door("POST", "/clock", {"now": "2013-10-07T13:31:00Z"})
    assert recorded("GET", "/v2/stocks/SPY/quotes/latest")["quote"] == first


def test_only_what_is_recorded_is_listed(recorded: Asker) -> None:
    symbols = {asset["symbol"] for asset in recorded("GET", "/v2/assets")}
    assert {"SPY", "IBM", "BAC", "AIG", "AAPL", "BTC/USD"} <= symbols
    assert "MSFT" not in symbols
    assert Decimal(recorded("GET", "/v2/account")["equity"]) == 100000

"""Whatever is asked, the venue answers in its own words and never breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.alpaca.rest.routes import DATA, TRADING
from floorbroker_sim.alpaca.venue import create_venue
from floorbroker_sim.http import Request
from tests.unit.sim.conftest import MONDAY, Asker

NASTY = [
    "", "0", "-1", "1", "NaN", "1e400", "AAPL", "BTC/USD", "BTCUSD", "AAPL260327C00150000", "%00", "\x00", "é", "null",
    "2026-03-02", "2026-03-02T15:00:00.123456789Z", "2026-13-99", "true", "all", "1Day", "asc", "x" * 300, "9" * 30,
]  # fmt: skip
PARAMETERS = (
    "symbols", "start", "end", "limit", "page_token", "sort", "timeframe", "status", "after", "until", "direction", "nested",
    "side", "asset_class", "before_order_id", "after_order_id", "page_size", "date", "activity_types", "category", "period",
    "qty", "percentage", "underlying_symbols", "type", "expiration_date", "strike_price_gte", "client_order_id", "name",
    "since", "markets", "time",
)  # fmt: skip
MEMBERS = (
    "symbol", "qty", "notional", "side", "type", "time_in_force", "limit_price", "stop_price", "trail_price", "trail_percent",
    "extended_hours", "client_order_id", "order_class", "take_profit", "stop_loss", "position_intent", "legs", "name",
    "symbols", "trail",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([*NASTY, "buy", "sell", "market", "limit", "day", "gtc", "mleg", "bracket"]),
    st.none(), st.booleans(), st.integers(-5, 10**30), st.floats(), st.just([]), st.just([{}]),
    st.just({"limit_price": "1", "stop_price": "2"}), st.just([{"symbol": "AAPL", "ratio_qty": "1", "side": "buy"}] * 2),
)  # fmt: skip


@pytest.fixture(scope="module")
def asker() -> Asker:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    ask.market(qty="3")
    return ask


def answered(ask: Asker, method: str, path: str, body: bytes, query: dict[str, str]) -> None:
    segments = tuple(path.strip("/").split("/"))
    reply = ask.venue.handle(
        Request(method=method, path=path, segments=segments, query=query, headers=ask.headers, body=body)
    )
    assert 200 <= reply.status < 500
    if reply.body:
        json.loads(reply.body)


@settings(max_examples=300)
@given(
    route=st.sampled_from([(method, path) for method, path, _ in (*TRADING, *DATA)]),
    values=st.lists(st.sampled_from(NASTY), min_size=3, max_size=3),
    query=st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(NASTY), max_size=5),
    body=st.one_of(st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=8), VALUES),
)
def test_no_question_breaks_the_venue(
    asker: Asker, route: tuple[str, str], values: list[str], query: dict[str, str], body: Any
) -> None:
    method, path = route
    for value in values:
        path = (
            path.replace(path[path.find("{") : path.find("}") + 1], value.replace("/", ""), 1) if "{" in path else path
        )
    raw = b"" if method in {"GET", "DELETE"} else json.dumps(body).encode()
    answered(asker, method, path, raw, query)


@settings(max_examples=300)
@given(fields=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=5))
def test_no_order_breaks_the_venue(asker: Asker, fields: dict[str, Any]) -> None:
    wish = {"symbol": "AAPL", "qty": "1", "side": "buy", "type": "limit", "time_in_force": "day", "limit_price": "100"}
    answered(asker, "POST", "/v2/orders", json.dumps(wish | fields).encode(), {})


@settings(max_examples=200)
@given(path=st.sampled_from(["/price", "/fill", "/clock", "/busts", "/faults"]), body=st.one_of(
    st.binary(max_size=50),
    st.dictionaries(st.sampled_from(["symbol", "bid", "ask", "order", "qty", "price", "now", "faults", "exec"]), VALUES)
    .map(lambda fields: json.dumps(fields).encode()),
))  # fmt: skip
def test_no_hand_breaks_the_control_door(asker: Asker, path: str, body: bytes) -> None:
    reply = asker.venue.control_app.handle(Request(method="POST", path=path, body=body))
    assert 200 <= reply.status < 500

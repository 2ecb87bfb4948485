"""Whatever is asked, the venue answers in its own words and never breaks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.http import Request
from floorbroker_sim.kraken.rest.routes import PRIVATE, PUBLIC
from floorbroker_sim.kraken.stream.commands import NEEDS
from floorbroker_sim.kraken.venue import create_venue
from tests.unit.sim.kraken.conftest import START, Desk, Line

NASTY = [
    "", "0", "-1", "1", "NaN", "Infinity", "1e400", "1e-400", "XBTUSD", "BTC/USD", "\x00", "é", "null", "all", "+5%", "-0",
    "#", "+", "%", "##1", "2026-03-02T15:00:00.123456789Z", "2026-13-99", "true", "9999-12-31T23:59:59-23:59", "x" * 300,
    "9" * 30, "1_000", "٣", ",", ",,,", "99999999999", "1e9", "+99999999999999999999",
]  # fmt: skip
NAMES = (
    "pair", "type", "ordertype", "volume", "price", "price2", "displayvol", "trigger", "timeinforce", "starttm", "expiretm",
    "oflags", "leverage", "reduce_only", "stptype", "close", "close[ordertype]", "close[price]", "close[price2]", "userref",
    "cl_ord_id", "deadline", "validate", "orders", "cl_ord_ids", "txid", "order_qty", "limit_price", "trigger_price",
    "display_qty", "post_only", "timeout", "trades", "start", "end", "ofs", "closetime", "asset", "aclass", "id", "interval",
    "since", "count", "info", "consolidation", "order_id", "without_count",
)  # fmt: skip
FIELDS = (
    "order_type", "side", "symbol", "order_qty", "cash_order_qty", "limit_price", "limit_price_type", "triggers",
    "time_in_force", "expire_time", "effective_time", "cl_ord_id", "order_userref", "post_only", "reduce_only", "margin",
    "display_qty", "fee_preference", "stp_type", "conditional", "validate", "deadline", "order_id", "orders", "timeout",
    "trigger_price", "trigger_price_type", "channel", "depth", "interval", "snapshot", "event_trigger", "snap_orders",
)  # fmt: skip
WORDS = [
    "buy",
    "sell",
    "market",
    "limit",
    "iceberg",
    "stop-loss",
    "trailing-stop-limit",
    "GTD",
    "ioc",
    "post",
    "viqc",
    "book",
]
VALUES = st.one_of(
    st.sampled_from([*NASTY, *WORDS]), st.none(), st.booleans(), st.integers(-5, 10**30),
    st.floats(), st.just([]), st.just([{}]), st.just({"ordertype": "limit", "price": "1"}), st.just([[1]]),
    st.just({"order_type": "stop-loss", "trigger_price": 5}), st.just({"price": 100, "price_type": "pct"}),
    st.just([{"ordertype": "limit", "type": "buy", "volume": "1", "price": "5"}] * 2),
)  # fmt: skip


@pytest.fixture(scope="module")
def venue() -> Desk:
    clock = ManualClock(START)
    desk = Desk(create_venue(clock=clock, rate=0), clock)
    desk.price("59999.9", "60000.1", "60000")
    desk.market(volume="0.1")
    return desk


def answered(reply: Any) -> None:
    assert reply.status == 200
    answer = json.loads(reply.body)
    assert isinstance(answer["error"], list)
    assert all(text[0] == "E" and ":" in text for text in answer["error"])
    assert bool(answer["error"]) != ("result" in answer)


@settings(max_examples=300)
@given(
    method=st.sampled_from(sorted(PUBLIC)),
    query=st.dictionaries(st.sampled_from(NAMES), st.sampled_from(NASTY), max_size=5),
)
def test_no_public_question_breaks_the_venue(venue: Desk, method: str, query: dict[str, str]) -> None:
    answered(venue.get(method, **query))


@settings(max_examples=400)
@given(
    method=st.sampled_from(sorted(PRIVATE)),
    fields=st.dictionaries(st.sampled_from(NAMES), VALUES, max_size=6),
    as_json=st.booleans(),
)
def test_no_private_question_breaks_the_venue(venue: Desk, method: str, fields: dict[str, Any], as_json: bool) -> None:
    answered(venue.post(method, fields, as_json=as_json))


@settings(max_examples=400)
@given(fields=st.dictionaries(st.sampled_from(NAMES[:23]), VALUES, max_size=4), as_json=st.booleans())
def test_no_order_breaks_the_venue(venue: Desk, fields: dict[str, Any], as_json: bool) -> None:
    answered(venue.post("AddOrder", {**venue.wish(volume="0.001"), **fields}, as_json=as_json))
    venue("CancelAll")


@settings(max_examples=200)
@given(body=st.binary(max_size=80), as_json=st.booleans())
def test_no_body_breaks_the_venue(venue: Desk, body: bytes, as_json: bool) -> None:
    venue.nonce += 1
    nonce = str(venue.nonce)
    text = urlencode({"nonce": nonce}).encode() + b"&" + body if not as_json else body
    answered(venue.send("/0/private/AddOrder", text, nonce, as_json=as_json))


@settings(max_examples=400)
@given(
    method=st.sampled_from([*sorted(NEEDS), "subscribe", "unsubscribe"]),
    params=st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=6),
)
def test_no_command_breaks_the_socket(venue: Desk, method: str, params: dict[str, Any]) -> None:
    line = venue.socket()
    try:
        wish = {"order_type": "limit", "side": "buy", "symbol": "BTC/USD", "order_qty": 0.001, "limit_price": 100.0}
        answers = line.command(method, **(wish if method == "add_order" else {}) | params)
        answers = [answer for answer in answers if "success" in answer]  # `Infinity` is no JSON and loses its method
        assert answers
        assert all("error" in answer or "result" in answer for answer in answers)
        lives(line)
    finally:
        line.session.closed()
    venue("CancelAll")


@settings(max_examples=200)
@given(frame=st.one_of(st.binary(max_size=60), st.text(max_size=60), VALUES.map(json.dumps)))
def test_no_frame_breaks_the_socket(venue: Desk, frame: bytes | str) -> None:
    line = venue.socket()
    try:
        assert line.session.command(frame) is None
        line.raw(frame)
        lives(line)
    finally:
        line.session.closed()


def lives(line: Line) -> None:
    assert line.say("ping", req_id=3)[-1]["req_id"] == 3


@settings(max_examples=200)
@given(path=st.sampled_from(["/price", "/fill", "/clock", "/busts", "/corrections", "/book", "/faults"]), body=st.one_of(
    st.binary(max_size=50),
    st.dictionaries(st.sampled_from(["symbol", "bid", "ask", "order", "qty", "price", "now", "faults", "exec", "what"]), VALUES)
    .map(lambda fields: json.dumps(fields).encode()),
))  # fmt: skip
def test_no_hand_breaks_the_control_door(venue: Desk, path: str, body: bytes) -> None:
    reply = venue.venue.control_app.handle(Request(method="POST", path=path, body=body))
    assert 200 <= reply.status < 500

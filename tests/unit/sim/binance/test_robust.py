"""Whatever is asked, through whichever door, the venue answers in its own words and never breaks."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.binance.rest.routes import BY_METHOD, BY_PATH, SIGNED
from floorbroker_sim.binance.venue import create_venue
from floorbroker_sim.http import Request
from tests.unit.sim.binance.conftest import MONDAY, Asker

NASTY = [
    "", "0", "-1", "1", "5", "NaN", "1e400", "BTCUSDT", "ETHBTC", "btcusdt", "%00", "\x00", "é", "null", "true", "BUY", "SELL",
    "LIMIT", "MARKET", "STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "LIMIT_MAKER", "GTC", "IOC", "FOK", "1m", "1M", "1s", "1w",
    '["BTCUSDT"]', '["BTCUSDT","BTCUSDT"]', "[[]]", "[" * 5000, "9" * 20, "9" * 19, "0.01", "60000", "61000.00000000", "FULL",
    "MINI", "1d", "7d", "+14:00", "-12:00", "99", "DECREMENT", "NONE", "STOP_ON_FAILURE", "ALLOW_FAILURE", "1772463600000",
    "1772463600000000", "²", "x" * 300,
]  # fmt: skip
TEXTS = st.one_of(st.sampled_from(NASTY), st.text(max_size=12))
JSON = st.one_of(
    TEXTS, st.none(), st.booleans(), st.integers(-5, 10**30), st.floats(), st.just([]), st.just({}), st.just([[1]])
)
SPELLINGS = sorted(BY_PATH)
METHODS = [*sorted(BY_METHOD), "session.logon", "session.logout", "userDataStream.subscribe.signature",
           "userDataStream.unsubscribe", "session.subscriptions"]  # fmt: skip


@pytest.fixture(scope="module")
def asker() -> Asker:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    ask.price("59999", "60001", "60000")
    ask.order()
    ask.market()
    return ask


def well_formed(ask: Asker, method: str, path: str, query: str, body: bytes = b"") -> None:
    reply = ask.raw(method, path, query, body, {"x-mbx-apikey": ask.key.name})
    assert 200 <= reply.status < 500, (reply.status, reply.body)
    json.loads(reply.body)


@settings(max_examples=400)
@given(data=st.data(), spelling=st.sampled_from(SPELLINGS))
def test_no_question_breaks_the_venue(asker: Asker, data: st.DataObject, spelling: tuple[str, str]) -> None:
    method, path = spelling
    names = sorted(BY_PATH[spelling].names - SIGNED) or ["symbol"]
    fields = data.draw(st.dictionaries(st.sampled_from(names), TEXTS, max_size=8))
    if not data.draw(st.booleans()):
        fields = {"symbol": "BTCUSDT"} | fields if "symbol" in names else fields
    query = urlencode({"timestamp": asker.now_ms(), **fields} if BY_PATH[spelling].signed else fields)
    signed = f"{query}&signature={asker.sign(query)}" if BY_PATH[spelling].signed else query
    well_formed(asker, method, path, signed)


@settings(max_examples=400)
@given(
    fields=st.dictionaries(st.sampled_from(sorted(BY_PATH["POST", "/api/v3/order"].names - SIGNED)), TEXTS, max_size=4)
)
def test_no_order_breaks_the_venue(asker: Asker, fields: dict[str, str]) -> None:
    query = urlencode({"timestamp": asker.now_ms(), **asker.order_of(), **fields})
    well_formed(asker, "POST", "/api/v3/order", f"{query}&signature={asker.sign(query)}")


@settings(max_examples=100)
@given(query=st.text(max_size=60), body=st.binary(max_size=60), spelling=st.sampled_from(SPELLINGS))
def test_no_bytes_break_the_venue(asker: Asker, query: str, body: bytes, spelling: tuple[str, str]) -> None:
    well_formed(asker, *spelling, query.encode().decode("latin-1"), body)


@settings(max_examples=300)
@given(
    method=st.sampled_from(METHODS),
    params=st.dictionaries(st.sampled_from([*"ab", "symbol", "limit", "side"]), JSON, max_size=5),
)
def test_no_frame_breaks_the_websocket_api(asker: Asker, method: str, params: dict[str, Any]) -> None:
    api = asker.listen("/ws-api/v3")
    api.say({"id": 1, "method": method, "params": params})
    assert api.heard()
    stamped = {k: v if isinstance(v, str) else json.dumps(v) for k, v in params.items() if v is not None}
    api.say({"id": 2, "method": method, "params": asker.signed_params(stamped)})
    assert all(frame.get("status", 200) < 500 for frame in api.heard())
    api.session.closed()


@settings(max_examples=200)
@given(data=st.one_of(st.text(max_size=40), st.binary(max_size=40), JSON.map(json.dumps), st.dictionaries(
    st.sampled_from(["method", "params", "id"]),
    st.one_of(JSON, st.sampled_from(["SUBSCRIBE", "UNSUBSCRIBE", "SET_PROPERTY", "LIST_SUBSCRIPTIONS"])),
).map(json.dumps)))  # fmt: skip
def test_no_frame_breaks_a_stream(asker: Asker, data: str | bytes) -> None:
    for path in ("/ws", "/ws-api/v3"):
        stream = asker.listen(path)
        stream.say(data)
        stream.heard()
        stream.session.closed()


@settings(max_examples=100)
@given(names=st.lists(st.one_of(TEXTS, st.sampled_from([
    "btcusdt@depth", "btcusdt@depth5@100ms", "btcusdt@kline_1M@+08:00", "btcusdt@kline_1m@+99:99", "!ticker_1h@arr", "@", "!@arr",
    "btcusdt@kline_", "btcusdt@kline_²m", "btcusdt@ticker_9h", "btcusdt@avgPrice",
])), max_size=5))  # fmt: skip
def test_no_name_breaks_a_stream(asker: Asker, names: list[str]) -> None:
    stream = asker.listen("/stream", urlencode({"streams": "/".join(names)}))
    asker.step(1)
    stream.heard()
    stream.session.closed()
    stream.session.outbox.close()


HANDS = ["/price", "/fill", "/clock", "/busts", "/faults", "/keys", "/book", "/streams", "/ban", "/deposit"]
MEMBERS = [
    "symbol", "bid", "ask", "order", "qty", "price", "what", "faults", "exec", "key", "public_key", "withdrawals", "amount",
    "asset", "seconds",
]  # fmt: skip


@settings(max_examples=200)
@given(
    path=st.sampled_from(HANDS),
    body=st.one_of(
        st.binary(max_size=50),
        st.dictionaries(st.sampled_from(MEMBERS), JSON).map(lambda fields: json.dumps(fields).encode()),
    ),
)
def test_no_hand_breaks_the_control_door(asker: Asker, path: str, body: bytes) -> None:
    reply = asker.venue.control_app.handle(Request(method="POST", path=path, body=body))
    assert 200 <= reply.status < 500
    asker.door("POST", "/ban", {"seconds": 0})


def test_paths_and_methods_that_are_none(asker: Asker) -> None:
    assert asker.raw("GET", "/api/v3/nothing").status == 404
    assert asker.raw("GET", "/").status == 404
    wrong = asker.raw("DELETE", "/api/v3/time")
    assert (wrong.status, json.loads(wrong.body)["code"]) == (405, -1020)
    units = asker.raw("GET", "/api/v3/time", headers={"x-mbx-time-unit": "FORTNIGHT"})
    assert (units.status, json.loads(units.body)["code"]) == (400, -1194)

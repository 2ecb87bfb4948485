"""Whatever is asked, the venue answers in its own words and never breaks."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.bybit.rest import commands, routes
from floorbroker_sim.bybit.venue import create_venue
from floorbroker_sim.http import Request
from tests.unit.sim.bybit.conftest import CONTRACT, MONDAY, PAIR, Asker

NASTY = [
    "", "0", "-1", "1", "NaN", "Infinity", "1e400", "1e-30", "BTCUSDT", "BTC/USDT", "%00", "\x00", "é", "null", "true", "x" * 300,
    "9" * 30, "9" * 14, "1772463600000", "after%3A", "after:1", "linear", "spot", "inverse", "UNIFIED", "USDT", "M", "5", "٣",
]  # fmt: skip
PARAMETERS = (
    "category", "symbol", "baseCoin", "settleCoin", "status", "limit", "cursor", "interval", "start", "end", "startTime",
    "endTime", "orderId", "orderLinkId", "openOnly", "orderFilter", "orderStatus", "execType", "accountType", "coin", "currency",
    "type", "side",
)  # fmt: skip
MEMBERS = (
    "category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "orderLinkId", "orderId", "orderFilter",
    "marketUnit", "isLeverage", "positionIdx", "reduceOnly", "closeOnTrigger", "triggerPrice", "triggerDirection", "triggerBy",
    "takeProfit", "stopLoss", "tpslMode", "tpOrderType", "tpLimitPrice", "slOrderType", "smpType", "request", "buyLeverage",
    "sellLeverage", "mode", "tpSize", "slSize", "trailingStop", "activePrice", "settleCoin", "setMarginMode", "stopOrderType",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([*NASTY, "Buy", "Sell", "Market", "Limit", "GTC", "PostOnly", "FOK", "Partial", "61000", "59000", "0.01"]),
    st.none(), st.booleans(), st.integers(-5, 10**30), st.floats(), st.just([]), st.just([{}]), st.just({"a": 1}),
    st.just([{"symbol": "BTCUSDT", "side": "Buy", "orderType": "Market", "qty": "0.01"}, 7]),
)  # fmt: skip
WISH = {"category": "linear", "symbol": "BTCUSDT", "side": "Buy", "orderType": "Limit", "qty": "0.01", "price": "59000"}


@pytest.fixture(scope="module")
def asker() -> Asker:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    ask.market(qty="0.3", takeProfit="90000")
    ask.order(price="50000", triggerPrice="50000", triggerDirection=2)
    ask.market("spot", qty="600")
    return ask


def answered(ask: Asker, method: str, path: str, body: bytes, query: dict[str, str]) -> None:
    reply = ask.raw(method, path, body, query=query)
    assert reply.status in {200, 400, 401, 403, 404}
    if reply.status == 200:
        assert "retCode" in json.loads(reply.body)


@settings(max_examples=400)
@given(
    path=st.sampled_from(sorted({*routes.PUBLIC, *routes.SIGNED})),
    query=st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(NASTY), max_size=6),
)
def test_no_question_breaks_the_venue(asker: Asker, path: str, query: dict[str, str]) -> None:
    answered(asker, "GET", path, b"", query)


@settings(max_examples=600)
@given(
    path=st.sampled_from(sorted(commands.PATHS)),
    fields=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=6),
    is_whole=st.booleans(),
)
def test_no_command_breaks_the_venue(asker: Asker, path: str, fields: dict[str, Any], is_whole: bool) -> None:
    answered(asker, "POST", path, json.dumps((WISH if is_whole else {}) | fields).encode(), {})


@settings(max_examples=100)
@given(path=st.sampled_from(sorted(commands.PATHS)), body=st.one_of(st.binary(max_size=60), st.just(b"[" * 5000)))
def test_no_bytes_break_the_venue(asker: Asker, path: str, body: bytes) -> None:
    answered(asker, "POST", path, body, {})


@settings(max_examples=200)
@given(headers=st.dictionaries(
    st.sampled_from(["x-bapi-api-key", "x-bapi-timestamp", "x-bapi-recv-window", "x-bapi-sign"]),
    st.sampled_from([*NASTY, "1772463600000"]),
))  # fmt: skip
def test_no_header_breaks_the_venue(asker: Asker, headers: dict[str, str]) -> None:
    reply = asker.raw("GET", "/v5/account/info", headers=headers)
    assert reply.status in {200, 401}


@settings(max_examples=300)
@given(
    path=st.sampled_from(["/v5/public/spot", "/v5/public/linear", "/v5/private", "/v5/trade"]),
    messages=st.lists(
        st.one_of(
            st.text(max_size=30),
            st.binary(max_size=30),
            st.fixed_dictionaries(
                {
                    "op": st.sampled_from(
                        ["subscribe", "unsubscribe", "auth", "ping", "order.create", "order.cancel-batch", 7]
                    )
                },
                optional={
                    "args": st.one_of(
                        VALUES, st.lists(st.sampled_from(["order", "tickers.BTCUSDT", "kline.1.", "orderbook.50.X"]))
                    ),
                    "req_id": VALUES,
                    "reqId": VALUES,
                    "header": VALUES,
                },
            ).map(json.dumps),
        ),
        max_size=4,
    ),
)
def test_no_message_breaks_a_socket(asker: Asker, path: str, messages: list[str | bytes]) -> None:
    wire = asker.wire(path)
    if path in {"/v5/private", "/v5/trade"}:
        wire.sign_in()
    for message in messages:
        wire.session.received(message)
    assert all(isinstance(frame, dict) for frame in wire.heard())
    wire.session.closed()


@settings(max_examples=300)
@given(
    path=st.sampled_from(["/price", "/fill", "/clock", "/busts", "/faults", "/book", "/cross"]),
    body=st.one_of(
        st.binary(max_size=50),
        st.dictionaries(
            st.sampled_from(["symbol", "bid", "ask", "last", "order", "qty", "price", "now", "faults", "exec", "what"]),
            st.one_of(VALUES, st.sampled_from([PAIR, CONTRACT, "gap", "reset"])),
        ).map(lambda fields: json.dumps(fields).encode()),
    ),
)
def test_no_hand_breaks_the_control_door(asker: Asker, path: str, body: bytes) -> None:
    reply = asker.venue.control_app.handle(Request(method="POST", path=path, body=body))
    assert 200 <= reply.status < 500
    answered(asker, "GET", "/v5/market/tickers", b"", {"category": "spot"})
    answered(asker, "GET", "/v5/account/wallet-balance", b"", {"accountType": "UNIFIED"})

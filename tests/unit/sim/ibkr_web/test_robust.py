"""Whatever is asked, the venue answers in its own words and never breaks; and its numbers add up."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from floorbroker.domain.clock import ManualClock
from floorbroker_sim.ibkr_web.rest.routes import ROUTES
from floorbroker_sim.ibkr_web.venue import create_venue
from tests.unit.sim.ibkr_web.conftest import AAPL, MONDAY, Asker

NASTY = [
    "", "0", "-1", "1", "NaN", "Infinity", "1e400", "1e-30", "AAPL", "%00", "\x00", "é", "null", "true", "x" * 300, "9" * 30,
    "9" * 17, "265598", "80142716", "28812380", "265598@NASDAQ", "28812380;;;265598/1,8314/-1", ";;;", "OPT", "MAR26", "P",
    "1d", "1000d", "1m", "٣", "20260301-10:00:00", "00010101-00:00:00", "DU1", "b",
]  # fmt: skip
PARAMETERS = (
    "conid", "conids", "fields", "symbol", "symbols", "secType", "sectype", "name", "month", "strike", "right", "period", "bar",
    "startTime", "outsideRth", "filters", "force", "accountId", "days", "sort", "direction", "isBuy",
)  # fmt: skip
MEMBERS = (
    "acctId", "conid", "conidex", "cOID", "parentId", "orderType", "side", "tif", "quantity", "cashQty", "price", "auxPrice",
    "trailingAmt", "trailingType", "outsideRTH", "isSingleGroup", "allOrNone", "confirmed", "messageIds", "publish", "compete",
    "isBuy", "orderId", "reqId", "text", "strategyParameters", "orders",
)  # fmt: skip
VALUES = st.one_of(
    st.sampled_from([*NASTY, "BUY", "SELL", "MKT", "LMT", "STP", "TRAIL", "GTC", "DAY", "IOC", "amt", "%", AAPL, 150, 0.01]),
    st.none(), st.booleans(), st.integers(-5, 10**30), st.floats(), st.just([]), st.just([{}]), st.just({"a": 1}),
)  # fmt: skip
STATUSES = {200, 400, 401, 404, 405, 500, 503}


@pytest.fixture(scope="module")
def asker() -> Asker:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    ask("GET", "/iserver/accounts")
    ask("GET", "/portfolio/accounts")
    ask.market(cOID="b")
    ask.order(price=100)
    return ask


def answered(ask: Asker, method: str, path: str, body: bytes, query: dict[str, str]) -> None:
    reply = ask.raw(method, path, body, query=query)
    assert reply.status in STATUSES
    if reply.status != 401:
        json.loads(reply.body)


def served(method: str) -> list[str]:
    return sorted({path for known, path, _ in ROUTES if known == method and path != "/logout"})


def filled(ask: Asker, path: str, part: str) -> str:
    parts = [ask.account if p == "{account}" else part if p.startswith("{") else p for p in path.split("/")]
    return "/".join(parts)


@settings(max_examples=300)
@given(
    path=st.sampled_from(served("GET")),
    part=st.sampled_from([name for name in NASTY if name and "/" not in name]),
    query=st.dictionaries(st.sampled_from(PARAMETERS), st.sampled_from(NASTY), max_size=6),
)
def test_no_question_breaks_the_venue(asker: Asker, path: str, part: str, query: dict[str, str]) -> None:
    answered(asker, "GET", filled(asker, path, part), b"", query)


@settings(max_examples=300)
@given(
    path=st.sampled_from(served("POST")),
    members=st.dictionaries(st.sampled_from(MEMBERS), VALUES, max_size=8),
    in_list=st.booleans(),
)
def test_no_command_breaks_the_venue(asker: Asker, path: str, members: dict[str, Any], in_list: bool) -> None:
    whole = {**asker.ticket(), **members} if path.endswith(("orders", "whatif", "order/{id}")) else members
    body = json.dumps({"orders": [whole]} if in_list else whole, ensure_ascii=True).encode()
    answered(asker, "POST", filled(asker, path, "1"), body, {})


@pytest.mark.parametrize(
    "raw", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000, b'{"orders":' * 100_000, b'{"orders":[]}']
)
def test_bodies_nobody_can_read_are_refused(asker: Asker, raw: bytes) -> None:
    reply = asker.raw("POST", f"/iserver/account/{asker.account}/orders", raw)
    assert reply.status == 500
    assert json.loads(reply.body)["error"]


@settings(max_examples=60)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from(["MKT", "LMT", "STP", "TRAIL"]), st.sampled_from(["BUY", "SELL"]), st.integers(1, 50),
            st.integers(130, 170),
        ),
        max_size=12,
    )
)  # fmt: skip
def test_cash_and_positions_are_the_sum_of_the_fills(steps: list[tuple[str, str, int, int]]) -> None:
    clock = ManualClock(MONDAY)
    ask = Asker(create_venue(clock=clock, rate=0), clock)
    ask("GET", "/iserver/accounts")
    ask.price("149.99", "150.01", "150")
    for kind, side, quantity, price in steps:
        trail = {"trailingAmt": 1, "trailingType": "amt"} if kind == "TRAIL" else {}
        limit = price if kind in {"LMT", "STP"} else None
        ask.confirm(ask.send(ask.ticket(orderType=kind, side=side, quantity=quantity, price=limit, **trail)))
        ask.price(str(price), f"{price}.02", str(price))
    cash, units = Decimal(100_000), Decimal(0)
    for fill in ask.door("GET", "/fills")[1]:
        sign = 1 if fill["side"] == "buy" else -1
        cash -= sign * Decimal(fill["quantity"]) * Decimal(fill["price"]) + Decimal(fill["fee"])
        units += sign * Decimal(fill["quantity"])
    assert Decimal(str(ask.cash())) == cash.quantize(Decimal("0.01"))
    assert sum(Decimal(p["quantity"]) for p in ask.door("GET", "/positions")[1]) == units
    for order in ask.door("GET", "/orders")[1]:
        fills = [f for f in ask.door("GET", "/fills")[1] if f["order"] == order["order"]]
        assert Decimal(order["filled"]) == sum(Decimal(f["quantity"]) for f in fills)

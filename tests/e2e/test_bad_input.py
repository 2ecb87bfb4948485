"""Bad input at every door of a real desk: the same mistake has the same name everywhere, and leaves nothing behind."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import httpx2
import pytest
import pytest_asyncio

from floorbroker.domain.errors import InvalidRequest
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import OrderType, Price, Quantity, Side
from floorbroker.gateway.desk import Caller
from tests.support.real_floor import House, real_floor

GOOD = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "limit_price": "100"}
CALLER = Caller(principal="tester", via="library")
GIANT = "9" * 39

# kind of mistake: what is written, and the member that is named
WRONG: dict[str, tuple[str, object, str]] = {
    "a word": ("quantity", "ten", "/quantity"),
    "a float": ("quantity", 1.5, "/quantity"),
    "a truth": ("quantity", True, "/quantity"),
    "a list": ("quantity", [], "/quantity"),
    "an object": ("quantity", {}, "/quantity"),
    "NaN as a number": ("quantity", float("nan"), "/quantity"),
    "NaN as text": ("quantity", "NaN", "/quantity"),
    "a signalling NaN": ("quantity", "sNaN", "/quantity"),
    "infinity": ("limit_price", float("inf"), "/limit_price"),
    "1e400": ("quantity", "1e400", "/quantity"),
    "too small": ("limit_price", "1e-400", "/limit_price"),
    "too many digits": ("quantity", GIANT, "/quantity"),
    "a giant whole number": ("quantity", 10**60, "/quantity"),
    "zero": ("quantity", 0, "/quantity"),
    "zero as text": ("quantity", "-0", "/quantity"),
    "below zero": ("quantity", "-1", "/quantity"),
    "a price below zero": ("limit_price", "-1", "/limit_price"),
    "an underscore": ("quantity", "1_000", "/quantity"),
    "a space": ("quantity", " 1", "/quantity"),
    "digits of another alphabet": ("quantity", "\u0661", "/quantity"),
    "a superscript": ("quantity", "²", "/quantity"),
    "an unknown member": ("quantiti", "1", "/quantiti"),
    "an unknown member with a hostile name": ("a/b~\x00", "1", "/a~1b~0\\x00"),
    "an unknown side": ("side", "up", "/side"),
    "an unknown type": ("type", "sideways", "/type"),
    "an unknown time in force": ("time_in_force", "someday", "/time_in_force"),
    "a control character in a symbol": ("symbol", "AAPL\x00", "/symbol"),
    "a control character in a reason": ("reason", "a\x1b[2J", "/reason"),
    "half a character": ("reason", "\ud800", "/reason"),
    "text that turns around": ("strategy", "\u202eabc", "/strategy"),
    "a long text": ("reason", "x" * 501, "/reason"),
    "a member of another type": ("stop_price", "90", "/stop_price"),
    "a date that is none": ("expire_at", "2026-02-30T00:00:00Z", "/expire_at"),
    "a leg that is none": ("legs", [1], "/legs/0"),
    "legs of one order": (
        "legs",
        [{"symbol": "AAPL  260320P0015000²", "side": "buy", "ratio_qty": "1"}],
        "/legs/0/symbol",
    ),
    "exits of one order": ("take_profit", {"limit_price": "120"}, "/take_profit"),
}

# kind of mistake: the bytes, and the status
BROKEN: dict[str, tuple[bytes, int]] = {
    "nothing": (b"", 400),
    "half a document": (b'{"symbol":', 400),
    "broken UTF-8": (b'{"symbol":"\xff"}', 400),
    "UTF-16": (json.dumps(GOOD).encode("utf-16"), 400),
    "a control character": (b'{"symbol":"A\x01"}', 400),
    "a member twice": (b'{"symbol":"AAPL","symbol":"MSFT"}', 400),
    "a number nobody can read": (b'{"quantity":' + b"9" * 5000 + b"}", 400),
    "no end of brackets": (b"[" * 100_000, 400),
    "too deep": (b'{"legs":' + b"[" * 40 + b"]" * 40 + b"}", 400),
    "a list": (b"[]", 422),
    "null": (b"null", 422),
    "too large": (b'{"symbol":"' + b"x" * 300_000 + b'"}', 413),
}

# query of a list: the parameter that is named
QUERIES: dict[str, str] = {
    "/orders?limit=abc": "/query/limit",
    "/orders?limit=1e400": "/query/limit",
    "/orders?limit=-1": "/query/limit",
    "/orders?cursor=%00": "/query/cursor",
    "/orders?since=NaN": "/query/since",
    "/orders?symbol=%ff": "/query/symbol",
    "/orders?nope=1": "/query/nope",
    "/bars?symbol=AAPL&span_s=0": "/query/span_s",
    "/bars?symbol=AAPL&start=0001-01-01T00:00:00Z": "/query/start",
    "/market-hours?day=9999-12-31": "/query/day",
    "/market-hours?day=0001-01-01": "/query/day",
    "/market-hours?market=%00": "/query/market",
    "/quotes?symbols=,": "/query/symbols",
    "/account?profile=%00": "/query/profile",
    "/events?after=-1": "/query/after",
}

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with real_floor(tmp_path) as opened:
        await opened.http.get("/api/v1/brokers")  # that this token came in is a row of its own, once
        yield opened


async def send(house: House, raw: bytes, *, path: str = "/orders", **headers: str) -> httpx2.Response:
    told = {"Content-Type": "application/json"} | {name.replace("_", "-"): text for name, text in headers.items()}
    return await house.http.post(f"/api/v1/paper{path}", content=raw, headers=told)


def pointers(reply: httpx2.Response) -> list[str]:
    problem = reply.json()
    assert (problem["code"], problem["outcome"]) == ("invalid_request", "not_sent")
    assert len(problem["detail"]) < 400
    return [wrong["pointer"] for wrong in problem.get("errors", [])]


async def state(house: House) -> tuple[int, int]:
    return house.records(), await house.venue_orders()


async def test_every_wrong_member_is_refused_by_name_and_nothing_is_written(house: House) -> None:
    before = await state(house)
    for kind, (member, value, pointer) in WRONG.items():
        raw = json.dumps(GOOD | {member: value}).encode()
        for path in ("/orders", "/orders/preview", "/orders/validate"):
            reply = await send(house, raw, path=path)
            assert reply.status_code == 422, (kind, path, reply.text)
            assert pointer in pointers(reply), (kind, path, reply.text)
    assert await state(house) == before


async def test_a_body_that_cannot_be_read_is_told_so_and_nothing_is_written(house: House) -> None:
    before = await state(house)
    for kind, (raw, status) in BROKEN.items():
        reply = await send(house, raw)
        assert reply.status_code == status, (kind, reply.text)
        assert pointers(reply) == ([] if status == 413 else [""]), (kind, reply.text)
    assert (await send(house, json.dumps(GOOD).encode(), Content_Type="text/plain")).status_code == 415
    assert await state(house) == before


@pytest.mark.parametrize("key", ["", "x" * 129, "é"])
async def test_a_key_that_is_none_is_refused_by_name(house: House, key: str) -> None:
    before = await state(house)
    told = {"Content-Type": "application/json", "Idempotency-Key": key.encode("utf-8")}
    reply = await house.http.post("/api/v1/paper/orders", json=GOOD, headers=cast("Any", told))
    assert (reply.status_code, pointers(reply)) == (400, ["/headers/Idempotency-Key"])
    assert await state(house) == before


async def test_every_wrong_parameter_is_refused_by_name(house: House) -> None:
    for path, pointer in QUERIES.items():
        reply = await house.http.get(f"/api/v1/paper{path}")
        assert (reply.status_code, set(pointers(reply))) == (422, {pointer}), (path, reply.text)


@pytest.mark.parametrize("id", ["%00", "%ff%fe", "..%2F..%2Fx", "NaN", "a" * 128])
async def test_an_id_that_names_nothing_is_not_found(house: House, id: str) -> None:
    for method in ("GET", "DELETE"):
        reply = await house.http.request(method, f"/api/v1/paper/orders/{id}")
        assert (reply.status_code, reply.json()["code"]) == (404, "not_found"), reply.text


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, "/level"),
        ({"level": "1", "reason": "x"}, "/level"),
        ({"level": True, "reason": "x"}, "/level"),
        ({"level": float("nan"), "reason": "x"}, "/level"),
        ({"level": -1, "reason": "x"}, "/level"),
        ({"level": 4, "reason": "x"}, "/level"),
        ({"level": 1, "reason": ""}, "/reason"),
        ({"level": 1, "reason": "a\nb"}, "/reason"),
        ({"level": 1, "reason": "x", "profile": "*"}, "/profile"),
        ({"level": 1, "reason": "x", "scope": "paper"}, "/scope"),
    ],
)
async def test_a_wrong_kill_changes_nothing(house: House, body: dict[str, object], pointer: str) -> None:
    before = await state(house)
    raw = json.dumps(body).encode()
    reply = await house.http.put("/api/v1/paper/kill-switch", content=raw, headers={"Content-Type": "application/json"})
    assert (reply.status_code, pointer in pointers(reply)) == (422, True), reply.text
    assert await state(house) == before
    assert house.desk.kill_state().level == 0


async def test_a_wrong_change_is_refused_by_name_and_the_order_stays(house: House) -> None:
    placed = (await send(house, json.dumps(GOOD).encode())).json()
    wrong = [
        ({"stop_price": "90"}, "/stop_price"),
        ({"trail_price": "1"}, "/trail_price"),
        ({"trail_percent": "1"}, "/trail_percent"),
        ({"limit_price": "-5"}, "/limit_price"),
        ({"limit_price": "NaN"}, "/limit_price"),
        ({"limit_price": 99.5}, "/limit_price"),
        ({"quantity": "0"}, "/quantity"),
        ({"quantity": "1e400"}, "/quantity"),
        ({"time_in_force": "gtd"}, "/time_in_force"),
        ({"symbol": "MSFT"}, "/symbol"),
        ({}, ""),
    ]
    for body, pointer in wrong:
        reply = await house.http.patch(f"/api/v1/paper/orders/{placed['id']}", json=body)
        assert (reply.status_code, pointers(reply)) == (422, [pointer]), (body, reply.text)
    after = (await house.http.get(f"/api/v1/paper/orders/{placed['id']}")).json()
    assert after["version"] == placed["version"]
    assert await house.venue_orders() == 1


async def test_numbers_no_market_has_seen_are_refused_by_a_rule_and_not_by_a_crash(house: House) -> None:
    before = await house.venue_orders()
    for member in ("quantity", "limit_price", "notional"):
        for text in ("1e20", "9" * 38, "1e-20", "0." + "9" * 20):
            body = {name: value for name, value in GOOD.items() if (name, member) != ("quantity", "notional")}
            reply = await send(house, json.dumps(body | {member: text}).encode())
            assert reply.status_code == 422, (member, text, reply.text)
            assert reply.json()["outcome"] == "not_sent"
            preview = await send(house, json.dumps(body | {member: text}).encode(), path="/orders/preview")
            assert preview.status_code == 200, (member, text, preview.text)
    assert await house.venue_orders() == before


# -- the library ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("member", "value", "pointer"),
    [
        ("order_qty", Decimal("NaN"), "/quantity"),
        ("order_qty", Decimal("1e400"), "/quantity"),
        ("order_qty", 1.5, "/quantity"),
        ("order_qty", Decimal(0), "/quantity"),
        ("price", Decimal(-1), "/limit_price"),
        ("symbol", "AAPL\x00", "/symbol"),
        ("side", "up", "/side"),
        ("legs", None, "/legs"),
    ],
)
async def test_the_library_refuses_what_the_wire_refuses(house: House, member: str, value: Any, pointer: str) -> None:
    before = await state(house)
    order = NewOrder(
        symbol="AAPL",
        side=Side.BUY,
        order_type=OrderType.LIMIT,
        order_qty=Quantity(Decimal(1)),
        price=Price(Decimal(100)),
    )
    with pytest.raises(InvalidRequest) as refused:
        await house.desk.submit(replace(order, **{member: value}), profile=None, caller=CALLER)
    assert pointer in [wrong.pointer for wrong in refused.value.fields]
    with pytest.raises(InvalidRequest):
        await house.desk.preview(replace(order, **{member: value}), profile=None)
    assert await state(house) == before


async def test_the_library_refuses_changes_that_are_no_numbers(house: House) -> None:
    placed = (await send(house, json.dumps(GOOD).encode())).json()
    for changes in (OrderChanges(order_qty=Quantity(Decimal("NaN"))), OrderChanges(price=cast("Price", 1.5))):
        with pytest.raises(InvalidRequest):
            await house.desk.modify(placed["id"], changes, caller=CALLER)
    assert house.desk.order(placed["id"]).version == placed["version"]


UPLOAD = b'--x\r\nContent-Disposition: form-data; name="token"; filename="t"\r\n\r\na\r\n--x--'

# -- the page -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "raw", "status"),
    [
        ("application/x-www-form-urlencoded", b"", 401),
        ("application/x-www-form-urlencoded", b"token=\xff\xfe", 401),
        ("application/x-www-form-urlencoded", b"token=%00%ff", 401),
        ("application/x-www-form-urlencoded", b"a=1&" * 50, 400),
        ("application/x-www-form-urlencoded", b"token=" + b"a" * 300_000, 413),
        ("application/json", b'{"token":1}', 401),
        ("multipart/form-data", b"zzz", 400),
        ("multipart/form-data; boundary=x", b"zzz", 400),
        ("multipart/form-data; boundary=x", UPLOAD, 400),
    ],
)
async def test_the_login_form_takes_nothing_but_the_token(house: House, kind: str, raw: bytes, status: int) -> None:
    async with httpx2.AsyncClient(
        transport=httpx2.ASGITransport(app=house.app, raise_app_exceptions=False), base_url="http://127.0.0.1:8750"
    ) as stranger:
        reply = await stranger.post("/login", content=raw, headers={"Content-Type": kind})
    assert reply.status_code == status, reply.text
    assert "set-cookie" not in reply.headers


@pytest.mark.parametrize("query", ["env=%00", "env=moon", "profile=%ff", "profile=nobody", "nope=1"])
async def test_the_page_stands_whatever_its_address_says(house: House, query: str) -> None:
    reply = await house.http.get(f"/overview?{query}")
    assert (reply.status_code, reply.headers["content-type"]) == (200, "text/html; charset=utf-8")

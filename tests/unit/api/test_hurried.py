"""The short way of an order answers as the documented route behind it does."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx2
import pytest

from floorbroker.api.hurried import HurriedRoute
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from tests.support.desk_server import TOKEN, app_over
from tests.support.fake_desk import FakeDesk
from tests.unit.api.conftest import NOON

pytestmark = pytest.mark.asyncio
ORDERS = "/api/v1/paper/orders"
BODY: dict[str, Any] = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}
JSON = {"content-type": "application/json"}
ASKED: dict[str, tuple[str, bytes, dict[str, str]]] = {
    "a good order": (ORDERS, json.dumps(BODY).encode(), JSON),
    "an order with a key": (ORDERS, json.dumps(BODY).encode(), JSON | {"idempotency-key": "k-1"}),
    "a key that cannot be printed": (ORDERS, json.dumps(BODY).encode(), JSON | {"idempotency-key": "tab\there"}),
    "a member nobody knows": (ORDERS, json.dumps(BODY | {"colour": "red"}).encode(), JSON),
    "a quantity that is none": (ORDERS, json.dumps(BODY | {"quantity": "-1"}).encode(), JSON),
    "a profile that is not here": (ORDERS, json.dumps(BODY | {"profile": "gone"}).encode(), JSON),
    "a parameter in the query": (f"{ORDERS}?dry=1", json.dumps(BODY).encode(), JSON),
    "broken JSON": (ORDERS, b"{", JSON),
    "another kind of body": (ORDERS, b"symbol=AAPL", {"content-type": "application/x-www-form-urlencoded"}),
    "an environment that is not served": ("/api/v1/live/orders", json.dumps(BODY).encode(), JSON),
    "an environment that is none": ("/api/v1/demo/orders", json.dumps(BODY).encode(), JSON),
    "no token": (ORDERS, json.dumps(BODY).encode(), JSON | {"authorization": ""}),
    "a wrong token": (ORDERS, json.dumps(BODY).encode(), JSON | {"authorization": "Bearer wrong"}),
    "another site": (ORDERS, json.dumps(BODY).encode(), JSON | {"origin": "https://elsewhere.test"}),
}


@asynccontextmanager
async def door(*, hurried: bool, environment: Environment = Environment.PAPER) -> AsyncIterator[httpx2.AsyncClient]:
    clock = ManualClock(NOON)
    app = app_over(FakeDesk(clock=clock, environment=environment), clock=clock)
    if not hurried:
        app.router.routes[:] = [route for route in app.router.routes if not isinstance(route, HurriedRoute)]
    headers = {"Authorization": f"Bearer {TOKEN}", "X-Request-ID": "mine-7"}
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers) as http:
        yield http


async def answers(*, hurried: bool, asked: tuple[str, bytes, dict[str, str]]) -> list[tuple[int, Any, dict[str, str]]]:
    """The same twice, for what a repeat is told."""
    async with door(hurried=hurried) as http:
        path, body, headers = asked
        found = [await http.post(path, content=body, headers=headers) for _ in range(2)]
    return [(reply.status_code, reply.json(), dict(reply.headers)) for reply in found]


@pytest.mark.parametrize("asked", ASKED.values(), ids=ASKED)
async def test_the_short_way_answers_alike(asked: tuple[str, bytes, dict[str, str]]) -> None:
    assert await answers(hurried=True, asked=asked) == await answers(hurried=False, asked=asked)


async def test_an_order_goes_the_short_way_and_nothing_else_does(monkeypatch: pytest.MonkeyPatch) -> None:
    handled: list[tuple[str, str]] = []
    handle = HurriedRoute.handle

    async def seen(self: HurriedRoute, scope: Any, receive: Any, send: Any) -> None:
        handled.append((scope["method"], scope["path"]))
        await handle(self, scope, receive, send)

    monkeypatch.setattr(HurriedRoute, "handle", seen)
    async with door(hurried=True) as http:
        assert (await http.post(ORDERS, json=BODY)).status_code == 201
        assert (await http.get(ORDERS)).status_code == 200
        assert (await http.post(f"{ORDERS}/validate", json=BODY)).status_code == 200
        refused = await http.put(ORDERS, json=BODY)
    assert handled == [("POST", ORDERS)]
    assert (refused.status_code, refused.headers["allow"]) == (405, "DELETE, GET, POST")


async def test_a_key_is_needed_in_live(live: httpx2.AsyncClient) -> None:
    reply = await live.post("/api/v1/live/orders", json=BODY)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (400, "/headers/Idempotency-Key")

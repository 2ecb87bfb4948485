"""A route that is to go says so in the document and in each reply, and works as before."""

from __future__ import annotations

from datetime import date
from typing import Any

import httpx2
import pytest

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.api.deprecation import Deprecated, Deprecations, assert_sound
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio
GOING = Deprecated(since=date(2026, 12, 1), sunset=date(2027, 6, 1), link="/docs/orders")
ORDERS = "/api/v1/paper/orders"


def door(deprecated: Deprecations) -> httpx2.AsyncClient:
    clock = ManualClock(NOON)
    app = create_app(
        desks={Environment.PAPER: FakeDesk(clock=clock)},
        token=HashedToken(token_digest(TOKEN)),
        clock=clock,
        version="0.1.0",
        deprecated=deprecated,
    )
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750", headers=headers)


def said(reply: httpx2.Response) -> dict[str, str]:
    return {name: reply.headers[name] for name in ("deprecation", "sunset") if name in reply.headers}


async def test_a_declared_route_says_since_when_until_when_and_where_to_read() -> None:
    told = {"deprecation": "@1796083200", "sunset": "Tue, 01 Jun 2027 00:00:00 GMT"}
    async with door({"list_orders": GOING, "submit_order": GOING}) as http:
        listed = await http.get(ORDERS)
        assert (listed.status_code, said(listed)) == (200, told)
        assert '</docs/orders>; rel="deprecation"; type="text/html"' in listed.headers.get_list("link")
        refused = await http.post(ORDERS, json={})
        assert (refused.status_code, said(refused)) == (422, told)
        other = await http.get("/api/v1/paper/positions")
        assert (other.status_code, said(other)) == (200, {})
        paths: dict[str, Any] = (await http.get("/openapi.json")).json()["paths"]
    marked = {op["operationId"] for item in paths.values() for op in item.values() if op.get("deprecated")}
    assert marked == {"list_orders", "submit_order"}
    answers = paths["/api/v1/{env}/orders"]["get"]["responses"]
    assert all({"Deprecation", "Sunset"} <= answer["headers"].keys() for answer in answers.values())
    assert "Link" in answers["200"]["headers"]


async def test_a_declaration_names_a_route_and_ends_after_it_begins() -> None:
    with pytest.raises(LookupError, match="list_nothing"):
        door({"list_nothing": GOING})
    with pytest.raises(ValueError, match="list_orders"):
        assert_sound({"list_orders": Deprecated(since=GOING.sunset, sunset=GOING.since, link="/")}, ["list_orders"])

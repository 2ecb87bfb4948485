"""Pages of other sites: nothing, unless their exact origin is configured, and then with a token alone."""

from __future__ import annotations

import httpx2
import pytest
from fastapi import FastAPI

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.config import ServerSection
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from floorbroker.web import web_page
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON

pytestmark = pytest.mark.asyncio
FRIEND, ORDERS = "https://desk.example", "/api/v1/paper/orders"
ORDER = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"}
BEARER = {"Authorization": f"Bearer {TOKEN}"}
ASK = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization,idempotency-key"}


def door(*origins: str) -> httpx2.AsyncClient:
    clock = ManualClock(NOON)
    desks = {Environment.PAPER: FakeDesk(clock=clock)}
    app: FastAPI = create_app(
        desks=desks, token=HashedToken(token_digest(TOKEN)), clock=clock, version="0.1.0", origins=origins,
        page=web_page(desks=desks, clock=clock, version="0.1.0"),
    )  # fmt: skip
    transport = httpx2.ASGITransport(app=app, raise_app_exceptions=False)
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750")


def granted(reply: httpx2.Response) -> dict[str, str]:
    return {name: text for name, text in reply.headers.items() if name.startswith("access-control")}


async def test_by_default_nobody_is_granted_anything() -> None:
    async with door() as http:
        assert granted(await http.options(ORDERS, headers={"Origin": FRIEND} | ASK)) == {}
        assert granted(await http.get(ORDERS, headers={"Origin": FRIEND} | BEARER)) == {}
        assert (await http.post(ORDERS, headers={"Origin": FRIEND} | BEARER, json=ORDER)).status_code == 403


async def test_a_configured_origin_asks_for_leave_and_acts_with_a_token() -> None:
    async with door(FRIEND) as http:
        leave = await http.options(ORDERS, headers={"Origin": FRIEND} | ASK)
        assert (leave.status_code, leave.headers["access-control-allow-origin"], leave.headers["vary"]) == (
            204,
            FRIEND,
            "Origin",
        )
        assert {"authorization", "idempotency-key"} <= set(leave.headers["access-control-allow-headers"].split(", "))
        assert "access-control-allow-credentials" not in leave.headers
        cross = {"Origin": FRIEND, "Sec-Fetch-Site": "cross-site"}
        placed = await http.post(ORDERS, headers=cross | BEARER, json=ORDER)
        assert (placed.status_code, placed.headers["access-control-allow-origin"]) == (201, FRIEND)
        assert "ratelimit" in placed.headers["access-control-expose-headers"]
        refused = await http.get(ORDERS, headers={"Origin": FRIEND})
        assert (refused.status_code, refused.headers["access-control-allow-origin"]) == (401, FRIEND)


@pytest.mark.parametrize(
    "origin", ["https://desk.example.evil.example", "http://desk.example", "https://desk.example:444", "https://evil.example",
               "null", "https://desk.example/", ""]
)  # fmt: skip
async def test_another_origin_is_granted_nothing(origin: str) -> None:
    async with door(FRIEND) as http:
        assert granted(await http.options(ORDERS, headers={"Origin": origin} | ASK)) == {}
        assert granted(await http.get(ORDERS, headers={"Origin": origin} | BEARER)) == {}


async def test_a_configured_origin_gets_no_page_and_nothing_by_a_cookie() -> None:
    async with door(FRIEND) as http:
        await http.post("/login", data={"token": TOKEN})
        assert http.cookies
        same_site = {"Origin": FRIEND, "Sec-Fetch-Site": "same-site", "X-Floorbroker-Request": "1"}
        assert (await http.post(ORDERS, headers=same_site, json=ORDER)).status_code == 403
        assert granted(await http.get("/overview", headers={"Origin": FRIEND})) == {}
        assert "x-floorbroker-request" not in (await http.options(ORDERS, headers={"Origin": FRIEND} | ASK)).text
        assert (
            "x-floorbroker-request"
            not in granted(await http.options(ORDERS, headers={"Origin": FRIEND} | ASK)).values()
        )


@pytest.mark.parametrize(
    "origin", ["*", "null", "https://*.example", "https://Desk.example", "https://desk.example/", "desk.example"]
)
async def test_only_an_exact_origin_can_be_configured(origin: str) -> None:
    with pytest.raises(ValueError, match="origins"):
        ServerSection(origins=[origin])

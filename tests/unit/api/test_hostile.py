"""What a hostile page can do from a browser that is signed in: nothing.  And what every kind of reply carries.

Each attack is what a browser would send for it: the cookie where `SameSite` would let it through anyway (the worst case), the
headers that browsers set and pages cannot change.  A refusal is not enough: nothing may have happened.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio
from starlette.types import Message

from tests.support.gate import Gate, open_gate
from tests.unit.api.test_access import ROUTES, STREAMS, answer, filled

pytestmark = pytest.mark.asyncio(loop_scope="module")
ORDERS = "/api/v1/paper/orders"
ORDER = '{"symbol":"AAPL","side":"buy","type":"market","quantity":"10"}'
EVIL = "https://evil.example"
CROSS = {"Origin": EVIL, "Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"}
# What HTML and `fetch` in `no-cors` mode can send to another site without asking it first.
SIMPLE: dict[str, dict[str, str]] = {
    "a form of text": {"Content-Type": "text/plain"},
    "a form": {"Content-Type": "application/x-www-form-urlencoded"},
    "a form with parts": {"Content-Type": "multipart/form-data; boundary=x"},
    "a beacon": {"Content-Type": "text/plain;charset=UTF-8", "Sec-Fetch-Dest": "empty"},
    "no type": {"Content-Type": ""},
    "JSON that a lax preflight let through": {"Content-Type": "application/json"},
}
CHANGES = [
    ("POST", ORDERS),
    ("DELETE", ORDERS),
    ("PUT", "/api/v1/paper/kill-switch"),
    ("POST", "/api/v1/vault/lock"),
    ("POST", "/api/v1/users"),
    ("POST", "/api/v1/tokens"),
    ("POST", "/api/v1/auth/proof"),
    ("POST", "/api/v1/auth/logout"),
    ("POST", "/logout"),
    ("POST", "/account/token"),
    ("POST", "/account/password"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gate(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Gate]:
    async with open_gate(tmp_path_factory.mktemp("hostile")) as found:
        yield found


@pytest_asyncio.fixture(loop_scope="module")
async def victim(gate: Gate) -> dict[str, str]:
    """The cookie of an admin who signed in a moment ago, and nothing a page of ours would add to it."""
    return {"Cookie": (await gate.person("a-admin"))["Cookie"]}


def state_of(found: Gate) -> tuple[Any, ...]:
    memory = found.town.people.memory
    desks = [(desk.orders(), desk.kill_state()) for desk in found.desks.values()]
    return (desks, sorted(memory.users), sorted(memory.tokens), sorted(memory.sessions))


# -- requests from another site --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "headers",
    [
        CROSS,
        {"Origin": EVIL},  # an old browser
        {"Origin": "null"},  # a sandboxed frame
        {"Origin": "null", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"},  # another port of this machine
        {"Sec-Fetch-Site": "none", "Origin": EVIL},
        {},  # no sign at all, only the cookie
    ],
)
async def test_another_site_changes_nothing_with_the_cookie_of_somebody(
    gate: Gate,
    victim: dict[str, str],
    headers: dict[str, str],
) -> None:
    before = state_of(gate)
    async with gate.client(**victim, **headers) as browser:
        for kind, typed in SIMPLE.items():
            for method, path in CHANGES:
                if path == "/logout" and not headers:
                    continue  # no browser asks without any sign of itself, and to be signed out harms nobody
                reply = await browser.request(method, path, content=ORDER, headers=typed)
                assert reply.status_code in (400, 401, 403, 415), (kind, method, path, reply.text)
    assert state_of(gate) == before


@pytest.mark.parametrize("headers", [CROSS, {"Origin": "http://127.0.0.1:9999", "Sec-Fetch-Site": "same-site"}, {}])
async def test_no_route_that_changes_something_listens_to_another_site(
    gate: Gate, victim: dict[str, str], headers: dict[str, str]
) -> None:
    """What is really served is walked, so that no route can be added without being tried."""
    before = state_of(gate)
    changing = [route for route in ROUTES if route[0] not in ("GET", "HEAD") and not (route[2].open and not headers)]
    assert len(changing) > 45
    async with gate.client(**victim, **headers) as browser:
        for method, path, _, name in changing:
            reply = await browser.request(method, filled(path), content=ORDER, headers={"Content-Type": "text/plain"})
            assert (reply.status_code, reply.json()["code"]) == (403, "forbidden"), name
    assert state_of(gate) == before


async def test_every_route_carries_the_headers(gate: Gate, victim: dict[str, str]) -> None:
    async with gate.client(**victim, **{"X-Floorbroker-Request": "1"}) as browser:
        for method, path, _, name in ROUTES:
            if name in STREAMS or name in {"log_out", "revoke_sessions"}:
                continue
            reply = await answer(browser, method, filled(path), {})
            assert {header: reply.headers.get(header) for header in EVERYWHERE} == EVERYWHERE, name
            plain = POLICY.format(nonce="", types="'none'")
            assert (reply.headers["content-security-policy"], reply.headers["cache-control"]) == (plain, "no-store"), (
                name
            )
            assert reply.headers["x-request-id"], name


async def test_a_read_has_no_effect_whatever_it_is_called(gate: Gate, victim: dict[str, str]) -> None:
    before = state_of(gate)
    async with gate.client(**victim) as browser:
        for _, path in CHANGES:
            for method in ("GET", "HEAD", "OPTIONS"):
                await browser.request(method, path, headers=CROSS)
    memory = state_of(gate)
    assert memory == before


@pytest.mark.parametrize("override", ["X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"])
async def test_a_read_cannot_be_made_a_change_by_a_header(
    gate: Gate,
    victim: dict[str, str],
    override: str,
) -> None:
    async with gate.client(**victim) as browser:
        await browser.get(ORDERS, headers={override: "DELETE"})
        await browser.get(f"{ORDERS}?_method=DELETE")
    assert gate.desks[next(iter(gate.desks))].callers == []


async def test_no_site_is_ever_told_that_it_may_read_or_ask(gate: Gate, victim: dict[str, str]) -> None:
    ask = {"Origin": EVIL, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    async with gate.client(**victim) as browser:
        for method, path in [
            *CHANGES,
            ("GET", "/overview"),
            ("GET", "/login"),
            ("GET", "/healthz"),
            ("GET", "/static/desk.css"),
        ]:
            for reply in (
                await browser.request("OPTIONS", path, headers=ask),
                await browser.request(method, path, headers={"Origin": EVIL}),
            ):
                assert [name for name in reply.headers if name.startswith("access-control")] == [], path


async def test_a_sign_in_from_another_site_opens_nothing(gate: Gate) -> None:
    """Signing a victim in as somebody else would let them enter their keys into the attacker's account."""
    words = {"name": "a-viewer", "password": "vinegar lamp orbit moss"}
    async with gate.client(**CROSS) as browser:
        for reply in (await browser.post("/login", data=words), await browser.post("/api/v1/auth/login", json=words)):
            assert reply.status_code == 403
            assert "set-cookie" not in reply.headers


# -- a name that is made to point here ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "host",
    ["evil.example", "evil.example:8750", "127.0.0.1.evil.example", "localhost.evil.example", "127.0.0.1@evil.example",
     "[::ffff:127.0.0.1]", "127.1", "2130706433", "", "localhost.", "evil.example,127.0.0.1"],
)  # fmt: skip
async def test_a_rebound_name_reaches_nothing(gate: Gate, victim: dict[str, str], host: str) -> None:
    async with gate.client(**victim) as browser:
        own = {"Host": host, "Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin", "X-Floorbroker-Request": "1"}
        for method, path in [
            ("GET", ORDERS),
            ("GET", "/healthz"),
            ("GET", "/static/desk.css"),
            ("GET", "/login"),
            *CHANGES,
        ]:
            reply = await browser.request(method, path, headers=own)
            assert reply.status_code == 403, (host, path)
    assert all(desk.orders() == [] for desk in gate.desks.values())


async def test_a_forwarded_name_is_not_believed(gate: Gate, victim: dict[str, str]) -> None:
    told = {"X-Forwarded-Host": "127.0.0.1:8750", "Forwarded": "host=127.0.0.1", "Host": "evil.example"}
    async with gate.client(**victim) as browser:
        assert (await browser.get(ORDERS, headers=told)).status_code == 403


# -- a socket from another site ----------------------------------------------------------------------------------------------


async def knock(found: Gate, **headers: str) -> Message:
    """Open a WebSocket as a browser does; what the server says first."""
    said: asyncio.Queue[Message] = asyncio.Queue()
    asked: asyncio.Queue[Message] = asyncio.Queue()
    asked.put_nowait({"type": "websocket.connect"})
    scope = {
        "type": "websocket", "asgi": {"version": "3.0"}, "http_version": "1.1", "scheme": "ws", "path": "/api/v1/paper/stream",
        "raw_path": b"/api/v1/paper/stream", "query_string": b"", "root_path": "", "subprotocols": [], "state": {},
        "headers": [(name.lower().encode(), text.encode()) for name, text in headers.items()],
        "client": ("127.0.0.1", 9), "server": ("127.0.0.1", 8750), "extensions": {},
    }  # fmt: skip
    task = asyncio.ensure_future(found.app(scope, asked.get, said.put))
    try:
        return await asyncio.wait_for(said.get(), 5)
    finally:
        asked.put_nowait({"type": "websocket.disconnect", "code": 1000})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "127.0.0.1:8750", "Origin": EVIL},
        {"Host": "127.0.0.1:8750", "Origin": "null"},
        {"Host": "127.0.0.1:8750", "Origin": "http://127.0.0.1:9999"},
        {"Host": "127.0.0.1:8750", "Origin": "https://127.0.0.1:8750"},
        {"Host": "evil.example", "Origin": "http://evil.example"},
        {"Host": "evil.example"},
    ],
)
async def test_a_socket_of_another_site_or_name_is_closed_before_it_is_open(
    gate: Gate,
    victim: dict[str, str],
    headers: dict[str, str],
) -> None:
    told = await knock(gate, **victim, **headers)
    assert (told["type"], told.get("code")) == ("websocket.close", 4403)


# -- headers -----------------------------------------------------------------------------------------------------------------

EVERYWHERE = {
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "x-frame-options": "DENY",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
}
POLICY = (
    "default-src 'none'; script-src 'self'{nonce}; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; "
    "manifest-src 'self'; form-action 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'; trusted-types {types}"
)
REPLIES: dict[str, tuple[str, str, int]] = {
    "a document": ("GET", "/api/v1/auth", 200),
    "a list": ("GET", ORDERS, 200),
    "a problem": ("GET", "/api/v1/paper/orders/none", 404),
    "a refusal": ("POST", ORDERS, 403),
    "nowhere": ("GET", "/nowhere", 404),
    "health": ("GET", "/healthz", 200),
    "metrics": ("GET", "/metrics", 200),
    "reference": ("GET", "/docs", 200),
    "a page": ("GET", "/overview", 200),
    "the account": ("GET", "/account", 200),
    "a redirect": ("GET", "/", 303),
    "a file": ("GET", "/static/desk.css", 200),
    "no file": ("GET", "/static/nothing.js", 404),
}


@pytest.mark.parametrize("kind", REPLIES)
async def test_every_kind_of_reply_carries_the_headers(gate: Gate, victim: dict[str, str], kind: str) -> None:
    method, path, status = REPLIES[kind]
    async with gate.client(**victim) as browser:
        reply = await browser.request(method, path)
    assert reply.status_code == status
    assert {name: reply.headers.get(name) for name in EVERYWHERE} == EVERYWHERE
    found = reply.headers["content-security-policy"]
    nonce = found.partition("'nonce-")[2].partition("'")[0]
    made = {"nonce": f" 'nonce-{nonce}'", "types": "htmx"} if nonce else {"nonce": "", "types": "'none'"}
    assert found == POLICY.format(**made)
    assert bool(nonce) is (kind == "a page")
    assert reply.headers["cache-control"] == ("no-cache" if kind == "a file" else "no-store")
    assert "server" not in reply.headers
    assert "strict-transport-security" not in reply.headers


async def test_over_tls_a_browser_is_told_to_stay_there_and_the_cookie_belongs_to_the_host(gate: Gate) -> None:
    transport = httpx2.ASGITransport(app=gate.app)
    words = {"name": "a-viewer", "password": "vinegar lamp orbit moss"}
    async with httpx2.AsyncClient(transport=transport, base_url="https://127.0.0.1:8750") as browser:
        reply = await browser.post("/login", data=words)
        assert reply.headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"
        cookie = reply.headers["set-cookie"]
        parts = {part.strip().lower() for part in cookie.split(";")[1:]}
        assert cookie.startswith("__Host-floorbroker_session=")
        assert {"httponly", "secure", "path=/", "samesite=strict", "max-age=43200"} <= parts
        assert not any(part.startswith("domain") for part in parts)
        assert (await browser.get("/account")).status_code == 200


async def test_a_session_is_new_at_each_sign_in_and_a_chosen_one_is_none(gate: Gate) -> None:
    words = {"name": "a-viewer", "password": "vinegar lamp orbit moss"}
    async with gate.client(Cookie="floorbroker_session=chosen-by-somebody") as browser:
        reply = await browser.post("/login", data=words)
        given = reply.headers["set-cookie"].partition("=")[2].partition(";")[0]
        assert (len(given), given == "chosen-by-somebody") == (43, False)
        assert (await browser.get("/api/v1/auth")).status_code == 401

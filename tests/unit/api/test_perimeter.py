"""Who gets in, and what every reply carries."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from tests.support.desk_server import TOKEN
from tests.unit.api.conftest import Caller

pytestmark = pytest.mark.asyncio
ORDERS = "/api/v1/paper/orders"
ORDER = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer wrong", f"Basic {TOKEN}", f"Bearer {TOKEN}x", f"Bearer {TOKEN.upper()}"]
)
@pytest.mark.parametrize("path", [ORDERS, "/metrics", "/docs", "/openapi.json", "/api/v1/brokers", "/nowhere"])
async def test_without_the_token_there_is_nothing_to_see(door: Caller, header: str, path: str) -> None:
    reply = await door.http.get(path, headers={"Authorization": header})
    assert (reply.status_code, reply.headers["content-type"]) == (401, "application/problem+json")
    assert reply.headers["www-authenticate"].startswith("Bearer")


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/login", "/static/desk.css"])
async def test_health_and_the_way_in_need_no_token(door: Caller, path: str) -> None:
    assert (await door.http.get(path, headers={"Authorization": ""})).status_code == 200


@pytest.mark.parametrize("path", ["/static/../../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fpages.py"])
async def test_files_outside_the_folder_are_not_served(door: Caller, path: str) -> None:
    assert (await door.http.get(path)).status_code == 404


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1.evil.example", "localhost.evil.example:8750", "", "[::2]"])
async def test_other_host_names_are_refused(door: Caller, host: str) -> None:
    reply = await door.http.get("/healthz", headers={"Host": host})
    assert (reply.status_code, reply.json()["code"]) == (403, "forbidden")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.1:9999", "localhost:8750", "LOCALHOST"])
async def test_our_own_names_are_answered_on_any_port(door: Caller, host: str) -> None:
    assert (await door.http.get("/healthz", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 201),
        ({"Origin": "http://127.0.0.1:8750"}, 201),
        ({"Origin": "http://127.0.0.1:8750", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "null", "Sec-Fetch-Site": "same-origin"}, 201),
        ({"Origin": "http://127.0.0.1:9999"}, 403),
        ({"Origin": "https://127.0.0.1:8750"}, 403),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
    ],
)
async def test_another_site_changes_nothing(door: Caller, headers: dict[str, str], status: int) -> None:
    assert (await door.http.post(ORDERS, json=ORDER, headers=headers)).status_code == status
    assert len(door.desk.orders()) == (status == 201)


async def test_a_session_needs_the_page_s_own_header_to_change_anything(door: Caller) -> None:
    door.http.headers.pop("Authorization")
    signed_in = await door.http.post("/login", data={"token": TOKEN})
    assert signed_in.status_code == 303
    cookie = signed_in.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=strict" in cookie
    assert TOKEN not in cookie
    assert (await door.http.get(ORDERS)).status_code == 200
    assert (await door.http.post(ORDERS, json=ORDER)).status_code == 403
    placed = await door.http.post(ORDERS, json=ORDER, headers={"X-Floorbroker-Request": "1"})
    assert placed.status_code == 201
    assert door.desk.callers[0].via == "page"


async def test_a_session_ends_with_silence_with_time_and_by_signing_out(door: Caller) -> None:
    door.http.headers.pop("Authorization")
    await door.http.post("/login", data={"token": TOKEN})
    await door.clock.advance(29 * 60)
    assert (await door.http.get(ORDERS)).status_code == 200
    await door.clock.advance(31 * 60)
    assert (await door.http.get(ORDERS)).status_code == 401
    await door.http.post("/login", data={"token": TOKEN})
    for _ in range(26):
        await door.clock.advance(28 * 60)
        last = await door.http.get(ORDERS)
    assert last.status_code == 401
    await door.http.post("/login", data={"token": TOKEN})
    held = dict(door.http.cookies)
    await door.http.post("/logout")
    assert (
        await door.http.get(ORDERS, headers={"Cookie": "; ".join(f"{k}={v}" for k, v in held.items())})
    ).status_code == 401


async def test_guessing_the_token_is_slowed_down(door: Caller) -> None:
    door.http.headers.pop("Authorization")
    for _ in range(5):
        assert (await door.http.post("/login", data={"token": "guess"})).status_code == 401
    braked = await door.http.post("/login", data={"token": TOKEN})
    assert (braked.status_code, braked.headers["retry-after"]) == (429, "60")
    await door.clock.advance(61)
    assert (await door.http.post("/login", data={"token": TOKEN})).status_code == 303


async def test_under_tls_the_cookie_is_bound_to_the_host(door: Caller) -> None:
    reply = await door.http.post("https://127.0.0.1:8750/login", data={"token": TOKEN})
    assert reply.headers["set-cookie"].startswith("__Host-floorbroker_session=")
    assert "secure" in reply.headers["set-cookie"].lower()
    assert reply.headers["strict-transport-security"].startswith("max-age=31536000")


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/login", "/static/desk.js", "/docs", ORDERS])
async def test_every_reply_carries_the_security_headers(door: Caller, path: str) -> None:
    told = (await door.http.get(path)).headers
    assert told["content-security-policy"].startswith("default-src 'none'")
    assert "unsafe" not in told["content-security-policy"]
    assert told["x-content-type-options"] == "nosniff"
    assert told["referrer-policy"] == "no-referrer"
    assert told["cache-control"] == ("no-cache" if path.startswith("/static") else "no-store")
    assert "access-control-allow-origin" not in told
    assert told["x-request-id"]


async def test_a_bug_is_told_without_its_insides_and_with_the_same_headers(door: Caller) -> None:
    def broken(intent_id: str) -> None:
        raise ZeroDivisionError(f"secret path of {intent_id}")

    door.desk.order = broken  # pyright: ignore[reportAttributeAccessIssue]
    reply = await door.http.get(f"{ORDERS}/x")
    told = reply.json()
    assert (reply.status_code, told["code"]) == (500, "unknown")
    assert "secret" not in reply.text
    assert reply.headers["content-security-policy"]
    assert reply.headers["x-request-id"] == told["request_id"]
    deleted = await door.http.delete(f"{ORDERS}/x")
    assert deleted.json()["outcome"] == "unknown"


@pytest.mark.parametrize("offered", ["", "a b", "x" * 65, "a/b", "<script>"])
async def test_a_strange_request_id_is_replaced(door: Caller, offered: str) -> None:
    reply = await door.http.get("/healthz", headers=[("X-Request-ID", offered)])
    assert reply.headers["x-request-id"] != offered


async def test_giant_headers_are_refused(door: Caller) -> None:
    reply = await door.http.get("/healthz", headers={"X-Big": "x" * 17000})
    assert reply.status_code == 431


async def test_a_giant_body_is_refused_announced_or_not(door: Caller) -> None:
    async def chunks() -> AsyncIterator[bytes]:
        for _ in range(300):
            yield b" " * 1024

    kind, form = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
    assert (await door.http.post(ORDERS, content=b" " * 300_000, headers=kind)).status_code == 413
    assert (await door.http.post(ORDERS, content=chunks(), headers=kind)).status_code == 413
    assert (await door.http.post("/login", content=chunks(), headers=form)).status_code == 413
    assert (
        await door.http.post("/login", content=chunks(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    ).status_code == 413


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
async def test_only_json_is_taken(door: Caller, kind: str) -> None:
    reply = await door.http.post(ORDERS, content=b"{}", headers={"Content-Type": kind})
    assert reply.status_code == 415


async def test_a_wrong_method_names_the_right_ones(door: Caller) -> None:
    reply = await door.http.put(ORDERS)
    assert (reply.status_code, reply.headers["allow"]) == (405, "DELETE, GET, POST")
    assert reply.headers["content-type"] == "application/problem+json"


async def test_a_cookie_that_is_no_cookie_is_no_way_in(door: Caller) -> None:
    for cookie in ("floorbroker_session", "floorbroker_session=", 'a="\x01', "floorbroker_session=x; ;;=", "=" * 500):
        reply = await door.http.get(ORDERS, headers={"Authorization": "", "Cookie": cookie})
        assert reply.status_code == 401

"""Every route has its entry, and every entry holds: strangers, scopes, environments, proofs, and objects of others.

The walk goes over what is really served, so that a route cannot be added without being asked about.
"""

from __future__ import annotations

import asyncio
import inspect
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from fastapi import APIRouter
from fastapi.dependencies.models import Dependant
from starlette.routing import Route

from floorbroker.api.access import ACCESS, OPEN_PAGES, assert_known, routes_of
from floorbroker.api.app import API
from floorbroker.api.routes import system
from floorbroker.api.routes.stored import stored_of
from floorbroker.domain.values import Environment
from floorbroker.people.identity import OPERATOR as OPERATOR_ID
from floorbroker.people.identity import ROLES, Role, Scope
from tests.support.desk_server import TOKEN
from tests.support.gate import Gate, open_gate
from tests.support.people import OPERATOR

pytestmark = pytest.mark.asyncio
SIM, PAPER, LIVE = Environment
ROUTES = [
    (min(route.methods or {""}), path, ACCESS[route.name], route.name)
    for prefix, routers in (("", (system.router,)), ("/api/v1", API))
    for route in routes_of(routers)
    for path in [prefix + route.path]
]
STREAMS = {"stream_events"}  # a read that never ends: what is asked of its caller is asked before it begins
VALUES = {"env": "paper", "name": "nobody", "id": "0", "code": "forbidden", "delivery": "0"}


@pytest_asyncio.fixture
async def gate(tmp_path: Path) -> AsyncIterator[Gate]:
    async with open_gate(tmp_path) as found:
        yield found


def filled(path: str, **changed: str) -> str:
    """A path with something in each of its places."""
    return re.sub(r"\{(\w+)\}", lambda found: (VALUES | changed)[found[1]], path)


async def answer(client: httpx2.AsyncClient, method: str, path: str, headers: dict[str, str]) -> httpx2.Response:
    return await client.request(method, path, headers=headers, json=None if method in {"GET", "DELETE"} else {})


def is_refused(reply: httpx2.Response) -> bool:
    return reply.status_code in (401, 403) and reply.json()["code"] == "forbidden"


async def test_no_request_waits_for_a_thread_but_where_a_file_is_read() -> None:
    """A dependency that is a plain function is sent to a thread and back, which costs more than most of them do."""
    plain = {
        needed.call
        for route in routes_of((system.router, *API))
        for needed in needs_of(route.dependant)
        if not (inspect.iscoroutinefunction(needed.call) or inspect.isasyncgenfunction(needed.call))
    }
    assert plain == {stored_of}


def needs_of(dependant: Dependant) -> Iterator[Dependant]:
    """What has to be there before a route's own function runs, at any depth."""
    for needed in dependant.dependencies:
        yield needed
        yield from needs_of(needed)


# -- the table ------------------------------------------------------------------------------------------------------------


async def test_every_route_has_an_entry_and_every_entry_a_route() -> None:
    names = [route.name for route in routes_of((system.router, *API))]
    assert sorted(names) == sorted(set(names))
    assert set(names) == set(ACCESS)


async def test_a_route_that_nobody_decided_about_is_not_served() -> None:
    stranger = APIRouter()

    @stranger.get("/new")
    async def forgotten() -> None: ...

    with pytest.raises(LookupError, match="forgotten"):
        assert_known([stranger])


async def test_every_page_but_the_way_in_is_for_those_who_may_look(gate: Gate) -> None:
    paths = {
        route.path for route in gate.app.router.routes if isinstance(route, Route) and "GET" in (route.methods or ())
    }
    closed = paths - set(OPEN_PAGES)
    assert len(closed) > 10
    trade, browser = await gate.token(Scope.TRADE), {"Accept": "text/html"}
    async with gate.client() as client:
        for path in closed:
            stranger = await client.get(filled(path), headers=browser)
            assert (stranger.status_code, stranger.headers["location"]) == (303, "/login"), path
            mine = path in {"/account", "/account/code.svg"}  # leads a token, which has no account, away
            assert (await client.get(filled(path), headers=trade)).status_code in ({303, 404} if mine else {403}), path


async def test_a_page_shows_the_environments_of_its_reader_alone(gate: Gate) -> None:
    viewer, admin = await gate.person("a-viewer"), await gate.person("a-admin")
    async with gate.client() as client:
        shown = (await client.get("/overview?env=live", headers=viewer)).text
        assert 'data-env="paper"' in shown
        assert 'value="live"' not in shown
        assert 'data-env="live"' in (await client.get("/overview?env=live", headers=admin)).text


async def test_what_changes_something_asks_for_more_than_to_look() -> None:
    """A mistake in the table would be a route that changes things and asks for `read`, or for nothing."""
    harmless = {"validate_order", "preview_order", "self_check_profile", "verify_audit"}
    own = {"log_in", "log_out", "prove", "revoke_session", "revoke_sessions", "revoke_token"}  # about oneself alone
    lax = [
        name
        for method, _, access, name in ROUTES
        if method != "GET" and not access.proof and access.any_of in (frozenset(), frozenset({Scope.READ}))
    ]
    by_secret = {"receive_signal"}  # a hook asks for its own
    assert set(lax) == harmless | own | by_secret
    assert {name for _, _, access, name in ROUTES if access.open} == {
        "get_health",
        "get_readiness",
        "log_in",
    } | by_secret


# -- the walk -------------------------------------------------------------------------------------------------------------


async def test_a_stranger_gets_nothing_from_any_route(gate: Gate) -> None:
    wrong = [
        {},
        {"Authorization": "Bearer nonsense"},
        {"Authorization": "Basic YTpi"},
        {"Cookie": "floorbroker_session=x"},
    ]
    async with gate.client() as client:
        for method, path, access, name in ROUTES:
            if access.open:
                continue
            for headers in wrong:
                reply = await answer(client, method, filled(path), headers)
                assert reply.status_code == 401, (name, headers)


@pytest.mark.parametrize("scope", Scope)
async def test_each_route_lets_in_the_scopes_of_its_entry_alone(gate: Gate, scope: Scope) -> None:
    headers = await gate.token(scope)
    async with gate.client() as client:
        for method, path, access, name in ROUTES:
            if (name in STREAMS and scope in access.any_of) or access.environment is LIVE or access.everywhere:
                continue
            query = "?environment=paper" if access.by_query else ""
            may = not access.proof and (not access.any_of or scope in access.any_of)
            reply = await answer(client, method, filled(path, name=name) + query, headers)
            told = reply.json() if "json" in reply.headers.get("content-type", "") else {}
            refused = reply.status_code == 403
            if may and refused:  # past the entry, some routes know more: only a person has sessions
                assert name in {"list_sessions", "revoke_session", "revoke_sessions"}, (name, told)
            assert refused or may or access.open, (name, reply.status_code)


async def test_a_token_works_in_its_own_environment_alone(gate: Gate) -> None:
    everything = await gate.token(*Scope)
    async with gate.client() as client:
        for method, path, access, name in ROUTES:
            concerned = "{env}" in path or access.environment is LIVE or access.by_query or access.everywhere
            if not concerned:
                continue
            query = "?environment=live" if access.by_query else ""
            reply = await answer(client, method, filled(path, env="live") + query, everything)
            assert reply.status_code == 403, (name, reply.text)
            assert "live" in reply.json()["detail"] or access.proof, name
        both = await answer(client, "GET", "/api/v1/audit", everything)  # without a name it is about all of them
        assert both.status_code == 403


async def test_what_is_dangerous_wants_a_fresh_proof_and_never_takes_a_token(gate: Gate) -> None:
    admin, token = await gate.person("a-admin"), await gate.token(*Scope)
    await gate.clock.advance(301)
    guarded = [(method, filled(path), name) for method, path, access, name in ROUTES if access.proof]
    async with gate.client() as client:
        for method, path, name in guarded:
            mine = await answer(client, method, path, admin)
            assert (mine.status_code, mine.json().get("recovery")) == (403, "reauthenticate"), name
            theirs = await answer(client, method, path, token)
            assert (theirs.status_code, theirs.json().get("recovery")) == (403, None), name
        proved = await client.post("/api/v1/auth/proof", json={"password": "vinegar lamp orbit moss"}, headers=admin)
        assert proved.json()["proof_s"] == 300
        for method, path, name in guarded:
            assert (await answer(client, method, path, admin)).status_code not in (401, 403), name
    assert {"arm_live", "create_vault", "rotate_profile", "begin_login", "finish_login", "add_user", "edit_user"} <= {
        name for _, _, name in guarded
    }
    assert {"add_user", "create_token", "set_password"} <= {name for _, _, name in guarded}


async def test_a_reset_and_a_raise_want_a_proof_though_a_trip_does_not(gate: Gate) -> None:
    admin, token = await gate.person("a-admin"), await gate.token(*Scope)
    trader = await gate.person("a-trader")
    await gate.clock.advance(301)
    trip, reset = {"level": 1, "reason": "prices"}, {"level": 0, "reason": "over"}
    async with gate.client() as client:
        for who in (admin, trader, token):
            assert (await client.put("/api/v1/paper/kill-switch", json=trip, headers=who)).status_code == 200
            assert (await client.put("/api/v1/paper/kill-switch", json=reset, headers=who)).status_code == 403
        await client.post("/api/v1/auth/proof", json={"password": "vinegar lamp orbit moss"}, headers=admin)
        assert (await client.put("/api/v1/paper/kill-switch", json=reset, headers=admin)).status_code == 200


@pytest.mark.parametrize("role", Role)
async def test_a_role_is_its_scopes(gate: Gate, role: Role) -> None:
    mine = await gate.person(f"a-{role.value}")
    async with gate.client() as client:
        told = (await client.get("/api/v1/auth", headers=mine)).json()
        assert (told["role"], set(told["scopes"])) == (role.value, {scope.value for scope in ROLES[role]})
        order = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"}
        placed = await client.post("/api/v1/paper/orders", json=order, headers=mine)
        assert (placed.status_code == 201) is (Scope.TRADE in ROLES[role])
        assert ((await client.get("/api/v1/users", headers=mine)).status_code == 200) is (role is Role.ADMIN)


# -- objects of others ----------------------------------------------------------------------------------------------------


async def test_an_id_of_somebody_else_is_not_found(gate: Gate) -> None:
    trader, viewer = await gate.person("a-trader"), await gate.person("a-viewer")
    made = {"name": "bot-1", "environment": "paper", "scopes": ["read"]}
    async with gate.client() as client:
        created = await client.post("/api/v1/tokens", json=made, headers=trader)
        assert created.status_code == 201
        token = created.json()["token"]["id"]
        session = (await client.get("/api/v1/auth/sessions", headers=trader)).json()["items"][0]["id"]
        foreign = [
            ("GET", f"/api/v1/tokens/{token}"),
            ("DELETE", f"/api/v1/tokens/{token}"),
            ("DELETE", "/api/v1/tokens/bot-1"),
            ("DELETE", f"/api/v1/auth/sessions/{session}"),
            ("GET", "/api/v1/users/a-trader"),
            ("PUT", "/api/v1/users/a-trader/password"),
            ("POST", "/api/v1/users/a-trader/2fa"),
            ("POST", "/api/v1/users/a-trader/2fa/confirm"),
            ("DELETE", "/api/v1/users/a-trader/2fa"),
        ]
        for method, path in foreign:
            theirs = await answer(client, method, path, viewer)
            missing = await answer(client, method, path.replace("a-trader", "eve").replace(token, "none"), viewer)
            assert theirs.status_code == 404, (method, path, theirs.text)
            if "eve" in missing.url.path:
                assert missing.json()["detail"] == theirs.json()["detail"]
        assert (await client.get("/api/v1/tokens", headers=viewer)).json()["items"] == []
        assert (await client.get(f"/api/v1/tokens/{token}", headers=trader)).status_code == 200


async def test_an_order_of_another_environment_is_not_found(gate: Gate) -> None:
    live, paper = await gate.token(Scope.TRADE, Scope.READ, environment=LIVE), await gate.token(Scope.TRADE, Scope.READ)
    order = {"symbol": "AAPL", "side": "buy", "type": "limit", "limit_price": "1", "quantity": "1"}
    key = {"Idempotency-Key": "one"}
    async with gate.client() as client:
        placed = await client.post("/api/v1/live/orders", json=order, headers=live | key)
        path = f"orders/{placed.json()['id']}"
        assert (await client.get(f"/api/v1/live/{path}", headers=live)).status_code == 200
        for method in ("GET", "DELETE"):
            assert (await answer(client, method, f"/api/v1/paper/{path}", paper)).status_code == 404
            assert (await answer(client, method, f"/api/v1/live/{path}", paper)).status_code == 403


async def test_the_one_vault_of_all_environments_is_not_for_who_may_act_in_some_of_them(gate: Gate) -> None:
    """Locked at once by a token for paper, no cancel of the live desk would be signed any more."""
    acts = [(method, path) for method, path, _, name in ROUTES if name.endswith("_vault") and name != "get_vault"]
    assert len(acts) == 4
    await gate.town.add("a-local", Role.ADMIN, frozenset({PAPER}))
    some = [
        await gate.token(Scope.ADMIN),
        await gate.token(Scope.ADMIN, environment=LIVE),
        await gate.person("a-local"),
    ]
    async with gate.client() as client:
        for method, path in acts:
            for headers in some:
                assert is_refused(await answer(client, method, path, headers)), path
            whole = await answer(client, method, path, await gate.person("a-admin"))
            assert whole.status_code == 404, path  # this door has no vault


async def test_metrics_are_those_of_one_s_own_environments(gate: Gate) -> None:
    meter = gate.app.state.meter
    for environment in (PAPER, LIVE):
        meter.count("orders_total", profile=environment.value, environment=environment.value)
        meter.count("routes_total", profile=environment.value)
    shown = {}
    async with gate.client() as client:
        for who in (PAPER, LIVE):
            shown[who] = (await client.get("/metrics", headers=await gate.token(Scope.READ, environment=who))).text
        everything = (await client.get("/metrics", headers=await gate.person("a-admin"))).text
    for who, other in ((PAPER, LIVE), (LIVE, PAPER)):
        assert f'floorbroker_profile_ready{{environment="{who.value}"' in shown[who]
        assert f'floorbroker_routes_total{{profile="{who.value}"}}' in shown[who]
        assert f'"{other.value}"' not in shown[who]
        assert "floorbroker_http_requests_total" in everything
        assert f'floorbroker_orders_total{{environment="{who.value}"' in everything


async def test_an_admin_may_take_a_second_factor_away_but_not_set_up_that_of_others(gate: Gate) -> None:
    admin = await gate.person("a-admin")
    async with gate.client() as client:
        assert (await client.post("/api/v1/users/a-trader/2fa", headers=admin)).status_code == 403
        assert (await client.delete("/api/v1/users/a-trader/2fa", headers=admin)).status_code == 204


# -- what goes on ---------------------------------------------------------------------------------------------------------


async def heard(gate: Gate, headers: dict[str, str], then: Callable[[], Awaitable[object]]) -> list[str]:
    """Names of the events that somebody hears: an order's, then, after something happened, another's."""
    desk, names = gate.desks[PAPER], list[str]()
    desk.ends_after_replay = False
    order = {"symbol": "AAPL", "side": "buy", "type": "limit", "limit_price": "1", "quantity": "1"}
    operator = {"Authorization": f"Bearer {TOKEN}"}
    async with gate.client() as client:

        async def listen() -> None:
            reply = await client.get("/api/v1/paper/events?after=0&channels=orders", headers=headers)
            names.extend(line.removeprefix("event: ") for line in reply.text.splitlines() if line.startswith("event: "))

        await client.post("/api/v1/paper/orders", json=order, headers=operator)
        task = asyncio.ensure_future(listen())
        for _ in range(20):
            await asyncio.sleep(0)
        await then()
        await client.post("/api/v1/paper/orders", json=order, headers=operator)
        desk.ends_after_replay = True
        desk.wake()
        await asyncio.wait_for(task, 5)
    return names


async def test_who_listens_hears_no_more_once_the_session_or_token_is_over(gate: Gate) -> None:
    people = gate.town.people
    viewer, token = await gate.person("a-viewer"), await gate.token(Scope.READ)

    async def nothing() -> None: ...

    assert "bye" not in await heard(gate, viewer, nothing)
    user = people.members.one("a-viewer")
    ended = await heard(gate, viewer, lambda: people.visits.revoke_others(user, keep="", caller=OPERATOR))
    assert ended[-1] == "bye"
    revoked = await heard(gate, token, lambda: people.passes.revoke("paper-read", by=OPERATOR_ID, caller=OPERATOR))
    assert revoked[-1] == "bye"


async def test_what_a_page_asks_by_itself_keeps_no_session_from_ending(gate: Gate) -> None:
    viewer = await gate.person("a-viewer")
    by_itself, active = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}, {"X-Floorbroker-Active": "1"}
    async with gate.client(**viewer) as client:
        for more, lives in ((by_itself | active, True), ({"Sec-Fetch-Mode": "navigate"}, True), (by_itself, False)):
            for _ in range(2):
                await gate.clock.advance(20 * 60)
                last = await client.get("/api/v1/paper/orders", headers=more)
            assert (last.status_code == 200) is lives, more

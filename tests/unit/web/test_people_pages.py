"""Set-up, sign-in and the account, as a browser without scripts does them."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio
from pyotp.totp import TOTP

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.values import Environment
from floorbroker.people.identity import Role
from floorbroker.web import web_page
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.house import NOON
from tests.support.people import WORDS, Town, town

pytestmark = pytest.mark.asyncio
HIDDEN = re.compile(r'name="form_token" value="([0-9a-f]{64})"')
OTHER = "another lamp in orbit"


@dataclass
class Browser:
    """A browser with its cookies, on a desk that has people or is to be set up."""

    http: httpx2.AsyncClient
    town: Town
    clock: ManualClock
    app: object

    async def send(self, path: str, **fields: str | list[str]) -> httpx2.Response:
        """Fill in a form of the page at hand and send it, as browsers do under `no-referrer`."""
        where = "/setup" if path == "/setup" else "/account"
        found = HIDDEN.search((await self.http.get(where)).text)
        token = found[1] if found else ""
        headers = {"Origin": "null", "Sec-Fetch-Site": "same-origin"}
        return await self.http.post(path, data={"form_token": token} | fields, headers=headers)

    async def sign_in(self, name: str = "ada", password: str = WORDS, code: str = "") -> httpx2.Response:
        return await self.http.post("/login", data={"name": name, "password": password, "code": code})

    def other(self) -> Browser:
        """The same desk from another browser."""
        return Browser(client_of(self.app), self.town, self.clock, self.app)


def client_of(app: object) -> httpx2.AsyncClient:
    transport = httpx2.ASGITransport(app=app)  # type: ignore[arg-type]
    return httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750")


@pytest_asyncio.fixture
async def fresh(tmp_path: Path) -> AsyncIterator[Browser]:
    clock = ManualClock(NOON)
    desks = {Environment.PAPER: FakeDesk(clock=clock)}
    async with town(tmp_path, clock) as found:
        app = create_app(
            desks=desks,
            token=HashedToken(token_digest(TOKEN)),
            clock=clock,
            version="0.1.0",
            page=web_page(desks=desks, clock=clock, version="0.1.0"),
            people=found.people,
        )
        async with client_of(app) as http:
            yield Browser(http, found, clock, app)


@pytest_asyncio.fixture
async def ada(fresh: Browser) -> Browser:
    await fresh.town.add("ada")
    assert (await fresh.sign_in()).headers["location"] == "/"
    return fresh


async def test_the_token_then_a_user_then_the_account(fresh: Browser) -> None:
    assert (await fresh.http.get("/setup")).headers["location"] == "/login"
    signed = await fresh.http.post("/login", data={"token": TOKEN})
    assert signed.headers["location"] == "/setup"
    form = (await fresh.http.get("/setup")).text
    assert 'aria-current="step">You' in form
    for fields, told in (
        ({"name": "ada", "password": WORDS, "again": OTHER}, "not the same"),
        ({"name": "ada", "password": "short", "again": "short"}, "at least 15"),
        ({"name": "Ada Lovelace", "password": WORDS, "again": WORDS}, "1 to 32 of"),
    ):
        wrong = await fresh.send("/setup", **fields)
        assert (wrong.status_code, told in wrong.text) == (422, True)
    made = await fresh.send("/setup", name="ada", password=WORDS, again=WORDS)
    assert (made.status_code, made.headers["location"]) == (303, "/account?done=setup")
    page = (await fresh.http.get("/account?done=setup")).text
    assert "the token that was printed is spent" in page
    assert "admin in sim, paper, live" in page
    assert (await fresh.http.get("/setup")).headers["location"] == "/"
    assert fresh.town.people.members.one("ada").role is Role.ADMIN


async def test_the_first_user_ends_the_sessions_of_the_token_and_its_way_in(fresh: Browser) -> None:
    early, late = fresh.other(), fresh.other()
    await early.http.post("/login", data={"token": TOKEN})
    assert (await early.http.get("/overview")).status_code == 200
    await fresh.http.post("/login", data={"token": TOKEN})
    await fresh.send("/setup", name="ada", password=WORDS, again=WORDS)
    assert (await early.http.get("/overview", headers={"Accept": "text/html"})).headers["location"] == "/login"
    assert 'name="token"' not in (await late.http.get("/login")).text
    assert (await late.http.post("/login", data={"token": TOKEN})).status_code == 401
    local = {"Authorization": f"Bearer {TOKEN}"}
    assert (await late.http.get("/api/v1/paper/orders", headers=local)).status_code == 200
    elsewhere = httpx2.ASGITransport(app=fresh.app, client=("192.0.2.9", 9))  # type: ignore[arg-type]
    async with httpx2.AsyncClient(transport=elsewhere, base_url="http://127.0.0.1:8750", headers=local) as remote:
        assert (await remote.get("/api/v1/paper/orders")).status_code == 401


async def test_set_up_may_wait_and_the_desk_is_there(fresh: Browser) -> None:
    await fresh.http.post("/login", data={"token": TOKEN})
    assert 'href="/overview"' in (await fresh.http.get("/setup")).text
    assert (await fresh.http.get("/overview")).status_code == 200
    assert (await fresh.http.get("/account")).headers["location"] == "/setup"


async def test_a_wrong_sign_in_says_nothing_of_what_was_wrong_and_slows_down(ada: Browser) -> None:
    stranger, told = ada.other(), set[str]()
    guesses = [
        ("ada", "x"),
        ("eve", WORDS),
        ("", ""),
        ("ada", WORDS + "x"),
        ("<b>", "<b>"),
        ("eve", "x"),
        ("ada ", "y"),
    ]
    for name, password in guesses:
        reply = await stranger.sign_in(name, password)
        told.add(reply.text)
        assert reply.status_code == 401
        assert "<b>" not in reply.text
    await stranger.sign_in("mallory", "x")  # the fifth of those who never came in from here
    assert len(told) == 1
    late = await stranger.sign_in("mallory", "y")
    assert (late.status_code, late.headers["retry-after"]) == (429, "60")
    assert (await stranger.sign_in()).status_code == 303  # she did, and is counted apart
    for _ in range(5):
        await stranger.sign_in("ada", "x")
    assert (await stranger.sign_in()).status_code == 429


async def test_a_second_factor_is_set_up_shown_once_and_asked_for(ada: Browser) -> None:
    assert (await ada.http.get("/account/code.svg")).status_code == 404
    begun = await ada.send("/account/second-factor")
    found = re.search(r'<code id="secret">([A-Z2-7]{32})</code>', begun.text)
    assert found
    picture = await ada.http.get("/account/code.svg")
    assert (picture.headers["content-type"], picture.headers["cache-control"]) == ("image/svg+xml", "no-store")
    assert "<svg" in picture.text
    assert "style" not in picture.text
    wrong = await ada.send("/account/confirm", code="000000")
    assert (wrong.status_code, "not the code of this moment" in wrong.text) == (422, True)
    device = TOTP(found[1])
    on = await ada.send("/account/confirm", code=device.at(ada.clock.now()))
    codes = re.findall(r"<li><code>([a-z0-9-]{11})</code>", on.text)
    assert len(codes) == 10
    assert codes[0] not in (await ada.http.get("/account")).text
    assert (await ada.http.get("/account/code.svg")).status_code == 404
    await ada.clock.advance(30)
    other = ada.other()
    assert (await other.sign_in()).status_code == 401
    assert (await other.sign_in(code=device.at(ada.clock.now()))).status_code == 303


async def test_what_is_dangerous_wants_a_proof_and_the_page_asks_for_it(ada: Browser) -> None:
    assert "Prove who you are" not in (await ada.http.get("/account")).text
    await ada.clock.advance(301)
    assert "Prove who you are" in (await ada.http.get("/account")).text
    acts = {
        "password": {"password": OTHER, "again": OTHER},
        "second-factor": {},
        "off": {},
        "token": {"name": "bot", "environment": "paper", "scope": "read"},
        "user-add": {"name": "bob", "password": OTHER, "role": "viewer", "environment": "paper"},
        "user-edit": {"name": "ada", "role": "viewer", "environment": "paper"},
        "user-remove": {"name": "ada", "confirm": "ada"},
    }
    for act, fields in acts.items():
        refused = await ada.send(f"/account/{act}", **fields)
        assert (refused.status_code, "Prove again who you are" in refused.text) == (403, True), act
    assert (await ada.send("/account/proof", password="wrong")).status_code == 403
    assert (await ada.send("/account/proof", password=WORDS)).headers["location"] == "/account?done=proof"
    changed = await ada.send("/account/password", **acts["password"])
    assert changed.headers["location"] == "/account?done=password"
    assert (await ada.other().sign_in(password=OTHER)).status_code == 303


async def test_sessions_are_shown_and_ended(ada: Browser) -> None:
    other = ada.other()
    await other.sign_in()
    await other.http.get("/account")
    page = (await ada.http.get("/account")).text
    (session,) = re.findall(r'name="id" value="([0-9a-f]{16})"', page)
    assert (await ada.send("/account/end", id=session)).headers["location"] == "/account?done=ended"
    assert (await other.http.get("/account", headers={"Accept": "text/html"})).headers["location"] == "/login"
    await other.sign_in()
    await ada.send("/account/end-others")
    assert (await other.http.get("/account", headers={"Accept": "text/html"})).headers["location"] == "/login"


async def test_a_token_is_made_shown_once_used_and_revoked(ada: Browser) -> None:
    fields = {"name": "bot-1", "environment": "paper", "days": "30", "per_minute": "9", "addresses": "127.0.0.0/8"}
    made = await ada.send("/account/token", scope=["read", "trade"], **fields)
    found = re.search(r'<code id="made">(fb_paper_[\w-]{43})</code>', made.text)
    assert found
    assert found[1] not in (await ada.http.get("/account")).text
    program = ada.other().http
    headers = {"Authorization": f"Bearer {found[1]}"}
    assert (await program.get("/api/v1/auth", headers=headers)).json()["scopes"] == ["read", "trade"]
    for wrong in ({"days": "x"}, {"days": "0"}, {"name": "bot 2"}, {"addresses": "here"}, {"environment": "mars"}):
        assert (await ada.send("/account/token", scope="read", **(fields | {"name": "b"} | wrong))).status_code >= 400
    (token,) = [one.id for one in ada.town.people.memory.tokens.values()]
    assert (await ada.send("/account/revoke", id=token)).headers["location"] == "/account?done=revoked"
    assert (await program.get("/api/v1/auth", headers=headers)).status_code == 401


async def test_an_admin_lets_people_in_and_out_and_nobody_else_does(ada: Browser) -> None:
    bob = {"name": "bob", "password": OTHER, "role": "trader"}
    assert (await ada.send("/account/user-add", environment=["paper"], **bob)).headers["location"].endswith("user")
    his = ada.other()
    await his.sign_in("bob", OTHER)
    page = (await his.http.get("/account")).text
    assert "Let somebody in" not in page
    for act in ("user-add", "user-edit", "user-remove"):
        assert (await his.send(f"/account/{act}", **bob, environment="paper", confirm="bob")).status_code == 403
    wrong = await ada.send("/account/user-remove", name="bob", confirm="bo")
    assert (wrong.status_code, "once more" in wrong.text) == (422, True)
    edited = {"name": "bob", "role": "viewer", "environment": ["sim", "paper"], "disabled": "yes"}
    await ada.send("/account/user-edit", **edited)
    assert (await his.http.get("/account", headers={"Accept": "text/html"})).headers["location"] == "/login"
    await ada.send("/account/user-remove", name="bob", confirm="bob")
    assert [user.name for user in ada.town.people.members.all()] == ["ada"]


async def test_a_form_of_another_session_or_site_does_nothing(ada: Browser) -> None:
    fields = {"password": OTHER, "again": OTHER}
    stale = await ada.http.post("/account/password", data=fields | {"form_token": "0" * 64})
    assert (stale.status_code, "another session" in stale.text) == (403, True)
    foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
    assert (await ada.http.post("/account/password", data=fields, headers=foreign)).status_code == 403
    assert (await ada.other().sign_in(password=WORDS)).status_code == 303


@pytest.mark.parametrize("path", ["/login", "/account"])
async def test_these_pages_need_no_scripts_and_no_inline_anything(ada: Browser, path: str) -> None:
    html = (await (ada if path == "/account" else ada.other()).http.get(path)).text
    assert "<script" not in html
    assert " style=" not in html
    assert " on" not in re.sub(r'"[^"]*"|>[^<]*<', "", html)
    labelled = set(re.findall(r'<label for="([^"]+)"', html))
    shown = set(re.findall(r'<(?:input|select) id="([^"]+)"', html))
    assert shown == labelled

"""The first rendering: what a browser without scripts sees."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from html.parser import HTMLParser
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

import floorbroker.web
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import ConnectionFailed
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.records import Account
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.gateway.desk import Caller, SessionState
from floorbroker.oms.schema import parse_order
from tests.support.desk_server import TOKEN, app_over
from tests.support.fake_desk import FakeDesk

pytestmark = pytest.mark.asyncio
STATIC = Path(floorbroker.web.__file__).parent / "static"
ME = Caller(principal="operator", via="test")
SAID = AuditEntry(actor="a", via="test", action="test", object="", profile=ProfileName("a"), outcome="ok")


class Reader(HTMLParser):
    """The elements of a page, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    return reader


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(clock=SystemClock())


@pytest_asyncio.fixture
async def visitor(desk: FakeDesk) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app_over(desk, clock=desk.clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750") as http:
        yield http


async def page_of(visitor: httpx2.AsyncClient, path: str = "/trade") -> str:
    await visitor.post("/login", data={"token": TOKEN})
    reply = await visitor.get(path)
    assert reply.status_code == 200
    return reply.text


async def place(desk: FakeDesk, **changed: str) -> None:
    wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"} | changed)
    await desk.submit(wish.to_order(), profile=None, caller=ME)


async def test_a_stranger_is_shown_the_way_in(visitor: httpx2.AsyncClient) -> None:
    reply = await visitor.get("/")
    assert (reply.status_code, reply.headers["location"]) == (303, "/login")
    form = await visitor.get("/login")
    assert 'name="token"' in form.text
    wrong = await visitor.post("/login", data={"token": "nope"})
    assert (wrong.status_code, "not the token" in wrong.text) == (401, True)


async def test_adjustments_are_shown_with_their_cause(visitor: httpx2.AsyncClient) -> None:
    page = await page_of(visitor, "/reconciliation")
    panel = page[page.index('id="adjustments"') :].partition("</section>")[0]
    assert re.findall(r"<t[dh][^>]*>(?:<time[^>]*>)?([^<]*)", panel.partition("<tbody>")[2])[1:] == [
        "MSFT",
        "7",
        "2",
        "9",
        "opening position",
        "paper",
    ]
    assert "hidden>Nothing was adjusted" in panel


@pytest.mark.parametrize("content", [b"", b"token=", b"tokens=x", b"token=%00%ff", b"\xff\xfe", b"&" * 2000])
async def test_a_strange_form_is_no_way_in(visitor: httpx2.AsyncClient, content: bytes) -> None:
    reply = await visitor.post("/login", content=content, headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert reply.status_code in {400, 401}
    assert (await visitor.get("/overview", headers={"Accept": "text/html"})).status_code == 303


async def test_a_file_instead_of_a_token_is_refused(visitor: httpx2.AsyncClient) -> None:
    reply = await visitor.post("/login", files={"token": ("a", b"x")})
    assert reply.status_code in {400, 401}


async def test_the_first_page_shows_the_desk_without_scripts(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    await place(desk)
    await place(desk, type="limit", limit_price="180.5")
    text = read(await page_of(visitor)).text
    for shown in ("PAPER", "ready", "98,104.80", "1,894.80", "▼ −0.40", "189.52", "filled", "180.50", "10 / 10"):
        assert shown in text
    assert "Kill switch: off" in text
    assert "1 open" in re.sub(r"\s+", " ", text)


async def test_an_order_in_doubt_has_its_evidence_at_hand_and_others_have_none(
    visitor: httpx2.AsyncClient, desk: FakeDesk
) -> None:
    await place(desk)
    desk.answer_next = "unknown"
    await place(desk)
    tags = read(await page_of(visitor)).tags
    assert [attrs["data-doubt"] for _, attrs in tags if "data-doubt" in attrs] == [desk.orders()[0].intent_id]


async def test_empty_panels_say_so(visitor: httpx2.AsyncClient) -> None:
    html = await page_of(visitor)
    assert '<p class="empty">Nothing is held.</p>' in html
    assert 'id="orders-empty">No orders yet.' in html


async def test_a_panel_that_cannot_be_filled_says_why_and_the_others_stand(
    visitor: httpx2.AsyncClient, desk: FakeDesk
) -> None:
    async def silent(profile: ProfileName | None = None) -> Account:
        raise ConnectionFailed("the broker does not answer")

    await place(desk)
    desk.account = silent
    text = read(await page_of(visitor)).text
    assert "the broker does not answer" in text
    assert "1,894.80" in text


async def test_what_a_broker_says_is_text_and_never_markup(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    desk.state = {ProfileName("<img src=x onerror=alert(1)>"): SessionState.READY}
    await place(desk, reason="<script>alert(1)</script>")
    page = read(await page_of(visitor))
    assert "<img src=x onerror=alert(1)>" in page.text
    assert not [attrs for tag, attrs in page.tags if tag == "img" and attrs.get("src") == "x"]


async def test_no_page_holds_inline_code_or_asks_another_host(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    await place(desk)
    html = await page_of(visitor)
    for page in (html, (await visitor.get("/docs")).text, (await visitor.get("/docs/errors/timeout")).text):
        reader = read(page)
        for tag, attrs in reader.tags:
            assert not [name for name in attrs if name.startswith("on") or name == "style"], (tag, attrs)
            address = attrs.get("src") or attrs.get("href") or "/"
            assert address.startswith(("/", "#")), address
            assert tag != "style"
            assert tag != "script" or attrs.get("src"), "inline script"


async def test_every_field_has_a_label_and_every_table_a_caption(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    await place(desk)
    page = read(await page_of(visitor))
    labelled = {attrs.get("for") for tag, attrs in page.tags if tag == "label"}
    fields = [attrs for tag, attrs in page.tags if tag in {"input", "select"}]
    loose = [a for a in fields if a.get("type") not in {"hidden", "radio", "checkbox"} and a.get("id") not in labelled]
    ids = [attrs["id"] for _, attrs in page.tags if attrs.get("id")]
    assert loose == []
    assert len(ids) == len(set(ids))
    assert [t for t, _ in page.tags].count("table") == [t for t, _ in page.tags].count("caption")


async def test_the_environment_and_profile_are_in_the_address(desk: FakeDesk) -> None:
    desk.environment = Environment.LIVE
    desk.state = {ProfileName("a"): SessionState.READY, ProfileName("b"): SessionState.DEGRADED}
    transport = httpx2.ASGITransport(app=app_over(desk, clock=desk.clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750") as http:
        one = await page_of(http, "/trade?env=live&profile=a")
        several = await page_of(http, "/trade?env=nowhere&profile=nobody")
    assert 'class="desk env-live"' in one
    assert 'data-profile="a"' in one
    assert 'data-state="ready"' in one
    assert 'data-profile=""' in several
    assert 'data-state="degraded"' in several


async def test_the_kill_switch_is_shown_with_its_reason(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    await desk.kill(1, caller=ME, reason="prices look wrong")
    text = read(await page_of(visitor)).text
    assert "Kill switch: level 1" in text
    assert "prices look wrong" in text


async def test_the_page_s_scripts_write_text_only_and_stay_at_home() -> None:
    for path in STATIC.glob("*.js"):
        source = path.read_text(encoding="utf-8")
        found = re.findall(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|https?://", source
        )
        assert not found, (path.name, found)


async def test_a_head_request_for_a_file_asks_again_next_time(visitor: httpx2.AsyncClient) -> None:
    reply = await visitor.get("/static/desk.js")
    assert reply.headers["cache-control"] == "no-cache"
    again = await visitor.get("/static/desk.js", headers={"If-None-Match": reply.headers["etag"]})
    assert again.status_code == 304


async def test_several_profiles_are_one_account_and_a_partial_one_says_so(
    visitor: httpx2.AsyncClient, desk: FakeDesk
) -> None:
    desk.state = {ProfileName("a"): SessionState.READY, ProfileName("b"): SessionState.READY}
    assert "2 of 2 profiles" in read(await page_of(visitor)).text
    desk.silent.append(ProfileName("b"))
    desk.note(SAID)  # what was looked at a moment ago is not what stands now
    text = read(await page_of(visitor)).text
    assert "Partial: b is not counted: no answer within 5 s" in text
    assert "1 of 2 profiles" in text
    desk.silent.append(ProfileName("a"))
    desk.note(SAID)  # what was looked at a moment ago is not what stands now
    text = read(await page_of(visitor)).text
    assert "a is not counted" in text
    assert "100,000.00" not in text

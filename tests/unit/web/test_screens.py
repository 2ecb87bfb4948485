"""What screens make of what the desk tells."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from html import unescape

import httpx2
import pytest
import pytest_asyncio

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.records import Position
from floorbroker.domain.values import Environment, ProfileName, Quantity
from floorbroker.gateway.curve import Point
from floorbroker.gateway.desk import Caller, ProfilePosition, SessionState
from floorbroker.oms.schema import parse_order
from floorbroker.risk.limits import RiskLimits, SharedLimits, unit_of
from floorbroker.web.nav import NAV
from floorbroker.web.policy import policy_of
from floorbroker.web.screens import SCREENS, records
from floorbroker.web.screens.holdings import after_of
from floorbroker.web.screens.overview import bars_of, curve_of
from floorbroker.web.screens.records import number_of
from floorbroker.web.screens.risk import limits_of, share_of, written
from tests.support.desk_server import TOKEN, app_over
from tests.support.fake_desk import FakeDesk

ME = Caller(principal="operator", via="test")
START = datetime(2026, 3, 2, 14, 30, tzinfo=UTC)
PLAIN = [screen.path for screen in SCREENS if "{" not in screen.path]


def position(symbol: str, value: str | None) -> ProfilePosition:
    worth = None if value is None else Decimal(value)
    held = Position(symbol=symbol, qty=Quantity(Decimal(1)), market_value=worth)
    return ProfilePosition(profile=ProfileName("a"), position=held)


def test_the_curve_fills_its_frame_and_a_flat_one_lies_in_the_middle() -> None:
    points = [Point(at=START + timedelta(minutes=n), equity=Decimal(e)) for n, e in enumerate((100, 90, 110))]
    curve = curve_of(points)
    assert curve is not None
    assert curve.points == "0.0,60.0 300.0,114.0 600.0,6.0"
    assert (curve.first, curve.last, curve.least, curve.most, curve.change) == (100, 110, 90, 110, 10)
    flat = curve_of([Point(at=START, equity=Decimal(5)), Point(at=START, equity=Decimal(5))])
    assert flat is not None
    assert flat.points == "0.0,60.0 0.0,60.0"
    assert curve_of(points[:1]) is None


def test_bars_are_the_largest_values_whatever_their_sign() -> None:
    bars = bars_of([position("A", "100"), position("B", "-300"), position("A", "0"), position("C", None)])
    assert [(bar.symbol, bar.value, bar.share) for bar in bars] == [("B", -300, 75), ("A", 100, 25)]


@pytest.mark.parametrize(
    ("used", "limit", "share"),
    [(None, "5", None), (3, "", None), (3, "AAPL, MSFT", None), (3, "12", 25), (Decimal(30), "12", 100), (0, "12", 0)],
)
def test_the_used_part_of_a_limit(used: Decimal | int | None, limit: str, share: int | None) -> None:
    assert share_of(used, limit) == share


def test_limits_are_written_as_people_write_them() -> None:
    assert [written(text) for text in ("null", '"5000"', "7", '["AAPL","MSFT"]', "[]")] == [
        "",
        "5000",
        "7",
        "AAPL, MSFT",
        "",
    ]


def test_a_limit_that_nobody_wrote_down_is_no_limit_of_the_file() -> None:
    guard = FakeDesk(clock=SystemClock()).guard
    guard.risk.limit("global", SharedLimits(max_open_orders=3))
    sources = {row.name: row.source for row in limits_of(guard, "global")}
    assert (sources["max_open_orders"], sources["max_orders_day"]) == ("the file", "default")


def test_every_limit_that_is_a_number_says_its_unit() -> None:
    words = {"allow_symbols", "deny_symbols", "allow_assets", "allow_sides", "allow_types", "allow_tifs", "allow_short"}
    words |= {"allow_fractional", "trade_hours", "self_match"}
    assert {name for name in RiskLimits.model_fields if not unit_of(name)} == words
    some = (
        "max_order_notional",
        "max_notional_day",
        "max_messages_s",
        "collar_window_s",
        "collar_bps",
        "max_loss_day_pct",
    )
    assert [unit_of(name) for name in some] == [
        "money",
        "money a day",
        "messages a second",
        "seconds",
        "basis points",
        "%",
    ]


@pytest.mark.asyncio
async def test_the_risk_page_has_a_unit_beside_each_number(visitor: httpx2.AsyncClient) -> None:
    wish = {"scope": "strategy:dip", "name": "max_order_notional", "value": "250000", "reason": "a beginning"}
    set_ = await visitor.patch("/api/v1/paper/risk/limits", json=wish, headers={"Authorization": f"Bearer {TOKEN}"})
    assert set_.status_code == 200, set_.text
    page = (await visitor.get("/risk", headers={"Accept": "text/html"})).text
    row = page[page.index('data-limit="max_order_notional"') :].partition("</tr>")[0]
    assert re.findall(r"<td[^>]*>([^<]*)</td>", row)[:2] == ["250,000", "money"]


def test_an_address_that_nobody_wrote_is_the_beginning() -> None:
    assert after_of("2026-03-02T14:30:00.000000Z~a/b") == (START, "a/b")
    assert [after_of(text) for text in ("", "x~y", "2026-03-02T14:30:00.000000Z", "~")] == [None] * 4
    assert [number_of(text) for text in ("17", "", "-1", "٣", "9" * 16)] == [17, None, None, None, None]


def test_every_entry_of_the_navigation_is_a_page_and_every_key_is_one() -> None:
    items = [item for group in NAV for item in group.items]
    assert {item.path for item in items} == set(PLAIN)
    keys = [item.key for item in items if item.key]
    assert len(keys) == len(set(keys))


def test_a_page_may_run_its_own_scripts_and_nothing_inline() -> None:
    policy = policy_of("abc")
    assert "script-src 'self' 'nonce-abc';" in policy
    assert "unsafe" not in policy
    assert policy.endswith("require-trusted-types-for 'script'; trusted-types htmx")


@pytest.fixture
def desk() -> FakeDesk:
    return FakeDesk(clock=SystemClock())


@pytest_asyncio.fixture
async def visitor(desk: FakeDesk) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=app_over(desk, clock=desk.clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750") as http:
        await http.post("/login", data={"token": TOKEN})
        yield http


async def place(desk: FakeDesk, **changed: str) -> str:
    wish = parse_order({"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"} | changed)
    return (await desk.submit(wish.to_order(), profile=None, caller=ME)).order.intent_id


@pytest.mark.asyncio
@pytest.mark.parametrize("environment", [Environment.PAPER, Environment.LIVE])
async def test_every_page_renders_in_words_with_its_own_nonce(environment: Environment) -> None:
    desk = FakeDesk(clock=SystemClock(), environment=environment, names=("a", "b"))
    desk.state[ProfileName("b")] = SessionState.DEGRADED
    transport = httpx2.ASGITransport(app=app_over(desk, clock=desk.clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750") as http:
        await http.post("/login", data={"token": TOKEN})
        for path in (*PLAIN, "/symbol/BTC/USD"):
            reply = await http.get(path, params={"profile": "a"})
            assert reply.status_code == 200, path
            nonce = reply.headers["content-security-policy"].partition("'nonce-")[2].partition("'")[0]
            assert len(nonce) > 20
            assert reply.text.count(f'nonce="{nonce}"') >= 3
            assert environment.value.upper() in reply.text
            assert "None" not in reply.text, path


@pytest.mark.asyncio
async def test_a_desk_without_profiles_has_pages_all_the_same() -> None:
    desk = FakeDesk(clock=SystemClock(), names=())
    transport = httpx2.ASGITransport(app=app_over(desk, clock=desk.clock))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:8750") as http:
        await http.post("/login", data={"token": TOKEN})
        statuses = {path: (await http.get(path)).status_code for path in (*PLAIN, "/symbol/AAPL")}
    assert set(statuses.values()) == {200}, statuses


@pytest.mark.asyncio
async def test_files_of_the_page_travel_compressed_and_pages_do_not(visitor: httpx2.AsyncClient) -> None:
    script = await visitor.get("/static/vendor/lightweight-charts.js", headers={"Accept-Encoding": "gzip"})
    assert script.headers["content-encoding"] == "gzip"
    # A page has secrets of its visitor and words of others in it: compressed, its length would tell of them.
    assert "content-encoding" not in (await visitor.get("/overview", headers={"Accept-Encoding": "gzip"})).headers


@pytest.mark.asyncio
async def test_the_overview_says_what_needs_eyes(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    assert "Nothing needs a person now." in (await visitor.get("/overview")).text
    desk.answer_next = "unknown"
    await place(desk)
    await desk.kill(1, caller=ME, reason="prices look wrong")
    desk.state[ProfileName("paper")] = SessionState.DEGRADED
    told = (await visitor.get("/overview")).text
    for sentence in ("1 order is unknown", "level 1: prices look wrong", "paper is degraded"):
        assert sentence in told


@pytest.mark.asyncio
async def test_an_order_shows_its_life_and_how_to_place_it_elsewhere(
    visitor: httpx2.AsyncClient, desk: FakeDesk
) -> None:
    intent = await place(desk, type="limit", limit_price="180.50")
    told = (await visitor.get(f"/orders/{intent}")).text
    for words in ("prepared", "sending", "working", "Cancel the order", "--limit 180.5", "&#34;limit_price&#34;"):
        assert words in told
    missing = await visitor.get("/orders/nobody")
    assert (missing.status_code, "There is nothing here" in missing.text) == (404, True)


@pytest.mark.asyncio
async def test_an_order_shows_what_went_to_and_fro_about_it(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    intent = await place(desk)
    told = {"order": intent, "status": "200", "elapsed_ms": "12", "body": '{"qty":"10"}', "reply": '{"id":"V1"}'}
    row = AuditEntry(
        actor="gateway",
        via="broker",
        action="broker.command",
        object="orders.submit",
        profile=ProfileName("paper"),
        outcome="answered",
        detail=told,
    )
    desk.note(row)
    desk.note(replace(row, detail=told | {"order": "another", "body": "not mine"}))
    page = (await visitor.get(f"/orders/{intent}")).text
    assert "orders.submit: answered, 200 in 12 ms" in page
    assert "&#34;id&#34;:&#34;V1&#34;" in page
    assert "not mine" not in page
    assert "broker.command" in (await visitor.get("/audit", params={"word": intent})).text


@pytest.mark.asyncio
async def test_rounds_of_all_profiles_are_shown_newest_first_a_page_at_a_time(
    visitor: httpx2.AsyncClient, desk: FakeDesk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(records, "ROUNDS_A_PAGE", 2)
    first = (await visitor.get("/reconciliation")).text
    assert [int(seq) for seq in re.findall(r'data-round="(\d+)"', first)] == [9, 6]
    assert first.count("✕ differs") == 1
    assert "2 <b>MSFT</b>" not in first
    assert "2 &lt;b&gt;MSFT&lt;/b&gt; more than the fills" in first
    (link,) = re.findall(r'href="([^"]+)" rel="next"', first)
    second = (await visitor.get(unescape(link))).text
    assert re.findall(r'data-round="(\d+)"', second) == ["4"]
    assert 'rel="next"' not in second


@pytest.mark.asyncio
async def test_the_audit_is_searched_and_paged(visitor: httpx2.AsyncClient, desk: FakeDesk) -> None:
    first = await place(desk)
    second = await place(desk)
    told = (await visitor.get("/audit")).text
    assert told.index(second) < told.index(first)
    assert "order.submit" not in (await visitor.get("/audit", params={"word": "no such word"})).text
    assert "order.submit" in (await visitor.get("/audit", params={"word": "SUBMIT"})).text
    assert second not in (await visitor.get("/audit", params={"before": "5"})).text

"""Signals at the door of a whole desk: the secret, the order, the second time, and what is refused."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.secret import Secret
from floorbroker.gateway.desk import Caller
from floorbroker.hooks.signing import HEADER, sign
from tests.support.real_floor import House, real_floor

pytestmark = pytest.mark.asyncio(loop_scope="module")
CALLER = Caller(principal="tester", via="test")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[House]:
    async with real_floor(tmp_path_factory.mktemp("signals")) as found:
        yield found


async def added(house: House, name: str, **wish: Any) -> dict[str, Any]:
    """A hook, with its secret."""
    body = {"name": name, "direction": "in", "profile": "paper", **wish}
    reply = await house.http.post("/api/v1/paper/webhooks", json=body)
    assert reply.status_code == 201, reply.text
    return reply.json()


async def sent(house: House, hook: dict[str, Any], body: str | bytes, **headers: str) -> httpx2.Response:
    """A signal, from somebody without a token."""
    return await house.http.post(hook["path"], content=body, headers={"Authorization": "", **headers})


def signal(hook: dict[str, Any], **members: object) -> str:
    return json.dumps({"secret": hook["secret"], "symbol": "AAPL", "side": "buy", **members})


def orders_of(house: House, strategy: str) -> int:
    return sum(1 for order in house.desk.orders() if order.terms.strategy == strategy)


async def test_a_signal_becomes_an_order_once_however_often_it_is_sent(house: House) -> None:
    hook = await added(house, "once")
    body = signal(hook, id="bar-17", quantity="3")
    first, second = await sent(house, hook, body), await sent(house, hook, body)
    assert (first.status_code, second.status_code) == (202, 202)
    assert first.json()["order"] == second.json()["order"]
    assert (first.json()["replayed"], second.json()["replayed"]) == (False, True)
    assert first.json()["ord_status"] == "filled"
    assert orders_of(house, "once") == 1
    order = house.desk.order(first.json()["order"])
    assert (order.profile, order.terms.symbol, order.cum_qty) == ("paper", "AAPL", 3)


async def test_the_same_signal_many_times_at_once_is_one_order_i20(house: House) -> None:
    hook = await added(house, "crowd")
    replies = await asyncio.gather(*(sent(house, hook, signal(hook, id="x", quantity="4")) for _ in range(8)))
    assert [reply.status_code for reply in replies] == [202] * 8
    assert len({reply.json()["order"] for reply in replies}) == 1
    assert orders_of(house, "crowd") == 1


async def test_the_same_id_with_another_wish_places_nothing_i20(house: House) -> None:
    hook = await added(house, "changed")
    assert (await sent(house, hook, signal(hook, id="x", quantity="1"))).status_code == 202
    refused = await sent(house, hook, signal(hook, id="x", quantity="2"))
    assert refused.status_code in (409, 422)
    assert orders_of(house, "changed") == 1


async def test_a_body_without_an_id_is_the_same_signal_within_its_window_only(house: House) -> None:
    hook = await added(house, "window")
    body = signal(hook, quantity="5", allow="x")
    first, second = await sent(house, hook, body), await sent(house, hook, body)
    assert (first.json()["order"], second.json()["replayed"]) == (second.json()["order"], True)
    assert orders_of(house, "window") == 1
    async with house.hooks.rows.cold.begin() as connection:  # as if it had come two minutes ago
        await connection.exec_driver_sql("UPDATE signals SET at = at - 120000000")
    later = await sent(house, hook, body)
    assert later.status_code in (202, 422)  # a new wish: the duplicate guard of the desk has the last word
    assert later.json().get("order") != first.json()["order"]


async def test_plain_text_is_read_as_tradingview_sends_it(house: House) -> None:
    hook = await added(house, "text")
    text = f"secret={hook['secret']} symbol=AAPL side=buy quantity=7"
    reply = await sent(house, hook, text, **{"Content-Type": "text/plain; charset=utf-8"})
    assert reply.status_code == 202


async def test_who_has_no_secret_is_told_nothing_and_is_recorded(house: House) -> None:
    hook = await added(house, "closed")
    wrong = signal(hook | {"secret": "fbhook_guess"}, quantity="1")
    replies = [
        await sent(house, hook, wrong),
        await sent(house, hook, signal(hook | {"secret": ""}, quantity="1")),
        await sent(house, hook | {"path": "/api/v1/hooks/0123456789abcdef"}, signal(hook, quantity="1")),
    ]
    assert [reply.status_code for reply in replies] == [401] * 3
    assert len({reply.json()["detail"] for reply in replies}) == 1
    assert orders_of(house, "closed") == 0
    rows = [r.entry for r in house.desk.journal.read(limit=10_000, kinds=frozenset({"audit"}))]
    assert any(isinstance(row, AuditEntry) and row.action == "door.hook" and row.via == "webhook" for row in rows)


async def test_guesses_are_slowed_down(house: House) -> None:
    hook = await added(house, "guessed")
    wrong = signal(hook | {"secret": "fbhook_guess"}, quantity="1")
    codes = [(await sent(house, hook, wrong)).status_code for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2
    assert (await sent(house, hook, signal(hook, id="1", quantity="35"))).status_code == 202  # the right one passes


async def test_a_hook_that_is_too_busy_is_told_when_to_come_back(house: House) -> None:
    hook = await added(house, "busy", per_minute=2)
    replies = [await sent(house, hook, signal(hook, id=str(n), quantity=str(n + 21))) for n in range(3)]
    assert [reply.status_code for reply in replies] == [202, 202, 429]
    assert int(replies[2].headers["retry-after"]) > 0
    assert orders_of(house, "busy") == 2


async def test_a_signing_sender_shows_no_secret(house: House) -> None:
    hook = await added(house, "signed", auth="hmac")
    body = json.dumps({"id": "1", "symbol": "AAPL", "side": "buy", "quantity": "9"}).encode()
    right = sign(body, Secret(hook["secret"]), at=datetime.now(UTC))
    old = sign(body, Secret(hook["secret"]), at=datetime(2026, 1, 1, tzinfo=UTC))
    assert (await sent(house, hook, body)).status_code == 401
    assert (await sent(house, hook, body, **{HEADER: old})).status_code == 401
    assert (await sent(house, hook, body + b" ", **{HEADER: right})).status_code == 401
    assert (await sent(house, hook, body, **{HEADER: right})).status_code == 202
    assert orders_of(house, "signed") == 1


class Stepping(SystemClock):
    """Tells one moment after the other, and the last for good."""

    def __init__(self, *moments: datetime) -> None:
        self.moments = [*moments]

    def now(self) -> datetime:
        return self.moments.pop(0) if len(self.moments) > 1 else self.moments[0]


async def test_a_signed_signal_is_as_old_as_it_came_in_however_long_it_waits(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Signed by a clock that is ahead, and sent again when its signature is about to end: the first must not be forgotten."""
    hook = await added(house, "ahead", auth="hmac")
    body, begin = b'{"symbol": "AAPL", "side": "buy", "quantity": "57"}', datetime.now(UTC).replace(microsecond=0)
    ahead = sign(body, Secret(hook["secret"]), at=begin + timedelta(seconds=30))
    late = begin + timedelta(seconds=59.5), begin + timedelta(seconds=61)
    monkeypatch.setattr(house.hooks.inbox, "clock", Stepping(begin))
    first = await sent(house, hook, body, **{HEADER: ahead})
    monkeypatch.setattr(house.hooks.inbox, "clock", Stepping(*late))
    again = await sent(house, hook, body, **{HEADER: ahead})
    assert (first.status_code, again.status_code) == (202, 202)
    assert (again.json()["order"], again.json()["replayed"]) == (first.json()["order"], True)


@pytest.mark.parametrize(
    ("name", "limits", "members", "control"),
    [
        ("l1", {"max_quantity": "2"}, {"quantity": "3"}, "max_quantity"),
        ("l2", {"max_quantity": "2"}, {"notional": "100"}, "max_quantity"),
        ("l3", {"max_notional": "100"}, {"quantity": "3", "type": "limit", "limit_price": "50"}, "max_notional"),
        ("l4", {"max_notional": "1"}, {"quantity": "3"}, "max_notional"),  # at the touch
        (
            "l5",
            {"max_notional": "100"},
            {"quantity": "3", "side": "sell", "type": "limit", "limit_price": "0.01"},
            "max_notional",
        ),
        ("l6", {"max_notional": "100"}, {"quantity": "3", "type": "stop", "stop_price": "0.01"}, "max_notional"),
        ("l7", {"symbols": ["MSFT"]}, {"quantity": "1"}, "symbols"),
    ],
)
async def test_a_hook_has_limits_of_its_own(
    house: House, name: str, limits: dict[str, Any], members: dict[str, str], control: str
) -> None:
    hook = await added(house, name, **limits)
    refused = await sent(house, hook, signal(hook, id="1", **members))
    assert (refused.status_code, refused.json()["control"]) == (422, control)
    assert orders_of(house, name) == 0
    log = (await house.http.get(f"/api/v1/paper/webhooks/{name}/signals")).json()["items"]
    assert [entry["outcome"] for entry in log] == ["risk_limit_exceeded"]


async def test_a_hook_that_is_off_places_nothing_and_can_be_switched_on(house: House) -> None:
    hook = await added(house, "off")
    path = "/api/v1/paper/webhooks/off"
    assert (await house.http.patch(path, json={"enabled": False})).status_code == 412
    assert (await house.http.patch(path, json={"enabled": False}, headers={"If-Match": '"7"'})).status_code == 412
    changed = await house.http.patch(path, json={"enabled": False}, headers={"If-Match": '"1"'})
    assert (changed.status_code, changed.headers["etag"]) == (200, '"2"')
    assert (await sent(house, hook, signal(hook, id="1", quantity="1"))).status_code == 403
    await house.http.patch(path, json={"enabled": True}, headers={"If-Match": '"2"'})
    assert (await sent(house, hook, signal(hook, id="2", quantity="11"))).status_code == 202


async def test_the_kill_switch_stops_signals_as_it_stops_everybody(house: House) -> None:
    hook = await added(house, "killed")
    await house.desk.kill(1, caller=CALLER, reason="test")
    try:
        refused = await sent(house, hook, signal(hook, id="1", quantity="31"))
        assert (refused.status_code, refused.json()["code"]) == (423, "kill_switch_on")
    finally:
        await house.desk.reset_kill(caller=CALLER, reason="test")
        await house.desk.until_settled()
    again = await sent(house, hook, signal(hook, id="1", quantity="31"))  # nothing was placed under it, so it may be
    assert again.status_code == 202


async def test_a_test_shows_the_order_and_sends_nothing(house: House) -> None:
    template = {"symbol": "$ticker", "side": "$action", "type": "market", "quantity": "$contracts"}
    await added(house, "sample", template=template, words={"long": "buy"}, strategy="momentum")
    before = house.records()
    body = {"body": "ticker=AAPL action=long contracts=2"}
    tried = (await house.http.post("/api/v1/paper/webhooks/sample/test", json=body)).json()
    assert tried["ok"]
    assert tried["order"] == {
        "symbol": "AAPL", "side": "buy", "type": "market", "quantity": "2", "profile": "paper", "strategy": "momentum",
    }  # fmt: skip
    assert house.records() == before
    wrong = await house.http.post("/api/v1/paper/webhooks/sample/test", json={"body": "ticker=AAPL action=long"})
    assert (wrong.status_code, wrong.json()["errors"][0]["pointer"]) == (422, "/contracts")


async def test_a_secret_is_shown_once_and_stored_by_its_hash_alone(house: House) -> None:
    hook = await added(house, "shown")
    listed = await house.http.get("/api/v1/paper/webhooks")
    single = await house.http.get("/api/v1/paper/webhooks/shown")
    assert hook["secret"] not in listed.text + single.text
    data = b"".join(path.read_bytes() for path in house.home.root.glob("desk.db*"))
    assert hook["id"].encode() in data
    assert hook["secret"].encode() not in data


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"direction": "in"}, "/profile"),
        ({"direction": "in", "profile": "none"}, "/profile"),
        ({"direction": "in", "profile": "paper", "url": "https://x.example"}, "/url"),
        ({"direction": "out", "url": "https://x.example/", "max_quantity": "1"}, "/max_quantity"),
        ({"direction": "out"}, "/url"),
        ({"direction": "out", "url": "http://x.example/"}, "/url"),
        ({"direction": "out", "url": "https://x.example/", "events": ["order_lost"]}, "/name"),
        ({"direction": "up", "profile": "paper"}, "/direction"),
        ({"direction": "in", "profile": "paper", "template": {"colour": "red"}}, "/template/colour"),
        ({"direction": "in", "profile": "paper", "replay_s": 5}, "/replay_s"),
        ({"direction": "in", "profile": "paper", "name": "Has Space"}, "/name"),
    ],
)
async def test_a_webhook_that_cannot_be_meant_is_refused_by_its_member(
    house: House, wish: dict[str, Any], pointer: str
) -> None:
    refused = await house.http.post("/api/v1/paper/webhooks", json={"name": "wrong", **wish})
    assert refused.status_code == 422
    assert [error["pointer"] for error in refused.json()["errors"]] == [pointer]


async def test_a_removed_hook_is_gone_and_a_name_is_used_once(house: House) -> None:
    hook = await added(house, "gone")
    again = await house.http.post(
        "/api/v1/paper/webhooks", json={"name": "gone", "direction": "in", "profile": "paper"}
    )
    assert again.status_code == 409
    assert (await house.http.delete("/api/v1/paper/webhooks/gone")).status_code == 204
    assert (await house.http.get("/api/v1/paper/webhooks/gone")).status_code == 404
    assert (await sent(house, hook, signal(hook, quantity="1"))).status_code == 401


async def test_the_page_shows_what_comes_in_and_goes_out_and_no_secret(house: House) -> None:
    hook = await added(house, "paged", max_quantity="40")
    await sent(house, hook, signal(hook, id="1", quantity="33"))
    await sent(house, hook, signal(hook, id="2", quantity="41"))
    wish = {"name": "far", "direction": "out", "url": "https://far.example/desk?key=canary"}
    assert (await house.http.post("/api/v1/paper/webhooks", json=wish)).status_code == 201
    page = await house.http.get("/webhooks?env=paper")
    assert page.status_code == 200, page.text
    assert 'data-hook="paged"' in page.text
    assert f"/api/v1/hooks/{hook['id']}" in page.text
    assert "this hook trades at most 40 at a time" in page.text
    assert "far.example" in page.text
    assert "canary" not in page.text
    assert hook["secret"] not in page.text

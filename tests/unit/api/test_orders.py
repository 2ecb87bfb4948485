"""Placing, watching, changing and cancelling orders over the door."""

from __future__ import annotations

from typing import Any

import httpx2
import pytest

from floorbroker.domain.values import Price, Quantity, decimal_of
from floorbroker.gateway.desk import SessionState
from tests.unit.api.conftest import Caller

pytestmark = pytest.mark.asyncio
ORDERS = "/api/v1/paper/orders"


async def test_a_new_order_is_201_and_shows_everything(door: Caller) -> None:
    reply = await door.order(key="k1", strategy="momentum-1", reason="breakout", client_tag="abc")
    told = reply.json()
    assert reply.status_code == 201
    assert reply.headers["location"] == f"{ORDERS}/{told['id']}"
    assert reply.headers["etag"] == f'"{told["version"]}"'
    assert (told["ord_status"], told["quantity"], told["cum_qty"], told["leaves_qty"]) == ("filled", "10", "10", "0")
    assert (told["avg_px"], told["profile"], told["strategy"]) == ("189.52", "paper", "momentum-1")
    assert told["created_at"] == "2026-11-20T12:00:00.000000Z"
    assert told["fills"][0]["price"] == "189.52"
    assert {"cl_ord_id", "order_id", "route", "evidence", "alerts", "presumed"} <= set(told)


async def test_the_desk_hears_who_asked(door: Caller) -> None:
    reply = await door.http.post(
        ORDERS,
        json={"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "1"},
        headers={"X-Request-ID": "mine-7"},
    )
    (caller,) = door.desk.callers
    assert (caller.principal, caller.via, caller.request_id) == ("operator", "api", "mine-7")
    assert reply.headers["x-request-id"] == "mine-7"


async def test_a_repeat_under_the_same_key_is_the_same_order(door: Caller) -> None:
    first = await door.order(key="k1", quantity="10")
    again = await door.order(key="k1", quantity="10.0")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (200, "true")
    assert again.json()["id"] == first.json()["id"]
    assert len(door.desk.orders()) == 1


async def test_the_same_key_with_another_body_is_refused(door: Caller) -> None:
    await door.order(key="k1")
    reply = await door.order(key="k1", quantity="11")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"] == "/headers/Idempotency-Key"
    assert len(door.desk.orders()) == 1


@pytest.mark.parametrize("key", ["", " ", "x" * 129, "tab\there", "line"])
async def test_an_idempotency_key_is_short_and_printable(door: Caller, key: str) -> None:
    reply = await door.order(key=key)
    assert reply.status_code == (201 if key == "line" else 400)


async def test_live_needs_an_idempotency_key(live: httpx2.AsyncClient) -> None:
    body = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}
    reply = await live.post("/api/v1/live/orders", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["code"]) == (400, "missing")
    assert (await live.post("/api/v1/live/orders", json=body, headers={"Idempotency-Key": "1"})).status_code == 201


async def test_a_submit_without_an_answer_is_202_and_unknown(door: Caller) -> None:
    door.desk.answer_next = "unknown"
    reply = await door.order(key="k")
    told = reply.json()
    assert (reply.status_code, told["ord_status"], told["evidence"]) == (202, "unknown", ["no answer within 5 s"])
    again = await door.order(key="k")
    assert (again.status_code, again.headers["idempotency-replayed"]) == (202, "true")


async def test_a_refusal_by_the_venue_is_a_problem_that_holds_the_order(door: Caller) -> None:
    door.desk.answer_next = "reject"
    reply = await door.order()
    told = reply.json()
    assert (reply.status_code, reply.headers["content-type"]) == (422, "application/problem+json")
    assert (told["code"], told["outcome"], told["retryable"]) == ("insufficient_funds", "refused", False)
    assert told["broker_text"] == door.desk.venue_text
    assert told["order"]["ord_status"] == "rejected"
    assert reply.headers["location"].endswith(told["order"]["id"])


async def test_an_order_that_did_not_leave_says_that_sending_again_is_safe(door: Caller) -> None:
    door.desk.answer_next = "not_sent"
    told = (await door.order()).json()
    assert (told["status"], told["code"], told["outcome"], told["retryable"]) == (
        502,
        "connection_failed",
        "not_sent",
        True,
    )


async def test_a_risk_refusal_names_its_control(door: Caller) -> None:
    reply = await door.order(quantity="1000")
    told = reply.json()
    assert (reply.status_code, told["code"], told["control"]) == (422, "risk_limit_exceeded", "max_order_notional")
    assert told["outcome"] == "not_sent"
    assert door.desk.orders() == []


async def test_an_unknown_symbol_is_refused_before_anything_is_sent(door: Caller) -> None:
    reply = await door.order(symbol="ZZZZ")
    assert (reply.status_code, reply.json()["code"]) == (422, "symbol_not_found")


async def test_a_profile_that_is_not_ready_is_503(door: Caller) -> None:
    for name in door.desk.state:
        door.desk.state[name] = SessionState.RECONCILING
    reply = await door.order()
    assert (reply.status_code, reply.json()["code"], reply.json()["retryable"]) == (503, "not_ready", True)


@pytest.mark.parametrize(
    ("changed", "pointer"),
    [
        ({"quantity": "NaN"}, "/quantity"), ({"quantity": "1e400"}, "/quantity"), ({"quantity": 1.5}, "/quantity"),
        ({"quantity": "-1"}, "/quantity"), ({"quantity": "0"}, "/quantity"), ({"quantitty": "1"}, "/quantitty"),
        ({"symbol": "AA\u0000PL"}, "/symbol"), ({"reason": "a\u0007b"}, "/reason"), ({"type": "limit"}, "/limit_price"),
        ({"side": "hold"}, "/side"), ({"notional": "5"}, "/notional"),
    ],
)  # fmt: skip
async def test_bad_input_is_422_and_names_its_member(door: Caller, changed: dict[str, Any], pointer: str) -> None:
    reply = await door.order(**changed)
    assert reply.status_code == 422
    assert pointer in [error["pointer"] for error in reply.json()["errors"]]
    assert door.desk.orders() == []


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"{", 400), (b"", 400), (b"\xff\xfe{}", 400), (b'{"a":1,"a":2}', 400), (b"[" * 20000, 400),
        (b"[" * 40 + b"]" * 40, 400), (b'{"quantity": ' + b"9" * 5000 + b"}", 400), (b"[]", 422), (b"null", 422),
        (b'{"symbol":"AAPL","side":"buy","type":"market","quantity":NaN}', 422),
        (b'{"symbol":"AAPL","side":"buy","type":"market","quantity":Infinity}', 422),
        (b'{"symbol":"AAPL","side":"buy","type":"market","quantity":1e400}', 422),
        (b'{"symbol":"AAPL","side":"buy","type":"market","quantity":"1","reason":"\\ud800"}', 422),
    ],
)  # fmt: skip
async def test_a_broken_body_is_a_problem(door: Caller, raw: bytes, status: int) -> None:
    reply = await door.http.post(ORDERS, content=raw, headers={"Content-Type": "application/json"})
    assert (reply.status_code, reply.headers["content-type"]) == (status, "application/problem+json")
    assert door.desk.orders() == []


async def test_validate_and_preview_place_nothing(door: Caller) -> None:
    body = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": "10"}
    valid = await door.http.post(f"{ORDERS}/validate", json=body)
    seen = await door.http.post(f"{ORDERS}/preview", json=body)
    assert valid.json()["ok"] is True
    assert (seen.json()["ok"], seen.json()["margin"]["initial"], seen.json()["quote"]["ask"]) == (
        True,
        "1895.2",
        "189.52",
    )
    assert (await door.http.post(f"{ORDERS}/validate", json={**body, "quantity": "x"})).status_code == 422
    assert door.desk.orders() == []


async def test_an_order_is_found_by_both_ids_and_answers_304_while_unchanged(door: Caller) -> None:
    told = await door.resting()
    found = await door.http.get(f"{ORDERS}/{told['id']}")
    by_client = await door.http.get(f"{ORDERS}/{told['cl_ord_id']}")
    assert found.json() == by_client.json() == told
    same = await door.http.get(f"{ORDERS}/{told['id']}", headers={"If-None-Match": found.headers["etag"]})
    assert (same.status_code, same.content) == (304, b"")
    door.desk.fill(door.desk.orders()[0].intent_id, price=Price(decimal_of("100")), qty=Quantity(decimal_of("4")))
    changed = await door.http.get(f"{ORDERS}/{told['id']}", headers={"If-None-Match": found.headers["etag"]})
    assert (changed.status_code, changed.json()["cum_qty"], changed.json()["leaves_qty"]) == (200, "4", "6")


async def test_a_change_and_a_cancel_may_insist_on_a_version(door: Caller) -> None:
    told = await door.resting()
    place = f"{ORDERS}/{told['id']}"
    stale = {"If-Match": '"1"'}
    assert (await door.http.patch(place, json={"limit_price": "101"}, headers=stale)).status_code == 412
    assert (await door.http.delete(place, headers=stale)).json()["code"] == "conflict"
    changed = await door.http.patch(place, json={"limit_price": "101"}, headers={"If-Match": f'"{told["version"]}"'})
    assert (changed.status_code, changed.json()["limit_price"]) == (200, "101")
    assert (await door.http.delete(place)).json()["ord_status"] == "canceled"


async def test_a_closed_order_cannot_be_cancelled_or_changed(door: Caller) -> None:
    filled = (await door.order()).json()
    place = f"{ORDERS}/{filled['id']}"
    assert (await door.http.delete(place)).status_code == 409
    assert (await door.http.patch(place, json={"quantity": "5"})).status_code == 409


async def test_cancelling_many_takes_a_filter(door: Caller) -> None:
    await door.resting()
    await door.order(symbol="BRK.B", type="limit", limit_price="1")
    assert (await door.http.delete(f"{ORDERS}?symbol=AAP")).json()["items"] == []
    done = (await door.http.delete(f"{ORDERS}?symbol=AAPL")).json()["items"]
    assert [(o["symbol"], o["ord_status"]) for o in done] == [("AAPL", "canceled")]
    assert (await door.http.delete(f"{ORDERS}?sybmol=BRK.B")).status_code == 422
    assert len((await door.http.delete(ORDERS)).json()["items"]) == 1


async def test_the_life_of_an_order_is_listed_fact_by_fact(door: Caller) -> None:
    told = (await door.order()).json()
    facts = (await door.http.get(f"{ORDERS}/{told['id']}/events")).json()["items"]
    assert [fact["kind"] for fact in facts] == ["prepared", "sending", "working", "exec"]
    assert facts[0]["data"]["order"]["order_qty"] == "10"
    assert [fact["seq"] for fact in facts] == sorted(fact["seq"] for fact in facts)


async def test_lists_come_in_pages_that_stay_right_when_orders_arrive(door: Caller) -> None:
    for _ in range(5):
        await door.order(quantity="1")
        await door.clock.advance(1)
    everything = [o["id"] for o in (await door.http.get(ORDERS)).json()["items"]]
    first = await door.http.get(f"{ORDERS}?limit=2&side=buy")
    await door.order(quantity="1")
    following = first.headers["link"].partition(">")[0].lstrip("<")
    second = await door.http.get(following)
    rest = await door.http.get(f"{ORDERS}?limit=2&cursor={second.json()['next_cursor']}")
    seen = [o["id"] for page in (first, second, rest) for o in page.json()["items"]]
    assert seen == everything
    assert rest.json()["next_cursor"] is None
    assert "link" not in rest.headers


async def test_lists_filter_and_sort(door: Caller) -> None:
    await door.order(strategy="a")
    await door.clock.advance(60)
    await door.resting()

    async def found(query: str) -> list[str]:
        return [o["ord_status"] for o in (await door.http.get(f"{ORDERS}?{query}")).json()["items"]]

    assert await found("") == ["new", "filled"]
    assert await found("sort=created_at") == ["filled", "new"]
    assert await found("status=open") == ["new"]
    assert await found("status=filled,canceled") == ["filled"]
    assert await found("strategy=a") == ["filled"]
    assert await found("side=sell") == []
    assert await found("since=2026-11-20T12:00:30Z") == ["new"]
    assert await found("until=2026-11-20T12:00:30Z") == ["filled"]
    assert await found("profile=other") == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=1001", "limit=x", "limit=1.5", "limit=٣", "cursor=!", "cursor=WzFd", "cursor=" + "W" * 401,
        "cursor=WyJ4IiwgInkiXQ", "cursor=WyIyMDI2LTAxLTAxVDAwOjAwOjAwLjAwMDAwMFoiLCAiXHVkODAwIl0",
        "status=gone", "since=yesterday", "since=9999-12-31T23:59:59Z", "sort=up", "side=BUY", "x=1", "symbol=a%00b",
    ],
)  # fmt: skip
async def test_a_wrong_query_is_422(door: Caller, query: str) -> None:
    reply = await door.http.get(f"{ORDERS}?{query}")
    assert reply.status_code == 422
    assert reply.json()["errors"][0]["pointer"].startswith("/query/")


async def test_a_list_is_csv_for_who_asks(door: Caller) -> None:
    await door.order(reason="=HYPERLINK(evil)")
    reply = await door.http.get(ORDERS, headers={"Accept": "text/csv"})
    head, row = reply.text.strip().split("\r\n")
    cells = dict(zip(head.split(","), row.split(","), strict=False))
    assert reply.headers["content-type"] == "text/csv; charset=utf-8"
    assert cells["symbol"] == "AAPL"
    assert "'=HYPERLINK(evil)" in row

"""A doubt over REST: what is known of it, and acts that are kept with who did them and why."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.api.conftest import Caller

pytestmark = pytest.mark.asyncio
ORDERS = "/api/v1/paper/orders"


async def _unknown(door: Caller) -> dict[str, Any]:
    door.desk.answer_next = "unknown"
    return (await door.order()).json()


async def test_a_doubt_is_shown_with_its_evidence_and_what_may_be_done(door: Caller) -> None:
    order = await _unknown(door)
    found = (await door.http.get(f"{ORDERS}/{order['id']}/resolution")).json()
    (asked,) = found["questions"]
    assert (found["standing"], found["order"]["id"], found["negatives"], found["needed"]) == (
        "unknown",
        order["id"],
        0,
        3,
    )
    assert (asked["source"], asked["complete"], asked["trouble"]) == ("order by our id", False, "timeout: no answer")
    allowed = {action["action"]: action["allowed"] for action in found["actions"]}
    assert allowed == {
        "ask": True,
        "attribute": False,
        "declare_not_placed": False,
        "declare_ended": False,
        "watch": True,
    }


async def test_an_act_is_kept_with_its_reason(door: Caller) -> None:
    order = await _unknown(door)
    body = {"action": "watch", "reason": "called the venue"}
    done = await door.http.post(f"{ORDERS}/{order['cl_ord_id']}/resolution", json=body)
    (taken,) = done.json()["taken"]
    assert (done.status_code, taken["action"], taken["reason"]) == (200, "watch", "called the venue")


@pytest.mark.parametrize(
    ("body", "status", "pointer"),
    [
        ({"action": "resend", "reason": "x"}, 422, "/action"),
        ({"action": "ask"}, 422, "/reason"),
        ({"action": "ask", "reason": ""}, 422, "/reason"),
        ({"action": "ask", "reason": "x", "again": True}, 422, "/again"),
    ],
)
async def test_a_wrong_member_is_named(door: Caller, body: dict[str, Any], status: int, pointer: str) -> None:
    order = await _unknown(door)
    reply = await door.http.post(f"{ORDERS}/{order['id']}/resolution", json=body)
    assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (status, pointer)


async def test_a_reason_that_is_empty_is_refused_in_plain_words(door: Caller) -> None:
    order = await _unknown(door)
    reply = await door.http.post(f"{ORDERS}/{order['id']}/resolution", json={"action": "ask", "reason": ""})
    assert reply.json()["detail"] == "/reason: must not be empty"


async def test_what_is_not_allowed_is_a_conflict_that_says_why(door: Caller) -> None:
    order = await _unknown(door)
    body = {"action": "attribute", "reason": "x", "candidate": "V9", "confirm": order["cl_ord_id"]}
    reply = await door.http.post(f"{ORDERS}/{order['id']}/resolution", json=body)
    assert (reply.status_code, reply.json()["code"]) == (409, "conflict")


async def test_nobody_knows_an_order_that_is_not_there(door: Caller) -> None:
    assert (await door.http.get(f"{ORDERS}/nope/resolution")).status_code == 404

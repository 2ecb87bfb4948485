"""Routes at the REST door, over a whole floor with two paper profiles."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support.real_floor import House, real_floor

pytestmark = pytest.mark.anyio
PAPER = '{broker = "PAPER", environment = "paper"}'
ORDER = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "limit_price": "1", "time_in_force": "gtc"}


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    async with real_floor(
        tmp_path,
        PROFILES__ONE=PAPER,
        PROFILES__TWO=PAPER,
        ROUTING__STRATEGY="failover",
        ROUTING__VENUES__TWO='{fee_bps = "1.5"}',
        FAILOVER__ENABLED="true",
        RISK='{collar_bps = "10000"}',
    ) as found:
        yield found


async def test_routes_and_standings_are_told(house: House) -> None:
    told = (await house.http.get("/api/v1/paper/routing")).json()
    assert told["rules"] == [
        {
            "name": "default", "use": "failover", "symbol": "*", "strategy": "*", "profiles": ["one", "two"],
            "active": "one", "split_most": 1,
        }
    ]  # fmt: skip
    assert [(p["profile"], p["usable"], p["demoted"], p["fee_bps"]) for p in told["profiles"]] == [
        ("one", True, "", "0"),
        ("two", True, "", "1.5"),
    ]
    assert told["failover"]["enabled"] is True


async def test_an_order_without_a_profile_is_routed_and_tells_why(house: House) -> None:
    placed = await house.http.post("/api/v1/paper/orders", json=ORDER)
    assert placed.status_code == 201, placed.text
    shown = (await house.http.get(f"/api/v1/paper/orders/{placed.json()['id']}")).json()
    assert (shown["profile"], shown["route"]) == ("one", "failover: first in order of preference that is not demoted")
    assert (shown["routing"]["strategy"], shown["routing"]["tried"]) == ("failover", ["one"])
    assert [(seen["profile"], seen["taken"]) for seen in shown["routing"]["candidates"]] == [
        ("one", True),
        ("two", False),
    ]
    assert (shown["moved_from"], shown["moved_to"]) == (None, None)


async def test_a_named_order_has_no_routing(house: House) -> None:
    placed = (await house.http.post("/api/v1/paper/orders", json=ORDER | {"profile": "two"})).json()
    assert (placed["profile"], placed["route"], placed["routing"]) == ("two", "named by the caller", None)


async def test_an_order_names_its_route_and_a_profile_of_it(house: House) -> None:
    named = ORDER | {"route": "default", "profile": "two"}
    placed = (await house.http.post("/api/v1/paper/orders", json=named)).json()
    assert (placed["profile"], placed["routing"]["rule"]) == ("two", "default")
    for wish, pointer, told in (
        ({"route": "nowhere"}, "/route", "no route 'nowhere'; there are: default"),
        ({"route": "default", "profile": "three"}, "/profile", "route default has no profile 'three'"),
        ({"broker": "KRAKEN"}, "/broker", "route default has no profile at KRAKEN; its brokers are: PAPER"),
    ):
        refused = await house.http.post("/api/v1/paper/orders", json=ORDER | wish)
        assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)
        assert told in refused.json()["detail"]


async def test_a_preview_shows_every_candidate(house: House) -> None:
    told = (await house.http.post("/api/v1/paper/orders/preview", json=ORDER)).json()
    assert told["profile"] == "one"
    assert [seen["profile"] for seen in told["candidates"]] == ["one", "two"]


async def test_a_person_demotes_a_profile_and_it_is_audited(house: House) -> None:
    wish = {"profile": "one", "demoted": True, "reason": "maintenance"}
    told = (await house.http.patch("/api/v1/paper/routing", json=wish)).json()
    placed = (await house.http.post("/api/v1/paper/orders", json=ORDER)).json()
    rows = (await house.http.get("/api/v1/audit", params={"environment": "paper", "limit": 200})).json()["items"]
    assert (told["rules"][0]["active"], told["profiles"][0]["demoted"], placed["profile"]) == (
        "two",
        "maintenance",
        "two",
    )
    assert [row["object"] for row in rows if row["action"] == "route.demote"] == ["one"]


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"demoted": True, "reason": "x"}, "/profile"),
        ({"profile": "one", "demoted": "yes", "reason": "x"}, "/demoted"),
        ({"profile": "one", "demoted": True, "reason": ""}, "/reason"),
    ],
)
async def test_a_wrong_wish_names_its_member(house: House, wish: dict[str, object], pointer: str) -> None:
    refused = await house.http.patch("/api/v1/paper/routing", json=wish)
    assert (refused.status_code, refused.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_a_split_order_is_shown_with_its_children_and_cancelled_as_one(tmp_path: Path) -> None:
    async with real_floor(
        tmp_path,
        PROFILES__ONE=PAPER,
        PROFILES__TWO=PAPER,
        ROUTING__STRATEGY="best_execution",
        ROUTING__SPLIT_MOST="2",
        RISK='{collar_bps = "10000"}',
    ) as house:
        for profile, quantity in (("one", "6"), ("two", "4")):
            body = {"symbol": "AAPL", "side": "buy", "type": "market", "quantity": quantity, "profile": profile}
            assert (await house.http.post("/api/v1/paper/orders", json=body)).status_code == 201
        sell = ORDER | {"side": "sell", "quantity": "10", "limit_price": "999"}
        seen = (await house.http.post("/api/v1/paper/orders/preview", json=sell)).json()
        placed = await house.http.post("/api/v1/paper/orders", json=sell)
        path = f"/api/v1/paper/orders/{placed.json()['id']}"
        shown = (await house.http.get(path)).json()
        child = (await house.http.get(f"/api/v1/paper/orders/{shown['children'][0]['id']}")).json()
        facts = (await house.http.get(f"{path}/events")).json()["items"]
        changed = await house.http.patch(path, json={"limit_price": "998"})
        ended = (await house.http.delete(path)).json()
    assert [(part["profile"], part["quantity"]) for part in seen["parts"]] == [("one", "6"), ("two", "4")]
    assert placed.status_code == 201, placed.text
    assert [(part["profile"], part["quantity"]) for part in shown["routing"]["parts"]] == [("one", "6"), ("two", "4")]
    assert shown["routing"]["parts"][0]["arithmetic"]["qty"] == "6"
    assert (shown["profile"], shown["ord_status"], shown["quantity"], shown["leaves_qty"]) == ("*", "new", "10", "10")
    assert [(one["part"], one["profile"], one["ord_status"]) for one in shown["children"]] == [
        (1, "one", "new"),
        (2, "two", "new"),
    ]
    assert (child["split_of"], child["profile"]) == (shown["id"], "one")
    assert {fact["kind"] for fact in facts} >= {"prepared", "sending"}
    assert (changed.status_code, changed.json()["code"]) == (409, "conflict")
    assert (ended["ord_status"], ended["is_open"]) == ("canceled", False)

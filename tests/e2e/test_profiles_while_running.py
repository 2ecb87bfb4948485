"""Profiles that come to a desk which runs, and leave it: over real sockets, with Alpaca's simulator as the venue."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from tests.conformance.venues import SIMULATED
from tests.support.whole_house import whole_house

pytestmark = pytest.mark.asyncio
VENUE = SIMULATED["ALPACA"]
PASSPHRASE = "a sentence that opens the vault"
REST = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "limit_price": "100", "time_in_force": "day"}


@dataclass
class Desk:
    """What a program does at the REST door; every answer it does not expect is an error."""

    http: httpx2.AsyncClient
    venue: Mapping[str, Any]
    keys: int = 0

    async def ask(self, method: str, path: str, *, status: int = 200, **members: Any) -> Any:
        reply = await self.http.request(method, f"/api/v1{path}", **members)
        assert reply.status_code == status, (path, reply.status_code, reply.text)
        return reply.json() if reply.content else None

    async def add(self, name: str, **changes: Any) -> Any:
        given = self.venue["credentials"]
        fields = {key: given[key] for key in ("BROKER_API_KEY", "BROKER_SECRET_KEY")} | changes.pop("fields", {})
        body = {"name": name, "broker": "ALPACA", "url": self.venue["rest"], "fields": fields, **changes}
        return await self.ask("POST", "/sim/profiles", status=201, json=body)

    async def stands(self, name: str, word: str) -> None:
        """Wait until a profile stands so: a desk that cannot log in tries again every few seconds, and may be slow."""
        told = ""
        for _ in range(500):
            told = (await self.ask("GET", f"/sim/profiles/{name}/settings"))["applies"]
            if told.partition(",")[0] == f"the desk has it: {word}":
                return
            await asyncio.sleep(0.02)
        pytest.fail(f"{name}: {told}, not {word}")

    async def names(self) -> list[str]:
        return [row["name"] for row in (await self.ask("GET", "/sim/profiles"))["items"]]

    async def order(self, profile: str, *, status: int = 201, **changes: str | None) -> Any:
        self.keys += 1
        body = REST | {"profile": profile} | changes
        return await self.ask(
            "POST", "/sim/orders", status=status, json=body, headers={"Idempotency-Key": f"key-{self.keys}"}
        )

    async def settled(self, order: Mapping[str, Any], word: str) -> Any:
        """The order once it stands so."""
        found: Any = None
        for _ in range(500):
            found = await self.ask("GET", f"/sim/orders/{order['id']}")
            if found["ord_status"] == word:
                return found
            await asyncio.sleep(0.02)
        pytest.fail(f"the order is {found['ord_status']}, not {word}")


@asynccontextmanager
async def opened(folder: Path, venue: Mapping[str, Any], token: str = "") -> AsyncIterator[Desk]:
    async with whole_house(folder) as house:
        headers = {"Authorization": f"Bearer {token or house.token}"}
        async with httpx2.AsyncClient(base_url=house.origin, headers=headers, timeout=20) as http:
            yield Desk(http, venue)


@asynccontextmanager
async def begun(folder: Path) -> AsyncIterator[tuple[Any, Desk]]:
    """Alpaca's simulator, and a desk with paper alone and an open vault."""
    async with VENUE.served() as (simulator, line), opened(folder, line) as desk:
        await desk.ask("POST", "/vault", status=201, json={"passphrase": PASSPHRASE})
        yield simulator, desk


async def test_a_profile_that_is_added_to_a_running_desk_trades_and_the_next_start_knows_its_orders(
    tmp_path: Path,
) -> None:
    async with begun(tmp_path / "home") as (simulator, desk):
        token = desk.http.headers["Authorization"].removeprefix("Bearer ")
        await desk.add("first")
        await desk.stands("first", "ready")  # and the environment has a desk now
        await desk.add("second")
        await desk.stands("second", "ready")
        assert await desk.names() == ["first", "second"]
        rests = await desk.settled(await desk.order("first"), "new")
        filled = await desk.settled(await desk.order("second", type="market", limit_price=None), "filled")
        assert (await desk.ask("POST", "/audit/verify?environment=sim"))["ok"]
        assert len(simulator.orders()) == 2
    async with opened(tmp_path / "home", desk.venue, token) as again:
        assert await again.names() == ["first", "second"]
        for order, word in ((rests, "new"), (filled, "filled")):
            assert (await again.settled(order, word))["profile"] == order["profile"]


async def test_a_profile_that_is_switched_off_is_gone_and_back_with_its_orders_when_it_is_switched_on(
    tmp_path: Path,
) -> None:
    async with begun(tmp_path / "home") as (simulator, desk):
        await desk.add("first")
        await desk.add("second")
        rests = await desk.settled(await desk.order("first"), "new")
        refused = await desk.ask("PATCH", "/sim/profiles/first", status=409, json={"enabled": False})
        assert refused["detail"].startswith("profile first has 1 open orders: cancel them first")
        assert (await desk.ask("GET", "/sim/profiles/first/settings"))["enabled"]
        await desk.settled(rests, "new")  # it was not let go
        await desk.ask("DELETE", f"/sim/orders/{rests['id']}", status=202)
        await desk.settled(rests, "canceled")
        off = await desk.ask("PATCH", "/sim/profiles/first", json={"enabled": False})
        assert (off["applies"], await desk.names()) == ("it is switched off", ["second"])
        await desk.ask("GET", f"/sim/orders/{rests['id']}", status=404)
        await desk.order("first", status=404)
        said = await desk.ask("POST", "/sim/profiles/first/connect", status=409, json={"reason": "a drill"})
        assert said["detail"].startswith("profile first is switched off")
        await desk.ask("PATCH", "/sim/profiles/first", json={"enabled": True})
        await desk.stands("first", "ready")
        assert (await desk.settled(rests, "canceled"))["profile"] == "first"
        await desk.settled(await desk.order("first", type="market", limit_price=None), "filled")
        assert [order["status"] for order in simulator.orders()] == ["canceled", "filled"]


async def test_an_account_number_that_is_given_later_is_asked_for_at_once(tmp_path: Path) -> None:
    async with begun(tmp_path / "home") as (_, desk):
        await desk.add("mine")
        await desk.stands("mine", "ready")
        number = (await desk.ask("GET", "/sim/profiles/mine/account"))["account"]
        path, right = "/sim/profiles/mine/rotate", {"fields": {"BROKER_ACCOUNT_NUMBER": number}}
        await desk.ask("POST", path, json={"fields": {"BROKER_ACCOUNT_NUMBER": "PA3ELSEWHERE"}})
        await desk.stands("mine", "degraded")
        await desk.order("mine", status=423)
        await desk.ask("POST", path, json=right)
        await desk.stands("mine", "ready")


async def test_a_wrong_key_is_told_and_the_right_one_trades_without_a_restart(tmp_path: Path) -> None:
    async with begun(tmp_path / "home") as (_, desk):
        await desk.add("mine", fields={"BROKER_SECRET_KEY": "mistyped"})
        await desk.stands("mine", "offline")
        await desk.order("mine", status=503)
        secret = desk.venue["credentials"]["BROKER_SECRET_KEY"]
        await desk.ask("POST", "/sim/profiles/mine/rotate", json={"fields": {"BROKER_SECRET_KEY": secret}})
        await desk.stands("mine", "ready")
        await desk.settled(await desk.order("mine", type="market", limit_price=None), "filled")
        await desk.ask("DELETE", "/sim/profiles/mine", status=204)
        assert await desk.names() == []
        await desk.add("mine")
        await desk.stands("mine", "ready")
        assert [row["ord_status"] for row in (await desk.ask("GET", "/sim/orders"))["items"]] == ["filled"]


async def test_a_kill_of_everything_holds_for_who_comes_after_it_until_it_is_reset(tmp_path: Path) -> None:
    async with begun(tmp_path / "home") as (simulator, desk):
        await desk.add("first")
        await desk.ask("PUT", "/sim/kill-switch", json={"level": 2, "reason": "a drill"})
        await desk.add("second")
        refused = await desk.order("second", status=423)
        assert refused["code"] == "kill_switch_on"
        await desk.ask("PUT", "/sim/kill-switch", json={"level": 0, "reason": "it is over"})
        await desk.settled(await desk.order("second"), "new")
        assert len(simulator.orders()) == 1


async def test_a_profile_written_by_hand_is_taken_up_by_connecting_it(tmp_path: Path) -> None:
    home = tmp_path / "home"
    async with begun(home) as (_, desk):
        await desk.ask("POST", "/paper/profiles/practice/connect", status=404, json={"reason": "it is not there yet"})
        (home / "floorbroker.toml").write_text('[profiles.practice]\nbroker = "PAPER"\nenvironment = "paper"\n')
        found = await desk.ask("POST", "/paper/profiles/practice/connect", json={"reason": "written by hand"})
        assert (found["name"], found["state"]) == ("practice", "ready")
        body = REST | {"profile": "practice", "type": "market", "limit_price": None}
        placed = await desk.ask("POST", "/paper/orders", status=201, json=body, headers={"Idempotency-Key": "one"})
        assert placed["profile"] == "practice"

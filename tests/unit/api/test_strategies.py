"""Bots and decisions over REST and on the page, read from the files of a home."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.home import Home
from floorbroker.app.strategies import Strategies
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.values import Environment
from floorbroker.people.identity import Scope
from floorbroker.strategy.bots import Keep, Kept
from floorbroker.web import web_page
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk
from tests.support.gate import open_gate

pytestmark = pytest.mark.asyncio
LINE = {
    "time": "2026-03-02T15:00:00.000000Z", "strategy": "sma", "bot": "trend", "profile": "paper", "act": "place", "cause": "bar",
    "order": {"symbol": "AAPL", "side": "buy", "quantity": "5", "type": "market", "time_in_force": "day"},
    "intent_id": "", "order_id": "", "ord_status": "rejected", "market_context": {"fast": "10.5"},
    "agent_reasoning": "<script>alert(1)</script>", "refused": "", "key": "k", "hash": "h",
}  # fmt: skip


def client(root: Path) -> httpx2.AsyncClient:
    clock, strategies = SystemClock(), Strategies(Home.at(root))
    desks = {Environment.PAPER: FakeDesk(clock=clock)}
    app = create_app(
        desks=desks,
        token=HashedToken(token_digest(TOKEN)),
        clock=clock,
        version="0.1.0",
        hosts=("testserver",),
        strategies=strategies,
        page=web_page(desks=desks, clock=clock, version="0.1.0", strategies=strategies),
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://testserver", headers=headers)


async def test_a_home_without_bots_has_none(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        assert (await http.get("/api/v1/strategies")).json() == {"items": [], "next_cursor": None}
        assert (await http.get("/api/v1/decisions")).json() == {"items": [], "next_cursor": None}
        assert "No bot has run" in (await http.get("/decisions")).text


async def test_bots_and_their_decisions_are_listed_newest_first_page_by_page(tmp_path: Path) -> None:
    home = Home.at(tmp_path)
    home.bots.mkdir(parents=True, exist_ok=True)
    Keep(home.bots / "trend.json").write(Kept(strategy="sma", parameters={"fast": 50}, stopped="it threw"))
    lines = [{**LINE, "key": f"k{number}", "bot": ("trend", "other")[number == 2]} for number in range(4)]
    home.decisions.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    async with client(tmp_path) as http:
        (bot,) = (await http.get("/api/v1/strategies")).json()["items"]
        assert (bot["name"], bot["state"], bot["reason"]) == ("trend", "stopped", "it threw")
        first = (await http.get("/api/v1/decisions", params={"limit": 3})).json()
        assert [one["key"] for one in first["items"]] == ["k3", "k2", "k1"]
        rest = (await http.get("/api/v1/decisions", params={"cursor": first["next_cursor"]})).json()
        assert ([one["key"] for one in rest["items"]], rest["next_cursor"]) == (["k0"], None)
        of_one = (await http.get("/api/v1/decisions", params={"strategy": "other"})).json()
        assert [one["key"] for one in of_one["items"]] == ["k2"]
        assert (await http.get("/api/v1/decisions", params={"cursor": "x"})).status_code == 422
        page = await http.get("/decisions", params={"strategy": "trend"})
        assert page.text.count("buy 5 AAPL") == 3
        assert "<script>alert(1)" not in page.text


async def test_bots_and_decisions_are_those_of_one_s_own_environments(tmp_path: Path) -> None:
    """One log holds the decisions of all; a token for paper reads no live order out of it (RELIABILITY 9, 12)."""
    home = Home.at(tmp_path)
    told = {"live": "live", "paper": "paper", "": "earlier"}  # the last as it was written before lines said where
    for environment, name in told.items():
        Keep(home.bots / f"{name}.json").write(Kept(strategy="sma", parameters={}, environment=environment))
    lines = [
        {**LINE, "bot": name, "key": name} | ({"environment": environment} if environment else {})
        for environment, name in told.items()
    ]
    home.decisions.write_text("".join(f"{json.dumps(line)}\n" for line in lines))
    async with open_gate(tmp_path) as gate, gate.client() as http:
        for environment in (Environment.PAPER, Environment.LIVE):
            who = await gate.token(Scope.READ, environment=environment)
            bots = (await http.get("/api/v1/strategies", headers=who)).json()["items"]
            read = (await http.get("/api/v1/decisions", headers=who)).json()["items"]
            assert ([one["name"] for one in bots], [one["bot"] for one in read]) == ([environment.value],) * 2
        viewer, admin = await gate.person("a-viewer"), await gate.person("a-admin")
        assert _rows_of((await http.get("/decisions", headers=viewer)).text) == {"paper"}
        assert _rows_of((await http.get("/decisions", headers=admin)).text) == {"live", "paper", "earlier"}


def _rows_of(page: str) -> set[str]:
    return {name for name in ("live", "paper", "earlier") if f"<td>{name}</td>" in page}


async def test_a_log_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    Home.at(tmp_path).decisions.write_text("nonsense\n")
    async with client(tmp_path) as http:
        assert (await http.get("/api/v1/decisions")).json()["code"] == "config_invalid"
        assert "no JSON" in (await http.get("/decisions")).text

"""Backtests over REST and on the page: asked for, run in a process of their own, kept, shown."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx2
import pytest

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.backtesting import Backtests
from floorbroker.app.home import Home
from floorbroker.app.operations import Operations
from floorbroker.app.studies import Studies
from floorbroker.backtest.kept import keep
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.values import Environment
from floorbroker.web import web_page
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk

pytestmark = pytest.mark.asyncio
BODY = {
    "strategy": "crossover", "symbols": ["SPY"], "parameters": {"fast": "5", "slow": "20"}, "cash": "50000", "fee_bps": "1",
}  # fmt: skip
IDS = [f"2026030{day}t120000-crossover-00000{day}" for day in (1, 2, 3)]
DOCUMENT = {
    "strategy": "crossover", "parameters": {"fast": 5}, "start": "2024-01-02T00:00:00Z", "end": "2025-01-02T00:00:00Z",
    "fees": "1", "income": "0", "pnl": "12.5", "equity": {"start": "100", "end": "112.5"}, "fills": [], "trips": [],
    "statistics": {"sharpe": "1.25", "trips": 3, "drawdown_percent": None},
}  # fmt: skip


@asynccontextmanager
async def client(
    root: Path, recorded: Path | None = None, *, audit: list[AuditEntry] | None = None, **room: int
) -> AsyncGenerator[httpx2.AsyncClient]:
    async def record(entry: AuditEntry) -> None:
        if audit is not None:
            audit.append(entry)

    clock, home = SystemClock(), Home.at(root)
    operations = Operations(clock)
    studies = Studies(home, Backtests(home=home, operations=operations, recorded=recorded, record=record, **room))
    desks = {Environment.PAPER: FakeDesk(clock=clock)}
    app = create_app(
        desks=desks,
        token=HashedToken(token_digest(TOKEN)),
        clock=clock,
        version="0.1.0",
        hosts=("testserver",),
        studies=studies,
        page=web_page(desks=desks, clock=clock, version="0.1.0", studies=studies),
    )
    headers = {"Authorization": f"Bearer {TOKEN}"}
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://testserver", headers=headers) as http:
        yield http
    await operations.close()


async def over(http: httpx2.AsyncClient, path: str) -> dict[str, str]:
    """Asks until the work is over; the process it runs in takes its own time."""
    async with asyncio.timeout(60):
        while (found := (await http.get(path)).json())["state"] in {"waiting", "running"}:
            await asyncio.to_thread(lambda: None)
    return found


async def test_a_backtest_runs_beside_the_desk_and_is_kept(tmp_path: Path, recorded_data: Path) -> None:
    async with client(tmp_path, recorded_data) as http:
        begun = await http.post("/api/v1/backtests", json=BODY)
        assert (begun.status_code, begun.json()["state"]) == (202, "waiting")
        found = await over(http, begun.headers["location"])
        assert (found["state"], found["detail"], found["percent"]) == ("done", "", 100)
        whole = (await http.get(found["result"])).json()
        assert (whole["asked"]["cash"], whole["result"]["equity"]["start"]) == ("50000", "50000")
        assert whole["result"]["fills"]
        drawn = (await http.get(f"/backtests/{whole['id']}")).text
        assert drawn.count("<polyline") == 2
        assert "Drawdown, percent below the high" in drawn
        (listed,) = (await http.get("/api/v1/backtests")).json()["items"]
        assert (listed["id"], listed["pnl"]) == (whole["id"], whole["result"]["pnl"])
        missing = await http.post("/api/v1/backtests", json={**BODY, "symbols": ["NOSUCH"]})
        failed = await over(http, missing.headers["location"])
        assert (failed["state"], "NOSUCH" in failed["detail"]) == ("failed", True)


async def test_a_cancelled_backtest_ends_its_process_and_keeps_nothing(tmp_path: Path, recorded_data: Path) -> None:
    async with client(tmp_path, recorded_data) as http:
        path = (await http.post("/api/v1/backtests", json=BODY)).headers["location"]
        assert (await http.delete(path)).json()["state"] == "cancelled"
        assert (await http.get(path)).json()["state"] == "cancelled"
    assert not (tmp_path / "data" / "backtests").exists()


async def test_a_start_and_a_cancel_are_in_the_audit_and_the_oldest_result_goes(
    tmp_path: Path, recorded_data: Path
) -> None:
    audit, folder = list[AuditEntry](), tmp_path / "data" / "backtests"
    for id in IDS:
        keep(folder, id, DOCUMENT, {"symbols": ["SPY"]})
    async with client(tmp_path, recorded_data, audit=audit, most=2) as http:
        refused = await http.post("/api/v1/backtests", json={**BODY, "strategy": "nosuch"})
        assert (refused.status_code, audit) == (422, [])
        found = await over(http, (await http.post("/api/v1/backtests", json=BODY)).headers["location"])
        (row,) = audit
        told = (row.actor, row.action, row.outcome, dict(row.detail))
        assert told == ("operator", "backtest.start", "done", {"strategy": "crossover", "symbols": "SPY"})
        assert found["result"].endswith(row.object)
        assert [one["id"] for one in (await http.get("/api/v1/backtests")).json()["items"]] == [row.object, IDS[2]]
        path = (await http.post("/api/v1/backtests", json=BODY)).headers["location"]
        for _ in range(2):
            await http.delete(path)
    assert [entry.action for entry in audit] == ["backtest.start", "backtest.start", "backtest.cancel"]


@pytest.mark.parametrize(
    ("change", "pointer"),
    [
        ({"strategy": "nosuch"}, "/strategy"),
        ({"strategy": "/tmp/x.py:X"}, "/strategy"),
        ({"symbols": []}, "/symbols"),
        ({"parameters": {"symbols": "SPY"}}, "/parameters"),
        ({"since": "2025-02-01", "until": "2025-01-01"}, "/since"),
        ({"cash": "-1"}, "/cash"),
    ],
)
async def test_a_wrong_ask_names_its_member(tmp_path: Path, change: dict[str, object], pointer: str) -> None:
    async with client(tmp_path, tmp_path) as http:
        reply = await http.post("/api/v1/backtests", json={**BODY, **change})
        assert (reply.status_code, reply.json()["errors"][0]["pointer"]) == (422, pointer)


async def test_without_recorded_prices_it_says_so(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        reply = await http.post("/api/v1/backtests", json=BODY)
        assert (reply.status_code, "FLOORBROKER_DATA" in reply.json()["detail"]) == (503, True)
        assert (await http.get("/api/v1/operations/nobody")).status_code == 404


async def test_kept_results_are_listed_newest_first_and_compared_on_the_page(tmp_path: Path) -> None:
    for id in IDS:
        keep(tmp_path / "data" / "backtests", id, DOCUMENT, {"symbols": ["SPY"]})
    async with client(tmp_path) as http:
        first = (await http.get("/api/v1/backtests", params={"limit": 2})).json()
        assert [one["id"] for one in first["items"]] == [IDS[2], IDS[1]]
        rest = (await http.get("/api/v1/backtests", params={"cursor": first["next_cursor"]})).json()
        assert ([one["id"] for one in rest["items"]], rest["next_cursor"]) == ([IDS[0]], None)
        page = (await http.get("/backtests")).text
        assert page.count("1.25") == 3
        assert "12.5" in (await http.get(f"/backtests/{IDS[0]}")).text
        assert (await http.get("/backtests/nosuch")).status_code == 404
        assert (await http.get("/api/v1/backtests/nosuch")).status_code == 404


CURVE = (
    ("2024-01-02T21:00:00Z", "100", "0"),
    ("2024-01-03T21:00:00Z", "90", "-10"),
    ("2024-01-04T21:00:00Z", "125", "0"),
)


async def test_results_that_are_ticked_are_drawn_on_one_scale_and_those_without_a_curve_are_left_out(
    tmp_path: Path,
) -> None:
    for id, curve in zip(IDS, (CURVE, CURVE[:2], ()), strict=True):
        keep(tmp_path / "data" / "backtests", id, DOCUMENT, {"symbols": ["SPY"]}, curve)
    async with client(tmp_path) as http:
        page = (await http.get("/backtests", params={"id": IDS})).text
        assert page.count("checked") == 3
        assert [f'<li class="line-{n}">' in page for n in (1, 2, 3)] == [True, True, False]
        assert f"{IDS[0]} from 0.0000 to 25.0000, between -10.0000 and 25.0000" in page
        assert f"{IDS[1]} from 0.0000 to -10.0000" in page
        assert "-10 to 0 %" in page
        assert "It was kept without a curve" in (await http.get(f"/backtests/{IDS[2]}")).text
        assert "no such backtest" in (await http.get("/backtests?id=nosuch")).text
        assert "FLOORBROKER_DATA" in page

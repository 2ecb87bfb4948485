"""Reports of research over REST and on the page, read from the files of a home."""

from __future__ import annotations

import json
from pathlib import Path

import httpx2
import pytest

from floorbroker.api import HashedToken, create_app, token_digest
from floorbroker.app.home import Home
from floorbroker.app.studies import Studies
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.values import Environment
from floorbroker.research.outliers import Candidate, OutlierScan
from floorbroker.research.sectors import Breadth, Rotation, Sector, SectorReport, Strength
from floorbroker.research.shelf import keep
from floorbroker.web import web_page
from tests.support.desk_server import TOKEN
from tests.support.fake_desk import FakeDesk

pytestmark = pytest.mark.asyncio
MONTH = [Strength(sessions=21, change="0.0412", excess=None)]
SECTORS = SectorReport(
    schema="floorbroker.sector_report/1", as_of="2026-03-02", universe="recorded", benchmark="SPY", source="recording",
    basis="total", sessions=280, inputs="0123456789", is_whole=True, benchmark_strength=MONTH, correlation={}, quality=[],
    sectors=[
        Sector(
            name="Energy", members=["XOM"], missing=[], coverage="1", rank=1, score="1.5", strength=MONTH,
            breadth=Breadth(above_50="0.75", above_200=None, at_high_20=None, advancing=None),
            rotation=Rotation(ratio="1.01", momentum="0.02", quadrant="leading"), volatility={}, beta_correlation=None,
            inner_correlation=None,
        )
    ],
)  # fmt: skip
OUTLIERS = OutlierScan(
    schema="floorbroker.outliers/1", week_from="2026-02-24", as_of="2026-03-02", universe="recorded", source="recording",
    basis="total", inputs="0123456789", is_whole=False, skipped={}, quality=[],
    candidates=[
        Candidate(
            rank=1, symbol="XOM", score="4", gap=None, range=None, relative_volume=None, volatility=None,
            reasons=["<b>gap</b> 4 deviations"],
        )
    ],
)  # fmt: skip


def client(root: Path) -> httpx2.AsyncClient:
    clock, studies = SystemClock(), Studies(Home.at(root))
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
    return httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://testserver", headers=headers)


async def test_a_home_without_research_says_how_to_make_some(tmp_path: Path) -> None:
    async with client(tmp_path) as http:
        assert (await http.get("/api/v1/research")).json()["items"] == []
        missing = await http.get("/api/v1/research/sectors")
        assert (missing.status_code, "floorbroker research sectors" in missing.json()["detail"]) == (404, True)
        assert (await http.get("/api/v1/research/..%2Fdesk")).status_code == 404
        assert "floorbroker research rank" in (await http.get("/research")).text


async def test_reports_are_listed_with_their_days_and_shown_whole(tmp_path: Path) -> None:
    folder = Home.at(tmp_path).data
    keep(SECTORS, folder)
    keep(OUTLIERS, folder)
    async with client(tmp_path) as http:
        listed = (await http.get("/api/v1/research")).json()["items"]
        assert [(one["name"], one["as_of"], one["is_whole"]) for one in listed] == [
            ("sectors", "2026-03-02", True),
            ("outliers", "2026-03-02", False),
        ]
        whole = (await http.get("/api/v1/research/sectors")).json()
        assert whole["report"]["sectors"][0]["rotation"]["quadrant"] == "leading"
        page = (await http.get("/research")).text
        assert "Energy" in page
        assert "0.0412" in page
        assert "&lt;b&gt;gap&lt;/b&gt; 4 deviations" in page


@pytest.mark.parametrize("raw", ["nonsense", json.dumps([1])])
async def test_a_file_that_is_no_report_is_said(tmp_path: Path, raw: str) -> None:
    folder = Home.at(tmp_path).data
    folder.mkdir()
    (folder / "sector_report.json").write_text(raw)
    async with client(tmp_path) as http:
        reply = await http.get("/api/v1/research/sectors")
        assert (reply.status_code, reply.json()["code"]) == (503, "config_invalid")
        assert "sector_report.json" in (await http.get("/research")).text

"""Reports of sectors: figures that can be worked out by hand, bytes that never differ, and nothing missing in silence."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from floorbroker.domain.errors import NotFound, RateLimitExceeded
from floorbroker.marketdata.cache import direct
from floorbroker.marketdata.providers.recording import RecordedHistory
from floorbroker.research import RECORDED, Panel, SectorAnalyzer, load_panel
from floorbroker.research.sectors import SectorReport
from floorbroker.research.seeded import SeededSectors
from floorbroker.research.shelf import encoded, history, keep, schema_of
from floorbroker.tape import load
from tests.unit.research.conftest import SMALL, Lines

FIRST, LAST = date(2024, 1, 2), date(2025, 3, 3)
GAINS = {"MKT": 5, "ENEA": -10, "ENEB": -10, "TECA": 20, "TECB": 20, "TECC": 20}
pytestmark = pytest.mark.asyncio


async def panel_of(source: object, universe: object = SMALL) -> Panel:
    return await load_panel(direct(source), universe.symbols, first=FIRST, last=LAST)  # type: ignore[attr-defined, arg-type]


async def test_straight_lines_have_the_figures_they_must_have() -> None:
    report = SectorAnalyzer(SMALL).report(await panel_of(Lines(GAINS)))
    best, worst = report.sectors
    assert (best.name, best.rank, worst.name, worst.rank) == ("Technology", 1, "Energy", 2)
    assert report.is_whole
    month = best.strength[2]
    assert float(month.change or 0) == pytest.approx(1.002**21 - 1, abs=2e-5)
    assert float(month.excess or 0) == pytest.approx(1.002**21 - 1.0005**21, abs=2e-5)
    assert (best.breadth.above_50, worst.breadth.above_200) == ("1.000000", "0.000000")
    assert (best.breadth.at_high_20, worst.breadth.advancing) == ("1.000000", "0.000000")
    assert float(best.volatility["days_63"] or 1) < 0.001
    assert best.rotation.quadrant == "leading"
    assert float(worst.rotation.ratio or 2) < 1
    assert report.correlation["Energy"]["Energy"] == "1.000000"


async def test_the_same_input_gives_the_same_bytes_and_fits_the_schema(tmp_path: Path) -> None:
    reports = [
        SectorAnalyzer(SMALL).report(await panel_of(SeededSectors(3, SMALL, first=FIRST))) for _ in range(2)
    ]  # fmt: skip
    assert encoded(reports[0]) == encoded(reports[1])
    other = SectorAnalyzer(SMALL).report(await panel_of(SeededSectors(4, SMALL, first=FIRST)))
    assert other.inputs != reports[0].inputs
    document = json.loads(encoded(reports[0]))
    jsonschema.validate(document, schema_of(SectorReport))
    path = keep(reports[0], tmp_path)
    keep(other, tmp_path)
    assert path == tmp_path / "sector_report.json"
    assert len(history(SectorReport, tmp_path)) == 2
    assert path.read_bytes() == encoded(other)


async def test_a_symbol_that_cannot_be_had_is_named_and_halves_nothing_in_silence() -> None:
    source = Lines(GAINS, errors={"TECB": RateLimitExceeded("429"), "ENEA": RateLimitExceeded("429")})
    report = SectorAnalyzer(SMALL).report(await panel_of(source))
    technology = next(one for one in report.sectors if one.name == "Technology")
    assert (technology.missing, technology.coverage[:4], report.is_whole) == (["TECB"], "0.66", False)
    assert [(one.symbol, one.kind) for one in report.quality] == [("ENEA", "rate_limited"), ("TECB", "rate_limited")]
    both = Lines(GAINS, errors={name: RateLimitExceeded("429") for name in ("TECA", "TECB")})
    poor = SectorAnalyzer(SMALL).report(await panel_of(both))
    unknown = next(one for one in poor.sectors if one.name == "Technology")
    assert (unknown.rank, unknown.score, unknown.rotation.quadrant) == (None, None, "unknown")
    assert {one.change for one in unknown.strength} == {None}


async def test_a_hole_is_in_the_report() -> None:
    report = SectorAnalyzer(SMALL).report(await panel_of(Lines(GAINS, left_out={"TECA": {LAST}})))
    assert [(one.symbol, one.kind, one.detail) for one in report.quality] == [("TECA", "hole", LAST.isoformat())]
    assert not report.is_whole


async def test_a_day_is_seen_as_it_was_on_its_evening() -> None:
    panel = await panel_of(SeededSectors(3, SMALL, first=FIRST))
    day = panel.days[-40]
    early = await load_panel(
        direct(SeededSectors(3, SMALL, first=FIRST)), SMALL.symbols, first=FIRST, last=day, basis="splits"
    )
    late = await load_panel(
        direct(SeededSectors(3, SMALL, first=FIRST)), SMALL.symbols, first=FIRST, last=LAST, basis="splits"
    )
    reports = [SectorAnalyzer(SMALL).report(one, as_of=day) for one in (early, late)]
    assert [one.strength for one in reports[0].sectors] == [one.strength for one in reports[1].sectors]
    with pytest.raises(NotFound):
        SectorAnalyzer(SMALL).report(panel, as_of=date(2020, 1, 1))


async def test_recorded_sectors_rank_as_the_spring_of_2021_had_them(recorded_data: Path) -> None:
    reader = direct(RecordedHistory(load(recorded_data)))
    panel = await load_panel(reader, RECORDED.symbols, first=date(2020, 1, 2), last=date(2021, 3, 31))
    report = SectorAnalyzer(RECORDED).report(panel)
    assert [one.name for one in report.sectors][:2] == ["Financials", "Energy"]
    assert report.sectors[-1].name == "Technology"
    assert report.is_whole, report.quality

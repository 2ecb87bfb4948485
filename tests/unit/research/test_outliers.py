"""Weekly candidates: what was planted is found, with its reason; who cannot be judged is named."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.errors import NotFound, SymbolNotFound
from floorbroker.marketdata.cache import direct
from floorbroker.marketdata.history import Row
from floorbroker.marketdata.providers.recording import RecordedHistory
from floorbroker.research import RECORDED, Panel, load_panel, scan_outliers
from floorbroker.research.seeded import SeededSectors
from floorbroker.research.shelf import encoded
from floorbroker.tape import load
from tests.unit.research.conftest import SMALL, Lines

FIRST, LAST = date(2024, 1, 2), date(2025, 3, 7)
pytestmark = pytest.mark.asyncio


async def calm() -> Panel:
    return await load_panel(direct(SeededSectors(3, SMALL, first=FIRST)), SMALL.symbols, first=FIRST, last=LAST)


def planted(panel: Panel, symbol: str, back: int, **factors: str) -> Panel:
    """The same with one bar changed: its members multiplied."""
    column = list(panel.rows[symbol])
    row = column[-back]
    assert isinstance(row, Row)
    changed = {name: getattr(row, name) * Decimal(text) for name, text in factors.items()}
    column[-back] = replace(row, **changed)
    return Panel(panel.source, panel.basis, panel.days, {**panel.rows, symbol: tuple(column)})


@pytest.mark.parametrize(
    ("factors", "figure", "told"),
    [
        ({"open": "1.2", "high": "1.3"}, "gap", "opened +"),
        ({"high": "1.5"}, "range", "moved within"),
        ({"volume": "40"}, "relative_volume", "times its usual volume"),
        ({"open": "1.4", "high": "1.5", "close": "1.4"}, "volatility", "volatility of"),
    ],
)
async def test_what_was_planted_is_found_with_its_reason(factors: dict[str, str], figure: str, told: str) -> None:
    scan = scan_outliers(planted(await calm(), "TECB", 3, **factors), SMALL)
    first = scan.candidates[0]
    assert (first.symbol, first.rank) == ("TECB", 1)
    assert any(told in reason for reason in first.reasons)
    assert float(getattr(first, figure).deviations) > 2


async def test_the_same_week_gives_the_same_bytes() -> None:
    scans = [scan_outliers(await calm(), SMALL) for _ in range(2)]
    assert encoded(scans[0]) == encoded(scans[1])


async def test_who_cannot_be_judged_is_named_with_the_reason() -> None:
    gains = dict.fromkeys(SMALL.symbols, 3)
    source = Lines(gains, errors={"TECA": SymbolNotFound("nobody knows TECA")}, left_out={"ENEA": {LAST}})
    scan = scan_outliers(await load_panel(direct(source), SMALL.symbols, first=FIRST, last=LAST), SMALL)
    assert set(scan.skipped) == {"TECA", "ENEA"}
    assert {one.kind for one in scan.quality} == {"unknown_symbol", "hole"}
    assert not scan.is_whole
    short = await load_panel(direct(Lines(gains)), SMALL.symbols, first=date(2025, 1, 2), last=LAST)
    assert "weeks of its past" in scan_outliers(short, SMALL).skipped["ENEB"]
    with pytest.raises(NotFound):
        scan_outliers(short, SMALL, as_of=date(2024, 12, 31))


async def test_the_crash_of_2020_is_full_of_them(recorded_data: Path) -> None:
    reader = direct(RecordedHistory(load(recorded_data)))
    panel = await load_panel(reader, RECORDED.symbols, first=date(2018, 11, 1), last=date(2020, 3, 13))
    scan = scan_outliers(panel, RECORDED)
    assert (scan.week_from, scan.candidates[0].symbol) == ("2020-03-09", "BNO")
    assert scan.candidates[0].reasons[0].startswith("opened -21.7% from the close before on 2020-03-09")
    assert len(scan.candidates) == 13

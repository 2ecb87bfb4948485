"""Target weights: within their bounds, from whole returns alone, the same each time."""

from __future__ import annotations

import asyncio
from datetime import date
from decimal import Decimal

import pytest

from floorbroker.domain.errors import InvalidRequest
from floorbroker.marketdata.cache import direct
from floorbroker.research import Panel, load_panel
from floorbroker.research.allocation import METHODS, Bounds, Method, allocate, whole_returns
from floorbroker.research.seeded import SeededSectors
from tests.unit.research.conftest import SMALL, Lines

FIRST, LAST = date(2024, 1, 2), date(2024, 12, 31)
D = Decimal


@pytest.fixture(scope="module")
def panel() -> Panel:
    source = SeededSectors(3, SMALL, first=FIRST)
    return asyncio.run(load_panel(direct(source), SMALL.symbols, first=FIRST, last=LAST))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_weights_keep_their_bounds_and_are_the_same_each_time(panel: Panel, method: Method) -> None:
    pytest.importorskip("skfolio", reason="the extra research is not installed")
    bounds = Bounds(most=D("0.3"), sector_most=D("0.6") if method != "hierarchical" else D(1))
    found = allocate(panel, SMALL, method=method, sessions=200, bounds=bounds)
    weights = {name: D(text) for name, text in found.weights.items()}
    assert set(weights) == set(SMALL.members)
    assert all(0 <= one <= D("0.3") for one in weights.values())
    assert sum(weights.values()) + D(found.cash) == 1
    assert D(found.cash) < D("0.001")
    assert all(D(one) <= bounds.sector_most for one in found.sectors.values())
    assert allocate(panel, SMALL, method=method, sessions=200, bounds=bounds) == found


def test_a_symbol_with_a_hole_is_left_out_by_name() -> None:
    source = Lines(dict.fromkeys(SMALL.symbols, 3), left_out={"TECA": {date(2024, 12, 2)}})
    panel = asyncio.run(load_panel(direct(source), SMALL.symbols, first=FIRST, last=LAST))
    returns, left_out = whole_returns(panel, SMALL.members, 100)
    assert "TECA" not in returns
    assert left_out == {"TECA": "2 of 100 daily returns are missing"}
    with pytest.raises(InvalidRequest, match="fewer than 2"):
        whole_returns(panel, SMALL.members, 100_000)


@pytest.mark.parametrize(
    ("bounds", "method", "told"),
    [
        (Bounds(most=D("0.1")), "risk_parity", "less than the whole"),
        (Bounds(least=D("0.3")), "risk_parity", "more than the whole"),
        (Bounds(least=D("0.5"), most=D("0.4")), "risk_parity", "the least below the most"),
        (Bounds(sector_most=D("0.4")), "risk_parity", "2 sectors"),
        (Bounds(sector_most=D("0.6")), "hierarchical", "know no bound of sectors"),
        (Bounds(), "alchemy", "mean_variance, risk_parity, hierarchical"),
    ],
)
def test_bounds_that_cannot_be_kept_are_told_before_anything_is_solved(
    panel: Panel, bounds: Bounds, method: Method, told: str
) -> None:
    with pytest.raises(InvalidRequest, match=told):
        allocate(panel, SMALL, method=method, sessions=200, bounds=bounds)

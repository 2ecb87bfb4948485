"""Fixtures of the conformance suite, and the choice of tests by capability."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from floorbroker.brokers.registry import BROKERS
from tests.conformance.desk import Desk, Venue, open_desk
from tests.conformance.venues import VENUES


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs once for each broker that has a venue here."""
    if "venue" in metafunc.fixturenames:
        metafunc.parametrize("code", sorted(VENUES), indirect=True)


@pytest.fixture
def code(request: pytest.FixtureRequest) -> str:
    """The broker under test; skips what it does not claim."""
    name: str = request.param
    for marker in request.node.iter_markers("needs"):
        missing = [can.value for can in marker.args if can not in BROKERS[name].can]
        if missing:
            pytest.skip(f"{name} does not claim {', '.join(missing)}")
    return name


@pytest_asyncio.fixture
async def venue(code: str) -> AsyncGenerator[Venue]:
    async with VENUES[code]() as running:
        await running.set_price("AAPL", "199.90", "200.10")
        await running.set_price("MSFT", "399.90", "400.10")
        yield running


@pytest_asyncio.fixture
async def desk(venue: Venue, tmp_path: Path) -> AsyncGenerator[Desk]:
    async with open_desk(venue, tmp_path) as running:
        yield running

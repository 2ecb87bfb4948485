"""Fixtures of the conformance suite, and the choice of tests by what a venue can do and what is traded there."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
import pytest_asyncio

from floorbroker.domain.capability import Can
from floorbroker.domain.values import OrderType, TimeInForce
from tests.conformance.desk import Desk, Venue, open_desk
from tests.conformance.venues import VENUES, Entry


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Every test runs once for each venue here."""
    if "venue" in metafunc.fixturenames:
        metafunc.parametrize("entry", sorted(VENUES), indirect=True)


@pytest.fixture
def entry(request: pytest.FixtureRequest) -> Entry:
    """The venue under test; skips what it does not claim."""
    name: str = request.param
    found = VENUES[name]
    for marker in request.node.iter_markers("needs"):
        missing = [word.value for word in marker.args if not _has(found, word)]
        if missing:
            pytest.skip(f"{name} does not claim {', '.join(missing)}")
    return found


def _has(entry: Entry, word: Can | OrderType | TimeInForce) -> bool:
    """An ability, or a type of order or a time in force of what is traded there."""
    if isinstance(word, TimeInForce):
        return word in entry.info.tifs.get(entry.goods.asset_class, ())
    if isinstance(word, OrderType):
        return word in entry.info.order_types.get(entry.goods.asset_class, ())
    if (word is Can.SHORT and not entry.goods.can_short) or (word is Can.NOTIONAL and not entry.goods.by_money):
        return False
    return word in entry.info.can


@pytest_asyncio.fixture
async def venue(entry: Entry) -> AsyncGenerator[Venue]:
    async with entry.open() as running:
        await running.set_price(entry.goods.symbol, "199.90", "200.10")
        await running.set_price(entry.goods.other, "399.90", "400.10")
        yield running


@pytest_asyncio.fixture
async def desk(venue: Venue, tmp_path: Path) -> AsyncGenerator[Desk]:
    async with open_desk(venue, tmp_path) as running:
        yield running

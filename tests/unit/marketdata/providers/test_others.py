"""Venues and recordings behind the same interface."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.errors import NotSupported, SymbolNotFound
from floorbroker.domain.values import Environment
from floorbroker.marketdata.calendars import day_start
from floorbroker.marketdata.history import DAY_S
from floorbroker.marketdata.providers.recording import RecordedHistory
from floorbroker.marketdata.providers.venue import VenueHistory
from floorbroker.tape import load

START = datetime(2024, 1, 1, tzinfo=UTC)
pytestmark = pytest.mark.asyncio


def facts(*can: Can) -> BrokerInfo:
    return BrokerInfo(
        code="ACME", folder="acme", name="Acme", environments=(Environment.SIM,), can=frozenset(can), order_types={}, tifs={}
    )  # fmt: skip


@dataclass
class Venue:
    """A broker with minutes for two days."""

    info: BrokerInfo
    asked: list[datetime] = field(default_factory=list)

    async def get_bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int) -> BarSeries:
        self.asked.append(start)
        series = BarSeries(symbol, span_s=span_s, price_decimals=0)
        at = start
        while at < START + timedelta(days=2) and len(series) < limit:
            series.append_scaled(at, (1, 1, 1, 1), 1)
            at += timedelta(seconds=span_s)
        return series


async def test_a_venue_is_asked_page_by_page() -> None:
    venue: Any = Venue(facts(Can.HISTORY_BARS))
    source = VenueHistory(venue)
    told = await source.bars("BTC/USD", span_s=60, start=START, end=START + timedelta(minutes=1_500))
    assert (source.name, len(told.rows), len(venue.asked)) == ("acme", 1_500, 2)
    with pytest.raises(NotSupported):
        await source.actions("BTC/USD", start=START, end=START)


async def test_a_venue_without_history_is_refused() -> None:
    venue: Any = Venue(facts())
    with pytest.raises(NotSupported, match="Acme"):
        VenueHistory(venue)


async def test_a_recording_has_days_hours_minutes_and_actions(recorded_data: Path) -> None:
    source = RecordedHistory(load(recorded_data))
    start, end = day_start("IBM", date(2013, 10, 7)), day_start("IBM", date(2013, 10, 8))
    (day,) = (await source.bars("IBM", span_s=DAY_S, start=start, end=end)).rows
    assert day.close > Decimal(100)
    assert len((await source.bars("IBM", span_s=60, start=start, end=end)).rows) > 380
    assert 6 <= len((await source.bars("IBM", span_s=3_600, start=start, end=end)).rows) <= 16
    assert len(await source.actions("IBM", start=start - timedelta(days=365), end=end)) == 4
    with pytest.raises(SymbolNotFound):
        await source.bars("NOBODY", span_s=DAY_S, start=start, end=end)
    with pytest.raises(NotSupported):
        await source.bars("IBM", span_s=7, start=start, end=end)

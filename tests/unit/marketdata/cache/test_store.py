"""The cache: asked once, exact, honest about what is missing, and never bigger than it may be."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("polars", reason="the extra data is not installed")

from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import FloorbrokerError, RateLimitExceeded, SymbolNotFound
from floorbroker.marketdata.cache import Store, direct, view_of
from floorbroker.marketdata.cache.files import folder_name
from floorbroker.marketdata.cache.manifest import Manifest, Span
from floorbroker.marketdata.calendars import day_start, sessions
from floorbroker.marketdata.history import DAY_S, Row, Told

NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
START, END = day_start("AAPL", date(2024, 12, 20)), day_start("AAPL", date(2025, 1, 10))


@dataclass
class Scripted:
    """A source whose days are `10.01` plus the day of the month, but for what the test spoils."""

    name: str = "scripted"
    asked: list[tuple[date, date]] = field(default_factory=list)
    left_out: set[date] = field(default_factory=set)
    errors: list[FloorbrokerError] = field(default_factory=list)
    shift: str = "0"

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        self.asked.append((start.date(), end.date()))
        if self.errors:
            raise self.errors.pop(0)
        days = [day for day in sessions(symbol, start, end) if day not in self.left_out]
        return Told(rows=tuple(self.row(symbol, day) for day in days))

    def row(self, symbol: str, day: date) -> Row:
        close = Decimal("10.01") + day.day + Decimal(self.shift)
        return Row(
            start=day_start(symbol, day), open=close, high=close + 1, low=close - 1, close=close, volume=Decimal("7.5")
        )  # fmt: skip

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Any:
        if self.errors:
            raise self.errors.pop(0)
        split = Split(symbol=symbol, day=date(2025, 1, 2), shares_from=Decimal(1), shares_to=Decimal(2))
        return (split, Dividend(symbol=symbol, day=date(2025, 1, 6), amount=Decimal("0.10")))

    async def close(self) -> None:
        """Nothing is open."""


class House:
    def __init__(self, folder: Path, **settings: Any) -> None:
        self.source, self.clock, self.folder = Scripted(), ManualClock(NOW), folder
        self.store = Store(self.source, folder, clock=self.clock, **settings)

    async def ask(self, symbol: str = "AAPL", start: datetime = START, end: datetime = END) -> Any:
        return await self.store.bars(symbol, span_s=DAY_S, start=start, end=end)


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path / "data")


@pytest.mark.asyncio
async def test_what_was_asked_for_once_is_read_from_disk(house: House) -> None:
    first, again = await house.ask(), await house.ask()
    assert [list(one.bars) for one in (first, again)] == [list(first.bars)] * 2
    assert (len(first.bars), first.bars[0].close, first.bars[0].volume) == (12, Decimal("30.01"), Decimal("7.5"))
    assert (first.troubles, again.troubles, len(house.source.asked)) == ((), (), 1)
    await house.ask(start=START - timedelta(days=10), end=END + timedelta(days=10))
    assert house.source.asked[1:] == [(date(2024, 12, 10), date(2024, 12, 20)), (date(2025, 1, 10), date(2025, 1, 20))]


@pytest.mark.asyncio
async def test_a_source_that_does_not_answer_leaves_a_named_gap_that_is_asked_for_again(house: House) -> None:
    house.source.errors = [RateLimitExceeded("Polygon answered 429")]
    missing = await house.ask()
    assert [(one.kind, one.detail) for one in missing.troubles] == [("rate_limited", "Polygon answered 429")]
    assert (missing.is_whole, len(missing.bars)) == (False, 0)
    assert (await house.ask()).is_whole
    house.source.errors = [SymbolNotFound("nobody knows NOBODY")]
    assert [one.kind for one in (await house.ask("NOBODY")).troubles] == ["unknown_symbol"]


@pytest.mark.asyncio
async def test_a_hole_is_told_each_time_and_not_asked_for_each_time(house: House) -> None:
    house.source.left_out = {date(2025, 1, 3)}
    for _ in range(2):
        history = await house.ask()
        assert [(one.kind, one.detail) for one in history.troubles] == [("hole", "2025-01-03")]
    assert len(house.source.asked) == 1


@pytest.mark.asyncio
async def test_the_newest_days_are_asked_for_again_and_a_revision_is_told(house: House) -> None:
    start, end = NOW - timedelta(days=20), NOW + timedelta(days=5)
    await house.ask(start=start, end=end)
    await house.ask(start=start, end=end)
    assert len(house.source.asked) == 1
    await house.clock.advance(7_200)
    house.source.shift = "0.5"
    history = await house.ask(start=start, end=end)
    assert house.source.asked[1][0] == (NOW - timedelta(days=4)).date()
    assert [one.kind for one in history.troubles] == ["revised"]
    assert history.bars[-1].close == Decimal("12.51")  # the second of March
    assert history.bars[0].close == Decimal("21.01")


@pytest.mark.asyncio
async def test_a_file_that_somebody_changed_is_asked_for_again(house: House) -> None:
    await house.ask()
    (path,) = house.folder.rglob("2024.parquet")
    path.write_bytes(path.read_bytes()[:-7] + b"garbage")
    history = await house.ask()
    assert len(history.bars) == 12
    assert {one.kind for one in history.troubles} == {"revised"}
    assert len(house.source.asked) == 2
    assert (await house.ask()).is_whole
    (manifest,) = house.folder.rglob("manifest.json")
    manifest.write_text("{")
    assert len((await house.ask()).bars) == 12


@pytest.mark.asyncio
async def test_the_series_read_longest_ago_goes_first(tmp_path: Path) -> None:
    house = House(tmp_path / "data")
    for symbol in ("AAPL", "IBM", "SPY"):
        await house.ask(symbol)
        await house.clock.advance(1)
    await house.ask("AAPL")
    small = Store(house.source, house.folder, clock=house.clock, budget_bytes=house.store.bytes_used * 3 // 4)
    await house.clock.advance(1)
    await small.bars("AAPL", span_s=DAY_S, start=START, end=END)
    assert [one.rpartition("/")[2] for one in small.evicted] == ["IBM"]


@pytest.mark.asyncio
async def test_a_view_is_adjusted_and_says_when_actions_are_old(house: House) -> None:
    view = await view_of(house.store, "AAPL", span_s=DAY_S, start=START, end=END)
    raw = await view_of(house.store, "AAPL", span_s=DAY_S, start=START, end=END, basis="raw")
    assert raw.rows[0].close == Decimal("30.01")
    before = raw.rows[raw.days.index(date(2025, 1, 3))].close
    assert view.rows[0].close == (raw.rows[0].close / 2 * (1 - Decimal("0.10") / before)).quantize(Decimal("1e-8"))
    then = await view_of(house.store, "AAPL", span_s=DAY_S, start=START, end=END, until=date(2025, 1, 1))
    assert then.rows[0].close == raw.rows[0].close
    await house.clock.advance(200_000)
    house.source.errors = [RateLimitExceeded("429"), RateLimitExceeded("429")]
    stale = await view_of(house.store, "AAPL", span_s=DAY_S, start=START, end=NOW)
    assert "2026-03-02 are used" in " ".join(one.detail for one in stale.troubles)


@pytest.mark.asyncio
async def test_without_a_cache_the_same_is_told(house: House) -> None:
    house.source.errors = [RateLimitExceeded("429")]
    view = await view_of(direct(house.source), "AAPL", span_s=DAY_S, start=START, end=END, basis="raw")
    assert [one.kind for one in view.troubles] == ["rate_limited"]
    whole = await view_of(direct(house.source), "AAPL", span_s=DAY_S, start=START, end=END)
    assert (len(whole.rows), whole.troubles) == (12, ())


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(1, 20)), max_size=8), st.integers(0, 60), st.integers(1, 20))
def test_ranges_that_were_asked_for_and_missing_ones_make_up_the_whole(
    spans: list[tuple[int, int]], first: int, length: int
) -> None:
    base = datetime(2025, 1, 1, tzinfo=UTC)
    manifest = Manifest(source="s", symbol="X", span_s=60)
    for low, count in spans:
        manifest.add(
            Span(
                start=base + timedelta(hours=low), end=base + timedelta(hours=low + count), fetched_at=NOW, rows=0,
                digest="",
            )
        )  # fmt: skip
    covered = {hour for low, count in spans for hour in range(low, low + count)}
    start = base + timedelta(hours=first)
    gaps = manifest.missing(start, start + timedelta(hours=length), now=NOW)
    found = {
        int((low - base) / timedelta(hours=1)) + n
        for low, high in gaps
        for n in range(int((high - low) / timedelta(hours=1)))
    }
    assert found == set(range(first, first + length)) - covered


def test_symbols_have_folders_that_are_never_alike() -> None:
    names = ["BTC/USD", "BTC_USD", "BTC.USD", "BTC USD", "btc/usd"]
    assert len({folder_name(name) for name in names}) == len(names)
    assert folder_name("../x") == ".._2fx"

"""What a bot is shown of the time before it heard the market: whole bars, and enough of them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import NotSupported
from floorbroker.domain.ports import NoLog
from floorbroker.domain.records import Trade
from floorbroker.domain.values import Price
from floorbroker.matching import XNYS
from floorbroker.strategy.bots import Closed, Purse, Running

pytestmark = pytest.mark.asyncio
MINUTE = timedelta(minutes=1)
MONDAY = datetime(2026, 3, 2, 14, 31, tzinfo=UTC)  # a minute after New York's open


def bar(start: datetime, price: int) -> Bar:
    one = Price(Decimal(price))
    return Bar(symbol="SPY", start=start, open=one, high=one, low=one, close=one, volume=Decimal(5))


@dataclass
class Desk:
    """Keeps bars of core sessions as a venue does: of those that are asked for, the first."""

    clock: ManualClock
    keeps: int | None = None  # bars; for more it refuses
    take: Callable[[Any], object] | None = None
    asked: list[tuple[datetime, datetime]] = field(default_factory=list[tuple[datetime, datetime]])

    async def bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int, profile: Any
    ) -> BarSeries:
        del symbol, profile
        self.asked.append((start, end))
        span = timedelta(seconds=span_s)
        if self.keeps is not None and (end - start) / span > self.keeps:
            raise NotSupported("begin later")
        series = BarSeries("SPY", span_s=span_s, price_decimals=2)
        at = start if start.microsecond == 0 and start.second == 0 else start.replace(second=0, microsecond=0) + span
        while at < min(end, self.clock.now()) and len(series) < limit:
            if XNYS.is_open(at):
                series.append(bar(at, 100))
            at += span
        return series

    async def subscribe_market_data(self, symbols: Any, take: Callable[[Any], object], **more: Any) -> Any:
        del symbols, more
        self.take = take

        async def close() -> None: ...

        return SimpleNamespace(close=close)

    async def events(self, **more: Any) -> AsyncIterator[Any]:
        del more
        await asyncio.Event().wait()
        yield


@dataclass
class Shown:
    """As much of a bot as is driven."""

    name: str = "shown"
    history: list[Closed] = field(default_factory=list[Closed])
    bars: list[Closed] = field(default_factory=list[Closed])
    next_timer: datetime | None = None

    def __post_init__(self) -> None:
        self.kept = SimpleNamespace(handled={})
        self.spec = SimpleNamespace(calendar="XNYS")
        self.clerk = SimpleNamespace(stir=lambda: None)
        self.host = SimpleNamespace(close=self.look)

    async def begin(self, history: list[Closed]) -> None:
        self.history = history

    async def bar(self, closed: Closed) -> None:
        if closed not in self.history:
            self.bars.append(closed)

    async def look(self) -> None: ...

    adopt = stop = look

    async def trade(self, trade: Trade) -> None: ...


class Account:
    profile = None
    is_stale = False

    async def purse(self) -> Purse:
        return Purse(cash=Decimal(1), equity=Decimal(1), held={})

    async def close(self) -> None: ...


async def told(desk: Desk, *trades: tuple[float, int]) -> Shown:
    """A bot that hears so many seconds after its start of trades at prices."""
    shown, clock = Shown(), desk.clock
    running = Running(
        bot=cast("Any", shown), desk=cast("Any", desk), holdings=cast("Any", Account()), symbols=["SPY"], span=MINUTE,
        clock=clock, log=NoLog(),
    )  # fmt: skip
    task = asyncio.create_task(running.run())
    await asyncio.wait_for(running.woken.wait(), timeout=10)
    begun = clock.now()
    for after_s, price in trades:
        at = begun + timedelta(seconds=after_s)
        await clock.advance((at - clock.now()).total_seconds())
        trade = Trade(symbol="SPY", price=Price(Decimal(price)), size=Decimal(1), time=at)
        assert desk.take is not None
        desk.take(SimpleNamespace(event=trade))
        for _ in range(20):
            await asyncio.sleep(0)
    running.stop.set()
    await clock.advance(2)
    await asyncio.wait_for(task, timeout=10)
    return shown


async def test_a_bar_that_began_before_the_market_was_heard_is_the_venues_own() -> None:
    desk = Desk(ManualClock(MONDAY + timedelta(minutes=60, seconds=45)))
    shown = await told(desk, (5, 107), (16, 108), (76, 109))
    first, second = shown.bars
    assert (first.bar.start, first.bar.close, first.bar.volume) == (MONDAY + 60 * MINUTE, 100, 5)  # not 107, and 1
    assert (second.bar.start, second.bar.close, second.bar.volume) == (MONDAY + 61 * MINUTE, 108, 1)


async def test_a_bar_that_nobody_tells_whole_is_not_shown() -> None:
    desk = Desk(ManualClock(MONDAY + timedelta(minutes=60, seconds=45)), keeps=0)
    shown = await told(desk, (5, 107), (16, 108), (76, 109))
    assert [closed.bar.close for closed in shown.bars] == [108]


async def test_on_a_monday_morning_history_reaches_over_the_weekend() -> None:
    shown = await told(Desk(ManualClock(MONDAY)))
    assert len(shown.history) == 1_000
    assert shown.history[-1].end == MONDAY
    assert shown.history[0].bar.start == datetime(2026, 2, 25, 17, 21, tzinfo=UTC)  # 219 minutes of that Wednesday


async def test_a_venue_that_keeps_fewer_bars_is_asked_for_fewer() -> None:
    shown = await told(Desk(ManualClock(MONDAY + 300 * MINUTE), keeps=720))
    assert len(shown.history) == 100  # five hundred would reach over the weekend, too

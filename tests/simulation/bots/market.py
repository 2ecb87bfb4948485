"""The market as the bot hears it, and the desk as it reaches it: prices come from a tape that no fault touches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.errors import NotReady
from floorbroker.domain.orders import NewOrder
from floorbroker.domain.records import Quote
from floorbroker.domain.values import Price
from floorbroker.gateway.desk import OrderFilter, Submitted
from floorbroker.gateway.feeds import Tick
from floorbroker.gateway.gateway import Gateway
from tests.simulation.bots.trader import NAME, SPAN_S
from tests.simulation.loop import SimulatedLoop
from tests.simulation.places import PROFILE
from tests.simulation.schedule import ACTIVE_S, TICK

SPAN = timedelta(seconds=SPAN_S)
BEFORE = 10  # bars of the time before a schedule begins
STEP_S = 1.0  # between two quotes


@dataclass(frozen=True, slots=True)
class Tape:
    """One price a bar, the same whoever asks and when."""

    symbol: str
    first: Decimal
    seed: int

    def bar_at(self, moment: datetime) -> Bar:
        """The bar that runs at a moment."""
        number = int(moment.timestamp()) // SPAN_S
        price = Price(self.first + TICK * Random(f"tape {self.seed} {number}").randint(-60, 60))
        start = datetime.fromtimestamp(number * SPAN_S, tz=UTC)
        return Bar(symbol=self.symbol, start=start, open=price, high=price, low=price, close=price, volume=Decimal(0))

    def quote_at(self, moment: datetime) -> Quote:
        price = self.bar_at(moment).close
        return Quote(symbol=self.symbol, bid=price, ask=price, time=moment, source="tape")

    def bars(self, since: datetime, until: datetime) -> BarSeries:
        """Those that are over."""
        series = BarSeries(self.symbol, span_s=SPAN_S, price_decimals=2)
        bar = self.bar_at(since)
        while bar.start + SPAN <= until:
            series.append(bar)
            bar = self.bar_at(bar.start + SPAN)
        return series


@dataclass(slots=True)
class Consumer:
    """What a subscription is ended by."""

    task: asyncio.Task[None]

    async def close(self) -> None:
        self.task.cancel()


@dataclass(slots=True)
class Marketed:
    """A desk with the tape for a market.  When people rest, new wishes are refused: what is at the desk already is answered."""

    desk: Gateway
    tape: Tape
    loop: SimulatedLoop
    epoch: datetime

    def __getattr__(self, name: str) -> Any:
        return getattr(self.desk, name)

    @property
    def _now(self) -> datetime:
        return self.epoch + timedelta(seconds=min(self.loop.now_s, ACTIVE_S))

    async def bars(self, symbol: str, **more: Any) -> BarSeries:
        del symbol, more
        return self.tape.bars(self.epoch - BEFORE * SPAN, self._now)

    async def subscribe_market_data(
        self, symbols: Sequence[str], handler: Callable[[Tick], object], **more: Any
    ) -> Consumer:
        del symbols, more
        return Consumer(asyncio.create_task(self._pour(handler)))

    async def _pour(self, handler: Callable[[Tick], object]) -> None:
        while self.loop.now_s < ACTIVE_S:
            await self.loop.nap(STEP_S)
            handler(Tick(source="tape", carrier=PROFILE, event=self.tape.quote_at(self._now)))

    async def submit(self, order: NewOrder, **more: Any) -> Submitted:
        if self.loop.now_s >= ACTIVE_S and not self._has(order.client_tag):
            raise NotReady("the day is over")
        return await self.desk.submit(order, **more)

    def _has(self, wish: str) -> bool:
        return any(order.terms.client_tag == wish for order in self.desk.orders(OrderFilter(strategy=NAME)))

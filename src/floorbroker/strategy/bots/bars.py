"""Bars from what a venue says while it trades: trades where it tells them, else the middle of its quotes.  Pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.domain.bars import Bar
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import ZERO, Price
from floorbroker.strategy.bots.wire import Closed

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Maker:
    """The bars of one symbol, `span` long, aligned to midnight UTC.  A span without a price has no bar."""

    def __init__(self, symbol: str, span: timedelta) -> None:
        self.symbol = symbol
        self._span = span
        self._bar: Bar | None = None
        self._by_trades = False

    def take(self, event: Quote | Trade) -> list[Closed]:
        """One event; the bar that is over by it, if there is one."""
        over = self.over(event.time)
        if isinstance(event, Trade):
            if not self._by_trades:
                self._bar, self._by_trades = None, True
            self._add(event.price, event.size, event.time)
        elif not self._by_trades and event.mid is not None:
            self._add(Price(event.mid), ZERO, event.time)
        return over

    def over(self, now: datetime) -> list[Closed]:
        """The bar that ended by `now`."""
        bar = self._bar
        if bar is None or now < bar.start + self._span:
            return []
        self._bar = None
        return [Closed(bar=bar, end=bar.start + self._span)]

    @property
    def due(self) -> datetime | None:
        """When the bar that runs is over."""
        return None if self._bar is None else self._bar.start + self._span

    def _add(self, price: Price, size: Decimal, at: datetime) -> None:
        bar = self._bar
        if bar is None:
            start = at - (at - EPOCH) % self._span
            self._bar = Bar(
                symbol=self.symbol, start=start, open=price, high=price, low=price, close=price, volume=size
            )
            return
        high, low = max(bar.high, price), min(bar.low, price)
        self._bar = replace(bar, high=high, low=low, close=price, volume=bar.volume + size)

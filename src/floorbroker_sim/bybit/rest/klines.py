"""Bars of any interval: the seeded walk looked at in several moments, or recorded minutes put together.

https://bybit-exchange.github.io/docs/v5/market/kline
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Protocol

from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product
from floorbroker_sim.history import History
from floorbroker_sim.market import Market

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_SAMPLES = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class Kline:
    """One bar; `end` is the first moment behind it.  It is still open while that has not come."""

    start: datetime
    end: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal

    @property
    def turnover(self) -> Decimal:
        return self.volume * (self.high + self.low) / 2


class Klines(Protocol):
    """Bars of a product as far as they are known at `now`."""

    def at(self, product: Product, start: datetime, interval: str, now: datetime) -> Kline | None: ...


def starts(interval: str, first: datetime, last: datetime) -> Iterator[datetime]:
    """Starts of bars, latest first, from the bar that `last` lies in back to `first`."""
    start = start_of(interval, last)
    while start >= first and start >= _EPOCH:
        yield start
        start = start_of(interval, start - timedelta(microseconds=1))


def start_of(interval: str, at: datetime) -> datetime:
    """The start of the bar that `at` lies in: weeks begin on Monday, months on their first, in UTC."""
    if interval == info.MONTH:
        return at.astimezone(UTC).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    anchor = _MONDAY if interval == "W" else _EPOCH
    span = timedelta(seconds=info.INTERVALS[interval])
    return anchor + (at - anchor) // span * span


def end_of(interval: str, start: datetime) -> datetime:
    if interval == info.MONTH:
        return (start + timedelta(days=32)).replace(day=1)
    return start + timedelta(seconds=info.INTERVALS[interval])


class SeededKlines:
    """Any bar, from a few looks at the walk; a bar that is open has been looked at so far."""

    def __init__(self, market: Market, *, seed: int) -> None:
        self._market = market
        self._seed = seed

    def at(self, product: Product, start: datetime, interval: str, now: datetime) -> Kline | None:
        end = end_of(interval, start)
        span = end - start
        moments = [start + span * n / _SAMPLES for n in range(_SAMPLES + 1)]
        seen = [moment for moment in moments if moment <= now] or [start]
        if seen[-1] < min(now, end):
            seen.append(min(now, end))
        found = [self._market.price_at(product.canonical, moment) for moment in seen]
        prices = [price for price in found if price is not None]
        if not prices:
            return None
        draw = blake2b(f"{self._seed}:{product.canonical}:{start.isoformat()}".encode(), digest_size=4).digest()
        part = Decimal(int.from_bytes(draw, "big") % 900 + 100) / 1000
        quote_units = Decimal(int(span.total_seconds())) * 2_000 * part * (len(seen) - 1 or 1) / _SAMPLES
        volume = max(product.step, (quote_units / prices[0] / product.step).to_integral_value() * product.step)
        return Kline(
            start=start, end=end, open=prices[0], high=max(prices), low=min(prices), close=prices[-1], volume=volume
        )  # fmt: skip


class RecordedKlines:
    """Bars put together from recorded minutes.  `names` says what the recording calls the pairs."""

    def __init__(self, history: History, names: Mapping[str, str]) -> None:
        self._history = history
        self._names = names

    def at(self, product: Product, start: datetime, interval: str, now: datetime) -> Kline | None:
        end = end_of(interval, start)
        until = min(end, now) - timedelta(minutes=1)
        minutes = list(self._history.minutes(self._names[product.pair], start, until))
        if not minutes:
            return None
        return Kline(
            start=start, end=end, open=minutes[0].open, high=max(m.high for m in minutes), low=min(m.low for m in minutes),
            close=minutes[-1].close, volume=sum((m.volume for m in minutes), Decimal(0)),
        )  # fmt: skip

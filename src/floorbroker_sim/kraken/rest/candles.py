"""Candles and daily figures: sampled from the seeded market, or gathered from recorded minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.history import Candle, aggregated
from floorbroker_sim.kraken import info
from floorbroker_sim.kraken.rest.state import State

_SAMPLES = 4
_KEPT_MAX = 50_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DAY = timedelta(days=1)
_MEAN_STEP = Decimal("0.0000000001")
LISTED = timedelta(days=720)  # how far back the seeded market is shown


def bucket(at: datetime, span: timedelta) -> datetime:
    """The start of the candle that `at` falls into."""
    return _EPOCH + (at - _EPOCH) // span * span


def rows(state: State, symbol: str, minutes: int, *, since: datetime | None = None) -> list[Candle]:
    """The last candles, oldest first, at most 720; the last is the one under way.  `since` is inclusive."""
    span = timedelta(minutes=minutes)
    now = state.clock.now()
    last = bucket(now, span)
    first = max(last - (info.OHLC_ROWS - 1) * span, bucket(state.opened_at - LISTED, span))
    if since is not None and since > first:
        first = min(bucket(since - timedelta(microseconds=1), span) + span, last)
    if state.settings.is_recorded:
        return list(aggregated(state.history.minutes(symbol, first, now), lambda at: bucket(at, span)))
    return list(_sampled(state, symbol, span, first, now))


def current(state: State, symbol: str, minutes: int) -> Candle | None:
    """The candle under way."""
    span = timedelta(minutes=minutes)
    now = state.clock.now()
    if state.settings.is_recorded:
        found = rows(state, symbol, minutes, since=bucket(now, span))
        return found[-1] if found else None
    return next(_sampled(state, symbol, span, bucket(now, span), now), None)


def _sampled(state: State, symbol: str, span: timedelta, start: datetime, now: datetime) -> Iterator[Candle]:
    """From the seeded market.  A candle that is over stays what it is, and is kept."""
    kept = state.candles
    while start <= now:
        key = (symbol, span, start)
        known = kept.get(key)
        found = known if known is not None else _drawn(state, symbol, start, span, now)
        if found is not None:
            if known is None and start + span <= now and len(kept) < _KEPT_MAX:
                kept[key] = found
            yield found
        start += span


def _drawn(state: State, symbol: str, start: datetime, span: timedelta, now: datetime) -> Candle | None:
    moments = [start + span * n / _SAMPLES for n in range(_SAMPLES + 1)]
    found = (state.market.price_at(symbol, at) for at in moments if at <= now)
    prices = [price for price in found if price is not None]
    if moments[-1] > now and (last := state.last_price(symbol)) is not None:
        prices.append(last)
    return _candle(symbol, start, span, prices, now) if prices else None


def _candle(symbol: str, start: datetime, span: timedelta, prices: list[Decimal], now: datetime) -> Candle:
    draw = int.from_bytes(hashlib.blake2b(f"{symbol} {start}".encode(), digest_size=6).digest(), "big")
    passed_s = max(1, min(span, now - start) // timedelta(seconds=1))
    volume = info.PAIRS[symbol].size * (500 + draw % 4000) * passed_s / 60_000
    return Candle(
        start=start, open=prices[0], high=max(prices), low=min(prices), close=prices[-1],
        volume=volume.quantize(Decimal("0.00000001")), count=max(1, (5 + draw % 60) * passed_s // 60),
        mean=(sum(prices, ZERO) / len(prices)).quantize(_MEAN_STEP),
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """What happened in a stretch of time."""

    open: Decimal
    high: Decimal
    low: Decimal
    volume: Decimal
    mean: Decimal
    count: int


def over(candles: list[Candle], fallback: Decimal) -> Span:
    """Candles as one; without any, a standstill at `fallback`."""
    if not candles:
        return Span(open=fallback, high=fallback, low=fallback, volume=ZERO, mean=fallback, count=0)
    volume = sum((c.volume for c in candles), ZERO)
    worth = sum((c.volume * c.mean for c in candles), ZERO)
    return Span(
        open=candles[0].open, high=max(c.high for c in candles), low=min(c.low for c in candles), volume=volume,
        mean=(worth / volume).quantize(_MEAN_STEP) if volume else candles[-1].close, count=sum(c.count for c in candles),
    )  # fmt: skip


def day_figures(state: State, symbol: str) -> tuple[Span, Span]:
    """Today since midnight UTC, and the last 24 hours."""
    now = state.clock.now()
    hours = rows(state, symbol, 60, since=now - _DAY)
    last = state.last_price(symbol) or ZERO
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    return over([c for c in hours if c.start >= midnight], last), over(hours, last)

"""The past of a market: minutes, days, quotes and trades of the seeded walk, and bars of any length built from them."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import AssetClass
from floorbroker.matching import XNYS, Session
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.market import Market

_COIN_CLASSES = frozenset({AssetClass.CRYPTO, AssetClass.PERPETUAL})
_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_TICKER = timedelta(seconds=5)
_SAMPLES = (0, 15, 30, 45)
_DAY_SAMPLE = timedelta(minutes=30)
_MEAN_STEP = Decimal("0.000001")


@dataclass(frozen=True, slots=True, kw_only=True)
class Candle:
    """One bar: `start` inclusive (UTC), prices in quote units, `volume` in units, `count` trades, `mean` by volume."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    count: int
    mean: Decimal


class History(Protocol):
    """What a market remembers.  Ranges include `start` and `end`; symbols are canonical, unknown ones have no past."""

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]: ...
    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]: ...
    def quotes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Quote]: ...
    def trades(self, symbol: str, start: datetime, end: datetime) -> Iterator[Trade]: ...


class SeededHistory:
    """The seeded walk, asked for earlier moments.  Days are sampled every half hour, minutes every quarter."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._source = market.source

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        for opens, closes in self._sessions(symbol, start, end):
            at = max(opens, _ceiling(start))
            while at < closes and at <= end:
                yield self._candle(symbol, at, [at + timedelta(seconds=s) for s in _SAMPLES], _MINUTE)
                at += _MINUTE

    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        """Each begins at its own midnight: New York's for shares, UTC for coins."""
        for opens, closes in self._sessions(symbol, start - _DAY, end):
            midnight = day_start(opens, is_coin=self._is_coin(symbol))
            if start <= midnight <= end:
                count = int((closes - opens) / _DAY_SAMPLE)
                candle = self._candle(symbol, opens, [opens + _DAY_SAMPLE * n for n in range(count)], closes - opens)
                yield _begun(candle, midnight)

    def quotes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Quote]:
        for at in self._ticks(symbol, start, end):
            quote = self._source.quote(symbol, at)
            if quote is not None:
                yield quote

    def trades(self, symbol: str, start: datetime, end: datetime) -> Iterator[Trade]:
        found = (self._source.last_trade(symbol, at) for at in self._ticks(symbol, start, end))
        return (trade for trade in found if trade is not None)

    def _ticks(self, symbol: str, start: datetime, end: datetime) -> Iterator[datetime]:
        for opens, closes in self._sessions(symbol, start, end):
            at = opens + _TICKER * max(0, -((opens - start) // _TICKER))
            while at < closes and at <= end:
                if at >= start:
                    yield at
                at += _TICKER

    def _sessions(self, symbol: str, start: datetime, end: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Trading hours that touch the range."""
        is_coin = self._is_coin(symbol)
        if is_coin is None:
            return
        day = start.astimezone(UTC if is_coin else NEW_YORK).date()
        while (opens_at := datetime.combine(day, datetime.min.time(), UTC)) <= end:
            session = _coin_day(opens_at) if is_coin else _share_day(day)
            if session is not None and session[1] > start and session[0] <= end:
                yield session
            day += _DAY

    def _is_coin(self, symbol: str) -> bool | None:
        try:
            return self._market.instrument(symbol).asset_class in _COIN_CLASSES
        except KeyError:
            return None

    def _candle(self, symbol: str, start: datetime, moments: list[datetime], span: timedelta) -> Candle:
        found = (self._market.price_at(symbol, at) for at in (*moments, start + span))
        prices = [price for price in found if price is not None]
        number = int.from_bytes(hashlib.blake2b(f"{symbol} {start}".encode(), digest_size=6).digest(), "big")
        minutes = max(1, int(span / _MINUTE))
        volume = Decimal((500 + number % 4000) * minutes)
        if self._is_coin(symbol):
            volume /= 1000
        mean = (sum(prices, Decimal(0)) / len(prices)).quantize(_MEAN_STEP)
        return Candle(
            start=start, open=prices[0], high=max(prices), low=min(prices), close=prices[-1], volume=volume,
            count=(5 + number % 60) * minutes, mean=mean,
        )  # fmt: skip


def _share_day(day: date) -> tuple[datetime, datetime] | None:
    session: Session | None = XNYS.session(day)
    return None if session is None else (session.open, session.close)


def _coin_day(midnight: datetime) -> tuple[datetime, datetime]:
    return midnight, midnight + _DAY


def day_start(at: datetime, *, is_coin: bool | None) -> datetime:
    """The midnight a daily bar begins at, UTC."""
    local = at.astimezone(UTC if is_coin else NEW_YORK)
    return local.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)


def _ceiling(at: datetime) -> datetime:
    floor = at.replace(second=0, microsecond=0)
    return floor if floor == at else floor + _MINUTE


def _begun(candle: Candle, start: datetime) -> Candle:
    return Candle(
        start=start, open=candle.open, high=candle.high, low=candle.low, close=candle.close, volume=candle.volume,
        count=candle.count, mean=candle.mean,
    )  # fmt: skip


def aggregated(candles: Iterator[Candle], bucket: Callable[[datetime], datetime]) -> Iterator[Candle]:
    """Longer bars: all candles whose start falls into one bucket."""
    group: list[Candle] = []
    begun: datetime | None = None
    for candle in candles:
        start = bucket(candle.start)
        if begun is not None and start != begun:
            yield _merged(group, begun)
            group = []
        begun = start
        group.append(candle)
    if begun is not None:
        yield _merged(group, begun)


def _merged(group: list[Candle], start: datetime) -> Candle:
    volume = sum((candle.volume for candle in group), Decimal(0))
    worth = sum((candle.volume * candle.mean for candle in group), Decimal(0))
    return Candle(
        start=start, open=group[0].open, high=max(c.high for c in group), low=min(c.low for c in group),
        close=group[-1].close, volume=volume, count=sum(c.count for c in group),
        mean=(worth / volume).quantize(_MEAN_STEP) if volume else group[-1].close,
    )  # fmt: skip


class Known:
    """A history that ends now: a minute is known when it is over, a day as far as its minutes are."""

    def __init__(self, history: History, now: Callable[[], datetime]) -> None:
        self._history = history
        self._now = now

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        return self._history.minutes(symbol, start, min(end, self._now() - _MINUTE))

    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        """Days that are over, and today from its minutes."""
        now = self._now()
        last: datetime | None = None
        for candle in self._history.days(symbol, start, min(end, now)):
            if candle.start + _DAY > now:
                break
            last = candle.start
            yield candle
        midnight = day_start(now, is_coin="/" in symbol)
        today = list(self.minutes(symbol, midnight, now)) if start <= midnight <= end and midnight != last else []
        if today:
            yield _merged(today, midnight)

    def quotes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Quote]:
        return self._history.quotes(symbol, start, min(end, self._now()))

    def trades(self, symbol: str, start: datetime, end: datetime) -> Iterator[Trade]:
        return self._history.trades(symbol, start, min(end, self._now()))

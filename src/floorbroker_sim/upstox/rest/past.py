"""What prices were: candles of the seeded walk or of recorded days, today's figures, the close before, the circuit limits."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from hashlib import blake2b
from typing import Protocol

from floorbroker.domain.values import ZERO, round_step
from floorbroker_sim.history import Candle, Known
from floorbroker_sim.market import Market
from floorbroker_sim.upstox.info import CIRCUIT
from floorbroker_sim.upstox.rest.hours import INDIA, local_day, midnight
from floorbroker_sim.upstox.rest.listing import Listed
from floorbroker_sim.upstox.rest.prices import plain

_MINUTE, _DAY = timedelta(minutes=1), timedelta(days=1)
_SAMPLES_S = (0, 20, 40)
_DAY_SAMPLES = 4
_STEP = Decimal("0.01")


class History(Protocol):
    """Candles from `start` to `end`, both included, by canonical symbol."""

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]: ...
    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]: ...


class SeededDays:
    """The seeded walk during the sessions of the exchanges.  A day begins at its midnight in India."""

    def __init__(self, market: Market) -> None:
        self._market = market

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        day, last = local_day(start), local_day(end)
        while day <= last:
            session = INDIA.session(day)
            at = end + _MINUTE if session is None else session.open
            while session is not None and at < session.close and at <= end:
                if at >= start:
                    yield self._candle(symbol, at, [at + timedelta(seconds=s) for s in _SAMPLES_S], at + _MINUTE)
                at += _MINUTE
            day += _DAY

    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        day, last = local_day(start), local_day(end)
        while day <= last:
            session = INDIA.session(day)
            if session is not None and session.open <= end:
                closes = min(session.close, end)
                step = (closes - session.open) / _DAY_SAMPLES
                moments = [session.open + step * n for n in range(_DAY_SAMPLES)]
                yield replace(self._candle(symbol, session.open, moments, closes), start=midnight(day))
            day += _DAY

    def _candle(self, symbol: str, start: datetime, moments: list[datetime], end: datetime) -> Candle:
        found = (self._market.price_at(symbol, at) for at in (*moments, end))
        prices = [price for price in found if price is not None] or [ZERO]
        number = int.from_bytes(blake2b(f"{symbol} {start}".encode(), digest_size=4).digest(), "big")
        minutes = max(1, int((end - start) / _MINUTE))
        return Candle(
            start=start, open=prices[0], high=max(prices), low=min(prices), close=prices[-1],
            volume=Decimal((500 + number % 4000) * minutes), count=minutes, mean=sum(prices, ZERO) / len(prices),
        )  # fmt: skip


class RecordedDays:
    """Recorded days under the names of this venue."""

    def __init__(self, history: Known) -> None:
        self._history = history

    def minutes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        return self._history.minutes(plain(symbol), start, end)

    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        found = self._history.days(plain(symbol), start - _DAY, end)
        return (replace(one, start=midnight(local_day(one.start))) for one in found if one.start >= start)


class Past:
    """What handlers ask of the past.  Prices set by hand count for today."""

    def __init__(self, market: Market, history: History) -> None:
        self._market = market
        self.history = history
        self._today: dict[str, tuple[datetime, Candle]] = {}

    def today(self, listed: Listed, at: datetime) -> Candle:
        """Open, high, low, close and volume of the day up to now; the last price is the close."""
        last = self._last(listed)
        if self._market.is_pinned(listed.symbol):
            return Candle(
                start=midnight(local_day(at)),
                open=last,
                high=last,
                low=last,
                close=last,
                volume=ZERO,
                count=0,
                mean=last,
            )
        day = self._day(listed, at)
        return replace(day, close=last, high=max(day.high, last), low=min(day.low, last))

    def _day(self, listed: Listed, at: datetime) -> Candle:
        minute = at.replace(second=0, microsecond=0)
        known = self._today.get(listed.symbol)
        if known is not None and known[0] == minute:
            return known[1]
        found = list(self.history.days(listed.symbol, midnight(local_day(at)), minute))
        last = self._last(listed)
        day = found[-1] if found else Candle(
            start=midnight(local_day(at)), open=last, high=last, low=last, close=last, volume=ZERO, count=0, mean=last
        )  # fmt: skip
        self._today[listed.symbol] = (minute, day)
        return day

    def _last(self, listed: Listed) -> Decimal:
        quote = self._market.quote(listed.symbol)
        return (None if quote is None else quote.last or quote.mid) or ZERO

    def previous_close(self, listed: Listed, at: datetime) -> Decimal:
        """The last price of the session before; for a symbol priced by hand, its price now."""
        return self._market.close_before(listed.symbol, midnight(local_day(at)))

    def circuit(self, listed: Listed, at: datetime) -> tuple[Decimal, Decimal]:
        """The lowest and the highest price the exchange takes today."""
        close = self.previous_close(listed, at)
        low, high = (round_step(close * (1 + sign * CIRCUIT), listed.tick) for sign in (-1, 1))
        return low, high

    def year(self, listed: Listed, at: datetime) -> tuple[Decimal, Decimal]:
        """About the lowest and highest price of a year: twelve looks back."""
        looks = (self._market.price_at(listed.symbol, at - 30 * _DAY * n) for n in range(13))
        found = [price for price in looks if price is not None and price > 0]
        return (min(found), max(found)) if found else (ZERO, ZERO)

"""Klines and rolling statistics: what a symbol did in any span, from the seeded walk or the recorded minutes.

https://developers.binance.com/docs/binance-spot-api-docs/rest-api/market-data-endpoints
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from floorbroker.domain.values import ZERO, round_step
from floorbroker_sim.binance import errors
from floorbroker_sim.binance.info import Interval
from floorbroker_sim.binance.rest.money import exact
from floorbroker_sim.binance.rest.state import State
from floorbroker_sim.binance.rest.tape import Tape
from floorbroker_sim.binance.wire import Instant, number

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MONDAY = datetime(1970, 1, 5, tzinfo=UTC)
_MS, _SECOND, _MINUTE = timedelta(milliseconds=1), timedelta(seconds=1), timedelta(minutes=1)
_ZONE = r"^([+-]?)(\d{1,2})(?::(\d{2}))?$"
_OLDEST = timedelta(days=5 * 365)  # nobody has older bars


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """One span of a symbol: `start` inclusive, `end` exclusive; `whole` when the span is over."""

    start: datetime
    end: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal
    quote_volume: Decimal
    count: int
    first_id: int
    last_id: int
    whole: bool

    @property
    def mean(self) -> Decimal:
        """The average price by volume."""
        return exact(self.quote_volume / self.volume) if self.volume else self.close

    @property
    def taker_volume(self) -> Decimal:
        """What takers bought: half."""
        return exact(self.volume / 2)

    @property
    def taker_quote(self) -> Decimal:
        return exact(self.quote_volume / 2)


def bar(state: State, symbol: str, start: datetime, end: datetime, *, samples: int) -> Bar | None:
    """The bar of a span, as far as it is over; None where nothing is known."""
    now = state.clock.now()
    upto = min(end, now)
    if state.clock.stands:
        prices, volume = _recorded(state, symbol, start, upto)
    else:
        step = (end - start) / samples
        prices = _sampled(state, symbol, [at for n in range(samples + 1) if (at := start + step * n) <= upto])
        volume = _drawn_volume(state, symbol, start, upto)
    last = state.last_price(symbol)
    if end > now and last is not None:
        prices.append(last)
    if not prices:
        return None
    first_id, last_id = _ids(state.tape(symbol), start, upto)
    mean = sum(prices, ZERO) / len(prices)
    return Bar(
        start=start, end=end, open=prices[0], high=max(prices), low=min(prices), close=prices[-1], volume=volume,
        quote_volume=exact(volume * mean), count=max(0, last_id - first_id + 1), first_id=first_id, last_id=last_id,
        whole=end <= now,
    )  # fmt: skip


def _sampled(state: State, symbol: str, moments: list[datetime]) -> list[Decimal]:
    found = (state.market.price_at(symbol, at) for at in moments)
    return [price for price in found if price is not None]


def _drawn_volume(state: State, symbol: str, start: datetime, upto: datetime) -> Decimal:
    lot = state.instrument(symbol).lot
    drawn = int.from_bytes(blake2b(f"{symbol} {start}".encode(), digest_size=4).digest(), "big") % 900 + 100
    seconds = Decimal((upto - start) // _SECOND)
    return round_step(seconds * drawn * lot * 10, lot)


def _recorded(state: State, symbol: str, start: datetime, upto: datetime) -> tuple[list[Decimal], Decimal]:
    candles = list(state.history.minutes(symbol, start, upto - _MS))
    return [p for c in candles for p in (c.open, c.high, c.low, c.close)], sum((c.volume for c in candles), ZERO)


def _ids(tape: Tape, start: datetime, upto: datetime) -> tuple[int, int]:
    return tape.first_at(start), tape.first_at(upto) - 1


# --- Intervals ---------------------------------------------------------------------------------------------------------


def opening(at: datetime, interval: Interval, zone: timedelta) -> datetime:
    """The start of the interval a moment falls into; days, weeks and months by the clock of a zone."""
    local = at + zone
    if interval.name == "1M":
        return local.replace(day=1, hour=0, minute=0, second=0, microsecond=0) - zone
    base = _MONDAY if interval.name == "1w" else _EPOCH
    return base + (local - base) // interval.span * interval.span - zone


def following(start: datetime, interval: Interval, zone: timedelta) -> datetime:
    """The start of the next interval."""
    if interval.name != "1M":
        return start + interval.span
    return opening(start + zone + timedelta(days=32) - zone, interval, zone)


def bars(
    state: State, symbol: str, interval: Interval, *, start: datetime | None, end: datetime | None, limit: int,
    zone: timedelta,
) -> list[Bar]:  # fmt: skip
    """The oldest bars from `start` on, else the newest up to `end`."""
    now = state.clock.now()
    upto = min(end, now) if end is not None else now
    if start is not None:
        first = opening(max(start, now - _OLDEST), interval, zone)
        starts = _starts(first if first >= start else following(first, interval, zone), upto, interval, limit, zone)
    else:
        back = max(upto - interval.span * (limit + (limit // 10 if interval.name == "1M" else 0)), now - _OLDEST)
        starts = _starts(opening(back, interval, zone), upto, interval, 2 * limit, zone)[-limit:]
    found = (bar(state, symbol, at, following(at, interval, zone), samples=interval.samples) for at in starts)
    return [made for made in found if made is not None]


def _starts(first: datetime, upto: datetime, interval: Interval, limit: int, zone: timedelta) -> list[datetime]:
    return list(_walk(first, upto, interval, limit, zone))


def _walk(first: datetime, upto: datetime, interval: Interval, limit: int, zone: timedelta) -> Iterator[datetime]:
    at = first
    for _ in range(limit):
        if at > upto:
            return
        yield at
        at = following(at, interval, zone)


def zone_of(text: str | None) -> timedelta:
    """`0`, `8`, `-1:00`, `05:45`, from -12:00 to +14:00.  Raises `Refused`."""
    if text is None:
        return timedelta()
    found = re.fullmatch(_ZONE, text, re.ASCII)
    if found is None:
        raise errors.not_valid("timeZone")
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    minutes = -minutes if found[1] == "-" else minutes
    if not -12 * 60 <= minutes <= 14 * 60 or int(found[3] or 0) > 59:
        raise errors.not_valid("timeZone")
    return timedelta(minutes=minutes)


def kline(made: Bar) -> list[object]:
    """One line of `klines`."""
    return [
        Instant(made.start), number(made.open), number(made.high), number(made.low), number(made.close),
        number(made.volume), Instant(made.end - _MS), number(made.quote_volume), made.count, number(made.taker_volume),
        number(made.taker_quote), "0",
    ]  # fmt: skip

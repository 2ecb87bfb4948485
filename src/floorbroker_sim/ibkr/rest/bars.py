"""Historical data: durations and bar sizes in the API's words, bars from the venue's past.

https://interactivebrokers.com/campus/ibkr-api-page/twsapi-doc/#historical-bars
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from floorbroker.domain.values import ZERO
from floorbroker_sim.history import Candle, aggregated, day_start
from floorbroker_sim.ibkr import errors, info
from floorbroker_sim.ibkr.mapping import moment_of
from floorbroker_sim.ibkr.rest.state import State
from floorbroker_sim.ibkr.wire.frames import Words, local_text

_SPANS = {
    "S": timedelta(seconds=1),
    "D": timedelta(days=1),
    "W": timedelta(weeks=1),
    "M": timedelta(days=31),
    "Y": timedelta(days=366),
}
MINUTES = {
    "1 min": 1, "2 mins": 2, "3 mins": 3, "5 mins": 5, "10 mins": 10, "15 mins": 15, "20 mins": 20, "30 mins": 30,
    "1 hour": 60, "2 hours": 120, "3 hours": 180, "4 hours": 240, "8 hours": 480,
}  # fmt: skip
DAYS = {"1 day": 1, "1 week": 7, "1 month": 31}
SHOWN = frozenset({"TRADES", "MIDPOINT", "BID", "ASK", "BID_ASK", "ADJUSTED_LAST"})
_MOST_SECONDS = 86_400
_MOST_BARS = 20_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def span_of(text: str) -> timedelta:
    """`2 D` as a time span.  Raises `Refused`."""
    count, _, unit = text.strip().partition(" ")
    if not count.isascii() or not count.isdigit() or unit not in _SPANS or not 0 < int(count) <= _MOST_SECONDS:
        raise errors.invalid(f"Invalid duration:{text}")
    return min(_SPANS[unit] * int(count), timedelta(days=366 * 20))


def bars(
    state: State, symbol: str, *, end: str, duration: str, size: str, shown: str
) -> tuple[list[Candle], datetime, datetime]:
    """The bars that were asked for, with the first and last moment of the span.  Raises `Refused`."""
    if shown not in SHOWN:
        raise errors.invalid(f"Invalid whatToShow:{shown}")
    if size not in MINUTES and size not in DAYS:
        raise errors.invalid(f"Invalid bar size:{size}")
    until = moment_of(end) if end.strip() else state.clock.now()
    if until is None:
        raise errors.invalid(f"Invalid end date:{end}")
    until = min(until, state.clock.now())
    since = until - span_of(duration)
    if size in MINUTES and (until - since) / timedelta(minutes=MINUTES[size]) > _MOST_BARS:
        raise errors.history("Time length exceed max.")
    found = list(_cut(state, symbol, since, until, size))
    if not found:
        raise errors.history("HMDS query returned no data")
    return found, since, until


def _cut(state: State, symbol: str, since: datetime, until: datetime, size: str) -> Iterator[Candle]:
    if size in DAYS:
        first = day_start(since, is_coin=False)
        days = state.history.days(symbol, first, until)
        return days if size == "1 day" else aggregated(days, _week if size == "1 week" else _month)
    step = MINUTES[size]
    return aggregated(state.history.minutes(symbol, since, until), lambda at: _floor(at, step))


def _floor(at: datetime, minutes: int) -> datetime:
    whole = (at - _EPOCH) // timedelta(minutes=minutes)
    return _EPOCH + whole * timedelta(minutes=minutes)


def _week(at: datetime) -> datetime:
    return at - timedelta(days=at.astimezone(info.ZONE).weekday())


def _month(at: datetime) -> datetime:
    local = at.astimezone(info.ZONE)
    return local.replace(day=1).astimezone(UTC)


def stamp(at: datetime, *, size: str, epoch: bool) -> str:
    """A day for daily bars, else a local time or seconds since 1970."""
    if size in DAYS:
        return f"{at.astimezone(info.ZONE):%Y%m%d}"
    return str(int(at.timestamp())) if epoch else local_text(at)


def words(request: int, found: list[Candle], since: datetime, until: datetime, *, size: str, epoch: bool) -> Words:
    """`historicalData` in one message."""
    out: Words = [17, request, local_text(since), local_text(until), len(found)]
    for bar in found:
        out += [
            stamp(bar.start, size=size, epoch=epoch),
            bar.open,
            bar.high,
            bar.low,
            bar.close,
            bar.volume,
            bar.mean,
            bar.count,
        ]
    return out


def update_words(request: int, bar: Candle, *, size: str, epoch: bool) -> Words:
    """`historicalDataUpdate`: the newest bar, as far as it is known."""
    return [
        90, request, bar.count, stamp(bar.start, size=size, epoch=epoch), bar.open, bar.close, bar.high, bar.low, bar.mean,
        bar.volume,
    ]  # fmt: skip


def real_time_words(state: State, request: int, symbol: str) -> Words | None:
    """Five seconds in one bar, sampled once a second; None for a symbol without prices."""
    now = state.clock.now().replace(microsecond=0)
    found = (state.market.price_at(symbol, now - timedelta(seconds=n)) for n in range(5, -1, -1))
    prices = [price for price in found if price is not None]
    trade = state.market.last_trade(symbol)
    if state.market.is_pinned(symbol) and trade is not None:
        prices = [trade.price]
    if not prices:
        return None
    mean = sum(prices, ZERO) / len(prices)
    start = int(now.timestamp()) - 5
    return [50, 3, request, start, prices[0], max(prices), min(prices), prices[-1], 100, round(mean, 6), 5]


def ticks_words(state: State, request: int, symbol: str, *, start: str, end: str, count: int, shown: str) -> Words:
    """`historicalTicks`, `…Last` or `…BidAsk`: up to `count` of what happened in a span.  Raises `Refused`."""
    since, until = (moment_of(text) if text.strip() else None for text in (start, end))
    if (since is None) == (until is None) or not 1 <= count <= 1000:
        raise errors.invalid("exactly one of start and end, and a count from 1 to 1000, are needed")
    first = since if since is not None else (until or state.clock.now()) - timedelta(seconds=5 * count)
    last = until if until is not None else first + timedelta(seconds=5 * count)
    out: Words = []
    if shown == "TRADES":
        found = list(state.history.trades(symbol, first, last))[:count]
        for t in found:
            out += [int(t.time.timestamp()), 0, t.price, t.size, "SMART", ""]
        return [98, request, len(found), *out, 1]
    quotes = [q for q in state.history.quotes(symbol, first, last) if q.bid is not None and q.ask is not None][:count]
    if shown == "BID_ASK":
        for q in quotes:
            out += [int(q.time.timestamp()), 0, q.bid, q.ask, q.bid_size, q.ask_size]
        return [97, request, len(quotes), *out, 1]
    if shown != "MIDPOINT":
        raise errors.invalid(f"Invalid whatToShow:{shown}")
    for q in quotes:
        out += [int(q.time.timestamp()), 0, q.mid, 0]
    return [96, request, len(quotes), *out, 1]

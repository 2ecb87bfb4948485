"""The past: days, weeks and months, and the minutes and trades of the last days.

https://documentation.tradier.com/brokerage-api/markets/get-history and get-timesales
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator
from datetime import datetime, time, timedelta
from decimal import Decimal
from itertools import groupby
from typing import TYPE_CHECKING

from floorbroker.domain.values import ZERO
from floorbroker.matching.calendar import NEW_YORK
from floorbroker_sim.history import Candle
from floorbroker_sim.http import Request
from floorbroker_sim.tradier.errors import Refused
from floorbroker_sim.tradier.mapping import inside
from floorbroker_sim.tradier.rest.reading import choice, day, moment, needed, params_of
from floorbroker_sim.tradier.rest.rendering import Body, Listed

if TYPE_CHECKING:
    from floorbroker_sim.tradier.rest.state import State

_DAY = timedelta(days=1)
_DEPTH = {"tick": 5, "1min": 20, "5min": 40, "15min": 40}  # days; with extended sessions fewer
_MINUTES = {"1min": 1, "5min": 5, "15min": 15}
_MAX_TICKS = 5000
_PLACES = Decimal("0.0001")


def get_history(state: State, request: Request) -> Body:
    params = params_of(request)
    symbol = inside(needed(params, "symbol"))
    interval = choice(params, "interval", ("daily", "weekly", "monthly"), default="daily")
    choice(params, "session_filter", ("all", "open"), default="all")
    now = state.clock.now()
    start, end = day(params, "start"), day(params, "end")
    until = now if end is None else min(now, datetime.combine(end, time(23, 59), NEW_YORK))
    year = datetime.combine(now.astimezone(NEW_YORK).date().replace(month=1, day=1), time(), NEW_YORK)
    since = year if start is None else datetime.combine(start, time(), NEW_YORK)
    if until - since > timedelta(days=366 * 30):
        raise Refused(400, "start is invalid: too long ago")
    found = joined(state.history.days(symbol, since, until), _key(interval))
    return {"history": Listed(name="day", items=[_day(candle) for candle in found])}


def _key(interval: str) -> Callable[[datetime], Hashable]:
    """What the days of one bar have in common."""
    keys: dict[str, Callable[[datetime], Hashable]] = {
        "daily": lambda at: at.date(),
        "weekly": lambda at: at.isocalendar()[:2],
        "monthly": lambda at: (at.year, at.month),
    }
    return lambda at: keys[interval](at.astimezone(NEW_YORK))


def joined(candles: Iterable[Candle], key: Callable[[datetime], Hashable]) -> Iterator[Candle]:
    """Bars that share a key as one."""
    for _, group in groupby(candles, key=lambda candle: key(candle.start)):
        bars = list(group)
        volume = sum((bar.volume for bar in bars), ZERO)
        weighted = sum((bar.mean * bar.volume for bar in bars), ZERO)
        yield Candle(
            start=bars[0].start, open=bars[0].open, high=max(bar.high for bar in bars), low=min(bar.low for bar in bars),
            close=bars[-1].close, volume=volume, count=sum(bar.count for bar in bars),
            mean=weighted / volume if volume else bars[-1].mean,
        )  # fmt: skip


def _day(candle: Candle) -> dict[str, object]:
    return {
        "date": candle.start.astimezone(NEW_YORK).date().isoformat(), "open": candle.open, "high": candle.high,
        "low": candle.low, "close": candle.close, "volume": int(candle.volume),
    }  # fmt: skip


def get_timesales(state: State, request: Request) -> Body:
    """Bars or trades between two moments; the default is today.  Times are New York's, without a zone."""
    params = params_of(request)
    symbol = inside(needed(params, "symbol"))
    interval = choice(params, "interval", tuple(_DEPTH), default="tick")
    choice(params, "session_filter", ("all", "open"), default="all")
    now = state.clock.now()
    midnight = datetime.combine(now.astimezone(NEW_YORK).date(), time(), NEW_YORK)
    since = max(moment(params, "start") or midnight, now - _DAY * _DEPTH[interval])
    until = min(moment(params, "end") or now, now)
    if interval == "tick":
        found = _ticks(state, symbol, since, until)
    else:
        span = _MINUTES[interval] * 60
        bars = joined(state.history.minutes(symbol, since, until), lambda at: int(at.timestamp()) // span)
        found = [_bar(candle) for candle in bars]
    return {"series": Listed(name="data", items=found)}


def _ticks(state: State, symbol: str, since: datetime, until: datetime) -> list[dict[str, object]]:
    found: list[dict[str, object]] = []
    for trade in state.history.trades(symbol, since, until):
        if len(found) >= _MAX_TICKS:
            break
        found.append(_times(trade.time) | {"price": trade.price, "volume": int(trade.size)})
    return found


def _bar(candle: Candle) -> dict[str, object]:
    middle = ((candle.high + candle.low) / 2).quantize(_PLACES)
    return _times(candle.start) | {
        "price": middle, "open": candle.open, "high": candle.high, "low": candle.low, "close": candle.close,
        "volume": int(candle.volume), "vwap": candle.mean.quantize(_PLACES),
    }  # fmt: skip


def _times(at: datetime) -> dict[str, object]:
    return {"time": f"{at.astimezone(NEW_YORK):%Y-%m-%dT%H:%M:%S}", "timestamp": int(at.timestamp())}

"""Candles of any granularity, aligned as the request says.  https://developer.oanda.com/rest-live-v20/instrument-ep/

Up to an hour they are aligned to the hour, longer ones to the start of the day (17:00 in New York unless told otherwise).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice, pairwise
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.errors import Refused, invalid
from floorbroker_sim.oanda.rest.answers import Answer
from floorbroker_sim.oanda.rest.past import Point
from floorbroker_sim.oanda.rest.reading import Call

if TYPE_CHECKING:
    from floorbroker_sim.oanda.rest.state import State

_DAY = timedelta(days=1)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EARLIEST = datetime(2002, 5, 6, tzinfo=UTC)
_SAMPLES = 4
_STEP_S = 43_200  # and no longer between two samples than this
_NOON = 12
_HOUR_S = 3600
_TICK = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Grid:
    """How long candles are, and where they begin."""

    granularity: str
    hour: int
    zone: ZoneInfo
    weekday: int

    @property
    def span(self) -> timedelta:
        return timedelta(seconds=info.GRANULARITIES[self.granularity])

    def start(self, at: datetime) -> datetime:
        """The start of the candle that a moment falls into, UTC."""
        span_s = info.GRANULARITIES[self.granularity]
        if span_s <= _HOUR_S:
            return _EPOCH + timedelta(seconds=(at - _EPOCH) // timedelta(seconds=1) // span_s * span_s)
        day = self._day(at)
        match self.granularity:
            case "D":
                return day.astimezone(UTC)
            case "W":
                return (day - _DAY * ((day.weekday() - self.weekday) % 7)).astimezone(UTC)
            case "M":
                return self._month(day).astimezone(UTC)
            case _:
                begin = day.astimezone(UTC)
                return begin + (at - begin) // self.span * self.span

    def _day(self, at: datetime) -> datetime:
        """The start of the trading day, in its zone's own time."""
        local = at.astimezone(self.zone)
        start = local.replace(hour=self.hour, minute=0, second=0, microsecond=0)
        return start if start <= local else start - _DAY

    def _month(self, day: datetime) -> datetime:
        """A month begins with its first trading day; a day that begins in an afternoon bears the next one's date."""
        ahead = _DAY if self.hour >= _NOON else timedelta(0)
        return (day + ahead).replace(day=1) - ahead

    def next(self, start: datetime) -> datetime:
        """The start of the candle after the one that begins at `start`."""
        if self.granularity == "M":
            return self.start(start + timedelta(days=33))
        if self.granularity in {"D", "W"}:
            return self.start(start + self.span + _DAY / 12)
        return start + self.span


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """What candles a request wants."""

    instrument: str
    grid: Grid
    price: str
    count: int | None
    start: datetime | None
    end: datetime | None
    smooth: bool = False
    first: bool = True


def _asked(call: Call, instrument: str) -> Ask:
    if instrument not in info.INSTRUMENTS:
        raise invalid("instrument")
    start, end = call.moment("from"), call.moment("to")
    if start is not None and end is not None:
        if call.text("count") is not None:
            raise Refused(400, "'count' cannot be specified when 'to' and 'from' parameters are set")
        if end < start:
            raise invalid("to", "It is before 'from'")
    count = (
        None
        if start is not None and end is not None
        else call.number("count", default=info.CANDLES, high=info.CANDLES_MAX)
    )
    return Ask(
        instrument=instrument, grid=_grid(call, call.text("granularity") or "S5"), price=_sides(call.text("price") or "M"),
        count=count, start=start, end=end, smooth=call.flag("smooth", default=False),
        first=call.flag("includeFirst", default=True),
    )  # fmt: skip


def _sides(text: str) -> str:
    if not text or not set(text) <= set("MBA"):
        raise invalid("price")
    return text


def _grid(call: Call, granularity: str) -> Grid:
    if granularity not in info.GRANULARITIES:
        raise invalid("granularity")
    try:
        zone = ZoneInfo(call.text("alignmentTimezone") or "America/New_York")
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise invalid("alignmentTimezone") from error
    weekday = call.choice("weeklyAlignment", info.WEEKDAYS, default="Friday")
    hour = call.number("dailyAlignment", default=17, low=0, high=23)
    return Grid(granularity=granularity, hour=hour, zone=zone, weekday=info.WEEKDAYS.index(weekday))


def get_candles(state: State, call: Call, instrument: str) -> Answer:
    """Candles of one instrument."""
    asked = _asked(call, instrument)
    return Answer(
        {"instrument": instrument, "granularity": asked.grid.granularity, "candles": candles_of(state, asked)}
    )


def latest(state: State, call: Call) -> Answer:
    """The last two candles of each specification (`EUR_USD:S10:BM`)."""
    call.needed("candleSpecifications")
    found: list[dict[str, object]] = []
    for text in call.names("candleSpecifications"):
        instrument, granularity, price = (*text.split(":"), "", "")[:3]
        if instrument not in info.INSTRUMENTS:
            raise invalid("candleSpecifications")
        grid = _grid(call, granularity)
        asked = Ask(instrument=instrument, grid=grid, price=_sides(price or "M"), count=2, start=None, end=None)
        found.append(
            {"instrument": instrument, "granularity": granularity, "candles": candles_of(state, asked)}
        )  # fmt: skip
    return Answer({"latestCandles": found})


def candles_of(state: State, asked: Ask) -> list[wire.Candle]:
    """The candles, the oldest first; periods without a price are left out."""
    now = state.clock.now()
    groups = _forwards(state, asked, now) if asked.start is not None else _backwards(state, asked, now)
    found = [_candle(asked, start, group, now) for start, group in groups]
    if asked.start is not None and not asked.first:
        found = [candle for candle in found if candle.time > asked.start]
    return _smoothed(found) if asked.smooth else found


def _groups(state: State, asked: Ask, low: datetime, high: datetime) -> Iterator[tuple[datetime, list[Point]]]:
    step_s = min(max(1, info.GRANULARITIES[asked.grid.granularity] // _SAMPLES), _STEP_S)
    return _grouped(asked.grid, state.past.points(asked.instrument, low, high, step_s=step_s))


def _forwards(state: State, asked: Ask, now: datetime) -> list[tuple[datetime, list[Point]]]:
    """From the candle that `from` falls into: so many, or up to `to`."""
    assert asked.start is not None
    end = now + _TICK if asked.end is None else min(asked.end, now + _TICK)
    low = asked.grid.start(max(asked.start, _EARLIEST))
    wanted = (asked.count or info.CANDLES_MAX) + 1
    found = list(islice(_groups(state, asked, low, end), wanted))
    if asked.count is None and len(found) == wanted:
        raise Refused(400, "Maximum value for 'count' exceeded")
    return found[: asked.count]


def _backwards(state: State, asked: Ask, now: datetime) -> list[tuple[datetime, list[Point]]]:
    """So many before `to`, or before now; the reach grows until there are enough of them."""
    count = asked.count or info.CANDLES
    high = now + _TICK if asked.end is None else min(asked.end, now + _TICK)
    reach = asked.grid.span * count
    found: list[tuple[datetime, list[Point]]] = []
    while len(found) < count and high > _EARLIEST:
        low = asked.grid.start(max(_EARLIEST, high - reach))
        found = [*_groups(state, asked, low, high), *found]
        high, reach = low, max(reach * 2, _DAY)
    return found[-count:]


def _grouped(grid: Grid, points: Iterator[Point]) -> Iterator[tuple[datetime, list[Point]]]:
    start: datetime | None = None
    end: datetime | None = None
    group: list[Point] = []
    for point in points:
        if start is None or end is None or point.at >= end:
            if start is not None:
                yield start, group
            start, group = grid.start(point.at), []
            end = grid.next(start)
        group.append(point)
    if start is not None:
        yield start, group


def _candle(asked: Ask, start: datetime, group: list[Point], now: datetime) -> wire.Candle:
    listed = info.INSTRUMENTS[asked.instrument]
    candle = wire.Candle(complete=asked.grid.next(start) <= now, volume=len(group), time=start)
    if "B" in asked.price:
        candle.bid = _prices([point.bid for point in group], listed)
    if "A" in asked.price:
        candle.ask = _prices([point.ask for point in group], listed)
    if "M" in asked.price:
        candle.mid = _prices([(point.bid + point.ask) / 2 for point in group], listed)
    return candle


def _prices(prices: list[Decimal], listed: info.Listed) -> wire.Prices:
    o, h, low, c = (one.quantize(listed.tick) for one in (prices[0], max(prices), min(prices), prices[-1]))
    return wire.Prices(o=o, h=h, l=low, c=c)


def _smoothed(candles: list[wire.Candle]) -> list[wire.Candle]:
    """Each opens where the one before closed."""
    for before, candle in pairwise(candles):
        for old, new in ((before.bid, candle.bid), (before.ask, candle.ask), (before.mid, candle.mid)):
            if old is not None and new is not None:
                new.o = old.c
                new.h, new.l = max(new.h, new.o), min(new.l, new.o)
    return candles

"""The market of the demo, minute by minute: recorded days, or a seeded market where there are none."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from itertools import groupby
from pathlib import Path

from floorbroker.domain.bars import Bar
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import Price
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.tape import NotRecorded, SeededMarket, TapeEvent, load, merged
from floorbroker_sim.recorded import trade_of

SYMBOLS = ("SPY", "IBM", "BAC", "AIG")
FIRST_DAY, LAST_DAY = date(2013, 10, 7), date(2013, 10, 11)
_MINUTE = timedelta(minutes=1)
_OPEN, _MINUTES = timedelta(hours=9, minutes=30), 390
CLOSING = timedelta(hours=15, minutes=55)


@dataclass(frozen=True, slots=True, kw_only=True)
class Minute:
    """What is known at `time` (UTC, the end of a minute): new quotes, then the trades that closed it, then those bars' closes."""

    time: datetime
    quotes: tuple[Quote, ...]
    trades: tuple[Trade, ...]

    @property
    def closing(self) -> bool:
        """Whether New York is in its last five minutes, or past them."""
        return self.since_midnight >= CLOSING

    @property
    def since_midnight(self) -> timedelta:
        local = self.time.astimezone(NEW_YORK)
        return timedelta(hours=local.hour, minutes=local.minute)

    @property
    def day(self) -> date:
        return self.time.astimezone(NEW_YORK).date()


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMarket:
    """The minutes of the demo and where they are from.  `recorded` tells whether the simulator can play them by itself."""

    minutes: tuple[Minute, ...]
    source: str
    recorded: Path | None


def open_market(data: Path | None, *, seed: int, days: int) -> DemoMarket:
    """The first `days` of the recorded week in `data`, or as many seeded ones.

    Raises `NotRecorded` for a folder without minutes.
    """
    if data is None:
        minutes = tuple(_core(_seeded(seed, days)))
        return DemoMarket(
            minutes=minutes, source=f"a seeded market (seed {seed}), since no data folder is given", recorded=None
        )
    tape = load(data)
    span = [FIRST_DAY + timedelta(days=n) for n in range(min(days, (LAST_DAY - FIRST_DAY).days + 1))]
    minutes = tuple(_core(_by_minute(merged(tape, SYMBOLS, span))))
    if not minutes:
        raise NotRecorded(f"no minutes of {', '.join(SYMBOLS)} from {span[0]} to {span[-1]} are in it")
    return DemoMarket(minutes=minutes, source=f"recorded minutes, {span[0]} to {span[-1]}", recorded=data)


def _by_minute(events: Iterable[TapeEvent]) -> Iterator[Minute]:
    for time, group in groupby(events, key=lambda event: event.time):
        found = [played.event for played in group]
        quotes = tuple(event for event in found if isinstance(event, Quote))
        trades = tuple(trade_of(event, time) for event in found if isinstance(event, Bar))
        yield Minute(time=time, quotes=quotes, trades=trades)


def _core(minutes: Iterable[Minute]) -> Iterator[Minute]:
    """Core session only: from a minute after the open to the close."""
    close = _OPEN + _MINUTES * _MINUTE
    return (minute for minute in minutes if _OPEN < minute.since_midnight <= close)


def _seeded(seed: int, days: int) -> Iterator[Minute]:
    """Minutes of the seeded market on the same weekdays."""
    market = SeededMarket(seed=seed)
    for day in (FIRST_DAY + timedelta(days=n) for n in range(days)):
        opened = datetime.combine(day, datetime.min.time(), NEW_YORK).astimezone(UTC) + _OPEN
        for number in range(1, _MINUTES + 1):
            at = opened + number * _MINUTE
            quotes = tuple(market.quote(symbol, at) for symbol in SYMBOLS)
            yield Minute(time=at, quotes=quotes, trades=tuple(_middle(quote) for quote in quotes))


def _middle(quote: Quote) -> Trade:
    """A trade where the seeded market stands: at the bid, which is a tradable price."""
    price = quote.bid if quote.bid is not None else Price(Decimal("0.01"))
    return Trade(symbol=quote.symbol, price=price, size=quote.bid_size, time=quote.time)

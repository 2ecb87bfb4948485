"""What a provider of history knows: raw bars of minutes and days, splits and dividends; and flaws that can be scripted.

Recorded days stand still at the end of the recording, so that all of them are history.  The seeded market is priced in today's
shares: its past is multiplied by the splits that came after.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Literal

from floorbroker.domain.actions import CorporateAction, Dividend, Split
from floorbroker.domain.clock import Clock
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.records import Quote, Trade
from floorbroker.domain.values import AssetClass, Price
from floorbroker.matching import XNYS
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.tape import NotRecorded, Tape, actions_of, load
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import Candle, History, Known, SeededHistory, aggregated, day_start
from floorbroker_sim.market import Market, PriceSource, Tick, coin, equity, seeded
from floorbroker_sim.recorded import RecordedHistory, RecordedSource, recorded_symbols

_DAY = timedelta(days=1)
_STEP = Decimal("0.000001")
_WHOLE, _CENT = Decimal(1), Decimal("0.01")
_QUARTERS = (2, 5, 8, 11)
SEEDED_SPLITS = {"AAPL": ("2020-08-31", 4), "NVDA": ("2024-06-10", 10), "TSLA": ("2022-08-25", 3)}
SEEDED_DIVIDENDS = {"AAPL": "0.25", "IBM": "1.68", "KO": "0.51", "SPY": "1.75", "XOM": "0.99"}
_FIRST_SEEDED_YEAR = 2015


@dataclass(slots=True)
class Flaws:
    """How daily bars are spoiled, by ISO days: left out, said twice (`differing`: with another close), or said last.

    `zone` is `utc` for a service that stamps its days at midnight UTC.
    """

    holes: frozenset[str] = frozenset()
    duplicates: frozenset[str] = frozenset()
    differing: frozenset[str] = frozenset()
    late: frozenset[str] = frozenset()
    zone: Literal["exchange", "utc"] = "exchange"

    def spoil(self, days: Iterable[Candle]) -> list[Candle]:
        """The same days as this service would tell them."""
        kept: list[Candle] = []
        behind: list[Candle] = []
        for candle in days:
            day = new_york_day(candle.start).isoformat()
            told = self._stamped(candle)
            if day in self.holes:
                continue
            (behind if day in self.late else kept).append(told)
            if day in self.duplicates:
                kept.append(told)
            if day in self.differing:
                kept.append(replace(told, close=told.low))
        return kept + behind

    def _stamped(self, candle: Candle) -> Candle:
        if self.zone == "exchange":
            return candle
        return replace(candle, start=datetime.combine(new_york_day(candle.start), datetime.min.time(), UTC))


def new_york_day(at: datetime) -> date:
    """The day on the wall calendar of New York."""
    return at.astimezone(NEW_YORK).date()


def midnight(day: date) -> datetime:
    """Midnight in New York, UTC."""
    return datetime.combine(day, datetime.min.time(), NEW_YORK).astimezone(UTC)


@dataclass(slots=True)
class Archive:
    """One provider's knowledge.  Symbols are canonical; bars are raw, unless `adjusted` is asked for (splits alone)."""

    clock: VenueClock
    market: Market
    history: History
    actions: Callable[[str], list[CorporateAction]]
    is_raw: bool
    flaws: Flaws = field(default_factory=Flaws)

    def days(self, symbol: str, start: datetime, end: datetime, *, adjusted: bool) -> list[Candle]:
        """Days that begin in the range, both ends included; coins are summed up from minutes where no day is recorded."""
        found = list(self.history.days(symbol, start, end))
        if not found and "/" in symbol:
            minutes = self.history.minutes(symbol, start, end + _DAY)
            found = [c for c in aggregated(minutes, lambda at: day_start(at, is_coin=True)) if c.start <= end]
        return [self._in_shares(symbol, candle, adjusted=adjusted) for candle in found]

    def minutes(self, symbol: str, start: datetime, end: datetime, *, adjusted: bool) -> Iterator[Candle]:
        return (
            self._in_shares(symbol, candle, adjusted=adjusted)
            for candle in self.history.minutes(symbol, start, end)
        )  # fmt: skip

    def quotes(self, symbol: str, start: datetime, end: datetime) -> Iterator[Quote]:
        return self.history.quotes(symbol, start, end)

    def trades(self, symbol: str, start: datetime, end: datetime) -> Iterator[Trade]:
        return self.history.trades(symbol, start, end)

    def splits(self, symbol: str) -> list[Split]:
        return [one for one in self._known(symbol) if isinstance(one, Split)]

    def dividends(self, symbol: str) -> list[Dividend]:
        return [one for one in self._known(symbol) if isinstance(one, Dividend)]

    def _known(self, symbol: str) -> list[CorporateAction]:
        today = new_york_day(self.clock.now())
        return [one for one in self.actions(symbol) if one.day <= today]

    def _in_shares(self, symbol: str, candle: Candle, *, adjusted: bool) -> Candle:
        """The candle in raw prices, or in those of today's shares."""
        ratio = self.split_ratio(symbol, new_york_day(candle.start))
        if ratio == 1 or adjusted != self.is_raw:
            return candle
        return _scaled(candle, 1 / ratio if adjusted else ratio)

    def split_ratio(self, symbol: str, day: date) -> Fraction:
        """Today's shares for one share of `day`."""
        ratio = Fraction(1)
        for split in self.splits(symbol):
            if split.day > day:
                ratio *= split.ratio
        return ratio


def _scaled(candle: Candle, by: Fraction) -> Candle:
    def price(value: Decimal) -> Decimal:
        return (value * by.numerator / by.denominator).quantize(_STEP).normalize() + 0

    return replace(
        candle, open=price(candle.open), high=price(candle.high), low=price(candle.low), close=price(candle.close),
        mean=price(candle.mean), volume=(candle.volume * by.denominator / by.numerator).quantize(_WHOLE),
    )  # fmt: skip


def open_archive(*, seed: int, clock: Clock, data: Path | None, at: datetime | None = None) -> Archive:
    """Recorded days of `data`, or the seeded market.

    A recording's clock stands at its end, and what it says of now are the last closes.  With `at` it stands there, and recorded
    minutes play as the clock is moved.  Raises `NotRecorded` for a folder without days.
    """
    if data is None:
        venue_clock = VenueClock(clock)
        walk, instruments = seeded(seed)
        market = Market(walk, [one for one in instruments if one.tradable], at=venue_clock.now())
        past = Known(SeededHistory(market), venue_clock.now)
        return Archive(venue_clock, market, past, lru_cache(maxsize=256)(_seeded_actions), is_raw=False)
    tape = load(data)
    venue_clock = VenueClock(clock, standing_at=at or _end_of(tape))
    symbols = sorted({*tape.daily_symbols(), *recorded_symbols(tape)})
    listed = [coin(one, one) if "/" in one else equity(one, one) for one in symbols]
    history = _Remembered(tape)
    source: PriceSource = LastDays(history) if at is None else RecordedSource(tape)
    market = Market(source, listed, at=venue_clock.now())
    past = Known(history, venue_clock.now)

    def actions(symbol: str) -> list[CorporateAction]:
        try:
            return actions_of(symbol, tape.factors(symbol), next_day=next_session)
        except NotRecorded:
            return []

    return Archive(venue_clock, market, past, lru_cache(maxsize=256)(actions), is_raw=True)


class LastDays:
    """Prices of a recording that is over: each symbol's last close, traded at the end of its day."""

    def __init__(self, history: History) -> None:
        self._history = history

    def last_trade(self, symbol: str, at: datetime) -> Trade | None:
        candles = list(self._history.days(symbol, at - 14 * _DAY, at - _DAY / 2))
        if not candles:
            return None
        last = candles[-1]
        session = XNYS.session(new_york_day(last.start))
        closed = last.start + _DAY if session is None else session.close
        number = str(int(closed.timestamp()))
        return Trade(symbol=symbol, price=Price(last.close), size=Decimal(100), time=closed, trade_id=number)

    def quote(self, symbol: str, at: datetime) -> Quote | None:
        """A cent about the last close."""
        trade = self.last_trade(symbol, at)
        if trade is None:
            return None
        bid, ask = Price(trade.price - _CENT), Price(trade.price + _CENT)
        size = Decimal(100)
        return Quote(
            symbol=symbol, bid=bid, ask=ask, bid_size=size, ask_size=size, last=trade.price, time=trade.time
        )  # fmt: skip

    def advance(self, at: datetime, symbols: Iterable[str]) -> Iterator[Tick]:
        """Nothing happens any more."""
        return iter(())

    def close_before(self, symbol: str, at: datetime) -> Decimal | None:
        trade = self.last_trade(symbol, at)
        return None if trade is None else trade.price

    def rewind(self) -> None:
        """There is nothing to rewind."""


class _Remembered(RecordedHistory):
    """A recording whose daily files are read once."""

    def __init__(self, tape: Tape) -> None:
        super().__init__(tape)
        self._all_days = lru_cache(maxsize=64)(self._read_days)

    def days(self, symbol: str, start: datetime, end: datetime) -> Iterator[Candle]:
        return (candle for candle in self._all_days(symbol) if start <= candle.start <= end)

    def _read_days(self, symbol: str) -> list[Candle]:
        if asset_class_of(symbol) is not AssetClass.EQUITY:
            return []
        return list(super().days(symbol, datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)))


def _end_of(tape: Tape) -> datetime:
    """Midnight after the last recorded day."""
    last = [tape.daily(symbol).start_at(-1) for symbol in tape.daily_symbols()]
    last += [midnight(tape.days(symbol)[-1]) for symbol in recorded_symbols(tape)]
    if not last:
        raise NotRecorded("the folder holds no daily and no minute bars")
    return midnight(new_york_day(max(last)) + _DAY)


def next_session(day: date) -> date:
    """The first trading day after `day`."""
    following = day + _DAY
    while XNYS.session(following) is None:
        following += _DAY
    return following


def _seeded_actions(symbol: str) -> list[CorporateAction]:
    """The splits that the popular shares had, and the same dividend in each quarter (in the shares of its day)."""
    found: list[CorporateAction] = []
    if split := SEEDED_SPLITS.get(symbol):
        found.append(
            Split(symbol=symbol, day=date.fromisoformat(split[0]), shares_from=Decimal(1), shares_to=Decimal(split[1]))
        )
    if amount := SEEDED_DIVIDENDS.get(symbol):
        quarters = ((year, month) for year in range(_FIRST_SEEDED_YEAR, 2100) for month in _QUARTERS)
        found += [
            Dividend(symbol=symbol, day=next_session(date(year, month, 8)), amount=Decimal(amount))
            for year, month in quarters
        ]
    return sorted(found, key=lambda one: one.day)

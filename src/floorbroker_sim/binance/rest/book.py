"""The order book of each symbol: a ladder of levels around the top of book, numbered like the venue's updates."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from hashlib import blake2b

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, round_step

LEVELS = 60
_USUAL_LOTS = 20_000
_MAX_PLACES = 4_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_QUARTER = timedelta(milliseconds=250)
Levels = list[tuple[Decimal, Decimal]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What one step of a book changed: levels with their new size, zero for gone; numbers `first` to `last`."""

    symbol: str
    at: datetime
    first: int
    last: int
    bids: Levels
    asks: Levels


@dataclass(slots=True, kw_only=True)
class _Place:
    """One price behind the top: how many quarters of a second its size holds, shifted by `phase`, and its size now."""

    name: str
    pace: int
    phase: int
    moment: int = -1
    size: Decimal = ZERO


class LevelBook:
    """One symbol.  `step` moves it to a quote; sizes behind the top change by seed and time, each at its own pace.

    While nobody listens `follow` is enough: what a book was in between makes no difference to what it is.
    """

    def __init__(self, instrument: Instrument, *, seed: int) -> None:
        self.instrument = instrument
        self._bids: dict[Decimal, Decimal] = {}
        self._asks: dict[Decimal, Decimal] = {}
        self._quote: Quote | None = None
        self._ahead: tuple[Quote, datetime] | None = None  # where it is to be when somebody looks
        self._seed = seed
        self._usual = instrument.lot * _USUAL_LOTS
        self._places: dict[Decimal, _Place] = {}
        self._update_id = 1_000_000 + _drawn(f"{seed} {instrument.symbol} first", 1_000_000)

    @property
    def bids(self) -> dict[Decimal, Decimal]:
        self._catch_up()
        return self._bids

    @property
    def asks(self) -> dict[Decimal, Decimal]:
        self._catch_up()
        return self._asks

    @property
    def quote(self) -> Quote | None:
        self._catch_up()
        return self._quote

    @property
    def update_id(self) -> int:
        """The number of the last change."""
        self._catch_up()
        return self._update_id

    def follow(self, quote: Quote, at: datetime) -> None:
        """Be at a quote by the time somebody looks."""
        self._ahead = (quote, at)

    def _catch_up(self) -> None:
        ahead, self._ahead = self._ahead, None
        if ahead is not None:
            self.step(*ahead)

    def step(self, quote: Quote, at: datetime, *, stir: int = 0) -> Change | None:
        """Move to a quote; None when nothing changed.  `stir` draws other sizes."""
        self._catch_up()
        if len(self._places) > _MAX_PLACES or stir:
            self._places.clear()
        bids, asks = self._side(quote, at, is_bid=True, stir=stir), self._side(quote, at, is_bid=False, stir=stir)
        gone_or_new = [_changes(self._bids, bids), _changes(self._asks, asks)]
        self._bids, self._asks, self._quote = bids, asks, quote
        count = len(gone_or_new[0]) + len(gone_or_new[1])
        if not count:
            return None
        first, self._update_id = self._update_id + 1, self._update_id + count
        return Change(
            symbol=self.instrument.symbol, at=at, first=first, last=self._update_id, bids=gone_or_new[0],
            asks=gone_or_new[1],
        )  # fmt: skip

    def top(self, count: int) -> tuple[Levels, Levels]:
        """The best levels of both sides."""
        bids = sorted(self.bids.items(), reverse=True)[:count]
        return bids, sorted(self.asks.items())[:count]

    def _side(self, quote: Quote, at: datetime, *, is_bid: bool, stir: int) -> dict[Decimal, Decimal]:
        best, size = (quote.bid, quote.bid_size) if is_bid else (quote.ask, quote.ask_size)
        if best is None:
            return {}
        lot = self.instrument.lot
        levels: dict[Decimal, Decimal] = {best: max(lot, round_step(size, lot))}
        tick, sign = self.instrument.tick_at(best), -1 if is_bid else 1
        quarter = (at - _EPOCH) // _QUARTER
        step = max(tick, round_step(best / 20_000, tick))
        anchor = round_step(best, step)  # levels behind the top stay where they are while the top wanders
        for number in range(1, LEVELS * 2):
            price = anchor + sign * step * number
            if price <= 0 or len(levels) == LEVELS:
                break
            if (price < best) if is_bid else (price > best):
                levels[price] = self._size(price, quarter, stir)
        return levels

    def _size(self, price: Decimal, quarter: int, stir: int) -> Decimal:
        place = self._places.get(price)
        if place is None:
            name = f"{self._seed} {self.instrument.symbol} {price.normalize()}"
            pace = 2 + _drawn(name, 30)
            place = self._places[price] = _Place(name=name, pace=pace, phase=_drawn(f"{name} phase", pace))
        moment = (quarter + place.phase) // place.pace
        if moment != place.moment:
            share = Decimal(1 + _drawn(f"{place.name} {moment} {stir}", 40)) / 10
            place.moment, place.size = moment, round_step(self._usual * share, self.instrument.lot)
        return place.size


def _changes(before: dict[Decimal, Decimal], after: dict[Decimal, Decimal]) -> Levels:
    gone = [(price, ZERO) for price in before if price not in after]
    return gone + [(price, size) for price, size in after.items() if before.get(price) != size]


def _drawn(text: str, sides: int) -> int:
    return int.from_bytes(blake2b(text.encode(), digest_size=6).digest(), "big") % sides

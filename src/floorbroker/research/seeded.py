"""A seeded market of sectors: days that move with the market, with their sector and by themselves, and shocks now and then.

All of it is whole numbers, so that the same seed gives the same bytes on every machine.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from functools import lru_cache

from floorbroker.domain.actions import CorporateAction, Split
from floorbroker.domain.errors import NotSupported, SymbolNotFound
from floorbroker.marketdata.calendars import day_of, day_start, is_session
from floorbroker.marketdata.history import DAY_S, Row, Told
from floorbroker.research.universe import SEEDED, Universe

FIRST, LAST = date(2020, 1, 2), date(2025, 12, 31)
_PPM = 1_000_000
_MARKET, _SECTOR, _OWN = 7_000, 6_000, 9_000  # parts per million a day
_SHOCKS = 180  # one day in so many has one, for each symbol
_SPLIT_AT = 300_00  # cents: a price beyond it is split four for one
_RATIO = 4


class SeededSectors:
    """A `HistorySource` of daily bars."""

    name = "seeded"

    def __init__(self, seed: int, universe: Universe = SEEDED, *, first: date = FIRST) -> None:
        """`first` is its first day."""
        self._seed = seed
        self._first = first
        self._universe = universe
        self._sector = {one: sector for sector, members in universe.sectors.items() for one in members}
        self._paths = lru_cache(maxsize=256)(self._walk)

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        if span_s != DAY_S:
            raise NotSupported("the seeded market of sectors has daily bars alone")
        rows, _ = self._paths(symbol)
        return Told(rows=tuple(row for row in rows if start <= row.start < end))

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[CorporateAction]:
        _, splits = self._paths(symbol)
        first, last = day_of(symbol, start), day_of(symbol, end - timedelta(microseconds=1))
        return [one for one in splits if first <= one.day <= last]

    async def close(self) -> None:
        """Nothing is open."""

    def _walk(self, symbol: str) -> tuple[list[Row], list[Split]]:
        if symbol != self._universe.benchmark and symbol not in self._sector:
            raise SymbolNotFound(f"{symbol} is not in the seeded market", broker=self.name)
        cents = 2_000 + self._draw(symbol, "price", 0) % 8_000
        rows, splits = list[Row](), list[Split]()
        for day in _days(self._first):
            if cents > _SPLIT_AT:
                cents //= _RATIO
                splits.append(Split(symbol=symbol, day=day, shares_from=Decimal(1), shares_to=Decimal(_RATIO)))
            row, cents = self._day(symbol, day, cents)
            rows.append(row)
        return rows, splits

    def _day(self, symbol: str, day: date, before: int) -> tuple[Row, int]:
        number = day.toordinal()
        shock = 8 if symbol != self._universe.benchmark and self._draw(symbol, "shock", number) % _SHOCKS == 0 else 1
        gap = self._noise(symbol, "gap", number) * _OWN * shock // 3_000
        moved = self._move(symbol, number) * (3 if shock > 1 else 1)
        opened = max(100, before + before * gap // _PPM)
        close = max(100, opened + opened * moved // _PPM)
        wide = (abs(self._noise(symbol, "high", number)) + 200) * shock
        low_by = (abs(self._noise(symbol, "low", number)) + 200) * shock
        high = max(opened, close) + max(opened, close) * wide * 4 // _PPM
        low = max(1, min(opened, close) - min(opened, close) * min(low_by * 4, 400_000) // _PPM)
        volume = (40_000 + self._draw(symbol, "volume", number) % 40_000) * (5 if shock > 1 else 1)
        prices = [Decimal(cents).scaleb(-2) for cents in (opened, high, low, close)]
        row = Row(
            start=day_start(symbol, day), open=prices[0], high=prices[1], low=prices[2], close=prices[3],
            volume=Decimal(volume),
        )  # fmt: skip
        return row, close

    def _move(self, symbol: str, number: int) -> int:
        """Parts per million: the market for everybody, then the sector (with a slow trend of its own), then itself."""
        moved = self._noise("*", "market", number) * _MARKET // 1_000 + 300
        sector = self._sector.get(symbol)
        if symbol == self._universe.benchmark or sector is None:
            return moved
        trend = self._noise(sector, "trend", number // 63)
        moved += self._noise(sector, "sector", number) * _SECTOR // 1_000 + trend
        return moved + self._noise(symbol, "own", number) * _OWN // 1_000

    def _noise(self, name: str, what: str, number: int) -> int:
        """Thousandths of a deviation about zero: twelve draws added up are near enough to normal."""
        raw = hashlib.blake2b(f"{self._seed} {name} {what} {number}".encode(), digest_size=24).digest()
        total = sum(int.from_bytes(raw[at : at + 2], "big") for at in range(0, 24, 2))
        return (total - 12 * 32_767) * 1_000 // 65_536

    def _draw(self, name: str, what: str, number: int) -> int:
        raw = hashlib.blake2b(f"{self._seed} {name} {what} {number}".encode(), digest_size=6).digest()
        return int.from_bytes(raw, "big")


@lru_cache(maxsize=4)
def _days(first: date) -> list[date]:
    days = (first + timedelta(days=n) for n in range((LAST - first).days + 1))
    return [day for day in days if is_session(day)]

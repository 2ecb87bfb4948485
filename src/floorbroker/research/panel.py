"""Daily bars of many symbols side by side, and everything that is missing in them."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import cached_property

from floorbroker.domain.frozen import frozen
from floorbroker.marketdata.adjust import Basis
from floorbroker.marketdata.cache import Reader, view_of
from floorbroker.marketdata.cache.view import View
from floorbroker.marketdata.calendars import day_start
from floorbroker.marketdata.history import DAY_S, Row, Trouble


@frozen
class Quality:
    """One trouble as reports show it."""

    symbol: str
    kind: str
    first: str
    last: str
    rows: int
    detail: str


Floats = dict[tuple[str, str], list[float | None]]


@dataclass(frozen=True)
class Panel:
    """`days` are those of any symbol, in order; `rows` have None where a symbol has no bar that can be believed."""

    source: str
    basis: Basis
    days: tuple[date, ...]
    rows: Mapping[str, tuple[Row | None, ...]]
    troubles: tuple[Trouble, ...] = ()
    _floats: Floats = field(default_factory=dict[tuple[str, str], list[float | None]], repr=False, compare=False)

    def numbers(self, symbol: str, member: str) -> list[float | None]:
        """A column of `open high low close volume` as floats for statistics, None where there is no bar."""
        key = (symbol, member)
        if key not in self._floats:
            rows = self.rows.get(symbol, (None,) * len(self.days))
            self._floats[key] = [None if row is None else float(getattr(row, member)) for row in rows]
        return self._floats[key]

    def until(self, day: date) -> Panel:
        """What was there on the evening of a day."""
        count = bisect_right(self.days, day)
        rows = {symbol: column[:count] for symbol, column in self.rows.items()}
        return Panel(self.source, self.basis, self.days[:count], rows, self.troubles)

    @cached_property
    def digest(self) -> str:
        """SHA-256 over every row, to tell what a report was made of."""
        hashed = hashlib.sha256(f"{self.source} {self.basis}\n".encode())
        for symbol in sorted(self.rows):
            for day, row in zip(self.days, self.rows[symbol], strict=True):
                if row is not None:
                    numbers = (row.open, row.high, row.low, row.close, row.volume)
                    hashed.update(f"{symbol} {day} {' '.join(f'{one.normalize():f}' for one in numbers)}\n".encode())
        return hashed.hexdigest()

    @property
    def quality(self) -> list[Quality]:
        """Troubles in a fixed order."""
        found = [
            Quality(
                symbol=one.symbol, kind=one.kind, first=f"{one.start:%Y-%m-%d}", last=f"{one.end:%Y-%m-%d}",
                rows=one.rows, detail=one.detail,
            )
            for one in self.troubles
        ]  # fmt: skip
        return sorted(found, key=lambda one: (one.symbol, one.kind, one.first, one.detail))

    def missing(self, symbols: Sequence[str], last: int) -> list[str]:
        """Symbols without a single bar among the last so many days."""
        return [one for one in symbols if not any(row is not None for row in self.rows.get(one, ())[-last:])]


def _unheard(done: int, total: int) -> None:
    """Nobody wants to know how far it is."""
    del done, total


async def load_panel(
    reader: Reader,
    symbols: Sequence[str],
    *,
    first: date,
    last: date,
    basis: Basis = "total",
    told: Callable[[int, int], None] = _unheard,
) -> Panel:
    """Days from `first` to `last`, both included; actions behind `last` are not known.

    `told` hears how many symbols of how many are there.
    """
    views: list[View] = []
    for symbol in symbols:
        views.append(
            await view_of(
                reader, symbol, span_s=DAY_S, start=day_start(symbol, first),
                end=day_start(symbol, last + timedelta(days=1)), basis=basis, until=last,
            )
        )  # fmt: skip
        told(len(views), len(symbols))
    days = sorted({day for view in views for day in view.days})
    rows: dict[str, tuple[Row | None, ...]] = {}
    for view in views:
        by_day = dict(zip(view.days, view.rows, strict=True))
        rows[view.symbol] = tuple(by_day.get(day) for day in days)
    troubles = tuple(trouble for view in views for trouble in view.troubles)
    return Panel(reader.name, basis, tuple(days), rows, troubles)

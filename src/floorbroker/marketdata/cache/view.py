"""Days of one symbol in the money that is asked for, with everything that is missing: what research reads."""

from __future__ import annotations

from datetime import date, datetime
from typing import Protocol

from floorbroker.domain.actions import CorporateAction
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.frozen import frozen
from floorbroker.marketdata.adjust import Basis, Factors, adjusted, factors_of
from floorbroker.marketdata.cache.store import trouble_of
from floorbroker.marketdata.calendars import day_of
from floorbroker.marketdata.history import History, HistorySource, Row, Told, Trouble
from floorbroker.marketdata.intake import examined


class Reader(Protocol):
    """A `Store`, or a source that is asked each time."""

    @property
    def name(self) -> str: ...

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> History: ...

    async def actions(
        self, symbol: str, *, start: datetime, end: datetime
    ) -> tuple[list[CorporateAction], list[Trouble]]: ...


class _Direct:
    """A source without a cache."""

    def __init__(self, source: HistorySource) -> None:
        self._source = source

    @property
    def name(self) -> str:
        return self._source.name

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> History:
        try:
            told = await self._source.bars(symbol, span_s=span_s, start=start, end=end)
        except FloorbrokerError as error:
            empty = examined(Told(rows=()), symbol=symbol, source=self.name, span_s=span_s, start=start, end=start)
            return History(
                symbol=symbol, source=self.name, span_s=span_s, start=start, end=end, bars=empty.bars,
                troubles=(trouble_of(error, symbol, start, end),),
            )  # fmt: skip
        return examined(told, symbol=symbol, source=self.name, span_s=span_s, start=start, end=end)

    async def actions(
        self, symbol: str, *, start: datetime, end: datetime
    ) -> tuple[list[CorporateAction], list[Trouble]]:
        try:
            return list(await self._source.actions(symbol, start=start, end=end)), []
        except FloorbrokerError as error:
            return [], [trouble_of(error, symbol, start, end)]


def direct(source: HistorySource) -> Reader:
    """A reader that keeps nothing."""
    return _Direct(source)


@frozen
class View:
    """Rows of one symbol on one basis, oldest first; `days` are theirs."""

    symbol: str
    source: str
    basis: Basis
    days: tuple[date, ...]
    rows: tuple[Row, ...]
    troubles: tuple[Trouble, ...]


async def view_of(
    reader: Reader, symbol: str, *, span_s: int, start: datetime, end: datetime, basis: Basis = "total",
    until: date | None = None,
) -> View:  # fmt: skip
    """`until` is the last day whose actions are known: adjusted prices then look as they did on that day."""
    history = await reader.bars(symbol, span_s=span_s, start=start, end=end)
    troubles = list(history.troubles)
    if basis == "raw":
        factors = Factors(steps=())
    else:
        actions, more = await reader.actions(symbol, start=start, end=end)
        closes = [(day_of(symbol, bar.start), bar.close) for bar in history.bars]
        factors = factors_of(actions, closes, basis=basis, until=until)
        troubles += more
        troubles += [
            Trouble(
                kind="unavailable", symbol=symbol, start=start, end=end, rows=1,
                detail=f"the dividend of {one.day.isoformat()} has no close before it and is left out",
            )
            for one in factors.unpriced
            if closes
        ]  # fmt: skip
    rows = tuple(adjusted(history.bars, factors))
    days = tuple(day_of(symbol, row.start) for row in rows)
    return View(
        symbol=symbol, source=reader.name, basis=basis, days=days, rows=rows, troubles=tuple(troubles)
    )  # fmt: skip

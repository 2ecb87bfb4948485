"""History from anybody: one interface over providers, venues and recordings, and what is wrong with what they told.

A source hands on rows as they were told.  `intake.examined` decides what of them can be believed; whatever is left out is named
in a `Trouble`, so no number is missing in silence.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from typing import Literal, Protocol

from floorbroker.domain.actions import CorporateAction
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.frozen import frozen

DAY_S = 86_400

Kind = Literal[
    "hole",  # a session without a bar
    "duplicate",  # a row that was told twice, word for word: counted once
    "conflict",  # a start that was told with different numbers: none is believed
    "late",  # a row that came behind a later one: put in its place
    "wrong_zone",  # a day that begins at no midnight of its market: not believed
    "impossible",  # prices that cannot be: below zero, a low above a high
    "outside",  # a row nobody asked for
    "rounded",  # numbers finer than the store keeps
    "rate_limited",  # the source would not answer for now
    "unknown_symbol",  # the source does not know it
    "not_entitled",  # the key has not paid for it
    "unavailable",  # the source did not answer, or in words that mean nothing
    "revised",  # a stored row that the source tells otherwise now
]


@frozen
class Row:
    """One bar as a source told it; raw prices of the day."""

    start: datetime
    open: Decimal
    high: Decimal
    low: Decimal
    close: Decimal
    volume: Decimal


@frozen
class Trouble:
    """Something that is missing or not as it should be: what, of whom, between when and when (UTC), and how many rows."""

    kind: Kind
    symbol: str
    start: datetime
    end: datetime
    rows: int = 0
    detail: str = ""


@frozen
class Told:
    """What a source answered: rows in its own order, and what it knows to be wrong with them."""

    rows: tuple[Row, ...]
    notes: tuple[Trouble, ...] = ()


@frozen
class History:
    """Bars that can be believed, and everything that is missing beside them."""

    symbol: str
    source: str
    span_s: int
    start: datetime
    end: datetime
    bars: BarSeries
    troubles: tuple[Trouble, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Whether no bar that should be there is missing."""
        return not any(trouble.kind in MISSING for trouble in self.troubles)


MISSING: frozenset[str] = frozenset(
    {
        "hole",
        "conflict",
        "wrong_zone",
        "impossible",
        "rate_limited",
        "unknown_symbol",
        "not_entitled",
        "unavailable",
    }
)


class HistorySource(Protocol):
    """Somebody who remembers.  Ranges include `start` and leave `end` out (UTC); symbols are ours.

    Raises `FloorbrokerError`s; an answer is whole or an error, never the part that came first.
    """

    @property
    def name(self) -> str: ...

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        """Raw bars: prices and volumes of their own day."""
        ...

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[CorporateAction]:
        """Splits and dividends, by their day.  Raises `NotSupported` where nobody knows them."""
        ...

    async def close(self) -> None: ...

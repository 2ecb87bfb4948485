"""Small universes and sources for research."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.marketdata.calendars import day_start, sessions
from floorbroker.marketdata.history import Row, Told
from floorbroker.research.universe import Universe

SMALL = Universe(
    name="small",
    benchmark="MKT",
    sectors=MappingProxyType({"Energy": ("ENEA", "ENEB"), "Technology": ("TECA", "TECB", "TECC")}),
)


@dataclass
class Lines:
    """A source of straight lines: each symbol gains so many hundredths of a percent a session."""

    gains: dict[str, int]
    name: str = "lines"
    errors: dict[str, FloorbrokerError] = field(default_factory=dict)
    left_out: dict[str, set[date]] = field(default_factory=dict)

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        if symbol in self.errors:
            raise self.errors[symbol]
        rows: list[Row] = []
        price = Decimal(100)
        for day in sessions(symbol, start, end):
            price = (price * (10_000 + self.gains[symbol]) / 10_000).quantize(Decimal("0.0001"))
            if day not in self.left_out.get(symbol, ()):
                rows.append(
                    Row(
                        start=day_start(symbol, day), open=price, high=price * 2, low=price / 2, close=price,
                        volume=Decimal(1000),
                    )
                )  # fmt: skip
        return Told(rows=tuple(rows))

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[Any]:
        return ()

    async def close(self) -> None:
        """Nothing is open."""

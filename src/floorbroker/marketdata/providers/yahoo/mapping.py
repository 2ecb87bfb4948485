"""Frames of the library as rows.  The service tells prices in today's shares: they are taken back to those of their day.

Numbers arrive as binary floats.  A price is read back at the shortest decimal it prints as, multiplied by the splits that came
after, and rounded once: to a hundredth of a cent from one unit up, to eight decimals below.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Any

from floorbroker.domain.actions import CorporateAction, Dividend, Split
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.instrument import asset_class_of
from floorbroker.domain.values import AssetClass
from floorbroker.marketdata.adjust import rounded
from floorbroker.marketdata.history import Row
from floorbroker.marketdata.providers.yahoo.errors import BROKER

_PRICES = ("Open", "High", "Low", "Close")
_PAID, _SPLIT = "Dividends", "Stock Splits"


def name_of(symbol: str) -> str:
    """`BTC/USD` is `BTC-USD`, `BRK.A` is `BRK-A`.  Raises `NotSupported`."""
    if asset_class_of(symbol) not in (AssetClass.EQUITY, AssetClass.CRYPTO):
        raise NotSupported(f"Yahoo is asked for shares and coins, not for {symbol}")
    return symbol.replace("/", "-").replace(".", "-")


def actions_of(symbol: str, frame: Any) -> list[CorporateAction]:
    """Splits and dividends of a frame; dividends in the money of their day's shares.

    Raises `ApiError` for a split whose ratio cannot be: no price from before it could be read.
    """
    splits: list[Split] = []
    paid: list[tuple[date, Decimal]] = []
    for at, cells in _cells(frame, (_PAID, _SPLIT)):
        day = at.date()
        if cells[1]:
            ratio = Fraction(cells[1]).limit_denominator(1_000)
            if ratio <= 0:
                raise ApiError(f"a split of {symbol} on {day.isoformat()} of {cells[1]} for one", broker=BROKER)
            old, new = Decimal(ratio.denominator), Decimal(ratio.numerator)
            splits.append(Split(symbol=symbol, day=day, shares_from=old, shares_to=new))
        if cells[0] is not None and cells[0] > 0:
            paid.append((day, cells[0]))
    found: list[CorporateAction] = [*splits]
    for day, amount in paid:
        raw = rounded(Fraction(amount) * shares_since(splits, day), 6)
        found.append(Dividend(symbol=symbol, day=day, amount=raw))
    return sorted(found, key=lambda one: one.day)


def shares_since(splits: Iterable[Split], day: date) -> Fraction:
    """Today's shares for one share of `day`."""
    ratio = Fraction(1)
    for split in splits:
        if split.day > day:
            ratio *= split.ratio
    return ratio


def rows_of(frame: Any, splits: Sequence[Split]) -> list[Row]:
    """Raw rows; a row with a number missing is no row."""
    found: list[Row] = []
    for at, cells in _cells(frame, (*_PRICES, "Volume")):
        if any(cell is None for cell in cells):
            continue
        ratio = shares_since(splits, at.date())
        prices = [_price(Fraction(cell or 0) * ratio) for cell in cells[:4]]
        volume = rounded(Fraction(cells[4] or 0) / ratio, 0)
        found.append(
            Row(
                start=at.astimezone(UTC), open=prices[0], high=prices[1], low=prices[2], close=prices[3], volume=volume
            )
        )  # fmt: skip
    return found


def _price(value: Fraction) -> Decimal:
    return rounded(value, 4 if value >= 1 else 8)


def _cells(frame: Any, columns: Sequence[str]) -> Iterable[tuple[datetime, list[Decimal | None]]]:
    """Each row's own time and its numbers, None for what is not one."""
    for at, *cells in frame[list(columns)].itertuples(index=True, name=None):
        yield at.to_pydatetime(), [_exact(cell) for cell in cells]


def _exact(cell: Any) -> Decimal | None:
    number = cell.item() if hasattr(cell, "item") else cell
    return Decimal(repr(number)) if math.isfinite(number) else None

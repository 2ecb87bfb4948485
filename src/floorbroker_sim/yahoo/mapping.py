"""Names of instruments, and bars as columns of numbers.  Coins are written `BTC-USD`, share classes with a dash (`BRK-B`)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from floorbroker.domain.actions import Dividend, Split
from floorbroker.matching import XNYS
from floorbroker_sim.archive import new_york_day
from floorbroker_sim.history import Candle

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SECOND = timedelta(seconds=1)
_STEP = Decimal("0.000001")


def inside(name: str) -> str:
    """`BTC-USD` becomes `BTC/USD`; shares of a class get their dot."""
    base, dash, rest = name.upper().partition("-")
    if not dash:
        return base
    return f"{base}/{rest}" if len(rest) > 1 else f"{base}.{rest}"


def seconds(at: datetime) -> int:
    return (at - _EPOCH) // _SECOND


def moment(number: int) -> datetime:
    return _EPOCH + number * _SECOND


def plain(value: Decimal) -> Decimal | int:
    """A number as JSON writes it."""
    whole = value.to_integral_value()
    return int(whole) if whole == value else Decimal(f"{value.normalize():f}")


def columns(candles: Sequence[Candle]) -> dict[str, list[object]]:
    return {
        "open": [plain(one.open) for one in candles],
        "high": [plain(one.high) for one in candles],
        "low": [plain(one.low) for one in candles],
        "close": [plain(one.close) for one in candles],
        "volume": [int(one.volume) for one in candles],
    }


def opening(start: datetime) -> datetime:
    """Days of shares are stamped at the opening of their session."""
    session = XNYS.session(new_york_day(start))
    return start if session is None else session.open


def adjusted_closes(candles: Sequence[Candle], dividends: Sequence[Dividend]) -> list[object]:
    """Closes times what each later dividend left of the close before it.  Both count in today's shares."""
    by_day = {one.day: one.amount for one in dividends}
    factor, found = Fraction(1), list[object]()
    for index in range(len(candles) - 1, -1, -1):
        close = candles[index].close
        found.append(plain((close * factor.numerator / factor.denominator).quantize(_STEP)))
        amount = by_day.get(new_york_day(candles[index].start))
        if amount is not None and index:
            before = candles[index - 1].close
            factor *= 1 - Fraction(amount) / Fraction(before) if before > amount else 1
    return found[::-1]


def split_event(split: Split) -> dict[str, object]:
    """Four for one is `4:1`."""
    new, old = plain(split.shares_to), plain(split.shares_from)
    return {"numerator": new, "denominator": old, "splitRatio": f"{new}:{old}"}

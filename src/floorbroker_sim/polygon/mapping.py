"""Names of instruments and times, ours and the service's.

Shares are plain and case-sensitive (`BRK.A`), coins `X:BTCUSD`; on the stream a coin is `BTC-USD`.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

from floorbroker_sim.history import Candle

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS, _US = timedelta(milliseconds=1), timedelta(microseconds=1)
_CURRENCY = 3


def outside(symbol: str) -> str:
    """`AAPL` stays, `BTC/USD` becomes `X:BTCUSD`."""
    return f"X:{symbol.replace('/', '')}" if "/" in symbol else symbol


def inside(ticker: str) -> str:
    """The other way; what is no coin stays as it is."""
    if not ticker.startswith("X:"):
        return ticker
    pair = ticker.removeprefix("X:")
    return f"{pair[:-_CURRENCY]}/{pair[-_CURRENCY:]}"


def on_stream(symbol: str) -> str:
    return symbol.replace("/", "-")


def millis(at: datetime) -> int:
    return (at - _EPOCH) // _MS


def nanos(at: datetime) -> int:
    return (at - _EPOCH) // _US * 1000


def moment(ms: int) -> datetime:
    return _EPOCH + ms * _MS


def plain(value: Decimal) -> Decimal | int:
    """A number as JSON writes it: without an exponent, and whole where it is whole."""
    whole = value.to_integral_value()
    return int(whole) if whole == value else Decimal(f"{value.normalize():f}")


def bar(candle: Candle, at: datetime | None = None) -> dict[str, object]:
    """One aggregate; `at` replaces its start."""
    return {
        "v": plain(candle.volume), "vw": plain(candle.mean), "o": plain(candle.open), "c": plain(candle.close),
        "h": plain(candle.high), "l": plain(candle.low), "t": millis(at or candle.start), "n": candle.count,
    }  # fmt: skip

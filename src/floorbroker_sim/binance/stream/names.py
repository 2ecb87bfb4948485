"""Names of market streams: which symbol, what of it, how often.

https://developers.binance.com/docs/binance-spot-api-docs/web-socket-streams
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from floorbroker_sim.binance import info

_SECOND = timedelta(seconds=1)
_AT_ONCE = _UTC = timedelta()
_WINDOWS = {"1h": timedelta(hours=1), "4h": timedelta(hours=4), "1d": timedelta(days=1)}
_PLAIN = {
    "trade": _AT_ONCE, "aggTrade": _AT_ONCE, "bookTicker": _AT_ONCE, "blockTrade": _AT_ONCE, "ticker": _SECOND,
    "miniTicker": _SECOND, "avgPrice": _SECOND, "referencePrice": _SECOND,
}  # fmt: skip
_DEPTH = re.compile(r"depth(5|10|20)?(@100ms|@1000ms)?")
_KLINE = re.compile(r"kline_(\w+?)(@\+08:00)?", re.ASCII)
_EIGHT = timedelta(hours=8)  # the one other zone that has streams
_TICKER = re.compile(r"ticker_(1h|4h|1d)")
_ALL = re.compile(r"!(miniTicker|ticker_(1h|4h|1d))@arr")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stream:
    """One stream.  `symbol` is canonical, None for all; `every` is how often it speaks, zero for at once."""

    name: str
    kind: str
    symbol: str | None
    every: timedelta = _AT_ONCE
    levels: int = 0
    interval: str = ""
    zone: timedelta = timedelta()
    window: timedelta = timedelta(days=1)


def stream_of(name: str, symbols: dict[str, str]) -> Stream | None:
    """The stream of a name; None for one that does not exist, which the venue subscribes all the same."""
    found = _ALL.fullmatch(name)
    if found is not None:
        window = found[2] or ""
        kind = "window" if window else "miniTicker"
        span = _WINDOWS.get(window, timedelta(days=1))
        return Stream(name=name, kind=kind, symbol=None, every=_SECOND, window=span, interval=window)
    lower, _, what = name.partition("@")
    symbol = symbols.get(lower.upper())
    if symbol is None or lower != lower.lower():
        return None
    if what in _PLAIN:
        return Stream(name=name, kind=what, symbol=symbol, every=_PLAIN[what])
    return _depth(name, what, symbol) or _kline(name, what, symbol) or _window(name, what, symbol)


def _depth(name: str, what: str, symbol: str) -> Stream | None:
    found = _DEPTH.fullmatch(what)
    if found is None:
        return None
    every = timedelta(milliseconds=100) if found[2] == "@100ms" else _SECOND
    return Stream(
        name=name, kind="levels" if found[1] else "depth", symbol=symbol, every=every, levels=int(found[1] or 0)
    )


def _kline(name: str, what: str, symbol: str) -> Stream | None:
    found = _KLINE.fullmatch(what)
    if found is None or found[1] not in info.INTERVALS:
        return None
    every = _SECOND if found[1] == "1s" else 2 * _SECOND
    return Stream(
        name=name, kind="kline", symbol=symbol, every=every, interval=found[1], zone=_EIGHT if found[2] else _UTC
    )


def _window(name: str, what: str, symbol: str) -> Stream | None:
    found = _TICKER.fullmatch(what)
    if found is None:
        return None
    return Stream(name=name, kind="window", symbol=symbol, every=_SECOND, interval=found[1], window=_WINDOWS[found[1]])

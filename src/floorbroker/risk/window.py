"""The middle of what was quoted lately: the moving reference of the collar."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from floorbroker.domain.records import Quote
from floorbroker.domain.values import WIDE, ZERO

SAMPLES = 60  # of one symbol in one window, at most
LEAST = 3  # fewer prices are no average


@dataclass(slots=True)
class _Run:
    heard_s: deque[tuple[float, Decimal]] = field(default_factory=deque[tuple[float, Decimal]])
    total: Decimal = ZERO


@dataclass(slots=True)
class Windows:
    """Prices heard by symbol, one in a sixtieth of the window, forgotten when they are older than it; seconds are monotonic."""

    _runs: dict[str, _Run] = field(default_factory=dict[str, _Run])

    def hear(self, quote: Quote, now_s: float, window_s: int) -> None:
        """Take a price, unless one was taken a moment ago."""
        price = quote.mid if quote.mid is not None else quote.last
        if price is None:
            return
        run = self._runs.setdefault(quote.symbol, _Run())
        if run.heard_s and now_s - run.heard_s[-1][0] < window_s / SAMPLES:
            return
        run.heard_s.append((now_s, price))
        run.total = WIDE.add(run.total, price)
        _forget(run, now_s - window_s)

    def middle(self, symbol: str, now_s: float, window_s: int) -> Decimal | None:
        """The mean of the window; None while there are too few prices in it."""
        run = self._runs.get(symbol)
        if run is None:
            return None
        _forget(run, now_s - window_s)
        return run.total / len(run.heard_s) if len(run.heard_s) >= LEAST else None


def _forget(run: _Run, since_s: float) -> None:
    while run.heard_s and run.heard_s[0][0] < since_s:
        run.total = WIDE.subtract(run.total, run.heard_s.popleft()[1])

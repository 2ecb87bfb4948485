"""A venue's own history behind the same interface.  Which basis its prices have is the venue's affair; no venue tells actions."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from floorbroker.domain.actions import CorporateAction
from floorbroker.domain.capability import Can
from floorbroker.domain.errors import ApiError, NotSupported
from floorbroker.domain.ports import Broker
from floorbroker.marketdata.history import Row, Told

_PAGE = 1_000
_PAGES_MAX = 2_000


class VenueHistory:
    """`broker` belongs to whoever made it: closing this does not close it."""

    def __init__(self, broker: Broker) -> None:
        if Can.HISTORY_BARS not in broker.info.can:
            raise NotSupported(f"{broker.info.name} has no history of bars")
        self._broker = broker

    @property
    def name(self) -> str:
        return self._broker.info.folder

    async def bars(self, symbol: str, *, span_s: int, start: datetime, end: datetime) -> Told:
        """Page by page, each from behind the last bar of the one before."""
        found: list[Row] = []
        at = start
        for _ in range(_PAGES_MAX):
            page = await self._broker.get_bars(symbol, span_s=span_s, start=at, end=end, limit=_PAGE)
            rows = [
                Row(start=bar.start, open=bar.open, high=bar.high, low=bar.low, close=bar.close, volume=bar.volume)
                for bar in page
            ]
            found += [row for row in rows if row.start < end]
            if len(rows) < _PAGE or rows[-1].start >= end:
                return Told(rows=tuple(found))
            at = rows[-1].start + timedelta(seconds=span_s)
        raise ApiError(f"the bars of {symbol}: the pages have no end", broker=self._broker.info.code)

    async def actions(self, symbol: str, *, start: datetime, end: datetime) -> Sequence[CorporateAction]:
        raise NotSupported(f"{self._broker.info.name} tells no splits and no dividends")

    async def close(self) -> None:
        """The broker is somebody else's."""

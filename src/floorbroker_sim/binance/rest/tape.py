"""The public trades of each symbol: one a second before and beside what happens here, numbered without a gap.

Trades before the venue opened are a function of seed and time; later ones are kept, the account's own among them.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from floorbroker.domain.records import Trade
from floorbroker.domain.values import Side
from floorbroker_sim.market import Market

_SECOND = timedelta(seconds=1)
_KEPT = 20_000
_CATCH_UP = 5  # prints that are made up for after a while without anybody looking
FIRST_ID = 100_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Print:
    """One public trade."""

    id: int
    price: Decimal
    qty: Decimal
    at: datetime
    buyer_is_maker: bool


class Tape:
    """The prints of one symbol."""

    def __init__(self, symbol: str, market: Market, *, opened: datetime) -> None:
        self._symbol = symbol
        self._market = market
        self._opened = opened.replace(microsecond=0)
        self._upto = self._opened
        self._kept: deque[Print] = deque(maxlen=_KEPT)
        self._next = FIRST_ID

    def catch_up(self, at: datetime) -> list[Print]:
        """The prints of whole seconds since the last call, none for a symbol priced by hand."""
        found: list[Print] = []
        self._upto = max(self._upto, at.replace(microsecond=0) - _CATCH_UP * _SECOND)
        while self._upto + _SECOND <= at:
            self._upto += _SECOND
            if not self._market.is_pinned(self._symbol):
                trade = self._market.source.last_trade(self._symbol, self._upto)
                if trade is not None:
                    found.append(self.add_market(trade, at=self._upto))
        return found

    def add_market(self, trade: Trade, *, at: datetime) -> Print:
        """A trade of others."""
        return self.add(price=trade.price, qty=trade.size, at=at, buyer_is_maker=_sold(trade))

    def add(self, *, price: Decimal, qty: Decimal, at: datetime, buyer_is_maker: bool) -> Print:
        """One more print."""
        made = Print(id=self._next, price=price, qty=qty, at=at, buyer_is_maker=buyer_is_maker)
        self._next += 1
        self._kept.append(made)
        return made

    def newest(self, count: int) -> list[Print]:
        """The last prints, oldest first."""
        return self.from_id(max(0, self._next - count), count)

    def from_id(self, first: int, count: int) -> list[Print]:
        """Up to `count` prints from a number on."""
        first = max(first, self._next - _KEPT) if first >= FIRST_ID else first
        ids = range(max(first, self._oldest), min(first + count, self._next))
        return [found for number in ids if (found := self._numbered(number)) is not None]

    def between(self, start: datetime | None, end: datetime | None, count: int) -> list[Print]:
        """Up to `count` prints of a span: the oldest after `start`, else the newest before `end`."""
        if start is not None:
            first = self.first_at(start)
            found = self.from_id(first, count)
            return [p for p in found if start <= p.at and (end is None or p.at <= end)]
        if end is None:
            return self.newest(count)
        last = self.first_at(end + timedelta(microseconds=1))
        return self.from_id(max(self._oldest, last - count), min(count, last - self._oldest))

    @property
    def _oldest(self) -> int:
        return FIRST_ID - 90 * 86_400

    def first_at(self, at: datetime) -> int:
        """The number of the first print at or after a moment."""
        if at <= self._opened:
            return max(self._oldest, FIRST_ID - 1 - (self._opened - at) // _SECOND)
        return next((p.id for p in self._kept if p.at >= at), self._next)

    def _numbered(self, number: int) -> Print | None:
        if number >= FIRST_ID:
            place = number - (self._next - len(self._kept))
            return self._kept[place] if 0 <= place < len(self._kept) else None
        at = self._opened - (FIRST_ID - 1 - number) * _SECOND
        trade = self._market.source.last_trade(self._symbol, at)
        if trade is None:
            return None
        return Print(id=number, price=trade.price, qty=trade.size, at=at, buyer_is_maker=_sold(trade))


def _sold(trade: Trade) -> bool:
    """Whether a sale made the print: then the buyer had been waiting."""
    return trade.aggressor is Side.SELL

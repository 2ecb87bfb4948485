"""What happens to an account without a trade: splits, dividends, other names, and what borrowed shares cost each night."""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime, time, timedelta
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction

from floorbroker.backtest.actions import Happening, Renamed, morning_of, to_shares
from floorbroker.backtest.costs import YEAR_DAYS
from floorbroker.backtest.reshaped import Moved, Paid, Resized
from floorbroker.backtest.venue import Venue
from floorbroker.domain.actions import Dividend, Split
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO, round_step
from floorbroker.matching.calendar import NEW_YORK
from floorbroker.strategy.bars import microseconds, moment_of
from floorbroker.strategy.timers import NEVER
from floorbroker.strategy.wishes import Income

_CENT = Decimal("0.01")


@frozen
class _Night:
    """A midnight in New York, at which what is short is paid for."""

    at: datetime


class Happenings:
    """`next_us` is when the next one is due; whoever plays the market applies it before anything that is over after it."""

    def __init__(self, actions: Iterable[Happening], *, start: datetime, borrow_percent: Decimal) -> None:
        self._borrow_percent = borrow_percent
        begin_us = microseconds(start)
        self._waiting: list[tuple[int, bool, int, Happening | _Night]] = []
        self._count = 0
        for action in actions:
            if (due_us := microseconds(morning_of(action))) > begin_us:
                self._add(due_us, action)
        if borrow_percent:
            self._next_night(start)
        self._look()

    def _add(self, due_us: int, what: Happening | _Night) -> None:
        """A night is paid for in the units of the day before, so it goes before what happens on the same morning."""
        self._count += 1
        heapq.heappush(self._waiting, (due_us, not isinstance(what, _Night), self._count, what))

    def _look(self) -> None:
        self.next_us = self._waiting[0][0] if self._waiting else NEVER

    def _next_night(self, after: datetime) -> None:
        day = after.astimezone(NEW_YORK).date() + timedelta(days=1)
        midnight = datetime.combine(day, time(), NEW_YORK)
        self._add(microseconds(midnight), _Night(at=midnight))

    def happen(self, venue: Venue, until_us: int) -> None:
        """Everything that is due until then."""
        while self._waiting and self._waiting[0][0] <= until_us:
            due_us, _, _, what = heapq.heappop(self._waiting)
            if isinstance(what, _Night):
                _pay_for_borrowed(venue, self._borrow_percent, due_us)
                self._next_night(what.at)
            else:
                apply(venue, what, due_us)
        self._look()


def apply(venue: Venue, what: Happening, at_us: int) -> None:
    """One corporate action; the strategy hears of it when it holds something, or has orders there."""
    symbol, at = what.symbol, moment_of(at_us)
    qty, had_orders = venue.ledger_of(symbol).qty(symbol), bool(venue.open_wishes(symbol))
    match what:
        case Split():
            venue.end_orders(symbol, at)
            venue.reshape(Resized(at_us=at_us, symbol=symbol, ratio=what.ratio))
            _split(venue, symbol, qty, what.ratio)
            ratio = Decimal(what.ratio.numerator) / what.ratio.denominator
            _tell(venue, Income(symbol=symbol, at=at, split=ratio), is_due=bool(qty) or had_orders)
        case Dividend():
            venue.pay(symbol, qty * what.amount)
            venue.reshape(Paid(at_us=at_us, symbol=symbol, amount=what.amount))
            _tell(venue, Income(symbol=symbol, at=at, cash=qty * what.amount), is_due=bool(qty))
        case Renamed():
            venue.end_orders(symbol, at)
            venue.ledger_of(symbol).rename(symbol, what.new)
            venue.reshape(Moved(at_us=at_us, symbol=symbol, new=what.new))
            venue.note(what.new, at_us)
            _tell(venue, Income(symbol=symbol, at=at, renamed_to=what.new), is_due=bool(qty) or had_orders)
    venue.note(symbol, at_us)


def _tell(venue: Venue, income: Income, *, is_due: bool) -> None:
    if is_due:
        venue.news.append(income)


def _split(venue: Venue, symbol: str, qty: Decimal, ratio: Fraction) -> None:
    """New units; what is no whole unit is paid at the last price, in the new units."""
    if not qty:
        return
    whole, rest = to_shares(qty, ratio)
    paid = rest * (venue.price(symbol) or ZERO)
    venue.ledger_of(symbol).restate(symbol, whole)
    venue.pay(symbol, round_step(paid, _CENT, ROUND_HALF_EVEN))


def _pay_for_borrowed(venue: Venue, percent: Decimal, at_us: int) -> None:
    """In each currency for what is short there, as one amount."""
    for ledger in [*venue.ledgers.values()]:
        shorts = {p.symbol: -p.qty * (venue.price(p.symbol) or ZERO) for p in ledger.positions() if p.qty < 0}
        if short := sum(shorts.values(), ZERO):
            first = next(iter(shorts))
            venue.pay(first, -round_step(short * percent / 100 / YEAR_DAYS, _CENT, ROUND_HALF_EVEN))
            venue.note(first, at_us)

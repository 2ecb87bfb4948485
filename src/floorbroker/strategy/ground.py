"""What a strategy stands on: the market and account as it sees them, and the way of its wishes.

The same lines serve backtest, simulation, paper and live; what differs is `send`.  A wish gets its id from what caused it, so
that a strategy that is run again over the same event asks for the same thing under the same name.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, OrdStatus, Price, Quantity, text_of
from floorbroker.matching.calendar import ALWAYS_OPEN, Calendar
from floorbroker.strategy.bars import Columns, Track, moment_of
from floorbroker.strategy.budget import Budget, Day, Standing, refusal
from floorbroker.strategy.decisions import Decision
from floorbroker.strategy.schedule import Rule
from floorbroker.strategy.timers import Timers
from floorbroker.strategy.wishes import Action, Change, Fired, News, Ordered, Place, WishId, Withdraw

CAUSES_MAX = 10_000


class Ground(ABC):
    """Subclasses carry wishes away (`send`) and say what is held; events come in through the runner."""

    def __init__(self, *, budget: Budget | None = None, calendar: Calendar = ALWAYS_OPEN) -> None:
        self.budget = budget or Budget()
        self.calendar = calendar
        self.tracks: dict[str, Track] = {}
        self.wishes: dict[WishId, Ordered] = {}  # those that can still trade
        self.news: deque[News] = deque()  # what the strategy was not told yet
        self.timers = Timers(calendar)
        self.decided: Callable[[Decision], None] | None = None
        self.view: object = ""  # the event that is being handled; its text names it
        self.now_us = 0
        self.day: Day | None = None  # what the budget counts today
        self.stirred = False  # whether the strategy did anything since somebody looked last
        self._seen: dict[str, str] = {}
        self._cause: str = ""
        self._counts: dict[str, int] = {}  # wishes of the last causes that had any

    # -- to be said by subclasses -------------------------------------------------------------------------------------------

    @abstractmethod
    def send(self, action: Action) -> None:
        """Carry a wish away; what becomes of it comes back later."""
        ...

    @property
    @abstractmethod
    def cash(self) -> Decimal: ...

    @property
    @abstractmethod
    def equity(self) -> Decimal: ...

    @abstractmethod
    def held(self) -> Mapping[str, Decimal]:
        """Signed units of every position that is not flat."""
        ...

    @abstractmethod
    def quote(self, symbol: str) -> Quote | None:
        """The last one heard."""
        ...

    @abstractmethod
    def scale(self, symbol: str) -> Decimal | None:
        """What units times price are multiplied with to be an amount of the account; None while nobody can tell."""
        ...

    # -- the market -----------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        return moment_of(self.now_us)

    def track(self, symbol: str) -> Track:
        """The bars of a symbol; without any yet, an empty one that live bars may fill."""
        track = self.tracks.get(symbol)
        if track is None:
            track = self.tracks[symbol] = Track(Columns(symbol, price_decimals=8, size_decimals=8))
        return track

    def price(self, symbol: str) -> Price | None:
        """The last close that is over, or the middle of the last quote; None while nothing is known."""
        track = self.tracks.get(symbol)
        if track is not None and track.at >= 0:
            return track.view().close
        quote = self.quote(symbol)
        if quote is None:
            return None
        return Price(quote.mid) if quote.mid is not None else quote.last

    def worth(self, symbol: str) -> Decimal | None:
        """What one unit is marked at, for the budget: the price, where there is one."""
        return self.price(symbol)

    def remember(self, rule: Rule, name: str) -> None:
        """Call the strategy back at every moment of a rule."""
        self.stirred = True
        self.timers.add(rule, name, self.now)

    def due(self) -> list[Fired]:
        """Moments that have come."""
        return self.timers.due(self.now_us)

    # -- wishes ---------------------------------------------------------------------------------------------------------------

    def see(self, context: Mapping[str, object]) -> None:
        """Keep what the strategy looked at, for the decisions of this event."""
        self._same_cause()
        self._seen.update({name: str(value) for name, value in context.items()})

    def place(self, order: NewOrder) -> WishId:
        """Ask for an order.  What the strategy's budget refuses is told as not sent, and goes nowhere."""
        self.stirred = True
        wish = self._next()
        why = self._objection(order)
        status = OrdStatus.NOT_SENT if why else OrdStatus.PENDING_NEW
        ordered = Ordered(wish=wish, order=order, ord_status=status, cum_qty=Quantity(ZERO), reason=why)
        self._decide("place", ordered)
        if why:
            self.news.append(ordered)
            return wish
        self.wishes[wish] = ordered
        self.send(Place(wish=wish, order=order))
        return wish

    def withdraw(self, wish: WishId) -> None:
        """Ask for the end of an order; nothing happens when it has ended."""
        self.stirred = True
        if (ordered := self.wishes.get(wish)) is not None:
            self._decide("cancel", ordered)
            self.send(Withdraw(wish=wish))

    def change(self, wish: WishId, changes: OrderChanges) -> None:
        """Ask for other terms; nothing happens when the order has ended."""
        self.stirred = True
        if (ordered := self.wishes.get(wish)) is not None:
            self._decide("change", ordered)
            self.send(Change(wish=wish, changes=changes))

    def open_wishes(self, symbol: str | None = None) -> tuple[Ordered, ...]:
        return tuple(one for one in self.wishes.values() if symbol is None or one.symbol == symbol)

    def heard(self, ordered: Ordered) -> None:
        """Where a wish stands now."""
        if ordered.is_open:
            self.wishes[ordered.wish] = ordered
        else:
            self.wishes.pop(ordered.wish, None)
        self.news.append(ordered)

    # -- inside -----------------------------------------------------------------------------------------------------------------

    def _next(self) -> WishId:
        """`cause#number`: the number counts wishes of one cause, also where another event of its name comes later."""
        self._same_cause()
        count = self._counts.pop(self._cause, 0) + 1
        self._counts[self._cause] = count
        if len(self._counts) > CAUSES_MAX:
            del self._counts[next(iter(self._counts))]
        return WishId(f"{self._cause}#{count}")

    def _same_cause(self) -> None:
        cause = str(self.view)
        if cause != self._cause:
            self._cause = cause
            self._seen.clear()

    def _objection(self, order: NewOrder) -> str:
        if self.budget.is_empty:
            return ""
        equity, today = self.equity, self.now.date()
        if self.day is None or self.day.day != today:
            self.day = Day(day=today, equity=equity)
        held = self.held()
        symbols = {*held, order.symbol, *(leg.symbol for leg in order.legs)}
        standing = Standing(
            equity=equity,
            day_start=self.day.equity,
            positions=held,
            prices={symbol: price for symbol in symbols if (price := self.worth(symbol)) is not None},
            orders_today=self.day.orders,
            scales={symbol: scale for symbol in symbols if (scale := self.scale(symbol)) is not None},
        )
        why = refusal(self.budget, order, standing)
        if not why:
            self.day = Day(day=today, equity=self.day.equity, orders=self.day.orders + 1)
        return why

    def _decide(self, act: str, ordered: Ordered) -> None:
        if self.decided is None:
            return
        self._same_cause()
        price = self.price(ordered.symbol)
        context = {
            "price": "" if price is None else text_of(price),
            "position": text_of(self.held().get(ordered.symbol, ZERO)),
        }
        self.decided(
            Decision(at=self.now, act=act, cause=self._cause, ordered=ordered, market_context=context | self._seen)
        )


class Nowhere(Ground):
    """Where a strategy stands before somebody runs it: there is neither market nor account."""

    def send(self, action: Action) -> None:
        raise _not_running()

    @property
    def cash(self) -> Decimal:
        raise _not_running()

    @property
    def equity(self) -> Decimal:
        raise _not_running()

    def held(self) -> Mapping[str, Decimal]:
        raise _not_running()

    def quote(self, symbol: str) -> Quote | None:
        raise _not_running()

    def scale(self, symbol: str) -> Decimal | None:
        raise _not_running()


def _not_running() -> LookupError:
    return LookupError("a strategy has a market and an account from its on_start on")

"""`Strategy`: the class people write.  The same class runs in backtest, simulation, paper and live.

    from floorbroker import Strategy

    class Crossover(Strategy):
        fast: int = 50
        slow: int = 200

        def on_start(self):
            for symbol in self.symbols:
                self.set(symbol, self.average(symbol, self.fast), self.average(symbol, self.slow))

        def on_bar(self, bar):
            ...
            self.buy(bar.symbol, 10, reason="crossed above")

Handlers are plain functions: they look, decide and return.  A wish leaves when its handler has returned; what becomes of it
comes back as `on_order` and `on_fill`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, ClassVar

from floorbroker.domain.instrument import usual_tif
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.domain.values import ZERO, OrderType, Price, Quantity, Side, TimeInForce, decimal_of
from floorbroker.strategy.bars import BarView, Track
from floorbroker.strategy.budget import Budget
from floorbroker.strategy.ground import Ground, Nowhere
from floorbroker.strategy.indicators import Average, Deviation, Exponential, Highest, Lowest
from floorbroker.strategy.parameters import checked
from floorbroker.strategy.schedule import Every, Once, Rule
from floorbroker.strategy.wishes import Filled, Fired, Income, Ordered, WishId

Number = Decimal | int | str


class Strategy:
    """Annotated attributes with a default are its parameters, given by name: `Crossover(symbols=("SPY",), fast=20)`.

    `state` is kept across restarts of a bot: whatever JSON can say, changed in place.  Everything else begins anew.
    """

    symbols: tuple[str, ...] = ()
    name: ClassVar[str] = ""  # how orders and logs call it; the class name in lower case unless given

    def __init__(self, **parameters: Any) -> None:
        for parameter, value in checked(type(self), parameters).items():
            setattr(self, parameter, value)
        self.state: dict[str, Any] = {}
        self._ground: Ground = Nowhere()

    # -- events: override what you need -----------------------------------------------------------------------------------

    def on_start(self) -> None:
        """Once, before any event: make indicators, ask for timers."""

    def on_bar(self, bar: BarView) -> None:
        """A bar is over."""

    def on_quote(self, quote: Quote) -> None:
        """The best bid or ask changed."""

    def on_trade(self, trade: Trade) -> None:
        """Somebody traded."""

    def on_book(self, delta: BookDelta) -> None:
        """The order book changed."""

    def on_order(self, order: Ordered) -> None:
        """An own order changed: it works, was refused, expired, ended."""

    def on_fill(self, fill: Filled) -> None:
        """An own order traded."""

    def on_timer(self, timer: Fired) -> None:
        """A moment that was asked for has come."""

    def on_income(self, income: Income) -> None:
        """A split, a dividend or another name reached the account; open orders of a split symbol are gone."""

    def on_stop(self) -> None:
        """Once, at the end; wishes are not taken any more."""

    def risk_budget(self) -> Budget:
        """Bounds of its own, asked for once before `on_start`."""
        return Budget()

    # -- what it sees -------------------------------------------------------------------------------------------------------

    @property
    def now(self) -> datetime:
        """The time of the event that is being handled, UTC."""
        return self._ground.now

    @property
    def cash(self) -> Decimal:
        return self._ground.cash

    @property
    def equity(self) -> Decimal:
        """Cash and what positions are worth at their last price."""
        return self._ground.equity

    def position(self, symbol: str) -> Decimal:
        """Signed units held."""
        return self._ground.held().get(symbol, ZERO)

    def positions(self) -> Mapping[str, Decimal]:
        """Everything held, by symbol."""
        return self._ground.held()

    def price(self, symbol: str) -> Price | None:
        """The last known price; None before the first."""
        return self._ground.price(symbol)

    def quote(self, symbol: str) -> Quote | None:
        """The last known best bid and ask."""
        return self._ground.quote(symbol)

    def bars(self, symbol: str) -> Track:
        """The bars of a symbol so far: `bars(s).back(1)` is the one before the last."""
        return self._ground.track(symbol)

    def orders(self, symbol: str | None = None) -> tuple[Ordered, ...]:
        """Own orders that can still trade."""
        return self._ground.open_wishes(symbol)

    # -- indicators -----------------------------------------------------------------------------------------------------------

    def average(self, symbol: str, period: int) -> Average:
        """Simple moving average of closes."""
        return Average(self._ground.track(symbol), period)

    def exponential(self, symbol: str, period: int) -> Exponential:
        """Exponential moving average of closes."""
        return Exponential(self._ground.track(symbol), period)

    def deviation(self, symbol: str, period: int) -> Deviation:
        """Standard deviation of closes."""
        return Deviation(self._ground.track(symbol), period)

    def highest(self, symbol: str, period: int) -> Highest:
        """Highest close."""
        return Highest(self._ground.track(symbol), period)

    def lowest(self, symbol: str, period: int) -> Lowest:
        """Lowest close."""
        return Lowest(self._ground.track(symbol), period)

    # -- wishes -----------------------------------------------------------------------------------------------------------------

    def buy(self, symbol: str, qty: Number, **terms: Any) -> WishId:
        """Buy units: at the market, or with `limit`, `stop`, `tif`, `reason` and others as in `wish`."""
        return self.wish(symbol, Side.BUY, qty, **terms)

    def sell(self, symbol: str, qty: Number, **terms: Any) -> WishId:
        """Sell units, short where that is allowed."""
        return self.wish(symbol, Side.SELL, qty, **terms)

    def wish(
        self,
        symbol: str,
        side: Side,
        qty: Number,
        *,
        limit: Number | None = None,
        stop: Number | None = None,
        tif: TimeInForce | str | None = None,
        reason: str = "",
    ) -> WishId:
        """One order; its type follows from the prices that are given.  Without a `tif` it is for the day, one of coins gtc."""
        kinds = {
            (False, False): OrderType.MARKET,
            (True, False): OrderType.LIMIT,
            (False, True): OrderType.STOP,
            (True, True): OrderType.STOP_LIMIT,
        }
        return self.submit(
            NewOrder(
                symbol=symbol,
                side=side,
                order_type=kinds[limit is not None, stop is not None],
                order_qty=Quantity(qty if isinstance(qty, Decimal) else decimal_of(qty)),
                price=None if limit is None else Price(decimal_of(limit)),
                stop_px=None if stop is None else Price(decimal_of(stop)),
                tif=usual_tif(symbol) if tif is None else TimeInForce(tif) if isinstance(tif, str) else tif,
                strategy=self.called,
                reason=reason,
                allow_duplicate=True,  # the id of a wish tells a repeat from a second one
            )
        )

    def submit(self, order: NewOrder) -> WishId:
        """Any order the desk knows: brackets, trailing stops, options with several legs."""
        return self._ground.place(order)

    def cancel(self, order: Ordered | WishId) -> None:
        """Ask for the end of an own order."""
        self._ground.withdraw(order.wish if isinstance(order, Ordered) else order)

    def change(self, order: Ordered | WishId, changes: OrderChanges) -> None:
        """Ask for other terms."""
        self._ground.change(order.wish if isinstance(order, Ordered) else order, changes)

    def target(self, symbol: str, units: Number, *, reason: str = "") -> WishId | None:
        """Trade at the market what is missing to hold `units` (signed), orders that are open already counted."""
        coming = sum((one.order.side.sign * _open_qty(one) for one in self.orders(symbol)), ZERO)
        missing = decimal_of(units) - self.position(symbol) - coming
        if not missing:
            return None
        return self.wish(symbol, Side.BUY if missing > 0 else Side.SELL, abs(missing), reason=reason)

    def close(self, symbol: str, *, reason: str = "") -> WishId | None:
        """Hold nothing of it any more."""
        return self.target(symbol, 0, reason=reason)

    # -- time, and why ------------------------------------------------------------------------------------------------------

    def at(self, rule: Rule | datetime, name: str = "") -> None:
        """Be called (`on_timer`) at a moment, or at every moment of a rule: `AfterOpen`, `BeforeClose`, `Every`."""
        self._ground.remember(Once(at=rule) if isinstance(rule, datetime) else rule, name)

    def every(self, step: timedelta, name: str = "") -> None:
        """Be called at every step of a session."""
        self.at(Every(step=step), name)

    def see(self, **context: object) -> None:
        """Note what this decision looks at; the decision log keeps it beside the wish."""
        self._ground.see(context)

    @property
    def called(self) -> str:
        """Its name in orders and logs."""
        return type(self).name or type(self).__name__.lower()

    def stand_on(self, ground: Ground) -> None:
        """Be given a market and an account; called by whoever runs it."""
        ground.budget = self.risk_budget()
        self._ground = ground


def _open_qty(order: Ordered) -> Decimal:
    return (order.order.order_qty or ZERO) - order.cum_qty

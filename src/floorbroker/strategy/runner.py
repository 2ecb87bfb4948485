"""Hands events to a strategy, then what became of its wishes.  Decides nothing, waits for nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from floorbroker.domain.records import BookDelta, Quote, Trade
from floorbroker.strategy.bars import BarView, microseconds
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.ground import Ground
from floorbroker.strategy.wishes import Filled, Fired, Income, News, Ordered

NEWS_MAX = 10_000  # of one event: a strategy that answers its own news for ever is stopped


class Flooding(RuntimeError):
    """A strategy answered its own news without end."""


class Runner:
    """One strategy on one ground, in this process."""

    def __init__(self, strategy: Strategy, ground: Ground) -> None:
        self.strategy = strategy
        self.ground = ground
        self._heard = {
            kind
            for kind, name in ((Filled, "on_fill"), (Ordered, "on_order"), (Income, "on_income"))
            if getattr(type(strategy), name) is not getattr(Strategy, name)
        }
        strategy.stand_on(ground)

    def start(self) -> None:
        """Before any event."""
        self._handle("start", self.strategy.on_start)

    def stop(self) -> None:
        """After the last one; wishes of `on_stop` go nowhere."""
        self.ground.view = "stop"
        self.strategy.on_stop()

    def bar(self, view: BarView) -> None:
        """A bar is over; its track stands there already."""
        self.ground.view = view
        self.strategy.on_bar(view)
        self.settle()

    def quote(self, quote: Quote) -> None:
        self._handle(f"quote:{quote.symbol}:{microseconds(quote.time)}", self.strategy.on_quote, quote)

    def trade(self, trade: Trade) -> None:
        self._handle(f"trade:{trade.symbol}:{microseconds(trade.time)}", self.strategy.on_trade, trade)

    def book(self, delta: BookDelta) -> None:
        self._handle(f"book:{delta.symbol}:{microseconds(delta.time)}", self.strategy.on_book, delta)

    def timers(self) -> None:
        """Tell of the moments that have come."""
        for fired in self.ground.due():
            self._handle(f"timer:{fired.name}:{microseconds(fired.at)}", self.strategy.on_timer, fired)

    def tell(self, news: Iterable[News]) -> None:
        """What became of wishes, and what reached the account."""
        for one in news:
            self._tell(one)
        self.settle()

    def settle(self) -> None:
        """Tell what was heard while handlers ran, until nothing is new."""
        news, told = self.ground.news, 0
        while news:
            told += 1
            if told > NEWS_MAX:
                raise Flooding(f"{self.strategy.called} answers its own news without end")
            one = news.popleft()
            if type(one) in self._heard:
                self._tell(one)

    def _tell(self, one: News) -> None:
        ground, strategy = self.ground, self.strategy
        match one:
            case Filled():
                ground.view = f"fill:{one.exec_id or microseconds(one.at)}"
                strategy.on_fill(one)
            case Ordered():
                ground.view = f"order:{one.wish}:{one.ord_status.value}:{one.cum_qty}"
                strategy.on_order(one)
            case Income():
                ground.view = f"income:{one.symbol}:{microseconds(one.at)}"
                strategy.on_income(one)

    def _handle(self, cause: str, handler: Callable[..., None], *event: Quote | Trade | BookDelta | Fired) -> None:
        self.ground.view = cause
        handler(*event)
        self.settle()

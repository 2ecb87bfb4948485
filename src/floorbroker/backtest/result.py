"""What a backtest came to: fills, round trips, equity over time, and the statistics made of them.  Money is exact."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from functools import cached_property
from typing import Any, cast

from floorbroker.backtest.currencies import Currencies, turned
from floorbroker.backtest.feed import Feed
from floorbroker.backtest.marks import Marks
from floorbroker.backtest.reshaped import Moved, Paid, Reshaped, Resized
from floorbroker.backtest.statistics import Point, statistics_of
from floorbroker.backtest.venue import Held, Venue
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import ZERO, Price, Quantity, text_of, time_text
from floorbroker.strategy.bars import microseconds, moment_of
from floorbroker.strategy.base import Strategy
from floorbroker.strategy.parameters import parameters_of
from floorbroker.strategy.wishes import Filled


@frozen
class Trip:
    """Units bought and sold again, or sold short and bought back.  `profit` is after the fees of both ends."""

    symbol: str
    qty: Decimal  # signed: negative for a short
    entered: datetime
    entry: Price
    left: datetime
    exit: Price
    profit: Decimal
    fees: Decimal


class Result:
    """Made once by a run.  `equity`, `trips` and `statistics` are worked out when they are first asked for."""

    def __init__(
        self,
        *,
        strategy: str,
        parameters: Mapping[str, Any],
        start: datetime,
        end: datetime,
        cash: Decimal,
        end_cash: Decimal,
        positions: Mapping[str, Decimal],
        fees: Decimal,
        income: Decimal,
        fills: Sequence[Filled],
        changes: Sequence[Held],
        reshaped: Sequence[Reshaped],
        feed: Feed,
        events: int,
        multiplier: Mapping[str, Decimal],
        currencies: Currencies,
        currency_of: Mapping[str, str],
    ) -> None:
        self.strategy = strategy
        self.parameters = parameters
        self.start = start
        self.end = end
        self.cash = cash
        self.end_cash = end_cash
        self.positions = positions
        self.fees = fees
        self.income = income
        self.fills = fills
        self.changes = changes
        self.reshaped = reshaped
        self.feed = feed
        self.bars = feed.bars
        self.events = events
        self.multiplier = multiplier
        self.currencies = currencies
        self.currency_of = currency_of

    @classmethod
    def of(cls, venue: Venue, feed: Feed, *, strategy: Strategy, cash: Decimal) -> Result:
        """What a run left at its venue."""
        start, end = feed.span()
        return cls(
            strategy=strategy.called,
            parameters={name: getattr(strategy, name) for name in parameters_of(type(strategy))},
            start=start,
            end=end,
            cash=cash,
            end_cash=venue.cash,
            positions=dict(venue.held()),
            fees=venue.fees,
            income=venue.income,
            fills=venue.fills,
            changes=venue.changes,
            reshaped=venue.reshaped,
            feed=feed,
            events=feed.size,
            multiplier={one.symbol: venue.instrument(one.symbol).multiplier for one in venue.changes},
            currencies=venue.currencies,
            currency_of={s: venue.instrument(s).currency for s in (*feed.symbols, *(c.symbol for c in venue.changes))},
        )

    @cached_property
    def equity(self) -> list[Point]:
        """Cash and positions at their last price: whenever there is a new one, the last of a day where there are very many."""
        marks = Marks(self.feed, fills=self.fills, reshaped=self.reshaped)
        held, cash = dict[str, Decimal](), {self.currency: self.cash}
        points, changes = list[Point](), deque(self.changes)
        for us in marks.grid():
            while changes and changes[0].at_us <= us:
                change = changes.popleft()
                held[change.symbol], cash[change.currency] = change.qty, change.cash
            worth = dict(cash)
            for symbol, qty in held.items():
                if qty:
                    worth[self.currency_of[symbol]] += marks.worth(symbol, qty * self.multiplier[symbol], us)
            equity = sum((self._in_base(marks, amount, one, us) for one, amount in worth.items()), ZERO)
            points.append(Point(at=moment_of(us), equity=equity))
        return points

    def _in_base(self, marks: Marks, amount: Decimal, currency: str, us: int) -> Decimal:
        rate = self.currencies.rate(currency, lambda symbol: marks.price(symbol, us)) if amount else None
        return turned(amount, rate or ZERO)

    @cached_property
    def trips(self) -> list[Trip]:
        """Round trips, first in first out; what is still held at the end is none.

        Profit and fees are in the account's currency, at the rate of the moment the trip ended.
        """
        marks, found = Marks(self.feed, fills=self.fills, reshaped=self.reshaped), list[Trip]()
        for trip in _trips(self.fills, self.reshaped, self.multiplier):
            currency, us = self.currency_of[trip.symbol], microseconds(trip.left)
            profit, fees = (self._in_base(marks, amount, currency, us) for amount in (trip.profit, trip.fees))
            found.append(replace(trip, profit=profit, fees=fees))
        return found

    @cached_property
    def statistics(self) -> dict[str, Decimal | int | None]:
        """By name; ratios of daily returns, percents of equity.  None where there is too little to tell."""
        return statistics_of(self.equity, trips=self.trips, start=self.cash)

    @property
    def end_equity(self) -> Decimal:
        """At the end; the cash where nothing was played."""
        return self.equity[-1].equity if self.equity else self.end_cash

    @property
    def currency(self) -> str:
        """What amounts are in: all of them but the prices and fees of fills, which are in the money of their symbol."""
        return self.currencies.base

    @property
    def rates(self) -> dict[str, Decimal | None]:
        """What one unit of each other currency was worth in the end."""
        marks, us = Marks(self.feed, fills=self.fills, reshaped=self.reshaped), microseconds(self.end)
        return self.currencies.told(lambda symbol: marks.price(symbol, us))

    def document(self) -> dict[str, Any]:
        """Everything as JSON can say it: numbers are text, times UTC."""
        return {
            "strategy": self.strategy,
            "parameters": {name: _plain(value) for name, value in self.parameters.items()},
            "start": time_text(self.start),
            "end": time_text(self.end),
            "events": self.events,
            "currency": self.currency,
            "rates": {currency: _plain(rate) for currency, rate in self.rates.items()},
            "cash": {"start": text_of(self.cash), "end": text_of(self.end_cash)},
            "equity": {"start": text_of(self.cash), "end": text_of(self.end_equity)},
            "fees": text_of(self.fees),
            "income": text_of(self.income),
            "pnl": text_of(self.end_equity - self.cash),
            "positions": [{"symbol": s, "quantity": text_of(q)} for s, q in sorted(self.positions.items())],
            "statistics": {name: _plain(value) for name, value in self.statistics.items()},
            "fills": [fill_document(fill) for fill in self.fills],
            "trips": [_trip(trip) for trip in self.trips],
        }


def fill_document(fill: Filled) -> dict[str, str]:
    """One fill as results and the demo write it."""
    return {
        "symbol": fill.symbol,
        "side": fill.side.value,
        "quantity": text_of(fill.qty),
        "price": text_of(fill.price),
        "fee": text_of(fill.fee),
        "time": time_text(fill.at),
    }


def _trip(trip: Trip) -> dict[str, str]:
    return {
        "symbol": trip.symbol,
        "quantity": text_of(trip.qty),
        "entered": time_text(trip.entered),
        "entry": text_of(trip.entry),
        "left": time_text(trip.left),
        "exit": text_of(trip.exit),
        "profit": text_of(trip.profit),
        "fees": text_of(trip.fees),
    }


def _plain(value: object) -> object:
    match value:
        case Decimal():
            return text_of(value)
        case tuple():
            return [_plain(one) for one in cast("tuple[object, ...]", value)]
        case None | bool() | int() | str():
            return value
        case _:
            return str(value)


def _trips(fills: Iterable[Filled], reshaped: Iterable[Reshaped], multiplier: Mapping[str, Decimal]) -> Iterable[Trip]:
    lots: dict[str, deque[tuple[Filled, Decimal]]] = {}
    waiting = deque(reshaped)
    for fill in fills:
        while waiting and waiting[0].at_us <= microseconds(fill.at):
            match waiting.popleft():
                case Resized() as split:
                    _split(lots, split)
                case Moved(symbol=symbol, new=new) if symbol in lots:
                    lots[new] = deque((replace(entry, symbol=new), qty) for entry, qty in lots.pop(symbol))
                case Moved() | Paid():
                    pass
        mine, left = lots.setdefault(fill.symbol, deque()), fill.qty
        while left and mine and mine[0][0].side is not fill.side:
            entry, open_qty = mine.popleft()
            qty = min(open_qty, left)
            yield _closed(entry, fill, qty, multiplier.get(fill.symbol, Decimal(1)))
            left -= qty
            if open_qty > qty:
                mine.appendleft((entry, open_qty - qty))
        if left:
            mine.append((fill, Decimal(left)))


def _split(lots: dict[str, deque[tuple[Filled, Decimal]]], split: Resized) -> None:
    """What is open goes on in new units, at a price that makes it cost the same."""
    new, old = split.ratio.numerator, split.ratio.denominator
    lots[split.symbol] = deque(
        (replace(f, qty=Quantity(f.qty * new / old), price=Price(f.price * old / new)), qty * new / old)
        for f, qty in lots.get(split.symbol, ())
    )


def _closed(entry: Filled, leaving: Filled, qty: Decimal, times: Decimal) -> Trip:
    signed = entry.side.sign * qty
    fees = entry.fee * qty / entry.qty + leaving.fee * qty / leaving.qty
    return Trip(
        symbol=entry.symbol,
        qty=signed,
        entered=entry.at,
        entry=entry.price,
        left=leaving.at,
        exit=leaving.price,
        profit=round(signed * (leaving.price - entry.price) * times - fees, 8).normalize(),
        fees=round(fees, 8).normalize(),
    )

"""What orders cost and what the account can pay: the venue's own money rules.

Margin as simple as it gets: buying power is leverage times equity, less what is held and what open orders may still open.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Protocol

from floorbroker.brokers.paper import errors
from floorbroker.brokers.paper.info import CURRENCY, Options
from floorbroker.brokers.paper.rest.tills import Tills
from floorbroker.domain.instrument import Instrument, asset_class_of
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.records import Account, Balance, Position, Quote, RiskMetrics
from floorbroker.domain.values import ZERO, AssetClass, OrderClass, Price, Side
from floorbroker.matching import BadOrder, Engine, MatchOrder
from floorbroker.matching.orders import with_changes


class Books(Protocol):
    """What the purse reads of its venue."""

    @property
    def engine(self) -> Engine: ...

    @property
    def tills(self) -> Tills: ...

    @property
    def options(self) -> Options: ...

    def instrument(self, symbol: str) -> Instrument: ...

    def quote(self, symbol: str, at: datetime) -> Quote: ...

    def mark(self, symbol: str) -> Decimal | None: ...


def symbols_of(order: NewOrder) -> list[str]:
    """The symbols an order trades."""
    if order.order_class is OrderClass.MULTILEG:
        return list(dict.fromkeys(leg.symbol for leg in order.legs))
    return [order.symbol]


class Purse:
    """The account's money as the venue reckons it."""

    def __init__(self, venue: Books) -> None:
        self._venue = venue

    @property
    def equity(self) -> Decimal:
        return self._venue.tills.equity

    @property
    def gross(self) -> Decimal:
        """The value of all positions, long and short, without sign."""
        return sum(
            (abs(self.in_own(position.symbol, position.qty)) for position in self._venue.tills.positions()), ZERO
        )

    @property
    def buying_power(self) -> Decimal:
        """Leverage times equity, less what is held and what open orders may still open; none while some of it cannot be told."""
        if not self._venue.tills.is_whole:
            return ZERO
        return max(ZERO, self._venue.options.leverage * self.equity - self.gross - self._reserved())

    def _reserved(self) -> Decimal:
        """What open orders tie up; what is held covers the oldest closing orders first, each unit once."""
        reserved = ZERO
        promised: dict[tuple[str, Side], Decimal] = {}
        for order in self._venue.engine.open_orders():
            if order.parent_id is not None:
                continue  # an exit closes what its entry opened
            key = (order.symbol, order.side)
            before = promised.get(key, ZERO)
            try:
                reserved += self.cost(order.order, filled=order.cum_qty, spent=order.spent, promised=before)
            except LookupError:
                continue  # without a price there is nothing to reckon; it cannot fill either
            promised[key] = before + (order.leaves_qty or ZERO)
        return reserved

    def in_own(self, symbol: str, qty: Decimal) -> Decimal:
        """What units are worth, in the account's own currency."""
        return self._venue.tills.in_own(self.worth(symbol, qty), self._venue.instrument(symbol).currency)

    def worth(self, symbol: str, qty: Decimal) -> Decimal:
        """The same in the symbol's."""
        return qty * (self._venue.mark(symbol) or ZERO) * self._venue.instrument(symbol).multiplier

    def cost(
        self, order: NewOrder, *, filled: Decimal = ZERO, spent: Decimal = ZERO, promised: Decimal = ZERO
    ) -> Decimal:
        """What an order would tie up: the value of the units it opens, at its limit or the touch, in the account's own currency.

        `promised` units of the position are to be closed by other orders already.  Raises `LookupError` when there is no
        price to reckon with.
        """
        if order.order_class is OrderClass.MULTILEG:
            return self._cost_of_legs(order)
        instrument = self._venue.instrument(order.symbol)
        price = order.price if order.price is not None else order.stop_px or self._touch(order)
        wanted = order.order_qty
        units = wanted - filled if wanted is not None else ((order.notional or ZERO) - spent) / price
        opened = self._opening(order, units + promised, promised) * price * instrument.multiplier
        return self._venue.tills.in_own(opened, instrument.currency)

    def _touch(self, order: NewOrder) -> Price:
        quote = self._venue.quote(order.symbol, self._venue.engine.now)
        touch = quote.ask if order.side is Side.BUY else quote.bid
        touch = touch if touch is not None else quote.last
        if touch is None:
            raise LookupError(order.symbol)
        return touch

    def _cost_of_legs(self, order: NewOrder) -> Decimal:
        """The net debit; a credit ties up nothing here."""
        net = ZERO
        for leg in order.legs:
            quote = self._venue.quote(leg.symbol, self._venue.engine.now)
            touch = quote.ask if leg.side is Side.BUY else quote.bid
            if touch is None:
                raise LookupError(leg.symbol)
            instrument = self._venue.instrument(leg.symbol)
            value = leg.side.sign * leg.ratio_qty * touch * instrument.multiplier
            net += self._venue.tills.in_own(value, instrument.currency)
        return max(ZERO, net) * (order.order_qty or ZERO)

    def _opening(self, order: NewOrder, upto: Decimal, promised: Decimal) -> Decimal:
        """How many of the units from `promised` to `upto` would open or enlarge the position."""
        closable = -order.side.sign * self._venue.tills.qty(order.symbol)
        return upto - max(promised, min(upto, closable))

    def _promised(self, order: NewOrder) -> Decimal:
        """Units that other working orders of the same side trade already."""
        others = self._venue.engine.open_orders(order.symbol)
        return sum((o.leaves_qty or ZERO for o in others if o.side is order.side and o.parent_id is None), ZERO)

    def check(self, order: NewOrder) -> None:
        """Raises the refusals of an account that cannot pay, or does not hold what it sells."""
        for currency in {self._venue.instrument(symbol).currency for symbol in symbols_of(order)}:
            if self._venue.tills.rate(currency) is None:
                raise errors.no_rate(currency, into=CURRENCY)
        try:
            needed = self.cost(order, promised=self._promised(order))
        except LookupError as error:
            raise errors.rejected(f"no market for {error.args[0]} yet") from error
        if order.order_class is not OrderClass.MULTILEG:
            self._check_holdings(order, opens=needed > 0)
        available = self.buying_power
        if needed > available:
            raise errors.no_funds(needed=needed, available=available)

    def _check_holdings(self, order: NewOrder, *, opens: bool) -> None:
        if order.reduce_only and opens:
            raise errors.rejected("a reduce-only order would enlarge the position")
        if opens and order.side is Side.SELL and not self._venue.instrument(order.symbol).shortable:
            raise errors.no_holdings(order.symbol)

    def check_change(self, order: MatchOrder, changes: OrderChanges) -> None:
        """Larger or dearer terms need the money for the difference."""
        if not order.is_open or order.parent_id is not None:
            return
        try:
            terms = with_changes(order, changes)
            needed = self.cost(terms, filled=order.cum_qty) - self.cost(order.order, filled=order.cum_qty)
        except BadOrder as error:
            raise errors.rejected(str(error)) from error
        except LookupError as error:
            raise errors.rejected(f"no market for {error.args[0]} yet") from error
        available = self.buying_power
        if needed > max(ZERO, available):
            raise errors.no_funds(needed=needed, available=available)

    # -- what the account shows ---------------------------------------------------------------------------------------

    def account(self, name: str) -> Account:
        leverage = self._venue.options.leverage
        return Account(
            account=name,
            currency=CURRENCY,
            cash=self._venue.tills.cash,
            equity=self.equity,
            buying_power=self.buying_power,
            environment_hint="paper",
            can_short=True,
            option_level=3,
            multiplier=leverage,
            initial_margin=self.gross / leverage,
            maintenance_margin=self.gross / 4,
        )

    def balances(self) -> tuple[Balance, ...]:
        """Cash, which may be owed, and the coins and currencies that are held; a perpetual is a contract, and no coin of ours."""
        totals = {ledger.currency: ledger.cash for ledger in self._venue.tills}
        for position in self._venue.tills.positions():
            coin, slash, _ = position.symbol.partition("/")
            if slash and asset_class_of(position.symbol) is not AssetClass.PERPETUAL:
                totals[coin] = totals.get(coin, ZERO) + position.qty
        return tuple(
            Balance(currency=currency, total=total, available=self._available(currency, total))
            for currency, total in totals.items()
        )

    def _available(self, currency: str, total: Decimal) -> Decimal:
        return max(ZERO, min(total, self.buying_power)) if currency == CURRENCY else total

    def positions(self) -> tuple[Position, ...]:
        return tuple(self._position(held.symbol) for held in self._venue.tills.positions())

    def _position(self, symbol: str) -> Position:
        held, mark = self._venue.tills.position(symbol), self._venue.mark(symbol)
        value = None if mark is None else self.worth(symbol, held.qty)
        return Position(
            symbol=symbol,
            qty=held.qty,
            avg_px=held.avg_px,
            market_px=mark,
            market_value=value,
            unrealized_pl=None if value is None else value - held.cost,
            qty_available=held.qty,
        )

    def risk(self) -> RiskMetrics:
        values = [self.in_own(position.symbol, position.qty) for position in self._venue.tills.positions()]
        equity, gross = self.equity, self.gross
        return RiskMetrics(
            currency=CURRENCY,
            equity=equity,
            gross_exposure=gross,
            net_exposure=sum(values, ZERO),
            leverage=gross / equity if equity > 0 else ZERO,
            concentration=max(map(abs, values), default=ZERO) / equity if equity > 0 else ZERO,
            open_orders=len(self._venue.engine.open_orders()),
        )

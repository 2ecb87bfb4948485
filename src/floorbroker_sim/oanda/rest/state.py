"""The venue's memory and its clockwork: transactions, orders, trades, the account, and what prices and time do to them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId
from floorbroker.matching import Engine, by_name
from floorbroker.matching.market import Liquidity
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.market import Market, Tick
from floorbroker_sim.oanda import info, wire
from floorbroker_sim.oanda.auth import Keys
from floorbroker_sim.oanda.mapping import inside, outside
from floorbroker_sim.oanda.rest import happenings
from floorbroker_sim.oanda.rest.log import Log
from floorbroker_sim.oanda.rest.past import Past
from floorbroker_sim.oanda.rest.records import Execution, Order, Tally, Trade

PriceListener = Callable[[str], None]
_TWO = Decimal(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  Without `calendar` markets never close; `hedging` lets both sides of an instrument be held."""

    seed: int = 0
    cash: Decimal = info.START_CASH
    currency: str = info.HOME_CURRENCY
    calendar: bool = False
    hedging: bool = False
    guaranteed: info.GuaranteedMode = "DISABLED"


@dataclass(slots=True, kw_only=True)
class Account:
    """The account's own numbers, in the home currency, and how it is configured."""

    balance: Decimal = ZERO
    pl: Decimal = ZERO
    financing: Decimal = ZERO
    fees: Decimal = ZERO
    alias: str | None = None
    margin_rate: Decimal = Decimal("0.02")
    hedging: bool = False
    fifo: bool = False  # as accounts in the United States: trades are closed oldest first
    request_ids: bool = True  # the log keeps the ids that clients give their requests
    guaranteed: info.GuaranteedMode = "DISABLED"
    created: datetime
    last_fill: datetime | None = None
    called_at: datetime | None = None


class Touch(NamedTuple):
    """The best prices of an instrument."""

    bid: Decimal
    ask: Decimal

    @property
    def middle(self) -> Decimal:
        return (self.bid + self.ask) / _TWO


@dataclass(slots=True)
class Hands:
    """What the control door has set: halted instruments, their liquidity, and reasons that wait for the next command or fill."""

    halted: set[str] = field(default_factory=set[str])
    liquidity: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    rejects: deque[str] = field(default_factory=deque[str])
    cancels: deque[str] = field(default_factory=deque[str])


class State:
    """One account at the venue.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(self, *, settings: Settings, clock: VenueClock, market: Market, past: Past, keys: Keys) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.past = past
        self.keys = keys
        self.log = Log(keys, clock)
        self.price_listeners: list[PriceListener] = []
        self.reset()

    def reset(self) -> None:
        """As on the first day: an account that was made and funded.  Streams stay connected."""
        self.log.clear()
        self.hands = Hands()
        self.account = Account(
            hedging=self.settings.hedging, guaranteed=self.settings.guaranteed, created=self.clock.now()
        )
        self.orders: dict[str, Order] = {}
        self.pending: dict[str, Order] = {}
        self.trades: dict[str, Trade] = {}
        self.open_trades: dict[str, Trade] = {}
        self.tallies: dict[tuple[str, bool], Tally] = {}
        self.executions: list[Execution] = []
        self._count = 0
        self.engine = Engine(
            instrument=self.market.instrument,
            exec_id=lambda: ExecId(f"x{self._next()}"),
            child_id=lambda: OrderId(f"c{self._next()}"),
            start=self.account.created,
            liquidity=Liquidity.DISPLAYED,
        )
        self._found()

    def _found(self) -> None:
        site, division, user, number = (int(part) for part in self.keys.account.split("-"))
        self.log.write(
            wire.Create, type="CREATE", division_id=division, site_id=site, account_user_id=user, account_number=number,
            home_currency=self.settings.currency,
        )  # fmt: skip
        self.transfer(self.settings.cash, reason="CLIENT_FUNDING")

    def transfer(self, amount: Decimal, *, reason: str) -> wire.Transfer:
        """Money comes in or goes out (negative)."""
        self.account.balance += amount
        return self.log.write(
            wire.Transfer, type="TRANSFER_FUNDS", amount=amount.quantize(info.MONEY), funding_reason=reason,
            account_balance=self.account.balance.quantize(info.MONEY),
        )  # fmt: skip

    def _next(self) -> int:
        self._count += 1
        return self._count

    def engine_id(self) -> OrderId:
        """A fresh name for the matching engine."""
        return OrderId(f"e{self._next()}")

    # --- Prices -------------------------------------------------------------------------------------------------------

    def quote(self, instrument: str) -> Quote | None:
        """The top of the book with both sides, its sizes as the control door set them; None without a price."""
        if instrument not in info.INSTRUMENTS or inside(instrument) not in self.market.instruments:
            return None
        quote = self.market.quote(inside(instrument))
        if quote is None or quote.bid is None or quote.ask is None:
            return None
        size = self.hands.liquidity.get(instrument)
        if size is not None:
            return replace(quote, bid_size=size, ask_size=size)
        deep = Decimal(info.INSTRUMENTS[instrument].size)  # quotes of recorded days have no sizes
        return replace(quote, bid_size=quote.bid_size or deep, ask_size=quote.ask_size or deep)

    def touch(self, instrument: str) -> Touch | None:
        """The best prices now, with the instrument's decimals."""
        quote = self.quote(instrument)
        if quote is None or quote.bid is None or quote.ask is None:
            return None
        step = info.INSTRUMENTS[instrument].tick
        return Touch(quote.bid.quantize(step), quote.ask.quantize(step))

    def is_tradeable(self, instrument: str) -> bool:
        """Whether orders of an instrument can fill now."""
        if instrument in self.hands.halted:
            return False
        return not self.settings.calendar or by_name("FX").is_open(self.clock.now())

    def feed(self, tick: Tick) -> None:
        """New prices: orders that they trigger, then the margin, then the streams."""
        named = tick.quote or tick.trade
        if named is None:
            return
        instrument = outside(named.symbol)
        happenings.look(self, instrument)
        happenings.watch_margin(self)
        for listener in tuple(self.price_listeners):
            listener(instrument)

    def advance(self, at: datetime) -> None:
        """Orders whose time is over end."""
        happenings.expire(self, at)

    # --- Trades -------------------------------------------------------------------------------------------------------

    def held(self, instrument: str, *, long: bool) -> list[Trade]:
        """The open trades of one side, the oldest first."""
        return [
            trade for trade in self.open_trades.values() if trade.instrument == instrument and trade.is_long == long
        ]

    def units(self, instrument: str, *, long: bool) -> Decimal:
        """Signed units of one side."""
        return sum((trade.units for trade in self.held(instrument, long=long)), ZERO)

    def tally(self, instrument: str, *, long: bool) -> Tally:
        """What that side has brought so far; kept from now on."""
        return self.tallies.setdefault((instrument, long), Tally())

    def instrument_of(self, order: Order) -> str:
        """What an order trades; of a dependent order what its trade holds."""
        if order.wish.instrument is not None:
            return order.wish.instrument
        assert order.wish.trade_id is not None
        return self.trades[order.wish.trade_id].instrument

    # --- Names --------------------------------------------------------------------------------------------------------

    def find_order(self, name: str) -> Order | None:
        """An order by its id, or a pending one by `@` and the client's id; of ended ones the last."""
        if not name.startswith("@"):
            return self.orders.get(name)
        mine = [order for order in self.orders.values() if order.client_id == name[1:]]
        return next((order for order in mine if order.id in self.pending), mine[-1] if mine else None)

    def find_trade(self, name: str) -> Trade | None:
        """A trade by its id, or by `@` and the client's id, an open one first."""
        if not name.startswith("@"):
            return self.trades.get(name)
        mine = [trade for trade in self.trades.values() if trade.client_id == name[1:]]
        return next((trade for trade in mine if trade.is_open), mine[-1] if mine else None)

"""The memory and the clockwork behind the socket: orders, executions, account, and who listens."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from random import Random
from typing import Protocol

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId
from floorbroker.matching import Calendar, Engine, Event, Ledger, by_name
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import History
from floorbroker_sim.ibkr import info
from floorbroker_sim.ibkr.codec import Word
from floorbroker_sim.ibkr.errors import Refused
from floorbroker_sim.ibkr.rest import life, trailing
from floorbroker_sim.ibkr.rest.contracts import Catalogue
from floorbroker_sim.ibkr.rest.money import Commissions, Standing, standing
from floorbroker_sim.ibkr.rest.records import Executed, Record
from floorbroker_sim.ibkr.wire import frames
from floorbroker_sim.ibkr.wire.shown import open_order
from floorbroker_sim.market import Market, Tick


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.

    Without `calendar` markets never close, days do not end and nothing is reset at night.  With `shows_replaced` a list of open
    orders holds a changed order twice under one permanent id, first as it was and then as it is.
    """

    seed: int = 0
    cash: Decimal = info.START_CASH
    calendar: bool = False
    shows_replaced: bool = False


class Client(Protocol):
    """One connected program."""

    client_id: int
    version: int

    def send(self, words: list[Word]) -> None: ...
    def account_changed(self, symbol: str) -> None:
        """A position moved, and cash with it."""
        ...

    def priced(self, tick: Tick) -> None: ...


class State:
    """One account and the program in front of it.  Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(self, *, settings: Settings, clock: VenueClock, market: Market, history: History) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.history = history
        self.clients: dict[int, Client] = {}
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Connections stay."""
        self.random = Random(f"ibkr {self.settings.seed}")
        self.account = f"DU{self.random.randrange(10**6, 10**7)}"
        self.catalogue = Catalogue(self.market)
        self.orders: dict[str, Record] = {}
        self.by_id: dict[tuple[int, int], Record] = {}
        self.legs: dict[str, Record] = {}  # the engine's names of legs -> the combination
        self.highest: dict[int, int] = {}
        self.executed: list[tuple[Record, Executed]] = []
        self.link_up = True
        self.entitled = True  # live prices; without, delayed ones
        self.queued: list[Callable[[], None]] = []  # for when the link is back
        self.opened_at = self.clock.now()
        self._perm = 1_000_000_000 + self.random.randrange(10**8)
        self._exec_head = f"{self.random.getrandbits(32):08x}.{self.random.getrandbits(32):08x}"
        self._execs = 0
        self._fed: dict[str, Quote] = {}
        self.engine = Engine(
            instrument=self.market.instrument,
            calendar=self._calendar,
            exec_id=self._exec_id,
            child_id=lambda: OrderId(f"leg {self.next_perm()}"),
            start=self.opened_at,
            fees=Commissions(),
        )
        self.ledger = Ledger(
            currency=info.CURRENCY,
            cash=self.settings.cash,
            multiplier=lambda symbol: self.market.instrument(symbol).multiplier,
        )

    def next_perm(self) -> int:
        self._perm += 1
        return self._perm

    def _exec_id(self) -> ExecId:
        self._execs += 1
        return ExecId(f"{self._exec_head}.{self._execs:02d}")

    def _calendar(self, instrument: Instrument) -> Calendar | None:
        return by_name(instrument.calendar) if self.settings.calendar else None

    # --- Prices -------------------------------------------------------------------------------------------------------

    def refresh(self, symbol: str) -> Quote | None:
        """The quote of `symbol`, known to the engine as well."""
        quote = self.market.quote(symbol)
        if quote is not None and self._fed.get(symbol) != quote:
            self._fed[symbol] = quote
            self.absorb(self.engine.on_quote(replace(quote, time=self.clock.now())))
        return quote

    def feed(self, tick: Tick) -> None:
        """New prices: the engine first, then orders that follow, then the programs."""
        quote, trade = tick.quote, tick.trade
        if quote is not None:
            self._fed[quote.symbol] = quote
            self.absorb(self.engine.on_quote(quote))
        if trade is not None:
            self.absorb(self.engine.on_trade(trade))
            trailing.follow(self, trade)
        for client in tuple(self.clients.values()):
            client.priced(tick)

    def advance(self, at: datetime) -> None:
        """Sessions open and close, days end."""
        self.absorb(self.engine.advance(at))

    def mark(self, symbol: str) -> Decimal:
        """What a unit is worth: the middle of the book, else what was paid."""
        quote = self.market.quote(symbol)
        if quote is None:
            return self.ledger.position(symbol).avg_px
        return quote.mid or quote.last or ZERO

    # --- Account ------------------------------------------------------------------------------------------------------

    def held(self) -> dict[str, Decimal]:
        """Signed units by symbol."""
        return {position.symbol: position.qty for position in self.ledger.positions()}

    def standing(self) -> Standing:
        return standing(self.ledger.cash, self.held(), self.mark)

    # --- Orders -------------------------------------------------------------------------------------------------------

    def add(self, record: Record) -> None:
        """Remember an order; its id is used up."""
        self.orders[record.key] = record
        self.by_id[record.client_id, record.order_id] = record
        self.use_up(record.client_id, record.order_id)

    def use_up(self, client_id: int, order_id: int) -> None:
        self.highest[client_id] = max(self.highest.get(client_id, 0), order_id)

    def find(self, name: str) -> Record | None:
        """An order by its permanent id, by the client's reference, or by the client's number."""
        for record in reversed(self.orders.values()):
            if name in {str(record.perm_id), record.placed.text("orderRef"), str(record.order_id)}:
                return record
        return None

    def open_orders(self) -> list[Record]:
        """In order of arrival."""
        return [record for record in self.orders.values() if record.is_open and record.transmitted]

    def group(self, record: Record) -> list[Record]:
        """The others of its one-cancels-all group that are open."""
        if not record.oca:
            return []
        return [other for other in self.open_orders() if other.oca == record.oca and other is not record]

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into what the program says, in order."""
        for event in events:
            combination = self.legs.get(event.order_id) or self._combination(event)
            if combination is not None:
                life.leg_told(self, combination, event)
            elif (record := self.orders.get(event.order_id)) is not None:
                life.told(self, record, event)

    def _combination(self, event: Event) -> Record | None:
        """The order of a leg that the engine made, the first time it is heard of."""
        parent = self.engine.order(event.order_id).parent_id
        if parent is None or parent not in self.orders:
            return None
        self.legs[event.order_id] = self.orders[parent]
        return self.orders[parent]

    # --- Saying -------------------------------------------------------------------------------------------------------

    def owner(self, record: Record) -> Client | None:
        """Who hears of an order; nobody does while the link is down."""
        return self.clients.get(record.client_id) if self.link_up else None

    def show(self, record: Record) -> None:
        """`openOrder` and `orderStatus`, to the owner."""
        client = self.owner(record)
        if client is not None:
            client.send(open_order(record.shown(), client.version))
            client.send(status_words(record))

    def show_status(self, record: Record) -> None:
        """`orderStatus` alone."""
        client = self.owner(record)
        if client is not None:
            client.send(status_words(record))

    def complain(self, record: Record, refused: Refused) -> None:
        """An error about an order, to its owner."""
        client = self.owner(record)
        if client is not None:
            client.send(frames.error(record.order_id, refused, client.version))


def status_words(record: Record) -> list[Word]:
    """`orderStatus` as the order stands."""
    return frames.order_status(
        record.order_id,
        record.status,
        filled=record.filled,
        remaining=record.qty - record.filled,
        average=record.average,
        perm_id=record.perm_id,
        parent_id=0 if record.parent is None else record.parent.order_id,
        last=record.last_px,
        client_id=record.client_id,
        why_held=record.why_held,
    )

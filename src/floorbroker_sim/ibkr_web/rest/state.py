"""The venue's memory and its clockwork: accounts, orders, executions, and what the matching engine says about them."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from decimal import Decimal
from random import Random

from floorbroker.domain.instrument import Instrument
from floorbroker.domain.records import Quote
from floorbroker.domain.values import ZERO, ExecId, OrderId
from floorbroker.matching import Calendar, Engine, Event, Ledger, by_name
from floorbroker_sim.clock import VenueClock
from floorbroker_sim.history import History
from floorbroker_sim.ibkr_web import info
from floorbroker_sim.ibkr_web.auth import Login
from floorbroker_sim.ibkr_web.rest import life
from floorbroker_sim.ibkr_web.rest.money import Commission, Holding, Standing, standing
from floorbroker_sim.ibkr_web.rest.questions import Desk
from floorbroker_sim.ibkr_web.rest.records import Execution, Record, Wanted
from floorbroker_sim.ibkr_web.rest.symbols import Symbols
from floorbroker_sim.market import Market, Tick

_FIRST_ORDER = 1_370_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How this venue is set up.  Without `calendar` markets never close and days do not end."""

    seed: int = 0
    cash: Decimal = info.START_CASH
    calendar: bool = False
    accounts: int = 1


@dataclass(slots=True)
class Listeners:
    """Who hears what; streams come and go."""

    orders: list[Callable[[Record], None]] = field(default_factory=list[Callable[[Record], None]])
    executions: list[Callable[[Execution], None]] = field(default_factory=list[Callable[[Execution], None]])
    prices: list[Callable[[Tick], None]] = field(default_factory=list[Callable[[Tick], None]])


class State:
    """Everything is synchronous; `now` comes from the venue's clock."""

    def __init__(self, *, settings: Settings, clock: VenueClock, market: Market, history: History) -> None:
        self.settings = settings
        self.clock = clock
        self.market = market
        self.history = history
        self.symbols = Symbols(market)
        self.listeners = Listeners()
        self.random = Random(f"ibkr web {settings.seed}")
        self.login = Login(clock, self.random, days_end=settings.calendar)
        self.reset()

    def reset(self) -> None:
        """As on the first day.  Streams stay connected, and so does the session."""
        self.random.seed(f"ibkr web {self.settings.seed}")
        first = 1_000_000 + self.random.randrange(8_000_000)
        self.account_ids = [f"DU{first + n}" for n in range(self.settings.accounts)]
        self.username = f"paper{first % 10_000:04d}"
        self.selected = self.account_ids[0]
        self.ledgers = {
            account: Ledger(currency=info.CURRENCY, cash=self.settings.cash, multiplier=self._multiplier)
            for account in self.account_ids
        }
        self.orders: dict[int, Record] = {}
        self.open: dict[int, Record] = {}
        self.client_ids: dict[str, int] = {}
        self.executions: dict[str, Execution] = {}
        self.desk = Desk(self)
        self.whole_months = True  # whether strike 0 is answered with all contracts of a month
        self.filters: tuple[str, ...] = ()  # of the last list of orders; they narrow the stream as well
        self._last_order = _FIRST_ORDER + self.random.randrange(10_000_000)
        self._execs = self._children = self._groups = 0
        self._run = f"{self.random.getrandbits(32):08x}"
        self._fed: dict[str, Quote] = {}
        self._said: deque[Event] = deque()
        self.engine = Engine(
            instrument=self.market.instrument,
            calendar=self._calendar,
            exec_id=self._exec_id,
            child_id=self._child_id,
            start=self.clock.now(),
            fees=Commission(),
        )
        self.login.log_in()

    def order_id(self) -> int:
        """The next order's number."""
        self._last_order += 1
        return self._last_order

    def token(self) -> str:
        """Thirty-two digits in the groups of a UUID."""
        text = f"{self.random.getrandbits(128):032x}"
        return "-".join((text[:8], text[8:12], text[12:16], text[16:20], text[20:]))

    def group(self) -> str:
        """A name for orders that came as one group."""
        self._groups += 1
        return f"group {self._groups}"

    def _exec_id(self) -> ExecId:
        self._execs += 1
        return ExecId(f"{self._run}.{self._execs:08x}.01")

    def _child_id(self) -> OrderId:
        self._children += 1
        return OrderId(f"leg {self._children}")

    def _calendar(self, instrument: Instrument) -> Calendar | None:
        return by_name(instrument.calendar) if self.settings.calendar else None

    def _multiplier(self, symbol: str) -> Decimal:
        return self.market.instrument(symbol).multiplier

    # --- Prices -------------------------------------------------------------------------------------------------------

    def refresh(self, symbol: str) -> Quote | None:
        """The quote of `symbol`, known to the engine as well."""
        quote = self.market.quote(symbol)
        if quote is not None and self._fed.get(symbol) != quote:
            self._fed[symbol] = quote
            self.absorb(self.engine.on_quote(replace(quote, time=self.clock.now())))
        return quote

    def feed(self, tick: Tick) -> None:
        """New prices: the engine first, then the streams."""
        if tick.quote is not None:
            self._fed[tick.quote.symbol] = tick.quote
            self.absorb(self.engine.on_quote(tick.quote))
        if tick.trade is not None:
            self.absorb(self.engine.on_trade(tick.trade))
        for listener in tuple(self.listeners.prices):
            listener(tick)

    def advance(self, at: datetime) -> None:
        """Sessions open and close, days end, questions grow old."""
        self.absorb(self.engine.advance(at))
        self.login.advance(at)

    def mark(self, account: str, symbol: str) -> Decimal:
        """What a unit is worth: the last trade, else the middle of the book."""
        quote = self.market.quote(symbol)
        if quote is None:
            return self.ledgers[account].position(symbol).avg_px
        return quote.last or quote.mid or ZERO

    # --- Accounts -----------------------------------------------------------------------------------------------------

    def position(self, account: str, symbol: str) -> Decimal:
        """Signed units."""
        return self.ledgers[account].qty(symbol)

    def holdings(self, account: str) -> list[Holding]:
        return [
            Holding(
                instrument=self.market.instrument(p.symbol), qty=p.qty, avg_px=p.avg_px, mark=self.mark(account, p.symbol),
                realized=p.realized,
            )
            for p in self.ledgers[account].positions()
        ]  # fmt: skip

    def standing(self, account: str) -> Standing:
        ledger = self.ledgers[account]
        reserved = sum((r.reserved for r in self.open.values() if r.account == account and r.parent is None), ZERO)
        return standing(ledger.cash, self.holdings(account), reserved=reserved, realized=ledger.realized)

    # --- Orders -------------------------------------------------------------------------------------------------------

    def add(self, wanted: Wanted, *, order_id: int, at: datetime) -> Record:
        """Remember an order; the engine does not know it yet."""
        record = Record(
            id=order_id, account=wanted.account, client_id=wanted.client_id, order=wanted.order, side=wanted.side,
            kind=wanted.kind, tif=wanted.tif, conid=wanted.conid, conidex=wanted.conidex, created_at=at, updated_at=at,
        )  # fmt: skip
        self.orders[order_id] = self.open[order_id] = record
        if wanted.client_id is not None:
            self.client_ids[wanted.client_id] = order_id
        return record

    def find(self, name: str) -> Record | None:
        """An order by the venue's id or the client's."""
        if name in self.client_ids:
            return self.orders[self.client_ids[name]]
        return self.orders.get(int(name)) if name.isascii() and name.isdigit() and len(name) < 19 else None

    def is_taken(self, client_id: str) -> bool:
        """Whether a client's id was used within the day."""
        order_id = self.client_ids.get(client_id)
        return order_id is not None and self.clock.now() - self.orders[order_id].created_at < info.CLIENT_IDS_LIVE

    def absorb(self, events: Iterable[Event]) -> None:
        """Turn the engine's events into the venue's words, in order; what follows from one comes after the others."""
        is_free = not self._said
        self._said.extend(events)
        while is_free and self._said:
            life.told(self, self._said[0])
            self._said.popleft()

    def announce(self, record: Record, at: datetime) -> None:
        """An order changed."""
        record.updated_at = at
        if not record.is_open:
            self.open.pop(record.id, None)
        for listener in tuple(self.listeners.orders):
            listener(record)

    def tell(self, execution: Execution) -> None:
        """An execution happened, or is another one now."""
        for listener in tuple(self.listeners.executions):
            listener(execution)

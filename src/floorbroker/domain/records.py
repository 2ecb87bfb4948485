"""What venues tell us, in the language of trading: reports, accounts, prices.  All times UTC, all amounts Decimal."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from typing import Generic, TypeVar

from floorbroker.domain.facts import Source
from floorbroker.domain.frozen import frozen
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    ExecType,
    Money,
    OrderClass,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
    Word,
)

T = TypeVar("T")


@frozen
class ExecutionReport:
    """One thing a venue said about one order (FIX ExecutionReport, and OrderCancelReject by its two exec types).

    `exec_type` says why it was sent; `ord_status`, `cum_qty` and the terms say where the order stood.  `last_*` and `exec_id`
    come with trades, corrections and busts (`exec_ref_id` names the execution a correction or bust is about).  `asked_at` is our
    request start for anything that answers a question.  `made_at` is when the venue made the order (UTC), whatever happened to it
    since; None where it does not tell.  `replaced_by` / `replaces` are venue ids.  `unrecognised` keeps a venue
    word we do not know; then `ord_status` is None and nothing is guessed.
    """

    exec_type: ExecType
    source: Source
    at: datetime
    ord_status: OrdStatus | None = None
    cl_ord_id: ClOrdId | None = None
    order_id: OrderId | None = None
    symbol: str = ""
    side: Side | None = None
    order_type: OrderType | None = None
    order_class: OrderClass = OrderClass.SIMPLE
    tif: TimeInForce | None = None
    order_qty: Quantity | None = None
    notional: Decimal | None = None
    price: Price | None = None
    stop_px: Price | None = None
    trail_amount: Price | None = None
    trail_percent: Decimal | None = None
    cum_qty: Quantity | None = None
    avg_px: Decimal | None = None
    last_qty: Quantity | None = None
    last_px: Price | None = None
    exec_id: ExecId | None = None
    exec_ref_id: ExecId | None = None
    exec_version: int = 0
    fee: Money | None = None
    replaces: OrderId | None = None
    replaced_by: OrderId | None = None
    parent_order_id: OrderId | None = None
    transact_time: datetime | None = None
    made_at: datetime | None = None
    asked_at: datetime | None = None
    text: str | None = None
    unrecognised: str | None = None


@frozen
class Fetched(Generic[T]):
    """A listing: everything the venue has, or an exception; `asked_at` is our wall time when the first page was asked for."""

    items: tuple[T, ...]
    asked_at: datetime


@frozen
class Position:
    """Signed `qty` (units; short is negative).  `avg_px` is the average entry price where the venue tells."""

    symbol: str
    qty: Decimal
    avg_px: Decimal | None = None
    market_px: Decimal | None = None
    market_value: Decimal | None = None
    unrealized_pl: Decimal | None = None
    qty_available: Decimal | None = None


@frozen
class Balance:
    """One currency or coin of an account."""

    currency: str
    total: Decimal
    available: Decimal


@frozen
class Account:
    """An account as its venue describes it; amounts in `currency`."""

    account: str
    currency: str
    cash: Decimal
    equity: Decimal
    buying_power: Decimal
    environment_hint: str = ""  # what the venue's own data says: paper, live, demo, sim
    can_trade: bool = True
    can_short: bool = False
    option_level: int = 0
    option_buying_power: Decimal | None = None  # what options may cost, where it is told apart
    multiplier: Decimal = Decimal(1)
    initial_margin: Decimal | None = None
    maintenance_margin: Decimal | None = None
    blocked_reason: str | None = None


@frozen
class KeyPermissions:
    """What the venue says a key may do; None where it does not tell.  `detail` is one sentence for people."""

    read: bool | None = None
    trade: bool | None = None
    withdraw: bool | None = None
    detail: str = ""


@frozen
class Quote:
    """Best bid and ask; a missing side is None with size zero.  `source` labels where it came from."""

    symbol: str
    bid: Price | None
    ask: Price | None
    bid_size: Decimal = Decimal(0)
    ask_size: Decimal = Decimal(0)
    last: Price | None = None
    time: datetime
    source: str = ""

    @property
    def mid(self) -> Decimal | None:
        return None if self.bid is None or self.ask is None else (self.bid + self.ask) / 2

    @property
    def mark(self) -> Decimal | None:
        """What a unit is worth by it: the middle, else the last price, else the side that is there."""
        return self.mid or self.last or self.bid or self.ask


@frozen
class Trade:
    """One public trade.  `aggressor` is the side that took, where told."""

    symbol: str
    price: Price
    size: Decimal
    time: datetime
    trade_id: str = ""
    aggressor: Side | None = None


@frozen
class BookLevel:
    price: Price
    size: Decimal


@frozen
class BookDelta:
    """A change of an L2 book: levels with size zero go.  `reset` replaces the whole book.

    `sequence` is the number of the last change inside, `previous` that of the last change before it (a chain), `checksum` the
    venue's word on the book after it, each where told.  Where a checksum is told, prices and sizes carry the instrument's own
    number of decimals (`Decimal("0.50000000")`), since the checksum is made of their digits.  `lost` says that the connection is
    gone, and why: what is known of the book is not to be believed until it comes whole again.
    """

    symbol: str
    bids: tuple[BookLevel, ...]
    asks: tuple[BookLevel, ...]
    time: datetime
    reset: bool = False
    sequence: int | None = None
    previous: int | None = None
    checksum: int | None = None
    lost: str = ""


class DataKind(Word):
    """What a market data subscription carries."""

    QUOTES = "quotes"
    TRADES = "trades"
    BARS = "bars"
    BOOK = "book"


@frozen
class MarketHours:
    """One day of one market.  `open`/`close` are the core session (None on a closed day); `extended_*` the outer bounds."""

    market: str
    day: date
    is_open_day: bool
    open: datetime | None = None
    close: datetime | None = None
    extended_open: datetime | None = None
    extended_close: datetime | None = None
    is_open_now: bool | None = None


@frozen
class MarginRequirement:
    """What an order would tie up, in `currency`.

    `buying_power_effect` is how much buying power it takes: positive where it does.
    """

    currency: str
    initial: Decimal
    buying_power_effect: Decimal
    fees: Decimal = Decimal(0)
    source: str = "computed"  # or "venue"


@frozen
class RiskMetrics:
    """Exposure of one account, in `currency`: gross, net, leverage and the largest position's share of equity."""

    currency: str
    equity: Decimal
    gross_exposure: Decimal
    net_exposure: Decimal
    leverage: Decimal
    concentration: Decimal
    open_orders: int


@frozen
class Check:
    """One line of a self-check: what was tried, whether it held, and one sentence."""

    name: str
    ok: bool
    detail: str = ""


@frozen
class SelfCheck:
    checks: tuple[Check, ...] = field(default=())

    @property
    def ok(self) -> bool:
        return all(check.ok for check in self.checks)


class LinkState(Word):
    """Where a broker connection stands."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    CONNECTED = "connected"
    DEGRADED = "degraded"


@frozen
class Signs:
    """Signs of life.  `stream_silence_s` is how long the order stream has said nothing at all, heartbeats included,
    `data_silence_s` the same of the most silent market data connection; `budget_used` the part of the fullest rate budget in use,
    `budgets` that of each by name.  None where there is no such thing.
    """

    stream_silence_s: float | None = None
    data_silence_s: float | None = None
    budget_used: float | None = None
    budgets: Mapping[str, float] = field(default_factory=dict[str, float])


@frozen
class ConnectionStatus:
    """Where a connection stands.  It is asked for before every order, so what costs more is behind `signs`.

    `breakers` names the state of each circuit breaker by its class of endpoints (`orders`: `closed`, `open`, `half_open`).
    """

    state: LinkState
    since: datetime
    stream_up: bool = False
    detail: str = ""
    clock_offset_s: float | None = None
    breakers: Mapping[str, str] = field(default_factory=dict[str, str])
    signs: Callable[[], Signs] = Signs

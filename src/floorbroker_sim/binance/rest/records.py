"""What the venue remembers: orders, their lists, executions, prevented matches and amendments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.binance import info

OPEN = frozenset({"NEW", "PARTIALLY_FILLED", "PENDING_NEW"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """What a request asked for.  `symbol` is canonical; `qty` is in base units, `quote_qty` in quote units."""

    symbol: str
    side: Side
    type: str
    tif: str = "GTC"
    qty: Decimal = ZERO
    quote_qty: Decimal = ZERO
    price: Decimal = ZERO
    stop_price: Decimal = ZERO
    delta: int | None = None
    iceberg_qty: Decimal = ZERO
    client_id: str | None = None
    strategy_id: int | None = None
    strategy_type: int | None = None
    prevention: str = info.DEFAULT_PREVENTION
    response: str = "ACK"

    @property
    def is_contingent(self) -> bool:
        """Whether it waits for the last price to come its way."""
        return self.type in info.CONTINGENT

    @property
    def is_market(self) -> bool:
        """Whether it takes any price once it works."""
        return self.type not in info.PRICED

    @property
    def limit(self) -> Decimal | None:
        return None if self.is_market else self.price

    @property
    def triggers_above(self) -> bool:
        """Whether it waits for a higher price: a buy stop, a sell take-profit."""
        return (self.type in info.STOP_LOSSES) == (self.side is Side.BUY)


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill of one order."""

    symbol: str
    trade_id: int
    order_id: int
    list_id: int
    side: Side
    price: Decimal
    qty: Decimal
    quote_qty: Decimal
    commission: Decimal
    commission_asset: str
    maker: bool
    at: datetime


@dataclass(slots=True, kw_only=True)
class Record:
    """One order and where it stands."""

    id: int
    ticket: Ticket
    client_id: str
    qty: Decimal
    created_at: datetime
    updated_at: datetime
    list_id: int = -1
    status: str = "NEW"
    executed: Decimal = ZERO
    spent: Decimal = ZERO  # quote units
    prevented: Decimal = ZERO
    prevented_id: int | None = None
    working_at: datetime | None = None
    expiry: str = ""
    reason: str = "NONE"
    fills: list[Execution] = field(default_factory=list[Execution])
    amendments: int = 0
    mark: Decimal | None = None  # the best price a trailing stop has seen
    trailing_at: datetime | None = None

    @property
    def symbol(self) -> str:
        return self.ticket.symbol

    @property
    def side(self) -> Side:
        return self.ticket.side

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_pending(self) -> bool:
        """Whether it waits for the order it belongs to."""
        return self.status == "PENDING_NEW"

    @property
    def is_working(self) -> bool:
        """Whether it is on the book."""
        return self.working_at is not None and self.is_open

    @property
    def leaves(self) -> Decimal:
        """Base units still wanted; zero for an order by quote quantity, whose units are not known before."""
        return self.qty - self.executed - self.prevented


@dataclass(slots=True, kw_only=True)
class OrderList:
    """Orders that stand together.  `pair` are the two of which one cancels the other, `pending` wait for `working`."""

    id: int
    symbol: str
    client_id: str
    contingency: str
    at: datetime
    orders: list[int] = field(default_factory=list[int])
    pair: tuple[int, ...] = ()
    working: int | None = None
    pending: tuple[int, ...] = ()
    status_type: str = "EXEC_STARTED"
    order_status: str = "EXECUTING"

    @property
    def is_open(self) -> bool:
        return self.order_status == "EXECUTING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Prevented:
    """A match of two own orders that was prevented."""

    id: int
    symbol: str
    taker: int
    maker: int
    mode: str
    price: Decimal
    taker_qty: Decimal | None
    maker_qty: Decimal | None
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """A quantity that was made smaller."""

    symbol: str
    order_id: int
    execution_id: int
    before_id: str
    after_id: str
    before: Decimal
    after: Decimal
    at: datetime

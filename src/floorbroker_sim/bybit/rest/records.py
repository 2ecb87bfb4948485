"""What the venue remembers: orders, executions, closed positions' profits, and the lines of the wallet's history."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.bybit import info
from floorbroker_sim.bybit.info import Product


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    """A take-profit or stop-loss that an order or a position carries: trigger, by which price, and a limit or the market."""

    price: Decimal
    by: str = "LastPrice"
    limit: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """When a conditional order is due: at `price` or above while `rising`, else at `price` or below."""

    price: Decimal
    rising: bool
    by: str = "LastPrice"


@dataclass(slots=True, kw_only=True)
class Record:
    """One order.  `qty` is as it was asked: quote units where `in_quote`, else base units."""

    id: str
    link_id: str
    product: Product
    side: Side
    order_type: str
    qty: Decimal
    price: Decimal | None
    tif: str
    created_at: datetime
    updated_at: datetime
    number: int
    in_quote: bool = False
    market_unit: str = ""
    order_filter: str = "Order"
    position_idx: int = 0
    reduce_only: bool = False
    close_on_trigger: bool = False
    is_leverage: str = ""
    trigger: Trigger | None = None
    take_profit: Exit | None = None
    stop_loss: Exit | None = None
    tpsl_mode: str = ""
    smp_type: str = "None"
    stop_order_type: str = ""
    create_type: str = "CreateByUser"
    status: str = "New"
    cancel_type: str = "UNKNOWN"
    reject_reason: str = "EC_NoError"
    cum_qty: Decimal = ZERO
    cum_value: Decimal = ZERO
    fees: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    closed_pnl: Decimal = ZERO
    parent_link_id: str = ""
    sibling: str = ""  # the other exit of a pair, by id
    last_price: Decimal | None = None
    worst: Decimal | None = None  # the worst price that a market buy holds money for
    holds: bool = True  # of a pair of spot exits one holds the coins
    in_engine: bool = False
    ending: tuple[str, str] | None = None  # cancel type and reject reason of a cancel that is under way
    cross: Decimal | None = None  # the price of a fill that will cross the next cancel

    @property
    def category(self) -> str:
        return self.product.category

    @property
    def is_spot(self) -> bool:
        return self.product.category == info.SPOT

    @property
    def symbol(self) -> str:
        """The venue's spelling."""
        return self.product.symbol

    @property
    def canonical(self) -> str:
        return self.product.canonical

    @property
    def is_open(self) -> bool:
        return self.status in info.OPEN

    @property
    def leaves(self) -> Decimal:
        """What is still open, in the unit of `qty`; zero once closed."""
        if not self.is_open:
            return ZERO
        return max(self.qty - (self.cum_value if self.in_quote else self.cum_qty), ZERO)


@dataclass(frozen=True, slots=True, kw_only=True)
class Executed:
    """One execution.  `fee` in `fee_coin`, positive when it cost something; `pnl` in quote units before the fee."""

    exec_id: str
    order: Record
    qty: Decimal
    price: Decimal
    fee: Decimal
    fee_coin: str
    fee_rate: Decimal
    is_maker: bool
    at: datetime
    seq: int
    leaves: Decimal
    mark: Decimal
    closed: Decimal = ZERO
    pnl: Decimal = ZERO

    @property
    def value(self) -> Decimal:
        return self.qty * self.price


@dataclass(frozen=True, slots=True, kw_only=True)
class ClosedPnl:
    """What closing part of a position brought, fees of the closing left out of `pnl`'s price part and told beside it."""

    executed: Executed
    entry_value: Decimal
    leverage: Decimal
    open_fee: Decimal
    number: int

    @property
    def exit_value(self) -> Decimal:
        return self.executed.closed * self.executed.price

    @property
    def close_fee(self) -> Decimal:
        return self.executed.fee * self.executed.closed / self.executed.qty

    @property
    def pnl(self) -> Decimal:
        """Profit after the fees of entry and exit."""
        return self.executed.pnl - self.open_fee - self.close_fee


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One change of one coin of the wallet."""

    id: str
    coin: str
    executed: Executed
    change: Decimal
    fee: Decimal
    cash_flow: Decimal
    balance: Decimal
    size: Decimal

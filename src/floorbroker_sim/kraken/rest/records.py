"""What the venue keeps: wishes as they came, orders, trades, ledger lines and amendments."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum

from floorbroker.domain.values import ZERO, Side
from floorbroker_sim.kraken.info import Asset, Pair

TRIGGERED = frozenset(
    {"stop-loss", "stop-loss-limit", "take-profit", "take-profit-limit", "trailing-stop", "trailing-stop-limit"}
)
TRAILING = frozenset({"trailing-stop", "trailing-stop-limit"})
LIMITED = frozenset({"limit", "iceberg", "stop-loss-limit", "take-profit-limit", "trailing-stop-limit"})
TYPES = TRIGGERED | {"market", "limit", "iceberg", "settle-position"}


class Unit(Enum):
    """How a price is written: as it stands, or as an offset in quote units or percent."""

    STATIC = "static"
    QUOTE = "quote"
    PCT = "pct"


@dataclass(frozen=True, slots=True, kw_only=True)
class Level:
    """A price as it was asked for.  `automatic` leaves the direction of an offset to side and type (`#`)."""

    value: Decimal
    unit: Unit = Unit.STATIC
    automatic: bool = False

    @property
    def is_offset(self) -> bool:
        return self.unit is not Unit.STATIC

    def from_(self, reference: Decimal, sign: int) -> Decimal:
        """The price it means, measured from `reference`; `sign` is the direction of an automatic offset."""
        if self.unit is Unit.STATIC:
            return self.value
        offset = self.value if self.unit is Unit.QUOTE else reference * self.value / 100
        return reference + (sign * abs(offset) if self.automatic else offset)


@dataclass(frozen=True, slots=True, kw_only=True)
class Close:
    """The order that a fill brings along, on the other side."""

    ordertype: str
    price: Level | None = None
    price2: Level | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """An order as it was asked for, by whichever door.

    `price` is the limit of limit and iceberg orders and the trigger (or trailing offset) of triggered ones, whose limit is
    `price2`.  Exactly one of `qty` (base units) and `cash` (quote units, market buys) is set.
    """

    pair: Pair
    side: Side
    ordertype: str
    qty: Decimal | None
    cash: Decimal | None = None
    price: Level | None = None
    price2: Level | None = None
    display: Decimal | None = None
    trigger: str = "last"
    tif: str = "GTC"
    start: datetime | None = None
    expire: datetime | None = None
    post: bool = False
    fee_in_base: bool | None = None
    market_protection: bool = True
    stp: str = "cancel-newest"
    close: Close | None = None
    userref: int | None = None
    cl_ord_id: str | None = None
    reduce_only: bool = False
    leverage: bool = False

    @property
    def flags(self) -> str:
        """`oflags` as order objects show them."""
        flags = ["post"] if self.post else []
        flags.append("fcib" if self.fee_in_base else "fciq")
        flags += [] if self.market_protection else ["nompp"]
        flags += ["viqc"] if self.cash is not None else []
        return ",".join(flags)


@dataclass(slots=True, kw_only=True)
class Trade:
    """One execution."""

    id: str
    order_id: str
    exec_id: str
    pair: Pair
    side: Side
    ordertype: str
    at: datetime
    price: Decimal
    qty: Decimal
    fee: Decimal  # quote units, whatever asset paid it
    fee_asset: Asset
    fee_qty: Decimal
    maker: bool
    number: int
    cl_ord_id: str | None = None
    ledgers: list[str] = field(default_factory=list[str])

    @property
    def cost(self) -> Decimal:
        return self.price * self.qty


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerLine:
    """One change of a balance."""

    id: str
    refid: str
    at: datetime
    type: str
    asset: Asset
    amount: Decimal
    fee: Decimal
    balance: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Amendment:
    """The terms of an order after a step of its history; the first is what was asked for."""

    id: str
    type: str
    at: datetime
    order_qty: Decimal
    remaining: Decimal
    display: Decimal | None
    limit: Decimal | None
    trigger: Decimal | None
    post: bool
    reason: str | None = None


@dataclass(slots=True, kw_only=True)
class Record:
    """One order.  `limit` and `trigger_px` are the prices that offsets came to; `peak` is what a trailing trigger follows."""

    id: str
    wish: Wish
    opened_at: datetime
    touched_at: datetime  # created or last amended, for the engine's counter
    number: int
    qty: Decimal | None  # base units; None while only the cash is known
    limit: Decimal | None = None
    trigger_px: Decimal | None = None
    peak: Decimal | None = None
    display: Decimal | None = None
    post: bool = False
    status: str = "pending"
    triggered_at: datetime | None = None
    triggered_by: Decimal | None = None
    in_engine: bool = False
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    fee: Decimal = ZERO
    closed_at: datetime | None = None
    reason: str | None = None
    refid: str | None = None
    amended: bool = False
    unit_hold: Decimal = ZERO  # quote units that one open base unit of a buy ties up, fee included
    trades: list[str] = field(default_factory=list[str])
    history: list[Amendment] = field(default_factory=list[Amendment])
    canceling: str | None = None  # the reason a cancel under way will be recorded with

    @property
    def pair(self) -> Pair:
        return self.wish.pair

    @property
    def side(self) -> Side:
        return self.wish.side

    @property
    def is_open(self) -> bool:
        return self.status in {"pending", "open"}

    @property
    def waits(self) -> bool:
        """Whether it is a triggered order that nothing has set off yet."""
        return self.wish.ordertype in TRIGGERED and self.triggered_at is None

    @property
    def leaves(self) -> Decimal:
        """Base units still open; zero once closed or while only the cash is known."""
        return self.qty - self.filled if self.is_open and self.qty is not None else ZERO

    @property
    def average(self) -> Decimal | None:
        return self.spent / self.filled if self.filled else None

    @property
    def hold(self) -> tuple[str, Decimal]:
        """The asset its open part ties up, and how much."""
        if self.side is Side.SELL:
            return self.pair.base, self.leaves
        if self.wish.cash is not None:
            left = max(ZERO, self.wish.cash - self.spent) if self.is_open else ZERO
            return self.pair.quote, left * self.unit_hold
        return self.pair.quote, self.leaves * self.unit_hold

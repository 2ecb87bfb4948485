"""What the venue keeps of orders and executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import Price, Side
from floorbroker_sim.alpaca.info import OPEN


@dataclass(slots=True, kw_only=True)
class Record:
    """One order as the venue shows it; `order` holds the current terms, `qty` the quantity it was asked for (units)."""

    id: str
    client_order_id: str
    order: NewOrder
    asset_class: str
    created_at: datetime
    updated_at: datetime
    number: int
    status: str = "pending_new"
    order_class: str = "simple"
    qty: Decimal | None = None
    filled_qty: Decimal = Decimal(0)
    spent: Decimal = Decimal(0)
    expires_at: datetime | None = None
    filled_at: datetime | None = None
    expired_at: datetime | None = None
    canceled_at: datetime | None = None
    failed_at: datetime | None = None
    replaced_at: datetime | None = None
    replaced_by: str | None = None
    replaces: str | None = None
    parent: str | None = None
    legs: list[str] = field(default_factory=list[str])
    ratio_qty: Decimal | None = None
    stop_px: Price | None = None
    hwm: Price | None = None
    carried: Decimal = Decimal(0)  # what the orders it replaced had filled
    reserve_px: Decimal = Decimal(
        0
    )  # money one open unit ties up (quote currency, multiplier included); zero for exits

    @property
    def group(self) -> str:
        """What exits of one family share: only one of them can fill, so only one holds units."""
        return self.parent or self.id

    @property
    def reserved(self) -> Decimal:
        """Buying power the open part ties up."""
        if not self.is_open or self.parent is not None:
            return Decimal(0)
        if self.order.notional is not None:
            return max(self.order.notional - self.spent, Decimal(0)) if self.reserve_px else Decimal(0)
        return self.leaves * self.reserve_px

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_mleg_head(self) -> bool:
        return self.order_class == "mleg" and self.parent is None

    @property
    def leaves(self) -> Decimal:
        """Units still open; zero for a notional order and once closed."""
        if not self.is_open or self.qty is None:
            return Decimal(0)
        return self.qty - self.carried - self.filled_qty


@dataclass(frozen=True, slots=True, kw_only=True)
class Activity:
    """One line of the account's history: a fill, or a fee in coins (CFEE)."""

    id: str
    type: str
    at: datetime
    symbol: str
    side: Side | None = None
    qty: Decimal = Decimal(0)
    price: Decimal = Decimal(0)
    fee: Decimal = Decimal(0)
    order_id: str = ""
    client_order_id: str = ""
    exec_id: str = ""
    cum_qty: Decimal = Decimal(0)
    leaves_qty: Decimal = Decimal(0)
    order_status: str = ""
    is_last: bool = True
    busted: bool = False
    listed: tuple[Decimal, Decimal] | None = None  # quantity and price as executed, where they were corrected since
    ref: str = ""  # of a correction: its own id, and the execution or correction before it
    corrects: str = ""

    @property
    def is_fill(self) -> bool:
        return self.type == "FILL"


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityEvent:
    """An activity with its place in the event stream; `id` is a ULID."""

    id: str
    activity: Activity


_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def ulid(at: datetime, number: int) -> str:
    """26 letters that sort by time, then by `number`."""
    value = (int(at.timestamp() * 1000) << 80) | number
    return "".join(_CROCKFORD[(value >> shift) & 31] for shift in range(125, -1, -5))

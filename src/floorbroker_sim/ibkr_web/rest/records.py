"""What the venue keeps of orders and executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, OrderType, Price, Side

OPEN = frozenset({"PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel"})


@dataclass(slots=True, kw_only=True)
class Record:
    """One order as the venue shows it; `order` holds the current terms.

    `kind` and `tif` are words of the ticket; `conidex` names a combination or a route where the ticket did.  A child (`parent`)
    waits outside the engine until its parent is filled; orders of one `group` stand against each other.
    """

    id: int
    account: str
    client_id: str | None
    order: NewOrder
    side: Side
    kind: str
    tif: str
    conid: int
    conidex: str
    created_at: datetime
    updated_at: datetime
    status: str = "PendingSubmit"
    reason: str = ""
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    parent: int | None = None
    group: str | None = None
    is_held: bool = False
    stop_px: Price | None = None  # where a trailing stop stands
    reserve_px: Decimal = ZERO  # margin that one open unit ties up; zero for exits
    last_fill_at: datetime | None = None

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def is_combination(self) -> bool:
        return bool(self.order.legs)

    @property
    def qty(self) -> Decimal | None:
        """Units; None where only an amount of money was asked for."""
        return self.order.order_qty

    @property
    def leaves(self) -> Decimal:
        """Units still open."""
        return self.qty - self.filled if self.is_open and self.qty is not None else ZERO

    @property
    def reserved(self) -> Decimal:
        """Margin the open part ties up."""
        if self.order.notional is not None:
            return max(self.order.notional - self.spent, ZERO) if self.is_open and self.reserve_px else ZERO
        return self.leaves * self.reserve_px

    @property
    def average(self) -> Decimal:
        return (self.spent / self.filled).quantize(Decimal("0.0001")) if self.filled else ZERO

    @property
    def is_stop(self) -> bool:
        """Whether it waits for a price to elect it."""
        return self.order.order_type not in (OrderType.MARKET, OrderType.LIMIT)


@dataclass(slots=True, kw_only=True)
class Execution:
    """One execution; a correction raises `version`, a bust leaves no units of it."""

    id: str
    record: Record
    symbol: str
    side: Side
    qty: Decimal
    price: Decimal
    fee: Decimal
    at: datetime
    version: int = 1
    busted: bool = False

    @property
    def shown_id(self) -> str:
        """`0000e0d5.6576fd38.01.02`: the last part is the version."""
        return f"{self.id}.{self.version:02d}"


@dataclass(slots=True, kw_only=True)
class Wanted:
    """One ticket that passed the checks: what becomes a record once every question is answered."""

    account: str
    client_id: str | None
    parent: str | None
    order: NewOrder
    side: Side
    kind: str
    tif: str
    conid: int
    conidex: str
    in_group: bool = False
    questions: list[str] = field(default_factory=list[str])

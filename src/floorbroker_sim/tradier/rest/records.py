"""What the venue keeps of orders and of the account's past."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.tradier.info import CLOSING, FAMILIES, FINAL, STRATEGIES


@dataclass(slots=True, kw_only=True, eq=False)
class Record:
    """One order, one leg, or the head of legs.  `symbol` and `option_symbol` as the venue spells them; quantities in shares
    or contracts, prices in dollars a share.  `engine_id` names the order that stands for it in the matching engine; a change of
    terms gives it another one.
    """

    id: int
    kind: str
    symbol: str
    side: str
    type: str
    duration: str
    quantity: Decimal
    created_at: datetime
    updated_at: datetime
    option_symbol: str | None = None
    price: Decimal | None = None
    stop: Decimal | None = None
    tag: str = ""
    status: str = "pending"
    reason: str = ""
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    last_px: Decimal = ZERO
    last_qty: Decimal = ZERO
    parent: Record | None = None
    legs: list[Record] = field(default_factory=list["Record"])
    strategy: str = ""
    engine_id: str | None = None
    reserve: Decimal = ZERO  # money one open unit ties up, in dollars

    @property
    def traded(self) -> str:
        """The symbol that trades, in the venue's spelling."""
        return self.option_symbol or self.symbol

    @property
    def is_open(self) -> bool:
        return self.status not in FINAL

    @property
    def is_family(self) -> bool:
        """Whether it is the head of linked orders, which does not trade itself."""
        return self.kind in FAMILIES

    @property
    def is_strategy(self) -> bool:
        """Whether it is the head of legs that trade together."""
        return self.kind in STRATEGIES

    @property
    def is_strategy_leg(self) -> bool:
        return self.parent is not None and self.parent.is_strategy

    @property
    def is_closing(self) -> bool:
        return self.side in CLOSING

    @property
    def sign(self) -> int:
        """1 for every kind of buy, -1 for every kind of sell."""
        return 1 if self.side.startswith("buy") else -1

    @property
    def leaves(self) -> Decimal:
        return self.quantity - self.filled if self.is_open else ZERO

    @property
    def average(self) -> Decimal:
        """The average fill price, to eight decimals."""
        return round(self.spent / self.filled, 8) if self.filled else ZERO

    @property
    def reserved(self) -> Decimal:
        """Money the open part ties up; what waits for another order ties up nothing."""
        return self.leaves * self.reserve if self.status != "held" else ZERO


@dataclass(slots=True, kw_only=True)
class Execution:
    """One fill: for the account's history and for the control door."""

    exec_id: str
    record: Record
    at: datetime
    symbol: str
    side: str
    qty: Decimal
    price: Decimal
    fee: Decimal
    busted: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Deed:
    """What happened to an option without an order: `what` is `expiration`, `exercise` or `assignment`."""

    what: str
    at: datetime
    symbol: str
    quantity: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A position or a part of one that was closed; `cost` is what was paid and `proceeds` what was received, in dollars."""

    symbol: str
    quantity: Decimal
    opened: date
    closed: date
    cost: Decimal
    proceeds: Decimal


@dataclass(slots=True, kw_only=True)
class Holding:
    """When a position was opened, and the id the venue gave it."""

    id: int
    acquired: datetime


@dataclass(slots=True, kw_only=True)
class Watchlist:
    """A named list of symbols."""

    id: str
    name: str
    public_id: str
    symbols: list[str]

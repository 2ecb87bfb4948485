"""What the venue keeps: orders with their history, trades, positions by product, holdings, GTT orders."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.upstox.info import FINAL
from floorbroker_sim.upstox.rest.listing import Listed


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What an order asks for, as it was sent; prices in rupees, zero where there is none."""

    quantity: int
    product: str
    validity: str
    order_type: str
    side: str
    price: Decimal = ZERO
    trigger: Decimal = ZERO
    disclosed: int = 0
    tag: str | None = None
    protection: Decimal = ZERO
    slice: bool = False
    is_amo: bool = False

    @property
    def sign(self) -> int:
        return 1 if self.side == "BUY" else -1


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order.  `history` has one line for each state it was in; `sandbox` marks one that is only validated.

    A stop that was `elected` works as a limit or a market order from then on.
    """

    id: str
    listed: Listed
    terms: Terms
    created: datetime
    updated: datetime
    ref_id: str
    placed_by: str
    status: str = "put order req received"
    message: str = ""
    filled: int = 0
    spent: Decimal = ZERO
    exchange_id: str = ""
    exchange_at: datetime | None = None
    requests: int = 1
    engine_id: str | None = None
    is_amo: bool = False
    elected: bool = False
    gtt: Gtt | None = None
    sandbox: bool = False
    history: list[dict[str, object]] = field(default_factory=list[dict[str, object]])

    @property
    def is_open(self) -> bool:
        return self.status not in FINAL

    @property
    def pending(self) -> int:
        return self.terms.quantity - self.filled if self.is_open else 0

    @property
    def average(self) -> Decimal:
        """The average fill price, to four decimals."""
        return round(self.spent / self.filled, 4) if self.filled else ZERO

    @property
    def is_waiting_stop(self) -> bool:
        return self.status == "trigger pending"


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One trade of ours."""

    trade_id: str
    order: Order
    at: datetime
    quantity: int
    price: Decimal


@dataclass(slots=True, kw_only=True)
class Position:
    """Units of one instrument under one product.  Values are signed by nothing: what was bought, what was sold."""

    listed: Listed
    product: str
    overnight: int = 0
    overnight_value: Decimal = ZERO  # of the units carried over, positive
    bought: int = 0
    bought_value: Decimal = ZERO
    sold: int = 0
    sold_value: Decimal = ZERO

    @property
    def quantity(self) -> int:
        return self.overnight + self.bought - self.sold

    @property
    def buys(self) -> tuple[int, Decimal]:
        """Units and value of everything bought, carried over included."""
        carried = max(self.overnight, 0)
        return self.bought + carried, self.bought_value + (self.overnight_value if carried else ZERO)

    @property
    def sells(self) -> tuple[int, Decimal]:
        carried = max(-self.overnight, 0)
        return self.sold + carried, self.sold_value + (self.overnight_value if carried else ZERO)

    @property
    def average(self) -> Decimal:
        """What a unit of the open side cost."""
        units, value = self.buys if self.quantity > 0 else self.sells
        return value / units if units and self.quantity else ZERO

    @property
    def realized(self) -> Decimal:
        """Profit of what was closed, at average prices."""
        (bought, paid), (sold, got) = self.buys, self.sells
        closed = min(bought, sold)
        return closed * (got / sold - paid / bought) if closed else ZERO


@dataclass(slots=True, kw_only=True)
class Holding:
    """Shares in the demat account; `fresh` are those of the last session (T+1)."""

    listed: Listed
    quantity: int
    cost: Decimal
    fresh: int = 0

    @property
    def average(self) -> Decimal:
        return self.cost / self.quantity if self.quantity else ZERO


@dataclass(slots=True, kw_only=True)
class Rule:
    """One leg of a GTT order.  `best` is the best price a trailing stop has seen."""

    strategy: str
    trigger_type: str
    trigger_price: Decimal
    trailing_gap: Decimal | None = None
    protection: Decimal = ZERO
    status: str = "PENDING"
    message: str | None = None
    order_id: str | None = None


@dataclass(slots=True, kw_only=True, eq=False)
class Gtt:
    """A good-till-triggered order; `side` is that of its entry."""

    id: str
    listed: Listed
    type: str
    quantity: int
    product: str
    side: str
    rules: list[Rule]
    created: datetime
    expires: datetime
    done: bool = False

    def rule(self, strategy: str) -> Rule | None:
        return next((rule for rule in self.rules if rule.strategy == strategy), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Deal:
    """A trade of the past, for reports."""

    execution: Execution
    day: date

"""What the venue keeps of orders, trades and positions.  Units are signed; amounts are in the home currency."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.values import ZERO
from floorbroker_sim.oanda import wire
from floorbroker_sim.oanda.info import DEPENDENT


@dataclass(slots=True, kw_only=True, eq=False)
class Order:
    """One order.  Its id is that of the transaction that made it."""

    id: str
    wish: wire.Wish
    created: datetime
    state: str = "PENDING"
    initial_price: Decimal | None = None  # of the market, for orders that are touched
    trailing: Decimal | None = None  # where a trailing stop stands now
    premium: Decimal | None = None
    filling_id: str | None = None
    filled_at: datetime | None = None
    opened_id: str | None = None
    reduced_id: str | None = None
    closed_ids: list[str] = field(default_factory=list[str])
    cancelling_id: str | None = None
    cancelled_at: datetime | None = None
    cancel_reason: str | None = None
    replaces_id: str | None = None
    replaced_by_id: str | None = None
    filled_units: Decimal = ZERO
    spent: Decimal = ZERO  # units x price over what filled

    @property
    def kind(self) -> str:
        return self.wish.type

    @property
    def is_dependent(self) -> bool:
        """Whether it belongs to a trade and closes it."""
        return self.wish.type in DEPENDENT

    @property
    def client_id(self) -> str | None:
        return None if self.wish.client_extensions is None else self.wish.client_extensions.id


@dataclass(slots=True, kw_only=True, eq=False)
class Trade:
    """What one fill opened.  Its id is that of the fill."""

    id: str
    instrument: str
    price: Decimal
    opened: datetime
    initial: Decimal
    units: Decimal
    margin_at_open: Decimal
    client: wire.ClientExtensions | None = None
    realized: Decimal = ZERO
    financing: Decimal = ZERO
    closing_ids: list[str] = field(default_factory=list[str])
    closed_worth: Decimal = ZERO  # units x price over what was closed
    closed_at: datetime | None = None
    orders: dict[str, str] = field(default_factory=dict[str, str])  # the kind of a dependent order -> its id

    @property
    def is_long(self) -> bool:
        return self.initial > 0

    @property
    def is_open(self) -> bool:
        return self.closed_at is None

    @property
    def client_id(self) -> str | None:
        return None if self.client is None else self.client.id

    @property
    def average_close(self) -> Decimal | None:
        closed = abs(self.initial) - abs(self.units)
        return self.closed_worth / closed if closed else None


@dataclass(slots=True)
class Tally:
    """What one side of an instrument has brought since the account was made."""

    pl: Decimal = ZERO
    financing: Decimal = ZERO
    fees: Decimal = ZERO


@dataclass(frozen=True, slots=True, kw_only=True)
class Execution:
    """One fill, for the control door."""

    exec_id: str
    order: Order
    at: datetime
    instrument: str
    units: Decimal
    price: Decimal

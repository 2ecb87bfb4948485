"""What the oracle judges: the truth of the venue, the claims of the desk; and how it says what is wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from floorbroker.domain.orders import Order
from floorbroker.domain.ports import Record
from tests.simulation.clock import RIGHT, Error
from tests.simulation.witness import Witness

KINDS = ("lost", "duplicate", "wrong", "stuck")  # the fixed ones, in this order
MORE = ("late", "moved")


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken promise: its kind (`lost duplicate wrong stuck late moved`) and what happened."""

    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.text}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """What the venue knows, as its control door tells it."""

    orders: Sequence[Mapping[str, Any]]
    fills: Sequence[Mapping[str, Any]]
    positions: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What the desk says of one account."""

    orders: Sequence[Order]
    records: Sequence[Record]
    holdings: Mapping[str, Decimal]
    doubled: AbstractSet[str] = frozenset()  # client ids that the network handed over again after their answer
    swept: AbstractSet[str] = frozenset()  # what was open when somebody cancelled everything, and was answered
    lists_fills: bool = True  # whether the venue can be asked for executions
    names_fills: bool = True  # whether executions have ids there; else quantities and money are compared
    limits: Mapping[str, int] = field(default_factory=dict[str, int])  # the risk limits of the plan
    kill_level: int = 0
    clock: Error = RIGHT  # how wrong the desk's clock was
    most_off_s: float = 30.0  # by how much it may be, for orders to leave
    misdated: Sequence[float] = ()  # when somebody was refused because of it
    witness: Witness | None = None  # who saw the way there


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One account: what its venue knows, and what the desk says of it."""

    name: str
    truth: Truth
    claim: Claim


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """The desk with all of its accounts, and what was said to people.  `sends` counts order requests that left, by client
    order id.
    """

    accounts: Sequence[Account]
    records: Sequence[Record]
    sends: Mapping[str, int]
    told: Mapping[int, str] = field(default_factory=dict[int, str])  # order number -> intent id a caller was given
    refused: Mapping[int, Sequence[str]] = field(default_factory=dict[int, Sequence[str]])  # codes, by order number
    hindered: Sequence[str] = ()  # codes of refused cancels
    unsettled: Sequence[str] = ()  # why the desk is not at rest
    errors: Sequence[str] = ()  # what nobody caught
    witness: Witness | None = None

    @property
    def orders(self) -> list[Order]:
        return [order for account in self.accounts for order in account.claim.orders]

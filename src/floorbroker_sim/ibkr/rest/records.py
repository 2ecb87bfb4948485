"""What the venue keeps of orders and executions."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from floorbroker.domain.orders import NewOrder
from floorbroker.domain.values import ZERO, Price, text_of
from floorbroker_sim.ibkr.wire.contracts import Contract
from floorbroker_sim.ibkr.wire.frames import local_text
from floorbroker_sim.ibkr.wire.orders import Placed
from floorbroker_sim.ibkr.wire.shown import Margins, Shown

OPEN = frozenset({"ApiPending", "PendingSubmit", "PreSubmitted", "Submitted", "PendingCancel"})


@dataclass(slots=True, kw_only=True)
class Executed:
    """One execution; a correction raises `version` and a bust leaves no units.  `contract` is a leg's for a leg."""

    exec_id: str
    contract: Contract
    symbol: str
    bought: bool
    qty: Decimal
    price: Decimal
    fee: Decimal
    realized: Decimal | None
    at: datetime
    total: Decimal
    average: Decimal
    maker: bool
    summary: bool
    version: int = 1

    @property
    def wire_id(self) -> str:
        """With the version behind the last dot."""
        return f"{self.exec_id}.{self.version:02d}"


@dataclass(slots=True, kw_only=True)
class Record:
    """One order.  `key` is its name at the engine; `order` its terms there; quantities are units (or combinations)."""

    key: str
    client_id: int
    perm_id: int
    account: str
    placed: Placed
    contract: Contract
    order: NewOrder
    created_at: datetime
    status: str = "ApiPending"
    why_held: str = ""
    transmitted: bool = False
    entered: bool = False  # the engine has it
    before_cancel: str = ""  # where it stood when a cancel was asked for
    filled: Decimal = ZERO
    spent: Decimal = ZERO
    last_px: Decimal = ZERO
    parent: Record | None = None
    oca: str = ""
    oca_type: int = 0
    children: list[Record] = field(default_factory=list["Record"])
    executions: list[Executed] = field(default_factory=list[Executed])
    stop_px: Price | None = None
    hwm: Price | None = None  # of a trailing limit, which the venue itself lets follow
    closed_at: datetime | None = None
    closed_text: str = ""
    stale: Shown | None = None  # how it looked before its last change, for a venue that shows both

    @property
    def order_id(self) -> int:
        return self.placed.order_id

    @property
    def is_open(self) -> bool:
        return self.status in OPEN

    @property
    def qty(self) -> Decimal:
        return self.order.order_qty or ZERO

    @property
    def leaves(self) -> Decimal:
        return self.qty - self.filled if self.is_open else ZERO

    @property
    def average(self) -> Decimal:
        """The average price, to eight decimals."""
        if not self.filled:
            return ZERO
        return (self.spent / self.filled).quantize(Decimal("1e-8"))

    @property
    def waits_for_parent(self) -> bool:
        return self.parent is not None and self.parent.status != "Filled"

    def shown(self, *, margins: Margins | None = None) -> Shown:
        """As `openOrder` and `completedOrder` show it now."""
        terms = {"totalQuantity": text_of(self.qty), "ocaGroup": self.oca, "ocaType": str(self.oca_type)}
        if self.stop_px is not None and self.order.trail_amount is not self.order.trail_percent:
            terms["trailStopPrice"] = text_of(self.stop_px)
        return Shown(
            placed=self.placed,
            contract=self.contract,
            client_id=self.client_id,
            perm_id=self.perm_id,
            status=self.status,
            account=self.account,
            terms=terms,
            filled=self.filled,
            parent_perm_id=0 if self.parent is None else self.parent.perm_id,
            completed_at="" if self.closed_at is None else local_text(self.closed_at),
            completed_status=self.closed_text,
            margins=margins,
        )

"""What we did and what brokers told us, as a frozen, versioned schema (RELIABILITY 3).

A fact is never changed and never unsaid.  `kind` is its stable name in the journal; `SCHEMA` is the version of this whole
schema: members may be added with defaults, never removed or given another meaning (ADR 0005).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import ClassVar

from floorbroker.domain.frozen import frozen
from floorbroker.domain.orders import NewOrder, OrderChanges
from floorbroker.domain.values import (
    ClOrdId,
    ExecId,
    IntentId,
    Money,
    OrderId,
    Price,
    ProfileName,
    Quantity,
    Side,
    Word,
)

SCHEMA = 3


class Source(Word):
    """Where a fact came from."""

    OWN = "own"  # we did it
    REPLY = "reply"  # the venue's direct answer to a command
    STREAM = "stream"
    QUERY = "query"  # one order, asked for by id
    SNAPSHOT = "snapshot"  # a listing of orders
    HISTORY = "history"  # a listing of executions or transactions
    OPERATOR = "operator"


@frozen
class Fact:
    """Common members: `at` is our wall time of learning it, `venue_time` the venue's own stamp (both UTC)."""

    kind: ClassVar[str] = "fact"

    source: Source
    at: datetime
    venue_time: datetime | None = None


@frozen
class Prepared(Fact):
    """An intent was decided and holds its reservation."""

    kind: ClassVar[str] = "prepared"

    cl_ord_id: ClOrdId
    profile: ProfileName
    order: NewOrder
    principal: str = ""
    route: str = ""


@frozen
class Adopted(Fact):
    """An order the venue has and no record tells that we sent it: a child of ours (`parent_id`), a stranger's (`external`), or
    one of our own whose records were lost.
    """

    kind: ClassVar[str] = "adopted"

    cl_ord_id: ClOrdId
    profile: ProfileName
    order: NewOrder
    order_id: OrderId
    parent_id: IntentId | None = None
    external: bool = False


@frozen
class Sending(Fact):
    """Durable before the first byte leaves.  `deadline_s` is the send time-out, `arrival_bound_s` the venue's or the default."""

    kind: ClassVar[str] = "sending"

    deadline_s: float
    arrival_bound_s: float
    epoch: int = 0


@frozen
class NotSent(Fact):
    """Proof that no byte of the order left."""

    kind: ClassVar[str] = "not_sent"

    reason: str


@frozen
class InDoubt(Fact):
    """It left, or may have, and no usable answer came."""

    kind: ClassVar[str] = "in_doubt"

    reason: str


@frozen
class HorizonPassed(Fact):
    """Enough complete negatives after the arrival horizon; `presumed` where the venue enforces no arrival bound."""

    kind: ClassVar[str] = "horizon_passed"

    presumed: bool
    negatives: int


@frozen
class Ack(Fact):
    """The broker has the order; it does not work yet."""

    kind: ClassVar[str] = "ack"

    order_id: OrderId


@frozen
class Working(Fact):
    """The order can fill."""

    kind: ClassVar[str] = "working"

    order_id: OrderId


@frozen
class Held(Fact):
    """A child that waits for its parent."""

    kind: ClassVar[str] = "held"

    order_id: OrderId


@frozen
class Reject(Fact):
    """The venue said no: to the request (`order_id` None) or, late, to an order it had."""

    kind: ClassVar[str] = "reject"

    reason: str
    venue_text: str | None = None
    order_id: OrderId | None = None


@frozen
class Exec(Fact):
    """One execution; the highest `version` of an `exec_id` wins.

    A correction is named by what it corrects, which may be a correction: `ref` is its own id, by which the next one names it.
    """

    kind: ClassVar[str] = "exec"

    exec_id: ExecId
    order_id: OrderId
    side: Side
    last_qty: Quantity
    last_px: Price
    symbol: str = ""
    version: int = 0
    fee: Money | None = None
    synthetic: bool = False
    ref: ExecId | None = None


@frozen
class Void(Fact):
    """A bust: the execution never counts again, even when it arrives after this."""

    kind: ClassVar[str] = "void"

    exec_id: ExecId
    order_id: OrderId
    last_qty: Quantity | None = None


@frozen
class Cum(Fact):
    """A reported total: `cum_qty` filled on `order_id`, as of a request begun at `asked_at` (or a stream event)."""

    kind: ClassVar[str] = "cum"

    order_id: OrderId
    cum_qty: Quantity
    avg_px: Decimal | None = None
    asked_at: datetime | None = None


@frozen
class Filled(Fact):
    """The venue's word that the order is done; decides only where no quantity was asked (notional)."""

    kind: ClassVar[str] = "filled"

    order_id: OrderId


@frozen
class CancelAsked(Fact):
    kind: ClassVar[str] = "cancel_asked"

    request_id: str
    reason: str = ""


@frozen
class CancelRefused(Fact):
    kind: ClassVar[str] = "cancel_refused"

    request_id: str
    reason: str = ""


@frozen
class Cancelled(Fact):
    kind: ClassVar[str] = "cancelled"

    order_id: OrderId


@frozen
class ReplaceAsked(Fact):
    """`replace_id` is the id of this replace, an intent of its own; it sorts by time."""

    kind: ClassVar[str] = "replace_asked"

    replace_id: IntentId
    cl_ord_id: ClOrdId
    changes: OrderChanges


@frozen
class ReplaceDone(Fact):
    """`order_id` follows `orig_order_id` (equal where the venue keeps the id).  Terms are those of the new order, where told.

    `order_qty` is the quantity of the new venue order itself where the id changes, the total where it stays.
    """

    kind: ClassVar[str] = "replace_done"

    orig_order_id: OrderId
    order_id: OrderId
    replace_id: IntentId | None = None
    order_qty: Quantity | None = None
    price: Price | None = None
    stop_px: Price | None = None


@frozen
class ReplaceRefused(Fact):
    kind: ClassVar[str] = "replace_refused"

    replace_id: IntentId
    reason: str = ""
    venue_text: str | None = None


@frozen
class Expired(Fact):
    kind: ClassVar[str] = "expired"

    order_id: OrderId


@frozen
class DoneForDay(Fact):
    kind: ClassVar[str] = "done_for_day"

    order_id: OrderId
    day: date


@frozen
class Unrecognised(Fact):
    """A venue word we do not know: kept as it came, shown to people, never guessed at."""

    kind: ClassVar[str] = "unrecognised"

    text: str
    order_id: OrderId | None = None


FACTS: dict[str, type[Fact]] = {cls.kind: cls for cls in Fact.__subclasses__()}

"""The desk that every door uses: the one face of the gateway towards API, page, command line and strategies.

Doors translate their caller's words, call one of these, and translate the answer back.  Every method that acts takes
a `Caller`,
which the audit keeps.  All errors are `FloorbrokerError`s.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Protocol

from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import FieldError, FloorbrokerError
from floorbroker.domain.frozen import frozen
from floorbroker.domain.options import OptionChain, OptionContract, Premium, Size
from floorbroker.domain.orders import Execution, NewOrder, Order, OrderChanges
from floorbroker.domain.ports import MarketEvent, Profile, Record, Subscription
from floorbroker.domain.records import (
    Account,
    Balance,
    DataKind,
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
)
from floorbroker.domain.timetable import Span
from floorbroker.domain.values import IntentId, OrdStatus, ProfileName, Side
from floorbroker.gateway.monitor import Connection
from floorbroker.marketdata.readings import BookView
from floorbroker.risk.verdict import Verdict

if TYPE_CHECKING:
    from floorbroker.gateway.consolidated import Consolidated
    from floorbroker.gateway.guarding import Guard
    from floorbroker.gateway.routing.parents import PlannedPart
    from floorbroker.gateway.routing.record import Seen
    from floorbroker.gateway.routing.shown import OrderRoute, RoutingState
    from floorbroker.oms.adjustments import Adjusted
    from floorbroker.oms.inquest import Act, Inquest
    from floorbroker.oms.schema import OrderSchema


@frozen
class Caller:
    """Who asks (`principal`, a user or token name) and through which door (`api`, `cli`, `page`, `strategy`).

    Of the rest, what a door does not know is left out: the named `token` that was shown, `roles`, and `proved_s`, the seconds
    since a person last proved who they are.
    """

    principal: str
    via: str
    request_id: str = ""
    confirm: str = ""  # what a person typed to show that they mean it
    token: str = ""
    roles: frozenset[str] | None = None
    proved_s: float | None = None


class SessionState(Enum):
    """Where a profile's session stands (RELIABILITY I11, 4)."""

    OFFLINE = "offline"
    CONNECTING = "connecting"
    RECONCILING = "reconciling"
    READY = "ready"
    DEGRADED = "degraded"
    MAINTENANCE = "maintenance"  # the venue is shut, by its own calendar or the profile's; cancels pass
    LOCKED = "locked"  # the vault with its credentials is locked; cancels may still pass for a while
    STOPPED = "stopped"


class Lock(Protocol):
    """The lock on one profile's credentials."""

    @property
    def reason(self) -> str:
        """Why nothing new may be signed; empty while it may."""
        ...

    @property
    def is_shut(self) -> bool:
        """Whether nothing at all may be signed, cancels neither."""
        ...


class NoLock:
    """For profiles whose credentials are at hand as long as the process lives."""

    reason = ""
    is_shut = False


NO_LOCK = NoLock()


@frozen
class ProfileStatus:
    """One profile as people see it; `reason` says why it is not READY, `breakers` which classes of endpoints are left alone."""

    profile: Profile
    state: SessionState
    since: datetime
    reason: str = ""
    stream_up: bool = False
    kill_level: int = 0
    open_orders: int = 0
    orders_in_doubt: int = 0
    last_reconciled: datetime | None = None
    armed_until: datetime | None = None  # live only, while it is armed
    breakers: Mapping[str, str] = field(default_factory=dict[str, str])
    rests: bool = False  # after API failures in a row: no new orders until it has recovered
    connection: Connection | None = None
    next_maintenance: Span | None = None  # the one that is on, or the next to begin


@frozen
class Submitted:
    """The stored order; `replayed` when an idempotency key had placed it before."""

    order: Order
    replayed: bool = False


@frozen
class CancelledAll:
    """The orders that were asked to be cancelled, as they stand now.  `refused` tells for which the cancel did not get through,
    and why; they are still open.
    """

    orders: tuple[Order, ...]
    refused: Mapping[IntentId, FloorbrokerError] = field(default_factory=dict[IntentId, FloorbrokerError])


@frozen
class Preview:
    """What a submit would meet: every control's verdict, the venue's own objections, cost and margin."""

    profile: ProfileName
    verdicts: tuple[Verdict, ...]
    objections: tuple[FieldError, ...] = ()
    margin: MarginRequirement | None = None
    quote: Quote | None = None
    premium: Premium | None = None  # of an order of options
    seen: tuple[Seen, ...] = ()  # every candidate of the route, where one is sought
    parts: tuple[PlannedPart, ...] = ()  # how it would be split; then the rest of this is about the first of them

    @property
    def ok(self) -> bool:
        return not self.violations

    @property
    def violations(self) -> tuple[FieldError, ...]:
        """Everything that stands against the order at once: our controls that say no, then what the venue would object to."""
        ours = [FieldError(pointer=v.pointer, code=v.control, detail=v.detail) for v in self.verdicts if not v.ok]
        return (*ours, *self.objections)


@frozen
class SizeAsk:
    """How many contracts of `symbol` (an option): within `budget`, or to protect `ratio` of the long shares, or both.

    `shares` says how many shares there are; left out, those that the profile holds of the underlying count.  `premium` (a
    share) is what one pays; left out, what the market asks now.  `fee_each` is the fee of one contract.  Money is in the
    contract's currency.
    """

    symbol: str
    budget: Decimal | None = None
    ratio: Decimal | None = None
    shares: Decimal | None = None
    premium: Decimal | None = None
    fee_each: Decimal = Decimal(0)


@frozen
class Sized:
    """A size with what it was made from; `spendable` is what the account says options may cost, where it says so."""

    symbol: str
    profile: ProfileName
    size: Size
    currency: str
    spendable: Decimal | None = None


@frozen
class Fill:
    """One execution with the order it belongs to."""

    intent_id: IntentId
    profile: ProfileName
    strategy: str
    execution: Execution


@frozen
class HeldOption:
    """The contract a position is in.  One that `expires_today` (New York) trades until the close; an `expired` one waits to be
    settled.
    """

    contract: OptionContract
    multiplier: Decimal
    expires_today: bool = False
    expired: bool = False


@frozen
class ProfilePosition:
    """One position at one profile, with the realised profit the desk has booked for it (multiplier included).

    Prices and amounts are in `currency`: a pair's second half, else the account's; empty while that is not known.

    `marked_by` says whose price values it: the `venue`'s own, or one that the `desk` heard where the venue tells none.
    """

    profile: ProfileName
    position: Position
    realized_pl: Decimal | None = None
    option: HeldOption | None = None
    marked_by: str = ""
    currency: str = ""


@frozen
class OrderFilter:
    """Which orders; None means any.  Times bound `created_at` (UTC), `since` inclusive, `until` exclusive."""

    statuses: frozenset[OrdStatus] | None = None
    open_only: bool = False
    symbol: str | None = None
    side: Side | None = None
    strategy: str | None = None
    profile: ProfileName | None = None
    since: datetime | None = None
    until: datetime | None = None


ANY = OrderFilter()


@frozen
class Page:
    """At most `limit` rows behind the row with the key `after`: a time (UTC), then an id."""

    limit: int
    after: tuple[datetime, str] | None = None
    newest_first: bool = True


@frozen
class LatchState:
    """One latch that is closed; `scope` reads `*`, a profile, or `account: strategy: token:` with a name behind it."""

    scope: str
    level: int
    reason: str
    by: str
    at: datetime | None = None


@frozen
class KilledOrder:
    """An order that a kill still has to close: how often its cancel was asked, and what came of the last time."""

    intent_id: IntentId
    profile: ProfileName
    symbol: str
    ord_status: OrdStatus
    asked: int = 0
    trouble: str = ""


@frozen
class FlattenedPosition:
    """A position that level 3 came to: `state` is waiting, sent, flat or left, `detail` why; symbol `*` is the whole profile."""

    profile: ProfileName
    symbol: str
    state: str
    detail: str = ""
    intent_id: IntentId | None = None  # the newest order by which it was to be closed


@frozen
class KillState:
    """The kill switch of one environment: global level, levels by profile, and every closed latch."""

    level: int = 0
    by_profile: Mapping[str, int] = field(default_factory=dict[str, int])
    reason: str = ""
    at: datetime | None = None
    by: str = ""
    remaining: tuple[IntentId, ...] = ()  # orders still open while level 2 cancels
    latches: tuple[LatchState, ...] = ()
    orders: tuple[KilledOrder, ...] = ()  # the same orders, each with how it goes
    positions: tuple[FlattenedPosition, ...] = ()  # those that level 3 closes, or leaves


@frozen
class ArmingState:
    """Whether a live profile may trade; `until` is when it ends, or ended, by itself (UTC), `why_not` why it may not."""

    profile: ProfileName
    armed: bool
    why_not: str = ""
    until: datetime | None = None
    since: datetime | None = None
    by: str = ""
    reason: str = ""


@frozen
class RoundResult:
    """One reconciliation round: counts and differences, each difference as one line of text."""

    profile: ProfileName
    at: datetime
    converged: bool
    counts: Mapping[str, int]
    differences: tuple[str, ...] = ()
    error: str = ""


@frozen
class KeptRound:
    """A full round that came to an end, as the journal has it: its number there, and what it came to."""

    seq: int
    result: RoundResult


@frozen
class DeskEvent:
    """What the desk announces after it is durable.  `seq` is the journal sequence; prices never travel here.

    `channel` is one of `orders fills positions health risk`; `key` the id of what changed.  For `orders` and
    `fills`, `order` is
    the order after the change; `execution` comes with fills.  `before` is the order before the commit it came with, None for
    its first; one that is `replayed` from the journal has none, and shows its order as it stands now.  What is not about an
    order has its members, as text, in `data`; `data["event"]` is the word for what happened.
    """

    seq: int
    at: datetime
    channel: str
    key: str
    profile: ProfileName
    order: Order | None = None
    execution: Execution | None = None
    data: Mapping[str, str] = field(default_factory=dict[str, str])
    before: Order | None = None
    replayed: bool = False


class MarketTick(Protocol):
    """One event of a market as a consumer gets it; `skipped` older ones of its kind and symbol were not shown."""

    @property
    def event(self) -> MarketEvent: ...

    @property
    def skipped(self) -> int: ...


class Desk(Protocol):
    """One environment's desk."""

    @property
    def guard(self) -> Guard:
        """Limits, losses and strategies of this desk."""
        ...

    def profiles(self) -> tuple[ProfileStatus, ...]: ...

    def broker_info(self, profile: ProfileName) -> BrokerInfo: ...

    def default_profile(self) -> ProfileName:
        """The profile used when a caller names none and there is only one enabled; raises `InvalidRequest`
        otherwise.
        """
        ...

    async def submit(
        self,
        order: NewOrder | OrderSchema,
        *,
        profile: ProfileName | None,
        caller: Caller,
        key: str | None = None,
        body_hash: str = "",
    ) -> Submitted:
        """One intent, at most once.  Returns the stored order whatever became of it: filled, refused by the venue,
        unknown.

        Raises for our own refusals (risk, kill switch, not ready, wrong request): then no intent was sent.
        """
        ...

    async def preview(
        self, order: NewOrder | OrderSchema, *, profile: ProfileName | None, caller: Caller | None = None
    ) -> Preview:
        """What an order would meet if `caller` placed it; without one, what it would meet from anybody."""
        ...

    def order(self, intent_id: str) -> Order:
        """By our id or client order id; a split order is the sum of its children.  Raises `NotFound`."""
        ...

    def orders(self, where: OrderFilter = ANY, page: Page | None = None) -> list[Order]:
        """By creation and intent: a page, or all of them, newest first.  All of them may be very many."""
        ...

    def order_records(self, intent_id: IntentId) -> list[Record]:
        """The order's facts as committed, oldest first."""
        ...

    async def cancel(self, intent_id: IntentId, *, caller: Caller, reason: str = "") -> Order: ...

    async def cancel_all(self, where: OrderFilter, *, caller: Caller, reason: str = "") -> CancelledAll:
        """Of every open order that the filter finds, but for those of others where a profile only observes them."""
        ...

    def inquest(self, intent_id: str) -> Inquest:
        """What is known about an order in doubt: the evidence, candidates, and what a person may do.  Raises `NotFound`."""
        ...

    async def resolve(
        self,
        intent_id: str,
        act: Act,
        *,
        caller: Caller,
        reason: str,
        candidate: str = "",
        confirm: str = "",
    ) -> Inquest:
        """A person's act about a doubt, kept with its reason; never one that sends an order.  Raises `Conflict` where it is
        not allowed, and `InvalidRequest` without a reason or the confirmation it needs.
        """
        ...

    async def modify(self, intent_id: IntentId, changes: OrderChanges, *, caller: Caller) -> Order: ...

    def fills(self, where: OrderFilter = ANY, page: Page | None = None) -> list[Fill]:
        """By time and `intent/execution`: a page, or all of them, newest first."""
        ...

    async def account(self, profile: ProfileName | None = None) -> Account: ...

    async def consolidated(self, currency: str | None = None) -> Consolidated:
        """All profiles as one account, within a bounded time; what is not in it is said.  Never raises for a venue."""
        ...

    async def balances(self, profile: ProfileName | None = None) -> tuple[Balance, ...]: ...

    async def positions(self, profile: ProfileName | None = None) -> list[ProfilePosition]:
        """Of one profile, or of all."""
        ...

    async def risk_metrics(self, profile: ProfileName | None = None) -> RiskMetrics: ...

    async def quote(self, symbol: str, profile: ProfileName | None = None) -> Quote: ...

    async def subscribe_market_data(
        self,
        symbols: Sequence[str],
        handler: Callable[[MarketTick], object],
        *,
        kinds: frozenset[DataKind] = ...,
        profile: ProfileName | None = None,
    ) -> Subscription:
        """Call `handler` with every quote, trade or bar, the newest where it is slow; close the subscription to end it."""
        ...

    async def option_chain(
        self, underlying: str, expiry: date | None = None, profile: ProfileName | None = None
    ) -> OptionChain:
        """One expiration, the next to come unless one is named.  Raises `NotSupported` where the broker tells no chains."""
        ...

    async def option_size(self, ask: SizeAsk, profile: ProfileName | None = None) -> Sized:
        """How many contracts of an option fit a budget, or protect what is held; nothing is reserved or sent."""
        ...

    async def book(self, symbol: str, *, depth: int = 10, profile: ProfileName | None = None) -> BookView:
        """The order book once it may be believed; the first call subscribes.  Raises `Timeout` when it does not come."""
        ...

    async def bars(
        self,
        symbol: str,
        *,
        span_s: int,
        start: datetime,
        end: datetime,
        limit: int = 1000,
        profile: ProfileName | None = None,
    ) -> BarSeries: ...

    async def market_hours(self, market: str, day: date, profile: ProfileName | None = None) -> MarketHours: ...

    def routing(self) -> RoutingState:
        """Routes, and how each profile stands."""
        ...

    def route_of(self, order: Order) -> OrderRoute:
        """Why an order went where it went, and where it moved."""
        ...

    async def set_standing(self, profile: ProfileName, *, demoted: bool, caller: Caller, reason: str) -> RoutingState:
        """Demote a profile until a person restores it, or restore it now."""
        ...

    def kill_state(self) -> KillState: ...

    async def kill(
        self,
        level: int,
        *,
        caller: Caller,
        reason: str,
        profile: ProfileName | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillState:
        """Stop everything, or what one of the four names: 1 blocks, 2 also cancels, 3 also flattens."""
        ...

    async def reset_kill(
        self,
        *,
        caller: Caller,
        reason: str,
        profile: ProfileName | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillState: ...

    def arming(self) -> tuple[ArmingState, ...]:
        """Of every profile; in environments other than live nothing needs arming, and nothing is listed."""
        ...

    async def arm(
        self, profile: ProfileName, *, for_s: int, confirm: str, caller: Caller, reason: str
    ) -> tuple[ArmingState, ...]:
        """Let a live profile trade for so many seconds; `confirm` is its name, typed by a person."""
        ...

    async def disarm(self, profile: ProfileName | None, *, caller: Caller, reason: str) -> tuple[ArmingState, ...]: ...

    async def connect(self, profile: ProfileName, *, caller: Caller, reason: str) -> None:
        """Connect a profile that was disconnected, or log in anew; returns when it is ready or has said why it is not."""
        ...

    async def disconnect(self, profile: ProfileName, *, caller: Caller, reason: str) -> None:
        """No new orders, no order stream and no rounds until `connect`, restarts included; cancels pass."""
        ...

    async def reconcile(self, profile: ProfileName) -> RoundResult: ...

    def rounds(self, profile: ProfileName, *, before: int | None = None, limit: int = 100) -> list[KeptRound]:
        """Full rounds of a profile, newest first: those numbered below `before`, where it is given.

        A round that failed changed nothing and is not among them.
        """
        ...

    def adjustments(self, profile: ProfileName) -> list[Adjusted]:
        """Every difference that was written into a profile's positions, with its cause, newest first."""
        ...

    async def self_check(self, profile: ProfileName) -> SelfCheck: ...

    def last_seq(self) -> int:
        """The number of the newest record, announced or not."""
        ...

    def told_seq(self) -> int:
        """The number of the newest event: what stands now shows it, and whoever comes back after it misses none."""
        ...

    def events(self, *, after: int | None = None, channels: frozenset[str] | None = None) -> AsyncIterator[DeskEvent]:
        """Events after a journal sequence (replayed first), then live.  A consumer too slow for its bounded queue
        gets `Conflict`.
        """
        ...

    def past(self, after: int) -> Iterator[DeskEvent]:
        """Events after a journal sequence, to the end of the journal."""
        ...

    def audit(self, *, after: int = 0, limit: int = 100) -> list[Record]: ...

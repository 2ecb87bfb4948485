"""The ports: what neighbours may expect of each other without knowing each other.  Frozen first; everyone builds against them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import field
from datetime import date, datetime
from types import TracebackType
from typing import Protocol, Self

from floorbroker.domain.bars import Bar, BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.errors import FieldError
from floorbroker.domain.facts import Fact
from floorbroker.domain.frozen import frozen
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.options import OptionChain, OptionEvent
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.records import (
    Account,
    Balance,
    BookDelta,
    ConnectionStatus,
    DataKind,
    ExecutionReport,
    Fetched,
    KeyPermissions,
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
    Trade,
)
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import ClOrdId, Environment, IntentId, ProfileName

Reports = tuple[ExecutionReport, ...]
MarketEvent = Quote | Trade | Bar | BookDelta


# -- the broker ---------------------------------------------------------------------------------------------------------


class Subscription(Protocol):
    """A running subscription; closing it twice is harmless."""

    async def close(self) -> None: ...


class OrderEvents(Protocol):
    """Who hears of the venue's private stream.  Both are called on the event loop and must return at once."""

    def on_report(self, report: ExecutionReport) -> None: ...

    def on_stream(self, up: bool, detail: str) -> None:  # noqa: FBT001 - read as a sentence: stream up, because
        """The stream came up (resubscribed; events may have been missed before) or went down."""
        ...


class Identity(Protocol):
    """The reversible encoding of our intent ids into the venue's client ids."""

    def encode(self, intent_id: IntentId) -> ClOrdId: ...

    def decode(self, cl_ord_id: str) -> IntentId | None:
        """The intent behind a client id, or None when we never made it."""
        ...


class Broker(Protocol):
    """One account at one venue.  Every adapter implements all of it; `info.can` says which calls the venue has.

    Commands (`submit_order`, `submit_orders`, `cancel_order`, `cancel_all`, `modify_order`) never repeat a request.  They
    return what the venue answered, or raise a `FloorbrokerError` whose `outcome` says what is known.  A submit's first report
    is about the order itself; children of a group follow.  An empty tuple from a cancel means "asked, nothing more said".
    Reads raise on any failed or partial fetch: an incomplete list is never returned.
    """

    @property
    def info(self) -> BrokerInfo: ...

    @property
    def identity(self) -> Identity: ...

    async def connect(self) -> None: ...

    async def disconnect(self) -> None: ...

    def is_connected(self) -> bool: ...

    def get_connection_status(self) -> ConnectionStatus: ...

    async def self_check(self) -> SelfCheck: ...

    async def submit_order(self, approved: Approved) -> Reports: ...

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]: ...

    async def cancel_order(self, ref: OrderRef) -> Reports: ...

    async def cancel_all(self) -> Reports: ...

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports: ...

    async def get_order_status(self, ref: OrderRef) -> Reports:
        """Raises `OrderNotFound` only for the venue's documented word that it does not know the order."""
        ...

    async def get_open_orders(self) -> Fetched[ExecutionReport]: ...

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every order submitted or closed since `since`, open ones included, as `ORDER_STATUS` reports."""
        ...

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        """Every execution since `since`, as `TRADE`, `TRADE_CORRECT` and `TRADE_CANCEL` reports."""
        ...

    async def get_account_info(self) -> Account: ...

    async def get_key_permissions(self) -> KeyPermissions:
        """What the key in use may do, by the venue's word.  Asked after each `get_account_info` that begins a round."""
        ...

    async def get_balances(self) -> Fetched[Balance]: ...

    async def get_positions(self) -> Fetched[Position]: ...

    async def get_instrument(self, symbol: str) -> Instrument:
        """The venue's rules for one symbol; raises `SymbolNotFound` by name."""
        ...

    async def get_market_data(self, symbol: str) -> Quote: ...

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries: ...

    async def get_market_hours(self, market: str, day: date) -> MarketHours: ...

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: Callable[[MarketEvent], None]
    ) -> Subscription: ...

    async def resync_book(self, symbol: str) -> None:
        """Ask for the whole book of a subscribed symbol again; it comes to the handlers as a `BookDelta` with `reset`."""
        ...

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription: ...

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        """What this venue would refuse, as far as documents and instrument rules tell; nothing is sent."""
        ...

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        """Those of its objections that are known here without asking anybody; every new order is held to them before it is sent.

        `instrument` is what the order is measured by.  Where its rules are not at hand, or may be stricter than the venue, an
        adapter says nothing and the venue has the word.
        """
        ...

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement: ...

    async def get_risk_metrics(self) -> RiskMetrics: ...


class OptionChains(Protocol):
    """Beside `Broker`, for venues with `Can.OPTION_CHAIN`."""

    async def get_option_chain(self, underlying: str, expiry: date | None = None) -> OptionChain:
        """The contracts of one expiration, the next to come unless one is named, with every expiration.

        A chain that is not whole says so (`left_out`), and the same call goes on where it ended.

        Raises `SymbolNotFound` for an underlying without options, and for a day on which none expires.
        """
        ...


class OptionEvents(Protocol):
    """Beside `Broker`, for venues with `Can.OPTION_EVENTS`."""

    async def get_option_events(self, since: date) -> Fetched[OptionEvent]:
        """How options ended, from the day `since` on.  A venue may tell a day late: absence proves nothing."""
        ...


class LogIn(Protocol):
    """Beside `Broker`, for venues with `Can.LOGIN`: how a person's log-in at the venue becomes a credential.

    The person opens `page`, which leads back to the application's own address with a code and the `state`.
    """

    def page(self, state: str) -> str:
        """The address of the venue's page; it holds no secret."""
        ...

    async def exchange(self, code: str) -> Mapping[str, Secret]:
        """The credential fields that a code is good for, once.  Raises what the venue says."""
        ...

    async def close(self) -> None: ...


# -- the journal --------------------------------------------------------------------------------------------------------


@frozen
class FactEntry:
    """One fact of one order."""

    profile: ProfileName
    intent_id: IntentId
    fact: Fact


@frozen
class AuditEntry:
    """One canonical audit row (RELIABILITY 9), committed in the transaction of what it tells of.

    `detail` holds text only; it went through the redactor before it came here.
    """

    actor: str
    via: str
    action: str
    object: str
    profile: ProfileName
    outcome: str
    reason: str = ""
    req: str = ""
    detail: Mapping[str, str] = field(default_factory=dict[str, str])

    def __hash__(self) -> int:
        return hash((self.action, self.object, self.outcome))


@frozen
class KeyEntry:
    """An idempotency key: unique by (principal, profile, key); lives as long as its order."""

    principal: str
    profile: ProfileName
    key: str
    body_hash: str
    intent_id: IntentId


@frozen
class NoteEntry:
    """Any other durable event: latch, reconciliation rounds, adjustments, positions and balances seen.  Text values only."""

    profile: ProfileName
    topic: str
    data: Mapping[str, str]

    def __hash__(self) -> int:
        return hash((self.profile, self.topic))


Entry = FactEntry | AuditEntry | KeyEntry | NoteEntry


@frozen
class Record:
    """A committed entry: `seq` grows without gaps, `epoch` is its owner's, `at` is the commit's wall time (UTC)."""

    seq: int
    epoch: int
    at: datetime
    entry: Entry


class Journal(Protocol):
    """The durable, append-only truth of one environment."""

    async def commit(self, entries: Sequence[Entry]) -> tuple[Record, ...]:
        """Make all entries durable in one transaction, or none.

        Raises `Conflict` when a uniqueness rule says no (intent, client id, key), `JournalFault` when the disk or the database
        fails: nothing is known to be durable then, and the caller must refuse.
        """
        ...

    def replay(self, after: int = 0) -> Iterator[Record]:
        """Every record after `after`, in order; how every start begins."""
        ...

    def read(self, *, after: int = 0, limit: int = 1000, kinds: frozenset[str] | None = None) -> list[Record]:
        """A page of records for doors; `kinds` out of `fact audit key note`."""
        ...

    def notes(self, topic: str, *, newest: bool = False) -> list[Record]:
        """Every note about one topic, in order; `newest` asks for the last one of each profile alone."""
        ...

    def notes_before(self, topic: str, profile: ProfileName, *, before: int | None, limit: int) -> list[Record]:
        """The newest notes about one topic of one profile, newest first; those numbered below `before`, where it is given."""
        ...

    def find_key(self, *, principal: str, profile: ProfileName, key: str) -> KeyEntry | None: ...

    @property
    def last_seq(self) -> int: ...

    @property
    def is_writable(self) -> bool: ...

    def recover(self) -> bool:
        """After a full disk: try whether there is room again.  True when new orders may be taken."""
        ...

    async def close(self) -> None: ...


# -- the rest -------------------------------------------------------------------------------------------------------------


class Meter(Protocol):
    """Metrics by name and labels."""

    def count(self, name: str, value: float = 1.0, **labels: str) -> None: ...

    def gauge(self, name: str, value: float, **labels: str) -> None: ...

    def observe(self, name: str, value: float, **labels: str) -> None: ...


class Span(Protocol):
    """One stretch of work, used once with `with`.  What is raised inside is told by its code, never by its words."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def note(self, **attributes: str) -> None: ...

    def failed(self, code: str) -> None:
        """It came to nothing without raising."""
        ...

    @property
    def traceparent(self) -> str:
        """This span for whoever goes on with it (W3C Trace Context); empty where nothing is traced."""
        ...


class Tracer(Protocol):
    """Spans, nested by the task they run in.  Names and attributes are words of ours: no secrets, bodies, or texts of venues."""

    def span(self, name: str, *, traceparent: str = "", **attributes: str) -> Span:
        """`traceparent` is the header of a caller outside, taken as it came."""
        ...


class Log(Protocol):
    """Structured log lines: an event name and members; no secrets."""

    def info(self, event: str, **members: object) -> None: ...

    def warning(self, event: str, **members: object) -> None: ...

    def error(self, event: str, **members: object) -> None: ...


class Redactor(Protocol):
    """The last filter before anything is written: knows every unlocked secret and its encodings."""

    def learn(self, secret: str) -> None: ...

    def learn_token(self, token: str) -> None:
        """One that a venue made for a connection and that dies with it: many newer ones later it may be forgotten."""
        ...

    def clean(self, text: str) -> str: ...


class Steps(Protocol):
    """Hears of each named step (`domain/steps.py`) as it is reached, on the event loop.

    What it raises goes where a bug at that line would go; it may also pause or end the process.
    """

    def reach(self, step: str) -> None: ...


class RawBookSink(Protocol):
    """Takes raw book frames instead of parsed deltas (the optional native core)."""

    def on_frame(self, frame: bytes, at: datetime) -> bool:
        """Whether the frame was a book's, and is dealt with; what it is not is left to the stream session."""
        ...

    def heed(self, symbol: str, spelled: str, handlers: Sequence[Callable[[MarketEvent], None]]) -> None:
        """Who listens to the book of a symbol on this connection from now on, and how its frames spell it."""
        ...


@frozen
class Profile:
    """One broker account in one environment.  `options` are the broker's typed options as text; credentials live elsewhere."""

    name: ProfileName
    broker: str
    environment: Environment
    enabled: bool = True
    options: Mapping[str, str] = field(default_factory=dict[str, str])


class NoMeter:
    """Counts nothing; for tests and tools."""

    def count(self, name: str, value: float = 1.0, **labels: str) -> None:
        del name, value, labels

    def gauge(self, name: str, value: float, **labels: str) -> None:
        del name, value, labels

    def observe(self, name: str, value: float, **labels: str) -> None:
        del name, value, labels


class NoLog:
    """Says nothing; for tests and tools."""

    def info(self, event: str, **members: object) -> None:
        del event, members

    def warning(self, event: str, **members: object) -> None:
        del event, members

    def error(self, event: str, **members: object) -> None:
        del event, members


class NoSteps:
    """Lets every step pass."""

    def reach(self, step: str) -> None:
        del step


NO_STEPS = NoSteps()


class NoSpan:
    """Every span where nothing is traced."""

    traceparent = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    def note(self, **attributes: str) -> None:
        del attributes

    def failed(self, code: str) -> None:
        del code


_NO_SPAN = NoSpan()


class NoTracer:
    """Traces nothing."""

    def span(self, name: str, *, traceparent: str = "", **attributes: str) -> Span:
        del name, traceparent, attributes
        return _NO_SPAN


NO_TRACER = NoTracer()

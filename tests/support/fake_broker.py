"""A broker in memory: one honest account at a venue whose answers, delays and silences a test scripts.

The truth is in `orders`, `executions` and `positions`; every request that reaches the venue is in `requests`.  `next_submit`,
`next_cancel` and `next_modify` script one answer each; `failing` names reads that fail; `gates` holds calls until their event is
set; `hidden` is what queries do not show until a test says so, however long that is: a venue that breaks its word.  An order that
is submitted to `lose_and_lag` is lost too, and shown at the last moment its `info` allows; `muted` keeps the stream quiet.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from decimal import Decimal

from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import (
    ApiError,
    ConnectionFailed,
    DuplicateOrderId,
    FieldError,
    NotSupported,
    OrderNotFound,
    OrderRejected,
    Outcome,
    SymbolNotFound,
    Timeout,
)
from floorbroker.domain.facts import Source
from floorbroker.domain.instrument import Instrument
from floorbroker.domain.orders import Approved, NewOrder, OrderChanges, OrderRef
from floorbroker.domain.ports import MarketEvent, OrderEvents, Reports, Subscription
from floorbroker.domain.records import (
    Account,
    Balance,
    ConnectionStatus,
    DataKind,
    ExecutionReport,
    Fetched,
    KeyPermissions,
    LinkState,
    MarginRequirement,
    MarketHours,
    Position,
    Quote,
    RiskMetrics,
    SelfCheck,
    Signs,
)
from floorbroker.domain.values import (
    ZERO,
    AssetClass,
    ClOrdId,
    Environment,
    ExecId,
    ExecType,
    IntentId,
    OrderId,
    OrderType,
    OrdStatus,
    Price,
    Quantity,
    Side,
    TimeInForce,
)

OPEN = frozenset({OrdStatus.NEW, OrdStatus.PARTIALLY_FILLED})
INFO = BrokerInfo(
    code="FAKE",
    folder="fake",
    name="Fake",
    environments=tuple(Environment),
    can=frozenset(
        {
            Can.CANCEL,
            Can.CANCEL_ALL,
            Can.REPLACE,
            Can.QUERY_BY_CLIENT_ID,
            Can.STREAM_ORDERS,
            Can.HISTORY_FILLS,
            Can.NOTIONAL,
        }
    ),
    order_types={AssetClass.EQUITY: frozenset(OrderType)},
    tifs={AssetClass.EQUITY: frozenset(TimeInForce)},
    arrival_bound_s=5.0,
    visibility_lag_s=1.0,
)


class Spelling:
    """Our ids as this venue sees them."""

    def encode(self, intent_id: IntentId) -> ClOrdId:
        return ClOrdId(f"fb-{intent_id}")

    def decode(self, cl_ord_id: str) -> IntentId | None:
        return IntentId(cl_ord_id.removeprefix("fb-")) if cl_ord_id.startswith("fb-") else None


@dataclass(slots=True)
class VenueOrder:
    """One order as the venue has it."""

    order_id: OrderId
    cl_ord_id: ClOrdId
    terms: NewOrder
    qty: Decimal
    price: Price | None
    status: OrdStatus = OrdStatus.NEW
    cum: Decimal = ZERO
    cost: Decimal = ZERO
    leader: OrderId | None = None
    follower: OrderId | None = None
    made_at: datetime | None = None
    shown_at: datetime | None = None  # when queries begin to show it; None for at once


@dataclass(slots=True)
class FakeBroker:
    """Implements `ports.Broker`."""

    clock: Clock
    info: BrokerInfo = INFO
    identity: Spelling = field(default_factory=Spelling)
    orders: dict[OrderId, VenueOrder] = field(default_factory=dict[OrderId, VenueOrder])
    executions: list[ExecutionReport] = field(default_factory=list[ExecutionReport])
    positions: dict[str, Decimal] = field(default_factory=dict[str, Decimal])
    requests: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    reads: list[str] = field(default_factory=list[str])
    listed_since: list[tuple[str, datetime]] = field(default_factory=list[tuple[str, datetime]])
    next_submit: deque[str | Exception] = field(default_factory=deque[str | Exception])
    next_cancel: deque[str | Exception] = field(default_factory=deque[str | Exception])
    next_modify: deque[str | Exception] = field(default_factory=deque[str | Exception])
    failing: dict[str, Exception] = field(default_factory=dict[str, Exception])
    gates: dict[str, asyncio.Event] = field(default_factory=dict[str, asyncio.Event])
    hidden: set[OrderId] = field(default_factory=set[OrderId])
    muted: bool = False
    stream_up: bool = True
    buying_power: Decimal = Decimal(100_000)
    touch: tuple[str, str] = ("99.99", "100.01")  # bid and ask
    shown: Decimal = ZERO  # units at the touch; zero where the venue does not tell
    unknown: set[str] = field(default_factory=set[str])  # symbols it does not list
    environment_hint: str = ""
    account: str = "F-1"
    permissions: KeyPermissions = field(default_factory=KeyPermissions)
    clock_offset_s: float | None = None
    signs: Signs = field(default_factory=Signs)
    on_sent: Callable[[str], None] = lambda what: None
    _handler: OrderEvents | None = None
    _count: int = 0

    # -- the venue's own hands ----------------------------------------------------------------------------------------

    def take(self, approved: Approved) -> VenueOrder:
        """The venue accepts an order."""
        if any(held.cl_ord_id == approved.cl_ord_id for held in self.orders.values()):
            raise DuplicateOrderId("client_order_id must be unique")
        self._count += 1
        terms = approved.order
        order = VenueOrder(
            order_id=OrderId(f"V{self._count}"),
            cl_ord_id=approved.cl_ord_id,
            terms=terms,
            qty=terms.order_qty or Decimal(1),
            price=terms.price,
            made_at=self.clock.now(),
        )
        self.orders[order.order_id] = order
        return order

    def of(self, cl_ord_id: str) -> VenueOrder:
        """The venue's order under one of our client ids."""
        return next(order for order in self.orders.values() if order.cl_ord_id == cl_ord_id)

    def fill(self, order: VenueOrder, qty: str | Decimal, px: str = "100", *, listed: bool = True) -> ExecutionReport:
        """A trade at the venue: told on the stream, and in the list of executions."""
        units, price = Decimal(qty), Decimal(px)
        order.cum += units
        order.cost += units * price
        order.status = OrdStatus.FILLED if order.cum >= order.qty else OrdStatus.PARTIALLY_FILLED
        held = self.positions.get(order.terms.symbol, ZERO)
        self.positions[order.terms.symbol] = held + order.terms.side.sign * units
        report = replace(
            self.report(order, ExecType.TRADE, Source.STREAM),
            last_qty=Quantity(units),
            last_px=Price(price),
            exec_id=ExecId(f"E{len(self.executions) + 1}"),
        )
        if listed:
            self.executions.append(report)
        self.tell(report)
        return report

    def end(self, order: VenueOrder, status: OrdStatus = OrdStatus.CANCELED) -> None:
        """The venue ends an order and says so on the stream."""
        order.status = status
        self.tell(self.report(order, ExecType.CANCELED, Source.STREAM))

    def report(self, order: VenueOrder, kind: ExecType, source: Source) -> ExecutionReport:
        """Where an order stands, as a report."""
        now = self.clock.now()
        return ExecutionReport(
            exec_type=kind,
            source=source,
            at=now,
            transact_time=now,
            made_at=order.made_at,
            asked_at=None if source is Source.STREAM else now,
            ord_status=order.status,
            cl_ord_id=order.cl_ord_id,
            order_id=order.order_id,
            symbol=order.terms.symbol,
            side=order.terms.side,
            order_type=order.terms.order_type,
            tif=order.terms.tif,
            order_qty=Quantity(order.qty),
            price=order.price,
            cum_qty=Quantity(order.cum),
            avg_px=order.cost / order.cum if order.cum else None,
        )

    def tell(self, report: ExecutionReport) -> None:
        """Say something on the private stream, when it is up and not muted."""
        if self._handler is not None and self.stream_up and not self.muted:
            self._handler.on_report(report)

    def stream(self, up: bool) -> None:
        self.stream_up = up
        if self._handler is not None:
            self._handler.on_stream(up, "the stream came up" if up else "the stream broke")

    # -- commands -----------------------------------------------------------------------------------------------------

    async def submit_order(self, approved: Approved) -> Reports:
        self.requests.append(("submit", approved.cl_ord_id))
        self.on_sent("submit")
        await self._gate("submit")
        script = self.next_submit.popleft() if self.next_submit else "accept"
        if isinstance(script, Exception):
            raise script
        if script == "refuse":
            raise OrderRejected("refused", venue_text="no")
        if script == "not_sent":
            raise ConnectionFailed("refused before the first byte")
        if script == "drop":
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        order = self.take(approved)
        if script == "accept_then_fill":
            self.fill(order, order.qty)
        if script == "lose":
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        if script == "lose_and_hide":
            self.hidden.add(order.order_id)
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        if script == "lose_and_lag":
            late_s = self.info.arrival_bound_s + self.info.visibility_lag_s
            order.shown_at = self.clock.now() + timedelta(seconds=late_s)
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        if script == "empty":
            return ()
        return (self.report(order, ExecType.NEW, Source.REPLY),)

    async def submit_orders(self, approved: Sequence[Approved]) -> Sequence[Reports | Exception]:
        raise NotSupported("one at a time")

    async def cancel_order(self, ref: OrderRef) -> Reports:
        self.requests.append(("cancel", ref.cl_ord_id))
        self.on_sent("cancel")
        await self._gate("cancel")
        script = self.next_cancel.popleft() if self.next_cancel else "accept"
        if isinstance(script, Exception):
            raise script
        order = self._named(ref)
        if script == "refuse" or order.status not in OPEN:
            raise OrderRejected("not cancelable", venue_text="order is not cancelable")
        if script == "ignore":
            return ()
        self.end(order)
        if script == "lose":
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        return ()

    async def cancel_all(self) -> Reports:
        self.requests.append(("cancel_all", ""))
        self.on_sent("cancel_all")
        self._maybe_fail("cancel_all")
        for order in self.orders.values():
            if order.status in OPEN:
                self.end(order)
        return ()

    async def modify_order(
        self, ref: OrderRef, changes: OrderChanges, *, cl_ord_id: ClOrdId, decided_at: float
    ) -> Reports:
        self.requests.append(("modify", cl_ord_id))
        await self._gate("modify")
        script = self.next_modify.popleft() if self.next_modify else "accept"
        if isinstance(script, Exception):
            raise script
        if script == "drop":
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        old = self._named(ref)
        if script.startswith("amend"):
            return self._amend(old, changes, script)
        self._count += 1
        new = replace(
            old,
            order_id=OrderId(f"V{self._count}"),
            cl_ord_id=cl_ord_id,
            qty=(changes.order_qty or old.qty) - old.cum,
            price=changes.price or old.price,
            cum=ZERO,
            cost=ZERO,
            status=OrdStatus.NEW,
            leader=old.order_id,
        )
        self.orders[new.order_id] = new
        old.status, old.follower = OrdStatus.CANCELED, new.order_id
        if script == "lose":
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        if script == "replay":
            raise OrderRejected("the order is not open")
        return (replace(self.report(new, ExecType.REPLACED, Source.REPLY), replaces=old.order_id),)

    def _amend(self, order: VenueOrder, changes: OrderChanges, script: str) -> Reports:
        """The order keeps its ids; `amend_lose` loses the reply, `amend_quietly` says nothing of it on the stream either."""
        order.qty, order.price = changes.order_qty or order.qty, changes.price or order.price
        if script != "amend_quietly":
            self.tell(self.report(order, ExecType.ORDER_STATUS, Source.STREAM))
        if script == "amend_lose":
            raise Timeout("no answer", outcome=Outcome.UNKNOWN)
        asked = self.report(order, ExecType.PENDING_REPLACE, Source.REPLY)
        return (replace(asked, ord_status=OrdStatus.PENDING_REPLACE, order_qty=None, price=None),)

    # -- reads --------------------------------------------------------------------------------------------------------

    async def get_order_status(self, ref: OrderRef) -> Reports:
        await self._read("get_order_status")
        return (self._status(self._named(ref), Source.QUERY),)

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        asked = await self._read("get_open_orders")
        found = [order for order in self._shown() if order.status in OPEN]
        return self._listed(found, asked)

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        self.listed_since.append(("orders", since))
        asked = await self._read("get_order_history")
        return self._listed(self._shown(), asked)

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        self.listed_since.append(("fills", since))
        asked = await self._read("get_fills")
        shown = [e for e in self.executions if e.order_id not in self.hidden]
        return Fetched(items=tuple(replace(e, source=Source.HISTORY) for e in shown), asked_at=asked)

    async def get_account_info(self) -> Account:
        await self._read("get_account_info")
        return Account(
            account=self.account,
            currency="USD",
            cash=self.buying_power,
            equity=Decimal(100_000),
            buying_power=self.buying_power,
            environment_hint=self.environment_hint,
        )

    async def get_key_permissions(self) -> KeyPermissions:
        await self._read("get_key_permissions")
        return self.permissions

    async def get_balances(self) -> Fetched[Balance]:
        return Fetched(items=(), asked_at=await self._read("get_balances"))

    async def get_positions(self) -> Fetched[Position]:
        asked = await self._read("get_positions")
        held = tuple(Position(symbol=symbol, qty=qty) for symbol, qty in sorted(self.positions.items()) if qty)
        return Fetched(items=held, asked_at=asked)

    async def get_instrument(self, symbol: str) -> Instrument:
        await self._read("get_instrument")
        if symbol == "NOPE" or symbol in self.unknown:
            raise SymbolNotFound(f"no symbol {symbol}")
        return Instrument(symbol=symbol, asset_class=AssetClass.EQUITY, currency="USD", shortable=True)

    async def get_market_data(self, symbol: str) -> Quote:
        await self._read("get_market_data")
        if symbol in self.unknown:
            raise SymbolNotFound(f"no symbol {symbol}")
        return Quote(
            symbol=symbol,
            bid=Price(Decimal(self.touch[0])),
            ask=Price(Decimal(self.touch[1])),
            bid_size=self.shown,
            ask_size=self.shown,
            time=self.clock.now(),
            source="fake",
        )

    async def get_bars(
        self, symbol: str, *, span_s: int, start: datetime, end: datetime, limit: int = 1000
    ) -> BarSeries:
        raise NotSupported("no bars here")

    async def get_market_hours(self, market: str, day: date) -> MarketHours:
        return MarketHours(market=market, day=day, is_open_day=True)

    async def validate_order(self, order: NewOrder) -> tuple[FieldError, ...]:
        return ()

    def broken_rules(self, order: NewOrder, instrument: Instrument) -> tuple[FieldError, ...]:
        return ()

    async def get_margin_requirements(self, order: NewOrder) -> MarginRequirement:
        raise NotSupported("no preview here")

    async def get_risk_metrics(self) -> RiskMetrics:
        raise NotSupported("no metrics here")

    # -- the link -----------------------------------------------------------------------------------------------------

    async def connect(self) -> None:
        await self._read("connect")

    async def disconnect(self) -> None:
        self._handler = None

    def is_connected(self) -> bool:
        return self._handler is not None

    def get_connection_status(self) -> ConnectionStatus:
        return ConnectionStatus(
            state=LinkState.CONNECTED,
            since=self.clock.now(),
            stream_up=self.stream_up,
            clock_offset_s=self.clock_offset_s,
            signs=lambda: self.signs,
        )

    async def self_check(self) -> SelfCheck:
        return SelfCheck()

    async def subscribe_market_data(
        self, symbols: Sequence[str], kinds: frozenset[DataKind], handler: Callable[[MarketEvent], None]
    ) -> Subscription:
        return _Nothing()

    async def resync_book(self, symbol: str) -> None:
        """There are no books here."""

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        self._handler = handler
        if self.stream_up:
            handler.on_stream(True, "the stream came up")
        return _Nothing()

    # -- how it is scripted -------------------------------------------------------------------------------------------

    async def _read(self, name: str) -> datetime:
        asked = self.clock.now()
        self.reads.append(name)
        await self._gate(name)
        self._maybe_fail(name)
        return asked

    async def _gate(self, name: str) -> None:
        await asyncio.sleep(0)
        gate = self.gates.get(name)
        if gate is not None:
            await gate.wait()

    def _maybe_fail(self, name: str) -> None:
        if name in self.failing:
            raise self.failing[name]

    def _shown(self) -> list[VenueOrder]:
        now = self.clock.now()
        seen = [order for order in self.orders.values() if order.shown_at is None or order.shown_at <= now]
        return [order for order in seen if order.order_id not in self.hidden]

    def _listed(self, orders: Sequence[VenueOrder], asked: datetime) -> Fetched[ExecutionReport]:
        found = tuple(self._status(order, Source.SNAPSHOT) for order in orders)
        return Fetched(items=found, asked_at=asked)

    def _status(self, order: VenueOrder, source: Source) -> ExecutionReport:
        report = self.report(order, ExecType.ORDER_STATUS, source)
        return replace(report, replaces=order.leader, replaced_by=order.follower)

    def _named(self, ref: OrderRef) -> VenueOrder:
        """By the venue's id where the desk has one: a chain of replaced orders goes on under the client id of its first."""
        shown = self._shown()
        named = [order for order in shown if order.order_id == ref.order_id]
        named += [order for order in shown if order.cl_ord_id == ref.cl_ord_id]
        if not named:
            raise OrderNotFound("order not found")
        return named[0]


class _Nothing:
    async def close(self) -> None:
        """Nothing was opened."""


def buy(qty: str = "10", price: str | None = "100", *, side: Side = Side.BUY, symbol: str = "AAPL") -> NewOrder:
    """A day order: a limit when it has a price, else market; twins are allowed."""
    return NewOrder(
        symbol=symbol,
        side=side,
        order_type=OrderType.MARKET if price is None else OrderType.LIMIT,
        order_qty=Quantity(Decimal(qty)),
        price=None if price is None else Price(Decimal(price)),
        allow_duplicate=True,
    )


def silence() -> Exception:
    """A read that got no usable answer."""
    return ApiError("502 from the venue")

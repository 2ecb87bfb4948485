"""The desk of one environment: sessions by profile, one journal, one latch, one stream of events."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from itertools import chain
from typing import Protocol

from floorbroker.bus import InProcessBus
from floorbroker.domain.bars import BarSeries
from floorbroker.domain.capability import BrokerInfo
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FloorbrokerError, InvalidRequest, NotFound
from floorbroker.domain.options import OptionChain
from floorbroker.domain.orders import NewOrder, Order, OrderChanges
from floorbroker.domain.ports import AuditEntry, Journal, Log, Record
from floorbroker.domain.records import Account, Balance, DataKind, MarketHours, Quote, RiskMetrics, SelfCheck
from floorbroker.domain.values import IntentId, ProfileName, Quantity
from floorbroker.gateway import options
from floorbroker.gateway.accounts import Accounts
from floorbroker.gateway.agreement import adjustments_of, kept_round, told_of
from floorbroker.gateway.arming import Arming, Confirmation
from floorbroker.gateway.consolidated import Consolidated
from floorbroker.gateway.desk import (
    ANY,
    ArmingState,
    Caller,
    CancelledAll,
    DeskEvent,
    Fill,
    KeptRound,
    KillState,
    OrderFilter,
    Page,
    Preview,
    ProfilePosition,
    ProfileStatus,
    RoundResult,
    SizeAsk,
    Sized,
    Submitted,
)
from floorbroker.gateway.feeds import Consumer, Handler, MarketFeeds
from floorbroker.gateway.guarding import GUARD, KILL_LEVEL, Guard
from floorbroker.gateway.happenings import Callback, Happening
from floorbroker.gateway.health import HealthBook
from floorbroker.gateway.kill import GLOBAL, KillSwitch
from floorbroker.gateway.killing import Killing
from floorbroker.gateway.linking import Linking
from floorbroker.gateway.listening import LISTENER_QUEUE, Listener, OnCut
from floorbroker.gateway.lists import listed_fills, listed_orders
from floorbroker.gateway.monitor import Connection, ConnectionMonitor
from floorbroker.gateway.routing.naming import OPEN, Named
from floorbroker.gateway.routing.parents import Parent, PlannedPart
from floorbroker.gateway.routing.promoting import Promotions
from floorbroker.gateway.routing.record import Seen, no_route
from floorbroker.gateway.routing.router import Router
from floorbroker.gateway.routing.shown import NO_ROUTING, NOT_ROUTED, OrderRoute, RoutingState, routing_state
from floorbroker.gateway.routing.splitter import Splitter
from floorbroker.gateway.scopes import named, scope_of
from floorbroker.gateway.session import SETTLE_S, ProfileSession
from floorbroker.gateway.status import connection_data, connection_of, status_of
from floorbroker.gateway.telling import Telling
from floorbroker.gateway.tripwires import BY as WIRES
from floorbroker.gateway.tripwires import Tripwires
from floorbroker.gateway.views import fits
from floorbroker.marketdata.books import BookKeeper
from floorbroker.marketdata.readings import BookView
from floorbroker.marketdata.shortway import ShortWay
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.adjustments import ADJUSTMENT, Adjusted, Adjustment
from floorbroker.oms.book import Change
from floorbroker.oms.inquest import Act, Inquest
from floorbroker.oms.rounds import ROUND, Round
from floorbroker.oms.schema import OrderSchema
from floorbroker.oms.soundness import sound, sound_changes
from floorbroker.oms.submit import Key
from floorbroker.oms.unforeseen import ours
from floorbroker.risk.book import RiskBook

QUOTES = frozenset({DataKind.QUOTES})
SELF = Caller(principal="gateway", via="session")


class Attendant(Protocol):
    """Works beside the sessions as long as the journal is open: the audit on its way out of it."""

    @property
    def trouble(self) -> str:
        """Why no new orders are taken because of it; empty when they are."""
        ...

    async def start(self) -> None: ...

    async def finish(self) -> None: ...


@dataclass(slots=True)
class Gateway:
    """Implements `desk.Desk`.  Built by `app.compose`; `start` begins, `stop` ends."""

    journal: Journal
    kill_switch: KillSwitch
    clock: Clock
    log: Log
    bus: InProcessBus[DeskEvent]
    attendants: tuple[Attendant, ...] = ()
    arms: Arming | None = None  # of the live desk alone
    health: HealthBook = field(kw_only=True)
    monitor: ConnectionMonitor = field(init=False)
    router: Router | None = None
    promotions: Promotions | None = None
    guard: Guard = field(init=False)
    sessions: dict[ProfileName, ProfileSession] = field(default_factory=dict[ProfileName, ProfileSession])
    ways: dict[ProfileName, ShortWay] = field(default_factory=dict[ProfileName, ShortWay])
    _keepers: dict[ProfileName, BookKeeper] = field(default_factory=dict[ProfileName, BookKeeper])
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _runs: dict[ProfileName, asyncio.Task[None]] = field(default_factory=dict[ProfileName, "asyncio.Task[None]"])
    killing: Killing = field(init=False)
    telling: Telling = field(init=False)
    accounts: Accounts = field(init=False)
    feeds: MarketFeeds = field(init=False)
    linking: Linking = field(init=False)
    audit_fault_s: float = 0.0  # after which a fault of the audit trips the kill switch; 0 for never
    divergence_s: float = 0.0  # after which positions that do not agree do

    def __post_init__(self) -> None:
        self.killing = Killing(self.kill_switch, self.sessions, self.clock, self.log)
        self.telling = Telling(self.journal, self.clock, self.log, self.bus, self.sessions)
        self.accounts = Accounts(self.sessions, self.clock, self.log, self._made_today)
        self.feeds = MarketFeeds(self.sessions, self.log)
        self.linking = Linking(self.journal)
        self.monitor = ConnectionMonitor(
            clock=self.clock,
            log=self.log,
            meters=lambda name: self.sessions[name].ctx.meter,
            look=lambda: list(self._connections()),
            announce=self._on_connection,
        )
        self.guard = Guard(self.journal, self.clock, self.log, RiskBook(self.clock))
        self.guard.kill = lambda profile, why: self.kill(KILL_LEVEL, caller=GUARD, reason=why, profile=profile)
        self.guard.cancel = lambda intent_id, caller: self.cancel(intent_id, caller=caller, reason="self-match")
        self.guard.tell = lambda profile, key, data: self.telling.tell(
            "risk", data["event"], profile=profile, key=key, data=data
        )

    # -- life -------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Start every session and the watch for kills written beside us.  The books are already replayed."""
        loop = asyncio.get_running_loop()
        for attendant in self.attendants:
            await attendant.start()
        self.telling.begin()
        await self.begin(tuple(self.sessions.values()))
        self._tasks.append(loop.create_task(self._watch_sentinels(), name="sentinels"))
        self._tasks.append(loop.create_task(self.monitor.run(), name="monitor"))
        if self.promotions is not None and self.promotions.policy.promotes:
            self._tasks.append(loop.create_task(self.promotions.run(), name="promotions"))
        if self.audit_fault_s or self.divergence_s:
            self._tasks.append(loop.create_task(self.tripwires().run(), name="tripwires"))

    async def begin(self, sessions: Sequence[ProfileSession]) -> None:
        """Let sessions of this desk run: those of a start, or one that came later.  Their books are replayed."""
        loop = asyncio.get_running_loop()
        for session in sessions:
            session.service.start()
        await self._take_sentinels()
        await self.kill_switch.open_permits(tuple(session.ctx.profile.name for session in sessions))
        for session in sessions:
            name = session.ctx.profile.name
            self._runs[name] = loop.create_task(session.run(), name=f"{name}:session")
        self.killing.look()
        if self.router is not None:
            for session in sessions:
                self.router.attend(session)

    async def dismiss(self, name: ProfileName, *, caller: Caller, reason: str) -> None:
        """Let one profile go while the desk runs, in the order in which a desk stops.  Its journal stays.

        It takes no new orders from the first moment; sends under way end, and what was heard becomes durable.  Orders that are
        still open stay at the venue, and nobody watches them any more.
        """
        session = self._session(name)
        if self.arms is not None:
            await self.arms.disarm(name, caller=caller, reason=reason)
        await self._end(self._runs.pop(name, None))
        if (keeper := self._keepers.pop(name, None)) is not None:
            await keeper.close()
        await self.feeds.leave(name)
        await session.stop()
        await self.killing.leave(name)
        self.forget(name)

    def forget(self, name: ProfileName) -> None:
        """Know nothing of a profile any more, which runs no more or never did."""
        self.sessions.pop(name, None)
        self.ways.pop(name, None)
        self.killing.flattening.opted.discard(name)
        self.guard.leave(name)
        self.health.forget(name)
        self.monitor.forget(name)
        self.telling.forget(name)

    @staticmethod
    async def _end(task: asyncio.Task[None] | None) -> None:
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    def tripwires(self) -> Tripwires:
        """What trips the switch by itself, as configured."""
        return Tripwires(
            sessions=self.sessions,
            trouble=lambda: next((one.trouble for one in self.attendants if one.trouble), ""),
            trip=lambda scope, reason: self.kill(1, caller=WIRES, reason=reason, **named(scope)),
            clock=self.clock,
            log=self.log,
            audit_s=self.audit_fault_s,
            divergence_s=self.divergence_s,
        )

    async def until_settled(self) -> None:
        """Wait until every session is READY or has said why it is not."""
        await asyncio.gather(*(session.until_settled() for session in self.sessions.values()))

    async def stop(self) -> None:
        tasks = [*self._tasks, *self._runs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self.killing.stop()
        await self.monitor.close()
        if self.router is not None:
            await self.router.stop()
        for keeper in self._keepers.values():
            await keeper.close()
        await self.feeds.close()
        for session in self.sessions.values():
            await session.stop()
        await self.telling.end()
        for attendant in self.attendants:
            await attendant.finish()
        await self.journal.close()

    # -- events -----------------------------------------------------------------------------------------------------------

    def on_change(self, change: Change) -> None:
        """A durable change of an order is announced.  An open one under level 2 is cancelled, however late it shows up."""
        self.guard.on_change(change)
        self.telling.on_change(change)
        if self.router is not None:
            self.router.on_change(change)
        self.killing.on_change(change.after)

    def on_health(self, session: ProfileSession) -> None:
        self.telling.on_health(session)

    def _connections(self) -> Iterator[Connection]:
        """Every profile's connection as it is now; one that cannot be looked at hides no other."""
        for session in self.sessions.values():
            try:
                with ours(self.log, "monitor.unforeseen", profile=session.ctx.profile.name):
                    seen = connection_of(session, self.health)
            except FloorbrokerError:  # logged
                continue
            yield seen

    def _on_connection(self, seen: Connection) -> None:
        data = connection_data(seen, self.sessions[seen.profile])
        self.telling.tell("health", "connection_status", profile=seen.profile, key=seen.profile, data=data)

    def on_route(self, profile: ProfileName, data: Mapping[str, str]) -> None:
        """What became of routes and standings."""
        self.telling.tell("health", data["event"], profile=profile, key=profile, data=data)

    def keeper_of(self, profile: ProfileName) -> BookKeeper | None:
        """The books of a profile that are kept anyway."""
        return self._keepers.get(profile)

    def on(
        self,
        name: str | type[Happening],
        callback: Callback,
        *,
        after: int | None = None,
        queue: int = LISTENER_QUEUE,
        on_cut: OnCut | None = None,
    ) -> Listener:
        """Call `callback` (plain or async) with every happening of that name; the listener, called, ends it."""
        return self.telling.on(name, callback, after=after, queue=queue, on_cut=on_cut)

    def on_reconciled(self, profile: ProfileName, found: Round | Adjustment) -> None:
        """What a round came to, or an adjustment that is durable."""
        told = told_of(found, profile)
        if told is not None:
            self.telling.tell(told.channel, told.word, profile=profile, key=told.key, data=told.data)

    def events(self, *, after: int | None = None, channels: frozenset[str] | None = None) -> AsyncIterator[DeskEvent]:
        return self.telling.events(after=after, channels=channels)

    def past(self, after: int) -> Iterator[DeskEvent]:
        return self.telling.past(after)

    def last_seq(self) -> int:
        return self.journal.last_seq

    def told_seq(self) -> int:
        return self.telling.newest

    # -- profiles ----------------------------------------------------------------------------------------------------------

    def profiles(self) -> tuple[ProfileStatus, ...]:
        return tuple(self._status(session) for session in self.sessions.values())

    def _status(self, session: ProfileSession) -> ProfileStatus:
        return status_of(
            session,
            health=self.health,
            kill_switch=self.kill_switch,
            arms=self.arms,
            troubles=(attendant.trouble for attendant in self.attendants),
        )

    def broker_info(self, profile: ProfileName) -> BrokerInfo:
        return self._session(profile).ctx.broker.info

    def default_profile(self) -> ProfileName:
        if len(self.sessions) == 1:
            return next(iter(self.sessions))
        names = ", ".join(self.sessions) or "none"
        raise InvalidRequest(f"name a profile; there are: {names}")

    def _session(self, profile: ProfileName | None) -> ProfileSession:
        name = profile or self.default_profile()
        session = self.sessions.get(name)
        if session is None:
            raise NotFound(f"no profile {name!r}; there are: {', '.join(self.sessions) or 'none'}")
        return session

    # -- orders --------------------------------------------------------------------------------------------------------------

    async def submit(
        self,
        order: NewOrder | OrderSchema,
        *,
        profile: ProfileName | None,
        caller: Caller,
        key: str | None = None,
        body_hash: str = "",
    ) -> Submitted:
        if isinstance(order, OrderSchema) and order.confirm:
            caller = replace(caller, confirm=order.confirm)
        named = _named(order, profile)
        if self.router is not None and (named or (profile is None and self.router.takes(key))):
            used = Key(key=key, body_hash=body_hash) if key else None
            stored, replayed = await self.router.submit(_sound(order), actor=_actor(caller), key=used, named=named)
            if (placed := self.sessions.get(stored.profile)) is not None:  # a split order is at no profile
                placed.ctx.steps.reach("submit.S12")
            return Submitted(order=stored, replayed=replayed)
        session, wish = self._session(profile), _sound(order)
        route = "named by the caller" if profile else "the only profile"
        stored, replayed = await session.service.submitter.submit(
            wish, actor=_actor(caller), key=Key(key=key, body_hash=body_hash) if key else None, route=route
        )
        session.ctx.steps.reach("submit.S12")
        return Submitted(order=stored, replayed=replayed)

    async def preview(
        self, order: NewOrder | OrderSchema, *, profile: ProfileName | None, caller: Caller | None = None
    ) -> Preview:
        wish, seen, parts = _sound(order), tuple[Seen, ...](), tuple[PlannedPart, ...]()
        named = _named(order, profile)
        if self.router is not None and (named or (profile is None and self.router.takes(None))):
            found = await self.router.outlook(wish, named)
            session, parts, seen = found.session, found.parts, found.seen()
            if parts:
                wish = replace(wish, order_qty=Quantity(parts[0].qty))
        else:
            session = self._session(profile)
        try:
            outlook = await session.service.preview(wish, principal="" if caller is None else caller.principal)
        except FloorbrokerError as error:
            if seen and not parts and not any(one.taken for one in seen):
                said = {one.profile: one.reason.removeprefix("refused: ") for one in seen} | {
                    session.ctx.profile.name: error.detail
                }
                error.detail = no_route(said.items())
                error.args = (error.detail,)
            raise
        return Preview(
            profile=session.ctx.profile.name,
            verdicts=outlook.verdicts,
            objections=outlook.objections,
            margin=outlook.margin,
            quote=outlook.quote,
            premium=outlook.premium,
            seen=seen,
            parts=parts,
        )

    def routing(self) -> RoutingState:
        if self.router is None or self.promotions is None:
            return NO_ROUTING
        return routing_state(self.router, self.promotions)

    def route_of(self, order: Order) -> OrderRoute:
        if self.router is None:
            return NOT_ROUTED
        links, splitter = self.router.links, self.router.splitter
        if order.profile == GLOBAL:
            parent = splitter.find(order.intent_id)
            return NOT_ROUTED if parent is None else OrderRoute(split=parent, children=tuple(splitter.children(parent)))
        return OrderRoute(
            record=self.router.record(order),
            moved_from=links.moved_from(order.intent_id),
            moved_to=links.moved_to(order.intent_id),
            moving=not order.is_open and self.router.is_on_its_way(order.intent_id),
        )

    async def set_standing(self, profile: ProfileName, *, demoted: bool, caller: Caller, reason: str) -> RoutingState:
        name = self._session(profile).ctx.profile.name
        if self.promotions is not None:
            await self.promotions.set_by_hand(name, demoted=demoted, caller=caller, reason=reason)
        return self.routing()

    def order(self, intent_id: str) -> Order:
        found = self._seek(intent_id)
        if found is None and (split := self._parent(intent_id)) is not None:
            return split[0].rolled(split[1])
        return (found or self._find(intent_id))[1]

    def latest(self, intent_id: IntentId) -> Order | None:
        """The order that stands where one stood: where it moved to another broker, that one; None while it is on its way."""
        if self.router is None:
            return self.order(intent_id)
        if self.router.is_on_its_way(intent_id):
            return None
        last = self._seek(self.router.links.last(intent_id))
        return self.order(intent_id) if last is None else last[1]

    def _find(self, text: str) -> tuple[ProfileSession, Order]:
        if (found := self._seek(text)) is not None:
            return found
        if (parent := self._parent(text)) is not None:
            children = ", ".join(child.intent_id for child in parent[1].children) or "none"
            raise Conflict(f"order {text} was split over several brokers: ask for its children ({children})")
        raise NotFound(f"no order {text!r}")

    def _seek(self, text: str) -> tuple[ProfileSession, Order] | None:
        """The order of that id: ours goes before any other, and an order we sent before one that others did.

        Raises `NotFound` for one that several profiles have an order of: venues number alike, and none is to be cancelled in
        another's place.
        """
        named: list[tuple[ProfileSession, Order]] = []
        for session in self.sessions.values():
            order = session.ctx.book.find(text)
            if order is not None and order.intent_id == text:
                return session, order
            if order is not None:
                named.append((session, order))
        named = [(session, order) for session, order in named if not order.external] or named
        if len(named) > 1:
            told = ", ".join(f"{order.profile} {order.intent_id}" for _, order in named)
            raise NotFound(f"{text!r} is the id of several orders: ask by ours ({told})")
        return named[0] if named else None

    def _parent(self, text: str) -> tuple[Splitter, Parent] | None:
        """A split order of that id, which is at no profile: to be asked for what no book knows."""
        parent = None if self.router is None else self.router.splitter.find(text)
        return None if self.router is None or parent is None else (self.router.splitter, parent)

    def orders(self, where: OrderFilter = ANY, page: Page | None = None) -> list[Order]:
        return listed_orders([session.ctx.book for session in self.sessions.values()], where, page)

    def order_records(self, intent_id: IntentId) -> list[Record]:
        found = self._seek(intent_id)
        if found is None and (split := self._parent(intent_id)) is not None:
            mine = [self.order_records(order.intent_id) for order in split[0].children(split[1])]
            return sorted(chain.from_iterable(mine), key=lambda record: record.seq)
        session, order = found or self._find(intent_id)
        return session.ctx.book.records(order.intent_id)

    async def cancel(self, intent_id: IntentId, *, caller: Caller, reason: str = "") -> Order:
        found = self._seek(intent_id)
        if found is None and (split := self._parent(intent_id)) is not None:
            return await split[0].cancel(split[1], actor=_actor(caller), reason=reason)
        session, order = found or self._find(intent_id)
        cancelled = await session.service.canceller.cancel(order, actor=_actor(caller), reason=reason)
        session.ctx.steps.reach("cancel.told")
        return cancelled

    async def cancel_all(self, where: OrderFilter, *, caller: Caller, reason: str = "") -> CancelledAll:
        orders: list[Order] = []
        refused: dict[IntentId, FloorbrokerError] = {}
        for session in tuple(self.sessions.values()):
            chosen = [order for order in session.ctx.touchable() if fits(order, where)]
            answers = await session.service.cancel_open(chosen, actor=_actor(caller), reason=reason)
            after = [session.ctx.book.get(order.intent_id) or order for order in chosen]
            told = zip(after, answers, strict=True)
            refused |= {order.intent_id: error for order, error in told if error is not None and order.is_open}
            orders += after
        return CancelledAll(orders=tuple(orders), refused=refused)

    def inquest(self, intent_id: str) -> Inquest:
        session, order = self._find(intent_id)
        return session.service.resolving.view(order)

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
        session, order = self._find(intent_id)
        return await session.service.resolving.act(
            order, act, actor=_actor(caller), reason=reason, candidate=candidate, confirm=confirm
        )

    async def modify(self, intent_id: IntentId, changes: OrderChanges, *, caller: Caller) -> Order:
        session, order = self._find(intent_id)
        replaced = await session.service.replacer.replace(order, sound_changes(changes), actor=_actor(caller))
        session.ctx.steps.reach("replace.told")
        return replaced

    def fills(self, where: OrderFilter = ANY, page: Page | None = None) -> list[Fill]:
        return listed_fills([session.ctx.book for session in self.sessions.values()], where, page)

    # -- accounts --------------------------------------------------------------------------------------------------------------

    async def account(self, profile: ProfileName | None = None) -> Account:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await ctx.refresh_account()

    def _made_today(self, profile: ProfileName) -> Decimal | None:
        """What a profile made since its day began for us; None while nobody knows."""
        standing = self.guard.risk.equities.get(profile)
        return standing.made if standing is not None and standing.is_known else None

    async def consolidated(self, currency: str | None = None) -> Consolidated:
        return await self.accounts.consolidated(currency)

    async def balances(self, profile: ProfileName | None = None) -> tuple[Balance, ...]:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return (await ctx.broker.get_balances()).items

    async def positions(self, profile: ProfileName | None = None) -> list[ProfilePosition]:
        return await (self.accounts.one(self._session(profile)) if profile else self.accounts.positions())

    async def risk_metrics(self, profile: ProfileName | None = None) -> RiskMetrics:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await ctx.broker.get_risk_metrics()

    # -- market data -----------------------------------------------------------------------------------------------------------

    async def quote(self, symbol: str, profile: ProfileName | None = None) -> Quote:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            quote = await ctx.broker.get_market_data(symbol)
        ctx.on_quote(quote)
        return quote

    async def option_chain(
        self, underlying: str, expiry: date | None = None, profile: ProfileName | None = None
    ) -> OptionChain:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await options.chain(ctx, underlying, expiry)

    async def option_size(self, ask: SizeAsk, profile: ProfileName | None = None) -> Sized:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await options.size(ctx, ask)

    async def subscribe_market_data(
        self,
        symbols: Sequence[str],
        handler: Handler,
        *,
        kinds: frozenset[DataKind] = QUOTES,
        profile: ProfileName | None = None,
    ) -> Consumer:
        """Call `handler` (plain or async) with every `Tick`, the newest where it is slow; close the consumer to end it."""
        carrier = self._session(profile).ctx.profile.name if profile else None
        return await self.feeds.subscribe(symbols, handler, kinds=kinds, profile=carrier)

    async def book(self, symbol: str, *, depth: int = 10, profile: ProfileName | None = None) -> BookView:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await self._keeper(ctx).read(symbol, depth=depth)

    def _keeper(self, ctx: AccountContext) -> BookKeeper:
        """The books of a profile's broker, begun with the first that is asked for."""
        keeper = self._keepers.get(ctx.profile.name)
        if keeper is None:
            keeper = BookKeeper(
                ctx.broker, clock=ctx.clock, meter=ctx.meter, log=ctx.log, way=self.ways.get(ctx.profile.name)
            )
            self._keepers[ctx.profile.name] = keeper
        return keeper

    async def bars(
        self,
        symbol: str,
        *,
        span_s: int,
        start: datetime,
        end: datetime,
        limit: int = 1000,
        profile: ProfileName | None = None,
    ) -> BarSeries:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await ctx.broker.get_bars(symbol, span_s=span_s, start=start, end=end, limit=limit)

    async def market_hours(self, market: str, day: date, profile: ProfileName | None = None) -> MarketHours:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await ctx.broker.get_market_hours(market, day)

    # -- kill switch -----------------------------------------------------------------------------------------------------------

    def kill_state(self) -> KillState:
        orders = self.killing.progress()
        remaining = tuple(order.intent_id for order in orders)
        positions = self.killing.flattening.told()
        return replace(self.kill_switch.state(), orders=orders, remaining=remaining, positions=positions)

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
        scope = self._scope(profile=profile, account=account, strategy=strategy, token=token)
        if await self.kill_switch.trip(level, scope=scope, caller=caller, reason=reason):
            self._announce_kill("kill_tripped", scope, caller, reason)
        self.killing.look()
        return self.kill_state()

    async def reset_kill(
        self,
        *,
        caller: Caller,
        reason: str,
        profile: ProfileName | None = None,
        account: str | None = None,
        strategy: str | None = None,
        token: str | None = None,
    ) -> KillState:
        scope = self._scope(profile=profile, account=account, strategy=strategy, token=token)
        await self.kill_switch.reset(scope=scope, caller=caller, reason=reason)
        self.killing.look()
        self._announce_kill("kill_reset", scope, caller, reason)
        reopened = [self.sessions[name] for name in self.kill_switch.within(scope) if name in self.sessions]
        for session in reopened:
            session.reconcile_again("the kill switch was reset")
        await asyncio.gather(*(session.until_settled(within_s=SETTLE_S) for session in reopened))
        return self.kill_state()

    async def on_fatal(self, session: ProfileSession, reason: str) -> None:
        """The venue says that this profile must not trade: level 1, until a person has looked (RELIABILITY 6)."""
        name = session.ctx.profile.name
        if self.kill_switch.level(name) == 0:
            await self.kill(1, caller=SELF, reason=reason, profile=name)

    def _scope(self, *, profile: ProfileName | None, **others: str | None) -> ProfileName:
        """The scope that is named.  Raises `NotFound` for a profile that is none of ours, `InvalidRequest` for two scopes."""
        return scope_of(profile=self._session(profile).ctx.profile.name if profile else None, **others)

    def _announce_kill(self, word: str, scope: ProfileName, caller: Caller, reason: str) -> None:
        """Whoever watches risk hears of the latch, and whoever watches a profile of what stands in its way."""
        level = str(self.kill_switch.level_at(scope))
        data = {"scope": scope, "level": level, "reason": reason, "by": caller.principal}
        profile = scope if scope in self.sessions else ProfileName("")
        self.telling.tell("risk", word, profile=profile, key="kill", data=data)
        self._announce_health()

    def _announce_health(self) -> None:
        for session in self.sessions.values():
            self.on_health(session)

    async def _watch_sentinels(self) -> None:
        """Kills written beside the server take effect within half a second, even where no order is sent."""
        while True:
            await self.kill_switch.permits.changed(self.clock)
            try:
                with ours(self.log, "sentinel.unforeseen"):
                    await self._take_sentinels()
                    await self.kill_switch.settle()
            except FloorbrokerError as error:  # one file that cannot be taken must not end the watch over the next
                self.log.error("sentinel.not_taken", detail=error.detail)

    async def _take_sentinels(self) -> None:
        for sentinel in self.kill_switch.pending_sentinels():
            caller = Caller(principal=sentinel.by, via="file")
            await self.kill(sentinel.level, caller=caller, reason=sentinel.reason, **named(sentinel.scope))

    # -- arming ----------------------------------------------------------------------------------------------------------------

    def arming(self) -> tuple[ArmingState, ...]:
        return self.arms.states() if self.arms is not None else ()

    async def arm(
        self, profile: ProfileName, *, for_s: int, confirm: str, caller: Caller, reason: str
    ) -> tuple[ArmingState, ...]:
        arms = self._live()
        await arms.arm(profile, for_s=for_s, confirmation=Confirmation(typed=confirm), caller=caller, reason=reason)
        self._announce_health()
        return arms.states()

    async def disarm(self, profile: ProfileName | None, *, caller: Caller, reason: str) -> tuple[ArmingState, ...]:
        try:
            return await self._live().disarm(profile, caller=caller, reason=reason)
        finally:
            self._announce_health()

    def _live(self) -> Arming:
        if self.arms is None:
            raise InvalidRequest("only live trading is armed")
        return self.arms

    # -- operations -------------------------------------------------------------------------------------------------------------

    async def reconcile(self, profile: ProfileName) -> RoundResult:
        return await self._session(profile).reconcile_now()

    def rounds(self, profile: ProfileName, *, before: int | None = None, limit: int = 100) -> list[KeptRound]:
        known = self._session(profile).ctx.profile.name
        return [kept_round(found) for found in self.journal.notes_before(ROUND, known, before=before, limit=limit)]

    def adjustments(self, profile: ProfileName) -> list[Adjusted]:
        return adjustments_of(self.journal.notes(ADJUSTMENT), self._session(profile).ctx.profile.name)

    async def connect(self, profile: ProfileName, *, caller: Caller, reason: str) -> None:
        await self.linking.connect(self._session(profile), caller=caller, reason=reason)

    async def disconnect(self, profile: ProfileName, *, caller: Caller, reason: str) -> None:
        await self.linking.disconnect(self._session(profile), caller=caller, reason=reason)

    async def self_check(self, profile: ProfileName) -> SelfCheck:
        ctx = self._session(profile).ctx
        with _reading(ctx):
            return await ctx.broker.self_check()

    def audit(self, *, after: int = 0, limit: int = 100) -> list[Record]:
        records: Sequence[Record] = self.journal.read(after=after, limit=limit, kinds=frozenset({"audit"}))
        return [record for record in records if isinstance(record.entry, AuditEntry)]


def _sound(order: NewOrder | OrderSchema) -> NewOrder:
    """The wish of a caller: one that comes as a schema was read a moment ago, one made by code is read now."""
    return order.to_order() if isinstance(order, OrderSchema) else sound(order)


def _named(order: NewOrder | OrderSchema, profile: ProfileName | None) -> Named:
    """What an order says about its route; one made by code says nothing."""
    if not isinstance(order, OrderSchema):
        return OPEN
    return Named(route=order.route or "", broker=order.broker or "", profile=profile)


def _reading(ctx: AccountContext) -> ours:
    """A bug in an adapter is told as one, and not in its own words."""
    return ours(ctx.log, "read.unforeseen", profile=ctx.profile.name)


def _actor(caller: Caller) -> Actor:
    return Actor(principal=caller.principal, via=caller.via, request_id=caller.request_id, confirm=caller.confirm)

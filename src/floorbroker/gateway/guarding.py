"""The guard of a desk: watches losses and strategies while orders trade, and does what no refusal can (RELIABILITY 5).

What it must remember is a note in the journal; the fills of today are counted anew from today's orders at each start.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, time
from decimal import Decimal

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FieldError, InvalidRequest, JournalFault, NotFound
from floorbroker.domain.orders import Order
from floorbroker.domain.ports import AuditEntry, Entry, Journal, Log, NoteEntry, Record
from floorbroker.domain.records import Account
from floorbroker.domain.values import IntentId, ProfileName, text_of
from floorbroker.gateway.curve import EquityCurve
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.limiting import DESK, Limits, Wanted
from floorbroker.gateway.measuring import Measure
from floorbroker.oms.account import AccountContext, Actor
from floorbroker.oms.book import Change
from floorbroker.oms.scales import asked_about
from floorbroker.oms.share import traded
from floorbroker.risk import equity as equities
from floorbroker.risk import untouched, usage
from floorbroker.risk.book import RiskBook
from floorbroker.risk.changes import LimitChange
from floorbroker.risk.equity import Equity
from floorbroker.risk.metrics import Report
from floorbroker.risk.scope import ScopeKind, scope_of
from floorbroker.risk.untouched import StrategyState
from floorbroker.risk.usage import Usage

GUARD = Caller(principal="gateway", via="risk")
KILL_LEVEL = 2
Kill = Callable[[ProfileName, str], Awaitable[object]]
Cancel = Callable[[IntentId, Caller], Awaitable[object]]
Tell = Callable[[ProfileName, str, Mapping[str, str]], None]


async def _no_kill(profile: ProfileName, reason: str) -> None:
    """Where no kill switch is wired, nothing is tripped."""
    del profile, reason


def _nobody(profile: ProfileName, key: str, data: Mapping[str, str]) -> None:
    """Where nobody listens, nothing is told."""
    del profile, key, data


@dataclass(slots=True)
class Guard:
    """Beside every account of one desk.  `kill` trips the switch of a profile, `tell` announces an event on channel `risk`."""

    journal: Journal
    clock: Clock
    log: Log
    risk: RiskBook
    accounts: dict[ProfileName, AccountContext] = field(default_factory=dict[ProfileName, AccountContext])
    limits: Limits = field(init=False)
    measure: Measure = field(init=False)
    kill: Kill = _no_kill
    cancel: Cancel | None = None
    tell: Tell = _nobody
    curve: EquityCurve = field(default_factory=EquityCurve)
    _tripped: set[tuple[ProfileName, str]] = field(default_factory=set[tuple[ProfileName, str]])
    _counted: set[ProfileName] = field(default_factory=set[ProfileName])  # whose fills of today strategies have
    _met: dict[ProfileName, tuple[str, str]] = field(default_factory=dict[ProfileName, tuple[str, str]])

    def __post_init__(self) -> None:
        self.limits = Limits(self.journal, self.clock, self.risk, self.accounts)
        self.measure = Measure(self.risk)

    # -- limits and reports -------------------------------------------------------------------------------------------

    async def set_limit(self, wanted: Wanted, *, caller: Caller) -> LimitChange:
        """Change one limit, and say so."""
        change = await self.limits.set(wanted, caller=caller)
        data = {"event": "limit_changed", **change.words()}
        self.tell(DESK, change.scope, data)
        return change

    def usage(self, scope: str) -> Usage:
        """How much of each limit of a scope is used now; empty for a scope without limits."""
        self.risk.catch_up()
        kind, name = scope_of(scope)
        ctx = self.accounts.get(ProfileName(name)) if kind is ScopeKind.PROFILE else None
        if ctx is not None:
            return usage.of_account(
                ctx.exposure(),
                messages=ctx.gate.message_counts(),
                today=self.risk.ordered_today(ctx.profile.name),
                equity=self.risk.equities.get(ctx.profile.name),
                worth=ctx.account.equity if ctx.account is not None else None,
            )
        watch = self.risk.watches.get((kind.value, name))
        if watch is None:
            return {}
        self.risk.day.begin(self.clock.now())
        messages, today = watch.messages(self.clock.monotonic()), self.risk.day.of(kind.value, name)
        return usage.of_scope(watch, messages=messages, today=today, worth=self.risk.equity_of(watch))

    async def report(self, profile: ProfileName | None, *, with_history: bool = False) -> Report:
        """One account's risk in numbers, or the whole desk's, which is the same where it has but one."""
        if profile is None and len(self.accounts) == 1:
            profile = next(iter(self.accounts))
        if profile is not None:
            return await self.measure.one(self._account(profile), with_history=with_history)
        return await self.measure.report(self.accounts.values(), with_history=with_history)

    def attend(self, ctx: AccountContext) -> None:
        """Watch one account from now on."""
        self.accounts[ctx.profile.name] = ctx
        ctx.on_equity = lambda account: self.on_equity(ctx, account)
        ctx.cancel_own, ctx.assert_own = self._cancel_own, self._assert_own

    def leave(self, profile: ProfileName) -> None:
        """A profile was let go: what it holds counts in no limit any more.  What it ordered today still does."""
        ctx = self.accounts.pop(profile, None)
        if ctx is not None:
            is_open = {order.intent_id for order in ctx.book.open_orders()}
            self.risk.leave(profile, sorted(is_open | ctx.book.touched | ctx.gate.moved))
        self._met.pop(profile, None)
        self._tripped = {mark for mark in self._tripped if mark[0] != profile}

    def _assert_own(self, intent_id: IntentId) -> None:
        for ctx in self.accounts.values():
            if (order := ctx.book.get(intent_id)) is not None:
                ctx.assert_touchable(order)

    async def _cancel_own(self, intent_id: IntentId, actor: Actor) -> None:
        """Make way for a wish that would trade with an order of ours."""
        if self.cancel is not None:
            await self.cancel(intent_id, Caller(principal=actor.principal, via=actor.via, request_id=actor.request_id))

    # -- losses -------------------------------------------------------------------------------------------------------

    def on_equity(self, ctx: AccountContext, account: Account) -> None:
        """The venue's newest figure of an account; one that comes when it has left is measured no more."""
        name, met = ctx.profile.name, (account.account, account.currency)
        if self.accounts.get(name) is not ctx:
            return
        standing = self.risk.equities.setdefault(name, Equity())
        self.curve.note(name, account.equity, account.currency, self.clock.now())
        whose = f"{account.account} {account.currency}" if account.account else ""
        if standing.tell(account.equity, self.clock.now(), of=whose) and ctx.limits.watches_losses:
            ctx.writer.leave([NoteEntry(profile=name, topic=equities.TOPIC, data=standing.words())])
        if self._met.get(name) != met:
            self._met[name] = met
            self.risk.recognise(name)
        for control, value, limit in (
            ("kill_loss_day_pct", standing.loss_pct, ctx.limits.kill_loss_day_pct),
            ("kill_drawdown_pct", standing.drawdown_pct, ctx.limits.kill_drawdown_pct),
        ):
            self._trip_at(ctx, control, value, limit)

    def _trip_at(self, ctx: AccountContext, control: str, value: Decimal, limit: Decimal | None) -> None:
        mark = (ctx.profile.name, control)
        if limit is None or value < limit:
            self._tripped.discard(mark)
        elif mark not in self._tripped:
            self._tripped.add(mark)
            reason = f"{control} {text_of(limit)} was reached: {text_of(value)}"
            self.log.error("risk.kill", profile=ctx.profile.name, control=control, detail=reason)
            ctx.spawn(self._kill(ctx.profile.name, reason), name="loss")

    async def _kill(self, profile: ProfileName, reason: str) -> None:
        await self.kill(profile, reason)

    async def begin_day(self, profile: ProfileName, *, caller: Caller, reason: str) -> Equity:
        """A person says that today's equity is where day and peak begin: after a deposit, or to go on after a loss."""
        ctx, standing = self._account(profile), self.risk.equities.get(profile)
        if standing is None or not standing.is_known:
            raise NotFound(f"the equity of profile {profile} is not known yet")
        anew = Equity(now=standing.now, of=standing.of)
        anew.begin_anew(self.clock.now())
        row = _row(caller, "risk.day", profile, reason=_reason(reason), detail=anew.words())
        await ctx.journal.commit([NoteEntry(profile=profile, topic=equities.TOPIC, data=anew.words()), row])
        self.risk.equities[profile] = anew
        self._tripped = {mark for mark in self._tripped if mark[0] != profile}
        return anew

    # -- strategies ---------------------------------------------------------------------------------------------------

    def on_change(self, change: Change) -> None:
        """A durable change of an order: its fills are counted, and a strategy that had too many is switched off at once."""
        ctx = self.accounts.get(change.after.profile)
        if ctx is None:
            return
        more, name = ctx.share.on_change(change), change.after.terms.strategy
        if more and name:
            self.risk.strategies.filled(name, more, self.clock.now())
            most = ctx.limits.max_fills_untouched
            if most is not None and self.risk.strategies.fills(name) >= most and not self.risk.strategies.why_off(name):
                self._switch_off(ctx, name, most)

    def _switch_off(self, ctx: AccountContext, name: str, most: int) -> None:
        why = f"strategy {name} filled {most} times without a human touch: a person switches it on, risk enable {name}"
        state = StrategyState(name=name, off=why, by=GUARD.principal, at=self.clock.now())
        self.risk.strategies.switch(state)
        ctx.writer.put(_switched(state, GUARD, why))
        self.log.error("risk.strategy_off", strategy=name, detail=why)
        self.tell(ctx.profile.name, name, {"event": "strategy_off", "strategy": name, "reason": why})

    async def switch(self, name: str, *, on: bool, caller: Caller, reason: str) -> StrategyState:
        """Switch a strategy on, which begins its count anew, or off.  Off holds at once, on when it is durable."""
        if not name:
            raise _wrong("/strategy", "missing", "name the strategy")
        why = "" if on else f"strategy {name} was switched off by {caller.principal}: {_reason(reason)}"
        state = StrategyState(name=name, off=why, by=caller.principal, at=self.clock.now())
        if not on:
            self.risk.strategies.switch(state)
        try:
            await self.journal.commit(_switched(state, caller, _reason(reason)))
        except JournalFault:
            if on:
                raise
            self.log.error("risk.switch_not_journaled", strategy=name)
        self.risk.strategies.switch(state)
        self.tell(DESK, name, {"event": "strategy_on" if on else "strategy_off", "strategy": name, "reason": reason})
        return state

    # -- a start ------------------------------------------------------------------------------------------------------

    def restore(self, record: Record) -> None:
        """Take one replayed note.  Raises `JournalFault` for one that cannot be read."""
        entry = record.entry
        if not isinstance(entry, NoteEntry):
            return
        try:
            if entry.topic == equities.TOPIC:
                self.risk.equities.setdefault(entry.profile, Equity()).restore(entry.data)
            elif entry.topic == untouched.TOPIC:
                self.risk.strategies.switch(untouched.state_in(entry.data, record.at))
        except (KeyError, ValueError) as error:
            raise JournalFault(f"a note {entry.topic} in the journal cannot be read (record {record.seq})") from error

    def recount(self, orders: Iterable[Order]) -> None:
        """After books are replayed: today's orders, what strategies filled today, and the sums of every scope.

        The fills of a profile that comes back in one life of the desk are counted already.
        """
        now = self.clock.now()
        midnight = datetime.combine(now.astimezone(UTC).date(), time(), UTC)
        for order in orders:
            ctx = self.accounts.get(order.profile)
            if ctx is not None:
                self._recount(ctx, order, midnight, now)
        self._counted |= set(self.accounts)
        self.risk.count_anew()

    def _recount(self, ctx: AccountContext, order: Order, midnight: datetime, now: datetime) -> None:
        if order.created_at >= midnight and not order.external and order.parent_id is None:
            owner = ctx.share.owner_of(order)
            self.risk.decide(order.intent_id, owner, ctx.share.asked(order), symbol=asked_about(order.terms))
            if not order.is_open and not order.presumed:
                self.risk.day.done(order.intent_id, traded(order))
        name = order.terms.strategy
        since = max(midnight, self.risk.strategies.touched_at(name) or midnight)
        fills = sum(1 for execution in order.executions if execution.transact_time >= since)
        if name and fills and order.profile not in self._counted:
            self.risk.strategies.filled(name, fills, now)

    def _account(self, profile: ProfileName) -> AccountContext:
        ctx = self.accounts.get(profile)
        if ctx is None:
            raise NotFound(f"no profile {profile!r}; there are: {', '.join(self.accounts) or 'none'}")
        return ctx


def _switched(state: StrategyState, caller: Caller, reason: str) -> list[Entry]:
    note = NoteEntry(profile=DESK, topic=untouched.TOPIC, data=untouched.words_of(state))
    word = "off" if state.off else "on"
    return [note, _row(caller, f"risk.strategy_{word}", state.name, reason=reason, detail={})]


def _row(caller: Caller, action: str, target: str, *, reason: str, detail: Mapping[str, str]) -> AuditEntry:
    return AuditEntry(
        actor=caller.principal,
        via=caller.via,
        action=action,
        object=target,
        profile=DESK,
        outcome="done",
        reason=reason,
        req=caller.request_id,
        detail=detail,
    )


def _reason(text: str) -> str:
    """Raises `InvalidRequest` for an act without a reason."""
    if not text.strip():
        raise _wrong("/reason", "missing", "say why, for the record")
    return text


def _wrong(pointer: str, code: str, detail: str) -> InvalidRequest:
    return InvalidRequest(detail, fields=(FieldError(pointer=pointer, code=code, detail=detail),))

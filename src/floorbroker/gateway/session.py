"""One supervised broker session: connect, reconcile, READY; fall back whenever one of its conditions goes (I11)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.errors import FloorbrokerError, Forbidden
from floorbroker.domain.ports import Subscription
from floorbroker.domain.records import ExecutionReport
from floorbroker.domain.timetable import NO_TIMETABLE, Timetable
from floorbroker.gateway.bells import Bells
from floorbroker.gateway.desk import NO_LOCK, Lock, RoundResult, SessionState
from floorbroker.gateway.maintenance import Calendar
from floorbroker.gateway.recovery import Remedy, Rule, delay_s, is_refusal, remedy_of
from floorbroker.gateway.states import CONNECTED, allowed, words_of
from floorbroker.gateway.views import round_result
from floorbroker.oms.account import AccountContext
from floorbroker.oms.rounds import Round
from floorbroker.oms.service import OrderService
from floorbroker.oms.unforeseen import ours

SETTLE_S = 5.0  # a person waits so long for a session to be ready
FULL_COMPARE_S = 600.0
STREAM_WAIT_S = 10.0
STREAM_PROBE_S = 60.0
WARN_CLOCK_OFFSET_S = 1.0
MAX_CLOCK_OFFSET_S = 30.0
VALIDITY_SHARE = 0.5  # of the time for which the venue takes a request
LEAST_REST_S = 10.0  # a venue that fails on and off is not taken up again with every good answer


def max_clock_offset_s(info: BrokerInfo) -> float:
    """How far the clocks may be apart: half the time for which the venue takes a request, where it looks at that."""
    return min(info.arrival_bound_s * VALIDITY_SHARE, MAX_CLOCK_OFFSET_S) if info.bound_enforced else MAX_CLOCK_OFFSET_S


async def _nothing_fatal(session: ProfileSession, reason: str) -> None:
    """Where there is no kill switch to trip."""
    del session, reason


@dataclass(slots=True)
class ProfileSession:
    """The life of one profile.

    `on_health` hears of every change of state, and reads in `news` what it is called; `on_lost` of each connection lost;
    `on_fatal` is awaited when the venue says that this profile must not trade.  While `lock` is locked, the state is LOCKED;
    while the venue is shut by `timetable`, it is MAINTENANCE.  After `failures_until_rest` API failures in a row the session
    rests; `log_tag` marks the log lines about that.
    """

    ctx: AccountContext
    service: OrderService
    random: Random
    on_health: Callable[[ProfileSession], None]
    lock: Lock = NO_LOCK
    timetable: Timetable = NO_TIMETABLE
    on_fatal: Callable[[ProfileSession, str], Awaitable[None]] = _nothing_fatal
    on_lost: Callable[[], None] = lambda: None
    failures_until_rest: int = 3
    log_tag: str = "FAILOVER"
    calendar: Calendar = field(init=False)
    state: SessionState = SessionState.OFFLINE
    reason: str = "not connected yet"
    since: datetime = field(init=False)
    since_s: float = field(init=False)  # the same in steady time
    news: str = ""
    stream_up: bool = False
    held: str = ""  # who disconnected it, and why; empty while nobody did
    rests: str = ""  # why new orders are stopped although the venue is there; empty while they are not
    last_round: RoundResult | None = None
    _subscription: Subscription | None = None
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _must_log_in: bool = False
    _was_lost: bool = False
    _refusals: int = 0
    _refused_since_s: float = 0.0
    _rests_since_s: float = 0.0
    _clock_off_most_s: float = field(init=False)

    def __post_init__(self) -> None:
        self._clock_off_most_s = max_clock_offset_s(self.ctx.broker.info)
        self.since, self.since_s = self.ctx.clock.now(), self.ctx.clock.monotonic()
        self.calendar = Calendar(self.timetable, self.ctx.clock)
        self.service.on_deaf = self._on_deaf
        self.service.is_left_alone = lambda: bool(self.held)

    # -- the private stream (OrderEvents) ----------------------------------------------------------------------------------

    def on_report(self, report: ExecutionReport) -> None:
        self.service.on_report(report)

    def on_stream(self, up: bool, detail: str) -> None:  # noqa: FBT001 - the port's own signature
        """Each time the stream comes up, events may have been missed: reconcile.  While it is down, nothing new is sent."""
        was_up, self.stream_up = self.stream_up, up
        reconciler = self.service.reconciler
        if not up:
            reconciler.down_since = reconciler.down_since or self.ctx.clock.now()
        is_lost = was_up and not up
        if is_lost:
            self.on_lost()
        self.reconcile_again(detail if not up else "the order stream came up", is_lost=is_lost)

    def reconcile_again(self, reason: str, *, is_lost: bool = False) -> None:
        """Take no new orders until another round has agreed."""
        if self.state in CONNECTED:
            self._move(SessionState.RECONCILING, reason, is_lost=is_lost)
            self._settled.clear()
            self._wanted.set()

    def renew(self, reason: str) -> None:
        """Log in anew, the order stream included, and agree again."""
        self._must_log_in = True
        self.reconcile_again(reason)
        if self.state not in CONNECTED:  # it may be waiting for the time of its next try
            self._settled.clear()
            self._wanted.set()

    def _on_deaf(self) -> None:
        """A look at the open orders found what the stream should have told (RELIABILITY 4)."""
        self.ctx.log.warning("stream.deaf", profile=self.ctx.profile.name)
        self.renew("the order stream says nothing, and orders changed")

    # -- the vault ---------------------------------------------------------------------------------------------------------

    def on_lock(self) -> None:
        """The lock may have changed: say so, or go on where it was left."""
        if self.state is SessionState.STOPPED or self.lock is NO_LOCK:
            return
        self._must_log_in = self._must_log_in or self.lock.is_shut
        if self.lock.reason:
            self._move(SessionState.LOCKED, self.lock.reason)
            self._settled.set()
        elif self.state is SessionState.LOCKED:
            self._settled.clear()
            self._move(SessionState.RECONCILING, "the vault was unlocked")
        self._wanted.set()

    async def _until_unlocked(self) -> None:
        """Wait while nothing may be signed: every attempt would fail."""
        while self.lock.is_shut:
            self._must_log_in = True
            self._move(SessionState.LOCKED, self.lock.reason)
            self._settled.set()
            self._wanted.clear()
            await self._pause(FULL_COMPARE_S)

    async def _log_in_again(self) -> None:
        """What the venue closed, or would not take up, while nothing could be signed is begun anew; so is a silent stream."""
        self._must_log_in = False
        await self._close_stream()
        await self._connect()  # not `disconnect`: that is for good

    # -- a person's word ---------------------------------------------------------------------------------------------------

    def hold(self, held: str) -> None:
        """Disconnect until `release`: no order stream, no rounds, no new orders."""
        self.held, self._must_log_in = held, True
        self._move(SessionState.OFFLINE, held)
        self._settled.set()
        self._wanted.set()

    def release(self) -> None:
        """Connect again, in any case anew."""
        self.held, self._must_log_in = "", True
        self._settled.clear()
        self._wanted.set()

    async def _until_released(self) -> None:
        """Wait while a person keeps it disconnected; its order stream ends at once."""
        while self.held:
            self._must_log_in = True
            await self._close_stream()
            self._move(SessionState.OFFLINE, self.held)
            self._settled.set()
            self._wanted.clear()
            await self._pause(FULL_COMPARE_S)

    async def _close_stream(self) -> None:
        self.stream_up = False
        if self._subscription is not None:
            await self._subscription.close()
            self._subscription = None

    # -- conditions --------------------------------------------------------------------------------------------------------

    def not_ready(self) -> str:
        """Why this profile takes no new orders; empty when it does."""
        if self.state is not SessionState.READY:
            return f"profile {self.ctx.profile.name} is {self.state.value}: {self.reason}"
        if shut := self.calendar.reason():
            return f"profile {self.ctx.profile.name} is in {shut}"
        if not self.ctx.journal.is_writable:
            return "the journal cannot be written"
        offset_s = self.ctx.broker.get_connection_status().clock_offset_s
        if offset_s is not None and abs(offset_s) > self._clock_off_most_s:
            return f"the clock is {-offset_s:+.1f} s off the venue's"
        return ""

    async def until_settled(self, *, within_s: float | None = None) -> None:
        """Wait until the session is READY or has failed once and says why, or until so long has passed."""
        settled = asyncio.ensure_future(self._settled.wait())
        late = None if within_s is None else asyncio.ensure_future(self.ctx.clock.sleep(within_s))
        waiting = [settled] if late is None else [settled, late]
        try:
            await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in waiting:
                task.cancel()

    # -- the supervisor ----------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """The session's task; ends by cancellation."""
        if self.timetable:
            self.ctx.spawn(self._keep_calendar(), name="calendar")
        await self._settle_interrupted()
        await self._connect()
        self.service.start_watching()
        bells = Bells(self.ctx.broker, self.ctx.clock, self.ctx.log)
        self.ctx.spawn(bells.run(self._wanted.set), name="bells")
        while True:
            await self._agree()
            self._settled.set()
            await self._pause(FULL_COMPARE_S)

    async def _settle_interrupted(self) -> None:
        """Before anything else: say what the last life left behind; again and again while the journal does not take it."""
        for attempt in range(1_000_000):
            self._wanted.clear()
            try:
                with ours(self.ctx.log, "session.unforeseen", profile=self.ctx.profile.name):
                    await self.service.reconciler.settle_interrupted()
            except FloorbrokerError as error:
                self._move(SessionState.OFFLINE, error.detail)
                self._settled.set()
                await self._wait(remedy_of(error), attempt)
            else:
                return

    async def _connect(self) -> None:
        for attempt in range(1_000_000):
            await self._until_released()
            await self._until_unlocked()
            self._must_log_in = False
            self._wanted.clear()
            self._move(SessionState.CONNECTING, "connecting")
            try:
                await self._log_in()
            except FloorbrokerError as error:
                refused = isinstance(error, Forbidden)  # reached, and it is not what this profile may trade with
                self._move(SessionState.DEGRADED if refused else SessionState.OFFLINE, error.detail)
                self._settled.set()
                self._wanted.clear()  # nothing is reconciled before a log-in
                self.ctx.log.warning("session.connect_failed", profile=self.ctx.profile.name, code=error.code)
                await self._wait(await self._treat(error), attempt)
            else:
                self._move(SessionState.RECONCILING, "connected")
                return

    async def _log_in(self) -> None:
        with ours(self.ctx.log, "session.unforeseen", profile=self.ctx.profile.name):
            await self.ctx.broker.connect()
            self._subscription = await self.ctx.broker.subscribe_order_events(self)

    async def _agree(self) -> None:
        """Rounds until READY, whatever breaks on the way: a supervisor that ended would leave its profile as it was for ever."""
        attempt = 0
        while True:
            try:
                with ours(self.ctx.log, "session.unforeseen", profile=self.ctx.profile.name):
                    disputes = await self._look()
            except FloorbrokerError as error:
                refused = isinstance(error, Forbidden)
                failed = "reconciliation failed" if self._has_stream() else "the order stream is down"
                self._degrade(error.detail if refused else f"{failed}: {error.detail}")
                await self._wait(await self._treat(error), attempt)
            else:
                if disputes is None:
                    continue
                if not disputes:
                    return
                self._degrade(f"positions do not agree yet: {'; '.join(disputes)}")
                await self._wait(remedy_of(None), attempt)
            attempt += 1

    async def _look(self) -> tuple[str, ...] | None:
        """One round, as far as it comes: empty when it agreed, else what is in dispute; None to look again at once.

        Raises what the round failed with.
        """
        await self._until_released()
        await self._until_unlocked()
        if self._must_log_in:
            await self._log_in_again()
        self._wanted.clear()
        if not self._has_stream():
            return await self._await_stream()
        if self.rests:
            await self._rest()
        found = await self.service.reconciler.try_round()
        self._remember(found)
        if isinstance(found, FloorbrokerError):
            raise found
        if not found.converged:
            return found.differences
        if self._wanted.is_set():
            return None
        self._refusals = 0
        self._warn_of_clock()
        self._move(SessionState.READY, "")
        self.ctx.steps.reach("recon.ready")
        return ()

    async def _await_stream(self) -> None:
        """Wait for the stream; when it is long in coming, whoever waits for this session is told that, and the venue is asked
        whether it is the key.
        """
        await self._pause(STREAM_WAIT_S)
        if not self._wanted.is_set():
            self._move(SessionState.DEGRADED, "the order stream is down")
            self._settled.set()
            await self.ctx.broker.get_account_info()
            await self._pause(STREAM_PROBE_S)

    def _degrade(self, reason: str) -> None:
        self._move(SessionState.DEGRADED, f"{self.rests}; {reason}" if self.rests else reason)
        self._settled.set()

    # -- what errors call for ----------------------------------------------------------------------------------------------

    async def _treat(self, error: FloorbrokerError) -> Remedy:
        """Do what the table of `recovery` says, but for the waiting."""
        now_s = self.ctx.clock.monotonic()
        self._refusals = self._refusals + 1 if is_refusal(error) else 0
        if self._refusals == 1:
            self._refused_since_s = now_s
        remedy = remedy_of(error, refusals=self._refusals, refused_for_s=now_s - self._refused_since_s)
        name = self.ctx.profile.name
        self.ctx.log.info("session.remedy", profile=name, code=error.code, rule=remedy.rule.value)
        if remedy.notify:
            self.ctx.log.error("session.needs_a_person", profile=name, code=error.code, detail=error.detail)
        self._must_log_in = self._must_log_in or remedy.rule is Rule.LOG_IN
        if remedy.rule is Rule.FATAL:
            await self.on_fatal(self, f"fatal: {error.detail}")
        return remedy

    async def _wait(self, remedy: Remedy, attempt: int) -> None:
        """As long as the remedy says, cut short by a reason to reconcile; the venue's own word on waiting is not cut short."""
        whole_s = delay_s(remedy, attempt, self.random)
        await self._obey(remedy.floor_s)
        await self._pause(max(whole_s - remedy.floor_s, 0.0))

    async def _obey(self, floor_s: float) -> None:
        """Ask nothing for so long, whatever there is to ask; a person who disconnects meanwhile ends the order stream at once."""
        over_s, was_wanted = self.ctx.clock.monotonic() + floor_s, False
        while (left_s := over_s - self.ctx.clock.monotonic()) > 0:
            await self._pause(left_s)
            was_wanted = was_wanted or self._wanted.is_set()
            self._wanted.clear()
            if self.held:
                await self._close_stream()
        if was_wanted:
            self._wanted.set()

    def on_failures(self, in_a_row: int) -> None:
        """So many API failures in a row: stop new orders; cancels, doubts and rounds go on (graceful shutdown)."""
        if in_a_row < self.failures_until_rest or self.state is not SessionState.READY:
            return
        self.rests = f"resting after {in_a_row} API failures in a row"
        self._rests_since_s = self.ctx.clock.monotonic()
        self.ctx.log.warning("session.resting", tag=self.log_tag, profile=self.ctx.profile.name, failures=in_a_row)
        self._move(SessionState.DEGRADED, self.rests)
        self._wanted.set()

    async def _rest(self) -> None:
        """Some seconds of quiet, then one question that must be answered before a round is tried.  Raises what it fails with."""
        left_s = self._rests_since_s + LEAST_REST_S - self.ctx.clock.monotonic()
        if left_s > 0:
            await self.ctx.clock.sleep(left_s)
        await self.ctx.broker.get_account_info()

    # -- the calendar ------------------------------------------------------------------------------------------------------

    async def _keep_calendar(self) -> None:
        """Say when the venue's maintenance begins and ends, and log in anew when it ended every session."""
        reset = self.calendar.reset_after(self.ctx.clock.now())
        while True:
            self._on_calendar()
            await self.ctx.clock.sleep(self.calendar.pause_s(reset))
            if reset is not None and self.ctx.clock.now() >= reset.begins_at:
                self.renew(f"every session ended: {reset.why}")
                reset = self.calendar.reset_after(self.ctx.clock.now())

    def _on_calendar(self) -> None:
        shut = self.calendar.reason()
        if shut:
            self._move(SessionState.MAINTENANCE, shut)
            self._settled.set()
        elif self.state is SessionState.MAINTENANCE:
            self.reconcile_again("the maintenance is over")

    # -- conditions of a round ---------------------------------------------------------------------------------------------

    def _warn_of_clock(self) -> None:
        offset_s = self.ctx.broker.get_connection_status().clock_offset_s
        if offset_s is not None and abs(offset_s) > WARN_CLOCK_OFFSET_S:
            self.ctx.log.warning("clock.offset", profile=self.ctx.profile.name, offset_s=round(offset_s, 3))

    def _has_stream(self) -> bool:
        return self.stream_up or Can.STREAM_ORDERS not in self.ctx.broker.info.can

    async def _pause(self, longest_s: float) -> None:
        """Wait for a reason to reconcile, or for the time of the next full compare."""
        timer = asyncio.ensure_future(self.ctx.clock.sleep(longest_s))
        wanted = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait([timer, wanted], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            wanted.cancel()

    # -- asked for by people -----------------------------------------------------------------------------------------------

    async def reconcile_now(self) -> RoundResult:
        """One round on demand; a failure is in the result, not raised."""
        found = await self.service.reconciler.try_round()
        result = self._remember(found)
        if self.state is SessionState.DEGRADED and not result.error:
            self._wanted.set()
        return result

    def _remember(self, found: Round | FloorbrokerError) -> RoundResult:
        self.last_round = round_result(found, profile=self.ctx.profile.name, now=self.ctx.clock.now())
        return self.last_round

    async def stop(self) -> None:
        """Leave in order: stop taking orders, let facts become durable, disconnect."""
        self._move(SessionState.STOPPED, "stopped")
        await self.service.stop()
        if self._subscription is not None:
            await self._subscription.close()
        await self.ctx.broker.disconnect()

    def _move(self, state: SessionState, reason: str, *, is_lost: bool = False) -> None:
        """Go to a state; what locks or shuts the profile goes before it, and what the table lacks is refused."""
        before = self.state
        if state is not SessionState.STOPPED:
            if self.held:
                state, reason = SessionState.OFFLINE, self.held
            elif locked := self.lock.reason:
                state, reason = SessionState.LOCKED, locked
            elif shut := self.calendar.reason():
                state, reason = SessionState.MAINTENANCE, shut
        if (state, reason) == (before, self.reason):
            return
        if not allowed(before, state):
            name = self.ctx.profile.name
            self.ctx.log.error("session.move_refused", profile=name, state=before.value, wanted=state.value)
            return
        self.state, self.reason = state, reason
        if state is not before:
            self._tell(before, is_lost=is_lost)

    def _tell(self, before: SessionState, *, is_lost: bool) -> None:
        name, clock = self.ctx.profile.name, self.ctx.clock
        words = words_of(before, self.state, is_lost=is_lost, was_lost=self._was_lost, rests=bool(self.rests))
        self._was_lost = (self._was_lost or is_lost) and self.state is not SessionState.READY
        if self.state is SessionState.READY and self.rests:
            self.rests = ""
            self.ctx.log.warning("session.rested", tag=self.log_tag, profile=name)
        self.since, self.since_s = clock.now(), clock.monotonic()
        self.ctx.log.info("session.state", profile=name, state=self.state.value, reason=self.reason)
        for self.news in words:
            self.on_health(self)
        self.news = ""

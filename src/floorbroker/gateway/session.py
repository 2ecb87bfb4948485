"""One supervised broker session: connect, reconcile, READY; fall back whenever one of its conditions goes (I11)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from random import Random

from floorbroker.domain.capability import BrokerInfo, Can
from floorbroker.domain.errors import FloorbrokerError, Forbidden
from floorbroker.domain.ports import Subscription
from floorbroker.domain.records import ExecutionReport
from floorbroker.gateway.desk import NO_LOCK, Lock, RoundResult, SessionState
from floorbroker.oms.account import AccountContext
from floorbroker.oms.rounds import Round
from floorbroker.oms.service import OrderService
from floorbroker.oms.unforeseen import ours

FIRST_RETRY_S, LAST_RETRY_S = 0.5, 60.0
FULL_COMPARE_S = 600.0
STREAM_WAIT_S = 10.0
WARN_CLOCK_OFFSET_S = 1.0
MAX_CLOCK_OFFSET_S = 30.0
VALIDITY_SHARE = 0.5  # of the time for which the venue takes a request
_CONNECTED = (SessionState.READY, SessionState.RECONCILING, SessionState.DEGRADED, SessionState.LOCKED)


def max_clock_offset_s(info: BrokerInfo) -> float:
    """How far the clocks may be apart: half the time for which the venue takes a request, where it looks at that."""
    return min(info.arrival_bound_s * VALIDITY_SHARE, MAX_CLOCK_OFFSET_S) if info.bound_enforced else MAX_CLOCK_OFFSET_S


@dataclass(slots=True)
class ProfileSession:
    """The life of one profile.  `on_health` hears of every change of state; while `lock` is locked, the state is LOCKED."""

    ctx: AccountContext
    service: OrderService
    random: Random
    on_health: Callable[[ProfileSession], None]
    lock: Lock = NO_LOCK
    state: SessionState = SessionState.OFFLINE
    reason: str = "not connected yet"
    since: datetime = field(init=False)
    stream_up: bool = False
    last_round: RoundResult | None = None
    _subscription: Subscription | None = None
    _wanted: asyncio.Event = field(default_factory=asyncio.Event)
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _was_shut: bool = False

    def __post_init__(self) -> None:
        self.since = self.ctx.clock.now()

    # -- the private stream (OrderEvents) ---------------------------------------------------------------------------------

    def on_report(self, report: ExecutionReport) -> None:
        self.service.on_report(report)

    def on_stream(self, up: bool, detail: str) -> None:  # noqa: FBT001 - the port's own signature
        """Each time the stream comes up, events may have been missed: reconcile.  While it is down, nothing new is sent."""
        self.stream_up = up
        reconciler = self.service.reconciler
        if not up:
            reconciler.down_since = reconciler.down_since or self.ctx.clock.now()
        self.reconcile_again(detail if not up else "the order stream came up")

    def reconcile_again(self, reason: str) -> None:
        """Take no new orders until another round has agreed."""
        if self.state in _CONNECTED:
            self._move(SessionState.RECONCILING, reason)
            self._settled.clear()
            self._wanted.set()

    # -- the vault ----------------------------------------------------------------------------------------------------------

    def on_lock(self) -> None:
        """The lock may have changed: say so, or go on where it was left."""
        if self.state is SessionState.STOPPED or self.lock is NO_LOCK:
            return
        self._was_shut = self._was_shut or self.lock.is_shut
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
            self._was_shut = True
            self._move(SessionState.LOCKED, self.lock.reason)
            self._settled.set()
            self._wanted.clear()
            await self._pause(FULL_COMPARE_S)

    async def _log_in_again(self) -> None:
        """What the venue closed, or would not take up, while nothing could be signed is begun anew."""
        self._was_shut = self.stream_up = False
        if self._subscription is not None:
            await self._subscription.close()
            self._subscription = None
        await self._connect()  # not `disconnect`: that is for good

    # -- conditions -----------------------------------------------------------------------------------------------------------

    def not_ready(self) -> str:
        """Why this profile takes no new orders; empty when it does."""
        if self.state is not SessionState.READY:
            return f"profile {self.ctx.profile.name} is {self.state.value}: {self.reason}"
        if not self.ctx.journal.is_writable:
            return "the journal cannot be written"
        offset_s = self.ctx.broker.get_connection_status().clock_offset_s
        if offset_s is not None and abs(offset_s) > max_clock_offset_s(self.ctx.broker.info):
            return f"the clock is {-offset_s:+.1f} s off the venue's"
        return ""

    async def until_settled(self) -> None:
        """Wait until the session is READY or has failed once and says why."""
        await self._settled.wait()

    # -- the supervisor ---------------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """The session's task; ends by cancellation."""
        await self._settle_interrupted()
        await self._connect()
        self.service.start_watching()
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
                await self._back_off(attempt, error)
            else:
                return

    async def _connect(self) -> None:
        for attempt in range(1_000_000):
            await self._until_unlocked()
            self._was_shut = False
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
                await self._back_off(attempt, error)
            else:
                self._move(SessionState.RECONCILING, "connected")
                return

    async def _log_in(self) -> None:
        with ours(self.ctx.log, "session.unforeseen", profile=self.ctx.profile.name):
            await self.ctx.broker.connect()
            self._subscription = await self.ctx.broker.subscribe_order_events(self)

    async def _agree(self) -> None:
        """Rounds until READY, whatever breaks on the way: a supervisor that ended would leave its profile as it was for ever."""
        for attempt in range(1_000_000):
            try:
                with ours(self.ctx.log, "session.unforeseen", profile=self.ctx.profile.name):
                    await self._reconcile()
            except FloorbrokerError as error:
                await self._degrade(f"the session broke: {error.detail}", attempt, error)
            else:
                return

    async def _reconcile(self) -> None:
        """Rounds until one converges with the stream up."""
        for attempt in range(1_000_000):
            await self._until_unlocked()
            if self._was_shut:
                await self._log_in_again()
            self._wanted.clear()
            if not self._has_stream():
                await self._await_stream()
                continue
            found = await self.service.reconciler.try_round()
            self._remember(found)
            if isinstance(found, FloorbrokerError):
                refused = isinstance(found, Forbidden)
                reason = found.detail if refused else f"reconciliation failed: {found.detail}"
                await self._degrade(reason, attempt, found)
            elif not found.converged:
                await self._degrade(f"positions do not agree yet: {'; '.join(found.differences)}", attempt, None)
            elif not self._wanted.is_set():
                self._warn_of_clock()
                self._move(SessionState.READY, "")
                self.ctx.steps.reach("recon.ready")
                return

    async def _await_stream(self) -> None:
        """Wait for the stream; when it is long in coming, whoever waits for this session is told that."""
        await self._pause(STREAM_WAIT_S)
        if not self._wanted.is_set():
            self._move(SessionState.DEGRADED, "the order stream is down")
            self._settled.set()
            await self._pause(FULL_COMPARE_S)

    async def _degrade(self, reason: str, attempt: int, error: FloorbrokerError | None) -> None:
        self._move(SessionState.DEGRADED, reason)
        self._settled.set()
        await self._back_off(attempt, error)

    def _warn_of_clock(self) -> None:
        offset_s = self.ctx.broker.get_connection_status().clock_offset_s
        if offset_s is not None and abs(offset_s) > WARN_CLOCK_OFFSET_S:
            self.ctx.log.warning("clock.offset", profile=self.ctx.profile.name, offset_s=round(offset_s, 3))

    def _has_stream(self) -> bool:
        return self.stream_up or Can.STREAM_ORDERS not in self.ctx.broker.info.can

    async def _back_off(self, attempt: int, error: FloorbrokerError | None) -> None:
        """Full jitter, doubling to a minute, cut short by a reason to reconcile; the venue's own word on waiting is a floor."""
        ceiling_s = min(FIRST_RETRY_S * 2.0 ** min(attempt, 10), LAST_RETRY_S)
        delay_s = self.random.uniform(0.0, ceiling_s)
        floor_s = (error.hint.retry_after_s or 0.0) if error is not None else 0.0
        if floor_s:
            await self.ctx.clock.sleep(floor_s)
        await self._pause(max(delay_s - floor_s, 0.0))

    async def _pause(self, longest_s: float) -> None:
        """Wait for a reason to reconcile, or for the time of the next full compare."""
        timer = asyncio.ensure_future(self.ctx.clock.sleep(longest_s))
        wanted = asyncio.ensure_future(self._wanted.wait())
        try:
            await asyncio.wait([timer, wanted], return_when=asyncio.FIRST_COMPLETED)
        finally:
            timer.cancel()
            wanted.cancel()

    # -- asked for by people ---------------------------------------------------------------------------------------------------

    async def reconcile_now(self) -> RoundResult:
        """One round on demand; a failure is in the result, not raised."""
        found = await self.service.reconciler.try_round()
        result = self._remember(found)
        if self.state is SessionState.DEGRADED and not result.error:
            self._wanted.set()
        return result

    def _remember(self, found: Round | FloorbrokerError) -> RoundResult:
        name = self.ctx.profile.name
        if isinstance(found, FloorbrokerError):
            now = self.ctx.clock.now()
            self.last_round = RoundResult(profile=name, at=now, converged=False, counts={}, error=found.detail)
        else:
            self.last_round = RoundResult(
                profile=name,
                at=found.at,
                converged=found.converged,
                counts=found.counts,
                differences=found.differences,
            )
        return self.last_round

    async def stop(self) -> None:
        """Leave in order: stop taking orders, let facts become durable, disconnect."""
        self._move(SessionState.STOPPED, "stopped")
        await self.service.stop()
        if self._subscription is not None:
            await self._subscription.close()
        await self.ctx.broker.disconnect()

    def _move(self, state: SessionState, reason: str) -> None:
        if state is not SessionState.STOPPED and (locked := self.lock.reason):
            state, reason = SessionState.LOCKED, locked
        if (state, reason) == (self.state, self.reason):
            return
        changed = state is not self.state
        self.state, self.reason = state, reason
        if changed:
            self.since = self.ctx.clock.now()
            self.ctx.log.info("session.state", profile=self.ctx.profile.name, state=state.value, reason=reason)
            self.on_health(self)

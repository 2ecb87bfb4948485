"""The life of one session, as a machine: whatever venue, vault, calendar and people do, it keeps to its table and comes back.

It bites: a session that goes from LOCKED to READY at once, or takes orders while it rests, fails within thirty runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import invariant, precondition, rule

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    ApiError,
    AuthenticationFailed,
    ConnectionFailed,
    FloorbrokerError,
    Forbidden,
    Hint,
    KillSwitchOn,
    NotReady,
    RateLimitExceeded,
    SessionExpired,
    Timeout,
    VaultLocked,
)
from floorbroker.domain.orders import Order
from floorbroker.domain.timetable import Timetable, Window
from floorbroker.gateway.desk import SessionState
from floorbroker.gateway.session import ProfileSession
from floorbroker.gateway.states import MOVES
from tests.properties.living import AMPLE, LivingDesk
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import CALLER, NOON, PROFILE, Desk, make

READS = ("connect", "get_account_info", "get_open_orders", "get_order_history", "get_positions")
PASSING: tuple[FloorbrokerError, ...] = (
    ConnectionFailed("refused"),
    Timeout("no answer"),
    ApiError("503"),
    SessionExpired("the token ran out"),
    RateLimitExceeded("later", hint=Hint(retry_after_s=3.0)),
    AuthenticationFailed("the nonce was overtaken"),
)
REFUSING: tuple[FloorbrokerError, ...] = (
    AuthenticationFailed("no such key", hint=Hint(notify=True)),
    Forbidden("the account is another"),
)
OFTEN = Timetable(
    maintenance=tuple(
        Window(begins=(NOON + timedelta(minutes=10 * n)).time(), lasts=timedelta(minutes=1)) for n in range(1, 100)
    )
)


@dataclass
class Padlock:
    """A lock that the machine opens and closes."""

    reason: str = ""
    is_shut: bool = False


class SessionLife(LivingDesk):
    """`path` is every state the session was in, `refusing` whether the venue ever refused key or account."""

    def __init__(self) -> None:
        self.path: list[SessionState] = []
        self.refusing = False
        self.padlock = Padlock()
        super().__init__()

    async def _begin(self, before: Desk | None) -> Desk:
        del before
        clock = ManualClock(NOON)
        root = Path(self._folder.name)
        desk = make(root, broker=FakeBroker(clock), clock=clock, limits=AMPLE, lock=self.padlock, timetable=OFTEN)
        announced = desk.session.on_health

        def on_health(session: ProfileSession) -> None:
            self.path.append(session.state)
            announced(session)

        desk.session.on_health = on_health
        self.path.append(desk.session.state)
        await desk.gateway.start()
        await desk.until(lambda: desk.session.state is SessionState.READY)
        return desk

    # -- what the venue does ------------------------------------------------------------------------------------------

    @rule(read=st.sampled_from(READS), error=st.sampled_from(PASSING))
    def break_a_read(self, read: str, error: FloorbrokerError) -> None:
        self.broker.failing[read] = error

    @rule(read=st.sampled_from(READS), error=st.sampled_from(REFUSING))
    def refuse_us(self, read: str, error: FloorbrokerError) -> None:
        self.refusing = True
        self.broker.failing[read] = error

    @precondition(lambda self: self.broker.failing)
    @rule()
    def mend(self) -> None:
        self.broker.failing.clear()

    @rule(is_up=st.booleans())
    def stream(self, is_up: bool) -> None:
        self.broker.stream(is_up)

    @rule(in_a_row=st.integers(1, 5))
    def fail(self, in_a_row: int) -> None:
        was_ready = self.desk.session.state is SessionState.READY
        self.desk.session.on_failures(in_a_row)
        if was_ready and in_a_row >= 3:
            assert self.desk.session.not_ready()

    @rule(reason=st.sampled_from(["end", "silence"]))
    def renew(self, reason: str) -> None:
        self.desk.session.renew(reason)

    # -- what people and time do --------------------------------------------------------------------------------------

    @rule(is_shut=st.booleans())
    def lock(self, is_shut: bool) -> None:
        self.padlock.reason, self.padlock.is_shut = "the vault is locked", is_shut
        self.desk.session.on_lock()

    @precondition(lambda self: self.padlock.reason)
    @rule()
    def unlock(self) -> None:
        self.padlock.reason, self.padlock.is_shut = "", False
        self.desk.session.on_lock()

    @rule(seconds=st.sampled_from([0.25, 1, 5, 20, 90]))
    def wait(self, seconds: float) -> None:
        self.do(self.desk.wait(seconds))

    @rule()
    def order(self) -> None:
        """Taken in READY alone.  A kill that trips while the order is looked at may find it refused for what was before."""
        was_killed = bool(self.desk.gateway.kill_switch.blocked(PROFILE))
        why_not, came = self.do(self._asked())
        if self.desk.gateway.kill_switch.blocked(PROFILE):
            assert isinstance(came, KillSwitchOn if was_killed else (KillSwitchOn, NotReady, VaultLocked))
        elif self.padlock.reason:
            assert isinstance(came, VaultLocked)
        elif why_not:
            assert isinstance(came, NotReady)

    async def _asked(self) -> tuple[str, Order | FloorbrokerError]:
        """What is known right before an order is tried, and what comes of it."""
        why_not = self.desk.session.not_ready()
        try:
            return why_not, await self.desk.place(buy())
        except FloorbrokerError as error:
            return why_not, error

    # -- what holds ---------------------------------------------------------------------------------------------------

    @invariant()
    def keeps_to_the_table(self) -> None:
        for before, after in zip(self.path, self.path[1:], strict=False):
            assert after in MOVES[before], f"{before.value} to {after.value}"

    @invariant()
    def takes_orders_in_ready_alone(self) -> None:
        session = self.desk.session
        assert bool(session.not_ready()) or session.state is SessionState.READY
        assert not (session.rests and session.state is SessionState.READY)

    @invariant()
    def trips_a_kill_for_a_refusal_alone(self) -> None:
        assert self.refusing or not self.desk.gateway.kill_switch.blocked(PROFILE)

    def at_the_end(self) -> None:
        """When everything is calm, the profile is READY again, and takes an order once a person has reset its kill."""
        self.padlock.reason, self.padlock.is_shut = "", False
        self.desk.session.on_lock()
        self.settle(lambda: self.desk.session.state is SessionState.READY)
        if self.desk.gateway.kill_switch.blocked(PROFILE):
            self.do(self.desk.gateway.reset_kill(caller=CALLER, reason="looked at", profile=PROFILE))
            self.settle(lambda: self.desk.session.state is SessionState.READY)
        assert not isinstance(self.tried(self.desk.place(buy("3"))), FloorbrokerError)
        assert self.desk.sent("submit") >= 1


SessionLife.TestCase.settings = settings(max_examples=25, stateful_step_count=30, deadline=None)
TestSessionLife = SessionLife.TestCase

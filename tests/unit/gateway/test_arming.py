"""A live profile trades while a person has armed it: by name, for a while, durably, and never past a kill (RELIABILITY 9)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import InvalidRequest, JournalFault, KillSwitchOn, NotArmed, NotFound
from floorbroker.domain.orders import OrderChanges
from floorbroker.domain.ports import AuditEntry, NoteEntry
from floorbroker.domain.values import Environment, OrdStatus, ProfileName
from floorbroker.gateway.arming import ARMING, MOST_S
from floorbroker.gateway.desk import ArmingState
from tests.support.fake_broker import FakeBroker, buy
from tests.support.house import CALLER, NOON, PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio


@asynccontextmanager
async def live(root: Path, *, clock: ManualClock | None = None, enabled: bool = True) -> AsyncGenerator[Desk]:
    clock = clock or ManualClock(NOON)
    broker = FakeBroker(clock, environment_hint="live")
    async with opened(root, clock=clock, broker=broker, environment=Environment.LIVE, live_enabled=enabled) as desk:
        yield desk


async def arm(desk: Desk, *, for_s: int = 3600, confirm: str = PROFILE, reason: str = "the open") -> ArmingState:
    (state,) = await desk.gateway.arm(PROFILE, for_s=for_s, confirm=confirm, caller=CALLER, reason=reason)
    return state


async def assert_refused(desk: Desk, why: str) -> None:
    sent = desk.sent("submit")
    with pytest.raises(NotArmed, match=why):
        await desk.place(buy(), key=f"k{desk.clock.monotonic()}{why}", body_hash="h")
    assert desk.sent("submit") == sent


async def test_a_live_profile_sends_nothing_until_it_is_armed_and_then_it_does(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        await assert_refused(desk, "not armed; a person arms it: floorbroker live arm --profile fake")
        state = await arm(desk)
        assert (state.armed, state.until, state.by) == (True, desk.clock.now() + timedelta(hours=1), "tester")
        await desk.place(buy(), key="k1", body_hash="h")
        assert desk.sent("submit") == 1
        assert desk.gateway.profiles()[0].armed_until == state.until


async def test_arming_runs_out_by_itself_and_what_it_placed_can_still_be_cancelled(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        await arm(desk, for_s=60)
        order = await desk.place(buy(), key="k1", body_hash="h")
        await desk.wait(60)
        await assert_refused(desk, "ran out at")
        with pytest.raises(NotArmed):
            await desk.gateway.modify(order.intent_id, OrderChanges(price=order.terms.price), caller=CALLER)
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_arming_that_ends_between_the_decision_and_the_send_stops_the_send(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        await arm(desk)
        hold = asyncio.Event()
        desk.journal.hold_when = lambda entries: hold
        placing = asyncio.ensure_future(desk.place(buy(), key="k1", body_hash="h"))
        await desk.wait()
        desk.journal.hold_when = lambda entries: None
        await desk.gateway.disarm(None, caller=CALLER, reason="changed my mind")
        hold.set()
        assert (await placing).ord_status is OrdStatus.NOT_SENT
        assert desk.sent("submit") == 0


@pytest.mark.parametrize(
    ("wish", "pointer"),
    [
        ({"confirm": "yes"}, "/confirm"),
        ({"confirm": ""}, "/confirm"),
        ({"confirm": "FAKE"}, "/confirm"),
        ({"reason": " "}, "/reason"),
        ({"for_s": 59}, "/for_s"),
        ({"for_s": MOST_S + 1}, "/for_s"),
        ({"for_s": -1}, "/for_s"),
    ],
)
async def test_it_takes_the_name_a_reason_and_a_bounded_time(
    tmp_path: Path, wish: dict[str, object], pointer: str
) -> None:
    async with live(tmp_path) as desk:
        with pytest.raises(InvalidRequest) as refused:
            await arm(desk, **wish)  # type: ignore[arg-type]
        assert [field.pointer for field in refused.value.fields] == [pointer]
        await assert_refused(desk, "not armed")


async def test_what_is_not_enabled_or_not_there_cannot_be_armed(tmp_path: Path) -> None:
    async with live(tmp_path, enabled=False) as desk:
        await assert_refused(desk, "not enabled")
        with pytest.raises(NotArmed, match="enabled = true under"):
            await arm(desk)
        with pytest.raises(NotFound):
            await desk.gateway.arm(ProfileName("other"), for_s=60, confirm="other", caller=CALLER, reason="r")
    async with opened(tmp_path / "sim") as desk:
        assert desk.gateway.arming() == ()
        with pytest.raises(InvalidRequest):
            await arm(desk)


async def test_it_is_durable_before_it_counts_and_the_audit_has_it(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: any(
            isinstance(entry, NoteEntry) and entry.topic == ARMING for entry in entries
        )
        with pytest.raises(JournalFault):
            await arm(desk)
        await assert_refused(desk, "not armed")
        desk.journal.fault_when = lambda entries: False
        await arm(desk)
        await desk.gateway.disarm(PROFILE, caller=CALLER, reason="enough")
        rows = [entry for commit in desk.journal.commits for entry in commit if isinstance(entry, AuditEntry)]
        told = [(row.action, row.actor, row.reason) for row in rows if row.action.startswith("live.")]
        assert told == [("live.arm", "tester", "the open"), ("live.disarm", "tester", "disarmed: enough")]


async def test_disarming_holds_in_memory_though_the_journal_fails(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        await arm(desk)
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await desk.gateway.disarm(None, caller=CALLER, reason="stop")
        desk.journal.fault_when = lambda entries: False
        await assert_refused(desk, "disarmed: stop")


@pytest.mark.parametrize("scope", [None, PROFILE])
async def test_a_kill_disarms_and_its_reset_does_not_arm_again_i14(tmp_path: Path, scope: ProfileName | None) -> None:
    async with live(tmp_path) as desk:
        await arm(desk)
        await desk.gateway.kill(1, caller=CALLER, reason="fat finger", profile=scope)
        with pytest.raises(KillSwitchOn, match="reset it before you arm"):
            await arm(desk)
        reset = asyncio.ensure_future(desk.gateway.reset_kill(caller=CALLER, reason="looked at it", profile=scope))
        await desk.until(reset.done)
        await assert_refused(desk, "disarmed by the kill switch: fat finger")
        await arm(desk)
        await desk.place(buy(), key="after", body_hash="h")
        assert desk.sent("submit") == 1


async def test_a_kill_while_an_arming_becomes_durable_wins(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        hold = asyncio.Event()
        desk.journal.hold_when = lambda entries: hold
        arming = asyncio.ensure_future(arm(desk))
        await desk.wait()
        desk.journal.hold_when = lambda entries: None
        await desk.gateway.kill(1, caller=CALLER, reason="now")
        hold.set()
        with pytest.raises(KillSwitchOn):
            await arming
        assert not desk.gateway.arming()[0].armed


# -- a restart ----------------------------------------------------------------------------------------------------------


async def _crashed_after_arming(root: Path, *, for_s: int = 3600, then_s: float = 0.0) -> None:
    async with live(root) as desk:
        await arm(desk, for_s=for_s)
        if then_s:
            await desk.wait(then_s)
            await desk.place(buy(), key="late", body_hash="h")
        await desk.crash()


class Later(ManualClock):
    """The clock of a later start: the wall clock says what it says, the machine has run for `ran_s` seconds."""

    def __init__(self, wall: datetime, *, ran_s: float) -> None:
        super().__init__(wall - timedelta(seconds=ran_s))
        self._elapsed_s = ran_s


@pytest.mark.parametrize(
    ("wall_s", "ran_s", "armed_for_s"),
    [
        (600, 600, 3000),  # ten minutes later, and the machine agrees
        (600, 5, 3000),  # it was started anew: its running time says nothing, the wall clock counts
        (3601, 5, 0),  # over, by the wall clock
        (-7200, 600, 3000),  # set back by hours on a machine that ran on: it knows better
        (-7200, 4000, 0),
        (-7200, 0, 3600),  # set back and started anew: never longer than was granted
        (86_400, 90_000, 0),
    ],
)
async def test_after_a_restart_it_ends_when_it_was_to_end_and_no_clock_makes_it_longer(
    tmp_path: Path, wall_s: float, ran_s: float, armed_for_s: float
) -> None:
    """It was armed for an hour when the machine had run for a few seconds."""
    await _crashed_after_arming(tmp_path)
    clock = Later(NOON + timedelta(seconds=wall_s), ran_s=ran_s)
    async with live(tmp_path, clock=clock) as desk:
        passed_s = clock.monotonic() - ran_s
        (state,) = desk.gateway.arming()
        assert state.armed is (armed_for_s > 0)
        if not armed_for_s:
            return
        await desk.wait(armed_for_s - passed_s - 15)
        assert desk.gateway.arming()[0].armed
        await desk.wait(30)
        assert not desk.gateway.arming()[0].armed


async def test_the_journals_newest_record_is_a_time_that_no_clock_set_back_undoes(tmp_path: Path) -> None:
    await _crashed_after_arming(tmp_path, for_s=600, then_s=590)
    async with live(tmp_path, clock=Later(NOON - timedelta(hours=5), ran_s=0)) as desk:
        await desk.wait(60)
        assert not desk.gateway.arming()[0].armed


async def test_a_clock_set_back_while_it_runs_does_not_lengthen_it(tmp_path: Path) -> None:
    async with live(tmp_path) as desk:
        await arm(desk, for_s=600)
        desk.clock._start -= timedelta(hours=5)  # noqa: SLF001 - the hand at the wall clock
        await desk.wait(601)
        await assert_refused(desk, "ran out at")


async def test_a_kill_before_a_restart_disarms_though_only_its_latch_was_written(tmp_path: Path) -> None:
    """As the command line does, with the server down."""
    async with live(tmp_path) as desk:
        await arm(desk)
        desk.gateway.kill_switch.disarm = lambda scope, caller, reason: ()
        await desk.gateway.kill_switch.trip(1, scope=PROFILE, caller=CALLER, reason="beside the server")
        await desk.gateway.kill_switch.reset(scope=PROFILE, caller=CALLER, reason="looked at it")
        await desk.crash()
    async with live(tmp_path) as desk:
        await assert_refused(desk, "disarmed by the kill switch")

"""READY has conditions, and losing any of them closes the profile (RELIABILITY I11, 4)."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import Forbidden, KillSwitchOn, NotArmed, NotReady, VaultLocked
from floorbroker.domain.orders import Approved
from floorbroker.domain.records import KeyPermissions
from floorbroker.domain.values import ClOrdId, Environment, IntentId, OrdStatus, ProfileName
from floorbroker.gateway.session import max_clock_offset_s
from floorbroker.oms.adjustments import ADJUSTMENT
from tests.support.fake_broker import FakeBroker, buy, silence
from tests.support.house import CALLER, NOON, make, opened, stopped
from tests.support.steps import Footprints

pytestmark = pytest.mark.asyncio


async def test_a_stream_that_breaks_closes_the_profile_until_a_round_agrees_i11(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.stream(up=False)
        with pytest.raises(NotReady):
            await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        desk.broker.stream(up=True)
        with pytest.raises(NotReady):
            await desk.place(buy())
        await desk.until(lambda: desk.session.state.value == "ready")
        assert desk.now(order).cum_qty == 4


async def test_a_stream_that_flaps_during_a_round_means_another_round_i11(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        gate = desk.broker.gates["get_positions"] = asyncio.Event()
        desk.broker.stream(up=False)
        desk.broker.stream(up=True)
        await desk.wait()
        desk.broker.stream(up=False)
        gate.set()
        await desk.wait(1)
        assert desk.session.state.value != "ready"
        desk.broker.stream(up=True)
        await desk.until(lambda: desk.session.state.value == "ready")


async def test_a_stream_that_never_comes_is_told_and_not_waited_for_for_ever(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, stream_up=False)
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        waiting = asyncio.ensure_future(desk.gateway.until_settled())
        await desk.wait(15)
        assert (waiting.done(), desk.session.reason) == (True, "the order stream is down")
        desk.broker.stream(up=True)
        await desk.until(lambda: desk.session.state.value == "ready")


async def test_a_venue_that_is_gone_with_its_stream_is_not_told_as_a_round_that_failed(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.failing["get_account_info"] = silence()
        desk.broker.stream(up=False)
        await desk.until(lambda: desk.session.state.value == "degraded")
        await desk.wait()
        assert desk.session.reason.startswith("the order stream is down: ")


@pytest.mark.parametrize("fault", [silence(), RuntimeError("a bug in an adapter")])
async def test_a_round_that_fails_degrades_and_is_tried_again_i11(tmp_path: Path, fault: Exception) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.failing["get_order_history"] = fault
        desk.session.reconcile_again("test")
        await desk.until(lambda: desk.session.state.value == "degraded")
        with pytest.raises(NotReady):
            await desk.place(buy())
        desk.broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")


@pytest.mark.parametrize("fault", [silence(), RuntimeError("a bug in an adapter")])
async def test_a_venue_that_cannot_be_reached_is_tried_again(tmp_path: Path, fault: Exception) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock)
    broker.failing["connect"] = fault
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.until(lambda: desk.session.state.value == "offline")
        broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")


async def test_a_clock_far_from_the_venues_blocks_orders_i11(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.clock_offset_s = -45.0
        with pytest.raises(NotReady, match="clock"):
            await desk.place(buy())


async def test_a_clock_that_goes_wrong_blocks_and_one_that_is_repaired_does_not_i11(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy())
        desk.broker.clock_offset_s = 31.0
        with pytest.raises(NotReady, match=r"the clock is -31.0 s off the venue's"):
            await desk.place(buy())
        desk.broker.clock_offset_s = 0.2
        await desk.place(buy("2"))


@pytest.mark.parametrize(
    ("bound_s", "enforced", "most_s"), [(5.0, True, 2.5), (60.0, False, 30.0), (120.0, True, 30.0)]
)
async def test_clocks_may_be_apart_by_half_the_time_for_which_the_venue_takes_a_request(
    bound_s: float, enforced: bool, most_s: float
) -> None:
    info = replace(FakeBroker(ManualClock(NOON)).info, arrival_bound_s=bound_s, bound_enforced=enforced)
    assert max_clock_offset_s(info) == most_s


async def test_a_journal_that_cannot_be_written_blocks_orders_and_not_cancels_i11_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.journal.fault_when = lambda entries: True
        desk.journal.writable = False
        with pytest.raises(NotReady, match="journal"):
            await desk.place(buy())
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.broker.of(order.cl_ord_id).status is OrdStatus.CANCELED


async def test_the_full_compare_comes_every_ten_minutes(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        rounds = desk.broker.reads.count("get_positions")
        await desk.wait(1250)
        assert desk.broker.reads.count("get_positions") == rounds + 2


async def test_open_orders_are_listed_every_half_minute_though_the_stream_looks_healthy(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        listings = desk.broker.reads.count("get_open_orders")
        await desk.wait(95)
        assert desk.broker.reads.count("get_open_orders") == listings + 3


@pytest.mark.parametrize(
    ("environment", "told"), [(Environment.SIM, "live"), (Environment.PAPER, "live"), (Environment.LIVE, "paper")]
)
async def test_the_venues_word_on_the_environment_must_agree_i17(
    tmp_path: Path, environment: Environment, told: str
) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, environment_hint=told)
    async with opened(tmp_path, broker=broker, clock=clock, environment=environment, ready=False) as desk:
        await desk.until(lambda: desk.session.state.value == "degraded")
        assert desk.session.reason == f"the venue says this account is {told}, the profile is {environment.value}"
        assert "account.refused" in desk.log.events
        with pytest.raises(KillSwitchOn, match="fatal: the venue says this account is"):
            await desk.place(buy(), key="k")
        assert desk.sent("submit") == 0


async def test_another_account_than_the_one_given_is_refused_and_its_number_is_not_told(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, account="123456789")
    async with opened(tmp_path, broker=broker, clock=clock, ready=False, account_number="987654321") as desk:
        await desk.until(lambda: desk.session.state.value == "degraded")
        assert "ends in 6789" in desk.session.reason
        assert not {"123456789", "987654321"} & set(desk.session.reason.split())
        broker.account = "987654321"
        await desk.until(lambda: desk.session.state.value == "ready")


async def test_a_key_that_can_withdraw_is_refused_and_cancels_still_pass(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        order = await desk.place(buy())
        broker.permissions = KeyPermissions(trade=True, withdraw=True)
        desk.session.reconcile_again("the key was changed")
        await desk.until(lambda: desk.session.state.value == "degraded")
        assert "can withdraw money" in desk.session.reason
        with pytest.raises(KillSwitchOn, match="can withdraw money"):
            await desk.place(buy())
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        assert desk.sent("submit") == 1
        assert desk.now(order).ord_status is OrdStatus.CANCELED


@pytest.mark.parametrize("withdraw", [False, None], ids=["it cannot", "the venue does not tell"])
async def test_a_key_that_cannot_withdraw_as_far_as_the_venue_tells_is_taken(
    tmp_path: Path, withdraw: bool | None
) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, permissions=KeyPermissions(withdraw=withdraw))
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        await desk.place(buy())
        assert desk.sent("submit") == 1


def _somebody_elses(environment: Environment) -> Approved:
    return Approved(
        intent_id=IntentId("theirs"),
        cl_ord_id=ClOrdId("theirs"),
        profile=ProfileName("theirs"),
        environment=environment,
        order=buy(),
        decided_at=0.0,
    )


async def test_nothing_of_a_strangers_account_comes_into_the_book_i17(tmp_path: Path) -> None:
    """Its orders are not adopted, its positions not adjusted to, and a kill does not cancel them."""
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, environment_hint="live", positions={"AAPL": Decimal(7)})
    async with opened(tmp_path, broker=broker, clock=clock, environment=Environment.PAPER, ready=False) as desk:
        theirs = broker.take(_somebody_elses(environment=Environment.PAPER))
        broker.fill(theirs, "1")
        await desk.until(lambda: desk.session.state.value == "degraded")
        await desk.wait(60)
        result = await desk.gateway.reconcile(desk.session.ctx.profile.name)
        assert "live" in result.error
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(5)
        assert (desk.gateway.orders(), desk.sent("cancel_all"), desk.sent("cancel")) == ([], 0, 0)
        assert desk.journal.notes(ADJUSTMENT) == []


async def test_a_log_in_that_is_refused_is_degraded_and_tried_again_without_haste_i17(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock, failing={"connect": Forbidden("the key is of another environment")})
    async with opened(tmp_path, broker=broker, clock=clock, ready=False) as desk:
        await desk.until(lambda: desk.session.state.value == "degraded")
        desk.session.reconcile_again("somebody asked")
        await desk.wait(600)
        assert 5 < broker.reads.count("connect") < 100
        broker.failing.clear()
        await desk.until(lambda: desk.session.state.value == "ready")


async def test_live_that_is_not_armed_takes_no_order_i11(tmp_path: Path) -> None:
    async with opened(tmp_path, environment=Environment.LIVE, not_armed=lambda: "not armed") as desk:
        with pytest.raises(NotArmed):
            await desk.place(buy(), key="k", body_hash="h")
        assert desk.sent("submit") == 0


async def test_arming_that_runs_out_between_decision_and_send_stops_the_send_i11(tmp_path: Path) -> None:
    words = [""]
    async with opened(tmp_path, environment=Environment.LIVE, not_armed=lambda: words[0]) as desk:

        def run_out(entries: object) -> bool:
            words[0] = "no longer armed"
            return False

        desk.journal.fault_when = run_out
        order = await desk.place(buy(), key="k", body_hash="h")
        assert (order.ord_status, desk.sent("submit")) == (OrdStatus.NOT_SENT, 0)


async def test_a_stopped_profile_takes_no_order(tmp_path: Path) -> None:
    desk = make(tmp_path)
    await desk.gateway.start()
    await desk.until(lambda: desk.session.state.value == "ready")
    await stopped(desk)
    with pytest.raises((NotReady, KillSwitchOn)):
        await desk.place(buy())


@pytest.mark.parametrize("step", ["recon.interrupted", "recon.settled", "recon.begun", "recon.noted", "recon.ready"])
async def test_a_session_outlives_an_error_that_nobody_foresaw(tmp_path: Path, step: str) -> None:
    async with opened(tmp_path, steps=Footprints(fail_at=step)) as desk:
        await desk.place(buy())
        assert "session.unforeseen" in desk.log.events or "reconcile.unforeseen" in desk.log.events


@dataclass
class Padlock:
    """A lock that a test opens and closes."""

    reason: str = ""
    is_shut: bool = False

    def close(self, *, shut: bool) -> None:
        self.reason, self.is_shut = "the vault is locked", shut

    def open(self) -> None:
        self.reason, self.is_shut = "", False


async def test_a_locked_profile_connects_to_nothing_until_it_is_unlocked(tmp_path: Path) -> None:
    lock = Padlock()
    lock.close(shut=True)
    async with opened(tmp_path, lock=lock, ready=False) as desk:
        await desk.gateway.until_settled()
        assert (desk.session.state.value, desk.session.reason) == ("locked", "the vault is locked")
        await desk.wait(3_600)
        assert desk.broker.reads == []
        with pytest.raises(VaultLocked):
            await desk.place(buy())
        lock.open()
        desk.session.on_lock()
        await desk.until(lambda: desk.session.state.value == "ready")
        await desk.place(buy())


async def test_when_the_vault_locks_new_orders_are_refused_and_cancels_pass(tmp_path: Path) -> None:
    lock = Padlock()
    async with opened(tmp_path, lock=lock) as desk:
        order = await desk.place(buy())
        lock.close(shut=False)
        desk.session.on_lock()
        assert desk.session.state.value == "locked"
        with pytest.raises(VaultLocked, match="the vault is locked"):
            await desk.place(buy())
        await desk.gateway.cancel(order.intent_id, caller=CALLER)
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)
        await desk.wait(700)
        assert desk.session.state.value == "locked"  # a round that agreed does not open it
        lock.open()
        desk.session.on_lock()
        await desk.until(lambda: desk.session.state.value == "ready")


async def test_when_nothing_may_be_signed_no_round_is_tried_and_unlocking_logs_in_anew(tmp_path: Path) -> None:
    lock = Padlock()
    async with opened(tmp_path, lock=lock) as desk:
        lock.close(shut=True)
        desk.session.on_lock()
        await desk.wait(1)
        reads, rounds = len(desk.broker.reads), desk.broker.reads.count("get_positions")
        await desk.wait(7_200)
        assert desk.broker.reads.count("get_positions") == rounds
        assert desk.session.state.value == "locked"
        lock.open()
        desk.session.on_lock()
        await desk.until(lambda: desk.session.state.value == "ready")
        assert desk.broker.reads[reads:].count("connect") == 1


async def test_a_lock_that_opens_before_it_was_shut_needs_no_new_login(tmp_path: Path) -> None:
    lock = Padlock()
    async with opened(tmp_path, lock=lock) as desk:
        connects = desk.broker.reads.count("connect")
        lock.close(shut=False)
        desk.session.on_lock()
        await desk.wait(30)
        lock.open()
        desk.session.on_lock()
        await desk.until(lambda: desk.session.state.value == "ready")
        assert desk.broker.reads.count("connect") == connects

"""The kill switch (RELIABILITY 6): at once, durable, across restarts and full disks, and until a person opens it."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.domain.errors import FloorbrokerError, InvalidRequest, JournalFault, KillSwitchOn
from floorbroker.domain.facts import CancelAsked
from floorbroker.domain.ports import FactEntry, NoteEntry
from floorbroker.domain.values import OrdStatus, ProfileName
from floorbroker.gateway.kill import GLOBAL, Sentinel
from tests.support.fake_broker import buy, silence
from tests.support.house import CALLER, PROFILE, make, opened

pytestmark = pytest.mark.asyncio

BESIDE = ProfileName("beside")


async def test_a_kill_blocks_in_memory_before_it_is_written_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        blocked: list[str] = []

        def look(entries: object) -> bool:
            assert isinstance(entries, list)
            if any(isinstance(e, NoteEntry) and e.topic == "latch" for e in entries):
                blocked.append(desk.gateway.kill_switch.blocked(PROFILE))
            return False

        desk.journal.fault_when = look
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        assert [bool(text) for text in blocked] == [True]


async def test_a_kill_is_durable_before_its_first_cancel_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy())
        latched: list[bool] = []
        desk.broker.on_sent = lambda what: latched.append(
            any(
                isinstance(r.entry, NoteEntry) and r.entry.topic == "latch" and r.entry.data["level"] == "2"
                for r in desk.gateway.journal.read()
            )
        )
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(1)
        assert latched
        assert all(latched)


async def test_level_two_cancels_until_nothing_is_open_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        orders = [await desk.place(buy(str(n + 1))) for n in range(3)]
        desk.broker.failing["cancel_all"] = silence()
        desk.broker.next_cancel += [RuntimeError("a bug in an adapter"), silence()]
        state = await desk.gateway.kill(2, caller=CALLER, reason="test")
        assert len(state.remaining) == 3
        await desk.until(lambda: not desk.gateway.kill_state().remaining, longest_s=20)
        assert all(desk.now(order).ord_status is OrdStatus.CANCELED for order in orders)


async def test_what_a_venue_refuses_to_cancel_is_asked_again_without_a_word_to_the_journal(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.failing["cancel_all"] = silence()
        desk.broker.next_cancel += ["refuse"] * 4
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(10)
        (left,) = desk.gateway.kill_state().orders
        assert (left.intent_id, left.asked) == (order.intent_id, 4)
        assert left.trouble.startswith("order_rejected: ")
        wishes = [r for r in desk.gateway.journal.read() if isinstance(r.entry, FactEntry)]
        assert [type(r.entry.fact) for r in wishes if isinstance(r.entry, FactEntry)].count(CancelAsked) == 1
        await desk.until(lambda: not desk.gateway.kill_state().remaining, longest_s=10)
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_a_kill_whose_rounds_change_nothing_leaves_a_budget_to_look(tmp_path: Path) -> None:
    """A listing a second is most of what a venue allows, and more than an order in doubt leaves to find it."""
    async with opened(tmp_path) as desk:
        await desk.place(buy())
        desk.broker.failing["cancel_all"] = silence()
        desk.broker.next_cancel += ["refuse"] * 100
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(10)
        before = desk.broker.reads.count("get_open_orders")
        for _ in range(60):
            await desk.wait(1)
        assert desk.gateway.kill_state().remaining
        looks = desk.broker.reads.count("get_open_orders") - before
        assert 8 <= looks <= 20  # every five seconds, and the desk's own


async def test_level_one_cancels_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        await desk.wait(5)
        assert desk.now(order).is_open


async def test_a_submit_during_a_kill_is_not_sent_or_is_cancelled_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        gate = desk.broker.gates["submit"] = asyncio.Event()
        sending = asyncio.ensure_future(desk.place(buy()))
        await desk.wait()
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(2)
        gate.set()
        order = await sending
        await desk.until(lambda: not desk.now(order).is_open, longest_s=10)
        assert desk.now(order).ord_status is OrdStatus.CANCELED


async def test_an_order_in_doubt_is_cancelled_when_it_appears_under_a_kill_i14(tmp_path: Path) -> None:
    async with opened(tmp_path, cancel_late=False) as desk:
        desk.broker.next_submit.append("lose_and_hide")
        order = await desk.place(buy())
        await desk.until(lambda: desk.now(order).presumed)
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(5)
        desk.broker.hidden.clear()
        await desk.until(lambda: desk.broker.of(order.cl_ord_id).status is OrdStatus.CANCELED, longest_s=60)


async def test_a_full_disk_does_not_stop_a_kill_and_a_restart_does_not_end_it_i14_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.journal.fault_when = lambda entries: True
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(3)
        assert desk.broker.of(order.cl_ord_id).status is OrdStatus.CANCELED
        broker, clock = desk.broker, desk.clock
        await desk.crash()
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        with pytest.raises(KillSwitchOn, match="permit"):
            await desk.place(buy())
        await desk.gateway.reset_kill(caller=CALLER, reason="disk replaced")
        assert (await desk.place(buy())).ord_status is OrdStatus.NEW


@pytest.mark.parametrize("withdrawn", [(PROFILE,), (PROFILE, BESIDE)])
async def test_a_kill_that_no_disk_took_is_after_a_restart_one_of_the_profiles_that_lost_their_permit_i14(
    tmp_path: Path, withdrawn: tuple[ProfileName, ...]
) -> None:
    async with opened(tmp_path) as desk:
        switch = desk.gateway.kill_switch
        switch.profiles = lambda: (PROFILE, BESIDE)
        await switch.open_permits()
        for profile in withdrawn:
            desk.permits.withdraw(profile)
        await switch.open_permits()
        await switch.reset(scope=GLOBAL, caller=CALLER, reason="all is well")
        assert bool(switch.blocked(PROFILE)) == (withdrawn == (PROFILE,)), "a kill of one is not opened with everything"
        assert not switch.blocked(BESIDE)
        await switch.reset(scope=PROFILE, caller=CALLER, reason="this one too")
        assert not switch.blocked(PROFILE)


async def test_a_kill_of_everything_that_no_disk_took_is_not_opened_by_a_reset_of_one_profile_i14(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        switch = desk.gateway.kill_switch
        switch.profiles = lambda: (PROFILE, BESIDE)
        await switch.open_permits()
        for profile in (PROFILE, BESIDE):
            desk.permits.withdraw(profile)
        await switch.open_permits()
        await switch.reset(scope=PROFILE, caller=CALLER, reason="asked before everything was stopped")
        assert "no record says why" in switch.blocked(PROFILE)
        assert switch.blocked(BESIDE)
        await switch.reset(scope=GLOBAL, caller=CALLER, reason="all is well")
        assert not switch.blocked(PROFILE)
        assert not switch.blocked(BESIDE)


async def test_a_permit_that_cannot_be_removed_does_not_stop_a_kill_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        permits = Home.at(tmp_path).permits
        (permits / PROFILE).unlink()
        (permits / PROFILE).mkdir()  # unlink raises for a folder
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        assert desk.gateway.kill_state().level == 1
        assert any(
            isinstance(r.entry, NoteEntry) and r.entry.data.get("level") == "1" for r in desk.gateway.journal.read()
        )


async def test_a_kill_survives_a_restart_and_goes_on_cancelling_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        desk.broker.failing["cancel_all"] = silence()
        desk.broker.next_cancel += ["ignore"] * 2
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(1)
        broker, clock = desk.broker, desk.clock
    assert broker.of(order.cl_ord_id).status is OrdStatus.NEW
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        assert desk.gateway.kill_state().level == 2
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED, longest_s=20)


async def test_removing_the_permit_blocks_without_the_server_knowing_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        FilePermits(Home.at(tmp_path)).withdraw(PROFILE)
        with pytest.raises(KillSwitchOn, match="permit"):
            await desk.place(buy())


async def test_a_sentinel_written_beside_a_running_server_takes_effect_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        beside = FilePermits(Home.at(tmp_path))
        beside.write_sentinel(Sentinel(level=2, scope=GLOBAL, reason="by hand", by="cli"))
        await desk.wait(3)
        assert (desk.gateway.kill_state().level, desk.now(order).ord_status) == (2, OrdStatus.CANCELED)


async def test_a_sentinel_of_another_desk_does_not_end_the_watch_for_ours_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        beside = FilePermits(Home.at(tmp_path))
        beside.write_sentinel(Sentinel(level=2, scope=ProfileName("elsewhere"), reason="theirs", by="cli"))
        await desk.wait(3)
        assert desk.gateway.kill_state().level == 0
        beside.write_sentinel(Sentinel(level=2, scope=PROFILE, reason="ours", by="cli"))
        await desk.wait(3)
        assert desk.gateway.kill_state().by_profile[PROFILE] == 2


@pytest.mark.parametrize("content", [b"", b"kill!", b"\xff\xfe", b'{"level": "no"}'])
async def test_a_kill_file_that_says_nothing_clear_kills_everything_i14(tmp_path: Path, content: bytes) -> None:
    async with opened(tmp_path) as desk:
        Home.at(tmp_path).kill.write_bytes(content)
        await desk.wait(1)
        assert desk.gateway.kill_state().level == 2


async def test_a_sentinel_is_in_force_before_a_start_takes_its_first_order_i14(tmp_path: Path) -> None:
    FilePermits(Home.at(tmp_path)).write_sentinel(Sentinel(level=1, scope=GLOBAL, reason="down", by="cli"))
    desk = make(tmp_path)
    await desk.gateway.start()
    assert desk.gateway.kill_switch.blocked(PROFILE)
    assert not desk.permits.has(PROFILE)
    await desk.gateway.stop()


async def test_a_reset_needs_a_reason_and_leads_through_a_round_i14_i11(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        with pytest.raises(InvalidRequest):
            await desk.gateway.reset_kill(caller=CALLER, reason="  ")
        rounds = desk.broker.reads.count("get_positions")
        await desk.gateway.reset_kill(caller=CALLER, reason="all clear")
        assert desk.broker.reads.count("get_positions") == rounds + 1
        assert (await desk.place(buy())).ord_status is OrdStatus.NEW


async def test_a_reset_that_cannot_be_written_does_not_open_anything_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await desk.gateway.reset_kill(caller=CALLER, reason="all clear")
        desk.journal.fault_when = lambda entries: False
        with pytest.raises(KillSwitchOn):
            await desk.place(buy())


async def test_a_weaker_kill_does_not_loosen_a_stronger_one_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.gateway.kill(2, caller=CALLER, reason="first")
        assert (await desk.gateway.kill(1, caller=CALLER, reason="second")).level == 2
        with pytest.raises(FloorbrokerError):
            await desk.gateway.kill(4, caller=CALLER, reason="no such level")


async def test_cancels_pass_while_the_journal_fails_and_the_kill_is_on_i15(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        orders = [await desk.place(buy(str(n + 1))) for n in range(5)]
        desk.broker.failing["cancel_all"] = silence()
        desk.journal.fault_when = lambda entries: any(isinstance(e, FactEntry) for e in entries)
        began = desk.clock.monotonic()
        await desk.gateway.kill(2, caller=CALLER, reason="test")
        await desk.wait(0.25)
        assert all(desk.broker.of(o.cl_ord_id).status is OrdStatus.CANCELED for o in orders)
        assert desk.clock.monotonic() - began <= 0.25

"""What a kill leaves behind while the disk is full or nobody listens: no restart and no reset of another loses it (I14)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.domain.errors import Conflict
from floorbroker.domain.ports import Entry, NoteEntry
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.kill import GLOBAL, LATCH, KillSwitch, Sentinel
from tests.support.house import CALLER, PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio

BESIDE = ProfileName("beside")
STRATEGY = ProfileName("strategy:momentum")
ACCOUNT = ProfileName("account:U1")


async def test_a_profile_that_came_while_everything_was_stopped_keeps_its_kill_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        switch = desk.gateway.kill_switch
        await switch.trip(1, scope=GLOBAL, caller=CALLER, reason="before it came")
        switch = await _started_again(desk, PROFILE, BESIDE)
        assert not desk.permits.has(BESIDE)
        await switch.reset(scope=GLOBAL, caller=CALLER, reason="all is well")
        assert not switch.blocked(BESIDE)
        with _full(desk):
            await switch.trip(1, scope=BESIDE, caller=CALLER, reason="stop it")
        switch = await _started_again(desk, PROFILE, BESIDE)
        assert switch.blocked(BESIDE)
        assert not switch.blocked(PROFILE)


@pytest.mark.parametrize("scope", [STRATEGY, GLOBAL])
async def test_a_kill_that_no_disk_took_is_written_with_the_next_word_that_one_takes_i14(
    tmp_path: Path, scope: ProfileName
) -> None:
    async with opened(tmp_path) as desk:
        switch = await _started_again(desk, PROFILE, BESIDE)
        with _full(desk):
            await switch.trip(2, scope=scope, caller=CALLER, reason="stop it")
        await switch.reset(scope=PROFILE, caller=CALLER, reason="this one is well")
        again = await _started_again(desk, PROFILE, BESIDE)
        assert again.level_at(scope) == 2
        await again.reset(scope=scope, caller=CALLER, reason="all is well")
        assert (await _started_again(desk, PROFILE, BESIDE)).level_at(scope) == 0


async def test_a_kill_that_no_disk_took_is_written_as_soon_as_one_does_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        with _full(desk):
            await desk.gateway.kill(2, caller=CALLER, reason="stop it")
            await desk.wait(2)
        assert _levels(desk, GLOBAL) == []
        await desk.wait(2)
        assert _levels(desk, GLOBAL) == ["2"]
        await desk.wait(2)
        assert _levels(desk, GLOBAL) == ["2"]


async def test_a_kill_that_no_disk_took_is_not_written_after_it_was_reset_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        switch = desk.gateway.kill_switch
        with _full(desk):
            await switch.trip(2, scope=GLOBAL, caller=CALLER, reason="stop it")
        await switch.reset(scope=GLOBAL, caller=CALLER, reason="all is well")
        await desk.wait(2)
        assert _levels(desk, GLOBAL) == ["2", "0"]


async def test_a_kill_of_an_account_that_nobody_has_told_yet_survives_a_full_disk_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        told = {PROFILE: frozenset({"U2"}), BESIDE: frozenset[str]()}
        switch = await _started_again(desk, PROFILE, BESIDE)
        switch.accounts = told.__getitem__
        with _full(desk):
            await switch.trip(1, scope=ACCOUNT, caller=CALLER, reason="stop it")
        assert not desk.permits.has(BESIDE)
        again = await _started_again(desk, PROFILE, BESIDE)
        assert again.blocked(BESIDE)


@pytest.mark.parametrize(("scope", "beside"), [(GLOBAL, GLOBAL), (GLOBAL, PROFILE), (PROFILE, PROFILE)])
async def test_a_kill_written_beside_the_server_is_not_wiped_away_by_a_reset_i14(
    tmp_path: Path, scope: ProfileName, beside: ProfileName
) -> None:
    """Before the reset or while it is written: nobody here has seen it, so nobody can have meant it."""
    async with opened(tmp_path) as desk:
        switch = desk.gateway.kill_switch
        await switch.trip(2, scope=scope, caller=CALLER, reason="first")

        def kill_beside(entries: Sequence[Entry]) -> bool:
            if _is_latch(entries, "0"):
                desk.journal.fault_when = lambda _: False
                FilePermits(Home.at(tmp_path)).write_sentinel(
                    Sentinel(level=2, scope=beside, reason="second", by="cli")
                )
            return False

        desk.journal.fault_when = kill_beside
        with pytest.raises(Conflict):
            await switch.reset(scope=scope, caller=CALLER, reason="the first one is over")
        assert switch.blocked(PROFILE)
        assert [found.reason for found in desk.permits.sentinels()] == ["second"]


async def test_a_kill_beside_the_server_that_was_not_taken_yet_holds_a_reset_of_something_else_i14(
    tmp_path: Path,
) -> None:
    async with opened(tmp_path) as desk:
        switch = desk.gateway.kill_switch
        await switch.trip(1, scope=GLOBAL, caller=CALLER, reason="first")
        desk.permits.write_sentinel(Sentinel(level=2, scope=PROFILE, reason="second", by="cli"))
        with pytest.raises(Conflict, match="beside the server"):
            await switch.reset(scope=GLOBAL, caller=CALLER, reason="the first one is over")
        await desk.wait(1)
        await switch.reset(scope=GLOBAL, caller=CALLER, reason="both were seen")
        assert "second" in switch.blocked(PROFILE)


async def _started_again(desk: Desk, *profiles: ProfileName) -> KillSwitch:
    """The switch of the next life, with these profiles."""
    switch = KillSwitch(
        journal=desk.journal, permits=desk.permits, clock=desk.clock, log=desk.log, profiles=lambda: profiles
    )
    for record in desk.gateway.journal.replay():
        switch.restore(record)
    await switch.open_permits()
    return switch


class _full:  # noqa: N801 - reads as a word where it is used
    """Meanwhile the disk is full."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def __enter__(self) -> None:
        self._desk.journal.fault_when = lambda _: True

    def __exit__(self, *_: object) -> None:
        self._desk.journal.fault_when = lambda _: False


def _is_latch(entries: Sequence[Entry], level: str) -> bool:
    return any(isinstance(e, NoteEntry) and e.topic == LATCH and e.data["level"] == level for e in entries)


def _levels(desk: Desk, scope: ProfileName) -> list[str]:
    entries = [record.entry for record in desk.gateway.journal.replay()]
    notes = [entry for entry in entries if isinstance(entry, NoteEntry) and entry.topic == LATCH]
    return [note.data["level"] for note in notes if note.profile == scope]

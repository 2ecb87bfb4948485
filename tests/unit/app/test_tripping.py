"""A kill by signal: files first, then every desk; before there is one, the file waits for it."""

from __future__ import annotations

import asyncio
import os
import signal
from pathlib import Path

import pytest

from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.app.tripping import SignalKill
from floorbroker.domain.errors import KillSwitchOn
from floorbroker.domain.values import Environment, OrdStatus
from tests.support.fake_broker import buy
from tests.support.house import PROFILE, opened

pytestmark = pytest.mark.asyncio


async def test_a_signal_stops_every_desk_and_cancels_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        by_signal = SignalKill(Home.at(tmp_path), desk.log, {Environment.SIM: desk.gateway})
        by_signal.watch()
        try:
            os.kill(os.getpid(), signal.SIGUSR1)
            for _ in range(100):
                await asyncio.sleep(0)
                if not desk.permits.has(PROFILE):
                    break
        finally:
            asyncio.get_running_loop().remove_signal_handler(signal.SIGUSR1)
        with pytest.raises(KillSwitchOn):
            await desk.place(buy("2"))
        await desk.until(lambda: desk.now(order).ord_status is OrdStatus.CANCELED)
        state = desk.gateway.kill_state()
        assert (state.level, state.reason, state.by) == (2, "SIGUSR1", "signal")


async def test_before_a_desk_runs_a_signal_leaves_the_file_that_it_will_take_i14(tmp_path: Path) -> None:
    SignalKill(Home.at(tmp_path)).on_signal()
    (left,) = FilePermits(Home.at(tmp_path)).sentinels()
    assert (left.level, left.scope, left.reason, left.by) == (2, "*", "SIGUSR1", "signal")


async def test_files_that_cannot_be_written_do_not_stop_a_signal_i14(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        Home.at(tmp_path).kill.write_bytes(b"\xff\xfe")  # nobody can add a line to it
        SignalKill(Home.at(tmp_path), desk.log, {Environment.SIM: desk.gateway}).on_signal()
        await desk.wait(0.1)
        assert desk.gateway.kill_state().level == 2


async def test_a_permit_that_cannot_be_withdrawn_keeps_the_file_of_the_kill_from_nobody_i14(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(permits: FilePermits) -> None:
        raise PermissionError(f"{permits.home.permits} belongs to somebody else")

    monkeypatch.setattr(FilePermits, "withdraw_all", refuse)
    SignalKill(Home.at(tmp_path)).on_signal()
    (left,) = FilePermits(Home.at(tmp_path)).sentinels()
    assert (left.level, left.scope) == (2, "*")

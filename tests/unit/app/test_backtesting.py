"""The process of a backtest: called off at any moment, it leaves neither a process nor a pipe."""

from __future__ import annotations

import asyncio
import gc

import pytest

from floorbroker.app import backtesting

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("turns", [0, 1, 2, 3, 5, 8, 200])
async def test_a_run_that_is_called_off_leaves_nothing_behind(turns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backtesting, "CHILD", ("cat",))  # it waits for more, and never says what we wait for
    run = asyncio.create_task(backtesting._played(b"", lambda done, total: None))  # noqa: SLF001 - the process alone
    for _ in range(turns):
        await asyncio.sleep(0)
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    gc.collect()  # what was left open would warn now, and warnings fail

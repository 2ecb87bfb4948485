"""A kill by signal: `kill -USR1 PID` stops everything at level 2, whatever else the process is busy with."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log, NoLog
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.kill import Sentinel
from floorbroker.gateway.scopes import GLOBAL

LEVEL = 2
BY = Caller(principal="signal", via="signal")
REASON = "SIGUSR1"


@dataclass(slots=True)
class SignalKill:
    """Files first, as a kill beside a server does; then each desk there is.  One that starts later takes the file."""

    home: Home
    log: Log = field(default_factory=NoLog)
    desks: Mapping[Environment, Gateway] = field(default_factory=dict[Environment, Gateway])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])

    def watch(self) -> None:
        """Listen for it from now on; where the system has no such signal, nobody can send it."""
        if (number := getattr(signal, "SIGUSR1", None)) is not None:
            with suppress(NotImplementedError):
                asyncio.get_running_loop().add_signal_handler(number, self.on_signal)

    def on_signal(self) -> None:
        permits = FilePermits(self.home)
        sentinel = Sentinel(level=LEVEL, scope=GLOBAL, reason=REASON, by=BY.principal)
        for act in (permits.withdraw_all, partial(permits.write_sentinel, sentinel)):  # what one cannot, the other may
            try:
                act()
            except (OSError, UnicodeDecodeError) as error:
                self.log.error("kill.files_failed", detail=str(error))
        for desk in self.desks.values():
            task = asyncio.get_running_loop().create_task(self._kill(desk), name="kill:signal")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _kill(self, desk: Gateway) -> None:
        try:
            await desk.kill(LEVEL, caller=BY, reason=REASON)
        except FloorbrokerError as error:
            self.log.error("kill.by_signal_failed", code=error.code, detail=error.detail)

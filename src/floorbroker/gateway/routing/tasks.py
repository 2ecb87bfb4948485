"""The router's tasks: what outlives its caller, ends with the desk, and says so when it fails."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log

WAITED_FOR = "route"


@dataclass(slots=True)
class Tasks:
    """Tasks by nobody's name.  The errors of one called `WAITED_FOR` are told to whoever waits for it, and not logged."""

    log: Log
    _running: set[asyncio.Task[Any]] = field(default_factory=set[asyncio.Task[Any]])

    def spawn(self, work: Coroutine[Any, Any, Any], *, name: str) -> asyncio.Task[Any]:
        """Run work beside the caller."""
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._running.add(task)
        task.add_done_callback(self._reap)
        return task

    async def stop(self) -> None:
        """End all of them."""
        tasks = list(self._running)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _reap(self, task: asyncio.Task[Any]) -> None:
        self._running.discard(task)
        if task.cancelled() or (error := task.exception()) is None:
            return
        is_ours = isinstance(error, FloorbrokerError)
        if not (is_ours and task.get_name() == WAITED_FOR):
            detail = error.detail if is_ours else type(error).__name__
            self.log.error("task.failed", task=task.get_name(), detail=detail)

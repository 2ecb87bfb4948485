"""Progress of long work: a bar for people, a line of JSON a second for programs; results never wait for either."""

from __future__ import annotations

import json
import sys
from types import TracebackType
from typing import TYPE_CHECKING, Self

from floorbroker.cli.settings import Settings
from floorbroker.domain.clock import SystemClock

if TYPE_CHECKING:
    from rich.progress import Progress, TaskID

EVERY_S = 1.0


class Bar:
    """Count, rate and time left on standard error; silent where that is no terminal, or with `--quiet`."""

    def __init__(self, settings: Settings, name: str, *, total: int) -> None:
        self._settings = settings
        self._name = name
        self._total = total
        self._clock = SystemClock()
        self._said_at_s = float("-inf")
        self._progress: Progress | None = None
        self._task: TaskID | None = None

    def __enter__(self) -> Self:
        if not (self._settings.json or self._settings.quiet) and sys.stderr.isatty():
            self._progress = _progress()
            self._progress.start()
            self._task = self._progress.add_task(self._name, total=self._total)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._progress is not None:
            self._progress.stop()

    def tell(self, done: int, total: int) -> None:
        """So many of all are done."""
        if self._progress is not None and self._task is not None:
            self._progress.update(self._task, completed=done, total=total)
        elif self._settings.json and (self._clock.monotonic() - self._said_at_s >= EVERY_S):
            self._said_at_s = self._clock.monotonic()
            line = {"progress": {"of": self._name, "done": done, "total": total}}
            sys.stderr.write(json.dumps(line) + "\n")


def _progress() -> Progress:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TaskProgressColumn(show_speed=True),
        TimeRemainingColumn(),
        console=Console(stderr=True),
    )

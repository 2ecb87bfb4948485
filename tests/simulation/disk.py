"""A disk that fails as the weather says, under the journal's own executor port."""

from __future__ import annotations

import asyncio
import sqlite3

from floorbroker.store.executors import Work
from tests.simulation.weather import Weather


class WeatheredExecutor:
    """Commits inline.  A group's commit lets other work run before and after it, so a kill can strike on either side.

    `error_before`: the write fails and nothing is stored.  `error_after`: the write is stored, and fails to say so.
    `full`: no space is left.  `busy`: the database is locked, nothing is stored.  `unsaid`: the write is stored, and what is
    said of it says nothing.  `slow`: a group takes a while.
    """

    def __init__(self, weather: Weather) -> None:
        self._weather = weather

    def alone(self, work: Work) -> None:
        self._run(work, self._weather.strike("disk"))

    def _run(self, work: Work, what: str | None) -> None:
        if what == "error_before":
            raise _error("disk I/O error", sqlite3.SQLITE_IOERR)
        if what == "full":
            raise _error("database or disk is full", sqlite3.SQLITE_FULL)
        if what == "busy":
            raise _error("database is locked", sqlite3.SQLITE_BUSY)
        work()
        if what == "error_after":
            raise _error("disk I/O error", sqlite3.SQLITE_IOERR_FSYNC)
        if what == "unsaid":
            raise _error("the connection was lost", sqlite3.SQLITE_PROTOCOL)

    async def together(self, work: Work) -> None:
        what = self._weather.strike("disk")
        await asyncio.sleep(self._weather.between(0.05, 3) if what == "slow" else 0)
        self._run(work, what)
        await asyncio.sleep(0)

    def close(self) -> None:
        """Holds nothing."""


def _error(text: str, code: int) -> sqlite3.OperationalError:
    error = sqlite3.OperationalError(text)
    error.sqlite_errorcode = code
    return error

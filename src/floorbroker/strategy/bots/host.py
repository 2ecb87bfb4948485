"""Where the strategy's side of a bot runs: inside this process, or in one of its own that can be ended at any moment."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Awaitable
from dataclasses import dataclass
from typing import Protocol

import msgspec

from floorbroker.strategy.bots.wire import Begin, Done, Seen, begin_from, done_from, line_of, seen_from
from floorbroker.strategy.bots.worker import Worker

LINE_MAX = 64 * 1024 * 1024  # a history is the longest line
KEPT = ("PATH", "HOME", "LANG", "LC_ALL", "PYTHONPATH", "VIRTUAL_ENV", "SYSTEMROOT", "TZ", "TMPDIR")
ENDING_S = 5.0


class BotFailed(Exception):
    """A strategy was stopped; the text says why."""


class Host(Protocol):
    """Asks the strategy's side.  Each raises `BotFailed` when it raised, blocked, ended or answered nonsense."""

    async def begin(self, begin: Begin) -> Done: ...

    async def see(self, seen: Seen) -> Done: ...

    async def close(self) -> None:
        """End it; nothing is asked any more."""
        ...


def _sound(done: Done) -> Done:
    if done.trouble:
        raise BotFailed(f"the strategy raised:\n{done.trouble.rstrip()}")
    return done


class Inside:
    """In this process: for simulation and tests.  Messages go through the same lines, so that both see the same."""

    def __init__(self) -> None:
        self._worker = Worker()

    async def begin(self, begin: Begin) -> Done:
        return _sound(done_from(line_of(self._worker.begin(begin_from(line_of(begin))))))

    async def see(self, seen: Seen) -> Done:
        return _sound(done_from(line_of(self._worker.see(seen_from(line_of(seen))))))

    async def close(self) -> None:
        """Nothing is held."""


@dataclass(slots=True)
class Child:
    """A process of its own; one that does not answer within `patience_s` real seconds is killed.

    It is given none of the desk's variables: no credential is within its reach.  It has a session of its own, so that Ctrl-C
    at a terminal reaches the bot alone: to the strategy it would look like a failure, which may cancel what is open.
    """

    patience_s: float = 5.0
    start_s: float = 30.0
    _process: asyncio.subprocess.Process | None = None

    async def begin(self, begin: Begin) -> Done:
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "floorbroker.strategy.bots.child",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, limit=LINE_MAX,
            env={name: value for name, value in os.environ.items() if name in KEPT}, start_new_session=True,
        )  # fmt: skip
        return await self._ask(line_of(begin), self.start_s)

    async def see(self, seen: Seen) -> Done:
        return await self._ask(line_of(seen), self.patience_s)

    async def _ask(self, line: bytes, within_s: float) -> Done:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            process.stdin.write(line)
            answer = await _within(self._answer(process), within_s)
        except TimeoutError:
            await self.close()
            raise BotFailed(f"the strategy did not answer within {within_s:g} s") from None
        except OSError as error:
            raise BotFailed(f"the strategy's process is gone: {type(error).__name__}") from error
        try:
            return _sound(done_from(answer))
        except msgspec.DecodeError as error:
            raise BotFailed(f"the strategy's process answered nonsense: {error}") from error

    async def _answer(self, process: asyncio.subprocess.Process) -> bytes:
        assert process.stdin is not None
        assert process.stdout is not None
        await process.stdin.drain()
        answer = await process.stdout.readline()
        if not answer:
            raise BotFailed(f"the strategy's process ended with code {await process.wait()}")
        return answer

    async def close(self) -> None:
        process, self._process = self._process, None
        if process is None or process.returncode is not None:
            return
        process.kill()
        await process.wait()


async def _within(work: Awaitable[bytes], within_s: float) -> bytes:
    async with asyncio.timeout(within_s):
        return await work

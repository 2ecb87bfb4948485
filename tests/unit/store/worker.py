"""A process of its own that owns a journal: commits until it is killed, and says on stdout what was acknowledged."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from floorbroker.domain.errors import Conflict
from floorbroker.store import CommitExecutor, InlineExecutor, SqliteJournal, ThreadExecutor
from tests.unit.store.making import opened, submit

EXECUTORS: dict[str, type[InlineExecutor | ThreadExecutor]] = {"inline": InlineExecutor, "thread": ThreadExecutor}


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


async def commit_for_ever(journal: SqliteJournal, lane: int) -> None:
    number = lane
    while True:
        records = await journal.commit(submit(number))
        say(f"{number} {records[-1].seq}")
        number += 1000
        await asyncio.sleep(0)


async def main(path: Path, executor: CommitExecutor) -> int:
    try:
        journal = opened(path, executor=executor)
    except Conflict as error:
        say(f"conflict {error.detail}")
        return 13
    await asyncio.gather(*(commit_for_ever(journal, lane) for lane in range(4)))
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main(Path(sys.argv[1]), EXECUTORS[sys.argv[2]]())))

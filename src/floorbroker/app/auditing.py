"""The audit's way out of the journal while a desk runs: one task for each environment, its work in a thread of its own.

Twice a second the loop compares one number; when the journal has grown, a thread reads the new rows, chains them and makes
them durable, a few at a time, letting the loop run in between.  While that fails new orders are refused: what is done must
stay provable.  Cancels and the kill switch do not ask.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from floorbroker.app.escrow import Safe, put_away
from floorbroker.app.home import Home, write_private
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import NO_STEPS, AuditEntry, Entry, Log, Meter, Steps
from floorbroker.domain.secret import Secret
from floorbroker.oms.unforeseen import ours
from floorbroker.store.audit.chain import Chain, ChainBroken, begun, opened
from floorbroker.store.audit.checkpoint import Checkpoint
from floorbroker.store.audit.copying import Copy
from floorbroker.store.audit.notes import EVERYWHERE, begun_note, checkpoint_note, last_begun, node_of
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.rows import Row, audit_pages
from floorbroker.store.reader import JournalReader
from floorbroker.store.sqlite import SqliteJournal

POLL_S = 0.5
STUCK_S = 10.0
COPY_RETRY_S = 5.0
FINISH_S = 5.0
BATCH, SLICE = 1000, 32
BREATH_S = 0.0005
RESTART = "floorbroker audit restart"
T = TypeVar("T")


@dataclass(slots=True, kw_only=True)
class Auditing:
    """The export of one environment's audit.  `start` it before the sessions, `finish` it after them.

    `on_chain` is called once, when the chain is open: as it was left, or begun.
    """

    journal: SqliteJournal
    places: Places
    clock: Clock
    log: Log
    meter: Meter
    copy: Copy | None = None
    steps: Steps = NO_STEPS
    finish_s: float = FINISH_S
    chain: Chain | None = None
    trouble: str = ""
    on_chain: Callable[[], None] = lambda: None
    _seen: int = -1
    _is_told: bool = False
    _is_noted: bool = False
    _is_finishing: bool = False
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _pending: list[Checkpoint] = field(default_factory=list[Checkpoint])
    _reader: JournalReader | None = None
    _tasks: list[asyncio.Task[None]] = field(default_factory=list[asyncio.Task[None]])
    _threads: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit")
    )
    _copying: ThreadPoolExecutor = field(
        default_factory=lambda: ThreadPoolExecutor(max_workers=1, thread_name_prefix="audit-copy")
    )
    _bringing: tuple[int, asyncio.Future[int]] | None = None  # of which turn of the chain, and the work

    @classmethod
    def of(
        cls,
        home: Home,
        journal: SqliteJournal,
        *,
        clock: Clock,
        log: Log,
        meter: Meter,
        copy: str = "",
        steps: Steps = NO_STEPS,
    ) -> Auditing:
        """Over a home's folder; `copy` is the folder off the host, empty for none."""
        places = Places(home.audit, journal.environment)
        away = Copy(places=places, folder=Path(copy).expanduser()) if copy else None
        return cls(journal=journal, places=places, clock=clock, log=log, meter=meter, copy=away, steps=steps)

    def fault(self) -> str:
        """Why new orders are refused; empty while the audit is written."""
        return self.trouble

    @property
    def has_first_key(self) -> bool:
        """Whether the chain's first key lies in the home, where a vault should have it."""
        return self.chain is not None and self.places.first.exists()

    def put_first_key_away(self, safe: Safe) -> bool:
        """Give the chain's first key to an opened vault, if it still lies in the home; whether it did."""
        return self.chain is not None and put_away(safe, self.places, self.chain.log)

    # -- life -------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Open the chain, and begin to write.  A chain that cannot be opened is told of, and keeps new orders out."""
        await self._attempt(self._open)
        await self._note()
        loop = asyncio.get_running_loop()
        self._tasks.append(loop.create_task(self._run(), name=f"audit-{self.places.environment.value}"))
        if self.copy is not None:
            self._tasks.append(loop.create_task(self._bring_away(), name=f"audit-copy-{self.places.environment.value}"))

    async def finish(self) -> None:
        """What the journal holds by now, and a last checkpoint; then let go.  The journal must still be open.

        A long past that is chained for the first time holds no stop up: what `finish_s` did not suffice for leaves at the next
        start, which goes on where the chain ends.
        """
        self._is_finishing = True
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._finish_chain()
        if self.copy is not None and self.chain is not None:
            await self._bring(self.copy, self.chain)
        self._let_go()

    def abandon(self) -> None:
        """Let go without finishing anything."""
        for task in self._tasks:
            task.cancel()
        self._let_go()

    def _let_go(self) -> None:
        self._threads.shutdown(wait=True)
        self._copying.shutdown(wait=False, cancel_futures=True)
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    async def _run(self) -> None:
        while True:
            await self.catch_up()
            await self.clock.sleep(POLL_S)

    async def catch_up(self) -> None:
        """Bring the files to where the journal is; what cannot be written now is tried again the next time."""
        async with self._one:
            seen = self.journal.last_seq
            if seen == self._seen and not self.trouble and not self._is_due():
                return
            while await self._attempt(self._export):
                pass
            await self._note()
            if not self.trouble:
                self._seen = seen

    async def _finish_chain(self) -> None:
        async with self._one:
            until = self.clock.monotonic() + self.finish_s
            while await self._attempt(self._export):
                if self.clock.monotonic() >= until:
                    break
            if not self.trouble:  # nothing was left out but for want of time
                await self._attempt(self._state_the_end)
            await self._note()

    def _is_due(self) -> bool:
        return self.chain is not None and self.chain.is_due(self.clock.now())

    async def _attempt(self, work: Callable[[], T]) -> T | None:
        """Run one piece of work in the thread; what it fails with is kept as the trouble, and so is a thread that hangs."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, work)
        done, _ = await asyncio.wait([running], timeout=STUCK_S)
        if not done:
            self._tell(f"its disk has not answered for {STUCK_S:g} s")
            await asyncio.wait([running])
        try:
            with ours(self.log, "audit.unforeseen", environment=self.places.environment.value):
                result = running.result()
        except FloorbrokerError as error:
            self._tell(error.detail)
            return None
        self._tell("")
        return result

    def _tell(self, why: str) -> None:
        trouble = f"the audit cannot be written: {why}" if why else ""
        environment = self.places.environment.value
        if trouble and trouble != self.trouble:
            self.log.error("audit.not_written", environment=environment, detail=why)
            self.meter.count("audit_faults", environment=environment)
        elif self.trouble and not trouble:
            self.log.info("audit.written_again", environment=environment)
        self.meter.gauge("audit_writable", 0.0 if trouble else 1.0, environment=environment)
        self.trouble = trouble

    # -- in the thread ----------------------------------------------------------------------------------------------------

    def _open(self) -> None:
        """The chain as it was left, or a new one where none ever was."""
        if self._reader is None:
            self._reader = JournalReader(self.journal.reader.path)
        reader, places = self._reader, self.places
        chain = opened(places, steps=self.steps)
        if chain is None:
            if last_begun(reader) is not None:
                raise ChainBroken(f"{places.key} is gone: put it back, or begin anew: {RESTART}")
            places.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            chain = begun(
                places, at=self.clock.now(), escrow=lambda first: keep_beside(places, first), steps=self.steps
            )
        elif chain.size > reader.audit_count:
            raise ChainBroken(f"the chain has {chain.size} records and the journal {reader.audit_count}: {RESTART}")
        chain.breathe = self._breathe
        self.chain = chain

    def _breathe(self) -> None:
        if not self._is_finishing:
            breathe()

    def _export(self) -> bool:
        """One batch; whether there is more."""
        if self.chain is None:
            self._open()
        chain, reader = self.chain, self._reader
        if chain is None or reader is None:
            return False
        rows = self._rows(reader, chain.size)
        self.steps.reach("audit.rows")
        self._pending += chain.extend(rows, at=self.clock.now())
        return len(rows) == BATCH

    def _state_the_end(self) -> None:
        """A checkpoint over all there is in the chain, and a word on what is not."""
        if self.chain is None or self._reader is None:
            return
        self._pending += self.chain.extend((), at=self.clock.now(), closing=True)
        if (left := self._reader.audit_count - self.chain.size) > 0:
            self.log.info("audit.goes_on_later", environment=self.places.environment.value, records=left)

    def _rows(self, reader: JournalReader, after: int) -> list[Row]:
        rows: list[Row] = []
        for page in audit_pages(reader, node=node_of(reader), after=after, page=SLICE):
            rows += page
            if len(rows) >= BATCH:
                break
            self._breathe()
        return rows[:BATCH]

    # -- what the journal remembers ---------------------------------------------------------------------------------------

    async def _note(self) -> None:
        """The chain's beginning and its checkpoints, as notes; a journal that takes none now gets them in the next round."""
        if self.chain is None:
            return
        if not self._is_told:
            self._is_told = True
            self.on_chain()
        try:
            with ours(self.log, "audit.unforeseen", environment=self.places.environment.value):
                entries = self._unnoted(self.chain)
                if entries:
                    await self.journal.commit(entries)
        except FloorbrokerError as error:
            self.log.error("audit.not_noted", environment=self.places.environment.value, detail=error.detail)
            return
        self._pending.clear()
        self._is_noted = True

    def _unnoted(self, chain: Chain) -> list[Entry]:
        is_begun = self._is_noted or last_begun(self.journal.reader) == chain.log
        return [*([] if is_begun else _begins(chain)), *(checkpoint_note(point) for point in self._pending)]

    # -- off the host -----------------------------------------------------------------------------------------------------

    async def _bring_away(self) -> None:
        """Continue the copy within a second or two; a copy that cannot be written is told of and holds nothing up."""
        last = -1
        while True:
            chain, copy = self.chain, self.copy
            if chain is not None and copy is not None and chain.standing.turn != last:
                turn = chain.standing.turn
                last = turn if await self._bring(copy, chain) else -1
            await self.clock.sleep(POLL_S if last >= 0 else COPY_RETRY_S)

    async def _bring(self, copy: Copy, chain: Chain) -> bool:
        """Whether the copy is where we are.  A folder that hangs is not asked twice at a time, and what somebody else has begun
        may be of an earlier moment: then it is asked once more.
        """
        standing = chain.standing
        while True:
            if self._bringing is None:
                work = asyncio.get_running_loop().run_in_executor(self._copying, lambda: copy.bring(standing))
                self._bringing = (standing.turn, work)
            turn, running = self._bringing
            done, _ = await asyncio.wait([running], timeout=STUCK_S)
            if not done:
                return self._not_copied(f"the copy in {copy.folder} has not answered for {STUCK_S:g} s")
            self._bringing = None
            if turn != standing.turn:
                _ = running.cancelled() or running.exception()  # whoever began it has told, or has gone
                continue
            try:
                with ours(self.log, "audit.unforeseen", environment=self.places.environment.value):
                    running.result()
            except FloorbrokerError as error:
                return self._not_copied(error.detail)
            return True

    def _not_copied(self, why: str) -> bool:
        environment = self.places.environment.value
        self.log.warning("audit.not_copied", environment=environment, detail=why)
        self.meter.count("audit_copy_faults", environment=environment)
        return False


def keep_beside(places: Places, first: Secret) -> None:
    """Put a chain's first key apart in the home, readable by its owner alone: where no vault has it yet."""
    write_private(places.first, f"{first.reveal()}\n")


def breathe() -> None:
    """Let the event loop have the interpreter: it waits for no slice of ours longer than for one of its own callbacks."""
    _NEVER.wait(BREATH_S)


_NEVER = threading.Event()


def _begins(chain: Chain) -> list[Entry]:
    row = AuditEntry(
        actor="gateway",
        via="gateway",
        action="audit.begin",
        object=chain.log[:16],
        profile=EVERYWHERE,
        outcome="done",
        detail={"public_key": chain.signing.public_key().public_bytes_raw().hex()},
    )
    return [begun_note(chain.signing.public_key(), chain.size), row]

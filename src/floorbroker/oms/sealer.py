"""When closed orders are sealed: in small steps beside the work, at the end, and at a start that found many unsealed.

A step takes the loop for about a millisecond: it looks at what the journal has heard since the last one, writes down a few
orders, and lets go of them when that is on disk.  Nobody waits for it, and nothing depends on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

from floorbroker.domain.clock import Clock
from floorbroker.domain.ports import Log
from floorbroker.oms.archive import Archive, Kept, Step
from floorbroker.oms.book import OrderBook
from floorbroker.store.seals import SealsDamaged

AT_REST = timedelta(seconds=60)  # nothing was learned of it for so long: late fills mostly come sooner
LOOK_S = 5.0
PAUSE_S = 0.02
FEW, MANY = 16, 1000


@dataclass(slots=True, kw_only=True)
class Sealer:
    """Seals the orders of one book.  `last_seq` is the newest durable record."""

    book: OrderBook
    clock: Clock
    log: Log
    last_seq: Callable[[], int]
    at_rest: timedelta = AT_REST
    _ending: bool = False
    _one_at_a_time: asyncio.Lock = field(default_factory=asyncio.Lock)
    _symbols: set[str] = field(default_factory=set[str])

    async def run(self) -> None:
        """The task; ends by cancellation, and by itself once `finish` is called."""
        while self.book.archive is not None and not self._ending:
            await self.clock.sleep(LOOK_S)
            while not self._ending and await self.step(FEW, rest=self.at_rest):
                await self.clock.sleep(PAUSE_S)
            while not self._ending and self._advance():
                await self.clock.sleep(PAUSE_S)

    async def step(self, most: int, *, rest: timedelta) -> int:
        """Seal at most so many orders that were at rest for a while; how many were."""
        async with self._one_at_a_time:
            archive = self.book.archive
            step = self._prepared(self.book.done_before(self.clock.now() - rest, most=most), upto=self.last_seq())
            if archive is None or step is None:
                return 0
            try:
                await archive.executor.together(lambda: archive.write(step))
            except SealsDamaged as error:  # a full disk, say: what is not sealed stays in memory
                self.log.warning("seals.not_written", profile=self.book.profile, detail=str(error))
                return 0
            return self.done(archive, step)

    async def finish(self, longest_s: float) -> None:
        """At the end: seal what is done, however lately, as far as that goes in a while."""
        self._ending = True
        until = self.clock.monotonic() + longest_s
        while self.clock.monotonic() < until and await self.step(MANY, rest=timedelta(0)):
            while self._advance():
                pass

    async def close(self) -> None:
        """Let go of the file, when nobody asks any more."""
        self._ending = True
        async with self._one_at_a_time:
            if self.book.archive is not None:
                self.book.archive.close()

    def catch_up(self, upto: int) -> None:
        """At a start, before anything runs: seal what is at rest among the orders read so far, up to one record."""
        moment = self.clock.now() - self.at_rest
        while (archive := self.book.archive) is not None:
            step = self._prepared(self.book.done_before(moment, most=MANY), upto=upto)
            if step is None or not self._write(archive, step) or not self.done(archive, step):
                return
            while self._advance():
                pass

    def _write(self, archive: Archive, step: Step) -> bool:
        try:
            archive.write(step)
        except SealsDamaged as error:
            self.log.warning("seals.not_written", profile=self.book.profile, detail=str(error))
            return False
        return True

    def _prepared(self, kept: list[Kept], *, upto: int) -> Step | None:
        step = self.book.guarded(lambda archive: self._prepare(archive, kept, upto=upto))
        sealed = step.counts if step is not None else {}
        self.book.postpone(one.order.intent_id for one in kept if one.order.intent_id not in sealed)
        return step

    def _prepare(self, archive: Archive, kept: list[Kept], *, upto: int) -> Step | None:
        news = archive.news(upto=upto)
        for intent_id in news:
            self.book.recall(intent_id)
        return archive.prepare(news, kept, upto=upto, sole=self.book.sole)

    def done(self, archive: Archive, step: Step) -> int:
        """A step is written: let go of what is sealed; how many orders that were."""
        if self.book.archive is not archive:
            return 0  # given up meanwhile
        archive.done(step)
        for intent_id, facts in step.counts.items():
            if not self.book.release(intent_id, facts):
                archive.stays(intent_id, step.parts[intent_id])
        self._symbols |= {fill.symbol for sealing in step.sealings for fill in sealing.fills if fill.counts}
        return len(step.sealings)

    def _advance(self) -> bool:
        """Carry one symbol's run on by a bounded part; False when there is nothing left to do."""
        if not self._symbols:
            return False
        symbol = self._symbols.pop()
        if self.book.advance(symbol):
            self._symbols.add(symbol)
        return True

"""While the vault of a running desk is unlocked it is given the first keys of the audit, at once and beside the trading.

What cannot be put away stays where it lies, is told in the log, and is tried again at the next unlock.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import partial

from floorbroker.app.auditing import Auditing
from floorbroker.app.escrow import BROKER, profile_of
from floorbroker.app.unlocking import ITSELF, Unlocking
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log, Profile
from floorbroker.domain.values import ProfileName
from floorbroker.oms.unforeseen import ours
from floorbroker.vault import Standing

ACTION = "audit.escrow"


@dataclass(slots=True)
class Entrusting:
    """The way of the first keys into the vault.  `attend` before the desks start, `finish` while their journals are open."""

    vault: Unlocking
    log: Log
    _attended: list[Auditing] = field(default_factory=list[Auditing])
    _tasks: set[asyncio.Task[None]] = field(default_factory=set[asyncio.Task[None]])
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _is_over: bool = False

    def attend(self, attendants: Iterable[object]) -> None:
        """Look after each audit among them: when its chain is open, and at every unlock."""
        for auditing in attendants:
            if isinstance(auditing, Auditing):
                self._attended.append(auditing)
                auditing.on_chain = partial(self._look_at, auditing)

    def look(self) -> None:
        """The vault stands elsewhere than before."""
        for auditing in self._attended:
            self._look_at(auditing)

    async def finish(self) -> None:
        """Wait for what is under way, a key is never left half on its way; and begin nothing more."""
        self._is_over = True
        await self.idle()

    async def idle(self) -> None:
        """Until nothing is under way."""
        while self._tasks:
            await asyncio.wait(self._tasks)

    def _look_at(self, auditing: Auditing) -> None:
        if self._is_over or self.vault.session.standing is not Standing.UNLOCKED:
            return
        task = asyncio.get_running_loop().create_task(self._put_away(auditing), name="audit-escrow")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _put_away(self, auditing: Auditing) -> None:
        environment = auditing.places.environment
        try:
            async with self._one:
                with ours(self.log, "audit.unforeseen", environment=environment.value):
                    await self._entrust(auditing)
        except FloorbrokerError as error:
            self.log.error("audit.first_key_not_put_away", environment=environment.value, detail=error.detail)

    async def _entrust(self, auditing: Auditing) -> None:
        if not await asyncio.to_thread(lambda: auditing.has_first_key):
            return
        environment = auditing.places.environment
        record = Profile(name=ProfileName(profile_of(environment)), broker=BROKER, environment=environment)
        await self.vault.change(auditing.put_first_key_away, caller=ITSELF, action=ACTION, profile=record)
        self.log.info("audit.first_key_put_away", environment=environment.value)


__all__ = ["ACTION", "Entrusting"]

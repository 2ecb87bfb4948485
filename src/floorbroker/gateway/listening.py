"""A callback that hears of what happens: its queue, its task, and what becomes of it when it is slow or raises."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field

from floorbroker.bus import SlowConsumer, Subscription
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log
from floorbroker.gateway.desk import DeskEvent
from floorbroker.gateway.happenings import Callback, Happening, happenings_of
from floorbroker.oms.unforeseen import ours

LISTENER_QUEUE = 1_000

AsItWas = Callable[[DeskEvent], DeskEvent | None]
OnCut = Callable[[int], object]


@dataclass(slots=True, eq=False)
class Listener:
    """One callback; call the listener, or `close` it, to hear no more.

    Events are handed over one after the other: the next waits until the callback, or what it awaits, is done.  `last_seq` is
    the newest that was handed over.  A listener whose queue is full is cut off: `cut_after` is then the number to come back
    after, and `on_cut` is told it.
    """

    name: str
    kind: type[Happening]
    callback: Callback
    log: Log
    subscription: Subscription[DeskEvent]
    as_it_was: AsItWas
    on_cut: OnCut | None = None
    last_seq: int = 0
    cut_after: int | None = None
    task: asyncio.Task[None] | None = field(default=None, repr=False)

    def __call__(self) -> None:
        self.close()

    @property
    def is_open(self) -> bool:
        """Whether it still hears anything."""
        return self.task is not None and not self.task.done()

    def close(self) -> None:
        """Hear no more, not even of what waits in the queue.  Harmless twice."""
        self.subscription.close()
        if self.task is not None:
            self.task.cancel()

    async def run(self) -> None:
        """The listener's task."""
        try:
            async for event in self.subscription:
                await self._take(event)
        except SlowConsumer as slow:
            self.cut_after = slow.last_seq
            self.log.warning("callback.cut", event_name=self.name, after=slow.last_seq)
            if self.on_cut is not None:
                await self._call(self.on_cut, slow.last_seq)

    async def _take(self, event: DeskEvent) -> None:
        seen = self.as_it_was(event) if event.replayed else event
        for happening in [] if seen is None else happenings_of(seen):
            if isinstance(happening, self.kind):
                await self._call(self.callback, happening)
        self.last_seq = event.seq

    async def _call(self, callback: Callback, told: object) -> None:
        """Whatever it raises is logged; the others, and the next event, go on."""
        try:
            with ours(self.log, "callback.failed", event_name=self.name):
                answer = callback(told)
                if inspect.isawaitable(answer):
                    await answer
        except FloorbrokerError as error:
            self.log.warning("callback.ended", event_name=self.name, detail=error.detail)

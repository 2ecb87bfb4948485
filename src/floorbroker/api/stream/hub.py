"""Who listens to an environment, and what they are told: every fact is written once for all of them.

    desk.events() ──▶ Hub ──▶ the outbox of each client that wants the channel
    prices: one line a channel, begun with its first reader and ended with its last

Belongs to one event loop.  It follows the desk while somebody listens.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

import msgspec

from floorbroker.api.routes.events import event_view
from floorbroker.api.stream.outbox import FACTS_MAX, Outbox
from floorbroker.api.stream.prices import Line, line_for
from floorbroker.api.stream.protocol import Price
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import Conflict, FloorbrokerError
from floorbroker.domain.ports import Log
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Desk, DeskEvent
from floorbroker.gateway.views import is_kept

BREATH = 64  # events of a replay between two looks at the loop
ROOM_S = 0.05
AGAIN_S = 1.0


@dataclass(slots=True, eq=False)
class Client:
    """One connection: what it wants and what waits for it.  `held` is what happens while the past is told."""

    outbox: Outbox = field(default_factory=Outbox)
    channels: set[str] = field(default_factory=set[str])
    prices: set[Price] = field(default_factory=set[Price])
    held: list[tuple[DeskEvent, bytes]] | None = None

    def tell(self, event: DeskEvent, told: bytes) -> None:
        """A fact, or what is told between facts."""
        if self.held is None:
            self.outbox.put(told, event.seq)
        elif len(self.held) < FACTS_MAX:
            self.held.append((event, told))
        else:
            self.outbox.overflow()


@dataclass(slots=True, kw_only=True)
class Hub:
    """The listeners of one desk."""

    desk: Desk
    clock: Clock
    log: Log
    clients: set[Client] = field(default_factory=set[Client])
    _lines: dict[Price, Line] = field(default_factory=dict[Price, Line])
    _task: asyncio.Task[None] | None = None

    # -- coming and going ---------------------------------------------------------------------------------------------

    def join(self, client: Client) -> None:
        self.clients.add(client)
        if self._task is None or self._task.done():
            follow = self._follow(self.desk.told_seq())
            self._task = asyncio.get_running_loop().create_task(follow, name="stream:facts")

    async def leave(self, client: Client) -> None:
        self.clients.discard(client)
        await self.unwant(client, [*client.prices])
        if not self.clients and self._task is not None:
            task, self._task = self._task, None
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    # -- facts --------------------------------------------------------------------------------------------------------

    async def _follow(self, after: int) -> None:
        """Tell what becomes durable behind a number.  When the desk cuts us off we come back there: nobody misses anything.

        So we do where the past cannot be read: whoever listens hears of it once it can.
        """
        while True:
            try:
                async for event in self.desk.events(after=after):
                    after = event.seq
                    self._tell(event)
                return
            except Conflict as slow:
                self.log.warning("stream.behind", after=after, detail=slow.detail)
            except FloorbrokerError as error:
                self.log.error("stream.failed", after=after, code=error.code, detail=error.detail)
                await self.clock.sleep(AGAIN_S)

    def _tell(self, event: DeskEvent) -> None:
        told: bytes | None = None
        for client in self.clients:
            if event.channel in client.channels:
                told = told or msgspec.json.encode(event_view(event))
                client.tell(event, told)

    async def replay(self, client: Client, channels: frozenset[str], after: int) -> None:
        """Tell the past behind a number before what happens meanwhile, each fact once.  Waits while the client has no room.

        What the past does not hold, other channels and what is told between facts, is told whatever its number.
        """
        client.held = []
        client.channels |= channels
        last = after
        for count, event in enumerate(self.desk.past(after)):
            last = event.seq
            if event.channel in channels:
                client.outbox.put(msgspec.json.encode(event_view(event)), event.seq)
            if count % BREATH == 0:
                await self.clock.sleep(0)
            while not client.outbox.has_room and not client.outbox.overflowed:
                await self.clock.sleep(ROOM_S)
        held, client.held = client.held, None
        for event, told in held:
            was_told = event.seq <= last and event.channel in channels and is_kept(event)
            if not was_told:
                client.outbox.put(told, event.seq)

    # -- prices -------------------------------------------------------------------------------------------------------

    async def want(self, client: Client, wanted: Iterable[Price]) -> None:
        """Begin lines that nobody had, all of them or none.  Raises what the venue says to a symbol."""
        begun: list[Price] = []
        try:
            for price in wanted:
                line = self._lines.get(price)
                if line is None:
                    line = self._lines[price] = line_for(price, self.desk, self.clock)
                line.readers.add(client.outbox)
                client.prices.add(price)
                begun.append(price)
                await line.begun()
        except BaseException:
            await self.unwant(client, begun)
            raise

    async def unwant(self, client: Client, gone: Iterable[Price]) -> None:
        """End lines that nobody reads any more."""
        for price in gone:
            client.prices.discard(price)
            client.outbox.forget(price)
            line = self._lines.get(price)
            if line is not None:
                line.readers.discard(client.outbox)
                if not line.readers:
                    del self._lines[price]
                    await line.end()


class Hubs:
    """The hub of each environment."""

    def __init__(self, desks: Mapping[Environment, Desk], clock: Clock, log: Log) -> None:
        self._make: Callable[[Environment], Hub] = lambda env: Hub(desk=desks[env], clock=clock, log=log)
        self._desks = desks
        self._hubs: dict[Environment, Hub] = {}

    def of(self, environment: Environment) -> Hub | None:
        """None where there is no such desk."""
        if environment not in self._desks:
            return None
        if environment not in self._hubs:
            self._hubs[environment] = self._make(environment)
        return self._hubs[environment]

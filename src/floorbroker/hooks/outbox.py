"""Events on their way to others: collected from the journal's own stream, kept in `desk.db`, sent until they are taken.

    Desk.on("*", after=cursor) -> who wants it? -> deliveries and cursor, one transaction -> carrier -> delivered | again | dead

The cursor is the journal's sequence, so an event that was durable before a crash is collected after it.  Facts may be told in
another order than that of their numbers, so the cursor stays a little behind; `event_id` is made of what an event tells, so that
it is kept once all the same.  A delivery that was sent and not yet noted is sent again with the same id: at least once.  Trading
waits for none of this.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Protocol

from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.ports import Log, Meter
from floorbroker.domain.values import Environment
from floorbroker.gateway.gateway import Gateway
from floorbroker.gateway.happenings import Announced, Fill, Happening, OrderChanged, OrderHappening, name_of
from floorbroker.gateway.listening import Listener
from floorbroker.hooks.quiet import due, quiet_of
from floorbroker.hooks.records import Delivery, Kind, State, Target
from floorbroker.hooks.retries import Attempt, revived, tried_together
from floorbroker.hooks.rows import Rows
from floorbroker.oms.unforeseen import ours

QUEUE = 10_000
STEP = 500  # facts that may be read again at a start although nobody wanted them
BEHIND = 100  # facts of one commit group that may still be on their way to the stream
IDLE_S = 5.0
STUCK_S = 1.0
AT_ONCE = 8
EVERYTHING = "*"

Render = Callable[[Environment, str, Happening], str]
"""An event as JSON text, under its id."""


class Carrier(Protocol):
    """The way to one kind of target."""

    async def carry(self, target: Target, deliveries: Sequence[Delivery]) -> Attempt:
        """Hand over deliveries of one target, several only where `together`.  Raises nothing of its own."""
        ...

    @property
    def together(self) -> bool: ...


@dataclass(slots=True, kw_only=True)
class Outbox:
    """All targets of a desk.  `start` it when the desks run; `close` it before they stop."""

    rows: Rows
    desks: Mapping[Environment, Gateway]
    carriers: Mapping[Kind, Carrier]
    render: Render
    clock: Clock
    random: Random
    log: Log
    meter: Meter
    new_id: Callable[[], str]
    _targets: dict[str, Target] = field(default_factory=dict[str, Target])
    _resting: dict[str, datetime] = field(default_factory=dict[str, datetime])
    _listeners: dict[Environment, Listener] = field(default_factory=dict[Environment, Listener])
    _stored: dict[Environment, int] = field(default_factory=dict[Environment, int])
    _wake: asyncio.Event = field(default_factory=asyncio.Event)
    _sending: asyncio.Task[None] | None = None
    _is_closed: bool = False

    # -- life -------------------------------------------------------------------------------------------------------------

    async def start(self) -> None:
        """Read who is told, collect what was missed, and begin to send.  Raises `JournalFault` for a file that cannot be used."""
        await self.refresh()
        for environment in tuple(self.desks):
            await self.attend(environment)
        self._sending = asyncio.get_running_loop().create_task(self._run(), name="outbox")

    async def attend(self, environment: Environment) -> None:
        """Hear a desk from where its events were seen last: each of a start, and one that begins later."""
        seen = await self.rows.cursor(environment)
        newest = self.desks[environment].journal.last_seq  # a journal put back from a copy may have less than was seen
        after = newest if seen is None else min(seen, newest)
        await self.rows.collect((), environment=environment, seq=after)
        self._stored[environment] = after
        self._listen(environment, after)

    async def close(self) -> None:
        """Hear no more, and let the delivery that is on its way end."""
        self._is_closed = True
        await self._try(lambda: self._remember(least=1))
        for listener in self._listeners.values():
            listener.close()
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.gather(self._sending, return_exceptions=True)

    async def refresh(self) -> None:
        """The targets were changed."""
        self._targets = {target.id: target for target in await self.rows.targets()}
        self._resting.clear()
        self._wake.set()

    # -- in ---------------------------------------------------------------------------------------------------------------

    def _listen(self, environment: Environment, after: int) -> None:
        async def take(happening: Happening) -> None:
            await self._collect(environment, happening)

        def again(seq: int) -> None:
            if not self._is_closed:
                self._listen(environment, seq)

        desk = self.desks[environment]
        self._listeners[environment] = desk.on(EVERYTHING, take, after=after, queue=QUEUE, on_cut=again)

    async def _collect(self, environment: Environment, happening: Happening) -> None:
        """Keep it for everybody who wants it; a file that cannot be written now is tried until it can."""
        event = event_name(happening)
        wanted = [
            target
            for target in self._targets.values()
            if wants(target, event, environment) and happening.at >= target.created_at
        ]
        if not wanted:
            return
        made = [self._made(target, environment, event, happening) for target in wanted]
        while not await self._try(
            lambda: self.rows.collect(made, environment=environment, seq=max(0, happening.seq - BEHIND))
        ):
            await self.clock.sleep(STUCK_S)
        self._wake.set()

    def _made(self, target: Target, environment: Environment, event: str, happening: Happening) -> Delivery:
        id_, now = event_id(environment, event, happening), self.clock.now()
        is_alert = target.kind is Kind.ALERT
        leaves = due(event, now=now, quiet=quiet_of(target.quiet), group_s=target.group_s) if is_alert else now
        return Delivery(
            id=self.new_id(),
            target_id=target.id,
            event_id=id_,
            event=event,
            environment=environment,
            seq=happening.seq,
            body=self.render(environment, id_, happening),
            made_at=now,
            due_at=leaves,
        )

    async def _remember(self, *, least: int = STEP) -> None:
        """Note how far the stream was read, even where nobody wanted anything of it: a start reads on from there."""
        for environment, listener in self._listeners.items():
            come = max(0, listener.last_seq - BEHIND)
            if come - self._stored.get(environment, 0) >= least:
                await self.rows.collect((), environment=environment, seq=come)
                self._stored[environment] = come

    async def _try(self, work: Callable[[], Awaitable[object]]) -> bool:
        try:
            with ours(self.log, "outbox.unforeseen"):
                await work()
        except FloorbrokerError as error:
            self.log.error("outbox.not_written", detail=error.detail)
            return False
        return True

    # -- out --------------------------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            if not (await self._try(self.send_due) and await self._try(self._remember)):
                await self.clock.sleep(STUCK_S)
                continue
            await self._pause()

    async def _pause(self) -> None:
        """Until something new is there, or something old is due."""
        waking = asyncio.ensure_future(self._wake.wait())
        timer = asyncio.ensure_future(self.clock.sleep(await self._idle_s()))
        try:
            await asyncio.wait([waking, timer], return_when=asyncio.FIRST_COMPLETED)
        finally:
            waking.cancel()
            timer.cancel()

    async def _idle_s(self) -> float:
        soonest = await self.rows.next_due()
        if soonest is None:
            return IDLE_S
        return min(IDLE_S, max(0.05, (soonest - self.clock.now()).total_seconds()))

    async def send_due(self) -> None:
        """Everything that is due now, each target's in its order, several targets at a time."""
        now = self.clock.now()
        by_target: dict[str, list[Delivery]] = {}
        for delivery in await self.rows.due(now):
            by_target.setdefault(delivery.target_id, []).append(delivery)
        slots = asyncio.Semaphore(AT_ONCE)

        async def one(target_id: str, deliveries: list[Delivery]) -> None:
            async with slots:
                await self._send(target_id, deliveries)

        await asyncio.gather(*(one(target_id, mine) for target_id, mine in by_target.items()))
        self.meter.gauge("webhook_waiting", await self.rows.waiting())

    async def _send(self, target_id: str, deliveries: list[Delivery]) -> None:
        target, now = self._targets.get(target_id), self.clock.now()
        rests = self._resting.get(target_id)
        if target is None or not target.enabled or (rests is not None and now < rests):
            later = rests if rests is not None and now < rests else now + timedelta(seconds=IDLE_S)
            await self.rows.put_deliveries([replace(delivery, due_at=later) for delivery in deliveries])
            return
        together = self.carriers[target.kind].together
        for batch in [deliveries] if together else [[delivery] for delivery in deliveries]:
            if not await self._hand_over(target, batch):
                return  # the others wait as long: a receiver that is down is asked once

    async def _hand_over(self, target: Target, batch: Sequence[Delivery]) -> bool:
        attempt = await self.carriers[target.kind].carry(target, batch)
        now = self.clock.now()
        done = tried_together(batch, attempt, now=now, random=self.random)
        await self.rows.put_deliveries(done)
        for delivery in done:
            self._tell(target, delivery)
        if attempt.is_taken:
            self._resting.pop(target.id, None)
        elif waiting := [delivery.due_at for delivery in done if delivery.state is State.WAITING]:
            self._resting[target.id] = min(waiting)
        return attempt.is_taken

    def _tell(self, target: Target, delivery: Delivery) -> None:
        result = {State.DELIVERED: "delivered", State.DEAD: "dead", State.WAITING: "retried"}[delivery.state]
        if target.kind is Kind.ALERT:
            self.meter.count("notifications", result=result)
        else:
            self.meter.count("webhook_deliveries", result=result)
        if delivery.state is State.DEAD:
            self.log.error(
                "outbox.dead", target=target.name, event_name=delivery.event, attempts=delivery.attempts,
                detail=delivery.trouble or f"status {delivery.status}",
            )  # fmt: skip

    async def deliver_now(self, target: Target, delivery: Delivery) -> Attempt:
        """One try outside of the queue: a test."""
        return await self.carriers[target.kind].carry(target, [delivery])

    async def again(self, target_id: str, delivery_id: str) -> Delivery:
        """Send a dead letter, or one that was delivered, once more.  Raises `NotFound`."""
        delivery = revived(await self.rows.delivery(target_id, delivery_id), now=self.clock.now())
        await self.rows.put_deliveries([delivery])
        self._resting.pop(target_id, None)
        self._wake.set()
        return delivery


def event_name(happening: Happening) -> str:
    """As people subscribe to it; a word without a record of its own is its own name."""
    return happening.word if type(happening) is Announced else name_of(type(happening))


def wants(target: Target, event: str, environment: Environment) -> bool:
    """Whether a target is told of an event.  `*` is everything but the monitor's regular looks, which must be asked for."""
    if not target.enabled or environment not in target.environments:
        return False
    return event in target.events or (EVERYTHING in target.events and event != "connection_status")


def event_id(environment: Environment, event: str, happening: Happening) -> str:
    """The same for the same event, whenever and however often it is told."""
    whole = (environment.value, happening.at.isoformat(), happening.profile, event, *_about(happening))
    return hashlib.sha256("|".join(whole).encode()).hexdigest()[:32]


def _about(happening: Happening) -> tuple[str, ...]:
    match happening:
        case Fill():
            return (happening.order.intent_id, happening.execution.exec_id, str(happening.execution.version))
        case OrderChanged():
            return (happening.order.intent_id, str(happening.order.version))
        case OrderHappening():  # live it is told with the first fact of its commit, in a replay with the one that made it so
            order = happening.order
            return (
                order.intent_id,
                order.ord_status.value,
                *map(str, (order.cum_qty, order.order_qty, order.price, order.stop_px)),
            )
        case Announced():
            return (happening.key, repr(sorted(happening.data.items())))
        case _:
            return (repr(happening),)

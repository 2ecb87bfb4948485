"""What the desk announces: durable changes as numbered events, live and from the journal, to streams and to callbacks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field, replace

from floorbroker.bus import InProcessBus
from floorbroker.domain.capability import Can
from floorbroker.domain.clock import Clock
from floorbroker.domain.facts import Exec
from floorbroker.domain.fold import NoFounding, fold
from floorbroker.domain.orders import Execution, Order
from floorbroker.domain.ports import FactEntry, Journal, Log, Record
from floorbroker.domain.values import IntentId, ProfileName
from floorbroker.gateway.desk import DeskEvent
from floorbroker.gateway.happenings import EVERYTHING, Callback, Happening, kind_of, name_of
from floorbroker.gateway.listening import LISTENER_QUEUE, Listener, OnCut
from floorbroker.gateway.session import ProfileSession
from floorbroker.gateway.states import CONNECTED
from floorbroker.gateway.views import event_of, executions_of, health_event, position_event
from floorbroker.oms.book import Change

EVENT_QUEUE = 10_000
FINISH_S = 1.0  # for what waits in the queues of callbacks when the desk stops


@dataclass(slots=True)
class Telling:
    """The announcements of one desk.  `sessions` is the desk's own table."""

    journal: Journal
    clock: Clock
    log: Log
    bus: InProcessBus[DeskEvent]
    sessions: Mapping[ProfileName, ProfileSession]
    _announced: int = 0
    _told: dict[ProfileName, tuple[str, str]] = field(default_factory=dict[ProfileName, tuple[str, str]])
    _listeners: list[Listener] = field(default_factory=list[Listener])

    def begin(self) -> None:
        """What is in the journal when the desk starts is the past."""
        self._announced = self.journal.last_seq

    @property
    def newest(self) -> int:
        """The number of the newest event.  The journal may be further: with facts that are durable and not folded yet."""
        return self._announced

    # -- what is told -----------------------------------------------------------------------------------------------------

    def on_change(self, change: Change) -> None:
        """A durable change of an order, its new fills, and what is held after them."""
        self._publish(event_of(change.record, change.after, before=change.before))
        for execution in executions_of(change):
            self._publish(event_of(change.record, change.after, before=change.before, execution=execution))
            self._publish(self._position(change.record, change.after, execution))

    def on_health(self, session: ProfileSession) -> None:
        """A session's state: told between facts, under the number of the last fact that was told."""
        event = health_event(self._announced, self.clock.now(), session)
        state, link = session.state.value, "up" if _is_linked(session) else "down"
        was, link_was = self._told.get(event.profile, ("", "down"))
        self._told[event.profile] = (state, link)
        self._publish(replace(event, data={**event.data, "was": was, "link": link, "link_was": link_was}))

    def tell(self, channel: str, word: str, *, profile: ProfileName, key: str, data: Mapping[str, str]) -> None:
        """Anything else, by its word: durable already, and told between facts as health is."""
        self._publish(
            DeskEvent(
                seq=self._announced,
                at=self.clock.now(),
                channel=channel,
                key=key,
                profile=profile,
                data={"event": word, **data},
            )
        )

    def _publish(self, event: DeskEvent) -> None:
        """Numbers never go back: a fact whose commit was overtaken on its way here is told under the newest number."""
        if event.seq < self._announced:
            event = replace(event, seq=self._announced)
        self._announced = event.seq
        self.bus.publish(event)

    def _position(self, record: Record, order: Order, execution: Execution) -> DeskEvent:
        symbol = execution.symbol or order.terms.symbol
        return position_event(record, order, symbol, self.sessions[order.profile].ctx.book.holdings.qty(symbol))

    def forget(self, profile: ProfileName) -> None:
        """A profile was let go; what it had announced stays told."""
        self._told.pop(profile, None)

    # -- who reads along --------------------------------------------------------------------------------------------------

    async def events(
        self, *, after: int | None = None, channels: frozenset[str] | None = None
    ) -> AsyncIterator[DeskEvent]:
        subscription = self.bus.subscribe(EVENT_QUEUE, after=after)
        try:
            async for event in subscription:
                if channels is None or event.channel in channels:
                    yield event
        finally:
            subscription.close()

    def past(self, after: int) -> Iterator[DeskEvent]:
        """Announced facts after a sequence, as events; each shows its order as it stands now.

        What is durable but not folded yet is not the past: it will be announced.
        """
        while records := self.journal.read(after=after, kinds=frozenset({"fact"})):
            for record in records:
                if record.seq > self._announced:
                    return
                yield from self._events_of(record)
            after = records[-1].seq

    def _events_of(self, record: Record) -> list[DeskEvent]:
        entry = record.entry
        if not isinstance(entry, FactEntry) or entry.profile not in self.sessions:
            return []
        order = self.sessions[entry.profile].ctx.book.get(entry.intent_id)
        if order is None:
            return []
        fact, events = entry.fact, [event_of(record, order, replayed=True)]
        if isinstance(fact, Exec):
            for execution in [e for e in order.executions if e.exec_id == fact.exec_id]:
                events.append(event_of(record, order, execution=execution, replayed=True))
                events.append(self._position(record, order, execution))
        return events

    def as_it_was(self, event: DeskEvent) -> DeskEvent | None:
        """A replayed event with its order as it stood right after that fact, and right before it."""
        if event.order is None:
            return event
        after = self._standing(event.order, through=event.seq)
        return after and replace(event, order=after, before=self._standing(event.order, through=event.seq - 1))

    def _standing(self, order: Order, *, through: int) -> Order | None:
        """The order that the facts up to a record describe; None before there was one."""
        session = self.sessions.get(order.profile)
        if session is None:  # it was let go meanwhile
            return None
        records = session.ctx.book.records(IntentId(order.intent_id))
        facts = [r.entry.fact for r in records if r.seq <= through and isinstance(r.entry, FactEntry)]
        try:
            return fold(order.intent_id, facts)
        except NoFounding:
            return None

    # -- callbacks --------------------------------------------------------------------------------------------------------

    def on(
        self,
        name: str | type[Happening],
        callback: Callback,
        *,
        after: int | None = None,
        queue: int = LISTENER_QUEUE,
        on_cut: OnCut | None = None,
    ) -> Listener:
        """Call `callback` (plain or async) with every happening of that name from now on, or from just after a number.

        Must be called on the event loop.  Raises `InvalidRequest` for a name that is none.
        """
        kind = kind_of(name) if isinstance(name, str) else name
        listener = Listener(
            name=name if isinstance(name, str) else EVERYTHING if kind is Happening else name_of(kind),
            kind=kind,
            callback=callback,
            log=self.log,
            subscription=self.bus.subscribe(queue, after=after),
            as_it_was=self.as_it_was,
            on_cut=on_cut,
        )
        listener.task = asyncio.get_running_loop().create_task(listener.run(), name=f"callback:{listener.name}")
        listener.task.add_done_callback(lambda _: self._listeners.remove(listener))
        self._listeners.append(listener)
        return listener

    async def end(self) -> None:
        """Let callbacks hear what waits for them, for a bounded time, and whoever reads along come to an end."""
        self.bus.close()
        tasks = [listener.task for listener in self._listeners if listener.task is not None]
        if not tasks:
            return
        timer = asyncio.ensure_future(self.clock.sleep(FINISH_S))
        done = asyncio.gather(*tasks, return_exceptions=True)
        await asyncio.wait([timer, done], return_when=asyncio.FIRST_COMPLETED)
        for task in [timer, *tasks]:
            task.cancel()
        await asyncio.gather(timer, *tasks, return_exceptions=True)


def _is_linked(session: ProfileSession) -> bool:
    """Whether the venue is there, and its order stream too, where it has one."""
    streams = Can.STREAM_ORDERS in session.ctx.broker.info.can
    return session.state in CONNECTED and (session.stream_up or not streams)


__all__ = ["EVENT_QUEUE", "Telling"]

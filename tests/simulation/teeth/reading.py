"""Bugs of snapshots: how what was asked for meets what is known."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

from floorbroker.domain import facts as f
from floorbroker.domain.clock import Clock
from floorbroker.domain.errors import FloorbrokerError
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.ports import FactEntry, OrderEvents, Record, Subscription
from floorbroker.domain.records import ExecutionReport, Fetched, Position
from floorbroker.domain.values import IntentId
from floorbroker.gateway.gateway import Gateway
from floorbroker.oms.book import OrderBook
from floorbroker.oms.reconcile import PositionGap
from floorbroker.oms.rounds import Reconciler
from tests.simulation.house import Plant
from tests.simulation.teeth.bug import Bug, struck_by
from tests.simulation.teeth.ports import BrokerAround, around_broker, becomes, ctx_of, service_of

WORDS = (f.Ack, f.Working, f.Held, f.Cancelled, f.Expired)
ASKED = (f.Source.QUERY, f.Source.SNAPSHOT, f.Source.REPLY)
LOST_READS = ("read.refuse", "read.drop", "read.reset", "read.page", "read.throttle", "read.garble")


class BelievesTheLastAnswer(OrderBook):
    """What an answer says of an order replaces what was known of it."""

    __slots__ = ()

    def is_news(self, intent_id: IntentId, fact: f.Fact) -> bool:
        return _is_answer(fact) or super().is_news(intent_id, fact)

    def _join(self, record: Record) -> OrderFold | None:
        fold = super()._join(record)
        fact = record.entry.fact if isinstance(record.entry, FactEntry) else None
        if fold is not None and fact is not None and _is_answer(fact):
            fold.evidence.link(getattr(fact, "order_id")).words = {fact.kind}  # noqa: B009 - every word has one
        return fold


def _is_answer(fact: f.Fact) -> bool:
    return isinstance(fact, WORDS) and fact.source in ASKED


class BelievesTheFirstRead(Reconciler):
    """Positions that differ are set right at once."""

    __slots__ = ()

    async def _explain(
        self, positions: Fetched[Position], *, since: datetime
    ) -> tuple[tuple[PositionGap, ...], tuple[PositionGap, ...]]:
        gaps = self._gaps(positions)
        await self._adjust(gaps)
        return gaps, ()


class TakesFailureForNothing(BrokerAround):
    """A list that cannot be had is an empty one."""

    async def get_open_orders(self) -> Fetched[ExecutionReport]:
        return await self._or_nothing(self.honest.get_open_orders())

    async def get_order_history(self, since: datetime) -> Fetched[ExecutionReport]:
        return await self._or_nothing(self.honest.get_order_history(since))

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        return await self._or_nothing(self.honest.get_fills(since))

    async def get_positions(self) -> Fetched[Position]:
        return await self._or_nothing(self.honest.get_positions())

    async def _or_nothing(self, asked: Awaitable[Fetched[Any]]) -> Fetched[Any]:
        try:
            return await asked
        except FloorbrokerError:
            return Fetched(items=(), asked_at=self.honest.get_connection_status().since)


class ListsFromTheReconnectOn(BrokerAround):
    """Lists fills since the stream came up: what was before, it has heard, or so it thinks."""

    def __init__(self, honest: Any, clock: Clock) -> None:
        super().__init__(honest)
        self._clock = clock
        self._up_since: datetime | None = None

    def on_up(self) -> None:
        """The stream came up."""
        off_s = self.honest.get_connection_status().clock_offset_s or 0.0
        self._up_since = self._clock.now() + timedelta(seconds=off_s)

    async def subscribe_order_events(self, handler: OrderEvents) -> Subscription:
        subscription: Subscription = await self.honest.subscribe_order_events(_Watch(handler, self.on_up))
        return subscription

    async def get_fills(self, since: datetime) -> Fetched[ExecutionReport]:
        listed: Fetched[ExecutionReport] = await self.honest.get_fills(since)
        begin = self._up_since or since
        return Fetched(
            items=tuple(report for report in listed.items if (report.transact_time or begin) >= begin),
            asked_at=listed.asked_at,
        )


class _Watch:
    """Hears when the stream comes up."""

    def __init__(self, honest: OrderEvents, on_up: Callable[[], None]) -> None:
        self.on_report = honest.on_report
        self._honest, self._on_up = honest, on_up

    def on_stream(self, up: bool, detail: str) -> None:
        if up:
            self._on_up()
        self._honest.on_stream(up, detail)


def _lists_from_the_reconnect_on(desk: Gateway) -> None:
    ctx = ctx_of(desk)
    ctx.broker = ListsFromTheReconnectOn(ctx.broker, ctx.clock)  # pyright: ignore[reportAttributeAccessIssue]


BUGS = (
    Bug(
        name="snapshot over stream",
        what="A list of positions that was asked for before a fill came in by stream is taken for the newer truth.",
        breaks="I8",
        plant=Plant(desk=becomes(lambda desk: service_of(desk).reconciler, BelievesTheFirstRead)),
    ),
    Bug(
        name="stale status undoes an end",
        what="What an answer says of an order replaces what the stream said while the answer was on its way.",
        breaks="I8",
        plant=Plant(desk=becomes(lambda desk: ctx_of(desk).book, BelievesTheLastAnswer)),
        wants=struck_by("read.slow", "stream.reorder", "order.slow"),
    ),
    Bug(
        name="partial snapshot accepted",
        what="A part of a round that cannot be fetched is taken for an empty one.",
        breaks="I8",
        plant=Plant(desk=around_broker(TakesFailureForNothing)),
        wants=struck_by(*LOST_READS),
    ),
    Bug(
        name="fill dropped while disconnected",
        what="Fills are listed from the moment the stream came up again.",
        breaks="RELIABILITY 4.2",
        plant=Plant(desk=_lists_from_the_reconnect_on),
        wants=struck_by("stream.cut", "stream.mute", "stream.garble"),
    ),
)

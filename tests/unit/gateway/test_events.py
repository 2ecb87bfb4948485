"""What the desk announces is durable, complete and in order, live and from the past (I19, I26)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from floorbroker.domain.facts import Ack, Working
from floorbroker.domain.ports import Entry, FactEntry
from floorbroker.gateway.desk import DeskEvent
from tests.support.fake_broker import buy
from tests.support.house import CALLER, opened

pytestmark = pytest.mark.asyncio


async def _take(events: AsyncIterator[DeskEvent], count: int) -> list[DeskEvent]:
    return [await anext(events) for _ in range(count)]


async def test_a_reader_that_comes_back_misses_nothing_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        start = desk.gateway.last_seq()
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        durable = [r.seq for r in desk.gateway.journal.read(after=start) if isinstance(r.entry, FactEntry)]
        events = desk.gateway.events(after=start, channels=frozenset({"orders"}))
        assert [e.seq for e in await _take(events, len(durable))] == durable
        await events.aclose()  # type: ignore[attr-defined]


async def test_fills_come_with_their_execution(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        events = desk.gateway.events(channels=frozenset({"fills"}))
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        event = await first
        assert event.execution is not None
        assert (event.key, event.execution.last_qty) == (order.intent_id, 4)
        await events.aclose()  # type: ignore[attr-defined]


async def test_the_kill_switch_is_told_on_a_desk_where_no_order_happens(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        events = desk.gateway.events(after=desk.gateway.last_seq())  # as a page asks that was just rendered
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        await desk.wait()
        assert first.done()
        assert (await first).channel == "risk"
        await events.aclose()  # type: ignore[attr-defined]


async def test_numbers_never_go_back_while_orders_stream_and_health_changes_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        subscription = desk.gateway.bus.subscribe(10_000)
        tasks = [asyncio.ensure_future(desk.place(buy(str(n + 1)))) for n in range(20)]
        await desk.gateway.kill(1, caller=CALLER, reason="test")
        desk.broker.stream(up=False)
        desk.broker.stream(up=True)
        await desk.wait(5)
        await asyncio.gather(*tasks, return_exceptions=True)
        subscription.close()
        seqs = [event.seq async for event in subscription]
        assert seqs == sorted(seqs)
        assert "journal.fold_failed" not in desk.log.events


async def test_a_fact_overtaken_on_its_way_is_told_and_breaks_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        subscription, slow = desk.gateway.bus.subscribe(100), asyncio.Event()
        desk.journal.hold_when = lambda entries: slow if any(_is_fill(e) for e in entries) else None
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        sending = asyncio.ensure_future(desk.place(buy("3")))
        await desk.wait()
        assert desk.sent("submit") == 2
        slow.set()
        await sending
        assert desk.now(order).cum_qty == 4
        subscription.close()
        heard = [event async for event in subscription]
        assert [event.seq for event in heard] == sorted(event.seq for event in heard)
        assert [event.key for event in heard if event.channel == "fills"] == [order.intent_id]


async def test_what_is_durable_and_not_folded_yet_is_no_past_but_comes_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        start, slow = desk.gateway.last_seq(), asyncio.Event()
        desk.journal.hold_when = lambda entries: slow if any(_is_fill(e) for e in entries) else None
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        assert desk.gateway.last_seq() > start
        assert list(desk.gateway.past(start)) == []
        events = desk.gateway.events(after=start, channels=frozenset({"fills"}))
        first = asyncio.ensure_future(anext(events))
        await desk.wait()
        slow.set()
        await desk.wait()
        assert (await first).key == order.intent_id
        await events.aclose()  # type: ignore[attr-defined]


def _is_fill(entry: object) -> bool:
    return isinstance(entry, FactEntry) and entry.fact.kind == "exec"


async def test_a_listener_that_breaks_does_not_keep_an_order_from_being_sent_i1(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:

        def broken(change: object) -> None:
            raise RuntimeError("a bug in a listener")

        desk.service.announce = broken
        order = await desk.place(buy())
        assert (order.order_id, desk.sent("submit")) == ("V1", 1)


async def test_the_number_of_how_things_stand_is_not_ahead_of_what_they_show_i19(tmp_path: Path) -> None:
    """An acceptance is durable and not folded yet while somebody looks: who comes back after that look hears of it."""
    async with opened(tmp_path) as desk:
        hold = asyncio.Event()
        desk.journal.hold_when = lambda entries: hold if _accepts(entries) else None
        placing = asyncio.ensure_future(desk.place(buy()))
        await desk.until(lambda: any(map(_accepts, desk.journal.commits)))
        seen, number = desk.only(), desk.gateway.told_seq()
        events = desk.gateway.events(after=number, channels=frozenset({"orders"}))
        first = asyncio.ensure_future(anext(events))
        hold.set()
        placed = await placing
        await desk.wait()
        assert (await first).order == placed != seen
        await events.aclose()  # type: ignore[attr-defined]


async def test_what_is_told_between_facts_is_never_numbered_below_how_things_stood(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.place(buy())
        await desk.gateway.kill(1, caller=CALLER, reason="test")  # rows of the journal that are no facts
        await desk.wait()
        events = desk.gateway.events()
        first = asyncio.ensure_future(anext(events))
        await asyncio.sleep(0)
        number = desk.gateway.told_seq()
        (session,) = desk.gateway.sessions.values()
        session.reconcile_again("as a reconnect does")
        assert (await first).seq >= number
        await events.aclose()  # type: ignore[attr-defined]


async def test_who_reads_along_comes_to_an_end_when_the_desk_stops(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        reading = asyncio.ensure_future(_all(desk.gateway.events(channels=frozenset({"health"}))))
        await asyncio.sleep(0)
    async with asyncio.timeout(10):
        assert (await reading)[-1].data["state"] == "stopped"
        assert not await _all(desk.gateway.events())  # and whoever comes after that


async def _all(events: AsyncIterator[DeskEvent]) -> list[DeskEvent]:
    return [event async for event in events]


def _accepts(entries: Sequence[Entry]) -> bool:
    return any(isinstance(entry, FactEntry) and isinstance(entry.fact, Ack | Working) for entry in entries)

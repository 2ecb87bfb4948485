"""Answers told when they are heard (ADR 14), and what waits to be written going along with the next act."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from floorbroker.domain.capability import IdentityClass
from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.facts import Source
from floorbroker.domain.orders import OrderState
from floorbroker.domain.ports import Entry, FactEntry, NoteEntry
from floorbroker.domain.values import ExecType, OrdStatus
from tests.support.fake_broker import buy
from tests.support.house import PROFILE, Desk, make, opened

pytestmark = pytest.mark.asyncio


PATIENT_S = 3600.0  # what may wait does wait: for the next act, or until somebody asks


def _kinds(batch: tuple[Entry, ...] | list[Entry]) -> list[str]:
    return [entry.fact.kind for entry in batch if isinstance(entry, FactEntry)]


def _listens(desk: Desk, identity: IdentityClass = IdentityClass.A) -> None:
    """Nothing is heard on the stream."""
    desk.broker.info = replace(desk.broker.info, identity=identity)
    desk.broker.muted = True


def _note(topic: str) -> NoteEntry:
    return NoteEntry(profile=PROFILE, topic=topic, data={})


async def test_by_default_an_acceptance_is_durable_before_it_is_told_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        assert (order, desk.now(order).order_id) == (desk.now(order), "V1")


async def test_an_acceptance_may_be_told_when_it_is_heard_and_is_durable_soon(tmp_path: Path) -> None:
    async with opened(tmp_path, answers_when_heard=True, linger_s=PATIENT_S) as desk:
        _listens(desk)
        order = await desk.place(buy())
        assert (order.ord_status, order.order_id) == (OrdStatus.NEW, "V1")
        assert desk.now(order).state is OrderState.SENDING
        await desk.ctx.writer.idle()
        assert desk.now(order) == order


async def test_where_our_id_does_not_find_an_order_for_good_its_place_is_durable_first(tmp_path: Path) -> None:
    for identity in (IdentityClass.B, IdentityClass.C):
        async with opened(_folder(tmp_path, identity.value), answers_when_heard=True, linger_s=PATIENT_S) as desk:
            _listens(desk, identity)
            order = await desk.place(buy())
            assert (order, order.order_id) == (desk.now(order), "V1")


async def test_the_word_that_was_told_goes_along_with_the_next_act(tmp_path: Path) -> None:
    async with opened(tmp_path, answers_when_heard=True, linger_s=PATIENT_S) as desk:
        _listens(desk)
        first = await desk.place(buy())
        await desk.place(buy(), key="other", body_hash="h")
        together = next(batch for batch in desk.journal.commits if "working" in _kinds(batch))
        assert _kinds(together) == ["working", "prepared", "sending"]
        assert desk.now(first).order_id == "V1"


async def test_what_the_stream_says_again_of_an_order_that_stands_goes_along_with_the_next_act(tmp_path: Path) -> None:
    async with opened(tmp_path, linger_s=PATIENT_S) as desk:
        first = await desk.place(buy())
        venue = desk.broker.of(first.cl_ord_id)
        desk.broker.tell(
            replace(desk.broker.report(venue, ExecType.NEW, Source.STREAM), ord_status=OrdStatus.PENDING_NEW)
        )
        await desk.wait()
        assert "ack" not in [kind for batch in desk.journal.commits for kind in _kinds(batch)]
        await desk.place(buy(), key="other", body_hash="h")
        together = next(batch for batch in desk.journal.commits if "ack" in _kinds(batch))
        assert _kinds(together) == ["ack", "prepared", "sending"]


async def test_what_the_stream_says_of_a_fill_waits_for_nobody(tmp_path: Path) -> None:
    async with opened(tmp_path, linger_s=PATIENT_S) as desk:
        order = await desk.place(buy())
        desk.broker.fill(desk.broker.of(order.cl_ord_id), "4")
        await desk.wait()
        assert desk.now(order).cum_qty == 4


@pytest.mark.parametrize("script", ["refuse", "lose", "not_sent"])
async def test_every_other_word_is_durable_before_it_is_told(tmp_path: Path, script: str) -> None:
    async with opened(tmp_path, answers_when_heard=True, linger_s=PATIENT_S) as desk:
        _listens(desk)
        desk.broker.next_submit.append(script)
        order = await desk.place(buy())
        assert order == desk.now(order)
        assert order.state is not OrderState.SENDING


async def test_a_crash_after_the_word_loses_neither_the_order_nor_its_place_i1(tmp_path: Path) -> None:
    async with opened(tmp_path, answers_when_heard=True, linger_s=PATIENT_S) as desk:
        _listens(desk)
        order = await desk.place(buy())
        await desk.crash()
    again = make(tmp_path, broker=desk.broker, clock=desk.clock)
    await again.gateway.start()
    await again.until(lambda: again.now(order).state is OrderState.WORKING)
    assert (again.now(order).order_id, again.sent("submit")) == (order.order_id, 1)
    await again.crash()


async def test_an_act_that_is_refused_leaves_what_waited_to_be_written(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault, desk.journal.fault_when = Conflict("twice"), lambda entries: _has(entries, "act")
        desk.ctx.writer.leave([_note("waits")])
        with pytest.raises(Conflict):
            await desk.ctx.writer.commit_act([_note("act")])
        await desk.ctx.writer.idle()
        assert _topics(desk) == ["waits"]


async def test_an_act_is_not_refused_for_what_only_waited(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault, desk.journal.fault_when = Conflict("twice"), lambda entries: _has(entries, "waits")
        desk.ctx.writer.leave([_note("waits")])
        await desk.ctx.writer.commit_act([_note("act")])
        assert _topics(desk) == ["act"]


async def test_a_fault_under_an_act_keeps_what_waited_for_the_next_try(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: True
        desk.ctx.writer.leave([_note("waits")])
        with pytest.raises(JournalFault):
            await desk.ctx.writer.commit_act([_note("act")])
        desk.journal.fault_when = lambda entries: False
        await desk.wait(2)
        assert _topics(desk) == ["waits"]


async def test_what_goes_along_with_an_act_is_not_idle_before_it_is_durable_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        slow = asyncio.Event()
        desk.journal.hold_when = lambda entries: slow if _has(entries, "act") else None
        desk.ctx.writer.leave([_note("waits")])
        act = asyncio.ensure_future(desk.ctx.writer.commit_act([_note("act")]))
        await desk.wait()
        idle = asyncio.ensure_future(desk.ctx.writer.idle())
        await desk.wait()
        assert not idle.done()
        slow.set()
        await asyncio.gather(act, idle)
        assert _topics(desk) == ["waits", "act"]


async def test_an_act_broken_off_leaves_nothing_to_be_written_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.hold_when = lambda entries: asyncio.Event() if _has(entries, "act") else None
        desk.ctx.writer.leave([_note("waits")])
        act = asyncio.ensure_future(desk.ctx.writer.commit_act([_note("act")]))
        await desk.wait()
        act.cancel()
        with pytest.raises(asyncio.CancelledError):
            await act
        await desk.ctx.writer.idle()
        assert _topics(desk) == ["waits", "act"]


async def test_an_act_is_not_refused_for_what_waited_and_cannot_even_be_encoded(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault = ValueError("cannot be encoded")  # type: ignore[assignment]
        desk.journal.fault_when = lambda entries: _has(entries, "waits")
        desk.ctx.writer.leave([_note("waits")])
        await desk.ctx.writer.commit_act([_note("act")])
        await desk.ctx.writer.idle()
        assert _topics(desk) == ["act"]


def _has(entries: object, topic: str) -> bool:
    assert isinstance(entries, tuple | list)
    return any(isinstance(entry, NoteEntry) and entry.topic == topic for entry in entries)


def _topics(desk: Desk) -> list[str]:
    notes = (r.entry for r in desk.gateway.journal.read(kinds=frozenset({"note"})))
    return [note.topic for note in notes if isinstance(note, NoteEntry) and note.topic in {"waits", "act"}]


def _folder(root: Path, name: str) -> Path:
    folder = root / name
    folder.mkdir()
    return folder

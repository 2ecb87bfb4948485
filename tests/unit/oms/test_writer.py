"""The writer: in groups, never folding what is not durable, never leaving anybody to wait (RELIABILITY 10)."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path

import pytest

from floorbroker.domain import facts as f
from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.ports import Entry, FactEntry, NoteEntry
from floorbroker.oms import writer as room
from floorbroker.oms.book import Change
from floorbroker.store import StaleEpoch
from tests.support.fake_broker import buy
from tests.support.house import PROFILE, Desk, opened

pytestmark = pytest.mark.asyncio


def _note(topic: str, **data: str) -> NoteEntry:
    return NoteEntry(profile=PROFILE, topic=topic, data=data)


def _topics(desk: Desk) -> list[str]:
    notes = (r.entry for r in desk.gateway.journal.read(kinds=frozenset({"note"})))
    return [note.topic for note in notes if isinstance(note, NoteEntry) and note.topic.startswith("t")]


async def test_a_fault_is_told_to_who_waits_and_the_entries_are_written_later_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await desk.ctx.writer.write([_note("t1")])
        with pytest.raises(JournalFault):
            await desk.ctx.writer.write([_note("t2")])
        assert (_topics(desk), bool(desk.faults)) == ([], True)
        desk.journal.fault_when = lambda entries: False
        await desk.wait(2)
        assert _topics(desk) == ["t1", "t2"]
        await desk.ctx.writer.write([_note("t3")])


async def test_one_entry_the_journal_objects_to_does_not_hold_up_the_others(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        for fault in (Conflict("seen"), ValueError("cannot be encoded")):
            desk.journal.fault = fault  # type: ignore[assignment]
            desk.journal.fault_when = lambda entries: any(_is_bad(e) for e in entries)
            await asyncio.gather(*(desk.ctx.writer.write([_note(topic)]) for topic in ("t1", "bad", "t2")))
        assert _topics(desk) == ["t1", "t2", "t1", "t2"]


def _is_bad(entry: Entry) -> bool:
    return isinstance(entry, NoteEntry) and entry.topic == "bad"


async def test_who_writes_alone_takes_along_what_lingers_and_waits_for_no_other_task(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        writer = desk.ctx.writer
        writer.leave([_note("t1")])
        write = writer.write([_note("t2")], alone=True)
        with pytest.raises(StopIteration):  # through in one go: nothing on the way was waited for
            write.send(None)
        assert _topics(desk) == ["t1", "t2"]


async def test_nobody_writes_alone_while_others_wait(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        slow = asyncio.Event()
        desk.journal.hold_when = lambda entries: slow
        writes = [asyncio.ensure_future(desk.ctx.writer.write([_note("t1")]))]
        await desk.wait()
        writes += [asyncio.ensure_future(desk.ctx.writer.write([_note(t)], alone=True)) for t in ("t2", "t3")]
        await desk.wait()
        assert [write.done() for write in writes] == [False] * 3
        slow.set()
        await asyncio.gather(*writes)
        assert _topics(desk) == ["t1", "t2", "t3"]


async def test_a_fault_met_alone_is_told_and_the_entries_are_written_later_i19(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await desk.ctx.writer.write([_note("t1")], alone=True)
        desk.journal.fault_when = lambda entries: False
        await desk.wait(2)
        assert _topics(desk) == ["t1"]


async def test_a_write_alone_that_is_broken_off_is_not_written_twice(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        slow = asyncio.Event()
        desk.journal.hold_when = lambda entries: None if slow.is_set() else slow
        write = asyncio.ensure_future(desk.ctx.writer.write([_note("t1")], alone=True))
        await desk.wait()
        write.cancel()
        await asyncio.gather(write, return_exceptions=True)
        slow.set()
        await desk.ctx.writer.idle()
        await desk.ctx.writer.write([_note("t2")])
        assert _topics(desk) == ["t1", "t2"]


async def test_one_thing_told_several_times_in_a_group_is_written_once(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order = await desk.place(buy())
        at = desk.ctx.clock.now()
        told = [f.CancelAsked(source=f.Source.OWN, at=at + timedelta(seconds=n), request_id="r") for n in range(3)]
        entries: list[Entry] = [
            FactEntry(profile=PROFILE, intent_id=order.intent_id, fact=fact) for fact in (*told, told[0])
        ]
        await desk.ctx.writer.write(entries)
        written = [fact for fact in desk.ctx.book.facts(order.intent_id) if isinstance(fact, f.CancelAsked)]
        assert written == told[:1]


async def test_what_one_record_does_to_a_listener_does_not_keep_the_next_from_being_told(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        order, told = await desk.place(buy()), list[str]()

        def listen(change: Change) -> None:
            assert isinstance(change.record.entry, FactEntry)
            told.append(change.record.entry.fact.kind)
            if len(told) == 1:
                raise ValueError("a bug of a listener")

        desk.ctx.writer.on_change = listen
        at = desk.ctx.clock.now()
        facts: list[f.Fact] = [
            f.CancelAsked(source=f.Source.OWN, at=at, request_id="r"),
            f.CancelRefused(source=f.Source.REPLY, at=at, request_id="r"),
        ]
        await desk.ctx.writer.write(
            [FactEntry(profile=PROFILE, intent_id=order.intent_id, fact=fact) for fact in facts]
        )
        assert told == ["cancel_asked", "cancel_refused"]
        assert {"journal.unforeseen", "journal.fold_failed"} <= set(desk.log.events)


async def test_a_journal_owned_by_another_takes_nothing_and_says_so_i18(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault = StaleEpoch("epoch 1 is stale")
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault, match="stale"):
            await desk.ctx.writer.write([_note("t1")])
        assert _topics(desk) == []


async def test_what_the_full_ring_drops_is_told_to_who_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(room, "MAX_HELD", 2)
    async with opened(tmp_path) as desk:
        slow = asyncio.Event()
        desk.journal.hold_when = lambda entries: slow
        waiting = [asyncio.ensure_future(desk.ctx.writer.write([_note(f"t{n}")])) for n in range(4)]
        await desk.wait()
        slow.set()
        found = await asyncio.gather(*waiting, return_exceptions=True)
        assert any(isinstance(f, JournalFault) for f in found)
        assert "journal.ring_full" in desk.log.events


async def test_nobody_waits_for_a_writer_that_has_stopped(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        await desk.service.stop()
        with pytest.raises(JournalFault, match="stopped"):
            await desk.ctx.writer.write([_note("t1")])


async def test_a_fault_that_must_stop_the_process_is_reported_by_an_act_too(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.journal.fault = JournalFault("the disk failed", fatal=True)
        desk.journal.fault_when = lambda entries: True
        with pytest.raises(JournalFault):
            await desk.ctx.writer.commit_act([_note("t1")])
        assert [fault.fatal for fault in desk.faults] == [True]

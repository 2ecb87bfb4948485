"""The digest of a journal, and the state that every replay gives."""

from __future__ import annotations

import json
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain import facts as f
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.fold import OrderFold
from floorbroker.domain.ports import Entry, FactEntry, Record
from floorbroker.domain.values import ExecId, IntentId, OrderId, Price, Quantity, Side
from floorbroker.store import JournalReader, digest, journal_lines
from tests.unit.store.making import PROFILE, START, audited, intent, keyed, note, opened, prepared, submit

pytestmark = pytest.mark.asyncio


async def digested(path: Path, batches: list[list[Entry]], *, step_s: float = 1.0) -> str:
    clock = ManualClock(START)
    journal = opened(path, clock=clock)
    for batch in batches:
        await journal.commit(batch)
        await clock.advance(step_s)
    made = digest(journal.reader)
    await journal.close()
    return made


async def test_two_runs_that_did_the_same_have_the_same_digest(tmp_path: Path) -> None:
    work = [submit(1), [note(state="open")], submit(2)]
    first = await digested(tmp_path / "a.db", work)
    assert first == await digested(tmp_path / "b.db", work)
    assert len(first) == 64


@pytest.mark.parametrize(
    "other",
    [
        [submit(1), [note(state="shut")]],
        [submit(1)],
        [[note(state="open")], submit(1)],
        [[*submit(1)[:2], audited(2), *submit(1)[3:]], [note(state="open")]],
    ],
    ids=["a word", "shorter", "another order", "another audit row"],
)
async def test_a_difference_anywhere_shows_in_the_digest(tmp_path: Path, other: list[list[Entry]]) -> None:
    assert await digested(tmp_path / "a.db", [submit(1), [note(state="open")]]) != await digested(
        tmp_path / "b.db", other
    )


async def test_time_is_part_of_the_digest(tmp_path: Path) -> None:
    work = [submit(1), submit(2)]
    assert await digested(tmp_path / "a.db", work) != await digested(tmp_path / "b.db", work, step_s=2.0)


async def test_the_export_is_one_object_per_record(tmp_path: Path) -> None:
    journal = opened(tmp_path / "j.db")
    await journal.commit([keyed(1), note(a="b")])
    first, second = (json.loads(line) for line in journal_lines(journal.reader))
    assert (first["seq"], first["kind"], first["intent_id"]) == ("1", "key", intent(1))
    assert json.loads(second["body"]) == {"v": 1, "k": "note", "d": {"topic": "latch", "data": {"a": "b"}}}
    assert len(list(journal_lines(journal.reader, after=1))) == 1
    await journal.close()


async def test_a_digest_can_be_taken_beside_the_writer_and_after_it(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    made = await digested(path, [submit(1)])
    reader = JournalReader(path)
    assert digest(reader) == made
    reader.close()


# --- State -----------------------------------------------------------------------------------------------------------

QTYS = st.integers(1, 400).map(lambda n: Quantity(Decimal(n) / 100))
PXS = st.sampled_from(["187.5", "187.50", "1.875E+2", "0.01"]).map(lambda text: Price(Decimal(text)))
WORDS = st.sampled_from([f.Ack, f.Working, f.Cancelled, f.Filled, f.Expired])
ORDER_IDS = st.sampled_from([OrderId("v-1"), OrderId("v-2")])
NEWS = st.one_of(
    st.builds(lambda cls, order_id: cls(source=f.Source.STREAM, at=START, order_id=order_id), WORDS, ORDER_IDS),
    st.builds(
        f.Exec, source=st.sampled_from(f.Source), at=st.just(START), exec_id=st.sampled_from("abcd").map(ExecId),
        order_id=ORDER_IDS, side=st.just(Side.BUY), last_qty=QTYS, last_px=PXS, version=st.integers(0, 1),
    ),
    st.builds(f.Cum, source=st.just(f.Source.QUERY), at=st.just(START), order_id=ORDER_IDS, cum_qty=QTYS, avg_px=PXS),
    st.builds(
        f.Void, source=st.just(f.Source.STREAM), at=st.just(START), exec_id=st.sampled_from("abcd").map(ExecId),
        order_id=ORDER_IDS,
    ),
)  # fmt: skip


def state_of(records: list[Record]) -> bytes:
    """Every order as its facts show it, in full."""
    folds: dict[IntentId, OrderFold] = {}
    for record in records:
        if isinstance(entry := record.entry, FactEntry):
            folds.setdefault(entry.intent_id, OrderFold(entry.intent_id)).add(entry.fact)
    return repr([folds[intent_id].view() for intent_id in sorted(folds)]).encode()


@given(st.lists(st.tuples(st.integers(1, 2), NEWS), max_size=12))
async def test_every_replay_yields_byte_equal_state(told: list[tuple[int, f.Fact]]) -> None:
    """I26: live, replayed, and replayed by the next owner."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "j.db")
        journal = opened(path)
        live = list(await journal.commit([prepared(1), prepared(2)]))
        for number, fact in told:
            live += await journal.commit([FactEntry(profile=PROFILE, intent_id=intent(number), fact=fact)])
        replayed = state_of(list(journal.replay()))
        journal.abandon()
        again = opened(path)
        assert state_of(live) == replayed == state_of(list(again.replay()))
        await again.close()

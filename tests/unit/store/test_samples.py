"""Journals of every schema that was ever released: they open, are migrated, and say what they said."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from floorbroker.domain.values import Environment
from floorbroker.store.ddl import HEAD
from floorbroker.store.export import journal_lines
from floorbroker.store.reader import JournalReader
from tests.unit.store.making import note, opened
from tests.unit.store.sample import CURRENT, SAMPLES, orders_of

pytestmark = pytest.mark.asyncio
samples = pytest.mark.parametrize("sample", sorted(SAMPLES.iterdir()), ids=lambda path: path.name)


def laid_down(sample: Path, folder: Path) -> Path:
    """The journal of a sample, as its build left it on the disk."""
    path = folder / "journal-paper.db"
    raw = sqlite3.connect(path)
    raw.executescript((sample / "journal.sql").read_text("utf-8"))
    raw.close()
    return path


@samples
async def test_a_journal_of_each_released_schema_replays_to_what_it_was_i26(sample: Path, tmp_path: Path) -> None:
    path = laid_down(sample, tmp_path)
    expected = (sample / "export.jsonl").read_bytes().splitlines()
    journal = opened(path)
    reader = JournalReader(path)
    assert list(journal_lines(reader)) == expected
    assert orders_of(reader) == (sample / "orders.txt").read_text("utf-8").splitlines()
    (record,) = await journal.commit([note("after", the="migration")])
    assert record.seq == len(expected) + 1
    assert (reader.environment, reader.last_seq) == (Environment.PAPER, record.seq)
    reader.close()
    await journal.close()
    with closing(sqlite3.connect(path)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (HEAD,)


async def test_the_current_schema_has_its_sample() -> None:
    """Whoever changes the schema records what the build before left: `python -m tests.unit.store.sample`."""
    assert CURRENT in {path.name for path in SAMPLES.iterdir()}

"""Audit rows in canonical form, and their export without gaps or doubles."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.values import Environment
from floorbroker.store import AuditExporter, SqliteJournal, audit_lines, audit_tail
from floorbroker.store.audit import audit_line
from tests.unit.store.making import audited, keyed, note, opened, submit

pytestmark = pytest.mark.asyncio


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal-paper.db"


async def filled(path: Path, rows: int) -> SqliteJournal:
    journal = opened(path)
    for number in range(1, rows + 1):
        await journal.commit([note(), audited(number)])
    return journal


def numbers(folder: Path) -> list[int]:
    return [
        int(json.loads(line)["seq"]) for file in sorted(folder.iterdir()) for line in file.read_bytes().splitlines()
    ]


async def test_a_row_says_who_did_what_where_and_how_it_ended(path: Path) -> None:
    journal = opened(path)
    await journal.commit(submit(1))
    (line,) = audit_lines(journal.reader, node="desk-1")
    assert json.loads(line) == {
        "v": "1", "seq": "1", "ts": "2026-03-02T14:30:00.000000000Z", "mono": "0", "node": "desk-1", "epoch": "1",
        "actor": "owner", "via": "cli", "action": "order.submit", "object": "intent-000001", "env": "paper",
        "profile": "alpaca-paper", "outcome": "sent", "reason": "", "req": "req-1",
        "detail": {"symbol": "AAPL", "qty": "10"},
    }  # fmt: skip
    await journal.close()


async def test_a_row_is_canonical(path: Path) -> None:
    journal = await filled(path, 2)
    for line in audit_lines(journal.reader, node="n"):
        assert line == rfc8785.dumps(json.loads(line))
    await journal.close()


async def test_rows_are_numbered_without_gaps_whatever_was_refused_between(path: Path) -> None:
    journal = await filled(path, 1)
    await journal.commit([keyed(1)])
    with pytest.raises(Conflict):
        await journal.commit([audited(7), keyed(1)])
    await journal.commit([audited(8), audited(9)])
    rows = [json.loads(line) for line in audit_lines(journal.reader, node="n")]
    assert [(row["seq"], row["object"][-1]) for row in rows] == [("1", "1"), ("2", "8"), ("3", "9")]
    await journal.close()


async def test_what_is_no_audit_record_has_no_audit_line(path: Path) -> None:
    journal = opened(path)
    (record,) = await journal.commit([note()])
    with pytest.raises(JournalFault, match="no audit row"):
        audit_line(record, number=1, mono_us=0, node="n", environment=Environment.PAPER)
    await journal.close()


async def test_the_tail_is_the_newest_rows_oldest_first(path: Path) -> None:
    journal = await filled(path, 5)
    assert [json.loads(line)["seq"] for line in audit_tail(journal.reader, 2, node="n")] == ["4", "5"]
    assert len(audit_tail(journal.reader, 50, node="n")) == 5
    assert audit_tail(journal.reader, 0, node="n") == []
    await journal.close()


async def test_the_export_holds_what_the_journal_holds(path: Path, tmp_path: Path) -> None:
    journal = await filled(path, 3)
    exporter = AuditExporter(journal.reader, tmp_path / "audit", node="n")
    assert exporter.export() == 3
    await journal.commit([audited(4)])
    assert exporter.export() == 4
    assert exporter.export() == 4
    (file,) = exporter.segments()
    assert file.name == "paper-000001.jsonl"
    assert file.read_bytes() == b"".join(line + b"\n" for line in audit_lines(journal.reader, node="n"))
    assert file.stat().st_mode & 0o777 == 0o600
    await journal.close()


async def test_the_export_goes_on_in_a_new_segment_when_one_is_full(path: Path, tmp_path: Path) -> None:
    journal = await filled(path, 1)
    for number in range(2, 6):
        AuditExporter(journal.reader, tmp_path / "audit", node="n", segment_bytes=500).export()
        await journal.commit([audited(number)])
    exporter = AuditExporter(journal.reader, tmp_path / "audit", node="n", segment_bytes=500)
    exporter.export()
    assert numbers(tmp_path / "audit") == [1, 2, 3, 4, 5]
    assert [p.name for p in exporter.segments()] == ["paper-000001.jsonl", "paper-000002.jsonl", "paper-000003.jsonl"]

    exporter.segments()[0].unlink()  # archived elsewhere
    await journal.commit([audited(6), audited(7), audited(8)])
    exporter.export()
    assert numbers(tmp_path / "audit") == [3, 4, 5, 6, 7, 8]
    await journal.close()


@given(share=st.floats(0, 1))
async def test_an_export_cut_at_any_byte_is_completed_without_a_gap_or_a_double(
    share: float, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("cut")
    journal = await filled(folder / "journal-paper.db", 4)
    AuditExporter(journal.reader, folder / "audit", node="n").export()
    file = folder / "audit" / "paper-000001.jsonl"
    whole = file.read_bytes()
    file.write_bytes(whole[: int(len(whole) * share)])
    assert AuditExporter(journal.reader, folder / "audit", node="n").export() == 4
    assert file.read_bytes() == whole
    await journal.close()
    shutil.rmtree(folder)


async def test_a_foreign_line_in_an_audit_file_is_not_built_upon(path: Path, tmp_path: Path) -> None:
    journal = await filled(path, 1)
    (tmp_path / "audit").mkdir()
    (tmp_path / "audit" / "paper-000001.jsonl").write_text("hello\n")
    with pytest.raises(JournalFault, match="no audit row"):
        AuditExporter(journal.reader, tmp_path / "audit", node="n").export()
    await journal.close()


async def test_an_export_that_cannot_write_says_so_and_goes_on_later(path: Path, tmp_path: Path) -> None:
    journal = await filled(path, 2)
    folder = tmp_path / "audit"
    folder.write_text("a file stands in the way")
    exporter = AuditExporter(journal.reader, folder, node="n")
    with pytest.raises(JournalFault, match="cannot be written"):
        exporter.export()
    folder.unlink()
    assert exporter.export() == 2
    assert numbers(folder) == [1, 2]
    await journal.close()


async def test_what_a_failed_write_left_behind_is_not_written_twice(path: Path, tmp_path: Path) -> None:
    journal = await filled(path, 2)
    folder, aside = tmp_path / "audit", tmp_path / "aside"
    exporter = AuditExporter(journal.reader, folder, node="n")
    exporter.export()
    await journal.commit([audited(3), audited(4)])
    folder.rename(aside)
    folder.write_text("a file stands in the way")
    with pytest.raises(JournalFault, match="cannot be written"):
        exporter.export()
    folder.unlink()
    aside.rename(folder)
    with exporter.segments()[0].open("ab") as file:
        file.write(audit_tail(journal.reader, 2, node="n")[0] + b"\n")  # the first of two lines got through
    assert exporter.export() == 4
    assert numbers(folder) == [1, 2, 3, 4]
    await journal.close()

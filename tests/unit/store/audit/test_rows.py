"""Audit rows in canonical form."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.domain.errors import Conflict, JournalFault
from floorbroker.domain.ports import AuditEntry, Record
from floorbroker.domain.values import Environment
from floorbroker.store import SqliteJournal, audit_lines, audit_tail
from floorbroker.store.audit.rows import audit_line, audit_row, canonical
from tests.unit.store.making import PROFILE, START, audited, keyed, note, opened, submit


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal-paper.db"


async def filled(path: Path, rows: int) -> SqliteJournal:
    journal = opened(path)
    for number in range(1, rows + 1):
        await journal.commit([note(), audited(number)])
    return journal


@pytest.mark.asyncio
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


@pytest.mark.asyncio
async def test_a_row_is_canonical(path: Path) -> None:
    journal = await filled(path, 2)
    for line in audit_lines(journal.reader, node="n"):
        assert line == rfc8785.dumps(json.loads(line))
    await journal.close()


@pytest.mark.asyncio
async def test_rows_are_numbered_without_gaps_whatever_was_refused_between(path: Path) -> None:
    journal = await filled(path, 1)
    await journal.commit([keyed(1)])
    with pytest.raises(Conflict):
        await journal.commit([audited(7), keyed(1)])
    await journal.commit([audited(8), audited(9)])
    rows = [json.loads(line) for line in audit_lines(journal.reader, node="n")]
    assert [(row["seq"], row["object"][-1]) for row in rows] == [("1", "1"), ("2", "8"), ("3", "9")]
    await journal.close()


@pytest.mark.asyncio
async def test_what_is_no_audit_record_has_no_audit_line(path: Path) -> None:
    journal = opened(path)
    (record,) = await journal.commit([note()])
    with pytest.raises(JournalFault, match="no audit row"):
        audit_line(record, number=1, mono_us=0, node="n", environment=Environment.PAPER)
    await journal.close()


@pytest.mark.asyncio
async def test_the_tail_is_the_newest_rows_oldest_first(path: Path) -> None:
    journal = await filled(path, 5)
    assert [json.loads(line)["seq"] for line in audit_tail(journal.reader, 2, node="n")] == ["4", "5"]
    assert len(audit_tail(journal.reader, 50, node="n")) == 5
    assert audit_tail(journal.reader, 0, node="n") == []
    await journal.close()


TEXT = st.text(st.characters(exclude_categories=("Cs",)))


@given(words=st.lists(TEXT, min_size=8, max_size=8), detail=st.dictionaries(TEXT, TEXT, max_size=6))
def test_any_text_is_written_as_rfc_8785_writes_it(words: list[str], detail: dict[str, str]) -> None:
    actor, via, action, target, outcome, reason, req, node = words
    entry = AuditEntry(
        actor=actor, via=via, action=action, object=target, profile=PROFILE, outcome=outcome, reason=reason, req=req,
        detail=detail,
    )  # fmt: skip
    record = Record(seq=7, epoch=3, at=START, entry=entry)
    line = canonical(audit_row(record, number=5, mono_us=11, node=node, environment="paper"))
    assert line == rfc8785.dumps(json.loads(line))
    assert json.loads(line)["detail"] == detail


def test_members_beyond_the_basic_plane_are_ordered_as_rfc_8785_orders_them() -> None:
    entry = replace(audited(1), detail={"\ufb33": "1", "\U0001f600": "2", "\r": "3"})
    line = canonical(
        audit_row(Record(seq=1, epoch=1, at=START, entry=entry), number=1, mono_us=0, node="n", environment="paper")
    )
    assert list(json.loads(line)["detail"]) == ["\r", "\U0001f600", "\ufb33"]

"""What the verifier says with what is at hand, and what it can not say."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
import rfc8785
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from floorbroker.domain.errors import NotFound
from floorbroker.domain.secret import Secret
from floorbroker.store.audit.evidence import Finding, Verdict
from floorbroker.store.audit.files import Files
from floorbroker.store.audit.records import Line, sealed
from floorbroker.store.audit.rows import canonical
from floorbroker.store.audit.walk import row_in
from tests.unit.store.audit.chains import Desk, row, rows
from tests.unit.store.audit.tampering import RECORDS, World, made

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made_world = await made(tmp_path)
    yield made_world
    made_world.reader.close()


def found(verdict: Verdict) -> Finding:
    assert verdict.finding is not None
    return verdict.finding


def cut(desk: Desk, *, keep: int) -> None:
    """The chain up to a record, and nothing behind it."""
    for _, path in desk.places.segments():
        lines = path.read_bytes().splitlines(keepends=True)
        at = next((n for n, line in enumerate(lines) if b'"seq":"%d"' % (keep + 1) in line), None)
        if at is not None:
            path.write_bytes(b"".join(lines[:at]))
            for _, later in desk.places.segments():
                if later > path:
                    later.unlink()
            return


async def test_a_whole_chain_is_sound_and_it_is_said_what_was_looked_at(world: World) -> None:
    verdict = world.desk.verify(journal=world.reader, copy=world.copy, first_from="from the vault")
    assert (verdict.ok, verdict.first, verdict.last, verdict.records, verdict.waiting) == (True, 1, RECORDS, RECORDS, 0)
    assert (verdict.segments, verdict.remarks) == (len(world.segments), [])
    assert verdict.used == (
        "the MAC of every record, with the first key from the vault",
        "the signed checkpoints, with the public key beside the records",
        "the end that the key of the chain knows",
        "the rows of the journal, and the checkpoints it remembers",
        f"the copy in {world.copy}",
    )


async def test_nothing_to_verify_is_no_proof(tmp_path: Path, world: World) -> None:
    with pytest.raises(NotFound, match="no audit of paper"):
        Desk(tmp_path / "nowhere").verify(public=world.desk.evidence().public)


async def test_with_the_public_key_alone_a_change_is_named_up_to_its_checkpoint(world: World) -> None:
    name, lines = next(iter(world.segments.items()))
    (world.desk.folder / name).write_bytes(b"".join(lines).replace(b'"req-2"', b'"req-X"'))
    assert found(world.desk.verify()).seq == 2
    assert found(world.desk.verify()).detail == "the MAC of record 2 does not fit what it says"
    public = found(world.desk.verify(first=None))
    assert (public.kind, public.seq) == ("changed", 1)
    assert public.detail == "one of the records 1 to 3 is not the one that was signed"


async def test_another_first_key_proves_nothing(world: World) -> None:
    assert found(world.desk.verify(first=Secret("00" * 32))).seq == 1


async def test_a_truncation_is_known_to_whoever_remembers_the_end(world: World) -> None:
    cut(world.desk, keep=33)
    assert (found(world.desk.verify()).kind, found(world.desk.verify()).seq) == ("truncated", 34)
    world.desk.places.key.unlink()
    by_journal = found(world.desk.verify(journal=world.reader))
    assert (by_journal.kind, by_journal.seq) == ("truncated", 34)
    by_copy = found(world.desk.verify(copy=world.copy))
    assert (by_copy.kind, by_copy.seq) == ("truncated", 34)
    assert world.desk.verify().ok  # by nobody else: the pages say so


async def test_a_journal_that_says_something_else_is_named_by_the_row(world: World) -> None:
    (world.root / "other").mkdir()
    other = await made(world.root / "other", seed=2)
    verdict = other.desk.verify(journal=world.reader)
    assert found(verdict).kind == "key"  # the journal knows whose chain its rows leave in
    other.reader.close()


async def test_rows_that_wait_are_counted_and_are_no_fault(world: World) -> None:
    from tests.unit.store.making import audited, opened

    journal = opened(world.root / "journal-paper.db")
    await journal.commit([audited(91), audited(92)])
    verdict = world.desk.verify(journal=world.reader)
    assert (verdict.ok, verdict.waiting) == (True, 2)
    await journal.close()


async def test_archived_segments_are_missing_unless_they_are_said_to_be(world: World) -> None:
    _, oldest = world.desk.places.segments()[0]
    oldest.unlink()
    missing = found(world.desk.verify(journal=world.reader))
    assert (missing.kind, missing.seq) == ("missing", 1)
    verdict = world.desk.verify(journal=world.reader, copy=world.copy, is_archived=True)
    assert (verdict.ok, verdict.last) == (True, RECORDS)
    assert verdict.first > 1
    assert verdict.remarks == [f"records 1 to {verdict.first - 1} are not here; the chain goes on from its signed head"]


async def test_a_segment_in_the_middle_is_missing_whatever_is_said(world: World) -> None:
    _, middle = world.desk.places.segments()[1]
    middle.unlink()
    missing = found(world.desk.verify(is_archived=True))
    assert (missing.kind, missing.detail) == ("missing", "segment 2 is missing")


async def test_a_copy_that_holds_something_else_is_named(world: World) -> None:
    theirs = world.copy / "paper-000002.jsonl"
    theirs.write_bytes(theirs.read_bytes().replace(b'"qty":"10"', b'"qty":"99"', 1))
    differs = found(world.desk.verify(copy=world.copy))
    assert (differs.kind, differs.where.partition(":")[0]) == ("copy", "paper-000002.jsonl")


async def test_a_key_of_another_chain_is_told(world: World, tmp_path: Path) -> None:
    other = Desk(tmp_path / "other")
    other.write(2)
    assert found(world.desk.verify(public=other.evidence().public)).kind == "key"
    world.desk.places.key.write_bytes(b"nothing")
    assert found(world.desk.verify()).kind == "key"


async def test_a_chain_without_records_is_sound(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "audit")
    desk.chain()
    verdict = desk.verify()
    assert (verdict.ok, verdict.last, verdict.segments) == (True, 0, 1)


class Stopping(Files):
    """A process that ends between the lines and the key."""

    def open(self, path: Path) -> int:
        if path.suffix == ".key":
            raise KeyboardInterrupt
        return super().open(path)


async def test_what_a_crash_left_is_a_remark_and_a_forgery_there_is_a_finding(tmp_path: Path) -> None:
    desk = Desk(tmp_path / "audit")
    desk.write(5)
    chain = desk.chain()
    chain.files = Stopping()
    with pytest.raises(KeyboardInterrupt):
        chain.extend(rows(2, after=5), at=desk.at)
    assert desk.verify().remarks == ["2 records of a batch that was not finished; the next start makes it again"]
    _, path = desk.places.segments()[-1]
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert len(desk.verify().remarks) == 2
    path.write_bytes(whole.replace(b'"req-7"', b'"req-X"'))
    assert found(desk.verify()).seq == 7


@pytest.mark.parametrize("member", [b"sig", b"root", b"frontier"])
async def test_a_hash_or_signature_in_other_letters_is_another_one(tmp_path: Path, member: bytes) -> None:
    """Each has one spelling: `AB` for `ab` would be a change that nobody sees."""
    desk = Desk(tmp_path / "audit")
    desk.write(24)
    _, oldest = desk.places.segments()[0]
    oldest.unlink()
    _, path = desk.places.segments()[0]
    first, *more = path.read_bytes().splitlines(keepends=True)
    start = first.index(b'"' + member + b'":')
    shouted = first[:start] + first[start:].replace(b'"' + member + b'"', b"\0", 1).upper().replace(
        b"\0", b'"' + member + b'"'
    )
    for word in (b"SIZE", b"TS", b"V", b"ENV", b"FRONTIER", b"KIND", b"NUMBER", b"SIG", b"ROOT", b"PAPER", b"SEGMENT"):
        shouted = shouted.replace(b'"' + word + b'"', b'"' + word.lower() + b'"')
    assert shouted != first
    path.write_bytes(b"".join([shouted, *more]))
    assert found(desk.verify(is_archived=True)).kind == "segment"


TRAPS = ['"mac":"', ',"prev":"x",', '"mono":"1"', "mac", "prev", "mono", "profile"]
WORD = st.text(st.characters(exclude_categories=("Cs",))) | st.sampled_from(TRAPS)


@given(words=st.lists(WORD, min_size=9, max_size=9), detail=st.dictionaries(WORD, WORD, max_size=4))
async def test_the_row_in_a_line_is_found_whatever_its_texts_are(words: list[str], detail: dict[str, str]) -> None:
    action, actor, node, target, outcome, profile, reason, req, via = words
    bare = replace(
        row(7), action=action, actor=actor, node=node, object=target, outcome=outcome, profile=profile, reason=reason,
        req=req, via=via, detail=dict(sorted(detail.items(), key=lambda item: item[0].encode("utf-16-be"))),
    )  # fmt: skip
    line, mac = sealed(bare, key=b"k" * 32, prev="ab" * 32)
    assert row_in(line) == canonical(bare)
    assert msgspec.json.decode(line, type=Line).mac == mac
    assert rfc8785.dumps(json.loads(line)) == line

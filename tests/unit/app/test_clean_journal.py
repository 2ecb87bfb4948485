"""What venues and errors say is cleaned before it becomes durable; identifiers and numbers are not."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from datetime import UTC, datetime
from pathlib import Path

import pytest

from floorbroker.app.clean_journal import TELLING, CleanJournal, clean_entry
from floorbroker.app.redactor import STARS, SecretFilter
from floorbroker.domain import facts as f
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import AuditEntry, Entry, FactEntry, KeyEntry, NoteEntry
from floorbroker.domain.values import Environment, IntentId, OrderId, ProfileName
from floorbroker.store.sqlite import SqliteJournal

KEY = "PKQ7ZT2LV9XW4RN8AHCD"
NOON = datetime(2026, 3, 2, 15, tzinfo=UTC)
ME, INTENT = ProfileName("me"), IntentId("0195a1b2-0000-7000-8000-000000000001")
OWN = {"source": f.Source.OWN, "at": NOON}


@dataclass
class Counted:
    """How often the filter was asked."""

    texts: list[str] = field(default_factory=list)

    def __call__(self, text: str) -> str:
        self.texts.append(text)
        return text.replace(KEY, STARS)


def _fact(fact: f.Fact) -> FactEntry:
    return FactEntry(profile=ME, intent_id=INTENT, fact=fact)


def _row(via: str) -> AuditEntry:
    return AuditEntry(
        actor="me", via=via, action="order.submit", object="AAPL", profile=ME, outcome="refused",
        reason=f"because {KEY}", detail={"detail": f"no {KEY}", "qty": "1"},
    )  # fmt: skip


TOLD: list[Entry] = [
    _fact(f.Reject(reason=f"r {KEY}", venue_text=f"v {KEY}", **OWN)),
    _fact(f.Unrecognised(text=f"t {KEY}", **OWN)),
    _fact(f.InDoubt(reason=f"api_error: {KEY}", **OWN)),
    _fact(f.NotSent(reason=f"connection_failed: {KEY}", **OWN)),
    _fact(f.CancelRefused(request_id="1", reason=KEY, **OWN)),
    _fact(f.ReplaceRefused(replace_id=INTENT, reason="rejected", venue_text=KEY, **OWN)),
    _row("api"),
    NoteEntry(profile=ME, topic="recon.round", data={"difference": f"AAPL {KEY}"}),
]


@pytest.mark.parametrize("entry", TOLD, ids=lambda e: type(getattr(e, "fact", e)).__name__)
def test_no_word_of_others_becomes_durable_with_a_secret_in_it(entry: Entry) -> None:
    cleaned = clean_entry(entry, Counted())
    assert KEY not in repr(cleaned)
    assert STARS in repr(cleaned)


def test_the_other_members_of_a_fact_stay() -> None:
    entry = _fact(f.Reject(reason=KEY, venue_text="no", order_id=OrderId("V1"), **OWN))
    assert clean_entry(entry, Counted()) == _fact(
        f.Reject(reason=STARS, venue_text="no", order_id=OrderId("V1"), **OWN)
    )


def test_what_holds_no_words_of_others_costs_no_look() -> None:
    clean = Counted()
    entries: list[Entry] = [
        _fact(f.Ack(order_id=OrderId("V1"), **OWN)),
        KeyEntry(principal="me", profile=ME, key="k", body_hash="h", intent_id=INTENT),
        _row("broker"),
    ]
    assert [clean_entry(entry, clean) for entry in entries] == entries
    assert clean.texts == []


def test_what_was_clean_is_the_same_entry() -> None:
    entry = _fact(f.Reject(reason="rejected", venue_text="no", **OWN))
    assert clean_entry(entry, str) is entry


def test_every_fact_with_a_member_for_words_is_known() -> None:
    words = {"reason", "venue_text", "text"}
    assert set(TELLING) == {kind for kind in f.FACTS.values() if words & {member.name for member in fields(kind)}}
    assert f.Reject in TELLING


async def _committed(root: Path, entry: Entry) -> bytes:
    known = SecretFilter()
    known.learn(KEY)
    honest = SqliteJournal.open(root / "j.db", clock=ManualClock(NOON), environment=Environment.SIM, instance_tag=1)
    journal = CleanJournal(honest, known)
    (record,) = await journal.commit([entry])
    assert journal.last_seq == record.seq
    assert [r.entry for r in journal.replay()] == [record.entry]
    await journal.close()
    return b"".join(path.read_bytes() for path in root.iterdir())


@pytest.mark.asyncio
async def test_the_bytes_of_the_journal_hold_no_secret(tmp_path: Path) -> None:
    assert KEY.encode() not in await _committed(tmp_path, _row("api"))

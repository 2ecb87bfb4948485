"""Who came in and who was turned away stands in the audit, and a flood of guesses does not fill the disk."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.app.trail import KNOWN_MAX, REFUSED_PER_MINUTE, Trail
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import JournalFault
from floorbroker.domain.ports import AuditEntry, NoLog
from floorbroker.domain.values import Environment
from tests.support.house import NOON, FaultyJournal
from tests.support.real_floor import TOKEN, House, real_floor
from tests.unit.store.making import opened

pytestmark = pytest.mark.asyncio


def told(house: House) -> list[tuple[str, str, str, str]]:
    rows = [record.entry for record in house.desk.audit(limit=1000) if isinstance(record.entry, AuditEntry)]
    return [(row.actor, row.via, row.action, row.outcome) for row in rows if row.action.startswith("door.")]


async def test_the_first_use_of_a_token_from_an_address_is_a_row_and_the_next_is_none(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as house:
        for _ in range(3):
            assert (await house.http.get("/api/v1/paper/orders")).status_code == 200
        assert told(house) == [("operator", "api", "door.token", "first use")]


async def test_wrong_tokens_are_rows_and_never_stand_in_them(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as house:
        reply = await house.http.get("/api/v1/paper/orders", headers={"Authorization": "Bearer wrong-secret-token"})
        assert reply.status_code == 401
        assert told(house) == [("unknown", "api", "door.token", "wrong token")]
        assert "wrong-secret-token" not in repr(house.desk.audit(limit=1000))


async def test_a_login_and_a_logout_are_rows_and_so_are_guesses(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as house:
        own = {"Authorization": "", "Origin": "http://127.0.0.1:8750"}
        for _ in range(6):
            await house.http.post("/login", data={"token": "guess"}, headers=own)
        assert told(house)[-1] == ("unknown", "page", "door.login", "too many")
        assert told(house)[:-1] == [("unknown", "page", "door.login", "wrong token")] * 5
    async with real_floor(tmp_path / "other") as house:
        assert (await house.http.post("/login", data={"token": TOKEN}, headers=own)).status_code == 303
        assert (await house.http.post("/logout", headers=own)).status_code == 303
        assert [row[2:] for row in told(house)] == [("door.login", "done"), ("door.logout", "done")]


async def test_a_flood_of_guesses_is_a_few_rows_a_minute_and_a_count(tmp_path: Path) -> None:
    clock, journal = ManualClock(NOON), opened(tmp_path / "journal-paper.db")
    trail = Trail(journals={Environment.PAPER: journal}, clock=clock, log=NoLog())
    for _ in range(500):
        await trail.turned_away(via="api", action="door.token", outcome="wrong token", address="203.0.113.9")
    assert journal.reader.audit_count == REFUSED_PER_MINUTE
    await clock.advance(61)
    await trail.turned_away(via="api", action="door.token", outcome="wrong token", address="203.0.113.9")
    entry = journal.read(limit=1000)[-1].entry
    assert isinstance(entry, AuditEntry)
    assert entry.detail == {"not_recorded_before": "490"}
    await journal.close()


async def test_addresses_are_remembered_up_to_a_bound(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal-paper.db")
    trail = Trail(journals={}, clock=ManualClock(NOON), log=NoLog())
    for number in range(KNOWN_MAX + 1):
        await trail.first_use("operator", via="api", address=str(number))
    assert trail.is_new("operator", "api", "0")
    assert not trail.is_new("operator", "api", str(KNOWN_MAX))
    await journal.close()


async def test_a_login_that_cannot_be_recorded_does_not_happen_and_a_token_still_opens(tmp_path: Path) -> None:
    journal = opened(tmp_path / "journal-paper.db")
    faulty = FaultyJournal(journal, fault_when=lambda entries: True)
    trail = Trail(journals={Environment.PAPER: faulty}, clock=ManualClock(NOON), log=NoLog())
    with pytest.raises(JournalFault):
        await trail.came_in("operator", via="page", action="door.login", address="127.0.0.1")
    await trail.first_use("operator", via="api", address="127.0.0.1")
    await trail.turned_away(via="api", action="door.token", outcome="wrong token", address="127.0.0.1")
    assert journal.reader.audit_count == 0
    await journal.close()

"""The audit leaves a running desk within a second, holds new orders up only while it cannot, and never a cancel."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

import pytest

from floorbroker.app.auditing import POLL_S, Auditing
from floorbroker.app.escrow import first_key
from floorbroker.app.home import Home
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import NotReady
from floorbroker.domain.ports import NO_STEPS, NoMeter, Steps
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.oms.schema import parse_order
from floorbroker.store import JournalReader, SqliteJournal, StaleEpoch
from floorbroker.store.audit.checkpoint import read_public
from floorbroker.store.audit.copying import Copy
from floorbroker.store.audit.evidence import Evidence, Verdict
from floorbroker.store.audit.keys import Standing
from floorbroker.store.audit.notes import BEGUN, CHECKPOINT
from floorbroker.store.audit.places import Places
from floorbroker.store.audit.verify import verify
from tests.support.house import FaultyJournal
from tests.support.real_floor import House, real_floor
from tests.unit.app.test_escrow import Safe
from tests.unit.store.making import START, audited, note

pytestmark = pytest.mark.asyncio
CALLER = Caller(principal="tester", via="test")


@dataclass
class Heard:
    """A log that remembers."""

    said: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])

    def info(self, event: str, **members: object) -> None:
        self.said.append((event, str(members.get("detail", ""))))

    warning = error = info


@dataclass
class Desk:
    """A journal, and its audit on the way out."""

    home: Home
    journal: SqliteJournal
    auditing: Auditing
    clock: ManualClock
    log: Heard

    @property
    def places(self) -> Places:
        return self.auditing.places

    async def act(self, number: int) -> None:
        await self.journal.commit([audited(number), note()])

    async def rounds(self, count: int = 1) -> None:
        """So many looks at the journal, and at the copy."""
        for _ in range(count):
            await self.auditing.catch_up()
            await self.clock.advance(0.5)


@asynccontextmanager
async def desk(folder: Path, *, copy: str = "", steps: Steps = NO_STEPS) -> AsyncIterator[Desk]:
    home, clock, log = Home.at(folder), ManualClock(START), Heard()
    journal = SqliteJournal.open(home.journal(Environment.PAPER), clock=clock, environment=Environment.PAPER)
    auditing = Auditing.of(home, journal, clock=clock, log=log, meter=NoMeter(), copy=copy, steps=steps)
    await auditing.start()
    try:
        yield Desk(home, journal, auditing, clock, log)
        await auditing.finish()
    finally:
        auditing.abandon()
        await journal.close()


def proven(home: Home, **given: object) -> Verdict:
    places, reader = Places(home.audit, Environment.PAPER), JournalReader(home.journal(Environment.PAPER))
    evidence = Evidence(
        places=places,
        public=read_public(places.public.read_bytes(), where="the home"),
        public_from="in the home",
        first=Secret(places.first.read_text().strip()),
        journal=reader,
        copy=given.get("copy"),  # pyright: ignore[reportArgumentType] - a folder or nothing
    )
    try:
        return verify(evidence)
    finally:
        reader.close()


def exported(places: Places) -> list[int]:
    lines = [line for _, path in places.segments() for line in path.read_bytes().splitlines()]
    return [int(read["seq"]) for read in map(json.loads, lines) if "action" in read]


async def test_rows_leave_with_the_next_look_and_the_journal_remembers_the_checkpoints(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.act(1)
        await here.rounds(2)
        assert exported(here.places)[-1] >= 1
        await here.act(2)
        await here.clock.advance(61)
        await here.rounds(2)
        (begun,) = here.journal.notes(BEGUN)
        assert begun.entry.profile == "*"
        assert len(here.journal.notes(CHECKPOINT)) == 1
        await here.act(3)
    verdict = proven(here.home)
    assert (verdict.ok, verdict.waiting, verdict.finding) == (True, 0, None)
    assert verdict.checkpoints >= 3  # the beginning, the minute, the end


async def test_a_start_goes_on_and_a_clean_stop_leaves_nothing_behind(tmp_path: Path) -> None:
    for number in range(4):
        async with desk(tmp_path) as here:
            await here.act(number)
    verdict = proven(here.home)
    assert (verdict.ok, verdict.last, verdict.waiting) == (True, 5, 0)  # four acts, and that the chain began
    assert stat_modes(here.home.audit) == {0o600}


def stat_modes(folder: Path) -> set[int]:
    return {path.stat().st_mode & 0o777 for path in folder.iterdir()}


async def with_a_past(root: Path, records: int) -> Home:
    """A home whose journal has audit records that no chain ever saw."""
    home = Home.at(root)
    journal = SqliteJournal.open(
        home.journal(Environment.PAPER), clock=ManualClock(START), environment=Environment.PAPER
    )
    await journal.commit([audited(number) for number in range(records)])
    await journal.close()
    return home


async def test_a_long_journal_from_before_leaves_in_batches(tmp_path: Path) -> None:
    home = await with_a_past(tmp_path, 2_500)
    async with desk(tmp_path):
        pass
    verdict = proven(home)
    assert (verdict.ok, verdict.last) == (True, 2_501)
    assert verdict.checkpoints >= 3


async def test_a_stop_waits_for_no_long_past_and_the_next_start_goes_on_with_it(tmp_path: Path) -> None:
    home = await with_a_past(tmp_path, 3_500)
    async with desk(tmp_path) as here:
        here.auditing.finish_s = 0
    verdict = proven(home)
    assert (verdict.ok, verdict.last, verdict.waiting) == (True, 1_000, 2_501)
    async with desk(tmp_path):
        pass
    verdict = proven(home)
    assert (verdict.ok, verdict.last, verdict.waiting) == (True, 3_501, 0)


async def test_a_stop_waits_five_seconds_at_most_where_nobody_says_otherwise(tmp_path: Path) -> None:
    home, slow = await with_a_past(tmp_path, 3_500), Slow()
    async with desk(tmp_path, steps=slow) as here:
        slow.clock = here.clock
    verdict = proven(home)
    assert (verdict.ok, verdict.last, verdict.waiting) == (True, 2_000, 1_501)


@dataclass
class Slow:
    """Three seconds pass over each batch, once there is a clock."""

    clock: ManualClock | None = None

    def reach(self, step: str) -> None:
        if step == "audit.rows" and self.clock is not None:
            self.clock.set(self.clock.now() + timedelta(seconds=3))


async def test_a_disk_that_takes_nothing_is_the_reason_until_it_takes_again(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.rounds(2)
        aside = here.home.root / "aside"
        here.home.audit.rename(aside)
        here.home.audit.write_text("a file stands in the way")
        await here.act(1)
        await here.rounds(2)
        assert here.auditing.fault().startswith("the audit cannot be written: ")
        assert [event for event, _ in here.log.said].count("audit.not_written") == 1
        here.home.audit.unlink()
        aside.rename(here.home.audit)
        await here.rounds(2)
        assert here.auditing.fault() == ""
    assert proven(here.home).ok


async def test_a_chain_whose_key_is_gone_is_not_begun_again_silently(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.act(1)
    here.places.key.unlink()
    async with desk(tmp_path) as here:
        assert "is gone: put it back, or begin anew: floorbroker audit restart" in here.auditing.fault()
        await here.rounds(3)
        assert here.auditing.fault()


async def test_a_journal_put_back_from_an_older_copy_does_not_go_on_in_the_newer_chain(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.act(1)
    for path in tmp_path.glob("journal-*"):
        path.unlink()
    async with desk(tmp_path) as here:
        assert "records and the journal 0" in here.auditing.fault()


async def test_the_last_rows_reach_the_copy_although_an_earlier_look_is_under_way(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    away, begun, may_go, bring = tmp_path / "away", threading.Event(), threading.Event(), Copy.bring

    def slow(copy: Copy, standing: Standing) -> int:
        if not begun.is_set():
            begun.set()
            may_go.wait(30)
        return bring(copy, standing)

    monkeypatch.setattr(Copy, "bring", slow)
    async with desk(tmp_path / "home", copy=str(away)) as here:
        while not begun.is_set():
            await here.rounds()
        await here.act(1)
        asyncio.get_running_loop().call_later(0.05, may_go.set)
    assert exported(Places(away, Environment.PAPER)) == exported(here.places) != []


async def test_the_copy_is_continued_and_one_that_fails_holds_nothing_up(tmp_path: Path) -> None:
    away = tmp_path / "away"
    async with desk(tmp_path / "home", copy=str(away)) as here:
        await here.act(1)
        await here.rounds(12)
    verdict = proven(here.home, copy=away)
    assert (verdict.ok, exported(Places(away, Environment.PAPER))) == (True, exported(here.places))
    file = away / "paper-000001.jsonl"
    file.write_bytes(b"x" * file.stat().st_size)
    async with desk(tmp_path / "home", copy=str(away)) as here:
        await here.act(2)
        await here.rounds(3)
        assert here.auditing.fault() == ""
    assert any("is not the beginning of" in detail for event, detail in here.log.said if event == "audit.not_copied")
    assert (proven(here.home).ok, proven(here.home, copy=away).ok) == (True, False)


async def test_the_first_key_is_given_to_a_vault_and_proves_the_chain_from_there(tmp_path: Path) -> None:
    safe = Safe()
    async with desk(tmp_path) as here:
        await here.act(1)
        assert here.auditing.put_first_key_away(safe)
        assert not here.auditing.put_first_key_away(safe)
        await here.act(2)
        assert here.auditing.chain is not None
        first = first_key(safe, Environment.PAPER, here.auditing.chain.log)
    assert first is not None
    assert not here.places.first.exists()
    verdict = verify(
        Evidence(
            places=here.places,
            public=read_public(here.places.public.read_bytes(), where="the home"),
            public_from="in the home",
            first=first,
        )
    )
    assert (verdict.ok, verdict.last) == (True, 3)


async def test_a_journal_that_takes_no_note_gets_it_later_and_the_export_goes_on(tmp_path: Path) -> None:
    async with desk(tmp_path) as here:
        await here.act(1)
        here.auditing.journal = FaultyJournal(
            here.journal, fault_when=lambda _: True, fault=StaleEpoch("another owner")
        )  # pyright: ignore[reportAttributeAccessIssue] - all that is asked of it here
        await here.clock.advance(61)
        await here.auditing.catch_up()
        assert ("audit.not_noted", "another owner") in here.log.said
        assert here.journal.notes(CHECKPOINT) == []
        here.auditing.journal = here.journal
        await here.act(2)
        await here.auditing.catch_up()
        assert len(here.journal.notes(CHECKPOINT)) == 1
    assert proven(here.home).ok


@dataclass
class Broken:
    """Steps at which a bug shows, once."""

    step: str
    was_reached: bool = False

    def reach(self, step: str) -> None:
        if step == self.step and not self.was_reached:
            self.was_reached = True
            raise LookupError(step)


@pytest.mark.parametrize("step", ["audit.rows", "audit.lines", "audit.key"])
async def test_what_nobody_foresaw_at_any_step_is_a_trouble_that_passes(step: str, tmp_path: Path) -> None:
    steps = Broken(step)
    async with desk(tmp_path, steps=steps) as here:
        await here.act(1)
        await here.rounds(3)
        assert steps.was_reached
        assert here.auditing.fault() == ""
        assert ("audit.not_written", "unforeseen: LookupError") in here.log.said
        await here.act(2)
    assert proven(here.home).ok


# -- in a whole house ---------------------------------------------------------------------------------------------------


ORDER = {"symbol": "AAPL", "side": "buy", "type": "limit", "quantity": "1", "limit_price": "1", "time_in_force": "day"}


async def submitted(house: House) -> str:
    done = await house.desk.submit(parse_order(ORDER).to_order(), profile=None, caller=CALLER, key=None)
    return done.order.intent_id


async def test_an_order_reaches_the_files_unasked_at_a_look_of_half_a_second(tmp_path: Path) -> None:
    assert POLL_S <= 0.5
    async with real_floor(tmp_path) as house:
        intent_id = await submitted(house)
        async with asyncio.timeout(30.0):  # what a busy machine may take
            await until(
                lambda: intent_id.encode() in b"".join(p.read_bytes() for p in house.home.audit.glob("*.jsonl"))
            )


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.to_thread(lambda: None)  # the loop runs; no time is waited for


async def test_while_the_audit_cannot_be_written_orders_are_refused_and_cancels_pass_i15(tmp_path: Path) -> None:
    async with real_floor(tmp_path) as house:
        intent_id = await submitted(house)
        auditing = house.desk.attendants[0]
        assert isinstance(auditing, Auditing)
        auditing.trouble = "the audit cannot be written: no room"
        with pytest.raises(NotReady, match="the audit cannot be written: no room"):
            await submitted(house)
        auditing.trouble = "the audit cannot be written: no room"  # the next write that succeeds takes it back
        assert (await house.http.get("/readyz")).status_code == 503
        assert house.desk.profiles()[0].reason == "the audit cannot be written: no room"
        cancelled = await house.desk.cancel(intent_id, caller=CALLER)  # pyright: ignore[reportArgumentType]
        assert cancelled.ord_status.value == "canceled"
        killed = await house.desk.kill(1, caller=CALLER, reason="test")
        assert killed.level == 1
    assert proven(house.home).ok

"""The vault of one process: every act is in every journal, older files are seen, guesses are slowed (RELIABILITY 8)."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from floorbroker.app.acts import GENERATION
from floorbroker.app.home import Home
from floorbroker.app.redactor import SecretFilter
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import (
    Conflict,
    InvalidRequest,
    JournalFault,
    NotFound,
    RateLimitExceeded,
    VaultLocked,
    VaultRolledBack,
    WrongPassphrase,
)
from floorbroker.domain.ports import NO_STEPS, AuditEntry, NoteEntry, Profile
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.desk import Caller
from floorbroker.store import JournalReader, SqliteJournal
from floorbroker.vault import SessionLimits, Standing, Vault
from tests.support.house import NOON, Notes
from tests.support.vaults import LIVE, OTHER, PAPER, PASSPHRASE, SIM, QuickDerivation, secrets

pytestmark = pytest.mark.asyncio
WHO = Caller(principal="alice", via="test", request_id="r-1")
ME = Profile(name=ProfileName("alpaca-paper"), broker="ALPACA", environment=PAPER)
KEYS = secrets(BROKER_API_KEY="canary-key", BROKER_SECRET_KEY="canary-secret")
WRONG = Secret("not the right passphrase")
LIMITS = SessionLimits(idle_s=100, absolute_s=1_000, cancel_grace_s=50)


@dataclass
class Bench:
    """A home with journals that nobody has open, and one process on it."""

    home: Home
    clock: ManualClock = field(default_factory=lambda: ManualClock(NOON))
    log: Notes = field(default_factory=Notes)
    redactor: SecretFilter = field(default_factory=SecretFilter)
    derive: Any = field(default_factory=QuickDerivation)

    def process(self) -> Unlocking:
        return Unlocking.of(
            self.home,
            limits=LIMITS,
            clock=self.clock,
            redactor=self.redactor,
            derive=self.derive,
            log=self.log,
            steps=NO_STEPS,
        )

    async def journal(self, environment: Any) -> None:
        await SqliteJournal.open(self.home.journal(environment), clock=self.clock, environment=environment).close()

    def rows(self, environment: Any = PAPER) -> list[AuditEntry]:
        return [entry for entry in self._entries(environment) if isinstance(entry, AuditEntry)]

    def told(self, environment: Any = PAPER) -> list[str]:
        return [f"{row.action} {row.outcome}" for row in self.rows(environment)]

    def notes(self, environment: Any = PAPER) -> list[str]:
        found = [entry for entry in self._entries(environment) if isinstance(entry, NoteEntry)]
        return [entry.data["generation"] for entry in found if entry.topic == GENERATION]

    def _entries(self, environment: Any) -> list[Any]:
        reader = JournalReader(self.home.journal(environment))
        try:
            return [record.entry for record in reader.replay()]
        finally:
            reader.close()


@pytest_asyncio.fixture
async def bench(tmp_path: Path) -> Bench:
    made = Bench(Home.at(tmp_path / "home"))
    await made.journal(PAPER)
    return made


def writing(name: str = "alpaca-paper", **values: str) -> Callable[[Vault], None]:
    fields = secrets(**values) if values else KEYS
    return lambda vault: vault.write(name, broker="ALPACA", environment=PAPER, fields=fields)


async def filled(bench: Bench) -> Unlocking:
    vault = bench.process()
    await vault.init(PASSPHRASE, caller=WHO)
    await vault.change(writing(), caller=WHO, action="profile.add", profile=ME)
    return vault


async def restarted(bench: Bench) -> Unlocking:
    """Another process on the same home, which wants what the vault has for a profile."""
    vault = bench.process()
    vault.sealed(ME)
    return vault


async def test_a_new_vault_is_unlocked_and_its_making_is_in_every_journal(bench: Bench) -> None:
    await bench.journal(LIVE)
    status = await bench.process().init(PASSPHRASE, caller=WHO)
    assert status.standing is Standing.UNLOCKED
    for environment in (PAPER, LIVE):
        assert bench.told(environment) == ["vault.init begun", "vault.init done"]
        assert bench.notes(environment) == ["1"]
    row = bench.rows()[-1]
    assert (row.actor, row.via, row.req) == ("alice", "test", "r-1")
    assert not bench.home.journal(SIM).exists()


async def test_in_a_home_without_a_journal_a_vault_can_be_made(tmp_path: Path) -> None:
    bench = Bench(Home.at(tmp_path / "home"))
    await bench.process().init(PASSPHRASE, caller=WHO)
    assert bench.home.vault.exists()


async def test_a_vault_that_exists_is_not_made_again(bench: Bench) -> None:
    await filled(bench)
    with pytest.raises(Conflict):
        await bench.process().init(OTHER, caller=WHO)
    with pytest.raises(InvalidRequest, match="15 characters"):
        await bench.process().init(Secret("short"), caller=WHO)


async def test_what_is_unlocked_is_lent_to_whoever_asked_before(bench: Bench) -> None:
    await filled(bench)
    vault = bench.process()
    leases = vault.sealed(ME)
    assert set(leases) == set(KEYS)
    with pytest.raises(VaultLocked):
        leases["BROKER_API_KEY"].reveal()
    await vault.unlock(PASSPHRASE, caller=WHO)
    assert leases["BROKER_API_KEY"].reveal() == "canary-key"


async def test_what_is_unlocked_is_starred_out_of_logs(bench: Bench) -> None:
    await filled(bench)
    vault = await restarted(bench)
    assert "canary" in bench.redactor.clean("canary-key")
    await vault.unlock(PASSPHRASE, caller=WHO)
    assert "canary" not in bench.redactor.clean("canary-key canary-secret")


async def test_a_profile_of_another_environment_or_broker_is_lent_nothing_i17(bench: Bench) -> None:
    await filled(bench)
    vault = bench.process()
    assert vault.sealed(Profile(name=ME.name, broker="ALPACA", environment=LIVE)) == {}
    assert vault.sealed(Profile(name=ME.name, broker="KRAKEN", environment=PAPER)) == {}
    assert vault.session.tenants == ()


async def test_no_journal_holds_a_secret(bench: Bench) -> None:
    vault = await filled(bench)
    await vault.rotate(PASSPHRASE, OTHER, caller=WHO)
    with pytest.raises(WrongPassphrase):
        await vault.unlock(WRONG, caller=WHO)
    for file in bench.home.root.iterdir():
        raw = file.read_bytes()
        for word in (b"canary", b"horse", b"another long", b"not the right"):
            assert word not in raw


# -- a change beside everything else ----------------------------------------------------------------------------------------


@dataclass
class Slow:
    """A change that has written and waits in its thread until it may end."""

    may_go: threading.Event = field(default_factory=threading.Event)
    begun: threading.Event = field(default_factory=threading.Event)

    def __call__(self, vault: Vault) -> None:
        writing(BROKER_API_KEY="newer")(vault)
        self.begun.set()
        assert self.may_go.wait(20)

    async def started(self, vault: Unlocking) -> asyncio.Task[None]:
        task = asyncio.create_task(vault.change(self, caller=WHO, action="profile.rotate", profile=ME))
        assert await asyncio.to_thread(self.begun.wait, 20)
        return task


async def test_a_change_holds_nobody_up_and_another_passphrase_is_tried_behind_it(bench: Bench) -> None:
    vault, slow = await filled(bench), Slow()
    task = await slow.started(vault)
    again = asyncio.create_task(vault.unlock(PASSPHRASE, caller=WHO))
    second = asyncio.create_task(vault.change(writing(), caller=WHO, action="profile.edit", profile=ME))
    slow.may_go.set()
    await asyncio.gather(task, again, second)
    assert bench.told()[-5:] == [
        "profile.rotate begun",
        "profile.rotate done",
        "vault.unlock done",
        "profile.edit begun",
        "profile.edit done",
    ]
    assert bench.notes()[-1] == "4"
    await (await restarted(bench)).unlock(PASSPHRASE, caller=WHO)


async def test_a_vault_that_is_locked_during_a_change_takes_it_and_stays_locked(bench: Bench) -> None:
    vault, slow = await filled(bench), Slow()
    task = await slow.started(vault)
    await vault.lock(caller=WHO, at_once=True)
    slow.may_go.set()
    await task
    assert (vault.session.standing, vault.session.values(), bench.notes()[-1]) == (Standing.LOCKED, [], "3")
    assert bench.told()[-1] == "profile.rotate done"
    again = await restarted(bench)
    await again.unlock(PASSPHRASE, caller=WHO)
    assert again.sealed(ME)["BROKER_API_KEY"].reveal() == "newer"


async def test_a_change_whose_caller_went_away_ends_before_the_next_begins(bench: Bench) -> None:
    vault, slow = await filled(bench), Slow()
    task = await slow.started(vault)
    task.cancel()
    second = asyncio.create_task(vault.change(writing(), caller=WHO, action="profile.edit", profile=ME))
    await asyncio.sleep(0)
    slow.may_go.set()
    await second
    assert task.cancelled()
    assert vault.session.vault().generation == 4


# -- older files ------------------------------------------------------------------------------------------------------------


async def test_an_older_file_is_refused_after_a_restart_until_a_person_accepts_it(bench: Bench) -> None:
    vault = await filled(bench)
    old = bench.home.vault.read_bytes()
    await vault.change(writing(BROKER_API_KEY="newer"), caller=WHO, action="profile.rotate", profile=ME)
    bench.home.vault.write_bytes(old)
    again = await restarted(bench)
    with pytest.raises(VaultRolledBack, match="--accept-older"):
        await again.unlock(PASSPHRASE, caller=WHO)
    assert bench.told()[-1] == "vault.unlock refused"
    await again.unlock(PASSPHRASE, caller=WHO, accept_older=True)
    assert bench.told()[-2:] == ["vault.accept_older begun", "vault.accept_older done"]
    assert bench.notes()[-1] == "4"
    await (await restarted(bench)).unlock(PASSPHRASE, caller=WHO)


async def test_each_journal_remembers_and_the_highest_counts(bench: Bench) -> None:
    vault = await filled(bench)
    old = bench.home.vault.read_bytes()
    await bench.journal(LIVE)
    await vault.rotate(PASSPHRASE, OTHER, caller=WHO)
    bench.home.journal(PAPER).unlink()
    bench.home.vault.write_bytes(old)
    with pytest.raises(VaultRolledBack):
        await bench.process().unlock(PASSPHRASE, caller=WHO)


async def test_a_vault_that_was_moved_away_and_made_anew_is_the_one_that_counts(bench: Bench) -> None:
    await filled(bench)
    bench.home.vault.unlink()
    await bench.process().init(OTHER, caller=WHO)
    await bench.process().unlock(OTHER, caller=WHO)


async def test_a_write_that_was_cut_off_before_its_note_is_newer_and_taken(bench: Bench) -> None:
    await filled(bench)
    beside = Vault.open(bench.home.vault, PASSPHRASE, derive=bench.derive)
    writing("other")(beside)
    vault = bench.process()
    await vault.unlock(PASSPHRASE, caller=WHO)
    assert bench.notes()[-1] == "3"


# -- acts that cannot be recorded -------------------------------------------------------------------------------------------


async def test_with_a_journal_in_other_hands_nothing_is_unlocked_and_nothing_is_written(bench: Bench) -> None:
    await filled(bench)
    before = bench.home.vault.read_bytes()
    other = SqliteJournal.open(bench.home.journal(PAPER), clock=bench.clock, environment=PAPER)
    try:
        vault = await restarted(bench)
        with pytest.raises(Conflict):
            await vault.unlock(PASSPHRASE, caller=WHO)
        with pytest.raises(Conflict):
            await vault.rotate(PASSPHRASE, OTHER, caller=WHO)
        with pytest.raises(Conflict):
            await vault.unlock(PASSPHRASE, caller=WHO, accept_older=True)
        assert vault.session.standing is Standing.LOCKED
    finally:
        await other.close()
    assert bench.home.vault.read_bytes() == before


async def test_a_change_that_cannot_be_recorded_does_not_happen(bench: Bench) -> None:
    vault = await filled(bench)

    class Full:
        async def commit(self, entries: object) -> None:
            raise JournalFault("the disk is full")

    vault.acts.opened[PAPER] = Full()  # type: ignore[assignment]
    before = bench.home.vault.read_bytes()
    with pytest.raises(JournalFault):
        await vault.change(writing(BROKER_API_KEY="newer"), caller=WHO, action="profile.rotate", profile=ME)
    assert bench.home.vault.read_bytes() == before


async def test_an_act_that_failed_is_told_so(bench: Bench) -> None:
    vault = await filled(bench)
    with pytest.raises(Conflict):
        await vault.init(OTHER, caller=WHO)
    with pytest.raises(InvalidRequest):
        await vault.rotate(PASSPHRASE, Secret("short"), caller=WHO)
    with pytest.raises(InvalidRequest):
        await vault.change(writing(BROKER_API_KEY=""), caller=WHO, action="profile.rotate", profile=ME)
    failed = [f"{row.action} {row.profile} {row.reason}" for row in bench.rows() if row.outcome == "failed"]
    assert failed == [
        "vault.init * Conflict",
        "vault.rotate * InvalidRequest",
        "profile.rotate alpaca-paper InvalidRequest",
    ]
    assert bench.told()[-2:] == ["profile.rotate begun", "profile.rotate failed"]


async def test_a_lock_does_not_wait_for_a_disk(bench: Bench) -> None:
    vault = await filled(bench)
    other = SqliteJournal.open(bench.home.journal(PAPER), clock=bench.clock, environment=PAPER)
    with pytest.raises(Conflict):
        await vault.lock(caller=WHO, at_once=True)
    await other.close()
    assert vault.session.standing is Standing.LOCKED


# -- guesses ----------------------------------------------------------------------------------------------------------------


async def test_after_a_wrong_passphrase_the_next_one_waits_longer_each_time(bench: Bench) -> None:
    await filled(bench)
    vault = await restarted(bench)
    for wait_s in (1, 2, 4):
        with pytest.raises(WrongPassphrase):
            await vault.unlock(WRONG, caller=WHO)
        with pytest.raises(RateLimitExceeded) as caught:
            await vault.unlock(PASSPHRASE, caller=WHO)
        assert caught.value.hint.retry_after_s == wait_s
        await bench.clock.advance(wait_s)
    await vault.unlock(PASSPHRASE, caller=WHO)
    assert bench.told().count("vault.unlock refused") == 3


async def test_the_wait_has_an_end(bench: Bench) -> None:
    await filled(bench)
    vault = await restarted(bench)
    for _ in range(12):
        with pytest.raises(WrongPassphrase):
            await vault.unlock(WRONG, caller=WHO)
        await bench.clock.advance(60)
    await vault.unlock(PASSPHRASE, caller=WHO)


async def test_one_passphrase_is_tried_at_a_time_and_not_on_the_loop(bench: Bench) -> None:
    await filled(bench)
    vault, threads = await restarted(bench), list[int]()
    began, go = threading.Event(), threading.Event()

    class Slow(QuickDerivation):
        def derive(self, passphrase: bytes, *, salt: bytes, log2n: int, r: int, p: int) -> bytes:
            threads.append(threading.get_ident())
            began.set()
            go.wait(20)
            return super().derive(passphrase, salt=salt, log2n=log2n, r=r, p=p)

    vault.derive = Slow()
    first = asyncio.ensure_future(vault.unlock(PASSPHRASE, caller=WHO))
    await asyncio.to_thread(began.wait, 20)
    with pytest.raises(RateLimitExceeded, match="another passphrase is being tried"):
        await vault.unlock(PASSPHRASE, caller=WHO)
    go.set()
    await first
    assert threads != [threading.get_ident()]


# -- rotation ---------------------------------------------------------------------------------------------------------------


async def test_a_rotation_asks_for_the_present_passphrase_even_while_it_is_unlocked(bench: Bench) -> None:
    vault = await filled(bench)
    with pytest.raises(WrongPassphrase):
        await vault.rotate(WRONG, OTHER, caller=WHO)
    await bench.clock.advance(2)
    await vault.rotate(PASSPHRASE, OTHER, caller=WHO)
    assert bench.told()[-2:] == ["vault.rotate begun", "vault.rotate done"]
    assert vault.session.standing is Standing.UNLOCKED
    with pytest.raises(WrongPassphrase):
        await bench.process().unlock(PASSPHRASE, caller=WHO)
    await bench.process().unlock(OTHER, caller=WHO)


async def test_a_new_passphrase_that_is_too_short_changes_nothing(bench: Bench) -> None:
    vault = await filled(bench)
    before = bench.home.vault.read_bytes()
    with pytest.raises(InvalidRequest):
        await vault.rotate(PASSPHRASE, Secret("short"), caller=WHO)
    assert bench.home.vault.read_bytes() == before
    assert vault.session.standing is Standing.UNLOCKED


# -- time -------------------------------------------------------------------------------------------------------------------


async def test_the_watch_tells_of_the_end_of_the_session_and_of_its_grace(bench: Bench) -> None:
    vault, heard = await filled(bench), list[str]()
    vault.sealed(ME)
    vault.session.renew()
    vault.listeners.append(lambda: heard.append(vault.session.standing.value))
    watching = asyncio.create_task(vault.watch())
    await bench.clock.advance(99)
    assert heard == []
    await bench.clock.advance(1)
    assert heard == ["grace"]
    await bench.clock.advance(50)
    assert heard == ["grace", "locked"]
    await vault.unlock(PASSPHRASE, caller=WHO)
    assert heard[-1] == "unlocked"
    await bench.clock.advance(100)
    assert heard[-1] == "grace"
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    ends = [row for row in bench.rows() if row.action == "vault.lock"]
    assert "unused for too long" in ends[0].reason
    assert ends[0].actor == "gateway"


async def test_a_person_at_a_door_keeps_it_open(bench: Bench) -> None:
    vault = await filled(bench)
    await bench.clock.advance(99)
    vault.use()
    await bench.clock.advance(99)
    assert vault.session.standing is Standing.UNLOCKED


async def test_a_vault_that_cannot_be_read_is_told_and_a_missing_one_is_named(bench: Bench) -> None:
    assert bench.process().status().seen is None
    with pytest.raises(NotFound, match="floorbroker vault init"):
        await bench.process().unlock(PASSPHRASE, caller=WHO)
    bench.home.vault.write_bytes(b"something else")
    bench.home.vault.chmod(0o600)
    assert "does not begin as a vault does" in bench.process().status().trouble

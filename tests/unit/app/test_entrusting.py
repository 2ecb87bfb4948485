"""The first key of a chain goes into the vault while one is unlocked, beside the trading; what fails is tried again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from floorbroker.app.auditing import Auditing
from floorbroker.app.entrusting import Entrusting
from floorbroker.app.escrow import FROM_VAULT, first_key
from floorbroker.app.home import Home
from floorbroker.app.proving import Given, log_at, proven
from floorbroker.app.redactor import SecretFilter
from floorbroker.app.unlocking import Unlocking
from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NO_STEPS, AuditEntry, NoMeter
from floorbroker.gateway.desk import Caller
from floorbroker.store import SqliteJournal
from floorbroker.vault import SessionLimits, Vault
from tests.support.house import NOON, Notes
from tests.support.vaults import PAPER, PASSPHRASE, QuickDerivation

pytestmark = pytest.mark.asyncio
WHO = Caller(principal="alice", via="test")
PLACE = ("audit-paper", "AUDIT", PAPER)


@dataclass
class Bench:
    """A journal whose audit leaves it, and a vault that is locked at first."""

    home: Home
    journal: SqliteJournal
    vault: Unlocking
    auditing: Auditing
    entrusting: Entrusting
    log: Notes

    async def unlock(self) -> None:
        await self.vault.unlock(PASSPHRASE, caller=WHO)

    async def settle(self) -> None:
        """Until nothing is under way any more."""
        await self.entrusting.idle()

    def rows(self) -> list[str]:
        entries = [record.entry for record in self.journal.replay()]
        return [f"{e.action} {e.outcome}" for e in entries if isinstance(e, AuditEntry) and e.action == "audit.escrow"]

    def kept(self) -> bool:
        """Whether the vault has the chain's key, and the home no longer."""
        assert self.auditing.chain is not None
        found = first_key(self.vault.session.vault(), PAPER, self.auditing.chain.log)
        return found is not None and not self.auditing.places.first.exists()


@asynccontextmanager
async def bench(folder: Path) -> AsyncIterator[Bench]:
    home, clock, log = Home.at(folder / "home"), ManualClock(NOON), Notes()
    if not home.vault.exists():
        Vault.create(home.vault, PASSPHRASE, derive=QuickDerivation()).lock()
    journal = SqliteJournal.open(home.journal(PAPER), clock=clock, environment=PAPER)
    vault = Unlocking.of(
        home,
        limits=SessionLimits(),
        clock=clock,
        redactor=SecretFilter(),
        derive=QuickDerivation(),
        log=log,
        steps=NO_STEPS,
    )
    vault.acts.opened[PAPER] = journal
    auditing = Auditing.of(home, journal, clock=clock, log=log, meter=NoMeter())
    entrusting = Entrusting(vault, log)
    entrusting.attend([auditing])
    vault.listeners.append(entrusting.look)
    try:
        yield Bench(home, journal, vault, auditing, entrusting, log)
        await entrusting.finish()
        await auditing.finish()
    finally:
        vault.session.end("the test is over", at_once=True)
        auditing.abandon()
        await journal.close()


async def test_without_an_open_vault_the_key_stays_and_the_unlock_puts_it_away(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.auditing.start()
        await here.settle()
        assert here.auditing.places.first.exists()
        assert here.rows() == []
        await here.unlock()
        await here.settle()
        assert here.kept()
        assert here.rows() == ["audit.escrow begun", "audit.escrow done"]
        (record,) = here.vault.session.vault().records()
        assert (record.profile, record.broker, record.environment) == PLACE


async def test_a_chain_that_begins_while_the_vault_is_unlocked_keeps_its_key_in_the_home_for_no_longer(
    tmp_path: Path,
) -> None:
    async with bench(tmp_path) as here:
        await here.unlock()
        here.home.audit.write_text("a file stands in the way")
        await here.auditing.start()
        assert here.auditing.fault()
        here.home.audit.unlink()
        await here.auditing.catch_up()
        await here.settle()
        assert here.auditing.fault() == ""
        assert here.kept()


async def test_the_key_in_the_vault_proves_every_record(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.unlock()
        await here.auditing.start()
        await here.settle()
        first = first_key(here.vault.session.vault(), PAPER, log_at(here.auditing.places, Given()))
    verdict = proven(here.home, PAPER, Given(first=first, first_from=FROM_VAULT))
    assert verdict.ok
    assert "the MAC of every record, with the first key that the vault keeps" in verdict.used


async def test_a_vault_that_cannot_take_it_is_told_and_asked_again_at_the_next_unlock(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.unlock()
        await here.settle()  # there is no key yet
        other = Vault.open(here.home.vault, PASSPHRASE, derive=QuickDerivation())
        other.write("mine", broker="ALPACA", environment=PAPER, fields={"BROKER_API_KEY": PASSPHRASE})
        await here.auditing.start()
        await here.settle()
        assert here.auditing.places.first.exists()
        assert here.rows() == ["audit.escrow begun", "audit.escrow failed"]
        assert here.log.events[-1] == "audit.first_key_not_put_away"
        assert here.auditing.fault() == ""  # new orders go on
        await here.unlock()
        await here.settle()
        assert here.kept()


async def test_what_is_put_away_already_is_not_acted_on_again(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.unlock()
        await here.auditing.start()
        for _ in range(3):
            await here.unlock()
        await here.settle()
        assert here.rows() == ["audit.escrow begun", "audit.escrow done"]
        assert here.vault.session.vault().generation == 2


async def test_after_the_end_nothing_is_begun(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.unlock()
        await here.entrusting.finish()
        await here.auditing.start()
        await here.entrusting.finish()
        assert (here.auditing.places.first.exists(), here.rows()) == (True, [])


async def test_a_lock_puts_nothing_away(tmp_path: Path) -> None:
    async with bench(tmp_path) as here:
        await here.unlock()
        await here.vault.lock(caller=WHO, at_once=True)
        await here.auditing.start()
        here.entrusting.look()
        await here.settle()
        assert here.auditing.places.first.exists()

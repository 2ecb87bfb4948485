"""A desk whose credentials lie in the vault, in front of a venue: locked, unlocked, locked again (RELIABILITY 8)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from floorbroker.app.escrow import FROM_VAULT
from floorbroker.app.floor import Ask, Floor, Outside, nobody, open_floor
from floorbroker.app.home import Home
from floorbroker.app.proving import BESIDE
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import (
    Conflict,
    FloorbrokerError,
    VaultLocked,
    VaultRefused,
    WrongPassphrase,
)
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.gateway.desk import Caller
from floorbroker.gateway.gateway import Gateway
from floorbroker.store import JournalReader, SqliteJournal
from floorbroker.vault import Seen, Vault
from floorbroker_sim.alpaca import create_venue
from floorbroker_sim.server import serve
from tests.support.fake_broker import buy
from tests.support.vaults import PASSPHRASE, QuickDerivation

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(60)]
WHO = Caller(principal="alice", via="test")


@dataclass
class Street:
    """A home with a vault, and the venue that its profile is for."""

    home: Home
    venue: Any
    derive: QuickDerivation

    @asynccontextmanager
    async def floor(self, ask: Ask = nobody) -> AsyncGenerator[Floor]:
        async with open_floor(
            self.home, outside=Outside(derive=self.derive, passphrase=ask, clock=SystemClock()), environ={}
        ) as floor:
            yield floor


@asynccontextmanager
async def street(tmp_path: Path) -> AsyncGenerator[Street]:
    venue = create_venue(seed=5, clock=SystemClock(), rate=0)
    ready: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()
    stop, derive, home = asyncio.Event(), QuickDerivation(), Home.at(tmp_path / "home")
    task = asyncio.create_task(serve(venue, ready=ready.set_result, stop=stop))
    line = await ready
    given: dict[str, str] = line["credentials"]
    vault = Vault.create(home.vault, PASSPHRASE, derive=derive)
    fields = {name: Secret(given[name]) for name in ("BROKER_API_KEY", "BROKER_SECRET_KEY")}
    vault.write("alpaca-sim", broker="ALPACA", environment=Environment.SIM, fields=fields)
    home.config.write_text(
        f'[profiles.alpaca-sim]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "{line["rest"]}"\n'
        '[profiles.alpaca-sim.options]\narrival_bound_s = "0.5"\n'
    )
    try:
        yield Street(home, venue, derive)
    finally:
        stop.set()
        await task


def answering(*words: Secret | None) -> Ask:
    """Gives one passphrase after the other; raises what was wrong when there is none left."""
    left = list(words)

    def ask(seen: Seen, error: FloorbrokerError | None) -> Secret | None:
        assert seen.records
        if not left:
            assert error is not None
            raise error
        return left.pop(0)

    return ask


async def until(desk: Gateway, state: str) -> None:
    """The session's own events would be nicer; a loop turn at a time is near enough over real sockets."""
    async with asyncio.timeout(30):
        async for _ in _turns():
            if desk.profiles()[0].state.value == state:
                return


async def _turns() -> AsyncGenerator[None]:
    clock = SystemClock()
    while True:
        yield
        await clock.sleep(0.02)


async def test_a_desk_without_a_passphrase_starts_locked_and_trades_once_it_is_unlocked(tmp_path: Path) -> None:
    async with street(tmp_path) as here, here.floor() as floor:
        (desk,) = floor.desks.values()
        await desk.until_settled()
        (status,) = desk.profiles()
        assert (status.state.value, status.reason) == ("locked", "the vault is locked (nobody unlocked it yet)")
        with pytest.raises(VaultLocked):
            await desk.submit(buy(), profile=None, caller=WHO)
        assert here.venue.orders() == []
        await floor.vault.unlock(PASSPHRASE, caller=WHO)
        await until(desk, "ready")
        await desk.submit(buy(price="1"), profile=None, caller=WHO)
        assert len(here.venue.orders()) == 1


async def test_a_desk_with_a_passphrase_starts_unlocked(tmp_path: Path) -> None:
    async with street(tmp_path) as here, here.floor(answering(PASSPHRASE)) as floor:
        (desk,) = floor.desks.values()
        await until(desk, "ready")
        assert any(row.entry.action == "vault.unlock" for row in desk.audit())  # type: ignore[union-attr]


async def test_once_locked_nothing_new_is_sent_and_cancels_and_kill_work_in_the_grace(tmp_path: Path) -> None:
    async with street(tmp_path) as here, here.floor(answering(PASSPHRASE)) as floor:
        (desk,) = floor.desks.values()
        await until(desk, "ready")
        first = (await desk.submit(buy(price="1"), profile=None, caller=WHO)).order
        await desk.submit(buy(price="2"), profile=None, caller=WHO)
        await floor.vault.lock(caller=WHO)
        assert desk.profiles()[0].state.value == "locked"
        with pytest.raises(VaultLocked):
            await desk.submit(buy(price="3"), profile=None, caller=WHO)
        with pytest.raises(VaultLocked):
            await desk.quote("AAPL")
        assert len(here.venue.orders()) == 2
        await desk.cancel(first.intent_id, caller=WHO)
        await desk.kill(2, caller=WHO, reason="test")
        async with asyncio.timeout(30):
            async for _ in _turns():
                if not desk.kill_state().remaining:
                    break
        assert {order["status"] for order in here.venue.orders()} == {"canceled"}


async def test_without_grace_not_even_a_cancel_is_signed_until_it_is_unlocked_again(tmp_path: Path) -> None:
    async with street(tmp_path) as here, here.floor(answering(PASSPHRASE)) as floor:
        (desk,) = floor.desks.values()
        await until(desk, "ready")
        order = (await desk.submit(buy(price="1"), profile=None, caller=WHO)).order
        await floor.vault.lock(caller=WHO, at_once=True)
        with pytest.raises(VaultLocked):
            await desk.cancel(order.intent_id, caller=WHO)
        assert here.venue.orders()[0]["status"] == "new"
        await floor.vault.unlock(PASSPHRASE, caller=WHO)
        await until(desk, "ready")
        await desk.cancel(order.intent_id, caller=WHO)
        async with asyncio.timeout(30):
            async for _ in _turns():
                if here.venue.orders()[0]["status"] == "canceled":
                    break


async def test_a_wrong_passphrase_may_be_given_again_or_ends_the_start(tmp_path: Path) -> None:
    wrong = Secret("certainly not this one")
    async with street(tmp_path) as here:
        async with here.floor(answering(wrong, PASSPHRASE)) as floor:
            (desk,) = floor.desks.values()
            await until(desk, "ready")
        with pytest.raises(WrongPassphrase):
            async with here.floor(answering(wrong)):
                raise AssertionError
        assert not _is_held(here)


async def test_a_damaged_vault_ends_the_start_and_leaves_no_journal_locked(tmp_path: Path) -> None:
    async with street(tmp_path) as here:
        raw = bytearray(here.home.vault.read_bytes())
        raw[-1] ^= 1
        here.home.vault.write_bytes(raw)
        with pytest.raises(VaultRefused, match="the record of profile alpaca-sim was changed"):
            async with here.floor(answering(PASSPHRASE)):
                raise AssertionError
        assert not _is_held(here)


async def test_when_the_desk_stops_the_vault_is_locked(tmp_path: Path) -> None:
    async with street(tmp_path) as here:
        async with here.floor(answering(PASSPHRASE)) as floor:
            vault = floor.vault.session.vault()
        assert vault.is_locked
        assert floor.vault.session.values() == []


async def test_the_first_key_of_the_audit_moves_into_the_vault_once_it_is_unlocked(tmp_path: Path) -> None:
    async with street(tmp_path) as here:
        first = here.home.audit / "sim.first"
        async with here.floor() as floor:
            (desk,) = floor.desks.values()
            await desk.until_settled()
            assert first.exists()
            assert BESIDE in (await floor.prove(Environment.SIM)).used[0]
            await floor.vault.unlock(PASSPHRASE, caller=WHO)
            await until(desk, "ready")
            await until_gone(first)
            await desk.submit(buy(price="1"), profile=None, caller=WHO)
            verdict = await floor.prove(Environment.SIM)
            assert verdict.ok
            assert FROM_VAULT in verdict.used[0]
        assert [(row.actor, row.action, row.outcome) for row in _escrowed(here)] == [
            ("gateway", "audit.escrow", "begun"),
            ("gateway", "audit.escrow", "done"),
        ]
        async with here.floor(answering(PASSPHRASE)) as floor:
            (desk,) = floor.desks.values()
            await until(desk, "ready")
            assert FROM_VAULT in (await floor.prove(Environment.SIM)).used[0]
        assert len(_escrowed(here)) == 2


async def test_a_desk_that_starts_unlocked_leaves_no_first_key_in_the_home(tmp_path: Path) -> None:
    async with street(tmp_path) as here:
        async with here.floor(answering(PASSPHRASE)) as floor:
            (desk,) = floor.desks.values()
            await until(desk, "ready")
        assert not (here.home.audit / "sim.first").exists()
        fields = {info.broker: info.fields for info in Vault.look(here.home.vault).records}
        assert [name.startswith("FIRST_KEY_") for name in fields["AUDIT"]] == [True]


async def until_gone(path: Path) -> None:
    async with asyncio.timeout(30):
        async for _ in _turns():
            if not path.exists():
                return


def _escrowed(here: Street) -> list[AuditEntry]:
    reader = JournalReader(here.home.journal(Environment.SIM))
    try:
        entries = [record.entry for record in reader.replay()]
    finally:
        reader.close()
    return [entry for entry in entries if isinstance(entry, AuditEntry) and entry.action == "audit.escrow"]


def _is_held(here: Street) -> bool:
    try:
        SqliteJournal.open(
            here.home.journal(Environment.SIM), clock=SystemClock(), environment=Environment.SIM
        ).abandon()
    except Conflict:
        return True
    return False

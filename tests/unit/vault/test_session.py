"""How long an opened vault stays open, and what still passes when it no longer is."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.errors import ConfigInvalid, VaultLocked
from floorbroker.transport.types import Lane
from floorbroker.vault import SessionLimits, Standing, Tenant, UnlockSession, Vault
from tests.support.vaults import PAPER, PASSPHRASE, around, make, secrets
from tests.unit.transport.fakes import clock, read

pytestmark = pytest.mark.asyncio
ME = Tenant("alpaca-paper", "ALPACA", PAPER)
NOBODY = Tenant("other", "ALPACA", PAPER)
LIMITS = SessionLimits(idle_s=100, absolute_s=1_000, cancel_grace_s=50)
LANES = list(Lane)


def opened(folder: Path, now: ManualClock, limits: SessionLimits = LIMITS) -> UnlockSession:
    vault = make(folder)
    vault.write(ME.profile, broker=ME.broker, environment=PAPER, fields=secrets(BROKER_API_KEY="canary"))
    session = UnlockSession(now, limits, (ME, NOBODY))
    session.begin(vault)
    return session


def signable(session: UnlockSession) -> set[Lane]:
    """What may be signed now."""
    found = set[Lane]()
    for lane in LANES:
        used_s = session._used_s  # noqa: SLF001 - looking must not count as use
        try:
            session.may_sign(read(lane=lane))
        except VaultLocked:
            continue
        finally:
            session._used_s = used_s  # noqa: SLF001
        found.add(lane)
    return found


async def test_before_anybody_unlocked_nothing_is_signed_and_the_words_say_how_to() -> None:
    session = UnlockSession(clock(), LIMITS, (ME,))
    assert signable(session) == set()
    with pytest.raises(VaultLocked, match=r"nobody unlocked it yet.*floorbroker vault unlock"):
        session.leased(ME, "BROKER_API_KEY").reveal()


async def test_while_it_is_open_everything_is_signed(tmp_path: Path) -> None:
    session = opened(tmp_path, clock())
    assert signable(session) == set(LANES)
    assert session.leased(ME, "BROKER_API_KEY").reveal() == "canary"
    assert session.reason == ""


async def test_unused_for_too_long_it_ends_and_cancels_pass_for_the_grace(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now)
    leased = session.leased(ME, "BROKER_API_KEY")
    await now.advance(99.9)
    assert session.standing is Standing.UNLOCKED
    await now.advance(0.1)
    assert session.standing is Standing.GRACE
    assert signable(session) == {Lane.CANCEL, Lane.RESOLVE, Lane.RECONCILE}
    assert leased.reveal() == "canary"
    assert "unused for too long" in session.reason
    await now.advance(49.9)
    assert session.standing is Standing.GRACE
    await now.advance(0.1)
    assert session.standing is Standing.LOCKED
    assert signable(session) == set()
    with pytest.raises(VaultLocked):
        leased.reveal()


async def test_the_grace_counts_from_the_end_however_late_somebody_looks(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now)
    await now.advance(151)
    assert session.standing is Standing.LOCKED


@pytest.mark.parametrize("lane", [Lane.NEW, Lane.REDUCE, Lane.CANCEL])
async def test_a_signed_command_is_use(tmp_path: Path, lane: Lane) -> None:
    now = clock()
    session = opened(tmp_path, now)
    await now.advance(90)
    session.may_sign(read(lane=lane))
    await now.advance(90)
    assert session.standing is Standing.UNLOCKED


@pytest.mark.parametrize("lane", [Lane.QUERY, Lane.RECONCILE, Lane.RESOLVE])
async def test_what_the_desk_reads_by_itself_is_no_use(tmp_path: Path, lane: Lane) -> None:
    now = clock()
    session = opened(tmp_path, now)
    await now.advance(90)
    session.may_sign(read(lane=lane))
    await now.advance(10)
    assert session.standing is Standing.GRACE


async def test_however_much_it_is_used_it_ends_when_it_is_too_old(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now)
    for _ in range(20):
        await now.advance(50)
        session.use()
    assert session.standing is Standing.GRACE
    assert "open for too long" in session.reason


async def test_zero_means_no_limit_and_no_grace(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now, SessionLimits(idle_s=0, absolute_s=0, cancel_grace_s=0))
    await now.advance(10_000_000)
    assert session.standing is Standing.UNLOCKED
    assert session.changes_in_s is None
    session.end("by hand")
    assert session.standing is Standing.LOCKED


async def test_at_its_end_the_key_is_wiped_and_after_the_grace_the_leases_are_gone(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now)
    vault = session.vault()
    session.end("by hand")
    assert vault.is_locked
    assert [value.reveal() for value in session.values()] == ["canary"]
    await now.advance(50)
    assert session.standing is Standing.LOCKED
    assert session.values() == []


async def test_locked_at_once_nothing_is_left(tmp_path: Path) -> None:
    session = opened(tmp_path, clock())
    session.end("by hand", at_once=True)
    assert session.standing is Standing.LOCKED
    assert session.values() == []


async def test_in_the_grace_it_can_still_be_shut_at_once(tmp_path: Path) -> None:
    session = opened(tmp_path, clock())
    session.end("by hand")
    session.end("by hand", at_once=True)
    assert session.standing is Standing.LOCKED


async def test_unlocking_again_lends_again(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now)
    leased = session.leased(ME, "BROKER_API_KEY")
    path = session.vault().path
    session.end("by hand", at_once=True)
    session.begin(Vault.open(path, PASSPHRASE, around=around()))
    assert leased.reveal() == "canary"


async def test_a_second_vault_takes_the_place_of_the_first_whose_key_is_wiped(tmp_path: Path) -> None:
    session = opened(tmp_path, clock())
    first = session.vault()
    session.begin(Vault.open(first.path, PASSPHRASE, around=around()))
    assert first.is_locked
    assert not session.vault().is_locked


async def test_a_changed_record_is_lent_after_renewing(tmp_path: Path) -> None:
    session = opened(tmp_path, clock())
    leased = session.leased(ME, "BROKER_API_KEY")
    session.vault().write(ME.profile, broker=ME.broker, environment=PAPER, fields=secrets(BROKER_API_KEY="newer"))
    session.renew()
    assert leased.reveal() == "newer"


async def test_a_field_the_vault_does_not_have_is_named(tmp_path: Path) -> None:
    session = opened(tmp_path, clock())
    for tenant, name in ((ME, "BROKER_PASSWORD"), (NOBODY, "BROKER_API_KEY")):
        with pytest.raises(ConfigInvalid, match=f"no {name} for profile {tenant.profile}"):
            session.leased(tenant, name).reveal()


async def test_it_says_when_it_will_stand_elsewhere(tmp_path: Path) -> None:
    now = clock()
    session = opened(tmp_path, now)
    assert session.changes_in_s == 100
    await now.advance(100)
    assert session.changes_in_s == 50
    await now.advance(50)
    assert session.changes_in_s is None

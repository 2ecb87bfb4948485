"""A chain's first key moves from the home into the vault, and is erased only when it is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from floorbroker.app.auditing import keep_beside
from floorbroker.app.escrow import BROKER, beside, first_key, is_kept, put_away
from floorbroker.domain.errors import ConfigInvalid, InvalidRequest, NotFound, VaultLocked
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.places import Places
from floorbroker.vault import Vault
from tests.support.vaults import make

FIRST, LOG = Secret("ab" * 32), "c8e379f43fb620a2e971add70534c3f5"
Place = tuple[str, str, Environment]


@dataclass
class Safe:
    """A vault in memory, which may be shut."""

    records: dict[Place, Mapping[str, Secret]] = field(default_factory=dict[Place, Mapping[str, Secret]])
    writes: int = 0
    is_shut: bool = False

    def read(self, profile: str, *, broker: str, environment: Environment) -> Mapping[str, Secret]:
        if (profile, broker, environment) not in self.records:
            raise NotFound("no such record")
        return self.records[profile, broker, environment]

    def write(self, profile: str, *, broker: str, environment: Environment, fields: Mapping[str, Secret]) -> None:
        if self.is_shut:
            raise VaultLocked("the vault is locked")
        self.writes += 1
        self.records[profile, broker, environment] = dict(fields)


@pytest.fixture
def places(tmp_path: Path) -> Places:
    found = Places(tmp_path / "audit", Environment.PAPER)
    keep_beside(found, FIRST)
    return found


def test_the_key_is_in_the_vault_and_no_longer_in_the_home(places: Places) -> None:
    safe = Safe()
    descriptor = os.open(places.first, os.O_RDONLY)
    assert put_away(safe, places, LOG)
    assert first_key(safe, Environment.PAPER, LOG) == FIRST
    assert list(safe.records) == [("audit-paper", BROKER, Environment.PAPER)]
    assert not places.first.exists()
    assert os.read(descriptor, 100).strip(b"0") == b""  # whoever held the file open reads nothing either
    os.close(descriptor)
    assert not put_away(safe, places, LOG)


def test_a_key_that_the_vault_did_not_take_stays(places: Places) -> None:
    with pytest.raises(VaultLocked):
        put_away(Safe(is_shut=True), places, LOG)
    assert places.first.exists()


def test_a_crash_before_the_erasing_costs_no_second_version(places: Places) -> None:
    safe = Safe()
    put_away(safe, places, LOG)
    keep_beside(places, FIRST)
    assert put_away(safe, places, LOG)
    assert (safe.writes, places.first.exists()) == (1, False)


def test_the_keys_of_older_chains_and_other_environments_stay(places: Places) -> None:
    safe, second = Safe(), Secret("cd" * 32)
    put_away(safe, places, LOG)
    keep_beside(places, second)
    put_away(safe, places, "f" * 64)
    assert first_key(safe, Environment.PAPER, LOG) == FIRST
    assert first_key(safe, Environment.PAPER, "f" * 64) == second
    assert first_key(safe, Environment.LIVE, LOG) is None
    assert first_key(safe, Environment.PAPER, "0" * 64) is None


def test_a_key_that_was_written_over_before_a_crash_is_removed_and_is_no_key(places: Places) -> None:
    safe = Safe()
    put_away(safe, places, LOG)
    places.first.write_text("0" * 65)
    assert beside(places) is None
    assert put_away(safe, places, LOG)
    assert (safe.writes, places.first.exists()) == (1, False)
    assert first_key(safe, Environment.PAPER, LOG) == FIRST


@pytest.mark.parametrize("text", ["", "ab", "x" * 64])
def test_what_is_no_key_is_refused_and_stays(places: Places, text: str) -> None:
    places.first.write_text(text)
    with pytest.raises(ConfigInvalid, match="64 lower-case hexadecimal digits"):
        put_away(Safe(), places, LOG)
    assert places.first.exists()


def test_what_the_vault_says_to_have_is_found_for_its_chain_and_environment_alone(tmp_path: Path) -> None:
    vault, places = make(tmp_path), Places(tmp_path / "audit", Environment.PAPER)
    keep_beside(places, FIRST)
    put_away(vault, places, LOG)
    records = Vault.look(vault.path).records
    assert is_kept(records, Environment.PAPER, LOG)
    assert not is_kept(records, Environment.LIVE, LOG)
    assert not is_kept(records, Environment.PAPER, "f" * 64)
    assert not is_kept((), Environment.PAPER, LOG)


def test_when_the_record_is_full_the_next_key_stays_in_the_home(tmp_path: Path) -> None:
    vault, places = make(tmp_path), Places(tmp_path / "audit", Environment.PAPER)
    for number in range(16):
        keep_beside(places, FIRST)
        put_away(vault, places, f"{number:064x}"[::-1])
    keep_beside(places, FIRST)
    with pytest.raises(InvalidRequest, match="1 to 16"):
        put_away(vault, places, LOG)
    assert places.first.exists()
    assert first_key(vault, Environment.PAPER, f"{3:064x}"[::-1]) == FIRST

"""A chain's first key moves from the home into the vault, and is erased only when it is there."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from floorbroker.app.auditing import keep_beside
from floorbroker.app.escrow import BROKER, first_key, put_away
from floorbroker.domain.errors import NotFound, VaultLocked
from floorbroker.domain.secret import Secret
from floorbroker.domain.values import Environment
from floorbroker.store.audit.places import Places

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

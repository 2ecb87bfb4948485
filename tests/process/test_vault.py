"""A real process killed at each step of a write of the vault, at the real cost: the old vault is there or the new one."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from floorbroker.app.acts import Acts
from floorbroker.app.home import Home
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.errors import WrongPassphrase
from floorbroker.domain.secret import Secret
from floorbroker.domain.steps import VAULT
from floorbroker.domain.values import Environment
from floorbroker.store import SqliteJournal
from floorbroker.vault import Vault

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
OLD, NEW = "the passphrase of before", "the passphrase of after"
FIELDS = {"BROKER_API_KEY": Secret("K"), "BROKER_SECRET_KEY": Secret("S")}
AFTER = {"vault.begun": OLD, "vault.written": OLD, "vault.renamed": NEW, "vault.durable": NEW}


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with a vault, a journal, and simulators alone: elsewhere no plan is followed."""
    folder = tmp_path_factory.mktemp("vault")
    home = Home.at(folder / "home")
    home.config.write_text('[profiles.a]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n')
    vault = Vault.create(home.vault, Secret(OLD))
    vault.write("a", broker="ALPACA", environment=Environment.SIM, fields=FIELDS)
    SqliteJournal.open(home.journal(Environment.SIM), clock=SystemClock(), environment=Environment.SIM).abandon()
    (folder / "old").write_text(OLD)
    (folder / "new").write_text(NEW)
    return folder


def run(folder: Path, home: Path, *words: str, plan: str = "") -> subprocess.CompletedProcess[str]:
    env = {**os.environ, "FLOORBROKER_STEPS": plan} if plan else dict(os.environ)
    command = [sys.executable, "-m", "floorbroker", "--home", str(home), "vault", *words]
    return subprocess.run(command, env=env, cwd=folder, capture_output=True, text=True, check=False, timeout=120)


def opened(home: Home) -> tuple[str, Vault]:
    """The passphrase that opens it, and the vault."""
    try:
        return OLD, Vault.open(home.vault, Secret(OLD))
    except WrongPassphrase:
        return NEW, Vault.open(home.vault, Secret(NEW))


def test_every_step_of_a_write_is_killed_at() -> None:
    assert set(AFTER) == set(VAULT)


@pytest.mark.parametrize("step", VAULT)
def test_killed_at_a_step_of_a_rotation_the_old_vault_is_there_or_the_new_one(
    desk: Path, tmp_path: Path, step: str
) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(desk / "home", home.root)
    home.vault.chmod(0o600)
    words = ("rotate", "--from-file", "old", "--new-from-file", "new")
    ended = run(desk, home.root, *words, plan=f"{step}=kill")
    assert ended.returncode == -signal.SIGKILL, ended.stderr
    passphrase, vault = opened(home)
    assert passphrase == AFTER[step]
    assert vault.read("a", broker="ALPACA", environment=Environment.SIM) == FIELDS
    unlocked = run(desk, home.root, "unlock", "--from-file", "old" if passphrase == OLD else "new")
    assert unlocked.returncode == 0, unlocked.stderr
    assert Acts(home, SystemClock()).known() == vault.known
    vault.remove("a", broker="ALPACA", environment=Environment.SIM)
    assert not list(home.root.glob(".*.tmp"))


def test_a_rotation_that_nothing_interrupts_is_remembered(desk: Path, tmp_path: Path) -> None:
    home = Home(tmp_path / "home")
    shutil.copytree(desk / "home", home.root)
    home.vault.chmod(0o600)
    ended = run(desk, home.root, "rotate", "--from-file", "old", "--new-from-file", "new")
    assert ended.returncode == 0, ended.stderr
    passphrase, vault = opened(home)
    assert (passphrase, vault.generation) == (NEW, 3)
    assert Acts(home, SystemClock()).known() == vault.known

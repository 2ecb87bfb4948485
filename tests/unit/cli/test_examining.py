"""`doctor`: what is wrong is red, and every red line names its repair."""

from __future__ import annotations

import asyncio
import json
import socket
import sqlite3
from datetime import UTC, datetime
from pathlib import Path

import pytest

from floorbroker.app.acts import note_of
from floorbroker.app.hardening import Standing
from floorbroker.app.home import Home
from floorbroker.cli.examining import (
    clock_of,
    disk_of,
    journal_of,
    permissions_of,
    process_of,
    python_of,
    sqlite_of,
    vault_of,
)
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.values import Environment
from floorbroker.store import SqliteJournal
from floorbroker.vault import Vault
from tests.support.vaults import OTHER, PAPER, PASSPHRASE, QuickDerivation
from tests.unit.cli.running import document, run

GIB = 1024**3


@pytest.fixture
def home(tmp_path: Path) -> Home:
    tmp_path.chmod(0o700)
    return Home(tmp_path)


def test_versions_are_judged() -> None:
    assert python_of((3, 11, 0)).state == "ok"
    assert python_of((3, 10, 9)).state == "red"
    assert sqlite_of((3, 51, 3)).state == "ok"
    assert sqlite_of((3, 51, 2)).state == "warn"


def test_little_room_is_told_before_there_is_none(home: Home) -> None:
    assert [disk_of(home, free).state for free in (2 * GIB, GIB // 2, 1024)] == ["ok", "warn", "red"]


def test_a_clock_in_the_past_is_red(home: Home) -> None:
    found = clock_of(datetime(1999, 1, 1, tzinfo=UTC), home)
    assert (found.state, "NTP" in found.repair) == ("red", True)


def test_a_clock_behind_the_journal_is_red(home: Home) -> None:
    document(run(home.root, "buy", "AAPL", "1", "--json"))
    assert clock_of(datetime(2026, 1, 2, tzinfo=UTC), home).state == "red"


def test_a_token_that_others_may_read_is_red_with_its_repair(home: Home) -> None:
    home.setup_token.write_text("fb_x")
    home.setup_token.chmod(0o644)
    (found,) = permissions_of(home)
    assert (found.state, found.repair) == ("red", f"chmod 600 {home.setup_token}")


@pytest.mark.parametrize(
    ("core_files", "readable", "state"),
    [(False, False, "ok"), (True, False, "warn"), (False, True, "warn"), (None, None, "ok"), (False, None, "ok")],
)
def test_a_process_that_others_can_read_is_told(core_files: bool | None, readable: bool | None, state: str) -> None:
    assert process_of(Standing(core_files=core_files, readable_by_others=readable)).state == state


def test_a_vault_is_looked_at_from_outside(home: Home) -> None:
    assert (vault_of(home).state, vault_of(home).detail) == ("ok", "none")
    vault = Vault.create(home.vault, PASSPHRASE, derive=QuickDerivation())
    assert vault_of(home).state == "warn"  # nothing remembers it
    old = home.vault.read_bytes()
    vault.rotate_passphrase(OTHER)
    journal = SqliteJournal.open(home.journal(PAPER), clock=SystemClock(), environment=PAPER)
    asyncio.run(journal.commit([note_of(vault.known)]))
    asyncio.run(journal.close())
    assert vault_of(home).state == "ok"
    home.vault.chmod(0o640)
    assert (vault_of(home).state, "chmod 600" in vault_of(home).repair) == ("red", True)
    home.vault.chmod(0o600)
    home.vault.write_bytes(old)
    assert (vault_of(home).state, "--accept-older" in vault_of(home).repair) == ("red", True)
    home.vault.write_bytes(b"something else")
    assert vault_of(home).state == "red"


@pytest.mark.parametrize("content", [b"", b"not a database at all, but long enough to look at" * 100])
def test_a_file_that_is_no_journal_is_red(home: Home, content: bytes) -> None:
    path = home.journal(Environment.PAPER)
    path.write_bytes(content)
    assert journal_of(path, Environment.PAPER).state == "red"


def test_the_journal_of_another_environment_is_red(home: Home) -> None:
    document(run(home.root, "buy", "AAPL", "1", "--json"))
    home.journal(Environment.PAPER).rename(home.journal(Environment.SIM))
    assert journal_of(home.journal(Environment.SIM), Environment.SIM).state == "red"


def test_a_damaged_journal_is_red(home: Home) -> None:
    document(run(home.root, "buy", "AAPL", "1", "--json"))
    path = home.journal(Environment.PAPER)
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    content = bytearray(path.read_bytes())
    content[4096:20480] = b"\xff" * 16384
    path.write_bytes(bytes(content))
    assert journal_of(path, Environment.PAPER).state == "red"


def test_a_healthy_home_is_exit_code_0(home: Home) -> None:
    with socket.create_server(("127.0.0.1", 0)) as free:  # another desk may serve at the usual port
        port = free.getsockname()[1]
    home.config.write_text(f"[server]\nport = {port}\n")
    found = document(run(home.root, "doctor", "--json"))
    assert found["ok"]
    assert "profile paper" in [check["check"] for check in found["checks"]]


def test_a_red_line_is_exit_code_11_and_names_its_repair(home: Home) -> None:
    home.config.write_text("[server]\nprot = 1\n")
    result = run(home.root, "doctor", "--json")
    assert result.exit_code == 11
    found = json.loads(result.stdout)
    assert not found["ok"]
    assert all(check["repair"] for check in found["checks"] if check["state"] != "ok")

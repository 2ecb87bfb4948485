"""Profiles against a simulator that runs, and with a process that dies between the vault and the file."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from floorbroker.app.home import Home
from floorbroker.vault import Vault
from tests.support.vaults import PASSPHRASE
from tests.unit.cli.running import document, start
from tests.unit.cli.test_brokers import DERIVE, piped, run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    folder = tmp_path / "home"
    (tmp_path / "passphrase").write_text(PASSPHRASE.reveal())
    Home.at(folder).config.write_text(f'[vault]\npassphrase_file = "{tmp_path / "passphrase"}"\n')
    return folder


@pytest.fixture
def venue() -> Iterator[dict[str, Any]]:
    process = start("sim", "alpaca", "--port", "0")
    assert process.stdout is not None
    try:
        yield json.loads(process.stdout.readline())
    finally:
        process.kill()
        process.communicate(timeout=20)


def test_credentials_are_tried_at_the_venue_and_a_wrong_one_does_not_replace_a_right_one(
    home: Path, venue: dict[str, Any]
) -> None:
    Vault.create(Home(home).vault, PASSPHRASE, derive=DERIVE).lock()
    keys = venue["credentials"]
    given = f"BROKER_API_KEY={keys['BROKER_API_KEY']}\nBROKER_SECRET_KEY={keys['BROKER_SECRET_KEY']}\n"
    words = ("--broker", "ALPACA", "--env", "sim", "--url", venue["rest"], "--from-fd", piped(given))
    assert run(home, "broker", "add", "tried", *words).exit_code == 0
    checks = {line["name"]: line["ok"] for line in document(run(home, "broker", "test", "tried", "--json"))["checks"]}
    assert checks == dict.fromkeys(checks, True)
    assert "credentials" in checks
    rotate = ("broker", "rotate", "tried", "BROKER_SECRET_KEY", "--from-fd")
    refused = run(home, *rotate, piped("canary-wrong-secret"))
    assert (refused.exit_code, "the old one stays" in refused.stderr) == (13, True), refused.stderr
    assert "canary" not in refused.stderr
    assert run(home, *rotate, piped(keys["BROKER_SECRET_KEY"])).exit_code == 0
    assert document(run(home, "broker", "list", "--profile", "tried", "--json"))["items"][0]["version"] == 2


def test_a_crash_between_vault_and_file_leaves_a_record_that_is_listed_and_can_be_cleared(home: Path) -> None:
    Vault.create(Home(home).vault, PASSPHRASE).lock()
    home_words = ("--home", str(home))
    with Home(home).config.open("a") as file:
        file.write('[profiles.one]\nbroker = "ALPACA"\nenvironment = "sim"\nurl = "http://127.0.0.1:9"\n')
    given = home.parent / "given"
    given.write_text("BROKER_API_KEY=K\nBROKER_SECRET_KEY=canary-lost\n")
    died = subprocess.run(
        [
            sys.executable, "-m", "floorbroker", *home_words, "broker", "add", "lost", "--broker", "ALPACA",
            "--env", "sim", "--url", "http://127.0.0.1:9", "--from-file", str(given),
        ],
        env={**os.environ, "FLOORBROKER_STEPS": "vault.durable=kill"}, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert died.returncode == -signal.SIGKILL, died.stderr
    rows = {row["name"]: row for row in document(run(home, "broker", "list", "--json"))["items"]}
    assert "sealed in the vault without a profile" in rows["lost"]["notes"][0]
    cleared = start(*home_words, "broker", "remove", "lost", "--yes")
    assert cleared.wait(timeout=60) == 0, cleared.communicate()
    cleared.communicate()
    vault = Vault.open(Home(home).vault, PASSPHRASE)
    assert [record.profile for record in vault.records()] == []

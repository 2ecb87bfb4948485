"""Profiles against a simulator that runs, and with a process that dies between the vault and the file."""

from __future__ import annotations

import json
import os
import select
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


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pseudo-terminals here")
def test_a_person_is_asked_for_what_is_missing_and_no_answer_is_echoed(home: Path) -> None:
    Vault.create(Home(home).vault, PASSPHRASE).lock()
    words = ("broker", "add", "asked", "--broker", "ALPACA", "--env", "paper")
    told, status = at_a_terminal(
        ("--home", str(home), *words),
        [
            # The blank behind the colon comes once nothing is echoed any more, and what was typed before is thrown away.
            ("(BROKER_API_KEY), like PKXXXXXXXXXXXXXXXXXX: ", "AKCANARYLIVE"),  # a live key, which is asked for again
            ("a key of environment live", ""),
            ("(BROKER_API_KEY), like PKXXXXXXXXXXXXXXXXXX: ", "PKCANARYPAPER"),
            ("(BROKER_SECRET_KEY), like 40 letters and digits: ", "canary-5d1c99"),
        ],
    )
    assert status == 0, told
    assert "profile asked is written" in told
    assert "canary" not in told.lower()
    with Home(home).config.open() as file:
        assert "asked" in file.read()


def at_a_terminal(words: tuple[str, ...], answers: list[tuple[str, str]]) -> tuple[str, int]:
    """Run the command at a terminal of its own: what stood on it, and the exit code.  An empty answer only waits."""
    import pty

    process, terminal = pty.fork()
    if process == 0:
        os.execv(sys.executable, [sys.executable, "-m", "floorbroker", *words])  # noqa: S606 - our own program
    told, seen = "", 0
    for question, answer in answers:
        while question not in told[seen:]:
            more = _more(terminal)
            assert more, f"it ended before it asked {question!r}: {told}"
            told += more
        seen = told.index(question, seen) + len(question)
        if answer:
            os.write(terminal, f"{answer}\n".encode())
    while text := _more(terminal):
        told += text
    _, status = os.waitpid(process, 0)
    os.close(terminal)
    return told, os.waitstatus_to_exitcode(status)


def _more(terminal: int) -> str:
    poll = select.poll()  # `select` takes no descriptor above 1,023
    poll.register(terminal, select.POLLIN)
    if not poll.poll(60_000):
        raise AssertionError("nothing is said any more")
    try:
        return os.read(terminal, 4096).decode(errors="replace")
    except OSError:  # the other end is closed
        return ""

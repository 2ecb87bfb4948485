"""Arming from the command line: a person's word, with or without a server, and never by --yes."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from floorbroker.app.home import Home, write_private
from floorbroker.app.permits import FilePermits
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.ports import AuditEntry
from floorbroker.domain.values import Environment, ProfileName
from floorbroker.risk.limits import REQUIRED_IN_LIVE
from floorbroker.store.reader import JournalReader
from floorbroker.store.sqlite import SqliteJournal
from tests.support.desk_server import TOKEN, desk_server
from tests.unit.cli.running import document, run

REAL = ProfileName("real")
LIMITS = "\n".join(f"{name} = 5" for name in REQUIRED_IN_LIVE)


def _home(root: Path, *, enabled: bool = True, started: bool = True) -> Home:
    """A home whose live desk has run once, and is down."""
    home = Home.at(root)
    home.config.write_text(
        f"[live]\nenabled = {str(enabled).lower()}\n"
        f'[profiles.real]\nbroker = "ALPACA"\nenvironment = "live"\n[profiles.real.limits]\n{LIMITS}\n'
    )
    if started:
        journal = SqliteJournal.open(
            home.journal(Environment.LIVE), clock=SystemClock(), environment=Environment.LIVE, instance_tag=3
        )
        asyncio.run(journal.close())
        FilePermits(home).grant(REAL)
    return home


def _audited(home: Home) -> list[tuple[str, str, str]]:
    reader = JournalReader(home.journal(Environment.LIVE))
    entries = [record.entry for record in reader.read(kinds=frozenset({"audit"}))]
    reader.close()
    return [(e.action, e.via, e.reason) for e in entries if isinstance(e, AuditEntry) and e.action.startswith("live.")]


def test_it_is_armed_shown_and_disarmed_without_a_server_or_a_broker(tmp_path: Path) -> None:
    home = _home(tmp_path)
    before = document(run(tmp_path, "--json", "live", "status"))["items"]
    assert [(row["profile"], row["armed"]) for row in before] == [("real", False)]
    (row,) = document(
        run(tmp_path, "--json", "live", "arm", "--for", "30m", "--reason", "the open", "--confirm", "real")
    )["items"]
    left = datetime.fromisoformat(row["until"]) - datetime.now(UTC)
    assert row["armed"]
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)
    assert document(run(tmp_path, "--json", "live", "status"))["items"][0]["armed"]
    after = document(run(tmp_path, "--json", "live", "disarm", "--reason", "lunch"))["items"]
    assert (after[0]["armed"], "disarmed: lunch" in after[0]["why_not"]) == (False, True)
    assert not document(run(tmp_path, "--json", "live", "status"))["items"][0]["armed"]
    assert _audited(home) == [("live.arm", "cli", "the open"), ("live.disarm", "cli", "disarmed: lunch")]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--reason", "r"], "--confirm real"),
        (["--reason", "r", "--yes"], "--confirm real"),
        (["--reason", "r", "--confirm", "yes"], "--confirm real"),
        (["--reason", "r", "--confirm", "REAL"], "--confirm real"),
        (["--confirm", "real"], "needs a reason"),
        (["--confirm", "real", "--reason", "r", "--for", "soon"], "--for"),
        (["--confirm", "real", "--reason", "r", "--for", "25h"], "a minute to a day"),
        (["--confirm", "real", "--reason", "r", "--for", "5s"], "a minute to a day"),
    ],
)
def test_it_takes_the_name_a_reason_and_a_bounded_time_and_no_yes(tmp_path: Path, words: list[str], told: str) -> None:
    home = _home(tmp_path)
    refused = run(tmp_path, "live", "arm", *words)
    assert (refused.exit_code, refused.stdout) == (2, "")
    assert told in refused.stderr
    assert _audited(home) == []


def test_live_that_is_not_enabled_or_killed_is_not_armed(tmp_path: Path) -> None:
    arm = ["live", "arm", "--reason", "r", "--confirm", "real", "--json"]
    _home(tmp_path, enabled=False)
    off = run(tmp_path, *arm)
    assert (off.exit_code, json.loads(off.stderr)["code"]) == (6, "not_armed")
    _home(tmp_path)
    run(tmp_path, "kill", "on", "--level", "1", "--reason", "drill", "--json")
    killed = run(tmp_path, *arm)
    assert (killed.exit_code, json.loads(killed.stderr)["code"]) == (6, "kill_switch_on")


def test_a_kill_from_the_command_line_disarms(tmp_path: Path) -> None:
    _home(tmp_path)
    document(run(tmp_path, "--json", "live", "arm", "--reason", "r", "--confirm", "real"))
    run(tmp_path, "kill", "on", "--level", "1", "--reason", "drill", "--json")
    run(tmp_path, "kill", "off", "--reason", "over", "--json")
    assert not document(run(tmp_path, "--json", "live", "status"))["items"][0]["armed"]


def test_a_live_desk_that_never_ran_and_a_profile_that_is_not_there_are_told(tmp_path: Path) -> None:
    _home(tmp_path, started=False)
    never = run(tmp_path, "live", "arm", "--reason", "r", "--confirm", "real")
    assert (never.exit_code, "floorbroker up" in never.stderr) == (8, True)
    nobody = run(tmp_path, "live", "arm", "--reason", "r", "--confirm", "x", "--profile", "x")
    assert (nobody.exit_code, "there are: real" in nobody.stderr) == (5, True)


def test_a_profile_that_never_started_is_told_so_and_not_of_a_kill_that_nobody_tripped(tmp_path: Path) -> None:
    home = _home(tmp_path)
    FilePermits(home).withdraw(REAL)
    never = run(tmp_path, "live", "arm", "--reason", "r", "--confirm", "real")
    assert (never.exit_code, "floorbroker up" in never.stderr, "kill" in never.stderr) == (8, True, False)


def test_a_server_is_not_asked_for_a_time_that_nobody_may_have(tmp_path: Path) -> None:
    home = _home(tmp_path)
    with _serving(home):
        refused = run(tmp_path, "live", "arm", "--reason", "r", "--confirm", "real", "--for", "25h")
    assert (refused.exit_code, "--for 25h: arming lasts a minute to a day" in refused.stderr) == (2, True)


def test_the_older_name_of_the_setting_still_counts(tmp_path: Path) -> None:
    home = _home(tmp_path)
    home.config.write_text(home.config.read_text().replace("[live]\nenabled", "[trading]\nlive_enabled"))
    assert document(run(tmp_path, "--json", "live", "arm", "--reason", "r", "--confirm", "real"))["items"][0]["armed"]


@contextmanager
def _serving(home: Home) -> Iterator[None]:
    """A live desk in memory, behind a real server that says where it listens."""
    started, stop = threading.Event(), threading.Event()

    async def serve() -> None:
        async with desk_server(Environment.LIVE) as served:
            served.desk.state = {REAL: next(iter(served.desk.state.values()))}
            write_private(home.setup_token, f"{TOKEN}\n")
            write_private(home.root / "lock", f"1\n{served.origin}\n")
            started.set()
            await asyncio.to_thread(stop.wait)

    thread = threading.Thread(target=lambda: asyncio.run(serve()))
    thread.start()
    try:
        assert started.wait(20)
        yield
    finally:
        stop.set()
        thread.join(20)


def test_a_server_that_runs_is_asked_and_the_journal_left_alone(tmp_path: Path) -> None:
    home = _home(tmp_path)
    with _serving(home):
        (row,) = document(run(tmp_path, "--json", "live", "arm", "--reason", "r", "--confirm", "real"))["items"]
        assert row["armed"]
        assert document(run(tmp_path, "--json", "live", "status"))["items"] == [row]
        assert not document(run(tmp_path, "--json", "live", "disarm"))["items"][0]["armed"]
    assert _audited(home) == []

"""Permits as files: trading needs a file, and one that cannot be removed keeps no other from being removed."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from floorbroker.app import permits as permits_module
from floorbroker.app.home import Home
from floorbroker.app.permits import FilePermits
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.kill import Sentinel
from floorbroker.gateway.scopes import GLOBAL
from floorbroker.store.lock import ProcessLock

MAIN = ProfileName("main")


def test_a_permit_is_a_file_and_is_asked_for_each_time(tmp_path: Path) -> None:
    permits = FilePermits(Home(tmp_path))
    assert not permits.has(MAIN)
    permits.grant(MAIN)
    assert permits.has(MAIN)
    permits.withdraw(MAIN)
    assert not permits.has(MAIN)


def linked(path: Path) -> None:
    """A link to a file that is somewhere else, where no kill removes it."""
    beside = path.with_name("beside")
    beside.write_text("")
    path.symlink_to(beside)


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo, linked], ids=["folder", "pipe", "link"])
def test_what_is_no_file_is_no_permit(tmp_path: Path, make: Callable[[Path], object]) -> None:
    home = Home(tmp_path)
    home.permits.mkdir()
    make(home.permits / MAIN)
    assert not FilePermits(home).has(MAIN)


def test_what_is_no_permit_is_in_no_kills_way(tmp_path: Path) -> None:
    home = Home(tmp_path)
    permits = FilePermits(home)
    for profile in (ProfileName("a"), MAIN, ProfileName("z")):
        permits.grant(profile)
    for folder in ("b", "y"):
        (home.permits / folder).mkdir()
        permits.withdraw(ProfileName(folder))
    permits.withdraw_all()
    assert sorted(path.name for path in home.permits.iterdir()) == ["b", "y"]


class Stuck(FilePermits):
    """Two permits of it cannot be removed."""

    def withdraw(self, profile: ProfileName) -> None:
        if profile in {"b", "y"}:
            raise PermissionError(1, "Operation not permitted", str(self.home.permits / profile))
        super().withdraw(profile)


@pytest.mark.parametrize("of", [None, tuple(map(ProfileName, ("b", "a", "main", "y", "z")))])
def test_a_permit_that_cannot_be_withdrawn_keeps_no_other_and_is_told(
    tmp_path: Path, of: tuple[ProfileName, ...] | None
) -> None:
    home = Home(tmp_path)
    for profile in ("a", "b", MAIN, "y", "z"):
        FilePermits(home).grant(ProfileName(profile))
    with pytest.raises(PermissionError) as refused:
        Stuck(home).withdraw_all(of)
    assert refused.value.filename == str(home.permits / "b")
    assert sorted(path.name for path in home.permits.iterdir()) == ["b", "y"]


def test_a_reset_of_one_scope_leaves_the_kills_of_others_in_the_file_at_any_moment_i14(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    permits = FilePermits(Home.at(tmp_path))
    for scope in (ProfileName("one"), ProfileName("two"), ProfileName("three")):
        permits.write_sentinel(Sentinel(level=2, scope=scope, reason="drill", by="me"))
    original = permits_module.write_private

    def looked(path: Path, text: str) -> None:
        assert {"one", "three"} <= {s.scope for s in permits.sentinels()}
        original(path, text)

    monkeypatch.setattr(permits_module, "write_private", looked)
    permits.clear_sentinels(ProfileName("two"))
    assert [(s.scope, s.level, s.reason, s.by) for s in permits.sentinels()] == [
        ("one", 2, "drill", "me"),
        ("three", 2, "drill", "me"),
    ]
    permits.clear_sentinels(GLOBAL)
    assert permits.sentinels() == []
    assert not permits.home.kill.exists()


def test_a_kill_written_while_another_scope_is_reset_is_not_lost_i14(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    permits, original, threads = FilePermits(Home.at(tmp_path)), permits_module.write_private, list[Thread]()
    for scope in ("one", "two"):
        permits.write_sentinel(Sentinel(level=2, scope=ProfileName(scope), reason="drill", by="me"))

    def beside(path: Path, text: str) -> None:
        if not threads:
            kill = Sentinel(level=3, scope=ProfileName("three"), reason="now", by="her")
            threads.append(Thread(target=permits.write_sentinel, args=(kill,)))
            threads[0].start()
            threads[0].join(0.05)
        original(path, text)

    monkeypatch.setattr(permits_module, "write_private", beside)
    permits.clear_sentinels(ProfileName("two"))
    threads[0].join()
    assert sorted(s.scope for s in permits.sentinels()) == ["one", "three"]


def test_a_kill_waits_for_nobody_who_hangs_and_needs_no_lock(tmp_path: Path) -> None:
    permits = FilePermits(Home.at(tmp_path))
    held = ProcessLock(permits.home.kill.with_name("kill.lock"))
    held.acquire()
    permits.write_sentinel(Sentinel(level=2, scope=GLOBAL, reason="held", by="me"))
    held.release()
    held.path.unlink()
    held.path.mkdir()
    permits.write_sentinel(Sentinel(level=2, scope=GLOBAL, reason="no lock", by="me"))
    assert [s.reason for s in permits.sentinels()] == ["held", "no lock"]

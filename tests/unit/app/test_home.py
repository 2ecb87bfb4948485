"""The files of the home, as they should be and as they should not."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from floorbroker.app.home import Home, first_token, known_token, write_private
from floorbroker.app.permits import FilePermits
from floorbroker.domain.errors import ConfigInvalid
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.kill import GLOBAL


def test_the_first_run_makes_a_token_and_later_ones_find_it(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert known_token(home) is None
    made, is_first = first_token(home)
    found, again = first_token(home)
    assert (is_first, again) == (True, False)
    assert made.reveal() == found.reveal()
    assert stat.S_IMODE(home.setup_token.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    "written", [b"", b"\n", b"short", b"\xff\xfe" * 20, b"two lines\n" * 3, b"a\x01" * 20, b"x" * 999]
)
def test_a_file_without_a_token_opens_no_door(tmp_path: Path, written: bytes) -> None:
    home = Home(tmp_path)
    home.setup_token.write_bytes(written)
    with pytest.raises(ConfigInvalid, match="setup-token"):
        first_token(home)


def test_a_file_that_cannot_be_put_in_place_leaves_nothing_beside_it(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    with pytest.raises(OSError, match="taken"):
        write_private(tmp_path / "taken", "text")
    assert os.listdir(tmp_path) == ["taken"]  # noqa: PTH208 - hidden files included


@pytest.mark.parametrize(
    "written",
    [
        b"",
        b"\xff",
        b"stop",
        b"[" * 100_000,
        b"5",
        b'{"level": true}',
        b'{"level": 1e400}',
        b'{"level": 0}',
        b'{"level": 9}',
        b'{"level": "1"}',
        b'{"scope": 5}',
        b'{"scope": "../../etc"}',
        b'{"scope": ["paper"]}',
    ],
)
def test_a_kill_file_that_is_not_ours_stops_everything(tmp_path: Path, written: bytes) -> None:
    permits = FilePermits(Home(tmp_path))
    permits.home.kill.write_bytes(written)
    assert [(type(s.level), s.level, s.scope) for s in permits.sentinels()] == [(int, 2, GLOBAL)]


def test_a_kill_file_of_ours_says_what_it_says(tmp_path: Path) -> None:
    permits = FilePermits(Home(tmp_path))
    permits.home.kill.write_text('{"level": 1, "scope": "paper", "reason": "odd", "by": "me"}\n')
    (found,) = permits.sentinels()
    assert (found.level, found.scope, found.reason, found.by) == (1, ProfileName("paper"), "odd", "me")


def test_a_home_is_known_by_its_whole_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Home.at(Path("here")).root == tmp_path / "here"
    monkeypatch.setenv("FLOORBROKER_HOME", "there")
    assert Home.at().venue_state(ProfileName("p")) == tmp_path / "there" / "paper" / "p.log"

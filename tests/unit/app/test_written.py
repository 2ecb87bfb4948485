"""Editing `floorbroker.toml`: comments stay, one thing changes, and nobody else's change is lost."""

from __future__ import annotations

import stat
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from floorbroker.app.written import read_text, replace_text, with_profile, with_value, without_value
from floorbroker.domain.errors import ConfigInvalid, Conflict, JournalFault

WRITTEN = """# my desk
[server]
port = 8750  # behind the proxy

[profiles.one]  # the first
broker = "PAPER"
environment = "paper"

[risk]
max_order_notional = "5000"

[profiles.two]
broker = "ALPACA"
environment = "paper"
options = { stock_feed = "iex" }  # free
"""


def test_one_value_changes_and_every_comment_stays() -> None:
    changed = with_value(WRITTEN, ("server", "port"), 9000)
    assert changed == WRITTEN.replace("8750", "9000")
    assert with_value(changed, ("server", "port"), 8750) == WRITTEN


def test_a_section_that_is_missing_is_made() -> None:
    assert tomllib.loads(with_value("", ("vault", "keyring"), True)) == {"vault": {"keyring": True}}
    assert with_value(WRITTEN, ("vault", "keyring"), True).startswith(WRITTEN)


def test_a_new_profile_stands_behind_what_is_there() -> None:
    members = {"broker": "ALPACA", "environment": "live", "enabled": False, "options": {"stock_feed": "sip"}}
    changed = with_profile(WRITTEN, "three", members)
    assert tomllib.loads(changed)["profiles"]["three"] == members
    assert all(line in changed for line in WRITTEN.splitlines())


def test_a_profile_goes_with_its_section_and_nothing_else() -> None:
    changed = without_value(WRITTEN, ("profiles", "one"))
    assert set(tomllib.loads(changed)["profiles"]) == {"two"}
    assert "# my desk" in changed
    assert "# free" in changed
    assert without_value(changed, ("profiles", "one")) == changed


@pytest.mark.parametrize("text", ["[a", "a = 1\na = 2", "server = 5"])
def test_a_file_that_cannot_be_edited_is_left_alone_with_a_word_on_what_to_write(text: str) -> None:
    with pytest.raises(ConfigInvalid, match=r"server\.port by hand"):
        with_value(text, ("server", "port"), 1)


NAMES = st.text("abcdefgh-_", min_size=1, max_size=6).filter(lambda name: name[0] not in "-_")
TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12)


@given(st.dictionaries(NAMES, st.dictionaries(NAMES, TEXTS, min_size=1, max_size=3), max_size=4), NAMES, TEXTS)
def test_profiles_go_in_and_out_again(others: dict[str, dict[str, str]], name: str, value: str) -> None:
    text = ""
    for other, members in others.items():
        text = with_profile(text, other, members)
    changed = with_profile(text, f"x{name}", {"broker": value, "options": {name: value}})
    assert tomllib.loads(changed)["profiles"] == {**others, f"x{name}": {"broker": value, "options": {name: value}}}
    assert tomllib.loads(without_value(changed, ("profiles", f"x{name}"))).get("profiles", {}) == others


def test_a_file_is_replaced_whole_and_for_its_owner_alone(tmp_path: Path) -> None:
    path = tmp_path / "floorbroker.toml"
    replace_text(path, "", "a = 1\n")
    assert (read_text(path), stat.S_IMODE(path.stat().st_mode)) == ("a = 1\n", 0o600)
    with pytest.raises(Conflict, match="somebody else"):
        replace_text(path, "", "a = 2\n")
    assert read_text(path) == "a = 1\n"


def test_a_disk_that_refuses_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "file" / "floorbroker.toml"
    (tmp_path / "file").write_text("no folder")
    with pytest.raises((JournalFault, ConfigInvalid)):
        replace_text(path, "", "a = 1\n")

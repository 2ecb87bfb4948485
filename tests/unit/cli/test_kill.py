"""The kill switch from the command line, with nobody else running."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from floorbroker.store.lock import ProcessLock
from tests.unit.cli.running import document, run


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home in which a desk has run, with one working order."""
    document(run(tmp_path, "buy", "AAPL", "1", "--limit", "210", "--tif", "gtc", "--json"))
    return tmp_path


def steps_of(found: dict[str, list[dict[str, object]]]) -> dict[str, bool]:
    return {str(step["step"]): bool(step["done"]) for step in found["steps"]}


def test_killing_goes_from_the_surest_to_the_most_lasting(home: Path) -> None:
    found = document(run(home, "kill", "on", "--reason", "prices look wrong", "--json"))
    assert [step["step"] for step in found["steps"]] == [
        "permits",
        "sentinel",
        "server",
        "journal paper",
        "cancel paper",
    ]
    assert [step["done"] for step in found["steps"]] == [True, True, False, True, True]
    assert list((home / "permits").iterdir()) == []
    assert json.loads((home / "kill").read_text())["reason"] == "prices look wrong"


def test_a_kill_blocks_every_later_order_until_a_person_opens_it(home: Path) -> None:
    document(run(home, "kill", "on", "--level", "1", "--json"))
    refused = run(home, "buy", "AAPL", "1")
    assert refused.exit_code == 6
    assert "kill_switch_on" in refused.stderr
    state = document(run(home, "kill", "status", "--json"))
    assert [(item["environment"], item["level"]) for item in state["items"]] == [("paper", 1)]
    document(run(home, "kill", "off", "--reason", "looked at it", "--json"))
    assert not (home / "kill").exists()
    assert document(run(home, "buy", "AAPL", "1", "--json"))["ord_status"] in {"new", "filled"}


def test_level_2_cancels_what_works_and_level_1_leaves_it(home: Path) -> None:
    document(run(home, "kill", "on", "--level", "1", "--json"))
    assert [o["ord_status"] for o in document(run(home, "order", "list", "--json"))["items"]] == ["new"]
    document(run(home, "kill", "on", "--level", "2", "--json"))
    assert [o["ord_status"] for o in document(run(home, "order", "list", "--json"))["items"]] == ["canceled"]


def test_a_kill_needs_no_configuration_that_parses(home: Path) -> None:
    (home / "floorbroker.toml").write_text("this is no TOML")
    found = document(run(home, "kill", "on", "--json"))
    assert steps_of(found)["permits"]
    assert steps_of(found)["sentinel"]
    assert steps_of(found)["journal paper"]


def test_a_journal_in_other_hands_does_not_stop_a_kill(home: Path) -> None:
    other = ProcessLock(home / "journal-paper.db.lock")
    other.acquire()
    try:
        found = document(run(home, "kill", "on", "--json"))
    finally:
        other.release()
    assert steps_of(found) == {
        "permits": True, "sentinel": True, "server": False, "journal paper": False, "cancel paper": False,
    }  # fmt: skip


def test_a_kill_before_any_desk_ran_takes_effect_at_its_first_start(tmp_path: Path) -> None:
    found = document(run(tmp_path, "kill", "on", "--json"))
    assert steps_of(found) == {"permits": True, "sentinel": True, "server": False}
    assert run(tmp_path, "buy", "AAPL", "1").exit_code == 6


def test_one_profile_is_killed_alone(home: Path) -> None:
    found = document(run(home, "kill", "on", "--profile", "paper", "--json"))
    assert found["scope"] == "paper"
    state = document(run(home, "kill", "status", "--json"))["items"][0]
    assert (state["level"], state["by_profile"]) == (0, {"paper": 2})
    document(run(home, "kill", "off", "--profile", "paper", "--reason", "fine", "--json"))
    assert document(run(home, "kill", "status", "--json"))["items"][0]["by_profile"] == {}


def test_a_profile_that_is_opened_under_a_kill_of_everything_is_told_to_be_stopped(home: Path) -> None:
    document(run(home, "kill", "on", "--level", "1", "--json"))
    for words in (["--profile", "paper"], ["--env", "paper"]):
        opened = run(home, "kill", "off", *words, "--reason", "fine")
        assert opened.exit_code == 10
        assert "paper has no kill of its own now, and is stopped by level 1 on everything" in opened.stderr
    assert run(home, "buy", "AAPL", "1").exit_code == 6


def test_everything_is_not_told_for_the_reason_of_one_profile(home: Path) -> None:
    document(run(home, "kill", "on", "--profile", "paper", "--reason", "this one alone", "--json"))
    everything, one = run(home, "kill", "status").stdout.splitlines()[1:3]
    assert ("this one alone" in everything, "this one alone" in one) == (False, True)


def test_a_permit_taken_away_by_hand_shows_and_can_be_given_back(home: Path) -> None:
    (home / "permits" / "paper").unlink()
    assert document(run(home, "kill", "status", "--json"))["items"][0]["by_profile"] == {"paper": 1}
    document(run(home, "kill", "off", "--reason", "fine", "--json"))
    assert (home / "permits" / "paper").exists()


@pytest.mark.parametrize(
    ("words", "exit_code"),
    [
        (["kill", "off"], 2),
        (["kill", "off", "--reason", " "], 2),
        (["kill", "on", "--profile", "nobody"], 5),
        (["kill", "on", "--env", "live"], 5),
    ],
)
def test_a_wrong_kill_does_nothing(home: Path, words: list[str], exit_code: int) -> None:
    assert run(home, *words).exit_code == exit_code
    assert (home / "permits" / "paper").exists()
    assert not (home / "kill").exists()


def test_a_kill_that_only_its_file_knows_is_taken_before_another_latch_is_opened_i14(home: Path) -> None:
    other = ProcessLock(home / "journal-paper.db.lock")
    other.acquire()
    try:
        run(home, "kill", "on", "--level", "1", "--reason", "not in the journal", "--json")
    finally:
        other.release()
    opened = run(home, "kill", "off", "--profile", "paper", "--reason", "this one is well", "--json")
    assert (opened.exit_code, "stopped by level 1 on everything" in opened.stderr) == (10, True)
    assert "not in the journal" in run(home, "buy", "AAPL", "1").stderr
    document(run(home, "kill", "off", "--reason", "looked at it", "--json"))
    assert document(run(home, "buy", "AAPL", "1", "--json"))["ord_status"] in {"new", "filled"}


def test_beside_a_server_that_hangs_a_kill_says_that_nothing_is_cancelled_yet_and_what_can_be_done(home: Path) -> None:
    (home / "lock").write_text("4242\nhttp://127.0.0.1:1\n")
    holder = ProcessLock(home / "journal-paper.db.lock")
    holder.acquire()
    try:
        found = document(run(home, "kill", "on", "--json"))
        refusing = document(run(home, "kill", "on", "--level", "1", "--json"))
    finally:
        holder.release()
    assert [step["step"] for step in found["steps"]] == [
        "permits",
        "sentinel",
        "server",
        "journal paper",
        "cancel paper",
    ]
    assert [step["done"] for step in found["steps"]] == [True, True, False, False, False]
    assert "open orders stay" in found["steps"][-1]["detail"]
    assert "kill -9 4242" in found["steps"][-1]["detail"]
    assert "cancel paper" not in steps_of(refusing)
    again = document(run(home, "kill", "on", "--json"))
    assert steps_of(again)["cancel paper"] is True

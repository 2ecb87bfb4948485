"""Words are arranged before they are parsed."""

from __future__ import annotations

import pytest

from floorbroker.cli.argv import arranged, wants_json


@pytest.mark.parametrize(
    ("typed", "parsed"),
    [
        (["buy", "AAPL", "1", "--json"], ["--json", "buy", "AAPL", "1"]),
        (["order", "list", "--env", "sim", "-q"], ["--env", "sim", "-q", "order", "list"]),
        (["order", "list", "--profile=alpaca-sim"], ["--profile=alpaca-sim", "order", "list"]),
        (["buy", "AAPL", "1", "--wait"], ["buy", "AAPL", "1", "--wait=filled"]),
        (["buy", "AAPL", "1", "--wait", "accepted"], ["buy", "AAPL", "1", "--wait=accepted"]),
        (["buy", "AAPL", "1", "--wait", "--limit", "5"], ["buy", "AAPL", "1", "--wait=filled", "--limit", "5"]),
        (["buy", "--", "--json"], ["buy", "--", "--json"]),
        (["status", "--home"], ["--home", "status"]),
        (["vault", "verify", "--from-file", "f"], ["vault", "verify", "--passphrase-file", "f"]),
        (
            ["vault", "rotate", "--from-fd=3", "--new-from-fd=4", "--", "--from-fd"],
            ["vault", "rotate", "--passphrase-fd=3", "--new-passphrase-fd=4", "--", "--from-fd"],
        ),
        (["user", "add", "--from-file", "vault"], ["user", "add", "--from-file", "vault"]),
        ([], []),
    ],
)
def test_global_flags_may_stand_behind_the_verb(typed: list[str], parsed: list[str]) -> None:
    assert arranged(typed) == parsed


def test_arranging_twice_changes_nothing_more() -> None:
    once = arranged(["order", "list", "--json", "-p", "paper", "--wait"])
    assert arranged(once) == once


def test_json_is_wanted_only_before_a_double_dash() -> None:
    assert wants_json(["status", "--json"])
    assert not wants_json(["buy", "--", "--json"])

"""The failover drill as people run it: what its document claims, and that it would say so if it were otherwise."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest


@pytest.fixture(scope="module")
def drilled() -> tuple[dict[str, Any], str]:
    """The document and the story of one run."""
    environ = {name: text for name, text in os.environ.items() if not name.startswith(("BROKER_", "FLOORBROKER_"))}
    done = subprocess.run(
        [sys.executable, "-c", "from floorbroker.cli.main import main; main()", "demo", "--drill", "failover", "--json"],
        capture_output=True, text=True, check=False, timeout=300, env=environ,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


@pytest.mark.slow
def test_an_order_in_doubt_is_held_and_resolved_and_nothing_is_lost_or_doubled_i1(
    drilled: tuple[dict[str, Any], str],
) -> None:
    told, story = drilled
    assert {
        name: told[name] for name in ("orders", "moved", "unknown_held", "resolved", "lost", "duplicated", "ok")
    } == {
        "orders": 7,
        "moved": 1,
        "unknown_held": 1,
        "resolved": 1,
        "lost": 0,
        "duplicated": 0,
        "ok": True,
    }
    assert told["promoted"] == ["west", "east"]
    assert "20 AAPL at east: unknown" in story
    assert "20 AAPL at east: filled" in story


@pytest.mark.slow
def test_only_what_was_proven_dead_moved_and_each_order_is_in_one_book_once(
    drilled: tuple[dict[str, Any], str],
) -> None:
    told, _ = drilled
    by_id = {line["id"]: line for line in told["list"]}
    for line in told["list"]:
        alive = line["ord_status"] == "filled"
        here, other = line["profile"], {"east": "west", "west": "east"}[line["profile"]]
        assert line["at_venues"] == {here: int(alive), other: 0}
        if line["moved_from"] is not None:
            assert by_id[line["moved_from"]]["ord_status"] == "rejected"

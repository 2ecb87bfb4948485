"""A run of the submit bench in small: the desk and the server as the bench starts them, three orders, no rivals."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from benchmarks.children import Child, ChildFailed, credentials_for
from benchmarks.stages import STAGES

from floorbroker.app.home import Home
from floorbroker.domain.clock import SystemClock
from floorbroker.domain.facts import Prepared
from floorbroker.domain.ports import FactEntry, KeyEntry
from floorbroker.domain.values import Environment
from floorbroker.store.sqlite import SqliteJournal

pytestmark = pytest.mark.slow


@pytest.fixture
def credentials(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    word = getattr(request, "param", "alpaca")
    server = Child("the server", [sys.executable, "-m", "benchmarks.server", word])
    yield credentials_for(word, server.greeting["url"])
    server.terminate()


def test_orders_go_the_whole_way_on_either_loop_and_are_durable(credentials: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.desk", "--home", str(tmp_path / "home")]
    for loop in ("asyncio", "uvloop"):
        with closing(Child("the desk", [*command, "--loop", loop], credentials)) as desk:
            told = [desk.ask("sequential", 3), desk.ask("inflight", 3)]
        assert all(answer["per_s"] > 0 and 0 < answer["p50"] <= answer["p99"] for answer in told)
    path = Home.at(tmp_path / "home").journal(Environment.SIM)
    journal = SqliteJournal.open(path, clock=SystemClock(), environment=Environment.SIM)
    entries = [record.entry for record in journal.replay()]
    journal.abandon()
    placed = [entry for entry in entries if isinstance(entry, FactEntry) and isinstance(entry.fact, Prepared)]
    keys = {entry.key for entry in entries if isinstance(entry, KeyEntry)}
    assert (len(placed), len(keys)) == (12, 12)


def test_the_stages_of_an_order_are_told(credentials: dict[str, str], tmp_path: Path) -> None:
    command = [sys.executable, "-m", "benchmarks.desk", "--home", str(tmp_path / "home"), "--stages"]
    with closing(Child("the desk", command, credentials)) as desk:
        stages = desk.ask("stages", 3)["stages"]
    assert {"validate", "risk", "sync", "fold", "send and wait for the reply", "decode", "rest"} <= stages.keys()
    assert stages.keys() <= STAGES.keys() | {"rest"}
    assert all(took > 0 for took in stages.values())


@pytest.mark.parametrize("credentials", ["ibkr", "tradier"], indirect=True)
def test_orders_go_the_whole_way_at_other_venues_and_end_between_rounds(
    credentials: dict[str, str], tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "benchmarks.desk", "--home", str(tmp_path / "home")]
    with closing(Child("the desk", command, credentials)) as desk:
        told = [
            desk.ask("sequential", count) for count in (2, 3)
        ]  # a round ends when the desk knows that all orders did
    assert all(answer["per_s"] > 0 for answer in told)


def test_a_program_that_does_not_answer_is_named() -> None:
    with pytest.raises(ChildFailed, match="the mute"):
        Child("the mute", [sys.executable, "-c", "print('no answer')"])

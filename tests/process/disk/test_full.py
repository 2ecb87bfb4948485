"""A small disk that fills up under a real desk: new orders are refused, cancels and the kill switch pass (I14, I15, I19)."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.process.nursery import Nursery
from tests.process.oracle import judge
from tests.process.story import Story
from tests.process.world import World

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not hasattr(os, "pidfd_open"), reason="needs Linux: processes are watched by file descriptors"),
]
SIZE = "20m"  # the reserve is 16 MiB


@pytest.fixture(scope="module")
def nursery() -> Iterator[Nursery]:
    with Nursery() as made:
        yield made


@pytest.fixture
def story(nursery: Nursery, tmp_path: Path) -> Iterator[Story]:
    """A desk whose home is a disk of its own."""
    world = World(nursery, tmp_path, prepare=mounted)
    try:
        world.open()
        world.begin()
        world.settle()
        yield Story(world)
    finally:
        world.close()
        subprocess.run(["umount", str(world.home)], check=False, capture_output=True)


def mounted(home: Path) -> None:
    home.mkdir()
    words = ["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=0700", "none", str(home)]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.skip(f"a tmpfs cannot be mounted here: {done.stderr.strip()}")


def fill(home: Path) -> None:
    """Take every free block."""
    with (home / "filler").open("ab", buffering=0) as file:
        for size in (1 << 20, 1 << 12, 1):
            try:
                while True:
                    file.write(b"\0" * size)
            except OSError as full:
                if full.errno != errno.ENOSPC:
                    raise


def until_refused(story: Story) -> int:
    """Fill the disk and place orders until one is refused for it, the reserve's room included; how many were taken."""
    wish = {
        "symbol": "MSFT",
        "side": "buy",
        "type": "limit",
        "quantity": "1",
        "limit_price": "95",
        "time_in_force": "day",
    }
    for number in range(100):
        fill(story.world.home)
        answer = story.call("POST", "/orders", {**wish, "allow_duplicate": True}, Idempotency_Key=f"more-{number}")
        if not answer.ok:
            assert answer.body["code"] in ("not_ready", "journal_fault"), answer
            assert answer.body["outcome"] == "not_sent"
            return number
    raise AssertionError("the disk never filled up")


def arrivals(story: Story, method: str) -> int:
    return sum(1 for seen in story.world.truth("requests") if seen["method"] == method)


def test_a_full_disk_refuses_orders_lets_cancels_pass_and_is_left_when_there_is_room(story: Story) -> None:
    story.submit("AAPL")
    story.submit("NVDA")
    taken = until_refused(story)
    assert arrivals(story, "POST") == 2 + taken  # nothing left without its SENDING on the disk (I2)
    fill(story.world.home)
    assert story.call("DELETE", f"/orders/{story.told.orders['NVDA']['id']}").status in (200, 202)
    story.call("PUT", "/kill-switch", {"level": 2, "reason": "full"})
    story.world.until(lambda: not open_at_venue(story), within_s=20, what="every order to be cancelled at the venue")
    assert story.is_blocked()
    (story.world.home / "filler").unlink()
    story.wait(lambda: not story.state()["remaining"], "the kill to be done")
    story.reset()
    story.wait(lambda: story.submit("TSLA") is not None, "an order to be taken again")
    again(story)
    assert story.profile()["state"] == "ready"
    unclean = judge(story)
    assert (unclean.lost, unclean.unexplained) == ([], [])
    assert [
        found for found in unclean.duplicate if "arrived" in found
    ] == []  # MSFT has several orders, by several keys


def test_a_kill_on_a_full_disk_survives_the_death_of_the_desk_i14(story: Story) -> None:
    story.submit("AAPL")
    until_refused(story)
    fill(story.world.home)
    story.call("PUT", "/kill-switch", {"level": 2, "reason": "full"})
    assert story.world.desk is not None
    story.world.desk.end()
    (story.world.home / "filler").unlink()
    again(story)
    assert story.is_blocked()
    refused = story.call("POST", "/orders", {"symbol": "TSLA", "side": "buy", "type": "market", "quantity": "1"})
    assert refused.body["code"] == "kill_switch_on"


def open_at_venue(story: Story) -> list[str]:
    return [order["order"] for order in story.world.truth("orders") if order["status"] in ("new", "partially_filled")]


def again(story: Story) -> None:
    """A new life on the same disk."""
    assert story.world.desk is not None
    story.world.desk.end()
    story.world.begin()
    story.world.settle()
    story.until_ready()

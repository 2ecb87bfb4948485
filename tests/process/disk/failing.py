"""One write call that fails under a real desk: nothing acknowledged is lost, and the exit code is the documented one."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from floorbroker.cli.failures import DISK
from tests.process.campaign import how_it_ended
from tests.process.door import Gone
from tests.process.nursery import Nursery
from tests.process.oracle import Verdict, judge
from tests.process.story import WISHES, Story
from tests.process.world import World

SHIM = Path(__file__).with_name("shim.c")
AT_ONCE = 8
TOLD, ROUNDS_MAX = "failed-calls", 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`kind` is full, sync or write (see `shim.c`), at the `call`-th write call of a life.

    `warm` begins it in a home where a desk has run before; otherwise the calls of making the home come first.
    """

    kind: str
    call: int
    warm: bool

    def __str__(self) -> str:
        return f"{self.kind}@{self.call} in a {'used' if self.warm else 'new'} home"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of one fault: the file it met, how the desk ended by itself, if it did, and what was wrong afterwards."""

    fault: Fault
    verdict: Verdict
    met: str = ""
    status: int | None = None
    trouble: str = ""

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and not self.trouble

    def __str__(self) -> str:
        return f"{self.fault}: {self.trouble or self.verdict}"


def build_shim(folder: Path) -> Path:
    """Compile the shim; raises `FileNotFoundError` where there is no compiler."""
    made = folder / "shim.so"
    words = ["cc", "-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror", "-o", str(made), str(SHIM), "-ldl"]
    subprocess.run(words, check=True)
    return made


def run_all(faults: Iterable[Fault], nursery: Nursery, *, at_once: int = AT_ONCE) -> Iterator[Outcome]:
    """Every fault, as its run ends."""
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda fault: run(fault, nursery), faults)


def run(fault: Fault, nursery: Nursery) -> Outcome:
    """One fault, from an empty folder to the verdict."""
    with tempfile.TemporaryDirectory(prefix="floorbroker-disk-") as folder:
        world = World(nursery, Path(folder))
        story = Story(world)
        try:
            world.open()
            if fault.warm:
                _run_before(world)
            status = _failing_life(fault, world, story)
            met = _met(world)
            assert met, "no call was made to fail"
            if fault.kind != "full" and _is_of_journal(met):
                assert status == DISK, f"went on with a journal that may lack what was written ({met})"
            world.begin()
            world.settle()
            if story.told.kill_level and not story.is_blocked():
                story.told.denied.append("the kill switch opened by itself")
            story.play()
            return Outcome(fault=fault, verdict=judge(story), met=met, status=status)
        except (AssertionError, Gone) as error:
            return Outcome(fault=fault, verdict=Verdict(), trouble=f"{error}{how_it_ended(world)}")
        finally:
            world.close()


def _run_before(world: World) -> None:
    desk = world.begin()
    world.settle()
    desk.end()


def _failing_life(fault: Fault, world: World, story: Story) -> int | None:
    """Everything is asked once, answered or not; then the desk is killed, unless it ended by itself.  Its exit code then."""
    told = str(world.folder / TOLD)
    desk = world.begin(SHIM_BELOW=f"{world.home}/", SHIM_FAULT=f"{fault.kind}@{fault.call}", SHIM_TOLD=told)
    try:
        world.settle()
        _ask_once(story)
        for _ in range(ROUNDS_MAX):
            if _met(world):
                break
            story.reconcile()
        _cancels_pass(story)
    except Gone:
        assert desk.ended(10), "the desk closes connections and lives"
    if not desk.ended():
        desk.end()
        return None
    assert desk.status == DISK, f"ended with {desk.status}, not {DISK}"
    return desk.status


def _is_of_journal(name: str) -> bool:
    """What is written for good; SQLite's shared index is made anew from it by whoever opens it."""
    return name.startswith("journal-") and not name.endswith("-shm")


def _met(world: World) -> str:
    """The first file, below the home, of which a call failed; empty as long as none did."""
    lines = (world.folder / TOLD).read_text("utf-8").splitlines()
    return lines[0].removeprefix(f"{world.home}/") if lines else ""


def _ask_once(story: Story) -> None:
    """The acts of a story without patience."""
    for symbol in ("AAPL", "MSFT", "NVDA"):
        _submit(story, symbol)
    if (order := _seen(story, "NVDA")) is not None and order["is_open"]:
        story.call("DELETE", f"/orders/{order['id']}")
    if story.call("PUT", "/kill-switch", {"level": 2, "reason": "drill"}).ok:
        story.told.kill_level = 2
    if story.call("PUT", "/kill-switch", {"level": 0, "reason": "drill over"}).ok:
        story.told.kill_level = 0
    _submit(story, "TSLA")


def _submit(story: Story, symbol: str) -> None:
    wish = {"symbol": symbol, "side": "buy", "type": "limit", "time_in_force": "day", **WISHES[symbol]}
    answer = story.call("POST", "/orders", wish, Idempotency_Key=f"wish-{symbol}")
    if answer.ok:
        story.told.hear(symbol, answer.body)


def _seen(story: Story, symbol: str) -> dict[str, str] | None:
    return story.look(symbol) if symbol in story.told.orders else None


def _cancels_pass(story: Story) -> None:
    """I15: as long as the desk lives, a cancel of an order it knows to work arrives at the venue, whatever the disk does."""
    for symbol in list(story.told.orders):
        order = _seen(story, symbol)
        if order is None or not order["is_open"] or not order["order_id"]:
            continue
        story.call("DELETE", f"/orders/{order['id']}")
        path = f"/v2/orders/{order['order_id']}"
        arrived = [seen for seen in story.world.truth("requests") if (seen["method"], seen["path"]) == ("DELETE", path)]
        if not arrived:
            story.told.denied.append(f"{symbol}: its cancel did not pass")

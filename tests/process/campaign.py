"""One run of one point, from an empty home to the verdict; and many of them beside each other."""

from __future__ import annotations

import json
import tempfile
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tests.process.door import Gone
from tests.process.nursery import Nursery, TooLate
from tests.process.oracle import Verdict, judge
from tests.process.points import BLOCKED_AFTER, MAY_BE_OPEN_AFTER, STALE_AFTER, Point, Stage
from tests.process.story import Story
from tests.process.world import World

KILLED, CONTINUE = -9, 18
PAUSE_S = 2.5  # longer than the age at which a decision is stale, and than the time-out of a send
AT_ONCE = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """What became of one point; `trouble` tells why there is no verdict to trust."""

    point: Point
    verdict: Verdict
    trouble: str = ""

    @property
    def is_clean(self) -> bool:
        return self.verdict.is_clean and not self.trouble

    def __str__(self) -> str:
        return f"{self.point}: {self.trouble or self.verdict}"


def run_all(points: Iterable[Point], nursery: Nursery, *, at_once: int = AT_ONCE) -> Iterator[Run]:
    """Every run, as it ends; most of their time is waiting."""
    with ThreadPoolExecutor(at_once) as pool:
        yield from pool.map(lambda point: run(point, nursery), points)


def hits(nursery: Nursery) -> Counter[str]:
    """How often an undisturbed story reaches each step, as the desk itself tells."""
    with tempfile.TemporaryDirectory(prefix="floorbroker-process-") as folder:
        world = World(nursery, Path(folder))
        try:
            world.open()
            desk = world.begin("*=log")
            world.settle()
            Story(world).play()
            told = [json.loads(line) for line in desk.err.splitlines() if '"step.reached"' in line]
            return Counter(line["step"] for line in told)
        finally:
            world.close()


def run(point: Point, nursery: Nursery) -> Run:
    """One run in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="floorbroker-process-") as folder:
        strange = point.stage is Stage.STRANGE
        world = World(
            nursery, Path(folder), tls=point.tls, cold=point.cold, strange=strange, answers=_answers(heard=point.heard)
        )
        story = Story(world)
        try:
            world.open()
            _before(point.stage, world, story)
            trouble = _planned_life(point, world, story)
            judged = Verdict(lost=story.told.denied) if trouble or story.only_looks else judge(story)
            return Run(point=point, verdict=judged, trouble=trouble)
        except (AssertionError, Gone) as error:
            return Run(point=point, verdict=Verdict(), trouble=f"{error}{how_it_ended(world)}")
        except BaseException as error:
            error.add_note(f"in {point}{how_it_ended(world)}")
            raise
        finally:
            world.close()


def _answers(*, heard: bool) -> str:
    return "heard" if heard else "durable"


def how_it_ended(world: World) -> str:
    """The last words of the life that was up, for a report."""
    desk = world.desk
    if desk is None:
        return ""
    return f"; {desk.name} {f'ended with {desk.status}' if desk.ended() else 'lives'}\n{desk.err[-2000:]}"


def _before(stage: Stage, world: World, story: Story) -> None:
    match stage:
        case Stage.STORY:
            pass
        case Stage.AGAIN:
            world.begin("submit.S8=kill@2")
            if not _dies(world, story):
                raise TooLate("the life before was not killed")
        case Stage.LOST:
            drop = {"where": "request", "what": "drop", "when": {"nth": 1}, "args": {"seconds": 0.2}}
            world.control.post("/faults", faults=[{**drop, "match": {"method": "POST", "path": "/v2/orders"}}])
        case Stage.STRANGE:
            story.only_looks = True


def _planned_life(point: Point, world: World, story: Story) -> str:
    """The life with the plan, and the one after it where it was killed; why the point was not met, if it was not."""
    world.begin(point.plan)
    match point.act:
        case "kill":
            if not _dies(world, story):
                return "the step was not reached"
            assert world.desk is not None
            if world.desk.status != KILLED:
                return f"ended with {world.desk.status}\n{world.desk.err[-2000:]}"
            world.begin()
            world.settle()
            _remembered(point, story)
        case "stop":
            if not _paused_life(world, story):
                return "the step was not reached"
        case _:
            world.settle()
    story.play()
    if point.act == "stop" and point.step in STALE_AFTER and story.look("AAPL")["ord_status"] != "not_sent":
        story.told.denied.append("a decision that had gone stale was sent")
    return ""


def _dies(world: World, story: Story) -> bool:
    try:
        world.settle()
        story.play()
    except Gone:
        assert world.desk is not None
        assert world.desk.ended(10), "the desk closes connections and lives"
        return True
    return False


def _remembered(point: Point, story: Story) -> None:
    """What was acknowledged is still so, before anybody asks for anything again."""
    for symbol in list(story.told.orders):
        story.look(symbol)
    told_so = story.told.kill_level > 0 and point.step not in MAY_BE_OPEN_AFTER
    must_block = told_so or point.step in BLOCKED_AFTER
    if must_block and not story.is_blocked():
        story.told.denied.append("the kill switch opened by itself")


def _paused_life(world: World, story: Story) -> bool:
    """Play while somebody waits for the process to be stopped, lets time pass, and lets it go on."""
    desk = world.desk
    assert desk is not None
    over, met = threading.Event(), threading.Event()

    def watch() -> None:
        while not over.is_set() and not desk.ended(0.01):
            if desk.is_stopped():
                met.set()
                over.wait(PAUSE_S)
                desk.tell(CONTINUE)
                return

    watcher = threading.Thread(target=watch, name="watcher")
    watcher.start()
    try:
        world.settle()
        story.play()
    finally:
        over.set()
        watcher.join()
    return met.is_set()

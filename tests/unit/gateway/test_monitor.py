"""The connection monitor: what it calls trouble, whom it tells, and that nobody who listens can hurt it or another."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from floorbroker.domain.clock import ManualClock
from floorbroker.domain.ports import NoMeter
from floorbroker.domain.records import ConnectionStatus, Signs
from floorbroker.domain.values import ProfileName
from floorbroker.gateway.health import Health
from floorbroker.gateway.monitor import EVERY_S, Connection, ConnectionMonitor
from floorbroker.gateway.routing.policy import Policy
from tests.support.fake_broker import FakeBroker
from tests.support.fleet import opened as fleet_opened
from tests.support.house import NOON, Notes, opened

A, B = ProfileName("a"), ProfileName("b")
FINE = Connection(profile=A, state="ready", is_connected=True, stream_up=True)


@pytest.mark.parametrize(
    ("seen", "troubles"),
    [
        (FINE, ()),
        (replace(FINE, is_connected=False), ("disconnected",)),
        (replace(FINE, stream_up=False), ("stream_down",)),
        (replace(FINE, stream_up=False, has_stream=False), ()),
        (replace(FINE, stream_silence_s=60.0), ()),
        (replace(FINE, stream_silence_s=60.1), ("stream_silent",)),
        (replace(FINE, data_silence_s=61.0), ("data_stale",)),
        (replace(FINE, clock_offset_s=-1.1), ("clock",)),
        (replace(FINE, clock_offset_s=1.0), ()),
        (replace(FINE, budget_used=0.81), ("budget",)),
        (replace(FINE, health=Health(score=80)), ()),
        (replace(FINE, health=Health(score=79)), ("fair_health",)),
        (replace(FINE, health=Health(score=49)), ("poor_health",)),
        (
            replace(FINE, is_connected=False, stream_up=False, health=Health(score=0)),
            ("disconnected", "stream_down", "poor_health"),
        ),
    ],
)  # fmt: skip
def test_trouble_has_names(seen: Connection, troubles: tuple[str, ...]) -> None:
    assert seen.troubles == troubles


class Scene:
    """A monitor over connections that a test sets."""

    def __init__(self) -> None:
        self.seen = {A: FINE, B: replace(FINE, profile=B)}
        self.log = Notes()
        self.announced: list[tuple[ProfileName, tuple[str, ...]]] = []
        self.clock = ManualClock(NOON)
        self.monitor = ConnectionMonitor(
            clock=self.clock,
            log=self.log,
            meters=lambda name: NoMeter(),
            look=lambda: list(self.seen.values()),
            announce=lambda seen: self.announced.append((seen.profile, seen.troubles)),
            in_thread=self.at_once,
        )

    @staticmethod
    async def at_once(work: Callable[[], object]) -> object:
        return work()

    def trouble(self, profile: ProfileName, **members: object) -> None:
        self.seen[profile] = replace(FINE, profile=profile, **members)
        self.monitor.look_now()


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@pytest.mark.asyncio
async def test_it_looks_every_half_minute_and_tells_changes_alone() -> None:
    scene = Scene()
    running = asyncio.ensure_future(scene.monitor.run())
    await scene.clock.advance(EVERY_S * 3)
    assert scene.announced == []
    scene.seen[A] = replace(FINE, stream_up=False)
    await scene.clock.advance(EVERY_S * 3)
    scene.seen[A] = FINE
    await scene.clock.advance(EVERY_S * 3)
    assert scene.announced == [(A, ("stream_down",)), (A, ())]
    running.cancel()


@pytest.mark.asyncio
async def test_a_callback_that_ends_itself_goes_on_to_its_own_end_and_is_told_no_more() -> None:
    scene, told = Scene(), list[str]()

    async def once(seen: Connection) -> None:
        told.append("began")
        await subscription.close()
        await asyncio.sleep(0)
        told.append("ended")

    subscription = scene.monitor.subscribe(once)
    for trouble in ({"stream_up": False}, {}):
        scene.trouble(A, **trouble)
        await turns()
    assert told == ["began", "ended"]
    await subscription.close()


@pytest.mark.asyncio
async def test_a_callback_is_told_until_it_is_closed() -> None:
    scene, told = Scene(), list[Connection]()
    subscription = scene.monitor.subscribe(told.append)
    scene.trouble(A, stream_up=False)
    await turns()
    await subscription.close()
    await subscription.close()
    scene.trouble(A)
    await turns()
    assert [seen.troubles for seen in told] == [("stream_down",)]


@pytest.mark.asyncio
@pytest.mark.parametrize("kind", ["plain", "async"])
async def test_a_callback_that_raises_is_logged_and_told_again_and_others_do_not_notice(kind: str) -> None:
    scene, heard, others = Scene(), list[str](), list[Connection]()

    def broken(seen: Connection) -> None:
        heard.append(seen.profile)
        raise RuntimeError("a bug")

    async def broken_too(seen: Connection) -> None:
        broken(seen)

    scene.monitor.subscribe(broken if kind == "plain" else broken_too)
    scene.monitor.subscribe(others.append)
    scene.trouble(A, stream_up=False)
    scene.trouble(B, stream_up=False)
    await turns()
    assert heard == ["a", "b"]
    assert len(others) == 2
    assert scene.log.events.count("monitor.callback") == 2
    await scene.monitor.close()


@pytest.mark.asyncio
async def test_a_slow_callback_holds_up_nobody_and_is_told_the_newest_of_each_profile() -> None:
    scene, slow, quick = Scene(), list[Connection](), list[Connection]()
    gate = asyncio.Event()

    async def sleeper(seen: Connection) -> None:
        slow.append(seen)
        await gate.wait()

    scene.monitor.subscribe(sleeper)
    scene.monitor.subscribe(quick.append)
    scene.trouble(A, clock_offset_s=9.0)
    await turns()
    for n in range(50):
        scene.trouble(A, stream_up=n % 2 == 0, budget_used=n / 50)
        scene.trouble(B, stream_up=False)
        await turns()
    assert len(slow) == 1
    assert len(quick) > 40
    gate.set()
    await turns()
    assert slow[0].troubles == ("clock",)
    assert sorted(seen.profile for seen in slow[1:]) == [A, B]
    assert scene.seen[A].troubles in [seen.troubles for seen in slow[1:]]
    await scene.monitor.close()


@pytest.mark.asyncio
async def test_a_plain_callback_runs_beside_the_loop() -> None:
    scene, threads = Scene(), list[bool]()
    scene.monitor.in_thread = asyncio.to_thread
    done = asyncio.Event()
    loop = asyncio.get_running_loop()

    def callback(seen: Connection) -> None:
        del seen
        threads.append(threading.current_thread() is threading.main_thread())
        loop.call_soon_threadsafe(done.set)

    scene.monitor.subscribe(callback)
    scene.trouble(A, stream_up=False)
    await asyncio.wait_for(done.wait(), 30)
    assert threads == [False]
    await scene.monitor.close()


# -- over a desk ------------------------------------------------------------------------------------------------------------


@pytest.mark.asyncio
async def test_a_desk_tells_what_its_connections_come_to(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    broker = FakeBroker(clock)
    async with opened(tmp_path, broker=broker, clock=clock) as desk:
        heard: list[str] = []

        async def listen() -> None:
            async for event in desk.gateway.events(channels=frozenset({"health"})):
                if event.data["event"] == "connection_status":
                    heard.append(event.data["troubles"])  # noqa: PERF401 - it is looked at while events still come

        listening = asyncio.ensure_future(listen())
        broker.signs = Signs(stream_silence_s=90.0, budget_used=0.5)
        await desk.wait(EVERY_S)
        broker.signs = Signs(stream_silence_s=1.0, budget_used=0.9)
        await desk.wait(EVERY_S)
        listening.cancel()
        assert heard == ["stream_silent", "budget"]


@pytest.mark.asyncio
async def test_a_status_shows_health_with_its_ingredients_and_lost_connections(tmp_path: Path) -> None:
    async with opened(tmp_path) as desk:
        desk.broker.stream(up=False)
        desk.broker.stream(up=True)
        await desk.until(lambda: desk.session.state.value == "ready")
        (status,) = desk.gateway.profiles()
        assert status.connection is not None
        assert status.connection.reconnects == 1
        assert status.connection.health.score == 90
        assert [i.name for i in status.connection.health.ingredients] == [
            "errors", "latency", "rejects", "reconnects", "staleness", "budget",
        ]  # fmt: skip


@dataclass(slots=True)
class Broken(FakeBroker):
    """Its adapter cannot say how it is connected, from some moment on."""

    is_broken: bool = False

    def get_connection_status(self) -> ConnectionStatus:
        if self.is_broken:
            raise ValueError("a bug in an adapter")
        return FakeBroker.get_connection_status(self)


@pytest.mark.asyncio
async def test_a_bug_in_one_adapter_hides_no_other_profile(tmp_path: Path) -> None:
    clock = ManualClock(NOON)
    first, second = Broken(clock), FakeBroker(clock)
    brokers: dict[ProfileName, FakeBroker] = {A: first, B: second}
    async with fleet_opened(tmp_path, Policy(), brokers=brokers, clock=clock) as fleet:
        first.is_broken = True
        await clock.advance(2 * EVERY_S)
        second.stream(False)
        await fleet.until(lambda: any(e.profile == B for e in fleet.events("connection_status")), longest_s=3 * EVERY_S)

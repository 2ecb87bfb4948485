"""The simulated loop: its time, its order, and what a kill leaves behind."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from random import Random

import pytest

from tests.simulation.loop import Deadlock, Node, SimulatedLoop, TooManySteps, current_node


@pytest.fixture
def loop() -> Iterator[SimulatedLoop]:
    made = SimulatedLoop(random=Random(1))
    yield made
    made.dispose()


def _race(seed: int) -> list[int]:
    """The order in which ten tasks that are ready together take their steps."""
    loop = SimulatedLoop(random=Random(seed))
    seen: list[int] = []

    async def runner(number: int) -> None:
        await asyncio.sleep(0)
        seen.append(number)

    async def main() -> None:
        await asyncio.gather(*(runner(number) for number in range(10)))

    loop.run_until_complete(main())
    loop.dispose()
    return seen


def test_time_jumps_to_the_next_timer_and_nowhere_else(loop: SimulatedLoop) -> None:
    async def main() -> list[float]:
        times = []
        for delay_s in (5.0, 3600.0, 0.25):
            await asyncio.sleep(delay_s)
            times.append(loop.time())
        return times

    assert loop.run_until_complete(main()) == [5.0, 3605.0, 3605.25]


def test_the_same_seed_gives_the_same_order_and_another_seed_another() -> None:
    assert _race(7) == _race(7)
    assert len({tuple(_race(seed)) for seed in range(8)}) > 4


def test_without_disorder_tasks_run_first_come_first_served() -> None:
    loop = SimulatedLoop(random=Random(1), disorder=0.0)
    seen: list[int] = []

    async def runner(number: int) -> None:
        seen.append(number)

    async def main() -> None:
        await asyncio.gather(*(runner(number) for number in range(10)))

    loop.run_until_complete(main())
    loop.dispose()
    assert seen == list(range(10))


def test_callbacks_keep_the_order_in_which_they_were_scheduled(loop: SimulatedLoop) -> None:
    seen: list[int] = []

    async def noise() -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    async def main() -> None:
        others = [asyncio.create_task(noise()) for _ in range(5)]
        for number in range(20):
            loop.call_soon(seen.append, number)
        await asyncio.gather(*others)
        await asyncio.sleep(1)

    loop.run_until_complete(main())
    assert seen == list(range(20))


def test_a_cancelled_timer_does_not_fire(loop: SimulatedLoop) -> None:
    async def main() -> bool:
        fired: list[bool] = []
        loop.call_later(1, fired.append, True).cancel()
        await asyncio.sleep(5)
        return bool(fired)

    assert loop.run_until_complete(main()) is False


def test_waiting_for_nothing_is_a_deadlock(loop: SimulatedLoop) -> None:
    async def main() -> None:
        await loop.create_future()

    with pytest.raises(Deadlock):
        loop.run_until_complete(main())


def test_spinning_without_time_is_stopped() -> None:
    loop = SimulatedLoop(random=Random(1), steps_max=1000)

    async def main() -> None:
        for _ in range(10_000):
            await asyncio.sleep(0)

    with pytest.raises(TooManySteps):
        loop.run_until_complete(main())
    loop.dispose()


def test_there_are_no_threads_and_no_sockets(loop: SimulatedLoop) -> None:
    async def thread() -> None:
        await asyncio.to_thread(print)

    async def socket() -> None:
        await asyncio.open_connection("127.0.0.1", 1)

    for attempt in (thread, socket):
        with pytest.raises((RuntimeError, NotImplementedError)):
            loop.run_until_complete(attempt())


def test_what_nobody_caught_is_kept(loop: SimulatedLoop) -> None:
    async def main() -> None:
        loop.call_soon(int, "not a number")
        await asyncio.sleep(1)

    loop.run_until_complete(main())
    assert "invalid literal" in loop.errors[0]


Life = Callable[[list[str]], Awaitable[None]]


async def _busy(log: list[str]) -> None:
    try:
        async with asyncio.timeout(100):
            for number in range(50):
                log.append(f"step {number}")
                await asyncio.sleep(0 if number % 2 else 0.1)
    finally:
        log.append("finally")


async def _family(log: list[str]) -> None:
    async with asyncio.TaskGroup() as group:
        for _ in range(3):
            group.create_task(_busy(log))


def _kill_at(step: int, life: Life, *, seed: int = 3) -> tuple[list[str], Node, list[str]]:
    loop = SimulatedLoop(random=Random(seed))
    node = Node("desk", fatal_step=step)
    log: list[str] = []

    async def main() -> None:
        loop.spawn(node, life(log))  # type: ignore[arg-type]
        await asyncio.sleep(60)

    loop.run_until_complete(main())
    at_the_end, errors = list(log), list(loop.errors)
    loop.dispose()
    return at_the_end, node, errors


@pytest.mark.parametrize("life", [_busy, _family])
@pytest.mark.parametrize("step", [1, 2, 3, 5, 8, 13, 21, 34])
def test_a_kill_at_any_step_runs_no_finally_and_raises_nothing(life: Life, step: int) -> None:
    log, node, errors = _kill_at(step, life)
    assert not node.alive
    assert "finally" not in log
    assert errors == []


def test_a_node_that_is_not_killed_runs_its_finally() -> None:
    log, node, _ = _kill_at(10_000, _busy)
    assert node.alive
    assert log[-1] == "finally"


def test_later_kills_see_more_of_the_same_life() -> None:
    early, late = _kill_at(5, _busy)[0], _kill_at(25, _busy)[0]
    assert late[: len(early)] == early
    assert len(late) > len(early)


def test_a_killed_node_frees_nobody_who_waits_for_it_and_harms_nobody_else(loop: SimulatedLoop) -> None:
    node = Node("desk")
    told: list[str] = []
    node.on_death.append(lambda: told.append("dead"))
    log: list[str] = []

    async def bystander() -> str:
        await asyncio.sleep(10)
        return "unharmed"

    async def main() -> str:
        loop.spawn(node, _busy(log))
        other = loop.create_task(bystander())
        await asyncio.sleep(1)
        loop.kill(node)
        loop.kill(node)
        return await other

    assert loop.run_until_complete(main()) == "unharmed"
    assert told == ["dead"]
    assert "finally" not in log


def test_membership_is_inherited_and_the_world_has_none(loop: SimulatedLoop) -> None:
    node = Node("desk")
    seen: list[Node | None] = []

    async def child() -> None:
        seen.append(current_node())

    async def parent() -> None:
        await asyncio.create_task(child())

    async def main() -> None:
        await loop.spawn(node, parent())
        await child()

    loop.run_until_complete(main())
    assert seen == [node, None]

"""The stopwatch: what runs inside a stage is not counted twice."""

from __future__ import annotations

from benchmarks.stages import STAGES, Stopwatch


class Ticks:
    """A clock that is told."""

    def __init__(self) -> None:
        self.now = 0

    def __call__(self) -> int:
        return self.now


def test_a_stage_is_its_own_time_and_the_sum_is_the_whole() -> None:
    ticks = Ticks()
    watch = Stopwatch(clock=ticks)
    with watch.span("rest"):
        ticks.now += 1_000
        with watch.span("risk"):
            ticks.now += 5_000
            with watch.span("fold"):
                ticks.now += 2_000
        with watch.span("risk"):
            ticks.now += 1_000
        ticks.now += 3_000
    assert watch.mean_us(1) == {"risk": 6.0, "rest": 4.0, "fold": 2.0}
    assert watch.mean_us(2)["risk"] == 3.0


def test_each_run_begins_anew() -> None:
    ticks = Ticks()
    watch = Stopwatch(clock=ticks)
    with watch.span("rest"):
        ticks.now += 1_000
    watch.clear()
    assert watch.mean_us(1) == {}


def test_every_function_a_stage_names_is_there() -> None:
    import importlib

    for names in STAGES.values():
        for name in names:
            module, _, path = name.partition(":")
            found = importlib.import_module(module)
            for step in path.split("."):
                found = getattr(found, step)
            assert callable(found), name

"""An input that does not end is stopped, and told, whatever the code under it does with the news."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.fuzz.watch import Hang, Watch

SHORT_S = 0.05


@pytest.fixture(autouse=True)
def handler() -> Iterator[None]:
    """Whoever listened to the signal before listens again."""
    before = signal.getsignal(signal.SIGPROF)
    yield
    signal.signal(signal.SIGPROF, before)


def for_ever() -> None:
    while True:
        pass


def test_an_input_that_does_not_end_is_stopped() -> None:
    with pytest.raises(Hang, match="processor time"):
        Watch(SHORT_S).run(for_ever)


def test_code_that_catches_every_error_does_not_hide_it() -> None:
    def swallowing() -> None:
        with suppress(Exception):
            for_ever()

    def swallowing_all() -> None:
        with suppress(BaseException):
            for_ever()

    for work in (swallowing, swallowing_all):
        with pytest.raises(Hang):
            Watch(SHORT_S).run(work)


def test_processor_time_is_counted_and_no_other() -> None:
    def running() -> tuple[bool, bool]:
        return signal.getitimer(signal.ITIMER_PROF)[0] > 0, signal.getitimer(signal.ITIMER_REAL)[0] > 0

    _, by_the_wall = running()  # the limit of a test may be of that kind
    seen: list[tuple[bool, bool]] = []
    Watch().run(lambda: seen.append(running()))
    assert seen == [(True, by_the_wall)]


def test_nothing_is_counted_between_inputs() -> None:
    def broken() -> None:
        raise ValueError("an error of its own")

    watch = Watch()
    watch.run(lambda: None)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)
    with pytest.raises(ValueError, match="of its own"):
        watch.run(broken)
    assert signal.getitimer(signal.ITIMER_PROF) == (0.0, 0.0)


def test_one_hang_is_not_told_of_the_next_input() -> None:
    watch = Watch(SHORT_S)
    with pytest.raises(Hang):
        watch.run(for_ever)
    watch.run(lambda: None)

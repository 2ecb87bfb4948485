"""How a book is timed: the next frames of one stream, each to its end, the best part of the round.

Only the standard library: this file runs in every peer's own environment.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeVar

from speak import Answer

T = TypeVar("T")
PARTS = 10


def in_parts(call: Callable[[T], object], items: Sequence[T]) -> Answer:
    """Nanoseconds of one call: the best of ten parts, since others run beside."""
    found: list[float] = []
    size = len(items) // PARTS
    gc.disable()  # what is measured makes no cycles, and what is not measured may
    for part in range(PARTS):
        chunk = items[part * size : (part + 1) * size]
        start = time.perf_counter_ns()
        for item in chunk:
            call(item)
        found.append((time.perf_counter_ns() - start) / size)
    gc.enable()
    return {"ns": min(found)}


def each(call: Callable[[T], object], items: Sequence[T]) -> Answer:
    """The 99th percentile of single calls, in nanoseconds."""
    clock, times = time.perf_counter_ns, list[int]()
    for item in items:
        start = clock()
        call(item)
        times.append(clock() - start)
    times.sort()
    return {"p50_ns": times[len(times) // 2], "p99_ns": times[len(times) * 99 // 100], "max_ns": times[-1]}


def taken(frames: Iterator[T], count: int) -> list[T]:
    """The next ones of a stream, made outside the clock."""
    return [next(frames) for _ in range(count)]

"""How a measured program is driven: it says `ready` on a line, then answers each line `<what> <count>` with one JSON line.

Only the standard library: this file runs in every peer's own environment.  A driver that is spoken to in turn with others
lets the rounds alternate, and one process for all its rounds is as warm as a program in use.
"""

from __future__ import annotations

import asyncio
import gc
import importlib.metadata
import ipaddress
import json
import os
import sys
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

Answer = dict[str, Any]
PARTS = 10


class Line:
    """The line to whoever measures.  What a library prints goes to the error stream."""

    def __init__(self) -> None:
        self._out = os.fdopen(os.dup(1), "w", buffering=1)
        os.dup2(2, 1)

    def say(self, answer: Answer) -> None:
        self._out.write(json.dumps(answer) + "\n")

    def hear(self) -> tuple[str, int] | None:
        """What to measure and how often; None at the end."""
        words = sys.stdin.readline().split()
        return (words[0], int(words[1])) if words else None


def serve(rounds: Mapping[str, Callable[[int], Answer]], *packages: str) -> None:
    """Answer until the input ends."""
    line = Line()
    line.say(ready(*packages))
    while (asked := line.hear()) is not None:
        gc.collect()
        line.say(rounds[asked[0]](asked[1]))


async def serve_async(rounds: Mapping[str, Callable[[int], Awaitable[Answer]]], *packages: str) -> None:
    """The same on a running loop, which goes on between rounds."""
    line = Line()
    line.say(ready(*packages))
    while (asked := await asyncio.to_thread(line.hear)) is not None:
        gc.collect()
        line.say(await rounds[asked[0]](asked[1]))


def ready(*packages: str) -> Answer:
    """The first line: what runs here."""
    versions = {package: importlib.metadata.version(package) for package in packages}
    return {"ready": True, "python": sys.version.split()[0], "versions": versions}


def prepare(*, cpu: int) -> None:
    """One processor for this process, and no way out of this machine."""
    if hasattr(os, "sched_setaffinity") and (os.cpu_count() or 1) > cpu:
        os.sched_setaffinity(0, {cpu})
    sys.addaudithook(_loopback_only)


def _loopback_only(event: str, arguments: tuple[Any, ...]) -> None:
    """Python's own sockets are refused anything but loopback, so a client whose address was not taken fails here."""
    if event == "socket.getaddrinfo":
        host = arguments[0]
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        host = arguments[1][0]
    else:
        return
    if not _is_loopback(host):
        raise OSError(f"a benchmark reaches this machine only, not {host!r}")


def _is_loopback(host: object) -> bool:
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name)).is_loopback
    except ValueError:
        return False


def timed(call: Callable[[], object], count: int) -> Answer:
    """`count` calls one after the other: median and 99th percentile in ms, calls a second."""
    times: list[int] = []
    clock, began = time.perf_counter_ns, time.perf_counter()
    for _ in range(count):
        start = clock()
        call()
        times.append(clock() - start)
    return told(times, time.perf_counter() - began)


async def timed_async(call: Callable[[], Awaitable[object]], count: int) -> Answer:
    """The same for a coroutine function."""
    times: list[int] = []
    clock, began = time.perf_counter_ns, time.perf_counter()
    for _ in range(count):
        start = clock()
        await call()
        times.append(clock() - start)
    return told(times, time.perf_counter() - began)


async def in_flight(call: Callable[[], Awaitable[object]], count: int, *, tasks: int = 32) -> Answer:
    """`count` calls by so many tasks, each of which begins the next when its last has ended."""
    times: list[int] = []
    clock, left = time.perf_counter_ns, count

    async def work() -> None:
        nonlocal left
        while left > 0:
            left -= 1
            start = clock()
            await call()
            times.append(clock() - start)

    began = time.perf_counter()
    await asyncio.gather(*(work() for _ in range(tasks)))
    return told(times, time.perf_counter() - began)


def told(times_ns: list[int], seconds: float) -> Answer:
    """A round in numbers."""
    ranked = sorted(times_ns)
    return {
        "p50": ranked[len(ranked) // 2] / 1e6,
        "p99": ranked[min(len(ranked) - 1, len(ranked) * 99 // 100)] / 1e6,
        "per_s": len(ranked) / seconds,
    }


def per_call_ns(call: Callable[[], object], count: int) -> Answer:
    """Nanoseconds of one call, the loop around it included: the best of ten parts of the round, since others run beside."""
    found: list[float] = []
    for _ in range(PARTS):
        start = time.perf_counter_ns()
        for _ in range(count // PARTS):
            call()
        found.append((time.perf_counter_ns() - start) / (count // PARTS))
    return {"ns": min(found)}


async def per_await_ns(call: Callable[[], Awaitable[object]], count: int) -> Answer:
    """The same for a coroutine function."""
    found: list[float] = []
    for _ in range(PARTS):
        start = time.perf_counter_ns()
        for _ in range(count // PARTS):
            await call()
        found.append((time.perf_counter_ns() - start) / (count // PARTS))
    return {"ns": min(found)}

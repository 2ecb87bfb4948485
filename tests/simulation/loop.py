"""An event loop that is a pure function of its seed: virtual time, a drawn order of ready work, nodes that freeze.

**Time.**  `time()` moves only when nothing is ready, and then straight to the next timer.  There is no selector, no
thread and no socket: whatever would need one fails at once.

**Order.**  The loop chooses by its seed which ready task takes its next step.  It keeps one promise of asyncio on
purpose: callbacks handed to `call_soon` (done callbacks, timers that came due, everything that is not the step of a
task) run in the order in which they were scheduled *among themselves*, because asyncio's own futures, timeouts and
groups, and much honest code, are written upon it.  No such promise exists between two tasks, or between a task and a
callback, and a program that counts on one has a bug that this order finds.  `disorder` is how often the choice is
drawn instead of first-come.

**Nodes.**  A `Node` is one process of the simulated world.  Membership travels in a context variable, so everything a
node's code starts belongs to it.  A killed node never takes another step: its tasks stay suspended where they were,
no `finally` runs, nothing is raised, its timers and callbacks are parked.  A node also dies by itself at its n-th
step (`fatal_step`), so a kill can strike at any await.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")

STEPS_MAX = 400_000


class Deadlock(RuntimeError):
    """Nothing is ready, no timer runs, and the main task is not done."""


class TooManySteps(RuntimeError):
    """The bound of steps was reached: something spins without letting time pass."""


@dataclass(eq=False)
class Node:
    """One process of the simulated world.  `fatal_step` is the step, counted from 1, that it does not live to take."""

    name: str
    fatal_step: int | None = None
    steps: int = 0
    alive: bool = True
    on_death: list[Callable[[], None]] = field(default_factory=list[Callable[[], None]])


_NODE: ContextVar[Node | None] = ContextVar("simulated_node", default=None)


def current_node() -> Node | None:
    """The node whose code is running, or None for the world outside."""
    return _NODE.get()


class _Job(asyncio.Handle):
    """One piece of ready work, and whose it is."""

    __slots__ = ("is_step", "node", "seq")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], loop: SimulatedLoop, context: Context
    ) -> None:
        super().__init__(callback, args, loop, context)
        self.node = context.get(_NODE)
        self.is_step = isinstance(getattr(callback, "__self__", None), asyncio.Task)
        self.seq = 0

    def run(self) -> None:
        self._run()


class _Timer(asyncio.TimerHandle):
    """Work that becomes ready later."""

    __slots__ = ("is_step", "node", "seq")

    def __init__(
        self, when: float, callback: Callable[..., object], args: tuple[Any, ...], loop: SimulatedLoop, context: Context
    ) -> None:
        super().__init__(when, callback, args, loop, context)
        self.node = context.get(_NODE)
        self.is_step = False
        self.seq = 0

    def run(self) -> None:
        self._run()


class SimulatedLoop(asyncio.BaseEventLoop):
    """See the module's docstring.  `errors` collects what nobody caught; a frozen node's are not among them."""

    def __init__(self, *, random: Random, disorder: float = 1.0, steps_max: int = STEPS_MAX) -> None:
        super().__init__()
        self._random = random
        self._disorder = disorder
        self._steps_max = steps_max
        self._time_s = 0.0
        self._seq = 0
        self._callbacks: deque[_Job | _Timer] = deque()
        self._task_steps: list[_Job | _Timer] = []
        self._timers: list[tuple[float, int, _Timer]] = []
        self._owners: WeakKeyDictionary[asyncio.Task[Any], Node | None] = WeakKeyDictionary()
        self._frozen: list[object] = []
        self._disposed = False
        self.steps = 0
        self.errors: list[str] = []
        self.set_debug(False)

    # -- time and scheduling ------------------------------------------------------------------------------------------

    def time(self) -> float:
        """Virtual seconds since the loop began."""
        return self._time_s

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> asyncio.Handle:
        job = _Job(callback, args, self, copy_context() if context is None else context)
        self._enqueue(job)
        return job

    def call_soon_threadsafe(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.Handle:
        return self.call_soon(callback, *args, context=context)

    def call_at(
        self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        timer = _Timer(when, callback, args, self, copy_context() if context is None else context)
        self._seq += 1
        heapq.heappush(self._timers, (when, self._seq, timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> asyncio.TimerHandle:
        return self.call_at(self._time_s + delay, callback, *args, context=context)

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        held = copy_context() if context is None else context
        task = super().create_task(coro, name=name, context=held)
        self._owners[task] = held.get(_NODE)
        return task

    def run_in_executor(self, executor: object, func: Callable[..., object], *args: object) -> Any:
        raise RuntimeError(f"a simulated loop starts no threads; {func!r} must be run inline")

    def _timer_handle_cancelled(self, handle: object) -> None:
        """Cancelled timers stay in the heap and are dropped when their time comes."""

    def _enqueue(self, job: _Job | _Timer) -> None:
        if self._disposed:
            return
        self._seq += 1
        job.seq = self._seq
        if job.is_step:
            self._task_steps.append(job)
        else:
            self._callbacks.append(job)

    # -- the turn of the wheel ----------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        if not self._callbacks and not self._task_steps:
            self._jump()
        job = self._choose()
        if job.cancelled():
            return
        node = job.node
        if node is not None and not self._may_step(node):
            self._frozen.append(job)
            return
        self.steps += 1
        if self.steps > self._steps_max:
            raise TooManySteps(f"more than {self._steps_max} steps; virtual time {self._time_s:.3f} s")
        job.run()

    def _jump(self) -> None:
        """Move time to the next timer and make everything due by then ready."""
        while self._timers and self._timers[0][2].cancelled():
            heapq.heappop(self._timers)
        if not self._timers:
            raise Deadlock(f"nothing is ready and no timer runs; virtual time {self._time_s:.3f} s")
        self._time_s = max(self._time_s, self._timers[0][0])
        while self._timers and self._timers[0][0] <= self._time_s:
            self._enqueue(heapq.heappop(self._timers)[2])

    def _choose(self) -> _Job | _Timer:
        """The next work: any ready task's step, or the oldest callback."""
        callbacks, steps = self._callbacks, self._task_steps
        if not steps:
            return callbacks.popleft()
        if self._random.random() < self._disorder:
            at = self._random.randrange(len(steps) + (1 if callbacks else 0))
            return callbacks.popleft() if at == len(steps) else steps.pop(at)
        if callbacks and callbacks[0].seq < steps[0].seq:
            return callbacks.popleft()
        return steps.pop(0)

    # -- nodes --------------------------------------------------------------------------------------------------------

    def spawn(self, node: Node, coro: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        """Run `coro` as part of `node`; what it starts belongs to the node too."""
        context = copy_context()
        context.run(_NODE.set, node)
        return self.create_task(coro, context=context)

    def kill(self, node: Node) -> None:
        """Freeze `node` now and for ever; `on_death` is called in the context of the caller."""
        if not node.alive:
            return
        node.alive = False
        # Strong references: a task that nobody holds would be collected, and its `finally` blocks would run.
        self._frozen.extend(task for task, owner in list(self._owners.items()) if owner is node)
        for told in node.on_death:
            told()

    def _may_step(self, node: Node) -> bool:
        if not node.alive:
            return False
        node.steps += 1
        if node.fatal_step is not None and node.steps >= node.fatal_step:
            self.kill(node)
            return False
        return True

    # -- ends ---------------------------------------------------------------------------------------------------------

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        """Nothing is printed: errors that nobody caught are kept for the oracle."""
        if self._disposed:
            return
        error = context.get("exception")
        self.errors.append(
            f"{context.get('message', '')}: {error!r}" if error is not None else str(context.get("message"))
        )

    def dispose(self) -> None:
        """End the world: close what is still suspended, hearing none of its last words, and the loop."""
        self._disposed = True
        tasks = [task for task in list(self._owners) if not task.done()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a coroutine that a dying `finally` made and could not start
            for task in tasks:
                with contextlib.suppress(BaseException):
                    task.get_coro().close()
            for kept in (self._callbacks, self._task_steps, self._timers, self._frozen):
                kept.clear()
            del tasks
        self.close()

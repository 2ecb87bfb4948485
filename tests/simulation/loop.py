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
import warnings
from collections import deque
from collections.abc import Callable, Coroutine, Generator
from contextvars import Context, ContextVar, copy_context
from dataclasses import dataclass, field
from heapq import heappop, heappush
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")

STEPS_MAX = 400_000
_Task, _Future = asyncio.Task, asyncio.Future


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


@contextlib.contextmanager
def unlisted() -> Generator[None]:
    """Without asyncio's own list of tasks, which is kept in Python and costs more than a task: the loop has one of its own."""
    listed: Any = asyncio.tasks._all_tasks  # type: ignore[attr-defined] # noqa: SLF001
    listed.add = _Task.done  # takes a task, and keeps nothing of it
    try:
        yield
    finally:
        del listed.add


class _Job:
    """One piece of work, and whose it is: what asyncio calls a handle, and with `when_s` a timer's.

    Not a subclass of `asyncio.Handle`: a run makes thousands of these, and whoever holds one only ever cancels it.
    """

    __slots__ = ("_cancelled", "args", "callback", "context", "seq", "when_s")

    def __init__(
        self, callback: Callable[..., object], args: tuple[Any, ...], context: Context, seq: int, when_s: float = 0.0
    ) -> None:
        self.callback = callback
        self.args = args
        self.context = context
        self.seq = seq
        self.when_s = when_s
        self._cancelled = False

    def cancel(self) -> None:
        """It will not run.  A cancelled timer stays in the heap and is dropped when its time comes."""
        self._cancelled = True

    def cancelled(self) -> bool:
        return self._cancelled

    def when(self) -> float:
        """The virtual time of a timer."""
        return self.when_s


class SimulatedLoop(asyncio.BaseEventLoop):
    """See the module's docstring.  `errors` collects what nobody caught; a frozen node's are not among them."""

    def __init__(self, *, random: Random, disorder: float = 1.0, steps_max: int = STEPS_MAX) -> None:
        super().__init__()
        self._random = random
        self._disorder = disorder
        self._steps_max = steps_max
        self.now_s = 0.0  # virtual time
        self._seq = 0
        self._callbacks: deque[_Job] = deque()
        self._task_steps: list[_Job] = []
        self._timers: list[tuple[float, int, _Job | asyncio.Future[None]]] = []
        # Every task, whether anybody else holds it or not: one that is collected would run its `finally` blocks.
        self._owned: list[tuple[Node | None, asyncio.Task[Any]]] = []
        self._frozen: list[object] = []
        self._disposed = False
        self._stopping = False  # the base class's own flag, which `stop` sets
        self.steps = 0
        self.errors: list[str] = []

    get_debug = staticmethod(bool)  # pyright: ignore[reportAssignmentType] - never; all futures ask, and this needs no frame

    # -- time and scheduling ------------------------------------------------------------------------------------------

    def time(self) -> float:
        """Virtual seconds since the loop began."""
        return self.now_s

    def call_soon(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        self._seq = seq = self._seq + 1
        job = _Job(callback, args, copy_context() if context is None else context, seq)
        if type(getattr(callback, "__self__", None)) is _Task:
            self._task_steps.append(job)
        else:
            self._callbacks.append(job)
        return job

    def call_soon_threadsafe(self, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        return self.call_soon(callback, *args, context=context)

    def call_at(self, when: float, callback: Callable[..., object], *args: Any, context: Context | None = None) -> Any:
        self._seq = seq = self._seq + 1
        timer = _Job(callback, args, copy_context() if context is None else context, seq, when)
        heappush(self._timers, (when, seq, timer))
        return timer

    def call_later(
        self, delay: float, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        return self.call_at(self.now_s + delay, callback, *args, context=context)

    def create_future(self) -> asyncio.Future[Any]:
        return _Future(loop=self)

    async def nap(self, delay_s: float) -> None:
        """`asyncio.sleep` for less: its future is settled as its time comes, not by one more callback."""
        if delay_s <= 0:
            await asyncio.sleep(0)
            return
        self._seq = seq = self._seq + 1
        future: asyncio.Future[None] = _Future(loop=self)
        heappush(self._timers, (self.now_s + delay_s, seq, future))
        await future

    def create_task(
        self,
        coro: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        context: Context | None = None,
    ) -> asyncio.Task[T]:
        held = copy_context() if context is None else context
        task = _Task(coro, loop=self, name=name, context=held)
        self._owned.append((held.get(_NODE), task))
        return task

    def run_in_executor(self, executor: object, func: Callable[..., object], *args: object) -> Any:
        raise RuntimeError(f"a simulated loop starts no threads; {func!r} must be run inline")

    # -- the turn of the wheel ----------------------------------------------------------------------------------------

    def _run_once(self) -> None:
        """Work until somebody stops the loop; `run_forever` looks between two turns."""
        callbacks, steps = self._callbacks, self._task_steps
        while not self._stopping:
            if not steps:
                if not callbacks:
                    self._jump()
                    continue
                job = callbacks.popleft()
            elif callbacks or len(steps) > 1:
                job = self._choose()
            else:
                job = steps.pop()
            if job._cancelled:  # noqa: SLF001 - the same module, in the hottest line of a run
                continue
            node = job.context.get(_NODE)
            if node is not None and not self._may_step(node):
                self._frozen.append(job)
                continue
            self.steps += 1
            if self.steps > self._steps_max:
                raise TooManySteps(f"more than {self._steps_max} steps; virtual time {self.now_s:.3f} s")
            try:
                job.context.run(job.callback, *job.args)
            except Exception as error:  # noqa: BLE001 - as every event loop does: kept, and the loop goes on
                self.call_exception_handler({"message": f"exception in callback {job.callback!r}", "exception": error})

    def _jump(self) -> None:
        """Move time to the next timer and make everything due by then ready."""
        timers = self._timers
        while timers and timers[0][2].cancelled():
            heappop(timers)
        if not timers:
            raise Deadlock(f"nothing is ready and no timer runs; virtual time {self.now_s:.3f} s")
        self.now_s = max(self.now_s, timers[0][0])
        while timers and timers[0][0] <= self.now_s:
            due = heappop(timers)[2]
            if isinstance(due, _Job):
                self._seq = due.seq = self._seq + 1
                self._callbacks.append(due)
            elif not due.done():
                due.set_result(None)

    def _choose(self) -> _Job:
        """The next of several: any ready task's step, or the oldest callback."""
        callbacks, steps = self._callbacks, self._task_steps
        if self._disorder and self._random.random() < self._disorder:
            at = int(self._random.random() * (len(steps) + (1 if callbacks else 0)))
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

    def forget(self) -> None:
        """Let go of tasks that are done: a long life has many."""
        self._owned = [(node, task) for node, task in self._owned if not task.done()]

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
        tasks = [task for _, task in self._owned if not task.done()]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a coroutine that a dying `finally` made and could not start
            for task in tasks:
                with contextlib.suppress(BaseException):
                    task.get_coro().close()
            for kept in (self._callbacks, self._task_steps, self._timers, self._frozen, self._owned):
                kept.clear()
            del tasks
        self.close()
